"""What is told of raters, as far as a config allows it and nobody is known by it."""

import difflib
import re

import pandas as pd

from empathic import ages, sheets
from empathic.errors import InputError
from empathic.exports import Export

NOT_TOLD = ("DATA_EXPIRED", "CONSENT_REVOKED", "Prefer not to say", "Rather not say")
REMEDY = "Take it out of ratings > demographics, or correct the file"


def own_name(column: str) -> str:
    """A column's name as a config and raters.csv have it: `Ethnicity simplified` is ethnicity_simplified."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def allowed(export: Export, names: list[str], bands: list[int]) -> pd.DataFrame:
    """What an export tells of its participants, by their platform_id (the index): the columns that a config allows.

    names: as `own_name` gives them. `age` is given in bands, which begin at `bands`. What the export does not tell is
    missing.

    Raises InputError where an age is no number, or another column holds numbers, which tell more than words do.
    """
    told = export.demographics.set_index("platform_id")
    told.columns = [own_name(column) for column in told]
    found = pd.DataFrame(index=told.index)
    for name in names:
        if name not in told:
            found[name] = pd.array([pd.NA] * len(told), dtype="string")
            continue
        cells = told[name].astype("string").str.strip()
        cells = cells.mask(cells.isin(NOT_TOLD) | (cells == ""))
        in_bands = name == ages.COLUMN
        found[name] = _in_bands(export, cells, bands) if in_bands else sheets.made_safe(_words(export, cells))
    return found


def check(exports: list[Export], names: list[str]) -> None:
    """Raise InputError where no export tells what a config asks for."""
    known = {
        own_name(column): column for export in exports for column in export.demographics if column != "platform_id"
    }
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"told: {sheets.shorten(known) or 'nothing'}"
            raise InputError(
                ", ".join(str(export.file) for export in exports),
                f"no export tells '{name}' of the raters ({hint})",
                "Name the file with the demographics under exports, or take the name out of ratings > demographics",
            )


def _in_bands(export: Export, cells: pd.Series, bands: list[int]) -> pd.Series:
    told = sheets.numbers(cells)
    wrong = (cells.notna() & ~((told >= 0) & (told <= 120))).to_numpy()
    if wrong.any():
        raise InputError(export.file, "an age is no number from 0 to 120", REMEDY, column=ages.COLUMN)
    edges = [-1.0, *bands, 121.0]
    return pd.cut(told, edges, right=False, labels=ages.labels(bands)).astype("string")


def _words(export: Export, cells: pd.Series) -> pd.Series:
    if sheets.numbers(cells).notna().any():
        problem = "it holds numbers, which may tell who a person is: only `age` may, which is given in bands"
        raise InputError(export.file, problem, REMEDY, column=str(cells.name))
    return cells
