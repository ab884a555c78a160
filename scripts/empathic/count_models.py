"""How often, per word, sources use what a feature of style counts: negative binomial mixed models, by lme4.

A count is modelled by its source, its response's words as offset, and its post; it may vary more than a Poisson count
(lme4::glmer.nb, with the variance mean + mean^2 / theta). These models are an option beside the tests of
style/contrasts.csv, and decide nothing: their standard errors take theta as known and their p are of normal tests.
"""

import difflib
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from empathic import contrasts, features, mixed, rsession
from empathic.errors import InputError
from empathic.origin import weakest

FORMULA = "count ~ source + offset(log(n_words)) + (1 | post_id)"
LEFT_OUT, FAILED, CONVERGED = "left out", "failed", "converged"
UNITS = {feature.name: feature.unit for feature in features.FEATURES}


def compare(
    counts: pd.DataFrame,
    names: Sequence[str],
    sources: Sequence[str],
    *,
    file: Path | str,
    progress: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Fit a model to each feature and compare every two sources by it.

    counts: style/counts.csv, with post_id; responses without words are left out. names: the features. sources: in the
    config's order. file: the counts, for messages. progress: takes a line for each feature.

    Returns the columns of style/count_models.csv. A feature that cannot be modelled has rows without numbers that say
    why: one of a text's size or no count, one that a source never uses, or posts that hardly ever have two responses.
    Where R refuses, or no two optimizers agree, the status is `failed`; what R warned of is told, too. Raises
    InputError for an unknown feature.
    """
    pairs = list(combinations(sources, 2))
    if not pairs:
        return pd.DataFrame()
    rows = counts[counts.source.isin(sources) & (counts.n_words > 0)]
    origins = [weakest(counts.loc[counts.source.isin(pair), "origin"].unique()) for pair in pairs]
    tables = []
    for name in names:
        began = time.monotonic()
        found = _compared(rows, name, sources, _why_not(rows, name, sources, file))
        tables.append(found.assign(feature=name, contrast=[f"{a} - {b}" for a, b in pairs], origin=origins))
        said = [found.status[0], *found.why.dropna().unique()]
        progress(f"{name}: {', '.join(said)} ({time.monotonic() - began:.0f} s)")
    table = pd.concat(tables, ignore_index=True)
    tested = table.p_value.notna()
    table = table.assign(p_adjusted=np.nan, family_size=int(tested.sum()))
    if tested.any():
        table.loc[tested, "p_adjusted"] = stats.false_discovery_control(table.p_value[tested])
    return table


def _why_not(rows: pd.DataFrame, name: str, sources: Sequence[str], file: Path | str) -> str | None:
    """Why a feature cannot be modelled; None: it can."""
    if UNITS.get(name, features.RATE) != features.RATE:
        return "it tells a text's size, or is no count"
    if name not in rows:
        near = difflib.get_close_matches(name, list(rows), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        problem = f"no feature '{name}' is counted in this study{hint}"
        raise InputError(file, problem, "Correct style > count_models in the config (results of LIWC-22 are no counts)")
    used = rows.groupby("source")[name].sum()
    for source in sources:
        if not used.get(source, 0):
            return f"no response of {source} has any"
    if (rows.groupby("post_id").size() >= 2).mean() < 0.5:
        return "fewer than half of the posts have two responses"
    return None


def _compared(rows: pd.DataFrame, name: str, sources: Sequence[str], why: str | None) -> pd.DataFrame:
    """The contrasts of one feature, a row each pair of sources."""
    if why is None:
        try:
            return _fitted(rows, name, sources)
        except rsession.RError as error:
            status, why = FAILED, str(error)
    else:
        status = LEFT_OUT
    numbers = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "rate_ratio", "theta"]
    nothing = dict.fromkeys([*numbers, "std_dev_post", "n"], np.nan)
    pairs = len(list(combinations(sources, 2)))
    return pd.DataFrame(nothing | {"status": status, "why": why}, index=range(pairs))


def _fitted(rows: pd.DataFrame, name: str, sources: Sequence[str]) -> pd.DataFrame:
    data = pd.DataFrame(
        {
            "count": rows[name].astype(float),
            "source": pd.Categorical(rows.source, list(sources)),
            "n_words": rows.n_words.astype(float),
            "post_id": pd.Categorical(rows.post_id, sorted(rows.post_id.unique())),
        }
    )
    fitted = mixed.fit(FORMULA, mixed.to_r(data), family="negative_binomial", link="log")
    fitted = mixed.settle(fitted, mixed.pair_rows(fitted, "source"))
    said = [*([] if fitted.converged else ["no two optimizers agree"]), *fitted.notes]
    tested = contrasts.tested(mixed.marginal(fitted, "source")[1].table)
    return tested.drop(columns="df").assign(
        rate_ratio=np.exp(tested.estimate),
        theta=mixed.theta(fitted),
        std_dev_post=mixed.components(fitted).std_dev.iloc[0],
        n=len(data),
        status=CONVERGED if fitted.converged else FAILED,
        why="; ".join(dict.fromkeys(said)) or None,
    )
