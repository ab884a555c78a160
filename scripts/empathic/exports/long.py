"""One row a rating, from anywhere: a CSV whose columns the config names."""

from typing import Any

import numpy as np
import pandas as pd

from empathic import coded, exclusions, sheets
from empathic.errors import InputError
from empathic.exports import common
from empathic.exports.export import Export
from empathic.instrument import Instrument
from empathic.sheets import Sheet


def read(described: dict[str, Any], survey: Instrument, item: str, rules: dict[str, Any]) -> Export:
    """Read a long table (see `exports.read`)."""
    sheet, _ = sheets.read(described["file"], recurring=True)
    check_columns(sheet, described["columns"])
    columns = described["columns"]
    if "item" not in columns:
        kinds = pd.Series(coded.constant(item, len(sheet.cells)), sheet.cells.index)
    else:
        kinds = kinds_of_rows(sheet, described, survey, sheet.filled(columns["item"], common.NAME_IT))
        names = common.item_names(sheet, described, survey)
        strange = ~sheet.cells[columns["item"]].isin(list(names))
        problem = f"{sheets.first(sheet.cells[columns['item']], strange)!r} is no item of the instrument"
        problem += f" ({', '.join(names)})"
        remedy = "Correct the cell, add the item to the instrument, or say in exports > items what it is (null: none)"
        sheet.refuse(strange, columns["item"], problem, remedy)
    return from_rows(sheet, described, survey, rules, kinds)


def check_columns(sheet: Sheet, columns: dict[str, str]) -> None:
    """Raise InputError where the config names no column for the rater, the rating, or what names the response."""
    named_by = [way for way in (["response_id"], ["label"], ["post_id", "source"]) if set(way) <= set(columns)]
    missing = [name for name in ("rater_id", "rating") if name not in columns]
    if missing or not named_by:
        lacks = f"'{missing[0]}'" if missing else "'response_id', nor for 'label', nor for 'post_id' and 'source'"
        raise InputError(
            sheet.path,
            f"no column is named for {lacks} (the file has: {sheets.shorten(sheet.cells.columns)})",
            "Name it in the config, under exports > columns, as `our name: the file's column`",
        )


def kinds_of_rows(sheet: Sheet, described: dict[str, Any], survey: Instrument, cells: pd.Series) -> pd.Series:
    """For each row the item or attention check that a cell of it names, missing where it names none."""
    names = common.item_names(sheet, described, survey)
    codes, known = pd.factorize(cells)
    return pd.Series(coded.of(codes, [names.get(name) for name in known]), cells.index)


def from_rows(
    sheet: Sheet, described: dict[str, Any], survey: Instrument, rules: dict[str, Any], kinds: pd.Series
) -> Export:
    """An export from a sheet with one row a rating.

    kinds: for each row the item that it rates, the attention check that it answers, or missing: then it tells of the
    rater alone. Raises InputError as `exports.read` says.
    """
    columns = described["columns"]
    carried = common.carried(sheet, described, survey)
    ids = sheet.filled(columns["rater_id"], common.NAME_IT)
    submissions = sheet.filled(columns["submission"], common.NAME_IT) if "submission" in columns else ids
    items = [item.name for item in survey.items]
    is_rating = kinds.isin(items)
    if not is_rating.any():
        raise InputError(
            sheet.path,
            "no row is a rating",
            "Say in the config, under exports > items, which of the file's names are which item",
            column=columns.get("item"),
        )
    rated = sheet if is_rating.all() else Sheet(sheet.path, sheet.cells[is_rating])
    ratings, identified_by, empty = _ratings(rated, described, survey, kinds[is_rating], carried)
    own, _ = pd.factorize(submissions)
    ratings.insert(0, "rater", own[is_rating][ratings.index])
    others = int(kinds.isna().sum())
    return Export(
        sheet.path,
        described["origin"],
        _raters(sheet, ids, submissions, own, described, survey, rules, kinds),
        ratings.reset_index(drop=True),
        identified_by,
        carried,
        empty,
        one_row_a_rater=False,
        demographics=common.demographics(sheet, described, ids),
        told={"rows that are no rating": others} if others else {},
    )


def _ratings(
    sheet: Sheet, described: dict[str, Any], survey: Instrument, kinds: pd.Series, carried: tuple[str, ...]
) -> tuple[pd.DataFrame, tuple[str, ...], int]:
    """The ratings of a sheet that has nothing else, by their place in it; then as in qualtrics."""
    columns = described["columns"]
    rows = sheet.cells.index
    ratings = pd.DataFrame({"row": rows, "item": coded.encoded(kinds).array})
    identified_by, place = _name_responses(sheet, columns, ratings)
    cells = sheet.column(columns["rating"], common.NAME_IT).reset_index(drop=True)
    where = ratings[["row", "item"]].assign(column=coded.constant(columns["rating"], len(rows)))
    ratings["rating"] = common.answers(sheet.path, cells, where, survey, described)
    ratings["column"] = coded.constant(place, len(rows))
    if "position" in columns:
        name = columns["position"]
        told = sheet.column(name, common.NAME_IT).reset_index(drop=True)
        ratings["position"] = common.places(
            sheet.path, told, ratings["row"], pd.Series(coded.constant(name, len(rows)))
        )
    else:
        ratings["position"] = pd.Series(pd.NA, ratings.index, dtype="Int64")
    for name in carried:
        ratings[name] = coded.encoded(sheets.made_safe(sheet.column(columns[name], common.NAME_IT))).array
    given = ratings["rating"].notna()
    return ratings if given.all() else ratings[given], identified_by, int((~given).sum())


def _name_responses(sheet: Sheet, columns: dict[str, str], ratings: pd.DataFrame) -> tuple[tuple[str, ...], str]:
    """Add what names the response; returns the column of responses.csv that it stands in, and that of the file."""
    for name in ("post_id", "source", "domain"):
        if name in columns:
            ratings[name] = coded.encoded(sheet.filled(columns[name], common.NAME_IT)).array
    ratings["sample"] = 0
    if "sample" in columns:
        sheet.filled(columns["sample"], common.NAME_IT)
        samples = sheet.numbers(columns["sample"], common.NAME_IT, whole=True)
        ratings["sample"] = samples.astype("int64").to_numpy()
    for name in ("response_id", "label"):
        if name in columns:
            ratings["reference"] = coded.encoded(sheet.filled(columns[name], common.NAME_IT)).array
            return (name,), columns[name]
    return (), columns["post_id"]


def _raters(
    sheet: Sheet,
    ids: pd.Series,
    submissions: pd.Series,
    own: np.ndarray,
    described: dict[str, Any],
    survey: Instrument,
    rules: dict[str, Any],
    kinds: pd.Series,
) -> pd.DataFrame:
    """One row a submission; `own`: that of each row. Raises InputError where rows tell different things of a rater."""
    columns = described["columns"]
    checks = [check.name for check in survey.attention_checks]
    in_rows = kinds.isin(checks)
    told = common.facts(sheet, columns, survey, rules, described, checks_in_rows=bool(in_rows.any()))
    first = ~submissions.duplicated()
    raters = pd.DataFrame({"platform_id": coded.texts(ids[first])})
    raters["submission"] = coded.texts(submissions[first]) if "submission" in columns else raters["platform_id"]
    raters = raters.assign(row=raters.index, preview=False)
    raters = common.with_facts(raters, {name: found[first] for name, found in told.items()})
    first_rows = np.flatnonzero(first)[own]
    rater = {"rater_id"} if "submission" in columns else set()
    for name in sorted({"finished", "duration_s", "started", *checks, *rater} & set(columns)):
        cells, _ = coded.parts(sheet.column(columns[name], common.NAME_IT))
        differs = pd.Series(cells != cells[first_rows], ids.index)
        problem = "the cell differs from that of the same rater's first row"
        sheet.refuse(differs, columns[name], problem, "It tells of the rater: make it the same in all its rows")
    raters = raters.reset_index(drop=True)
    if in_rows.any() and "attention" in exclusions.applied(rules):
        asked = Sheet(sheet.path, sheet.cells[in_rows])
        counts = _checks_in_rows(asked, described, survey, kinds[in_rows], submissions[in_rows])
        for name in ("checks_shown", "checks_failed"):
            raters[name] = raters["submission"].map(counts[name]).fillna(0).astype("Int64")
    return raters


def _checks_in_rows(
    sheet: Sheet, described: dict[str, Any], survey: Instrument, kinds: pd.Series, submissions: pd.Series
) -> pd.DataFrame:
    """For each submission how many checks it was shown, one a row, and how many of them it failed."""
    name = described["columns"]["rating"]
    cells = sheet.column(name, common.NAME_IT)
    failed = pd.Series(False, cells.index)
    for check in kinds.unique():
        mine = (kinds == check).to_numpy(dtype=bool)
        answered = Sheet(sheet.path, sheet.cells[mine])
        failed[mine] = common.check_failed(answered, name, cells[mine], check, survey, described).to_numpy()
    return pd.DataFrame({"checks_shown": 1, "checks_failed": failed.astype(int)}).groupby(submissions).sum()
