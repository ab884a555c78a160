"""Qualtrics' CSV export: three header rows, one row a submission, one column a response and item.

Which column is which is one pattern of the config, like R_{response}_{item} or {loop}_Q3.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from empathic import coded, sheets
from empathic.errors import InputError
from empathic.exports import common
from empathic.exports.export import Export
from empathic.instrument import Instrument
from empathic.sheets import Sheet

PATTERN, POSITION = "R_{response}_{item}", "R_{response}_DO"
PLACEHOLDERS = {"response": ".+?", "post_id": ".+?", "source": ".+?", "sample": "[0-9]+", "loop": "[0-9]+"}
# Trials of a survey by their Status: Qualtrics' labels and codes. Some label has the word in all (17: an offline one).
PREVIEWS, PREVIEW = ("Survey Test", "1", "2", "9", "17"), "preview"
DISPLAY_ORDER = re.compile(r".*_DO(_.*)?")
LEAVE_HEADERS = "Export from Qualtrics as CSV and leave its three header rows as they are"


@dataclass(frozen=True)
class Asked:
    """A column of ratings: what the pattern's placeholders stand for in its name, and the item that it asks for."""

    column: str
    parts: dict[str, str]
    item: str


def read(described: dict[str, Any], survey: Instrument, item: str, rules: dict[str, Any]) -> Export:
    """Read a Qualtrics export (see `exports.read`)."""
    sheet, headers = sheets.read(described["file"], header_rows=3, recurring=True)
    import_ids = _import_ids(sheet, headers[2])
    sheet, repeated = _submissions_once(sheet)
    carried = common.carried(sheet, described, survey)
    raters = _raters(sheet, described, survey, rules)
    ratings, identified_by, empty = _ratings(sheet, described, survey, item, carried, import_ids)
    people = common.demographics(sheet, described, raters["platform_id"].mask(raters["preview"]))
    raters = raters.reset_index(names="row")
    return Export(
        sheet.path,
        described["origin"],
        raters,
        ratings,
        identified_by,
        carried,
        empty,
        one_row_a_rater=True,
        demographics=people,
        repeated=(len(repeated), int(repeated.map(ratings["row"].value_counts()).fillna(0).sum())),
    )


def _import_ids(sheet: Sheet, cells: list[str]) -> dict[str, str]:
    """What Qualtrics calls each column inside. Raises InputError where the third row does not tell."""
    found = {}
    for name, cell in zip(sheet.cells, cells, strict=True):
        try:
            found[name] = str(json.loads(cell)["ImportId"])
        except (ValueError, KeyError, TypeError):
            problem = 'this is not the row of {"ImportId": ...} that Qualtrics writes third'
            raise InputError(sheet.path, problem, LEAVE_HEADERS, row=3, column=name) from None
    return found


def _submissions_once(sheet: Sheet) -> tuple[Sheet, pd.Series]:
    """The sheet without rows that repeat one above, cell for cell, and for each of these the row that it repeats.

    Raises InputError where the cells differ.
    """
    none = pd.Series(dtype="int64")
    if "ResponseId" not in sheet.cells:
        return sheet, none
    ids = sheet.cells["ResponseId"]
    again = ids.notna() & ids.duplicated()
    if not again.any():
        return sheet, none
    ids = coded.texts(ids)
    differing = again & ~sheet.cells.duplicated()
    if differing.any():
        at = int(differing.idxmax())
        first = int((ids == ids[at]).idxmax())
        cells = sheet.cells.loc[[at, first]].astype("string").fillna("")
        differs = (cells.loc[at] != cells.loc[first]).to_numpy()
        raise InputError(
            sheet.path,
            f"the ResponseId of this row is that of row {first}, and the two differ (first in the column "
            f"'{sheet.cells.columns[differs.argmax()]}')",
            "One of them was changed after the export: export again",
            row=at,
            column="ResponseId",
        )
    kept = ids[ids.notna() & ~again]
    return Sheet(sheet.path, sheet.cells[~again]), ids[again].map(pd.Series(kept.index, kept.to_numpy()))


def _raters(sheet: Sheet, described: dict[str, Any], survey: Instrument, rules: dict[str, Any]) -> pd.DataFrame:
    columns = {"rater_id": "PROLIFIC_PID", "finished": "Finished", "duration_s": "Duration (in seconds)"}
    columns |= {"started": "StartDate"} | {check.name: check.name for check in survey.attention_checks}
    columns |= described["columns"]
    id_column = columns["rater_id"]
    ids = sheet.column(
        id_column, "Name the column with the raters' ids in the config, under exports > columns > rater_id"
    ).astype("string")
    preview = _previews(sheet)
    nobody = ids.isna() & ~preview
    sheet.refuse(nobody, id_column, "the rater's id is empty", "Fill it in, or take the row out of the export")
    told = common.facts(sheet, columns, survey, rules, described)
    own = _submissions(sheet)
    raters = {"platform_id": ids.mask(preview, "preview " + own), "submission": own, "preview": preview}
    return common.with_facts(pd.DataFrame(raters), told)


def _previews(sheet: Sheet) -> pd.Series:
    """Whether each row is a trial of the survey."""
    if "Status" not in sheet.cells:
        return pd.Series(False, sheet.cells.index)
    codes, known = coded.parts(sheet.cells["Status"])  # Each text that occurs is looked at once.
    trials = [label in PREVIEWS or PREVIEW in label.lower() for label in known]
    return pd.Series(np.array([*trials, False])[codes], sheet.cells.index)


def _submissions(sheet: Sheet) -> pd.Series:
    """What tells each row from all others, of this file and of others: its ResponseId, or else its place."""
    index = sheet.cells.index
    own = coded.texts(sheet.cells.get("ResponseId", pd.Series(pd.NA, index)))
    unnamed = index[own.isna()]
    own[unnamed] = [f"{sheet.path}, row {row}" for row in unnamed]
    return own


def _ratings(
    sheet: Sheet,
    described: dict[str, Any],
    survey: Instrument,
    item: str,
    carried: tuple[str, ...],
    import_ids: dict[str, str],
) -> tuple[pd.DataFrame, tuple[str, ...], int]:
    """One row a rating, the columns of responses.csv that `reference` stands in, and how many cells hold no rating."""
    pattern = described.get("pattern") or PATTERN
    asked = _asked(sheet, described, survey, item, pattern)
    names = [one.column for one in asked]
    row, column = _filled(sheet, names)
    texts = _gathered([sheet.cells[name] for name in names], row, column)
    ratings = pd.DataFrame(
        {
            "rater": row,
            "row": sheet.cells.index.to_numpy()[row],
            "column": pd.Categorical.from_codes(column, names),
            "item": coded.of(column, [one.item for one in asked]),
        }
    )
    ratings["rating"] = common.answers(sheet.path, texts, ratings, survey, described)
    given = ratings["rating"].notna()
    row, column, ratings = row[given], column[given], ratings[given].reset_index(drop=True)
    identified_by = _name_responses(sheet, described, asked, ratings, row, column)
    ratings["position"] = _positions(sheet, described, pattern, asked, import_ids, row, column)
    for name in carried:
        theirs = _told_by(sheet, described["columns"][name], asked, row, column)
        ratings[name] = coded.encoded(sheets.made_safe(theirs))
    return ratings, identified_by, len(sheet.cells) * len(names) - len(ratings)


def _filled(sheet: Sheet, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Where the cells of these columns are filled: the number of the row and of the column, row by row."""
    filled = np.array([coded.parts(sheet.cells[name])[0] >= 0 for name in names])
    return np.nonzero(filled.T)


def _gathered(columns: list[pd.Series], row: np.ndarray, which: np.ndarray) -> pd.Series:
    """The cells in these rows of these columns (by number)."""
    # Of 16 bits and fewer, which are enough for the columns of a sheet, numbers are sorted many times as fast.
    order = np.argsort(which.astype(np.min_scalar_type(len(columns))), kind="stable")
    parts = np.split(order, np.searchsorted(which[order], np.arange(1, len(columns))))
    codes, texts = np.full(len(row), -1), []
    for cells, part in zip(columns, parts, strict=True):
        own, known = coded.parts(cells)
        own = own[row[part]].astype("int64")
        codes[part] = np.where(own < 0, -1, own + len(texts))
        texts += np.asarray(known, dtype=object).tolist()
    return pd.Series(coded.of(codes, texts))


def _asked(sheet: Sheet, described: dict[str, Any], survey: Instrument, item: str, pattern: str) -> list[Asked]:
    """The columns that the pattern names. Raises InputError where it names none, or one thing twice."""
    items = common.item_names(sheet, described, survey)
    checks = {check.name for check in survey.attention_checks}
    exact, loose = _expression(pattern, items), _expression(pattern, None)
    elsewhere = [*described["columns"].values(), *described.get("demographics", {}).values(), *checks]
    used = [_expression(one, items) for one in elsewhere]
    found = []
    for name in sheet.cells:
        match = exact.fullmatch(name)
        if any(one.fullmatch(name) for one in used):
            continue
        if match is None:
            _refuse_near(sheet, name, pattern, loose, items)
            continue
        parts = match.groupdict()
        ours = items[parts["item"]] if "item" in parts else item
        if ours is not None and ours not in checks:
            found.append(Asked(name, parts, ours))
    if not any(one.item == item for one in found):
        raise InputError(
            sheet.path,
            f"no column is named {pattern} with the item '{item}' (the file has: "
            f"{sheets.shorten(sheet.cells.columns)})",
            "Say in the config, under exports > pattern (and items), how the questions about a response are called",
        )
    seen: dict[tuple, str] = {}
    for one in found:
        what = (*(part for name, part in one.parts.items() if name != "item"), one.item)
        if what in seen:
            problem = f"it asks for the item '{one.item}' of the same response as the column '{seen[what]}'"
            raise InputError(
                sheet.path, problem, "Mend exports > pattern or items, so that one of them is read", column=one.column
            )
        seen[what] = one.column
    return found


def _expression(pattern: str, items: dict[str, str | None] | None) -> re.Pattern:
    """A pattern as a regular expression; without items, one that takes any text for them."""
    known = sorted(items, key=len, reverse=True) if items else ()
    parts = {**PLACEHOLDERS, "item": "|".join(map(re.escape, known)) or ".+"}
    pieces = re.split(r"\{(\w+)\}", pattern)
    text = [f"(?P<{piece}>{parts[piece]})" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)]
    return re.compile("".join(text), re.DOTALL)


def _refuse_near(sheet: Sheet, name: str, pattern: str, loose: re.Pattern, items: dict[str, str | None]) -> None:
    """Raise InputError for a column that the pattern, where it begins with words, would name but for its item."""
    telling = not pattern.startswith(("{response}", "{post_id}", "{source}", "{item}"))
    if telling and loose.fullmatch(name) and not DISPLAY_ORDER.fullmatch(name):
        problem = f"by the pattern {pattern} the name ends in no item of the instrument ({', '.join(items)})"
        remedy = "Say in the config, under exports > items, which item it is (null: none), or add it to the instrument"
        raise InputError(sheet.path, problem, remedy, column=name)


def _told_by(sheet: Sheet, template: str, asked: list[Asked], row: np.ndarray, column: np.ndarray) -> pd.Series:
    """For each rating the cell, of its submission, of a column that may be named by {loop} and the like."""
    names = [template.format_map(one.parts) if "{" in template else template for one in asked]
    known = pd.Index(dict.fromkeys(names))
    cells = [sheet.column(name, common.NAME_IT) for name in known]
    return _gathered(cells, row, known.get_indexer(names)[column])


def _name_responses(
    sheet: Sheet,
    described: dict[str, Any],
    asked: list[Asked],
    ratings: pd.DataFrame,
    row: np.ndarray,
    column: np.ndarray,
) -> tuple[str, ...]:
    """Add what names the response of each rating: by the column's name, or by a column that tells what was shown."""
    columns = described["columns"]
    for name in ("post_id", "source", "sample", "response"):
        if name in asked[0].parts:
            ours = "reference" if name == "response" else name
            ratings[ours] = coded.of(column, [one.parts[name] for one in asked])
    for name in [name for name in common.RESPONSE if name in columns]:
        told = _told_by(sheet, columns[name], asked, row, column)
        if told.isna().any():
            at = int(told.isna().argmax())
            theirs = columns[name].format_map(asked[column[at]].parts)
            problem = f"the cell is empty, and a rating stands in the column '{asked[column[at]].column}'"
            remedy = "It must tell which response was shown: fill it in, or empty the rating"
            raise InputError(sheet.path, problem, remedy, row=int(sheet.cells.index[row[at]]), column=theirs)
        ratings["reference" if name in ("response_id", "label") else name] = told
    ratings["sample"] = _samples(sheet, ratings) if "sample" in ratings else 0
    named = [name for name in ("response_id", "label") if name in columns]
    if "reference" not in ratings and not {"post_id", "source"} <= set(ratings):
        raise InputError(
            sheet.path,
            "nothing tells which response a rating is of",
            "Let exports > pattern have {response}, or {post_id} and {source}, or name under exports > columns what "
            "tells it, as in label: shown_{loop}",
        )
    return (named[0],) if named else (("response_id", "label") if "reference" in ratings else ())


def _samples(sheet: Sheet, ratings: pd.DataFrame) -> pd.Series:
    found = sheets.numbers(ratings["sample"])
    wrong = ~((found >= 0) & (found < 1e9) & sheets.is_whole(found)).to_numpy(dtype=bool)
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            sheet.path,
            f"the sample {str(ratings['sample'].iloc[at])!r} is not a whole number from 0 on",
            "Correct the cell",
            row=int(ratings["row"].iloc[at]),
        )
    return found.astype("int64")


def _positions(
    sheet: Sheet,
    described: dict[str, Any],
    pattern: str,
    asked: list[Asked],
    import_ids: dict[str, str],
    row: np.ndarray,
    column: np.ndarray,
) -> pd.Series:
    """The place of each rating in its rater's sequence, by display-order columns; missing where they do not tell."""
    template = described.get("position") or (POSITION if pattern == PATTERN else None)
    unknown = pd.Series(pd.NA, range(len(row)), dtype="Int64")
    if template is None:
        return unknown
    if "{" not in template:
        return _listed(sheet, template, asked, import_ids, row, column)
    names = [template.format_map(one.parts) for one in asked]
    known = pd.Index(dict.fromkeys(name for name in names if name in sheet.cells))
    if described.get("position") and known.empty:
        remedy = "Correct exports > position in the config, or leave it out where the order is not known"
        raise InputError(sheet.path, f"no column is named {template} (the first would be '{names[0]}')", remedy)
    at = known.get_indexer(names)[column]
    told = at >= 0
    if not told.any():
        return unknown
    cells = _gathered([sheet.cells[name] for name in known], row[told], at[told])
    rows = pd.Series(sheet.cells.index[row[told]])
    found = common.places(sheet.path, cells, rows, pd.Series(coded.of(at[told], known)))
    return found.set_axis(np.flatnonzero(told)).reindex(unknown.index)


def _listed(
    sheet: Sheet, name: str, asked: list[Asked], import_ids: dict[str, str], row: np.ndarray, column: np.ndarray
) -> pd.Series:
    """Places by one column that lists what was shown, in order, parted by |.

    It may call a question by its column, by its ImportId, or by what the pattern has in its place.
    """
    cells = sheet.column(name, "Correct exports > position in the config").to_numpy(dtype=object)
    called = [
        {one.column, import_ids[one.column], import_ids[one.column].partition("_")[0]}
        | {part for name, part in one.parts.items() if name != "item"}
        for one in asked
    ]
    shown = {at: str(cells[at]).split("|") for at in set(row.tolist()) if not pd.isna(cells[at])}
    found: list[int | None] = []
    for at, which in zip(row.tolist(), column.tolist(), strict=True):
        hits = [place for place, one in enumerate(shown.get(at, ()), start=1) if one in called[which]]
        if at in shown and len(hits) != 1:
            how = "stands in this list more than once" if hits else "does not stand in this list"
            problem = f"the rating in the column '{asked[which].column}' {how}"
            remedy = "Correct exports > position in the config, or leave it out where the order is not known"
            raise InputError(sheet.path, problem, remedy, row=int(sheet.cells.index[at]), column=name)
        found.append(hits[0] if hits else None)
    return pd.Series(found, dtype="Int64")
