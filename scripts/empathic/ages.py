"""Ages in bands: how raters.csv writes one, and the age that a model takes for it."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from empathic.errors import InputError

COLUMN = "age"
OPEN_YEARS = 10  # An open band counts as so many years wide, as most of the bands that are closed are.
BELOW = -(OPEN_YEARS + 1) / 2  # from the age at which an open band ends to its middle
OLDER = (OPEN_YEARS - 1) / 2  # from the age at which an open band begins to its middle
BAND = re.compile(r"(\d+)-(\d+)|below (\d+)|(\d+) or older")


def labels(starts: Sequence[int]) -> list[str]:
    """The bands that begin at these ages, the open ones at both ends among them, as texts."""
    between = [f"{low}-{high - 1}" for low, high in zip(starts[:-1], starts[1:], strict=True)]
    return [f"below {starts[0]}", *between, f"{starts[-1]} or older"]


def among(beside: Mapping[str, tuple[str, str]]) -> bool:
    """Whether ages in bands are among the columns that come from other tables, each with (table, key)."""
    return COLUMN in beside and beside[COLUMN][0] == "raters"


def middles(bands: pd.Series) -> pd.Series:
    """The age in the middle of each band: 29.5 of "25-34", 12.5 of "below 18", 69.5 of "65 or older".

    What is missing stays so. Raises InputError where a text is no band.
    """
    return bands.map({band: _middle(band) for band in bands.dropna().unique()}).astype(float)


def _middle(band: str) -> float:
    found = BAND.fullmatch(str(band))
    if not found:
        raise InputError(
            "raters.csv",
            f"'{band}' is no band of ages",
            "It was changed after the package wrote it: delete it and start again",
            column=COLUMN,
        )
    low, high, end, start = (None if age is None else int(age) for age in found.groups())
    if end is not None:
        return end + BELOW
    return (low + high) / 2 if start is None else start + OLDER
