"""What a cell of the report may print: Markdown blocks that Quarto and plain pandoc both read.

Tables are raw HTML, as pandoc's own tables would read the texts in them as Markdown; figures are SVG files. Each stands
in a fenced div with its label and caption, which both roads number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from empathic.report import figures
from empathic.report.words import Prose, cell, html, prose

FENCE = "`" * 3


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
    head = "".join(f'<th scope="col"{_style(column)}>{html(column.head)}</th>' for column in columns)
    body = []
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = [
            f'<th scope="row">{cell(text)}</th>' if place == 0 else f"<td{_style(column)}>{cell(text)}</td>"
            for place, (column, text) in enumerate(zip(columns, row, strict=True))
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    content = f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody>"
    return labelled(f"tbl-{label}", raw(_scroll(f"<table>{content}</table>", "table")), caption)


def figure(label: str, caption: str, drawing: Figure, alt: str) -> str:
    """A drawing, saved beside the page as SVG, with its caption (prose) and a description of what it shows (prose)."""
    path = Path("figures") / f"{label}.svg"
    figures.save(drawing, path)
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
