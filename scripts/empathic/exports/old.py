"""What survey platforms give: one reader a format, all to the same two tables.

Platform ids are in these tables only, in memory; they, and whatever else names a person, are in no message: a row is.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from empathic import exclusions, sheets
from empathic.errors import InputError
from empathic.exports.export import Export
from empathic.instrument import Instrument
from empathic.sheets import Sheet

# Columns by which platforms tell who a person is, where, and how to write to them.
PERSONAL = ("ipaddress", "location", "recipient", "externalreference", "prolific", "workerid", "email")
RESERVED = ("included", "reason", "origin", "row", "column", "reference", "platform_id")
NAME_IT = "Name the file's own column in the config, under exports > columns"
PREVIEWS = ("Survey Preview", "Survey Test", "Survey Preview Spam", "1", "2", "9", "17")


def read(described: dict[str, Any], survey: Instrument, item: str, rules: dict[str, Any]) -> Export:
    """Read an export.

    described: file, format (a key of FORMATS), columns and origin, as in the config. item: the primary item. rules:
    the config's `exclusions`; what a rule in force asks for must be in the export.

    Raises InputError for what `sheets.read` refuses, for missing columns, and for cells that are not what they should
    be: off the item's scale, text for a number, an empty id.
    """
    return FORMATS[described["format"]](described, survey, item, rules)


def _qualtrics(described: dict[str, Any], survey: Instrument, item: str, rules: dict[str, Any]) -> Export:
    sheet, headers = sheets.read(described["file"], header_rows=3)
    if not all(cell.startswith("{") and "ImportId" in cell for cell in headers[2]):
        raise InputError(
            sheet.path,
            'this is not the row of {"ImportId": ...} that Qualtrics writes third',
            "Export from Qualtrics as CSV and leave its three header rows as they are",
            row=3,
        )
    unknown = [name for name in described["columns"] if name != "rater_id"]
    if unknown:
        raise InputError(
            sheet.path, f"no column can be named for '{unknown[0]}' here", "A Qualtrics export knows `rater_id` alone"
        )
    raters = _qualtrics_raters(sheet, described["columns"].get("rater_id", "PROLIFIC_PID"), survey, rules)
    ratings, empty = _qualtrics_ratings(sheet, survey, item)
    for name in ("platform_id", "submission"):
        ratings.insert(0, name, raters[name].reindex(ratings["row"]).array)
    raters = raters.reset_index(names="row")
    return Export(
        sheet.path, described["origin"], raters, ratings, ("response_id", "label"), (), empty, one_row_a_rater=True
    )


def _qualtrics_raters(sheet: Sheet, id_column: str, survey: Instrument, rules: dict[str, Any]) -> pd.DataFrame:
    ids = sheet.column(
        id_column, "Name the column with the raters' ids in the config, under exports > columns > rater_id"
    )
    status = sheet.cells["Status"] if "Status" in sheet.cells else pd.Series(pd.NA, ids.index, dtype="string")
    preview = status.isin(PREVIEWS).astype(bool)
    sheet.refuse(
        ids.isna() & ~preview, id_column, "the rater's id is empty", "Fill it in, or take the row out of the export"
    )
    own = pd.Series([f"{sheet.path}, row {row}" for row in ids.index], ids.index, dtype="string")
    if "ResponseId" in sheet.cells:
        own = sheet.cells["ResponseId"].fillna(own)
    columns = {"finished": "Finished", "duration_s": "Duration (in seconds)"}
    columns |= {check.name: check.name for check in survey.attention_checks}
    facts = _facts(sheet, columns, survey, rules, "Export all columns from Qualtrics, with numeric values")
    started = pd.to_datetime(sheet.cells.get("StartDate", pd.Series(pd.NaT, ids.index)))
    who = {"platform_id": ids.mask(preview, "preview " + own), "submission": own, "preview": preview}
    return pd.DataFrame({**who, "started": started, **facts})


def _qualtrics_ratings(sheet: Sheet, survey: Instrument, item: str) -> tuple[pd.DataFrame, int]:
    items = sorted((known.name for known in survey.items), key=len, reverse=True)
    pattern = re.compile(rf"R_(?P<reference>.+?)_(?P<item>{'|'.join(items)}|DO)")
    named = {name: pattern.fullmatch(name) for name in sheet.cells if name.startswith("R_")}
    for name, match in named.items():
        if match is None:
            raise InputError(
                sheet.path,
                f"the name ends in no item of the instrument ({', '.join(items)})",
                "Rename the column to R_{response_id}_{item}, or add the item to the instrument",
                column=name,
            )
    rated = [name for name, match in named.items() if match["item"] != "DO"]
    if not any(named[name]["item"] == item for name in rated):
        raise InputError(
            sheet.path, f"no column R_{{response_id}}_{item}", "Name the questions so in the survey, then export again"
        )
    cells = sheet.cells[rated]
    row, column = np.nonzero(cells.notna().to_numpy())
    answers = pd.Series(cells.to_numpy(dtype=object)[row, column], dtype="string")
    ratings = pd.DataFrame(
        {
            "row": sheet.cells.index.to_numpy()[row],
            "column": pd.Categorical.from_codes(column, rated),
            "reference": pd.array([named[name]["reference"] for name in rated], dtype="string")[column],
            "item": pd.array([named[name]["item"] for name in rated], dtype="string")[column],
        }
    )
    ratings["rating"] = _on_scale(sheet.path, answers, ratings, survey)
    ratings["position"] = _positions(sheet, ratings)
    return ratings, cells.size - len(ratings)


def _positions(sheet: Sheet, ratings: pd.DataFrame) -> pd.Series:
    """The place of each rating in its rater's sequence, from the columns R_{reference}_DO; missing where none is."""
    shown = pd.Series([f"R_{reference}_DO" for reference in ratings["reference"].unique()])
    shown = shown[shown.isin(sheet.cells.columns)]
    columns = pd.Index(shown).get_indexer("R_" + ratings["reference"] + "_DO")
    positions = pd.Series(np.nan, ratings.index)
    at = columns >= 0
    if at.any():
        rows = sheet.cells.index.get_indexer(ratings.loc[at, "row"])
        cells = pd.Series(sheet.cells[shown].to_numpy(dtype=object)[rows, columns[at]], dtype="string")
        positions[at] = sheets.numbers(cells).to_numpy()
        wrong = cells.notna().to_numpy() & ~((positions[at] >= 1) & (positions[at] % 1 == 0)).to_numpy()
        if wrong.any():
            raise InputError(
                sheet.path,
                f"{str(cells[wrong.argmax()])!r} is not a place in a sequence (1, 2, ...)",
                "Correct the cell, or empty it where the place is not known",
                row=int(ratings.loc[at, "row"].iloc[wrong.argmax()]),
                column=shown.iloc[columns[at][wrong.argmax()]],
            )
    return positions.astype("Int64")


def _long(described: dict[str, Any], survey: Instrument, item: str, rules: dict[str, Any]) -> Export:
    sheet, _ = sheets.read(described["file"])
    columns = described["columns"]
    checks = [check.name for check in survey.attention_checks]
    carried = tuple(name for name in columns if name not in {*LONG_COLUMNS, *checks})
    _check_columns(sheet, columns, carried)
    ids = sheet.filled(columns["rater_id"], NAME_IT)
    ratings = pd.DataFrame({"platform_id": ids, "submission": ids, "row": ids.index}, index=ids.index)
    if "item" in columns:
        ratings["item"] = sheet.filled(columns["item"], NAME_IT)
        known = [known.name for known in survey.items]
        strange = ~ratings["item"].isin(known)
        problem = f"{sheets.first(ratings['item'], strange)!r} is no item of the instrument ({', '.join(known)})"
        sheet.refuse(strange, columns["item"], problem, "Correct the cell, or add the item to the instrument")
    else:
        ratings["item"] = pd.array([item], dtype="string").repeat(len(ids))
    identified_by, place = _name_responses(sheet, columns, ratings)
    answers = sheet.column(columns["rating"], NAME_IT)
    where = ratings[["row", "item"]].assign(column=columns["rating"])
    ratings["rating"] = _on_scale(sheet.path, answers, where, survey)
    ratings["column"] = place
    ratings["position"] = pd.Series(pd.NA, ids.index, dtype="Int64")
    if "position" in columns:
        ratings["position"] = sheet.numbers(columns["position"], NAME_IT, whole=True, least=1).astype("Int64")
    for name in carried:
        ratings[name] = sheet.column(columns[name], NAME_IT)
    raters = _long_raters(sheet, ids, columns, survey, rules)
    ratings = ratings[answers.notna()].reset_index(drop=True)
    return Export(
        sheet.path,
        described["origin"],
        raters,
        ratings,
        identified_by,
        carried,
        int(answers.isna().sum()),
        one_row_a_rater=False,
    )


def _check_columns(sheet: Sheet, columns: dict[str, str], carried: tuple[str, ...]) -> None:
    named_by = [way for way in (["response_id"], ["label"], ["post_id", "source"]) if set(way) <= set(columns)]
    missing = [name for name in ("rater_id", "rating") if name not in columns]
    if missing or not named_by:
        lacks = f"'{missing[0]}'" if missing else "'response_id', nor for 'label', nor for 'post_id' and 'source'"
        raise InputError(
            sheet.path,
            f"no column is named for {lacks} (the file has: {sheets.shorten(sheet.cells.columns)})",
            "Name it in the config, under exports > columns, as `our name: the file's column`",
        )
    for name in carried:
        theirs = columns[name]
        personal = theirs == columns["rater_id"] or theirs.lower().replace("_", "").startswith(PERSONAL)
        if personal or name in RESERVED:
            why = "it tells who a rater is" if personal else f"'{name}' is a column of the package's own"
            remedy = "Take it out of exports > columns" if personal else "Give it another name in exports > columns"
            raise InputError(sheet.path, f"this column is not carried: {why}", remedy, column=theirs)


def _name_responses(sheet: Sheet, columns: dict[str, str], ratings: pd.DataFrame) -> tuple[tuple[str, ...], str]:
    """Add what names the response; returns the column of responses.csv that it stands in, and that of the file."""
    for name in ("post_id", "source", "domain"):
        if name in columns:
            ratings[name] = sheet.filled(columns[name], NAME_IT)
    ratings["sample"] = 0
    if "sample" in columns:
        sheet.filled(columns["sample"], NAME_IT)
        ratings["sample"] = sheet.numbers(columns["sample"], NAME_IT, whole=True).astype("int64")
    for name in ("response_id", "label"):
        if name in columns:
            ratings["reference"] = sheet.filled(columns[name], NAME_IT)
            return (name,), columns[name]
    return (), columns["post_id"]


def _long_raters(
    sheet: Sheet, ids: pd.Series, columns: dict[str, str], survey: Instrument, rules: dict[str, Any]
) -> pd.DataFrame:
    checks = [check.name for check in survey.attention_checks]
    facts = pd.DataFrame({"platform_id": ids, **_facts(sheet, columns, survey, rules, NAME_IT)})
    facts.insert(1, "row", ids.index)
    facts.insert(2, "preview", False)
    facts.insert(3, "submission", ids)
    facts["started"] = pd.NaT
    for name in {"finished", "duration_s", *checks} & set(columns):
        cells = pd.Series(pd.factorize(sheet.column(columns[name], NAME_IT))[0], ids.index)
        differs = cells != cells.groupby(ids).transform("first")
        problem = "the cell differs from that of the same rater's first row"
        sheet.refuse(differs, columns[name], problem, "It tells of the rater: make it the same in all its rows")
    return facts[~ids.duplicated()].reset_index(drop=True)


def _facts(
    sheet: Sheet, columns: dict[str, str], survey: Instrument, rules: dict[str, Any], remedy: str
) -> dict[str, pd.Series]:
    """What the exclusion rules ask of a rater, missing where neither told nor asked for."""
    index = sheet.cells.index
    facts = {
        "finished": pd.Series(pd.NA, index, dtype="boolean"),
        "checks_failed": pd.Series(pd.NA, index, dtype="Int64"),
        "duration_s": pd.Series(np.nan, index),
    }
    asked = _asked_for(sheet, columns, survey, rules)
    if "unfinished" in asked:
        facts["finished"] = _yes_or_no(sheet, columns["finished"], remedy)
    if "attention" in asked:
        facts["checks_failed"] = _checks_failed(sheet, columns, survey, remedy)
    if "too_fast" in asked:
        sheet.filled(columns["duration_s"], remedy)
    if columns.get("duration_s") in sheet.cells:
        facts["duration_s"] = sheet.numbers(columns["duration_s"], remedy)
    return facts


def _asked_for(sheet: Sheet, columns: dict[str, str], survey: Instrument, rules: dict[str, Any]) -> list[str]:
    """The rules in force that ask for columns. Raises InputError where no column is named for what they ask."""
    asks = {
        "unfinished": ["finished"],
        "attention": [check.name for check in survey.attention_checks],
        "too_fast": ["duration_s"],
    }
    asked = [rule for rule in exclusions.applied(rules) if rule in asks]
    unnamed = {rule: [name for name in asks[rule] if name not in columns] for rule in asked}
    unnamed = {rule: names for rule, names in unnamed.items() if names}
    if unnamed:
        raise InputError(
            sheet.path,
            f"no column is named for {', '.join(name for names in unnamed.values() for name in names)}, which the "
            f"exclusion rules ask for ({', '.join(unnamed)})",
            "Name the file's columns in the config, under exports > columns, or take the rules out of the list under "
            "ratings > exclusions",
        )
    return asked


def _yes_or_no(sheet: Sheet, name: str, remedy: str) -> pd.Series:
    words = {"1": True, "true": True, "0": False, "false": False}
    cells = sheet.filled(name, remedy).str.lower()
    strange = ~cells.isin(list(words))
    problem = f"{sheets.first(sheet.cells[name], strange)!r} is none of 1, 0, True, False"
    sheet.refuse(strange, name, problem, "Correct the cell")
    return cells.map(words).astype("boolean")


def _checks_failed(sheet: Sheet, columns: dict[str, str], survey: Instrument, remedy: str) -> pd.Series:
    failed = pd.Series(0, sheet.cells.index, dtype="Int64")
    for check in survey.attention_checks:
        answers = sheet.numbers(columns[check.name], remedy, least=-np.inf)
        failed += (answers != check.right_answer).astype("Int64")
    return failed


def _on_scale(path: Path, answers: pd.Series, where: pd.DataFrame, survey: Instrument) -> np.ndarray:
    """Answers as numbers. where: row, column and item of each. Raises InputError at the first off its item's scale."""
    found = sheets.numbers(answers).to_numpy()
    for item in survey.items:
        scale = item.scale
        steps = (found - scale.min) / scale.step
        fits = (found >= scale.min) & (found <= scale.max) & (np.abs(steps - np.round(steps)) < 1e-6)
        wrong = (where["item"] == item.name).to_numpy(dtype=bool) & answers.notna().to_numpy() & ~fits
        if wrong.any():
            at = wrong.argmax()
            raise InputError(
                path,
                f"{str(answers.iloc[at])!r} is no answer to the item '{item.name}' (its scale: {scale})",
                "Export numbers in place of labels; empty the cell where no answer was given",
                row=int(where["row"].iloc[at]),
                column=str(where["column"].iloc[at]),
            )
    return found


LONG_COLUMNS = (
    "rater_id",
    "response_id",
    "label",
    "post_id",
    "source",
    "sample",
    "domain",
    "item",
    "rating",
    "position",
    "duration_s",
    "finished",
)
FORMATS: dict[str, Callable[[dict[str, Any], Instrument, str, dict[str, Any]], Export]] = {
    "qualtrics": _qualtrics,
    "long": _long,
}
