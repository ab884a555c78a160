"""The mean answer that an ordinal model expects, in units of the scale: what its latent estimates say of ratings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(64)  # over a standard normal, when the weights add up to 1
WEIGHTS = WEIGHTS / WEIGHTS.sum()
STEP = 1e-5


@dataclass(frozen=True)
class Latent:
    """An ordinal model's parameters: thresholds and effects of the latent answer, SDs of its random intercepts.

    link: probit or logit. covariance: of the estimates. varying: which of all parameters, in the order above, have a
    row in it (an SD at 0 has none). logged: whether that of the SD (there is one, then) is of its logarithm.
    """

    link: str
    thresholds: np.ndarray
    effects: np.ndarray
    deviations: np.ndarray
    covariance: np.ndarray
    varying: np.ndarray
    logged: bool


def ratings(latent: Latent, points: Sequence[float], cells: Sequence[np.ndarray]) -> pd.DataFrame:
    """The mean answer over all raters, posts and responses, with its standard error by the delta method.

    points: the answers, ascending. cells: of each mean the rows over the effects that it averages, with equal weight.
    Columns: expected, expected_std_error, expected_conf_low, expected_conf_high (normal 95% interval), in units of the
    scale. The latent answer is integrated over the random intercepts: of a probit by its closed form, of a logit by
    Gauss-Hermite quadrature; the SDs count as estimated.
    """
    estimate = _means(latent, points, cells)
    columns = []
    for place in np.flatnonzero(latent.varying):
        ends = [_means(_moved(latent, place, step), points, cells) for step in (STEP, -STEP)]
        columns.append((ends[0] - ends[1]) / (2 * STEP))
    slopes = np.column_stack(columns)
    error = np.sqrt(np.einsum("ij,jk,ik->i", slopes, latent.covariance, slopes))
    half = special.ndtri(0.975) * error
    return pd.DataFrame(
        {
            "expected": estimate,
            "expected_std_error": error,
            "expected_conf_low": estimate - half,
            "expected_conf_high": estimate + half,
        }
    )


def _moved(latent: Latent, place: int, step: float) -> Latent:
    """The parameters with one of them moved by a step."""
    for name in ("thresholds", "effects", "deviations"):
        values = getattr(latent, name).astype(float)
        if place < len(values):
            log = latent.logged and name == "deviations"
            values[place] = values[place] * np.exp(step) if log else values[place] + step
            return replace(latent, **{name: values})
        place -= len(values)
    raise IndexError("no such parameter")


def _means(latent: Latent, points: Sequence[float], cells: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([_of_rows(latent, points, np.atleast_2d(rows)).mean() for rows in cells])


def _of_rows(latent: Latent, points: Sequence[float], rows: np.ndarray) -> np.ndarray:
    """points[0] + sum over k of (points[k + 1] - points[k]) * P(latent answer > threshold[k])."""
    above = (rows @ latent.effects)[:, None] - latent.thresholds[None]
    spread = np.sqrt(np.sum(latent.deviations**2))
    if latent.link == "probit":
        share = special.ndtr(above / np.sqrt(1 + spread**2))
    else:
        share = special.expit(above[..., None] + spread * NODES) @ WEIGHTS
    return points[0] + share @ np.diff(points)
