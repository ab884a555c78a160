"""What jsPsych saves: one row a trial, as CSV or JSON; ratings, checks, and trials that are neither.

JSON is a list of trials, a list of such lists, or one of either a line (as JATOS gives it); `row` is then the trial's
place in the file, from 1.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from empathic import sheets
from empathic.errors import InputError
from empathic.exports import common, long
from empathic.exports.export import Export
from empathic.instrument import Instrument
from empathic.sheets import Sheet

TRIAL, ELAPSED, ANSWER = "trial_index", "time_elapsed", "response"
# Columns that are made here from jsPsych's own, where the config names none.
PLACE, SECONDS = "(place among the ratings)", "(time_elapsed in seconds)"


def read(described: dict[str, Any], survey: Instrument, item: str, rules: dict[str, Any]) -> Export:
    """Read the data of a jsPsych experiment (see `exports.read`)."""
    path = Path(described["file"])
    sheet = sheets.read(path)[0] if path.suffix.lower() == ".csv" else _from_json(path)
    columns = {"rating": ANSWER} | described["columns"]
    described = described | {"columns": columns}
    long.check_columns(sheet, columns)
    sheet.column(columns["rating"], common.NAME_IT)
    sheet, kinds = _parted(sheet, described, survey, item)
    submissions = sheet.filled(columns.get("submission", columns["rater_id"]), common.NAME_IT)
    made = {}
    if "position" not in columns and TRIAL in sheet.cells:
        columns["position"] = PLACE
        made[PLACE] = _places(sheet, submissions, kinds.isin([known.name for known in survey.items]))
    if "duration_s" not in columns and ELAPSED in sheet.cells:
        columns["duration_s"] = SECONDS
        last = sheet.numbers(ELAPSED, common.NAME_IT).groupby(submissions).transform("max") / 1000
        made[SECONDS] = last.map("{:.15g}".format, na_action="ignore").astype("string")
    return long.from_rows(Sheet(path, sheet.cells.assign(**made)), described, survey, rules, kinds)


def _parted(sheet: Sheet, described: dict[str, Any], survey: Instrument, item: str) -> tuple[Sheet, pd.Series]:
    """The sheet with one row an answer, and for each the item or check that it answers, missing for other trials.

    The column that the config calls `item` tells of each trial what it asks; without one, it is a rating where it names
    a response. An answer may also be a JSON object, as that of a survey is: then its keys tell, and those of a trial
    that names no response are of concern only where they are attention checks.
    """
    columns = described["columns"]
    names = common.item_names(sheet, described, survey)
    naming = next(columns[name] for name in ("response_id", "label", "post_id") if name in columns)
    named = sheet.column(naming, common.NAME_IT).notna()
    kinds = pd.Series(item, named.index, dtype="string").where(named)
    if "item" in columns:
        kinds = long.kinds_of_rows(sheet, described, survey, sheet.column(columns["item"], common.NAME_IT))
    objects = sheet.cells[columns["rating"]].str.startswith("{").fillna(False).astype(bool)
    if "item" in columns:
        objects &= kinds.notna()
    if not objects.any():
        return sheet, kinds
    checks = {check.name for check in survey.attention_checks}
    parts: list[tuple[int, Any, Any]] = []
    for at, (cell, kind) in enumerate(zip(sheet.cells[columns["rating"]], kinds, strict=True)):
        found = [(kind, cell)]
        if objects.iloc[at]:
            found = _answers(sheet, at, columns["rating"], names, checks, named=bool(named.iloc[at]))
        parts += [(at, ours, answer) for ours, answer in found or [(pd.NA, pd.NA)]]
    cells = sheet.cells.iloc[[at for at, _, _ in parts]]
    cells = cells.assign(**{columns["rating"]: pd.array([answer for _, _, answer in parts], dtype="string")})
    return Sheet(sheet.path, cells), pd.Series([ours for _, ours, _ in parts], cells.index, dtype="string")


def _answers(
    sheet: Sheet, at: int, column: str, names: dict[str, str | None], checks: set[str], *, named: bool
) -> list[tuple[str, Any]]:
    """The items and answers of one trial whose answer is a JSON object. Raises InputError for a key unknown."""
    row = int(sheet.cells.index[at])
    try:
        given = json.loads(sheet.cells[column].iloc[at], object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        problem = f"the cell begins like a JSON object and is none ({error})"
        raise InputError(sheet.path, problem, "Export the data again", row=row, column=column) from None
    if not named:
        return [(names[key], _text(answer)) for key, answer in given.items() if names.get(key) in checks]
    strange = next((key for key in given if key not in names), None)
    if strange is not None:
        raise InputError(
            sheet.path,
            f"the answer has the key '{strange}', which is no item of the instrument ({', '.join(names)})",
            "Say in the config, under exports > items, which item it is (null: none)",
            row=row,
            column=column,
        )
    return [(str(names[key]), _text(answer)) for key, answer in given.items() if names[key] is not None]


def _places(sheet: Sheet, submissions: pd.Series, rated: pd.Series) -> pd.Series:
    """The place of each rating trial among those of its submission, by jsPsych's own count, as text."""
    order = sheet.numbers(TRIAL, common.NAME_IT).where(rated)
    return order.groupby(submissions).rank("dense").astype("Int64").astype("string")


def _from_json(path: Path) -> Sheet:
    """A JSON file's trials as a sheet of texts. Raises InputError where they are not what jsPsych saves."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise sheets.not_utf8(path) from None
    trials = list(_trials(path, _values(path, text)))
    if not trials:
        raise InputError(path, "the file has no trial", "Export it again, or take it out of the config")
    try:
        json.dumps(trials, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        problem = f"a text holds half a character ({error.reason})"
        raise InputError(path, problem, "Export the data again, as UTF-8") from None
    names = dict.fromkeys(name for trial in trials for name in trial)
    cells = {name: pd.array([_text(trial.get(name)) for trial in trials], dtype="string") for name in names}
    return Sheet(path, pd.DataFrame(cells, index=pd.RangeIndex(1, len(trials) + 1)))


def _values(path: Path, text: str) -> list[Any]:
    """The JSON values of a file: one, or one a line."""
    try:
        return [json.loads(text, object_pairs_hook=_pairs)]
    except (ValueError, RecursionError) as error:
        whole = error
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            found += [json.loads(line, object_pairs_hook=_pairs)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            why = f"{whole}; taken line by line, line {number}: {error}" if found else str(whole)
            raise InputError(path, f"no JSON ({why})", "Export the data again as JSON, or as CSV") from None
    return found


def _trials(path: Path, values: list[Any]) -> Iterator[dict[str, Any]]:
    """All trials, however nested the lists that hold them."""
    for number, value in enumerate(values, start=1):
        if isinstance(value, list):
            yield from _trials(path, value)
        elif isinstance(value, dict):
            yield value
        else:
            found = f"{json.dumps(value)[:40]} stands in place {number} of its list"
            problem = f"{found}, where a trial should, which is an object ({{...}})"
            raise InputError(path, problem, "Export the data as jsPsych's own JSON: a list of trials")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _text(value: Any) -> Any:
    """A value of JSON as a cell; missing for null and for an empty text."""
    if value is None or value == "":
        return pd.NA
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
