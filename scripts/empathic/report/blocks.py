"""What a cell of the report may print: Markdown blocks that Quarto and plain pandoc both read.

Tables are raw HTML, as pandoc's own tables would read the texts in them as Markdown; figures are SVG files. Each stands
in a fenced div with its label and caption, which both roads number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from empathic import csvfile, files
from empathic.report import figures
from empathic.report.words import Prose, cell, html, prose

FENCE = "`" * 3


class Markup(str):
    """HTML that is safe to stand in a cell as it is."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, its cells (texts, escaped here), and whether these are numbers (set right)."""

    head: str
    cells: Sequence[Any]
    numeric: bool = False


def words(head: str, cells: Iterable[Any]) -> Column:
    """A column of words."""
    return Column(head, list(cells))


def numbers(head: str, cells: Iterable[Any]) -> Column:
    """A column of numbers, formatted already."""
    return Column(head, list(cells), numeric=True)


def table(label: str, caption: str, columns: Sequence[Column]) -> str:
    """A table with its caption (prose); each row is headed by its first cell.

    It stands in a box of its own that scrolls where the page is narrow.
    """
    body = []
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = [
            f'<th scope="row">{cell(text)}</th>' if place == 0 else f"<td{_style(column)}>{cell(text)}</td>"
            for place, (column, text) in enumerate(zip(columns, row, strict=True))
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return labelled(f"tbl-{label}", raw(_scroll(f"<table>{_content(columns, body)}</table>", "table")), caption)


def cards(label: str, caption: str, columns: Sequence[Column], below: Iterable[Any]) -> str:
    """A table of long words that never scrolls sideways: on a narrow page each row is a card of its own.

    below: for each row a text that stands under it over the whole width.
    """
    body = []
    for cells, text in zip(zip(*(column.cells for column in columns), strict=True), below, strict=True):
        (_, first), *others = zip(columns, cells, strict=True)
        # The roles: drawn as cards, it is no table to a browser, and would be none to a screen reader.
        said = "".join(
            f'<td role="cell" data-head="{html(column.head)}"{_style(column)}>{_cell(cell)}</td>'
            for column, cell in others
        )
        body.append(f'<tr role="row"><th scope="row" role="rowheader">{html(first)}</th>{said}</tr>')
        under = f'<td role="cell" colspan="{len(columns)}">{html(text)}</td>'
        body.append(f'<tr role="row" class="below">{under}</tr>')
    return labelled(
        f"tbl-{label}", raw(f'<table role="table" class="cards">{_content(columns, body)}</table>'), caption
    )


def _cell(cell: Any) -> str:
    return cell if isinstance(cell, Markup) else html(cell)


def link(place: str, said: str) -> Markup:
    """A link to a place on the page; place: its label."""
    return Markup(f'<a href="#{html(place)}">{html(said)}</a>')


def _content(columns: Sequence[Column], body: Iterable[str]) -> str:
    head = "".join(f'<th scope="col"{_style(column)}>{html(column.head)}</th>' for column in columns)
    return f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody>"


def figure(label: str, caption: str, drawing: Figure, alt: str, data: pd.DataFrame) -> str:
    """A drawing with its caption (prose) and a description of what it shows (prose).

    data: the numbers that it draws. Beside the page lie figures/{label}.svg, .pdf and .csv.
    """
    path = Path("figures") / f"{label}.svg"
    figures.save(drawing, path)
    with files.whole(path.with_suffix(".csv"), "wb") as handle:
        csvfile.write(data, handle)
    width = round(96 * drawing.get_figwidth())
    image = f'![]({path.as_posix()}){{fig-alt="{prose(alt)}" width="{width}"}}'
    box = f'::: {{.scroll tabindex="0" role="group" aria-label="figure"}}\n\n{image}\n\n:::'
    return labelled(f"fig-{label}", box, caption)


def labelled(label: str, content: str, caption: str) -> str:
    """A numbered float: content under a label, its caption last."""
    return f":::: {{#{label}}}\n\n{content}\n\n{caption}\n\n::::\n"


def raw(content: str) -> str:
    """HTML that both roads pass on as it is."""
    return f"{FENCE}{{=html}}\n{content}\n{FENCE}"


def quoted(text: str, name: str = "text") -> str:
    """HTML of a text that somebody wrote, as it was written, its line ends and its direction kept to itself."""
    return f'<div class="{name}" dir="auto">{html(text)}</div>'


def listed(items: Iterable[str]) -> str:
    """A list of items that are prose already."""
    return "\n".join(f"- {item}" for item in items) + "\n"


def folded(title: str, content: str) -> str:
    """HTML behind a line that unfolds it."""
    return f"<details><summary>{html(title)}</summary>\n{content}\n</details>"


def listing(text: str, label: str) -> str:
    """HTML of a text in fixed width, in a box that scrolls; label says aloud what it is."""
    return _scroll(f"<pre><code>{html(text)}</code></pre>", label)


def inline(items: Iterable[str]) -> Prose:
    """Sentences in one paragraph."""
    return Prose(" ".join(items))


def _scroll(content: str, label: str) -> str:
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{html(label)}">\n{content}\n</div>'


def _style(column: Column) -> str:
    return ' class="number"' if column.numeric else ""
