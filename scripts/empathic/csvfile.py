"""Tables as CSV, made by pyarrow: pandas' own to_csv takes many times as long over a million rows."""

import csv
import io
from typing import IO

import numpy as np
import pandas as pd
import pyarrow
from pyarrow import compute

ROWS_AT_ONCE = 100_000  # Lines are made in memory, so many at a time.
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
    cells = [_cells(table[name]) for name in table]
    for start in range(0, len(table), ROWS_AT_ONCE):
        rows = [column.slice(start, ROWS_AT_ONCE) for column in cells]
        lines = compute.binary_join_element_wise(*rows, COMMA, null_handling="replace", null_replacement="")
        lines = compute.binary_join_element_wise(lines, NOTHING, END)
        handle.write(lines.buffers()[2])


def _cells(column: pd.Series) -> pyarrow.LargeStringArray:
    """A column as it is spelt in the file, null where missing. Each text that occurs is spelt once."""
    if isinstance(column.dtype, pd.StringDtype):
        texts = pyarrow.array(column.array, from_pandas=True)
        return _quoted((texts.combine_chunks() if isinstance(texts, pyarrow.ChunkedArray) else texts).cast(TEXT))
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, known = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, known = pd.factorize(column)
    spelt = [str(value) for value in np.asarray(known, dtype=object).tolist()]
    places = pyarrow.array(codes, mask=codes < 0)
    return compute.take(_quoted(pyarrow.array(spelt, type=TEXT)), places)


def _quoted(texts: pyarrow.LargeStringArray) -> pyarrow.LargeStringArray:
    needs = compute.match_substring_regex(texts, NEEDS_QUOTES)
    if not compute.any(needs).as_py():
        return texts
    quoted = compute.binary_join_element_wise(QUOTE, compute.replace_substring(texts, '"', '""'), QUOTE, NOTHING)
    return compute.if_else(needs, quoted, texts)
