"""From estimates, standard errors and degrees of freedom to tests, intervals and equivalence."""

import numpy as np
import pandas as pd
from scipy import special


def tested(table: pd.DataFrame) -> pd.DataFrame:
    """Add statistic, p_value (two-sided) and the 95% interval (conf_low, conf_high) of t tests.

    table: estimate, std_error, df (inf: normal). Where an estimate and its standard error are both 0 there is no test:
    the cells are NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = table.estimate / table.std_error
    low, high = interval(table, 0.95)
    return table.assign(statistic=statistic, p_value=2 * _sf(statistic.abs(), table.df), conf_low=low, conf_high=high)


def interval(table: pd.DataFrame, level: float) -> tuple[pd.Series, pd.Series]:
    """The ends of the two-sided interval of that level (table: estimate, std_error, df)."""
    half = table.std_error * special.stdtrit(table.df, (1 + level) / 2)
    return table.estimate - half, table.estimate + half


def equivalence(table: pd.DataFrame, delta: float) -> pd.Series:
    """The larger p of two one-sided t tests against -delta and +delta (Schuirmann 1987).

    table: estimate, std_error, df; delta in the estimates' units, taken as known.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        above = _sf((table.estimate + delta) / table.std_error, table.df)
        below = _sf((delta - table.estimate) / table.std_error, table.df)
    return pd.Series(np.maximum(above, below), index=table.index)


def holm(p_values: pd.Series) -> pd.Series:
    """Holm's (1979) adjusted p of one family; a missing p stays missing and is not counted."""
    ordered = p_values.dropna().sort_values()
    steps = ordered * np.arange(len(ordered), 0, -1)
    return steps.cummax().clip(upper=1).reindex(p_values.index)


def tukey(table: pd.DataFrame, means: int) -> pd.Series:
    """Tukey's adjusted p of all pairs of so many means, by the studentized range (table: statistic, df, p_value).

    Where that is too small for the numerical integral, the unadjusted p, which it cannot be below.
    """
    from scipy import stats  # Not above: it takes 50 MB, and no other test needs it.

    distances = table.statistic.abs() * np.sqrt(2)
    return np.maximum(stats.studentized_range.sf(distances, means, table.df), table.p_value)


def compared(
    table: pd.DataFrame,
    *,
    model: str,
    adjust: str,
    sesoi: float,
    sigma_total: float,
    scale_range: float | None,
    means: int = 0,
) -> pd.DataFrame:
    """Complete contrasts of sources with tests, intervals, equivalence and standardized effects.

    table: contrast, by (missing: averaged over domains), estimate, std_error, df; estimates in units of the scale.
    model: its name, part of the family's. adjust: holm, tukey (which needs the number of means) or none; a family is
    the model's contrasts at one level of
    `by`. sesoi: smallest effect size of interest, in total SDs. sigma_total: the model's total SD. scale_range: max
    - min of the item's scale; None: the estimates are on the scale of a link, which has no range.

    Returns the table with the further columns of tables.CONTRASTS, origin apart.
    """
    table = tested(table).assign(family=model + " x " + table["by"].fillna("all domains"), adjust=adjust)
    families = table.groupby("family")
    size = families.estimate.transform("size")
    delta = sesoi * sigma_total
    adjusted = families.p_value.transform(holm) if adjust == "holm" else table.p_value
    if adjust == "tukey":
        adjusted = tukey(table, means)
    low_90, high_90 = interval(table, 0.90)
    low_adj, high_adj = interval(table, 1 - 0.05 / size)
    return table.assign(
        p_adjusted=adjusted,
        conf_low_90=low_90,
        conf_high_90=high_90,
        conf_low_adj=low_adj,
        conf_high_adj=high_adj,
        p_equivalence=equivalence(table, delta),
        sesoi=delta,
        d=table.estimate / sigma_total,
        percent_of_range=100 * table.estimate / scale_range if scale_range else np.nan,
        family_size=size,
    )


def _sf(statistic: pd.Series, df: pd.Series) -> np.ndarray:
    return special.stdtr(df, -statistic)
