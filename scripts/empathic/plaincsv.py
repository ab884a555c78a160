"""CSV files without any irregularity, read in one fast pass; a file with one is left to whoever reads with care."""

import csv
import itertools
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.csv
from pyarrow import compute

BOM = b"\xef\xbb\xbf"
LOOKED_AT = 1 << 20  # Bytes at once.
PARSED = 1 << 22
FEW_TEXTS = 100
CODED = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
# A quote that opens stands behind one of these, one that closes before one; a quote, as two of them stand for one.
EDGES = np.frombuffer(b',\r\n"', dtype=np.uint8)


def read(path: Path, header_rows: int, recurring: bool) -> tuple[list[list[str]], pd.DataFrame] | None:
    """The header rows and the cells of a CSV file, as text, missing where empty; None where it is not plain.

    The index is the row as a spreadsheet counts, header = 1. recurring: columns are categoricals.

    A file is plain that is UTF-8 without bytes of zero, has header rows and rows of one length, no column's
    name twice, and quotes only where RFC 4180 has them. Of such a file every reader of CSV makes the same.
    """
    with open(path, "rb") as handle:
        if not handle.seek(0, 2):
            return None
        headers, start = _headers(handle, header_rows)
        if not _plain_headers(headers, header_rows):
            return None
        with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
            quoted = content.find(b'"', start) >= 0
            if content.find(b"\0") >= 0 or (quoted and not _plain_quotes(content, start)):
                return None
    table = _table(path, start, headers[0], recurring, quoted)
    if table is None or not len(table) or any(_too_long(column) for column in table.columns):
        return None
    index = pd.RangeIndex(header_rows + 1, header_rows + 1 + len(table))
    kinds: dict[tuple, pd.CategoricalDtype] = {}
    cells = {name: _column(table[name], kinds) for name in table.column_names}
    return headers, pd.DataFrame(cells, index=index, copy=False)


def _headers(handle: IO[bytes], header_rows: int) -> tuple[list[list[str]], int]:
    """The header rows, as far as they can be read, and the place of the byte behind them."""
    handle.seek(len(BOM) if _begins_with_bom(handle) else 0)
    try:
        return list(itertools.islice(csv.reader(_lines(handle)), header_rows)), handle.tell()
    except (UnicodeDecodeError, csv.Error):
        return [], 0


def _begins_with_bom(handle: IO[bytes]) -> bool:
    handle.seek(0)
    return handle.read(len(BOM)) == BOM


def _lines(handle: IO[bytes]) -> Iterator[str]:
    """Lines, one read at a time, so that the handle stands behind the last one."""
    while line := handle.readline():
        yield line.decode("utf-8")


def _plain_headers(headers: list[list[str]], header_rows: int) -> bool:
    return (
        len(headers) == header_rows
        and len({len(row) for row in headers}) == 1
        and len(headers[0]) > 1
        and len(set(headers[0])) == len(headers[0])
    )


def _plain_quotes(content: mmap.mmap, start: int) -> bool:
    """Whether every quote from a place on opens a cell, closes one, or is one of a pair that stands for one."""
    opens = True
    for at in range(start, len(content), LOOKED_AT):
        # With the bytes at both sides; where the file ends, a line does.
        block = np.frombuffer(content[at - 1 : at + LOOKED_AT + 1] + b"\n", dtype=np.uint8)
        quotes = np.flatnonzero(block[1 : 1 + min(LOOKED_AT, len(content) - at)] == ord('"')) + 1
        opening = quotes[(0 if opens else 1) :: 2]
        closing = quotes[(1 if opens else 0) :: 2]
        if not (np.isin(block[opening - 1], EDGES).all() and np.isin(block[closing + 1], EDGES).all()):
            return False
        opens ^= bool(len(quotes) % 2)
    return opens


def _table(path: Path, start: int, names: list[str], recurring: bool, quoted: bool) -> pyarrow.Table | None:
    """The rows from this byte on; None where pyarrow refuses one. quoted: there are quotes in them."""
    kind = CODED if recurring else pyarrow.large_string()
    with pyarrow.memory_map(str(path)) as content:
        content.seek(start)
        try:
            return pyarrow.csv.read_csv(
                content,
                read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=PARSED),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=quoted, ignore_empty_lines=False),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, kind),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
        except pyarrow.ArrowInvalid:
            return None


def _too_long(column: pyarrow.ChunkedArray) -> bool:
    """Whether a cell is longer than the reader that reads with care takes."""
    chunks = [chunk.dictionary if recurs(chunk) else chunk for chunk in column.chunks]
    most = csv.field_size_limit()  # Few chunks hold as much in all their cells.
    longest = (compute.max(compute.binary_length(chunk)).as_py() for chunk in chunks if chunk.nbytes > most)
    return any((length or 0) > most for length in longest)


def recurs(column: pyarrow.Array | pyarrow.ChunkedArray) -> bool:
    """Whether a column holds codes of texts."""
    return pyarrow.types.is_dictionary(column.type)


def _column(column: pyarrow.ChunkedArray, kinds: dict[tuple, pd.CategoricalDtype]) -> pd.api.extensions.ExtensionArray:
    """A column for pandas. kinds: those of the columns so far, by their texts; to make one takes longer than the rest.

    Of texts that are few the order is their own, so that hundreds of columns with the same answers are of one kind.
    """
    if not recurs(column):
        return pd.array(column, dtype="string")
    if any(len(chunk.dictionary) > FEW_TEXTS for chunk in column.chunks):
        return _of_many_texts(column)
    texts = [chunk.dictionary.to_pylist() for chunk in column.chunks]
    known = tuple(sorted(set().union(*texts)))
    if len(known) > FEW_TEXTS:
        return _of_many_texts(column)
    if known not in kinds:
        kinds[known] = pd.CategoricalDtype(pd.Index(known, dtype="string"))
    places = [np.array([*map(known.index, own), -1], dtype="int8") for own in texts]
    codes = [own[chunk.indices.fill_null(-1)] for own, chunk in zip(places, column.chunks, strict=True)]
    return pd.Categorical.from_codes(np.concatenate(codes), dtype=kinds[known])


def _of_many_texts(column: pyarrow.ChunkedArray) -> pd.Categorical:
    whole = column.unify_dictionaries().combine_chunks()
    codes = whole.indices.fill_null(-1).to_numpy()
    return pd.Categorical.from_codes(codes, pd.Index(pd.array(whole.dictionary, dtype="string")))
