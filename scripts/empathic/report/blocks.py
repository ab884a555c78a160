"""What a cell of the report may print: Markdown blocks that Quarto and plain pandoc both read.

Tables are raw HTML, as pandoc's own tables would read the texts in them as Markdown; figures are SVG files. Each stands
in a fenced div with its label and caption, which both roads number.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from great_tables import GT
from great_tables import html as as_html
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
    # Columns are known by their places, as great_tables makes ids of the names: heads may be alike, or hold anything.
    names = [f"c{place}" for place in range(len(columns))]
    frame = pd.DataFrame(dict(zip(names, (column.cells for column in columns), strict=True)), dtype=object)
    heads = [as_html(html(column.head)) for column in columns]
    made = (
        GT(frame, rowname_col=names[0], auto_align=False, id=f"gt-{label}")
        # By name: left to itself, a format spares the heads of rows, and they would be escaped for HTML alone.
        .fmt(cell, columns=names)
        .tab_stubhead(heads[0])
        .cols_label(dict(zip(names[1:], heads[1:], strict=True)))
        .cols_align("right", [name for name, column in zip(names, columns, strict=True) if column.numeric])
        .tab_options(quarto_disable_processing=True)
    )
    return labelled(f"tbl-{label}", raw(_scroll(_bare(made), "table")), caption)


def _bare(made: GT) -> str:
    """The table alone of what great_tables makes: neither its style nor the box that holds both.

    The style is 8 kB, the same for every table but for its id, and has no switch; style.css has ours, once. The box
    would scroll inside the one that has a name and is reached by the keyboard.
    """
    return re.search(r"<table.*</table>", made.as_raw_html(), re.DOTALL)[0]


def cards(label: str, caption: str, columns: Sequence[Column], below: Iterable[Any]) -> str:
    """A table of long words that never scrolls sideways: on a narrow page each row is a card of its own.

    below: for each row a text that stands under it over the whole width. great_tables has no such second line, nor
    cells that know their column's head by anything but its id, so the HTML is the package's own.
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


def on_page(content: str) -> str:
    """HTML that a page has and a PDF leaves out."""
    return f'<div class="on-page">\n{content}\n</div>'


def listing(text: str, label: str) -> str:
    """HTML of a text in fixed width, in a box that scrolls; label says aloud what it is."""
    return _scroll(f"<pre><code>{html(text)}</code></pre>", label)


def inline(items: Iterable[str]) -> Prose:
    """Sentences in one paragraph."""
    return Prose(" ".join(items))


def _scroll(content: str, label: str) -> str:
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{html(label)}">\n{content}\n</div>'


def _style(column: Column) -> str:
    return ' class="gt_right"' if column.numeric else ""  # as great_tables calls it, so that one style serves both
