"""Which response each rating is of: by its id, by a label of the lab's own, or by post, source and sample."""

import numpy as np
import pandas as pd

from empathic import coded, ids
from empathic.errors import InputError
from empathic.exports import Export

UNKNOWN = (
    "Ratings belong to the very texts that were rated: bring those back (a changed post, prompt, model or setting "
    "makes other texts), or correct the cell"
)
FOUND = ["response_id", "post_id", "domain", "source"]


def identify(export: Export, responses: pd.DataFrame | None, sources: list[str]) -> pd.DataFrame:
    """For each rating of an export the response_id, post_id, domain and source of what was rated.

    responses: tables.RESPONSES, or None for a study without texts. sources: those of the study; ratings of others,
    which leave by a step of the flow, need no response.

    Raises InputError where a rating names no response, or names it by a label that two bear, or contradicts it.
    """
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
        both = coded.concat([inside, _without_texts(ratings[outside])])
        rows = np.concatenate([np.flatnonzero(~outside), np.flatnonzero(outside)])
        return both.set_axis(ratings.index[rows]).reindex(ratings.index)
    return _look_up(export, ratings, responses)


def _without_texts(ratings: pd.DataFrame) -> pd.DataFrame:
    found = ratings[["post_id", "source"]].copy()
    found["domain"] = ratings["domain"] if "domain" in ratings else coded.constant("all", len(ratings))
    codes, first = _rated(ratings)
    rated = ratings[["post_id", "source", "sample"]].iloc[first].itertuples(index=False, name=None)
    known = [ids.response_id(post, None, source, int(sample), None) for post, source, sample in rated]
    found["response_id"] = coded.of(codes, known)
    return found


def _rated(ratings: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """For each rating the number of what was rated (post, source and sample), and for each number its first row."""
    numbers = coded.numbered(ratings[name] for name in ("post_id", "source", "sample"))
    codes, known = pd.factorize(numbers)
    # Codes are given in the order of the rows, so that the largest so far grows where a new one comes.
    first = np.searchsorted(np.maximum.accumulate(codes), np.arange(len(known)))
    return codes, first


def _look_up(export: Export, ratings: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """Find the response of each rating by its reference, or by post, source and sample. Raises InputError."""
    if export.identified_by:
        codes, named = pd.factorize(ratings["reference"])
        place = np.full(len(named), -1)
        for column in export.identified_by:
            known = responses[responses[column].notna()]
            _check_unique(export, known, column)
            at = pd.Index(known[column]).get_indexer(pd.Index(named, dtype="string"))
            position = np.append(responses.index.get_indexer(known.index), -1)[at]
            place = np.where(place < 0, position, place)
    else:
        names = ["post_id", "source", "sample"]
        index = pd.MultiIndex.from_frame(responses[names].astype({"sample": "int64"}))
        codes, first = _rated(ratings)
        rated = ratings[names].iloc[first].astype({"post_id": "string", "source": "string"})
        place = index.get_indexer(pd.MultiIndex.from_frame(rated))
    place = place[codes]
    if (place < 0).any():
        lost = ratings.iloc[(place < 0).argmax()]
        named = f"'{lost['reference']}'" if export.identified_by else _cell(lost)
        problem = f"no response of this study is {named}"
        raise InputError(export.file, problem, UNKNOWN, row=int(lost["row"]), column=str(lost["column"]))
    found = pd.DataFrame({name: coded.of(place, responses[name]) for name in FOUND}, index=ratings.index)
    for name in {"post_id", "source", "domain"} & set(ratings):
        differs = coded.texts(ratings[name]) != coded.texts(found[name])
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
