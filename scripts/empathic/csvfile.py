"""Tables as CSV, made by pyarrow: pandas' own to_csv takes many times as long over a million rows."""

import csv
import io
from dataclasses import dataclass
from typing import IO

import numpy as np
import pandas as pd
import pyarrow
from pyarrow import compute

from empathic import coded

ROWS_AT_ONCE = 16_000  # Lines are made in memory, so many at a time that the processor's own memory holds them.
FEW_TEXTS = 10_000
NEEDS_QUOTES = '[",\n\r]'
TEXT = pyarrow.large_string()
NOTHING, COMMA, END, QUOTE = (pyarrow.scalar(text, TEXT) for text in ("", ",", "\n", '"'))


def write(table: pd.DataFrame, handle: IO[bytes]) -> None:
    """Write a table as UTF-8 CSV with one header row; what is missing is an empty cell.

    The bytes are those of pandas' to_csv with "\\n" at the ends of lines, but that a carriage return is quoted, too:
    alone and unquoted it would end a row for whoever reads the file.
    """
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(list(table))
    handle.write(header.getvalue().encode())
    columns = _joined([_spelt(table[name], COMMA) for name in list(table)[:-1]] + [_spelt(table.iloc[:, -1], END)])
    for start in range(0, len(table), ROWS_AT_ONCE):
        cells = [column.cells(start) for column in columns]
        handle.write(compute.binary_join_element_wise(*cells, NOTHING).buffers()[2])


@dataclass(frozen=True)
class Spelt:
    """A column, or several, as spelt in the file: its texts, each with what ends a cell behind it, and which are whose.

    codes: for each column the number of its text in each row (-1: the last one), and how many texts it has; of several
    columns, a text is one of theirs each. None: the texts are those of the rows.
    """

    texts: pyarrow.LargeStringArray
    codes: tuple[tuple[np.ndarray, int], ...] | None = None

    def cells(self, start: int) -> pyarrow.LargeStringArray:
        """So many rows as are written at once, from this one on."""
        if self.codes is None:
            return self.texts.slice(start, ROWS_AT_ONCE)
        places = 0
        for codes, texts in self.codes:
            own = codes[start : start + ROWS_AT_ONCE]
            places = places * np.int32(texts) + np.where(own < 0, np.int32(texts - 1), own)
        return compute.take(self.texts, pyarrow.array(places))


def _spelt(column: pd.Series, end: pyarrow.Scalar) -> Spelt:
    """Each text that recurs is spelt once."""
    if isinstance(column.dtype, pd.StringDtype):
        texts = pyarrow.array(column.array, from_pandas=True)
        whole = texts.combine_chunks() if isinstance(texts, pyarrow.ChunkedArray) else texts
        return Spelt(_ended(whole.cast(TEXT).fill_null(""), end))
    codes, known = coded.parts(column)
    texts = [str(value) for value in np.asarray(known, dtype=object).tolist()]
    texts.append("")  # of cells that are missing
    return Spelt(_ended(pyarrow.array(texts, type=TEXT), end), ((codes, len(texts)),))


def _joined(columns: list[Spelt]) -> list[Spelt]:
    """The same with neighbours of few texts in one, each pair of their texts spelt once."""
    made = columns[:1]
    for column in columns[1:]:
        last = made[-1]
        if last.codes is None or column.codes is None or len(last.texts) * len(column.texts) > FEW_TEXTS:
            made.append(column)
            continue
        left, right = np.divmod(np.arange(len(last.texts) * len(column.texts)), len(column.texts))
        pairs = [compute.take(last.texts, pyarrow.array(left)), compute.take(column.texts, pyarrow.array(right))]
        made[-1] = Spelt(compute.binary_join_element_wise(*pairs, NOTHING), last.codes + column.codes)
    return made


def _ended(texts: pyarrow.LargeStringArray, end: pyarrow.Scalar) -> pyarrow.LargeStringArray:
    return compute.binary_join_element_wise(_quoted(texts), end, NOTHING)


def _quoted(texts: pyarrow.LargeStringArray) -> pyarrow.LargeStringArray:
    needs = compute.match_substring_regex(texts, NEEDS_QUOTES)
    if not compute.any(needs).as_py():
        return texts
    quoted = compute.binary_join_element_wise(QUOTE, compute.replace_substring(texts, '"', '""'), QUOTE, NOTHING)
    return compute.if_else(needs, quoted, texts)
