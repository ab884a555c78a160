"""Columns whose texts recur, as pandas categoricals: a code a row, and each text once.

Of a million ratings each text (a rater, a post, a source) stands in many rows. Held, compared, sorted and written as
codes they take a fraction of the time and memory that texts take.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from pandas.api.types import is_integer_dtype, union_categoricals

LARGEST = 2**62  # Of the codes of several columns in one: they are 64-bit integers.


def of(codes: np.ndarray, texts: Iterable) -> pd.Categorical:
    """The column that has in each row the text of this number; -1: missing."""
    places, known = pd.factorize(pd.array(texts, dtype="string"))
    places = np.append(places, -1).astype(np.min_scalar_type(-1 - len(known)))  # As few bytes a row as do.
    return pd.Categorical.from_codes(places[codes], pd.Index(known, dtype="string"))


def constant(text: str, rows: int) -> pd.Categorical:
    """The column that has this text in each of its rows."""
    return pd.Categorical.from_codes(np.zeros(rows, dtype="int8"), pd.Index([text], dtype="string"))


def encoded(column: pd.Series) -> pd.Series:
    """A column of texts as a categorical; as it is where it is one."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column
    codes, known = pd.factorize(column)
    return pd.Series(of(codes, known), column.index, name=column.name)


def parts(column: pd.Series) -> tuple[np.ndarray, pd.Index | np.ndarray]:
    """For each row the number of its value among the column's (-1: missing), and these, once each.

    As in a categorical, there may be values among them that no row has.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.array.codes, column.array.categories
    if is_integer_dtype(column.dtype) and column.notna().any():
        least, most = int(column.min()), int(column.max())
        if most - least < len(column):  # Places, say, or numbers of rows: they count themselves.
            return (column - least).to_numpy("int64", na_value=-1), np.arange(least, most + 1)
    return pd.factorize(column)


def occurring(column: pd.Series) -> set:
    """The values of a column, without what is missing."""
    codes, known = parts(column)
    return set(np.asarray(known, dtype=object)[np.bincount(codes[codes >= 0], minlength=len(known)) > 0])


def texts(column: pd.Series) -> pd.Series:
    """A column of texts as such."""
    return column.astype("string")


def concat(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The frames, one below the other, with a new index; what is a categorical in one is one."""
    if len(frames) == 1:
        return frames[0].reset_index(drop=True)
    made = {}
    for name in dict.fromkeys(name for frame in frames for name in frame):
        parts = [frame.get(name, pd.Series(pd.NA, frame.index)) for frame in frames]
        if any(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
            made[name] = pd.Series(union_categoricals([encoded(part) for part in parts]))
        else:
            made[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(made, copy=False)


def numbered(columns: Iterable[pd.Series], *, in_order: bool = False) -> np.ndarray:
    """One number for each row's values in these columns, equal where they are all equal.

    in_order: the numbers sort as the rows do by these columns, the first one first; texts by their characters' code
    points, what is missing last.
    """
    numbers, size = None, 1
    for column in columns:
        own, known = _ranks(column, in_order)
        if numbers is None:
            numbers, size = own, known
            continue
        if size * known > LARGEST:
            kinds, numbers = np.unique(numbers, return_inverse=True)
            size = len(kinds)
        numbers *= known
        numbers += own
        size *= known
    return numbers


def recur(columns: Iterable[pd.Series]) -> bool:
    """Whether two rows have the same values in all these columns."""
    # Rows of one rater stand together, so that they are soon sorted; to hash millions takes several times as long.
    numbers = numbered(columns)
    numbers.sort(kind="stable")
    return bool((numbers[1:] == numbers[:-1]).any())


def _ranks(column: pd.Series, in_order: bool) -> tuple[np.ndarray, int]:
    """The place of each value among those of its column, and how many there may be; the last one is of the missing."""
    codes, known = parts(column)
    known = pd.Index(known)
    places = np.empty(len(known) + 1, dtype="int64")
    places[known.argsort() if in_order else slice(-1)] = np.arange(len(known))
    places[-1] = len(known)
    return places[codes], len(known) + 1
