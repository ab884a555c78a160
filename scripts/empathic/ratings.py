"""From exports to one row a rating, every row accounted for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from empathic import coded, demographics, exclusions, pseudonyms, scales, tables
from empathic.errors import InputError
from empathic.exports import Export
from empathic.flow import NO_RATINGS, OTHER_SOURCE, Number, participant_flow
from empathic.identify import FOUND, identify
from empathic.instrument import Instrument
from empathic.sheets import shorten

ONCE = ["rater", "response_id", "item"]  # No two ratings share all these.
ORDER = ["rater", "position", "response_id", "item"]


@dataclass(frozen=True)
class Asked:
    """What a config asks of a merge.

    sources: those of the study. rules: its `exclusions`. told: the demographics that may be in raters.csv, with ages in
    bands that begin at `age_bands`.
    """

    survey: Instrument
    sources: list[str]
    rules: list[dict[str, Any]]
    told: list[str]
    age_bands: list[int]


@dataclass(frozen=True)
class Merged:
    """What a merge makes: tables.RATINGS, tables.RATERS and tables.FLOW, and lines for the person who watches.

    Columns of text of the ratings are categoricals, as their texts recur (see `coded`).
    """

    ratings: pd.DataFrame
    raters: pd.DataFrame
    flow: pd.DataFrame
    notes: list[str]


def merge(
    exports: Iterable[Export], responses: pd.DataFrame | None, asked: Asked, private_key: Callable[[], str]
) -> Merged:
    """Join exports to the responses that were rated, and mark who does not enter the models.

    responses: tables.RESPONSES, or None for a study without texts. private_key: gives the key of the pseudonyms; asked
    only where a rater is a person.

    Of who took the consent back nothing is kept but a count. The submission that stays of a participant bears the
    participant's pseudonym, further ones bear it with .2, .3 and so on behind.

    Raises InputError where a rating names no response of the study, a rating stands twice, exports tell different
    things of one rater, a source of the study has no rating, or no rater remains.
    """
    exports = list(exports)
    keys = [pseudonyms.PUBLIC_KEY if export.origin == "simulated" else private_key() for export in exports]
    raters, places = _raters(exports, keys)
    ratings = _ratings(exports, [identify(export, responses, asked.sources) for export in exports], places)
    raters = _with_demographics(raters, exports, keys, asked)
    raters, ratings, revoked = _without_revoked(raters, ratings, exports, keys)
    _name(raters, asked.rules)
    raters, ratings = _in_order(raters, ratings, raters["rater_id"].argsort().to_numpy())
    ratings["rater_id"] = coded.of(ratings["rater"].to_numpy(), raters["rater_id"])
    _check_sources(exports, ratings, asked.sources)
    failed, outside = _failures(raters, ratings, asked)
    _mark(raters, ratings, failed, outside)
    repeated = Number(*map(sum, zip(*(export.repeated for export in exports), strict=True)))
    flow = participant_flow(raters, ratings, failed, revoked, exclusions.applied(asked.rules), repeated)
    if not raters["included"].any():
        why = "; ".join(f"{row.reason}: {row.raters}" for row in flow.itertuples() if row.step == "excluded")
        raise InputError(_names(exports), f"no rater remains ({why})", "Look at the rules under ratings > exclusions")
    notes = _notes(exports, flow)
    carried = dict.fromkeys(name for export in exports for name in export.carried)
    averages, incomplete = scales.averages(ratings, asked.survey)
    notes += [
        f"{scale}: {number} responses without an average, as too few of its items were answered"
        for scale, number in incomplete.items()
        if number
    ]
    ratings = coded.concat([ratings, averages]) if len(averages) else ratings
    ratings = ratings[[*tables.RATINGS.names, *carried]].take(_order(ratings)).reset_index(drop=True)
    return Merged(ratings, raters[[*tables.RATERS.names, *asked.told]], flow, notes)


def _raters(exports: list[Export], keys: list[str]) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """All submissions, one row each, and for each export the rows of its ratings in that table.

    Raises InputError where two exports tell of one submission, but for long tables that tell the same.
    """
    parts = []
    for export, key in zip(exports, keys, strict=True):
        part = export.raters.assign(origin=export.origin, alone=export.one_row_a_rater)
        part["person"] = pseudonyms.pseudonyms(part.pop("platform_id"), key)
        parts.append(part)
    raters = pd.concat(parts, ignore_index=True)
    codes, _ = pd.factorize(coded.numbered([raters["person"], raters["submission"]]))
    again = pd.Series(codes).duplicated()
    if again.any():
        same = ["code", "finished", "checks_failed", "duration_s", "origin"]
        _refuse_clash(exports, codes, again & (raters["alone"] | ~raters.assign(code=codes).duplicated(same)))
        raters = raters[~again].reset_index(drop=True)
    ends = np.cumsum([len(export.raters) for export in exports])
    own = np.split(codes, ends[:-1])
    return raters, [rows[export.ratings["rater"]] for rows, export in zip(own, exports, strict=True)]


def _refuse_clash(exports: list[Export], codes: np.ndarray, clash: pd.Series) -> None:
    """Raise InputError at the first submission that clashes with one of the same code before it."""
    if clash.any():
        at = int(clash.to_numpy().argmax())
        file, row = _place(exports, "raters", at)
        other, other_row = _place(exports, "raters", int((codes == codes[at]).argmax()))
        raise InputError(
            file,
            f"this submission is also in {other}, row {other_row}",
            "One submission is told once, or alike in both: keep one of the two",
            row=row,
        )


def _place(exports: list[Export], table: str, at: int) -> tuple[Path, int]:
    """The file and row of a submission or rating, by its place in that table of all exports, one below the other."""
    for export in exports:
        rows = getattr(export, table)["row"]
        if at < len(rows):
            break
        at -= len(rows)
    return export.file, int(rows.iloc[at])


def _ratings(exports: list[Export], found: list[pd.DataFrame], places: list[np.ndarray]) -> pd.DataFrame:
    """All ratings, with their rater's row. Raises InputError where a submission rates a response twice on one item."""
    parts = []
    for export, responses, place in zip(exports, found, places, strict=True):
        part = export.ratings[["item", "rating", "position", *export.carried]]
        part = part.assign(**{name: responses[name] for name in FOUND}, origin=coded.constant(export.origin, len(part)))
        parts.append(part.assign(rater=place))
    ratings = coded.concat(parts)
    if coded.recur(ratings[name] for name in ONCE):
        at = int(ratings.duplicated(ONCE).to_numpy().argmax())
        before = int((ratings[ONCE] == ratings.loc[at, ONCE]).all(axis=1).to_numpy().argmax())
        (file, row), (other, other_row) = _place(exports, "ratings", at), _place(exports, "ratings", before)
        raise InputError(
            file,
            f"the rater has rated this response before, on the item '{ratings.loc[at, 'item']}' ({other}, row "
            f"{other_row})",
            "Keep one of the two rows; where a source answered a post more than once, name the sample's column, too",
            row=row,
        )
    return ratings


def _with_demographics(raters: pd.DataFrame, exports: list[Export], keys: list[str], asked: Asked) -> pd.DataFrame:
    demographics.check(exports, asked.told)
    if not asked.told:
        return raters
    parts = []
    for export, key in zip(exports, keys, strict=True):
        part = demographics.allowed(export, asked.told, asked.age_bands)
        parts.append(part.set_axis(pseudonyms.pseudonyms(part.index.to_series(), key).array))
    told = pd.concat(parts).groupby(level=0).first()
    return raters.join(told, on="person")


def _without_revoked(
    raters: pd.DataFrame, ratings: pd.DataFrame, exports: list[Export], keys: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, Number]:
    """Take out whoever took the consent back, in whichever export that is told."""
    gone: set[str] = set()
    for export, key in zip(exports, keys, strict=True):
        gone |= set(pseudonyms.pseudonyms(pd.Series(sorted(export.consent_revoked), dtype="string"), key))
    out = raters["person"].isin(gone).to_numpy()
    if not out.any():
        return raters, ratings, Number(0, 0)
    rated = out[ratings["rater"]]
    kept = _in_order(raters, ratings[~rated].reset_index(drop=True), np.flatnonzero(~out))
    return *kept, Number(int(out.sum()), int(rated.sum()))


def _in_order(raters: pd.DataFrame, ratings: pd.DataFrame, order: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """These raters (by their places) in this order, and the ratings, all of them theirs, with their new places."""
    places = np.empty(len(raters), dtype="int32")
    places[order] = np.arange(len(order))
    return raters.take(order).reset_index(drop=True), ratings.assign(rater=places[ratings["rater"]])


def _name(raters: pd.DataFrame, rules: list[dict[str, Any]]) -> None:
    """Tell which submission of a participant stays, and give each submission its rater_id."""
    keep = next(rule["keep"] for rule in rules if rule["name"] == exclusions.DUPLICATE)
    raters["kept"] = exclusions.kept_submissions(raters, keep)
    again = raters[raters["person"].duplicated(keep=False)]
    ranked = again.assign(leaves=~again["kept"] | again["preview"].astype(bool))
    number = ranked.sort_values(["leaves", "started"], kind="stable").groupby("person").cumcount()
    further = number[number > 0]
    raters["rater_id"] = raters["person"]
    raters.loc[further.index, "rater_id"] += "." + (further + 1).astype("string")


def _failures(raters: pd.DataFrame, ratings: pd.DataFrame, asked: Asked) -> tuple[pd.DataFrame, pd.Series]:
    """For each rater whether it fails each step, whatever the order; for each rating whether its source is not ours."""
    outside = ~ratings["source"].isin(asked.sources)
    rater = ratings["rater"].to_numpy()
    rated, inside = (np.bincount(who, minlength=len(raters)) > 0 for who in (rater, rater[~outside]))
    failed = pd.DataFrame({OTHER_SOURCE: rated & ~inside}, index=raters.index)
    failed = failed.join(exclusions.failures(raters, ratings, asked.rules)).assign(**{NO_RATINGS: ~rated})
    return failed, outside


def _mark(raters: pd.DataFrame, ratings: pd.DataFrame, failed: pd.DataFrame, outside: pd.Series) -> None:
    """Say of each rater and rating whether it is included, and by which step it leaves."""
    raters["reason"] = exclusions.first_failed(failed)
    raters["included"] = raters["reason"].isna()
    codes, reasons = pd.factorize(pd.concat([raters["reason"], pd.Series([OTHER_SOURCE], dtype="string")]))
    ratings["reason"] = coded.of(np.where(outside, codes[-1], codes[ratings["rater"]]), reasons)
    ratings["included"] = ratings["reason"].isna()


def _check_sources(exports: list[Export], ratings: pd.DataFrame, sources: list[str]) -> None:
    found = ratings["source"].drop_duplicates()
    unrated = [source for source in sources if source not in set(found)]
    if unrated:
        raise InputError(
            _names(exports),
            f"no rating of the source '{unrated[0]}' (rated: {shorten(found) or 'none'})",
            "Make the names agree: those of the export's sources, and the study's sources in the config",
        )


def _order(ratings: pd.DataFrame) -> np.ndarray:
    """The order of the rows, which does not hang on that of the exports."""
    return np.argsort(coded.numbered([ratings[name] for name in ORDER], in_order=True), kind="stable")


def _notes(exports: list[Export], flow: pd.DataFrame) -> list[str]:
    first, last = flow.iloc[0], flow.iloc[-1]
    empty = sum(export.empty_cells for export in exports)
    told: dict[str, int] = {}
    for export in exports:
        for what, number in export.told.items():
            told[what] = told.get(what, 0) + number
    return [
        f"{first.raters} raters and {first.ratings} ratings entered; {last.raters} and {last.ratings} remain; {empty} "
        "cells without a rating (not shown, or not answered)",
        *(f"{number} {what}" for what, number in told.items() if number),
    ]


def _names(exports: list[Export]) -> str:
    return ", ".join(str(export.file) for export in exports)
