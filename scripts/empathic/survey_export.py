"""The exports of a survey that nobody took, as the platforms would write them: Qualtrics and Prolific."""

import csv
import datetime
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from empathic.files import whole
from empathic.simulate import Design, Rater, Simulation

FIRST_DAY = datetime.datetime(2000, 1, 1, 8)  # No survey of this kind was taken then.


def write(design: Design, simulation: Simulation, path: Path | str) -> None:
    """Write what Qualtrics would export: CSV with numeric values, UTF-8 with BOM, three header rows.

    One column a response and item (R_{response_id}_{item}) and one for its place in the rater's order
    (R_{response_id}_DO).
    """
    with whole(path) as handle:
        handle.write("\ufeff")
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerows(zip(*_header(design), strict=True))
        writer.writerows(_rows(design, simulation.raters))


def _header(design: Design) -> Iterator[tuple[str, str, str]]:
    """The three header cells of each column."""
    time = '{"ImportId":"%s","timeZone":"Etc/UTC"}'
    yield from (
        ("StartDate", "Start Date", time % "startDate"),
        ("EndDate", "End Date", time % "endDate"),
        ("Status", "Response Type", _import_id("status")),
        ("IPAddress", "IP Address", _import_id("ipAddress")),
        ("Progress", "Progress", _import_id("progress")),
        ("Duration (in seconds)", "Duration (in seconds)", _import_id("duration")),
        ("Finished", "Finished", _import_id("finished")),
        ("RecordedDate", "Recorded Date", time % "recordedDate"),
        ("ResponseId", "Response ID", _import_id("_recordId")),
        ("DistributionChannel", "Distribution Channel", _import_id("distributionChannel")),
        ("PROLIFIC_PID", "PROLIFIC_PID", _import_id("PROLIFIC_PID")),
    )
    for number, check in enumerate(design.survey.attention_checks, start=1):
        yield check.name, check.wording, _import_id(f"QID{number}")
    number = len(design.survey.attention_checks)
    for response_id in design.responses["response_id"]:
        number += 1
        yield f"R_{response_id}_{design.item}", design.asked.wording, _import_id(f"QID{number}")
        yield f"R_{response_id}_DO", "Display Order", _import_id(f"QID{number}_DO")


def _import_id(name: str) -> str:
    return f'{{"ImportId":"{name}"}}'


def _rows(design: Design, raters: Iterable[Rater]) -> Iterator[list[str]]:
    checks = len(design.survey.attention_checks)
    for rater in raters:
        start = FIRST_DAY + datetime.timedelta(seconds=rater.started_s)
        end = start + datetime.timedelta(seconds=rater.duration_s)
        answered = sum(rating is not None for rating in rater.ratings)
        generator = design.generator("platform", rater.number)
        letters = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
        head = [
            str(start),
            str(end),
            "0",
            f"192.0.2.{generator.integers(1, 255)}",  # RFC 5737: addresses for documentation
            str(100 * (answered + checks * rater.finished) // (len(rater.ratings) + checks)),
            str(rater.duration_s),
            str(int(rater.finished)),
            str(end),
            "R_" + "".join(generator.choice(letters, 15)),
            "anonymous",
            rater.platform_id,
        ]
        cells = [""] * (2 * len(design.responses))
        for place, (row, rating) in enumerate(zip(rater.shown, rater.ratings, strict=True), start=1):
            if rating is not None:
                cells[2 * row : 2 * row + 2] = [f"{rating:g}", str(place)]
        yield head + ["" if answer is None else f"{answer:g}" for answer in rater.checks.values()] + cells


# What Prolific exports of a study's participants, with the demographics that it gives by default.
PROLIFIC = (
    "Submission id",
    "Participant id",
    "Status",
    "Custom study tncs accepted at",
    "Started at",
    "Completed at",
    "Reviewed at",
    "Archived at",
    "Time taken",
    "Completion code",
    "Total approvals",
)
DRAWN = {
    "Sex": ("Female", "Male"),
    "Ethnicity simplified": ("White", "Black", "Asian", "Mixed", "Other"),
    "Country of birth": ("United Kingdom", "United States", "Ireland", "Canada"),
    "Country of residence": ("United States", "United Kingdom"),
    "Nationality": ("United States", "United Kingdom", "Ireland"),
    "Language": ("English",),
    "Student status": ("No", "Yes"),
    "Employment status": ("Full-Time", "Part-Time", "Unemployed (and job seeking)", "Not in paid work"),
}
EXPIRED, REVOKED = "DATA_EXPIRED", "CONSENT_REVOKED"
SHARE_EXPIRED = 0.05


def write_demographics(design: Design, simulation: Simulation, path: Path | str) -> None:
    """Write what Prolific would export: CSV, UTF-8, a row a participant, each answer drawn by itself.

    Of some participants the data have expired; those who took the consent back have CONSENT_REVOKED in every cell of
    theirs.
    """
    people = {rater.platform_id: rater for rater in reversed(simulation.raters)}
    with whole(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*PROLIFIC, "Age", *DRAWN])
        for rater in sorted(people.values(), key=lambda rater: rater.number):
            writer.writerow(_participant(design, rater))


def _participant(design: Design, rater: Rater) -> list[str]:
    generator = design.generator("participant", rater.number)
    start = FIRST_DAY + datetime.timedelta(seconds=rater.started_s)
    end = start + datetime.timedelta(seconds=rater.duration_s)
    told = [str(int(generator.integers(18, 80))), *(str(generator.choice(words)) for words in DRAWN.values())]
    if generator.random() < SHARE_EXPIRED:
        told = [EXPIRED] * len(told)
    if rater.kind == "revoked":
        told = [REVOKED] * len(told)
    return [
        generator.bytes(12).hex(),
        rater.platform_id,
        "APPROVED" if rater.finished else "RETURNED",
        "Not Applicable",
        _time(start),
        _time(end) if rater.finished else "",
        _time(end + datetime.timedelta(days=1)) if rater.finished else "",
        "",
        str(rater.duration_s),
        "C0000000" if rater.finished else "NOCODE",
        str(int(generator.integers(5, 2000))),
        *told,
    ]


def _time(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
