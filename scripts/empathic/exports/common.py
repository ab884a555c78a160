"""What all readers ask of a row: answers on the scale, who it was, and what the exclusion rules want to know."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from empathic import coded, exclusions, sheets
from empathic.errors import InputError
from empathic.instrument import Instrument, Item
from empathic.sheets import Sheet

# Columns by which platforms tell who a person is, where, and how to write to them.
PERSONAL = (
    "ipaddress",
    "location",
    "recipient",
    "externalreference",
    "prolific",
    "workerid",
    "email",
    "participantid",
    "submissionid",
    "responseid",
    "subjectid",
)
RESERVED = ("included", "reason", "origin", "rater", "row", "column", "reference", "platform_id", "submission")
RATER = ("rater_id", "submission", "started", "finished", "duration_s")
RESPONSE = ("response_id", "label", "post_id", "source", "sample", "domain")
NAME_IT = "Name the file's own column in the config, under exports > columns"
OFF_SCALE = "Correct the cell, or say what it stands for in the config, under exports > answers (null: no answer)"
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
WRONG = float("inf")
FACTS = {
    "finished": "boolean",
    "started": "datetime64[ns, UTC]",
    "checks_shown": "Int64",
    "checks_failed": "Int64",
    "duration_s": "float64",
}


def carried(sheet: Sheet, described: dict[str, Any], survey: Instrument) -> tuple[str, ...]:
    """The names in `columns` that are none of ours: they are carried into ratings.csv.

    Raises InputError where such a column tells who a person is, or bears a name of the package's own.
    """
    columns = described["columns"]
    ours = {*RATER, *RESPONSE, "item", "rating", "position", *(check.name for check in survey.attention_checks)}
    names = tuple(name for name in columns if name not in ours)
    refuse_personal(sheet, {name: columns[name] for name in names}, columns.get("rater_id"), "exports > columns")
    given = described.get("demographics", {})
    refuse_personal(sheet, given, columns.get("rater_id"), "exports > demographics")
    return names


def refuse_personal(sheet: Sheet, told: dict[str, str], id_column: str | None, section: str) -> None:
    """Raise InputError where a column to carry (our name: theirs) tells who a person is, or bears a name of ours."""
    for name, theirs in told.items():
        personal = theirs == id_column or re.sub("[^a-z]", "", theirs.lower()).startswith(PERSONAL)
        if personal or name in RESERVED:
            why = "it tells who a rater is" if personal else f"'{name}' is a column of the package's own"
            remedy = f"Take it out of {section}" if personal else f"Give it another name in {section}"
            raise InputError(sheet.path, f"this column is not carried: {why}", remedy, column=theirs)


def demographics(sheet: Sheet, described: dict[str, Any], ids: pd.Series) -> pd.DataFrame:
    """What the columns that the config names tell of each participant: platform_id, then our names; the first row's.

    Raises InputError where a column is not there.
    """
    told = {ours: sheet.column(theirs, NAME_IT) for ours, theirs in described.get("demographics", {}).items()}
    first = ids.notna() & ~ids.duplicated() if told else []
    return pd.DataFrame({"platform_id": ids, **told}).loc[first].astype("string").reset_index(drop=True)


def item_names(sheet: Sheet, described: dict[str, Any], survey: Instrument) -> dict[str, str | None]:
    """Which item or attention check each name of theirs stands for; None: none. The instrument's own are among them.

    Raises InputError where the config's `items` lead to something that the instrument has not.
    """
    known = [part.name for part in (*survey.items, *survey.attention_checks)]
    given = described.get("items", {})
    for theirs, ours in given.items():
        if ours is not None and ours not in known:
            raise InputError(
                sheet.path,
                f"exports > items > {theirs} names '{ours}', which the instrument has not ({', '.join(known)})",
                "Correct the name in the config, or add the item to the instrument",
            )
    return {name: name for name in known} | given


def answers(
    path: Path, cells: pd.Series, where: pd.DataFrame, survey: Instrument, described: dict[str, Any]
) -> np.ndarray:
    """Answers as numbers on their items' scales, missing where there is none.

    A cell is a number, a label that the config's `answers` explain, or the instrument's words at a point of the scale
    (`anchors`; capitals do not matter). where: row, column and item of each. Raises InputError at the first cell that
    is none of these, or off the scale.
    """
    found = np.full(len(cells), np.nan)
    for item in survey.items:
        mine = (where["item"] == item.name).to_numpy(dtype=bool)
        codes, texts = coded.parts(cells if mine.all() else cells[mine])
        found[mine] = np.array([*(_answer(text, item, described) for text in texts), np.nan])[codes]
    if (found == WRONG).any():
        at = int((found == WRONG).argmax())
        item = survey.item(where["item"].iloc[at])
        problem = f"{str(cells.iloc[at])!r} is no answer to the item '{item.name}' (its scale: {item.scale})"
        raise InputError(path, problem, OFF_SCALE, row=int(where["row"].iloc[at]), column=str(where["column"].iloc[at]))
    return found


def facts(
    sheet: Sheet,
    columns: dict[str, str],
    survey: Instrument,
    rules: dict[str, Any],
    described: dict[str, Any],
    *,
    checks_in_rows: bool = False,
) -> dict[str, pd.Series]:
    """What the exclusion rules ask of a rater: those of FACTS that are told, or that a rule asks for.

    columns: our name to that of a column which the file may have. checks_in_rows: attention checks are rows of their
    own, which the caller reads; else each is a column. Raises InputError where no column tells what a rule
    in force asks, and at the first cell that does not tell it.
    """
    told: dict[str, pd.Series] = {}
    checks = [] if checks_in_rows else [check.name for check in survey.attention_checks]
    asked = _asked_for(sheet, columns, checks, rules)
    if {"unfinished", "duplicate"} & set(asked):
        told["finished"] = _yes_or_no(sheet, columns["finished"])
    if "attention" in asked and not checks_in_rows:
        told["checks_shown"], told["checks_failed"] = _checks(sheet, columns, survey, described)
    if "too_fast" in asked:
        sheet.filled(columns["duration_s"], NAME_IT)
    if columns.get("duration_s") in sheet.cells:
        told["duration_s"] = sheet.numbers(columns["duration_s"], NAME_IT)
    if columns.get("started") in sheet.cells:
        told["started"] = _dates(sheet, columns["started"])
    return told


def with_facts(raters: pd.DataFrame, told: dict[str, pd.Series]) -> pd.DataFrame:
    """Raters with all FACTS of them, missing where they are not among those told."""
    unknown = {name: pd.Series(None, raters.index, dtype=kind) for name, kind in FACTS.items() if name not in told}
    return raters.assign(**told, **unknown)


def places(path: Path, cells: pd.Series, rows: pd.Series, columns: pd.Series) -> pd.Series:
    """Places in a sequence (1, 2, ...), missing where empty. Raises InputError at the first that is none."""
    found = sheets.numbers(cells)
    wrong = (cells.notna() & ~((found >= 1) & (found < 1e9) & sheets.is_whole(found))).to_numpy(dtype=bool)
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            path,
            f"{str(cells.iloc[at])!r} is not a place in a sequence (1, 2, ...)",
            "Correct the cell, or empty it where the place is not known",
            row=int(rows.iloc[at]),
            column=str(columns.iloc[at]),
        )
    return found.astype("Int64")


def check_failed(
    sheet: Sheet, name: str, cells: pd.Series, check: str, survey: Instrument, described: dict
) -> pd.Series:
    """Whether an attention check was failed: answered wrongly, or not at all. Raises InputError for a text unknown."""
    right = {known.name: known.right_answer for known in survey.attention_checks}[check]
    codes, texts = pd.factorize(cells)
    known = np.array([*(_check_answer(text, survey, described) for text in texts), np.nan])[codes]
    wrong = pd.Series(known == WRONG, cells.index)
    problem = f"{sheets.first(cells, wrong)!r} is no answer to the check '{check}' that can be told"
    sheet.refuse(wrong, name, problem, OFF_SCALE)
    return pd.Series(known != right, cells.index)


def _answer(text: str, item: Item, described: dict[str, Any]) -> float:
    """The answer that a cell stands for, NaN for none, WRONG where it cannot be told or is off the scale."""
    text = text.strip()
    given = described.get("answers", {})
    if text in given:
        found = np.nan if given[text] is None else given[text]
    elif NUMBER.fullmatch(text):
        found = float(text)
    else:
        points = [point for point, words in item.anchors.items() if words.strip().casefold() == text.casefold()]
        found = points[0] if len(points) == 1 else WRONG
    return found if np.isnan(found) or item.scale.allows(found) else WRONG


def _check_answer(text: str, survey: Instrument, described: dict[str, Any]) -> float:
    """Likewise for a check, which is answered on the scale of any item, or on none."""
    text = text.strip()
    given = described.get("answers", {})
    if text in given:
        return np.nan if given[text] is None else given[text]
    if NUMBER.fullmatch(text):
        return float(text)
    points = {_answer(text, item, described) for item in survey.items} - {WRONG}
    return points.pop() if len(points) == 1 else WRONG


def _asked_for(sheet: Sheet, columns: dict[str, str], checks: list[str], rules: dict[str, Any]) -> list[str]:
    """The rules in force that ask for columns. Raises InputError where no column is named for what they ask."""
    asks = {"unfinished": ["finished"], "attention": checks, "too_fast": ["duration_s"]}
    if any(rule.get("keep") == "first_finished" for rule in rules):
        asks["duplicate"] = ["finished"]
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


def _yes_or_no(sheet: Sheet, name: str) -> pd.Series:
    words = {"1": 1.0, "true": 1.0, "0": 0.0, "false": 0.0}
    cells = sheet.filled(name, NAME_IT)
    codes, known = coded.parts(cells)  # Each text that occurs is read once.
    found = pd.Series(np.array([words.get(text.lower(), np.nan) for text in known])[codes], cells.index)
    problem = f"{sheets.first(cells, found.isna())!r} is none of 1, 0, True, False"
    sheet.refuse(found.isna(), name, problem, "Correct the cell")
    return found.astype("boolean")


def _dates(sheet: Sheet, name: str) -> pd.Series:
    cells = sheet.cells[name]
    codes, known = coded.parts(cells)  # Each time that occurs is read once.
    texts = pd.Series(known, dtype="string")
    times = pd.to_datetime(texts.where(texts.str.fullmatch(DATE)), format="ISO8601", errors="coerce", utc=True)
    found = times.reindex(codes).set_axis(cells.index)
    wrong = cells.notna() & found.isna()
    problem = f"{sheets.first(cells, wrong)!r} is not a time like 2031-05-02 09:00:01"
    sheet.refuse(
        wrong, name, problem, "Export the file again, and do not save it in a spreadsheet, which rewrites times"
    )
    return found.astype("datetime64[ns, UTC]")


def _checks(
    sheet: Sheet, columns: dict[str, str], survey: Instrument, described: dict[str, Any]
) -> tuple[pd.Series, pd.Series]:
    """How many checks each row was shown and failed; a column NAME_DO that is empty tells that one was not shown."""
    shown = pd.Series(0, sheet.cells.index, dtype="Int64")
    failed = shown.copy()
    for check in survey.attention_checks:
        name = columns[check.name]
        cells = sheet.column(name, NAME_IT)
        seen = pd.Series(True, cells.index)
        if f"{name}_DO" in sheet.cells:
            seen = cells.notna() | sheet.cells[f"{name}_DO"].notna()
        shown += seen.astype("Int64")
        failed += (seen & check_failed(sheet, name, cells, check.name, survey, described)).astype("Int64")
    return shown, failed
