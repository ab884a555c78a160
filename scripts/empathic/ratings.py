"""From exports to one row a rating, every row accounted for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from empathic import exclusions, ids, pseudonyms, tables
from empathic.errors import InputError
from empathic.exports import Export
from empathic.sheets import shorten

# Rows that leave before the config's rules are asked, and raters that these let pass and who answered nothing.
PREVIEW, OTHER_SOURCE, NO_RATINGS = "preview of the survey", "source not in this study", "no ratings"
UNKNOWN = (
    "Ratings belong to the very texts that were rated: bring those back (a changed post, prompt, model or setting "
    "makes other texts), or correct the cell"
)


@dataclass(frozen=True)
class Merged:
    """What a merge makes: tables.RATINGS, tables.RATERS and tables.FLOW, and lines for the person who watches."""

    ratings: pd.DataFrame
    raters: pd.DataFrame
    flow: pd.DataFrame
    notes: list[str]


def merge(
    exports: Iterable[Export],
    responses: pd.DataFrame | None,
    *,
    sources: list[str],
    rules: dict[str, Any],
    private_key: Callable[[], str],
) -> Merged:
    """Join exports to the responses that were rated, and mark who does not enter the models.

    responses: tables.RESPONSES, or None for a study without texts. sources: those of the study. rules: the config's
    `exclusions`. private_key: gives the key of the pseudonyms; asked only where a rater is a person.

    Raises InputError where a rating names no response of the study, a rater or a rating stands twice, a source of the
    study has no rating, or no rater remains.
    """
    exports = list(exports)
    found = [_identify(export, responses, sources) for export in exports]
    keys = [pseudonyms.PUBLIC_KEY if export.origin == "simulated" else private_key() for export in exports]
    raters = _raters(exports, keys)
    ratings = _ratings(exports, found, keys)
    _check_sources(exports, ratings, sources)
    failed, outside = _failures(raters, ratings, sources, rules)
    raters["reason"] = exclusions.first_failed(failed)
    raters["included"] = raters["reason"].isna()
    ratings["reason"] = ratings["rater_id"].map(raters.set_index("rater_id")["reason"]).astype("string")
    ratings["reason"] = ratings["reason"].mask(outside, OTHER_SOURCE)
    ratings["included"] = ratings["reason"].isna()
    flow = _flow(raters, ratings, failed)
    if not raters["included"].any():
        why = "; ".join(f"{row.reason}: {row.raters}" for row in flow.itertuples() if row.step == "excluded")
        raise InputError(_names(exports), f"no rater remains ({why})", "Look at the rules under ratings > exclusions")
    notes = [_told(raters, ratings, sum(export.empty_cells for export in exports))]
    carried = dict.fromkeys(name for export in exports for name in export.carried)
    ratings = ratings[[*tables.RATINGS.names, *carried]]
    ratings = ratings.sort_values(["rater_id", "position", "response_id", "item"], ignore_index=True)
    raters = raters[tables.RATERS.names].sort_values("rater_id", ignore_index=True)
    return Merged(ratings, raters, flow, notes)


def _identify(export: Export, responses: pd.DataFrame | None, sources: list[str]) -> pd.DataFrame:
    """For each rating of an export the response_id, post_id, domain and source of what was rated."""
    ratings = export.ratings
    if responses is None:
        if "post_id" not in ratings or "source" not in ratings:
            raise InputError(
                export.file,
                "the study has no texts, and no column is named for post_id and source",
                "Name them in the config, under exports > columns, or give the study its posts",
            )
        return _without_texts(ratings)
    outside = ~ratings["source"].isin(sources) if "source" in ratings else pd.Series(False, ratings.index)
    if not export.identified_by and outside.any():
        inside = _look_up(export, ratings[~outside], responses)
        return pd.concat([inside, _without_texts(ratings[outside])]).reindex(ratings.index)
    return _look_up(export, ratings, responses)


def _without_texts(ratings: pd.DataFrame) -> pd.DataFrame:
    found = ratings[["post_id", "source"]].copy()
    found["domain"] = ratings["domain"] if "domain" in ratings else pd.array(["all"], "string").repeat(len(ratings))
    keys = pd.MultiIndex.from_frame(ratings[["post_id", "source", "sample"]])
    codes, rated = keys.factorize()
    known = [ids.response_id(post, None, source, int(sample), None) for post, source, sample in rated]
    found["response_id"] = pd.array(known, dtype="string")[codes]
    return found


def _look_up(export: Export, ratings: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """Find the response of each rating by its reference, or by post, source and sample. Raises InputError."""
    place = pd.Series(-1, ratings.index)
    if export.identified_by:
        for column in export.identified_by:
            known = responses[responses[column].notna()]
            _check_unique(export, known, column)
            position = pd.Series(responses.index.get_indexer(known.index), index=known[column])
            place = place.mask(place < 0, ratings["reference"].map(position).fillna(-1).astype("int64"))
    else:
        names = ["post_id", "source", "sample"]
        index = pd.MultiIndex.from_frame(responses[names].astype({"sample": "int64"}))
        place = pd.Series(index.get_indexer(pd.MultiIndex.from_frame(ratings[names])), ratings.index)
    if (place < 0).any():
        lost = ratings.loc[(place < 0).idxmax()]
        named = f"'{lost['reference']}'" if export.identified_by else _cell(lost)
        problem = f"no response of this study is {named}"
        raise InputError(export.file, problem, UNKNOWN, row=int(lost["row"]), column=str(lost["column"]))
    found = responses[["response_id", "post_id", "domain", "source"]].iloc[place.to_numpy()].set_index(ratings.index)
    for name in {"post_id", "source", "domain"} & set(ratings):
        differs = ratings[name] != found[name]
        if differs.any():
            at = differs.idxmax()
            raise InputError(
                export.file,
                f"the {name} is '{ratings.at[at, name]}', but that of the response is '{found.at[at, name]}'",
                "Correct the cell, or do not name the column in exports > columns",
                row=int(ratings.at[at, "row"]),
            )
    return found


def _cell(rating: pd.Series) -> str:
    return f"post '{rating['post_id']}', source '{rating['source']}', sample {rating['sample']}"


def _check_unique(export: Export, known: pd.DataFrame, column: str) -> None:
    twice = known[column][known[column].duplicated()]
    if len(twice):
        problem = f"two responses of the study bear the {column} '{twice.iloc[0]}'"
        raise InputError(export.file, problem, "Name responses by response_id, or mend the labels")


def _raters(exports: list[Export], keys: list[str]) -> pd.DataFrame:
    """All raters, one row each. Raises InputError where one stands in two exports that do not agree."""
    parts = []
    for export, key in zip(exports, keys, strict=True):
        part = export.raters.assign(origin=export.origin, file=str(export.file), alone=export.one_row_a_rater)
        part["rater_id"] = pseudonyms.pseudonyms(part.pop("platform_id"), key)
        parts.append(part)
    raters = pd.concat(parts, ignore_index=True)
    again = raters.duplicated("rater_id")
    same = raters.duplicated(["rater_id", "finished", "checks_failed", "duration_s", "origin"])
    clash = again & (raters["alone"] | ~same)
    if clash.any():
        at = raters.loc[clash.idxmax()]
        before = raters.loc[(raters["rater_id"] == at["rater_id"]).idxmax()]
        raise InputError(
            at["file"],
            f"this rater is also in {before['file']}, row {before['row']}",
            "A person is one rater: keep one of the two",
            row=int(at["row"]),
        )
    return raters[~again].drop(columns=["row", "file", "alone"]).reset_index(drop=True)


def _ratings(exports: list[Export], found: list[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    """All ratings, with their file and row. Raises InputError where a rater rates a response twice on one item."""
    parts = []
    for export, responses, key in zip(exports, found, keys, strict=True):
        part = export.ratings[["row", "item", "rating", "position", *export.carried]]
        part = part.assign(**{name: responses[name] for name in responses}, origin=export.origin, file=str(export.file))
        part["rater_id"] = pseudonyms.pseudonyms(export.ratings["platform_id"], key)
        parts.append(part)
    ratings = pd.concat(parts, ignore_index=True)
    twice = ratings.duplicated(list(tables.RATINGS.key))
    if twice.any():
        at = ratings.loc[twice.idxmax()]
        same = (ratings[list(tables.RATINGS.key)] == at[list(tables.RATINGS.key)]).all(axis=1)
        before = ratings.loc[same.idxmax()]
        raise InputError(
            at["file"],
            f"the rater has rated this response before, on the item '{at['item']}' ({before['file']}, row "
            f"{before['row']})",
            "Keep one of the two rows; where a source answered a post more than once, name the sample's column, too",
            row=int(at["row"]),
        )
    return ratings


def _check_sources(exports: list[Export], ratings: pd.DataFrame, sources: list[str]) -> None:
    found = ratings["source"].drop_duplicates()
    unrated = [source for source in sources if source not in set(found)]
    if unrated:
        raise InputError(
            _names(exports),
            f"no rating of the source '{unrated[0]}' (rated: {shorten(found) or 'none'})",
            "Make the names agree: those of the export's sources, and the study's sources in the config",
        )


def _failures(
    raters: pd.DataFrame, ratings: pd.DataFrame, sources: list[str], rules: dict[str, Any]
) -> tuple[pd.DataFrame, pd.Series]:
    """For each rater whether it fails each step, whatever the order; for each rating whether its source is not ours."""
    outside = ~ratings["source"].isin(sources)
    preview = raters["preview"].astype(bool)
    rated = raters["rater_id"].isin(ratings["rater_id"])
    all_outside = rated & ~raters["rater_id"].isin(ratings.loc[~outside, "rater_id"])
    failed = pd.DataFrame({PREVIEW: preview, OTHER_SOURCE: all_outside})
    failed = failed.join(exclusions.failures(raters, ratings, rules)).assign(**{NO_RATINGS: ~rated})
    return failed, outside


def _flow(raters: pd.DataFrame, ratings: pd.DataFrame, failed: pd.DataFrame) -> pd.DataFrame:
    """The participant flow. The steps that a config does not ask for stand in it where they took something out.

    Raises AssertionError where what entered is not what left and what remains.
    """
    rows = [{"step": "entered", "raters": len(raters), "ratings": len(ratings)}]
    for rule in failed:
        out = raters["reason"].eq(rule).fillna(False).sum(), ratings["reason"].eq(rule).fillna(False).sum()
        if rule in exclusions.RULES or any(out):
            fails = raters.loc[failed[rule], "rater_id"]
            rows.append(
                {
                    "step": "excluded",
                    "reason": rule,
                    "raters": out[0],
                    "ratings": out[1],
                    "raters_any": len(fails),
                    # A source leaves by its ratings, also where the rater stays.
                    "ratings_any": out[1] if rule == OTHER_SOURCE else ratings["rater_id"].isin(fails).sum(),
                }
            )
    remaining = {"raters": int(raters["included"].sum()), "ratings": int(ratings["included"].sum())}
    for unit, left in remaining.items():
        excluded = sum(row[unit] for row in rows[1:])
        if rows[0][unit] - excluded != left:
            raise AssertionError(f"{unit} are lost: {rows[0][unit]} entered, {excluded} excluded, {left} remain")
    return tables.FLOW.frame(
        [dict.fromkeys(tables.FLOW.names) | row for row in [*rows, {"step": "remaining"} | remaining]]
    )


def _told(raters: pd.DataFrame, ratings: pd.DataFrame, empty: int) -> str:
    return (
        f"{len(raters)} raters and {len(ratings)} ratings entered; {raters['included'].sum()} and "
        f"{ratings['included'].sum()} remain; {empty} cells without a rating (not shown, or not answered)"
    )


def _names(exports: list[Export]) -> str:
    return ", ".join(str(export.file) for export in exports)
