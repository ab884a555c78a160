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
# Columns that tell of a submission and not of a person, by the names of all of Prolific's exports.
OF_A_SUBMISSION = (
    *("submission id", "session id", "status", "custom study tncs accepted at", "completion code", "entered code"),
    *("started at", "started datetime", "completed at", "completed date time", "reviewed at", "reviewed at datetime"),
    *("archived at", "archived datetime", "time taken", "total approvals", "num approvals", "num rejections"),
)
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
    DATA_EXPIRED or CONSENT_REVOKED is missing. Of a participant of several rows (submissions) the first that tells a
    thing is taken. Raises InputError for what `sheets.read` refuses, an empty id, and a participant of two rows that
    tell different things of the person.
    """
    sheet, _ = sheets.read(described["file"])
    id_column = described["columns"].get("rater_id") or _own_name(sheet, PARTICIPANT)
    ids = sheet.filled(id_column, "Export the demographics from Prolific as they come, or name the column")
    again = ids.duplicated()
    cells = sheet.cells.astype("string")
    special = cells.isin([REVOKED, EXPIRED])
    given = described.get("demographics", {})
    common.refuse_personal(sheet, given, id_column, "exports > demographics")
    submission = _own_name(sheet, SUBMISSION)
    taken = given or {name: name for name in cells if name not in (id_column, submission)}
    people = {ours: sheet.column(theirs, common.NAME_IT).mask(special[theirs]) for ours, theirs in taken.items()}
    people = pd.DataFrame({"platform_id": ids.astype("string"), **people})
    told_first = people.groupby("platform_id", sort=False).first().reset_index()
    own = {ours for ours, theirs in taken.items() if theirs.lower().replace("_", " ") not in OF_A_SUBMISSION}
    sheet.refuse(
        _differing(people[["platform_id", *sorted(own)]], told_first),
        id_column,
        "this participant has a row above that says something else of the person",
        "Keep the row of the submission that the ratings are of",
    )
    expired = ids[(cells == EXPIRED).fillna(False).any(axis=1)].nunique()
    told = {"further rows of a participant, joined": int(again.sum()), f"participants with {EXPIRED}": expired}
    return Participants(
        sheet.path,
        told_first,
        frozenset(ids[(cells == REVOKED).fillna(False).any(axis=1)]),
        {what: number for what, number in told.items() if number},
    )


def _differing(people: pd.DataFrame, told_first: pd.DataFrame) -> pd.Series:
    """Whether each row tells another thing of its participant than the first that tells it."""
    first = told_first.set_index("platform_id").loc[people["platform_id"]].set_axis(people.index)
    columns = [name for name in people if name != "platform_id"]
    return ((people[columns] != first[columns]) & people[columns].notna()).fillna(False).any(axis=1)


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
