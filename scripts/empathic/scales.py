"""Several items a response, averaged into one by the name that the instrument gives it."""

import pandas as pd

from empathic import coded
from empathic.instrument import Instrument


def averages(ratings: pd.DataFrame, survey: Instrument) -> tuple[pd.DataFrame, dict[str, int]]:
    """Average the items of each scale of the instrument, for each rater and response.

    ratings: tables.RATINGS, with further columns; `rating` in units of the items' scale.

    Returns rows of the same columns, `item` being the scale's name (all else as in the first of the response's rows),
    in the items' units; and for each scale how many responses that a rater rated on some of its items have no average,
    as fewer than `least_items` were answered.
    """
    made, incomplete = [ratings.iloc[:0]], {}
    for scale in survey.scales:
        rows = ratings[ratings["item"].isin(scale.items)]
        of_response = rows.groupby(["rater_id", "response_id"], sort=False)["rating"].agg(["size", "mean"])
        enough = of_response["size"] >= scale.least
        incomplete[scale.name] = int((~enough).sum())
        first = rows.drop_duplicates(["rater_id", "response_id"]).assign(item=scale.name)
        made.append(first.assign(rating=of_response["mean"].to_numpy())[enough.to_numpy()])
    table = coded.concat(made)
    table["item"] = coded.texts(table["item"])
    return table, incomplete


def answers(ratings: pd.DataFrame, items: list[str]) -> pd.DataFrame:
    """The answers to some items, one column an item, of each rater to each response: those who answered all."""
    rows = ratings[ratings["item"].isin(items)]
    wide = rows.pivot(index=["rater_id", "response_id"], columns="item", values="rating").reindex(columns=items)
    return wide.dropna()
