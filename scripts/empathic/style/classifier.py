"""How well a response's features alone tell its source: linear discriminant analysis, whole posts held out.

The discriminant is worked out here from sums of squares (T. Hastie, R. Tibshirani and J. Friedman 2009, section 4.3),
since the null distribution refits it hundreds of times and only the class means change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

FOLDS = 5
SHRINKAGE = 1e-3  # share of the mean variance that is added to each: features may repeat each other
DRAWS = 2_000


def classify(
    table: pd.DataFrame,
    sets: dict[str, Sequence[str]],
    *,
    seed: int,
    permutations: int,
    progress: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Accuracy of telling the sources apart, by set of features, against a permutation null.

    table: post_id, source and features, a row a response. sets: features by the set's name. permutations: fits with the
    sources shuffled inside each post. A missing value takes the feature's mean in training.

    Returns rows of style/classifier.csv, without origin: one a set and source (accuracy within the source's responses)
    and one a set with source empty, which has interval, null and p. Empty for fewer than two sources or five posts.
    """
    codes, sources = pd.factorize(table.source)
    posts, post_names = pd.factorize(table.post_id)
    if len(sources) < 2 or len(post_names) < FOLDS:
        return pd.DataFrame()
    rng = np.random.default_rng([seed, *b"classifier"])
    folds = rng.permutation(np.arange(len(post_names)) % FOLDS)[posts]
    rows = []
    for name, features in sets.items():
        splits = [split(table[list(features)].to_numpy(float), folds == fold) for fold in range(FOLDS)]
        right = predict(splits, codes, len(sources)) == codes
        shuffles = (_shuffle(codes, posts, rng) for _ in range(permutations))
        null = np.array([(predict(splits, drawn, len(sources)) == drawn).mean() for drawn in shuffles])
        low, high = _interval(right, posts, rng)
        shared = {"set": name, "n_features": len(features)}
        rows.append(
            shared
            | {"source": None, "accuracy": right.mean(), "conf_low": low, "conf_high": high}
            | {"null_mean": null.mean(), "null_high": np.quantile(null, 0.95)}
            | {"p_value": (1 + (null >= right.mean()).sum()) / (1 + permutations), "n": len(right)}
        )
        for code, source in enumerate(sources):
            own = codes == code
            rows.append(shared | {"source": source, "accuracy": right[own].mean(), "n": int(own.sum())})
        progress(f"sources told apart by {len(features)} features ({name}): {100 * right.mean():.1f}% right")
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Split:
    """Training and held-out features, scaled by what training alone tells; which rows are held out; train' train."""

    train: np.ndarray
    test: np.ndarray
    held_out: np.ndarray
    squares: np.ndarray


def split(values: np.ndarray, held_out: np.ndarray) -> Split:
    """Hold rows out, and scale all by the mean and SD of the others; features that do not vary there are left out."""
    train = values[~held_out]
    n = np.maximum((~np.isnan(train)).sum(axis=0), 1)
    mean = np.nansum(train, axis=0) / n
    scale = np.sqrt(np.nansum((train - mean) ** 2, axis=0) / n)
    use = scale > 0
    scaled = np.nan_to_num((values[:, use] - mean[use]) / scale[use])
    train = scaled[~held_out]
    return Split(train, scaled[held_out], held_out, train.T @ train)


def predict(splits: Sequence[Split], codes: np.ndarray, classes: int) -> np.ndarray:
    """The class of every row, predicted by the fold that held it out: the largest linear discriminant.

    codes: the class of each row, 0 to classes - 1. Priors are those of the data; to each variance within classes a
    thousandth of their mean is added, since features may repeat each other.
    """
    predicted = np.empty(len(codes), dtype=int)
    for part in splits:
        members = np.eye(classes)[codes[~part.held_out]]
        sizes = members.sum(axis=0)
        means = (members.T @ part.train) / np.maximum(sizes, 1)[:, None]
        within = (part.squares - (means * sizes[:, None]).T @ means) / max(len(members) - classes, 1)
        within += (SHRINKAGE * np.trace(within) / max(len(within), 1) + 1e-12) * np.eye(len(within))
        weights = np.linalg.solve(within, means.T)
        with np.errstate(divide="ignore"):
            offset = np.log(sizes / len(members)) - 0.5 * (means.T * weights).sum(axis=0)
        predicted[part.held_out] = np.argmax(part.test @ weights + offset, axis=1)
    return predicted


def _shuffle(codes: np.ndarray, posts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The classes shuffled inside each post."""
    drawn = np.lexsort((rng.random(len(codes)), posts))
    ordered = np.argsort(posts, kind="stable")
    shuffled = np.empty_like(codes)
    shuffled[ordered] = codes[drawn]
    return shuffled


def _interval(right: np.ndarray, posts: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """95% percentile interval of the accuracy, drawing whole posts."""
    hits = np.bincount(posts, weights=right)
    sizes = np.bincount(posts)
    weights = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), DRAWS)
    low, high = np.quantile((weights @ hits) / (weights @ sizes), [0.025, 0.975])
    return float(low), float(high)
