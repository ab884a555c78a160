"""Which features go with higher ratings, between sources and within them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from empathic.origin import weakest
from empathic.style.contrasts import benjamini_hochberg

DRAWS = 2_000
LEAST = 3  # sources or posts of which a correlation is made


def relate(table: pd.DataFrame, names: Sequence[str], *, seed: int) -> pd.DataFrame:
    """Correlate features with mean ratings of responses.

    table: post_id, source, origin (the weaker of response and ratings), rating (the mean of the response's included
    ratings) and the features `names`, a row a rated response.

    Returns the columns of style/ratings.csv. `within`: the correlation after taking each source's mean from feature and
    rating, and the slope, in rating units for one SD of the feature within sources; interval and standard error of the
    correlation by drawing whole posts, p from their ratio (normal), adjusted over features by Benjamini and Hochberg.
    `between`: the correlation of the sources' means, of three sources or more, which is no test: sources are few.
    """
    values = table[["rating", *names]].astype(float)
    by_source = values.groupby(table.source)
    means = by_source.mean()
    centred = (values - by_source.transform("mean")).to_numpy()
    posts, post_names = pd.factorize(table.post_id)
    rng = np.random.default_rng([seed, *b"ratings"])
    weights = rng.multinomial(len(post_names), np.full(len(post_names), 1 / len(post_names)), DRAWS).astype(float)
    origin = weakest(table.origin.unique())
    rows = []
    for place, name in enumerate(names, start=1):
        rows.append(
            {"feature": name, "level": "within", "origin": origin}
            | _within(centred[:, 0], centred[:, place], posts, weights)
        )
        pairs = means[["rating", name]].dropna()
        usable = len(pairs) >= LEAST and (pairs.std() > 0).all()
        correlation = pairs.corr().iloc[0, 1] if usable else np.nan
        rows.append(
            {"feature": name, "level": "between", "correlation": correlation, "n": len(pairs), "origin": origin}
        )
    found = pd.DataFrame(rows)
    return found.assign(p_adjusted=benjamini_hochberg(found.p_value))


def _within(rating: np.ndarray, feature: np.ndarray, posts: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    there = ~np.isnan(feature)
    x, y = np.where(there, feature, 0), np.where(there, rating, 0)
    sums = np.array([np.bincount(posts, weights=part, minlength=weights.shape[1]) for part in (x * y, x * x, y * y)])
    xy, xx, yy = sums.sum(axis=1)
    n = int(there.sum())
    if n < LEAST or xx <= 0 or yy <= 0:
        return {"n": n, "p_value": np.nan}
    drawn_xy, drawn_xx, drawn_yy = (weights @ part for part in sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = drawn_xy / np.sqrt(drawn_xx * drawn_yy)
    correlation, std_error = xy / np.sqrt(xx * yy), np.nanstd(drawn, ddof=1)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    p_value = 2 * stats.norm.sf(abs(correlation) / std_error) if std_error > 0 else np.nan
    slope = xy / xx * np.sqrt(xx / n)
    return {"correlation": correlation, "slope": slope, "std_error": std_error, "p_value": p_value} | {
        "conf_low": low,
        "conf_high": high,
        "n": n,
    }


def rated_features(features: pd.DataFrame, ratings: pd.DataFrame, item: str) -> pd.DataFrame:
    """The features of every response that has included ratings of an item, with post_id and the mean of them.

    features: features.csv; ratings: ratings.csv. origin is the weaker of the response's and its ratings'.
    """
    used = ratings[ratings.included & (ratings.item == item)]
    by_response = used.groupby("response_id").agg(
        rating=("rating", "mean"), post_id=("post_id", "first"), rated=("origin", lambda own: weakest(own.unique()))
    )
    table = features.join(by_response, on="response_id", how="inner")
    origins = [weakest(pair) for pair in zip(table.origin, table.rated, strict=True)]
    return table.assign(origin=origins).drop(columns="rated")
