"""Numbers and texts as a reader meets them: rounded one way, and escaped so that no text is ever markup."""

import math
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"
LONGEST_WORD = 40  # letters
# Beside HTML's own: what Quarto and pandoc would read as shortcode, mathematics, reference or code.
MARKUP = "&<>\"'{}$@`"
# A comma, as text or as prose, but for the one between thousands.
COMMA = re.compile(r"(?<!\d)(?:,|&#44;)|(?:,|&#44;)(?!\d)")


class Prose(str):
    """Markdown that is safe to stand in a sentence: inline code shows it as it is, and does not escape it again."""

    def _repr_markdown_(self) -> str:
        return str(self)


def html(text: Any) -> str:
    """A text for an HTML block: markup as character references; a character that no page may hold as U+FFFD."""
    return "".join(f"&#{ord(char)};" if char in MARKUP else char for char in printable(str(text)))


def cell(text: Any) -> str:
    """HTML of a text for a cell of a table: a word that is longer than any line may break, so that none is cut."""
    pieces = re.split(rf"(\S{{{LONGEST_WORD}}})(?=\S)", str(text))
    return "".join(html(piece) + ("<wbr>" if place % 2 else "") for place, piece in enumerate(pieces))


def prose(text: Any) -> Prose:
    """A text for a line of Markdown: all ASCII punctuation as character references, white space as single spaces."""
    line = " ".join(printable(str(text)).split())
    return Prose(
        "".join(char if char.isalnum() or char == " " or ord(char) > 127 else f"&#{ord(char)};" for char in line)
    )


def printable(text: str) -> str:
    """The text with line ends as \\n and with U+FFFD in place of control characters, which HTML forbids."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char if char in "\n\t" or not _is_control(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _is_control(char: str) -> bool:
    return ord(char) < 32 or 127 <= ord(char) < 160


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN or pandas' NA."""
    return value is None or bool(pd.isna(value))


def number(value: Any, digits: int = 2) -> Prose:
    """A number to so many decimals, with a true minus sign and never as -0; a dash where it is missing."""
    if is_missing(value):
        return Prose(MISSING)
    if math.isinf(value):
        return Prose("∞" if value > 0 else f"{MINUS}∞")
    rounded = round(float(value), digits)
    sign = MINUS if rounded < 0 else ""
    return Prose(f"{sign}{abs(rounded):,.{digits}f}")


def count(value: Any) -> Prose:
    """A whole number with commas between thousands; a dash where it is missing."""
    return Prose(MISSING if is_missing(value) else f"{int(value):,}")


def p_value(value: Any) -> Prose:
    """A p value to three decimals without the leading zero; below .001 as such; a dash where it is missing."""
    if is_missing(value):
        return Prose(MISSING)
    if value < 0.001:
        return Prose("< .001")
    return Prose(f"{value:.3f}".removeprefix("0"))


def interval(low: Any, high: Any, digits: int = 2) -> Prose:
    """An interval in brackets; a dash where an end is missing."""
    if is_missing(low) or is_missing(high):
        return Prose(MISSING)
    return Prose(f"[{number(low, digits)}, {number(high, digits)}]")


def share(part: int, whole: int) -> Prose:
    """A share in per cent, to one decimal; a dash of nothing."""
    return Prose(f"{100 * part / whole:.1f}%" if whole else MISSING)


def listing(items: Iterable[Any], last: str = "and") -> Prose:
    """Items that are prose already as `a, b and c`; where one of them holds a comma, as `a; b, c; and d`."""
    items = [str(item) for item in items]
    if len(items) < 2:
        return in_row(items)
    mark = _mark(items)
    return Prose(f"{in_row(items[:-1], mark)}{'' if mark == ',' else mark} {last} {items[-1]}")


def in_row(items: Iterable[Any], mark: str | None = None) -> Prose:
    """Items that are prose already one after another, with a mark between: left out, that of `listing`."""
    items = [str(item) for item in items]
    return Prose(f"{mark or _mark(items)} ".join(items))


def _mark(items: Iterable[str]) -> str:
    return ";" if any(COMMA.search(item) for item in items) else ","


def counted(value: int, one: str, many: str | None = None) -> Prose:
    """A count with its noun: `1 rater`, `2,880 ratings`."""
    return Prose(f"{count(value)} {one if value == 1 else many or one + 's'}")
