"""What a reader, or a browser, finds on a page: its text, its tables and pictures, and what it asks of a network."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

INLINE = ("a", "b", "code", "em", "i", "span", "strong", "sup", "wbr")


@dataclass
class Page:
    """A page taken apart. asked: addresses that a browser would load; run: scripts; heads: what cells are headed by."""

    text: str = ""
    alternatives: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    tables: int = 0
    ids: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.page, self.pieces, self.silent, self.caption = Page(), [], None, None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.pieces.append("" if tag in INLINE else " ")
        if tag in ("style", "script", "title"):
            self.silent = tag
        if tag == "img":
            self.page.alternatives.append(attributes.get("alt", ""))
        if tag == "figcaption":
            self.caption = len(self.pieces)
        self.page.tables += tag == "table"
        self.page.ids += [attributes["id"]] if "id" in attributes else []
        self.page.heads += attributes.get("headers", "").split()
        loads = [attributes.get(name) for name in ("src", "srcset", "data", "poster", "action")]
        loads += [attributes.get("href")] if tag in ("link", "use", "image") else []
        self.page.asked += [address for address in loads if address and not address.startswith("data:")]
        self.page.run += [name for name in attributes if name.startswith("on")]

    def handle_endtag(self, tag):
        self.pieces.append("" if tag in INLINE else " ")
        if tag == self.silent:
            self.silent = None
        if tag == "figcaption":
            self.page.captions.append(_plain(self.pieces[self.caption :]))

    def handle_data(self, data):
        if self.silent == "script":
            self.page.run.append(data)
        if self.silent == "style":
            self.page.asked += re.findall(r"(?:@import|url\()\s*[\"']?(?!data:)([^\"')]+)", data)
        if self.silent is None:
            self.pieces.append(data)


class _Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.inside = [], False

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def rows_of(table):
    """The texts of the cells of a table, or of several: a list for each row, the head first."""
    reader = _Cells()
    reader.feed(table)
    return reader.rows


def _plain(pieces):
    return " ".join("".join(pieces).split())


def read(path):
    """Take apart the page at a path."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.page.text = _plain(reader.pieces)
    return reader.page
