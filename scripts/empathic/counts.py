"""How often each answer was given to each source, and the chi-squared tests that published tables of counts carry."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from empathic import tables
from empathic.errors import InputError
from empathic.instrument import Scale
from empathic.origin import of_sources, weakest

MOST_POINTS = 5  # of scales whose top answer is tested against the rest
SAME = 1e-6  # of a step: nearer to a point than this is rounding
NOTE = "ignores clustering"


def count(
    ratings: pd.DataFrame,
    responses: pd.DataFrame | None,
    posts: pd.DataFrame | None,
    *,
    file: Path | str,
    item: str,
    scale: Scale,
    sources: Sequence[str],
    split_by: Sequence[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the included ratings of an item, in all and split by each of some columns (tables.COUNTS, COUNT_TESTS).

    ratings, responses, posts: as their tables; None where the study has no texts. file: the ratings, for messages.
    split_by: columns of the ratings, or of the posts. Pairs of sources are tested on scales of MOST_POINTS or fewer.

    Raises InputError where a column is in neither table.
    """
    rows = ratings[ratings.included & (ratings["item"] == item)]
    rows = rows.assign(rating=_answers(rows.rating, scale))
    for column in split_by:
        if column not in rows and posts is not None and column in posts:
            rows = rows.assign(**{column: rows.post_id.map(posts.set_index("post_id")[column])})
        if column not in rows:
            raise InputError(
                file,
                f"no column '{column}' to split the counts by, here or in the posts (found: {', '.join(ratings)})",
                "Correct the config, under studies > split_counts_by",
            )
    origins = of_sources(rows, responses, sources)
    counted, tested = [], []
    for split, part, own in _parts(rows, split_by):
        place = {"split_by": split, "part": part}
        counted += [place | row for row in _counts(own, scale, origins)]
        if len(scale.points) <= MOST_POINTS:
            tested += [place | row for row in _tests(own, scale, origins)]
    return tables.COUNTS.frame(counted), tables.COUNT_TESTS.frame(tested)


def _parts(rows: pd.DataFrame, split_by: Sequence[str]) -> Iterator[tuple[str | None, str | None, pd.DataFrame]]:
    yield None, None, rows
    for column in split_by:
        for part, own in rows.groupby(rows[column].astype("string"), sort=True):
            yield column, part, own


def _answers(ratings: pd.Series, scale: Scale) -> np.ndarray:
    """Each rating as the point of the scale that it is but for rounding: an average is not its sum of steps to a bit.

    An average of fewer items than the scale has may lie between its points, and stays as it is.
    """
    given, points = ratings.to_numpy(dtype=float), np.array(scale.points)
    nearest = points[((given - scale.min) / scale.step).round().clip(0, len(points) - 1).astype(int)]
    return np.where(np.abs(given - nearest) < SAME * scale.step, nearest, given.round(9))


def _counts(rows: pd.DataFrame, scale: Scale, origins: dict[str, str]) -> Iterator[dict]:
    for source, origin in origins.items():
        given = rows.rating[rows.source == source]
        times = given.value_counts()
        counted = {answer: int(times.get(answer, 0)) for answer in sorted({*scale.points, *times.index})}
        if sum(counted.values()) != len(given):
            raise AssertionError(f"{source}: {sum(counted.values())} of {len(given)} ratings are counted")
        for answer, n in counted.items() if len(given) else ():
            yield {"source": source, "rating": answer, "n": n, "share": n / len(given), "origin": origin}


def _tests(rows: pd.DataFrame, scale: Scale, origins: dict[str, str]) -> Iterator[dict]:
    top = (rows.rating == scale.points[-1]).groupby(rows.source).agg(["sum", "size"])
    for a, b in combinations([source for source in origins if source in top.index], 2):
        (top_a, n_a), (top_b, n_b) = top.loc[a], top.loc[b]
        table = [[top_a, n_a - top_a], [top_b, n_b - top_b]]
        tested = 0 < top_a + top_b < n_a + n_b
        found = stats.chi2_contingency(table, correction=True) if tested else None
        yield {
            "contrast": f"{a} - {b}",
            "top": scale.max,
            "n_top_a": top_a,
            "n_a": n_a,
            "n_top_b": top_b,
            "n_b": n_b,
            "chi_squared": found and found.statistic,
            "df": 1,
            "p_value": found and found.pvalue,
            "origin": weakest([origins[a], origins[b]]),
            "note": NOTE,
        }
