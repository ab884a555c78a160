"""The order of a study's domains: that of its posts, and never the alphabet's."""

import pandas as pd


def domains_of(ratings: pd.DataFrame, texts: pd.DataFrame | None = None) -> list[str]:
    """The domains of some ratings in the order in which the study's texts first have them.

    texts: tables.POSTS, or tables.RESPONSES, which stand in the posts' order. None: the study has none, and a domain's
    place is that of its first post, by post_id; neither the order of the ratings nor that of the raters counts.
    """
    known = [] if texts is None else texts.domain.dropna().unique()
    rated = list(ratings.drop_duplicates("post_id").sort_values("post_id").domain.unique())
    return list(dict.fromkeys([*(domain for domain in known if domain in rated), *rated]))
