"""CSV files that people bring: read as text, every cell as it stands, or one message that says what is wrong."""

import csv
import difflib
import itertools
import mmap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from empathic import coded, plaincsv
from empathic.errors import InputError

NEW_LINE = b"\n"
NO_ANSWERS = "the file has no row of answers below its header"


@dataclass(frozen=True)
class Sheet:
    """A file's cells as text (empty = missing); the index is the row as a spreadsheet counts, header = 1."""

    path: Path
    cells: pd.DataFrame

    def column(self, name: str, remedy: str) -> pd.Series:
        """The cells of a column. Raises InputError, with this remedy, where there is none of that name."""
        if name in self.cells:
            return self.cells[name]
        near = difflib.get_close_matches(name, self.cells.columns, n=1)
        known = f"did you mean '{near[0]}'?" if near else f"found: {shorten(self.cells.columns)}"
        raise InputError(self.path, f"no such column ({known})", remedy, column=name)

    def filled(self, name: str, remedy: str) -> pd.Series:
        """The cells of a column that must not be empty. Raises InputError where it lacks, or a cell is empty."""
        cells = self.column(name, remedy)
        self.refuse(cells.isna(), name, "the cell is empty", "Every row needs one: fill it in, or take the row out")
        return cells

    def numbers(self, name: str, remedy: str, *, whole: bool = False, least: float = 0) -> pd.Series:
        """A column's numbers, missing where empty. Raises InputError at the first that is none or below `least`."""
        cells = self.column(name, remedy)
        found = numbers(cells)
        right = np.isfinite(found) & (found >= least) & (is_whole(found) if whole else True)
        wrong = cells.notna() & ~right
        kind = "a whole number" if whole else "a number"
        problem = f"{first(cells, wrong)!r} is not {kind} from {least:g} on"
        self.refuse(wrong, name, problem, "Correct the cell, or empty it where the value is not known")
        return found

    def agrees(self, name: str, said: str) -> None:
        """Raise InputError where the file has a column that says otherwise, in some row, than the config does."""
        if name in self.cells:
            cells = self.cells[name]
            wrong = (cells != said).fillna(False).astype(bool)
            problem = (
                f"'{first(cells, wrong)}' here, and `{name}: {said}` in the config, which holds for the whole file"
            )
            self.refuse(
                wrong,
                name,
                problem,
                "Correct one of them, give rows of other kinds a file of their own, or "
                "call the column otherwise where it means something else",
            )

    def renamed(self, columns: Mapping[str, str]) -> "Sheet":
        """The sheet with these columns (our name: the file's own) under our names.

        Raises InputError where one is not there, or our name is that of another column of the file.
        """
        for ours, theirs in columns.items():
            self.column(theirs, "Correct the config's `columns`, which say how the file calls what")
            if ours != theirs and ours in self.cells and ours not in columns.values():
                problem = f"the config calls this column '{ours}', and the file has another one of that name"
                raise InputError(self.path, problem, "Rename one of them in the file", column=theirs)
        return Sheet(self.path, self.cells.rename(columns={theirs: ours for ours, theirs in columns.items()}))

    def refuse(self, wrong: pd.Series, column: str, problem: str, remedy: str) -> None:
        """Raise InputError at the first row that is marked as wrong, if there is one."""
        if wrong.any():
            raise InputError(self.path, problem, remedy, row=int(wrong.index[wrong.to_numpy().argmax()]), column=column)


def read(path: Path | str, *, header_rows: int = 1, recurring: bool = False) -> tuple[Sheet, list[list[str]]]:
    """Read a CSV file: its cells, and its header rows (the first of them names the columns).

    recurring: the cells of a column are few different texts; they are given as categoricals (see `coded`).

    Raises InputError for a file that is empty, not UTF-8, not separated by commas, that has no row below its header,
    a column name twice, or a row of another length than the header.
    """
    path = Path(path)
    # Whatever is out of the ordinary is read with care, which tells what it is and in which row.
    headers, cells = plaincsv.read(path, header_rows, recurring) or _read_with_care(path, header_rows, recurring)
    cells = _without_empty_rows(cells)
    if cells.empty:
        raise InputError(path, NO_ANSWERS, "Export it again, or take it out of the config")
    return Sheet(path, cells), headers


def _without_empty_rows(cells: pd.DataFrame) -> pd.DataFrame:
    filled = np.zeros(len(cells), dtype=bool)
    for name in cells:
        filled |= cells[name].notna().to_numpy()
        if filled.all():
            return cells
    return cells[filled]


def _read_with_care(path: Path, header_rows: int, recurring: bool) -> tuple[list[list[str]], pd.DataFrame]:
    headers, rows = _check(path, header_rows)
    with open(path, encoding="utf-8-sig", newline="") as handle:
        reader = csv.reader(handle)
        for _ in range(header_rows):
            next(reader)
        try:
            cells = pd.read_csv(
                handle,
                header=None,
                names=headers[0],
                dtype="string",
                keep_default_na=False,
                na_values=[""],
                skip_blank_lines=False,
                index_col=False,
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError):
            cells = None
    if cells is None or len(cells) != rows - header_rows:
        raise InputError(
            path, "no CSV (a quote that opens is not closed, or closes too early)", "Export the file again"
        )
    cells.index = pd.RangeIndex(header_rows + 1, rows + 1)
    return headers, cells.apply(coded.encoded) if recurring else cells


def made_safe(cells: pd.Series) -> pd.Series:
    """Texts that a spreadsheet would take for a formula (they begin with = + - @, a tab or a return), with a ' before.

    Numbers stay as they are. So OWASP, "CSV Injection".
    """
    codes, known = coded.parts(cells)  # Each text that occurs is looked at once.
    texts = pd.Series(known, dtype="string")
    risky = texts.str.match(r"[=+\-@\t\r]").fillna(False).astype(bool) & numbers(texts).isna()
    if not risky.any():
        return cells
    cells = coded.texts(cells)
    return cells.mask(risky.to_numpy()[codes] & (codes >= 0), "'" + cells)


def numbers(cells: pd.Series) -> pd.Series:
    """Cells as floats; NaN where a cell is empty or no number."""
    codes, known = coded.parts(cells)  # Each text that occurs is read once.
    texts = pd.Series(known, dtype="string" if isinstance(cells.dtype, pd.CategoricalDtype) else cells.dtype)
    found = pd.to_numeric(texts, errors="coerce").astype("Float64").astype("float64")
    return pd.Series(np.append(found.to_numpy(), np.nan)[codes], cells.index, name=cells.name)


def is_whole(found: pd.Series) -> pd.Series:
    """Which numbers are whole ones, infinity among them."""
    return np.floor(found) == found


def first(cells: pd.Series, wrong: pd.Series) -> str:
    """The first cell that is marked as wrong, for a message; empty where none is."""
    return str(cells.to_numpy(dtype=object, na_value="")[wrong.to_numpy().argmax()]) if wrong.any() else ""


def shorten(names: Iterable[str], most: int = 12) -> str:
    """Names in one line, the first ones where there are many."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def not_utf8(path: Path) -> InputError:
    """The message for a file that is not UTF-8, with the place of the first byte at fault."""
    data = path.read_bytes()
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found = f"byte 0x{data[error.start]:02x} on line {line}"
        return InputError(path, f"the text is not UTF-8 ({found})", "Save or export it as CSV in UTF-8")
    raise AssertionError("a file that could not be decoded can be")


def _check(path: Path, header_rows: int) -> tuple[list[list[str]], int]:
    """The header rows, and how many rows the file has with them."""
    headers: list[list[str]] = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle)
            headers = list(itertools.islice(reader, header_rows))
            if headers:
                _check_names(path, headers[0])
            cells = np.fromiter(map(len, reader), dtype=np.int64)
    except UnicodeDecodeError:
        # Text is decoded a block at a time: the place of the fault in the whole file has to be looked for.
        raise not_utf8(path) from None
    except csv.Error as error:
        raise InputError(path, f"no CSV ({error})", "Export the file again") from None
    lengths = np.concatenate([[len(row) for row in headers], cells]).astype(int)
    if not lengths.any():
        raise InputError(path, "the file is empty", "Export it again, or take it out of the config")
    # A row that is one blank line has no cell at all; among header rows it hides what they say.
    broken = (lengths != lengths[0]) & ((lengths > 0) | (np.arange(len(lengths)) < header_rows))
    if broken.any():
        at = int(broken.argmax())
        raise InputError(
            path,
            f"{lengths[at]} cells where the header has {lengths[0]}",
            "The row is cut off or broken by a comma that is not quoted: export the file again",
            row=at + 1,
        )
    if len(lengths) <= header_rows:
        raise InputError(path, NO_ANSWERS, "Export it again, or take it out of the config")
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(b"\0")
        if at >= 0:
            problem = f"a byte of zero is on line {content[:at].count(NEW_LINE) + 1}, and no text in UTF-8 holds one"
            raise InputError(path, problem, "Save or export it as CSV in UTF-8")
    return headers, len(lengths)


def _check_names(path: Path, names: list[str]) -> None:
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            raise InputError(
                path, f"its columns are separated by {called}", "Export it as CSV with commas (in Excel: CSV UTF-8)"
            )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(path, "two columns bear this name", "Rename one of them", row=1, column=twice)
