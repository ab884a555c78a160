"""Where data come from, and what a result made from several origins may call itself."""

from collections.abc import Iterable, Sequence

import pandas as pd

ORIGINS = ("simulated", "stand_in", "observed")  # weakest first


def weakest(origins: Iterable[str]) -> str:
    """The origin of a result: the weakest of those it rests on. Raises ValueError for none, or an unknown one."""
    return ORIGINS[min(ORIGINS.index(origin) for origin in origins)]


def of_sources(rows: pd.DataFrame, responses: pd.DataFrame | None, sources: Sequence[str]) -> dict[str, str]:
    """For each source the weakest origin of all these ratings and of its own rated responses.

    rows: tables.RATINGS. responses: tables.RESPONSES; None: the study has no texts.
    """
    ratings = weakest(rows.origin.unique())
    if responses is None:
        return dict.fromkeys(sources, ratings)
    rated = responses[responses.response_id.isin(rows.response_id)]
    texts = rated.groupby("source").origin.agg(weakest)
    return {source: weakest([ratings, *texts[texts.index == source]]) for source in sources}
