"""What else could have been done with the ratings of a study: every combination, fitted (Steegen et al. 2016).

S. Steegen, F. Tuerlinckx, A. Gelman and W. Vanpaemel (2016), Increasing transparency through a multiverse analysis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import pandas as pd

from empathic import models
from empathic.declared import Declared
from empathic.exclusions import DUPLICATE, PREVIEW


def fit(
    ratings: pd.DataFrame,
    responses: pd.DataFrame | None,
    declared: Declared,
    raters: pd.DataFrame | None = None,
    *,
    middle: float,
    exclusions: Sequence[str],
    treatments: Sequence[str],
    structures: Mapping[str, str],
) -> pd.DataFrame:
    """Fit every combination of exclusions, treatment of the ratings and random structure (tables.MULTIVERSE).

    ratings, responses, declared, raters: as for models.fit; of declared all but formula and family stands. middle: of
    the scale, above which a binomial model counts a rating as 1. The rest as settings.Multiverse has it.
    """
    found = []
    for excluded, treatment, structure in product(exclusions, treatments, structures):
        rows = ratings if excluded == "declared" else _of_everybody(ratings, declared.sources)
        rows = _treated(rows[rows["item"] == declared.item], treatment, middle)
        table = models.overall(rows, responses, _model(declared, treatment, structures[structure]), raters)
        found.append(table.assign(exclusions=excluded, treatment=treatment, structure=structure))
        print(f"{declared.study}: exclusions {excluded}, {treatment}, {structure}", flush=True)
    return pd.concat(found, ignore_index=True)


def _of_everybody(ratings: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    """The ratings of these sources by all raters, as if no rule had excluded any.

    A preview and a further submission (whose rater_id says so, whichever rule it failed first) are no raters at all.
    """
    further = ratings.rater_id.str.contains(".", regex=False)
    nobody = further | ratings.reason.isin([PREVIEW, DUPLICATE])
    return ratings[~nobody & ratings.source.isin(sources)].assign(included=True)


def _treated(rows: pd.DataFrame, treatment: str, middle: float) -> pd.DataFrame:
    if treatment == "centred":
        kept = rows[rows.included]
        return rows.assign(rating=rows.rating - rows.rater_id.map(kept.groupby("rater_id").rating.mean()))
    return rows.assign(rating=(rows.rating > middle).astype(float)) if treatment == "binomial" else rows


def _model(declared: Declared, treatment: str, random: str) -> Declared:
    """One fixed part for all but clmm, which takes minutes for the interaction."""
    fixed = "rating ~ source + domain" if treatment == "ordinal" else "rating ~ source * domain"
    other = {"ordinal": ("ordinal", "probit"), "binomial": ("binomial", "logit")}
    family, link = other.get(treatment, ("gaussian", "identity"))
    df = declared.df if family == "gaussian" else "asymptotic"
    formula = f"{fixed} + {random}"
    return replace(declared, formula=formula, family=family, link=link, df=df, reml=family == "gaussian")
