"""What survey platforms give: one reader a format, all to the same tables.

Platform ids are in these tables only, in memory; they, and whatever else names a person, are in no message: a row is.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from empathic.errors import InputError
from empathic.exports import jspsych, long, prolific, qualtrics
from empathic.exports.export import Export
from empathic.instrument import Instrument

__all__ = ["FORMATS", "Export", "read", "read_all"]

FORMATS: dict[str, Callable[[dict[str, Any], Instrument, str, dict[str, Any]], Export]] = {
    "qualtrics": qualtrics.read,
    "jspsych": jspsych.read,
    "long": long.read,
}


def read(described: dict[str, Any], survey: Instrument, item: str, rules: dict[str, Any]) -> Export:
    """Read an export that holds ratings.

    described: an entry of the config's `exports`: file, format (a key of FORMATS), columns, origin, and, where given,
    pattern, position, items, answers, demographics. item: the primary item. rules: the config's `exclusions`; what a
    rule in force asks for must be in the export.

    Raises InputError for what `sheets.read` refuses, for missing columns, and for cells that are not what they should
    be: off the item's scale, text for a number, an empty id.
    """
    return FORMATS[described["format"]](described, survey, item, rules)


def read_all(described: Iterable[dict[str, Any]], survey: Instrument, item: str, rules: dict[str, Any]) -> list[Export]:
    """Read all exports of a study: those that hold ratings, with what Prolific's demographics say of their raters.

    Raises InputError as `read` does, where one submission is in two exports, and where demographics are of others.
    """
    described = list(described)
    found = [read(one, survey, item, rules) for one in described if one["format"] != "prolific"]
    _refuse_overlap(found)
    return prolific.join(found, [prolific.read(one) for one in described if one["format"] == "prolific"])


def _refuse_overlap(exports: list[Export]) -> None:
    """Raise InputError where a submission is in two exports, both of a platform that counts submissions."""
    counted = [export for export in exports if export.one_row_a_rater]
    if not counted:
        return
    told = pd.concat([export.raters[["submission", "row"]] for export in counted], keys=range(len(counted)))
    again = told["submission"].duplicated()
    if again.any():
        at = told[again].iloc[0]
        before = told[told["submission"] == at["submission"]].iloc[0]
        file, other = (counted[row.name[0]].file for row in (at, before))
        raise InputError(
            file,
            f"this submission is also in {other}, row {before['row']}: the two exports overlap",
            "Take one of them out of the config, or export the study anew in one file",
            row=int(at["row"]),
        )
