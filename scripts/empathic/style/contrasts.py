"""Differences of style between two sources: permutation within posts, bootstrap of whole posts.

A post answered by both sources gives one difference, of its two means. Under the null hypothesis the two sources could
be swapped inside any post, which turns the sign of that difference; posts are drawn whole, as the responses to one
post resemble each other.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from empathic.origin import weakest

CHUNK = 1_000  # sign patterns, or draws of posts, held in memory at once
EXACT = 16  # posts up to which all sign patterns are gone through


def compare(
    table: pd.DataFrame,
    names: Sequence[str],
    sources: Sequence[str],
    *,
    seed: int,
    permutations: int,
    draws: int,
    progress: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Compare every two sources on every feature.

    table: post_id, source, origin and the features `names`, a row a response. sources: in the config's order; a
    contrast is `a - b` in that order. permutations: sign patterns drawn at random where a study has more than 16 posts
    (with fewer all are gone through). draws: of posts, for standard errors and intervals. progress: takes a line for
    each pair.

    Returns the columns of style/contrasts.csv. A feature of which no two responses differ has no p value and does not
    count in the family; a pair that shares no post has no estimate.
    """
    spread = _spread(table, names)
    pairs = list(itertools.combinations(sources, 2))
    parts = []
    for number, (a, b) in enumerate(pairs, start=1):
        # A seed of its own for each pair: its result hangs neither on the order of the pairs nor on their number.
        rng = np.random.default_rng([seed, *f"{a} - {b}".encode()])
        parts.append(_pair(table, names, a, b, spread, rng, permutations, draws))
        progress(f"{number} of {len(pairs)} pairs of sources compared")
    if not parts:
        return pd.DataFrame()
    compared = pd.concat(parts, ignore_index=True)
    return compared.assign(
        p_adjusted=benjamini_hochberg(compared.p_value), family_size=int(compared.p_value.notna().sum())
    )


def differences(table: pd.DataFrame, names: Sequence[str], a: str, b: str) -> np.ndarray:
    """The difference a - b of every post that both answered, posts x features; NaN where one of them has no value."""
    means = table.groupby(["source", "post_id"])[list(names)].mean()
    if not {a, b} <= set(means.index.get_level_values(0)):
        return np.empty((0, len(names)))
    first, second = means.loc[a], means.loc[b]
    shared = first.index.intersection(second.index).sort_values()
    return (first.loc[shared] - second.loc[shared]).to_numpy(float)


def permutation_p(differences: np.ndarray, rng: np.random.Generator, permutations: int) -> np.ndarray:
    """Two-sided p of a mean difference, by feature, over swaps of the two sources inside posts.

    differences: posts x features, NaN left out. Up to 16 posts all patterns are gone through (the p is exact), else so
    many are drawn, with the observed one among them: (1 + as large) / (1 + permutations).
    """
    filled = np.nan_to_num(differences)
    observed = np.abs(filled.sum(axis=0))
    # Sums of the same numbers in another order may differ in their last digits.
    bar = observed - 1e-9 * np.abs(filled).sum(axis=0)
    large = np.zeros(filled.shape[1], dtype=int)
    for signs in _signs(len(filled), rng, permutations):
        large += (np.abs(signs @ filled) >= bar).sum(axis=0)
    return large / 2 ** len(filled) if len(filled) <= EXACT else (large + 1) / (permutations + 1)


def _signs(posts: int, rng: np.random.Generator, permutations: int) -> Iterator[np.ndarray]:
    if posts <= EXACT:
        bits = np.arange(2**posts)
        for start in range(0, len(bits), CHUNK):
            yield ((bits[start : start + CHUNK, None] >> np.arange(posts)) & 1) * 2.0 - 1
        return
    for start in range(0, permutations, CHUNK):
        size = min(CHUNK, permutations - start)
        random = np.frombuffer(rng.bytes(size * posts), dtype=np.uint8).reshape(size, posts)
        yield (random & 1) * 2.0 - 1


def bootstrap(differences: np.ndarray, rng: np.random.Generator, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard error and 95% percentile interval (2 x features) of a mean difference, by drawing whole posts.

    differences: posts x features, NaN left out. The standard error is sqrt(n / (n - 1)) times the deviation of the
    draws, which alone is too small by that factor. NaN for a feature with fewer than two posts.
    """
    there = ~np.isnan(differences)
    n = there.sum(axis=0)
    use = n >= 2
    std_error, ends = np.full(len(n), np.nan), np.full((2, len(n)), np.nan)
    if not use.any():
        return std_error, ends
    posts, filled, counted = len(differences), np.nan_to_num(differences[:, use]), there[:, use]
    means = np.empty((draws, use.sum()))
    for start in range(0, draws, CHUNK):
        size = min(CHUNK, draws - start)
        weights = rng.multinomial(posts, np.full(posts, 1 / posts), size).astype(float)
        sizes = posts if counted.all() else weights @ counted
        with np.errstate(invalid="ignore", divide="ignore"):
            means[start : start + size] = (weights @ filled) / sizes
    std_error[use] = np.nanstd(means, axis=0, ddof=1) * np.sqrt(n[use] / (n[use] - 1))
    ends[:, use] = np.nanquantile(means, [0.025, 0.975], axis=0)
    return std_error, ends


def benjamini_hochberg(p_values: pd.Series) -> pd.Series:
    """Benjamini and Hochberg's (1995) adjusted p of one family; a missing p stays missing and is not counted."""
    ordered = p_values.dropna().sort_values(ascending=False)
    steps = ordered * len(ordered) / np.arange(len(ordered), 0, -1)
    return steps.cummin().clip(upper=1).reindex(p_values.index)


def _spread(table: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """The SD of each feature among the responses of one source, pooled over the sources of the study."""
    values = table[list(names)]
    within = values - values.groupby(table.source).transform("mean")
    freedom = values.notna().sum() - values.notna().groupby(table.source).any().sum()
    return np.sqrt((within**2).sum() / freedom.where(freedom > 0)).to_numpy(float)


def _pair(
    table: pd.DataFrame,
    names: Sequence[str],
    a: str,
    b: str,
    spread: np.ndarray,
    rng: np.random.Generator,
    permutations: int,
    draws: int,
) -> pd.DataFrame:
    by_post = differences(table, names, a, b)
    n_posts = (~np.isnan(by_post)).sum(axis=0)
    blank = np.full(len(names), np.nan)
    estimate, p_value, std_error, ends = blank, blank, blank, np.array([blank, blank])
    if len(by_post):
        with np.errstate(invalid="ignore"):
            estimate = np.where(n_posts > 0, np.nansum(by_post, axis=0) / np.maximum(n_posts, 1), np.nan)
        varied = (n_posts > 0) & (table[list(names)].nunique().to_numpy() > 1)
        p_value = np.where(varied, permutation_p(by_post, rng, permutations), np.nan)
        std_error, ends = bootstrap(by_post, rng, draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        d = np.where(spread > 0, estimate / spread, np.nan)
    return pd.DataFrame(
        {
            "feature": list(names),
            "contrast": f"{a} - {b}",
            "estimate": estimate,
            "std_error": std_error,
            "p_value": p_value,
            "conf_low": ends[0],
            "conf_high": ends[1],
            "d": d,
            "origin": weakest(table.loc[table.source.isin([a, b]), "origin"].unique()),
            "sd": spread,
            "n_posts": n_posts,
        }
    )
