"""How far raters agree on responses, and items on what they measure."""

from dataclasses import dataclass

import krippendorff
import numpy as np
import pandas as pd
from scipy.optimize import minimize

from empathic import scales, tables
from empathic.instrument import Instrument
from empathic.origin import weakest

ONE_RATING = "not estimable: no response has two ratings"
ONE_RESPONSE = "not estimable: fewer than two responses"
ONE_ANSWER = "not estimable: all ratings are equal"
LEAST_UNIQUENESS = 0.005  # As R's factanal has it: a lower bound, where an item would be explained in full.


@dataclass(frozen=True)
class Icc:
    """Intraclass correlations of one rating (`single`) and of the mean of `k` ratings (`average`)."""

    single: float
    average: float
    k: float


def why_not(responses: pd.Series, ratings: pd.Series) -> str | None:
    """Why agreement on responses cannot be estimated; None where it can. Both have a row a rating."""
    sizes = responses.value_counts()
    if len(sizes) < 2:
        return ONE_RESPONSE
    if sizes.max() < 2:
        return ONE_RATING
    rated_twice = responses.isin(sizes.index[sizes > 1])
    return ONE_ANSWER if ratings[rated_twice].nunique() < 2 else None


def alpha(responses: pd.Series, ratings: pd.Series) -> float:
    """Krippendorff's alpha for ordinal data: 1 is agreement, 0 what chance gives.

    responses, ratings: a row a rating. Responses with one rating tell nothing and are left out. K. Krippendorff (2011),
    Computing Krippendorff's Alpha-Reliability, with the ordinal metric, by the library `krippendorff`.
    """
    counts = pd.crosstab(responses.to_numpy(dtype=object), ratings.to_numpy())
    counts = counts[counts.sum(axis=1) > 1]
    counts = counts.loc[:, counts.sum() > 0]
    return float(
        krippendorff.alpha(
            value_counts=counts.to_numpy(), value_domain=list(counts.columns), level_of_measurement="ordinal"
        )
    )


def icc(responses: pd.Series, ratings: pd.Series) -> Icc:
    """ICC(1) and ICC(k): responses as random, each rated by raters of its own (one-way analysis of variance).

    ICC(1) = (MSB - MSW) / (MSB + (k - 1) MSW), ICC(k) = (MSB - MSW) / MSB: P. E. Shrout and J. L. Fleiss (1979),
    Psychological Bulletin 86, 420-428, ICC(1,1) and ICC(1,k). Where responses have unequal numbers of ratings n, k is
    (N - sum n^2 / N) / (responses - 1), that is n where they are equal: A. Donner (1986), International Statistical
    Review 54, 67-82. Below 0 where raters of one response differ more than responses do.
    """
    grouped = ratings.groupby(responses.to_numpy(dtype=object))
    sizes, means = grouped.size().to_numpy(), grouped.mean().to_numpy()
    total, levels = sizes.sum(), len(sizes)
    between = (sizes * (means - ratings.mean()) ** 2).sum() / (levels - 1)
    within = ((ratings - grouped.transform("mean")) ** 2).sum() / (total - levels)
    k = (total - (sizes**2).sum() / total) / (levels - 1)
    return Icc(
        float((between - within) / (between + (k - 1) * within)),
        float((between - within) / between) if between > 0 else float("nan"),
        float(k),
    )


def cronbach_alpha(answers: pd.DataFrame) -> float:
    """Cronbach's alpha: k / (k - 1) * (1 - sum of the items' variances / variance of their sum).

    answers: one column an item, none missing. L. J. Cronbach (1951), Psychometrika 16, 297-334. Missing where the sums
    do not vary.
    """
    k, total = answers.shape[1], answers.sum(axis=1).var()
    return float(k / (k - 1) * (1 - answers.var().sum() / total)) if total > 0 else float("nan")


def mcdonald_omega(answers: pd.DataFrame) -> float:
    """McDonald's omega of one factor: (sum of loadings)^2 / ((sum of loadings)^2 + sum of unique variances).

    answers: one column an item, none missing. R. P. McDonald (1999), Test Theory: A Unified Treatment, chapter 6. The
    factor is fitted to the items' covariances by maximum likelihood. Missing for two items, whose loadings cannot be
    told apart, and where an item does not vary or repeats others.
    """
    spread = answers.std().to_numpy()
    if answers.shape[1] < 3 or len(answers) <= answers.shape[1] or not (spread > 0).all():
        return float("nan")
    correlations = np.corrcoef(answers.to_numpy(), rowvar=False)
    if np.linalg.matrix_rank(correlations) < len(correlations):
        return float("nan")
    loadings, uniquenesses = _one_factor(correlations)
    common = (spread * loadings).sum() ** 2
    return float(common / (common + (spread**2 * uniquenesses).sum()))


def _one_factor(correlations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Loadings and uniquenesses of one factor: K. G. Joreskog (1967), Psychometrika 32, 443-482.

    The likelihood depends on the uniquenesses alone: given these, the loadings are the first eigenvector of the
    correlations scaled by them.
    """

    def eigen(uniquenesses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale = 1 / np.sqrt(uniquenesses)
        return np.linalg.eigh(correlations * np.outer(scale, scale))

    def misfit(uniquenesses: np.ndarray) -> float:
        rest = eigen(uniquenesses)[0][:-1]
        return float((rest - np.log(rest) - 1).sum())

    start = np.clip(0.5 / np.diag(np.linalg.inv(correlations)), LEAST_UNIQUENESS, 1)
    found = minimize(misfit, start, method="L-BFGS-B", bounds=[(LEAST_UNIQUENESS, 1)] * len(start), tol=1e-12)
    values, vectors = eigen(found.x)
    loadings = np.sqrt(found.x) * vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0))
    return loadings * np.sign(loadings.sum()), found.x


def agreement(ratings: pd.DataFrame, sources: list[str]) -> pd.DataFrame:
    """Make tables.AGREEMENT: for each item how far raters agree on the responses of each source, and of all sources.

    ratings: tables.RATINGS; the included ones count.
    """
    used = ratings[ratings["included"].astype(bool)]
    rows = []
    for item in dict.fromkeys(used["item"]):
        of_item = used[used["item"] == item]
        for source in [None, *sources]:
            part = of_item if source is None else of_item[of_item["source"] == source]
            if len(part):
                rows.append({"item": item, "source": source} | _agreement(part))
    return tables.AGREEMENT.frame(rows)


def _agreement(ratings: pd.DataFrame) -> dict:
    responses, answers = ratings["response_id"], ratings["rating"].astype(float)
    sizes = responses.value_counts()
    row = {
        "ratings": len(ratings),
        "responses": len(sizes),
        "responses_twice": int((sizes > 1).sum()),
        "per_response_low": int(sizes.min()),
        "per_response_median": float(sizes.median()),
        "per_response_high": int(sizes.max()),
        "why": why_not(responses, answers),
        "origin": weakest(ratings["origin"]),
    }
    estimates = dict.fromkeys(("alpha_ordinal", "icc_1", "icc_k", "k"))
    if row["why"] is None:
        found = icc(responses, answers)
        estimates = {"alpha_ordinal": alpha(responses, answers)}
        estimates |= {"icc_1": found.single, "icc_k": found.average, "k": found.k}
    return row | estimates


def of_scales(ratings: pd.DataFrame, survey: Instrument, sources: list[str]) -> pd.DataFrame:
    """Make tables.SCALES: for each average of items how far these agree, over the included raters and responses.

    Answers of one rater, and to one response, are taken as if they were independent, as is usual.
    """
    used = ratings[ratings["included"].astype(bool)]
    rows = []
    for scale in survey.scales:
        for source in [None, *sources]:
            part = used if source is None else used[used["source"] == source]
            answers = scales.answers(part, scale.items)
            some = part[part["item"].isin(scale.items)].drop_duplicates(["rater_id", "response_id"])
            if len(some):
                rows.append(
                    {
                        "scale": scale.name,
                        "source": source,
                        "items": len(scale.items),
                        "answered": len(some),
                        "complete": len(answers),
                        "averaged": int((part["item"] == scale.name).sum()),
                        "alpha": cronbach_alpha(answers) if len(answers) > 1 else None,
                        "omega": mcdonald_omega(answers),
                        "origin": weakest(some["origin"]),
                    }
                )
    return tables.SCALES.frame(rows)


def scale_use(ratings: pd.DataFrame) -> pd.DataFrame:
    """Make tables.SCALE_USE: how each rater used the scale of each item, excluded raters, too."""
    grouped = ratings.groupby(["rater_id", "item"], sort=True)
    table = grouped["rating"].agg(
        ratings="size", mean="mean", std_dev="std", lowest="min", highest="max", distinct="nunique"
    )
    sizes = ratings.groupby(["rater_id", "item", "rating"], sort=True).size()
    most = sizes.groupby(level=["rater_id", "item"])
    table["most_used"] = [key[2] for key in most.idxmax()]
    table["most_used_share"] = most.max() / table["ratings"]
    table["included"] = grouped["included"].any()
    table["origin"] = grouped["origin"].first()
    return table.reset_index()[tables.SCALE_USE.names]
