"""Prolific's export of a study's participants: their demographics, and who took the consent back."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from empathic import sheets
from empathic.errors import InputError
from empathic.exports import common
from empathic.exports.export import Export
from empathic.sheets import Sheet

PARTICIPANT, SUBMISSION = "Participant id", "Submission id"
REVOKED, EXPIRED = "CONSENT_REVOKED", "DATA_EXPIRED"


@dataclass(frozen=True)
class Participants:
    """platform_id (unique) and what is told of each; revoked: the ids of those who took their consent back."""

    file: Path
    people: pd.DataFrame
    revoked: frozenset[str]
    told: dict[str, int]


def read(described: dict[str, Any]) -> Participants:
    """Read Prolific's demographics.

    All columns but the ids are taken, by their own names; where the config names `demographics`, those. A cell
    DATA_EXPIRED or CONSENT_REVOKED is missing. Raises InputError for what `sheets.read` refuses, an empty id, and a
    participant of two rows that differ.
    """
    sheet, _ = sheets.read(described["file"])
    id_column = described["columns"].get("rater_id") or _own_name(sheet, PARTICIPANT)
    ids = sheet.filled(id_column, "Export the demographics from Prolific as they come, or name the column")
    again = ids.duplicated()
    differs = again & ~sheet.cells.duplicated()
    problem = "this participant has a row above that says something else"
    sheet.refuse(differs, id_column, problem, "Keep the row of the submission that the ratings are of")
    cells = sheet.cells[~again].astype("string")
    ids = ids[~again]
    special = cells.isin([REVOKED, EXPIRED])
    given = described.get("demographics", {})
    common.refuse_personal(sheet, given, id_column, "exports > demographics")
    submission = _own_name(sheet, SUBMISSION)
    taken = given or {name: name for name in cells if name not in (id_column, submission)}
    people = {
        ours: sheet.column(theirs, common.NAME_IT)[~again].mask(special[theirs]) for ours, theirs in taken.items()
    }
    expired = int((cells == EXPIRED).fillna(False).any(axis=1).sum())
    told = {"identical rows, kept once": int(again.sum()), f"participants with {EXPIRED}": expired}
    return Participants(
        sheet.path,
        pd.DataFrame({"platform_id": ids, **people}).reset_index(drop=True),
        frozenset(ids[(cells == REVOKED).fillna(False).any(axis=1)]),
        {what: number for what, number in told.items() if number},
    )


def join(exports: list[Export], files: list[Participants]) -> list[Export]:
    """Give each export what the files tell of its raters; who stands in one list alone is counted.

    Raises InputError where a file and the exports have no participant in common: it is that of another study.
    """
    if not files:
        return exports
    raters = {rater for export in exports for rater in export.raters.loc[~export.raters["preview"], "platform_id"]}
    for file in files:
        if raters.isdisjoint(file.people["platform_id"]):
            names = ", ".join(str(export.file) for export in exports)
            raise InputError(
                file.file,
                f"none of its {len(file.people)} participants is among the {len(raters)} raters of {names}",
                "It is that of another study, or the raters' ids stand in another column: see exports > columns > "
                "rater_id",
            )
    people = pd.concat([file.people for file in files], ignore_index=True)
    twice = people["platform_id"].duplicated()
    people = people[~twice]
    revoked = frozenset().union(*(file.revoked for file in files))
    known = set(people["platform_id"])
    told = sum((Counter(file.told) for file in files), Counter())
    told |= {
        "participants in two files of demographics": int(twice.sum()),
        "participants without a submission": len(known - raters),
        "raters without demographics": len(raters - known),
    }
    # What is counted of the files is told once, with the first export.
    return [_with(export, people, revoked, told if number == 0 else Counter()) for number, export in enumerate(exports)]


def _with(export: Export, people: pd.DataFrame, revoked: frozenset[str], told: Counter) -> Export:
    own = set(export.raters["platform_id"])
    mine = people[people["platform_id"].isin(own)]
    both = [name for name in mine if name in export.demographics and name != "platform_id"]
    if both:
        raise InputError(
            export.file,
            f"'{both[0]}' is told by this file and by the demographics, too",
            "Give one of them another name in the config, under exports > demographics",
        )
    if len(export.demographics):
        mine = export.demographics.merge(mine, on="platform_id", how="outer")
    return replace(
        export,
        demographics=mine.reset_index(drop=True),
        consent_revoked=export.consent_revoked | (revoked & own),
        told=dict(Counter(export.told) + told),
    )


def _own_name(sheet: Sheet, name: str) -> str:
    """How the file calls a column of Prolific's: as now, or in the small letters of its older exports."""
    older = name.lower().replace(" ", "_")
    return older if older in sheet.cells and name not in sheet.cells else name
