"""Mixed models by lme4, lmerTest and ordinal, in an R that runs inside this process.

Everything that R works out is asked of it here and leaves as Python values; nothing here knows of studies or claims.
"""

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from empathic import rsession, rside
from empathic.expected import Latent
from empathic.formula import Formula, RandomTerm
from empathic.notes import of_optimizer

PACKAGES = ("lme4", "lmerTest", "emmeans", "pbkrtest", "ordinal")
# The optimizers that lme4 brings, as its allFit runs them (which itself fails where dfoptim and optimx are missing).
OPTIMIZERS = {
    "nloptwrap": 'lme4::lmerControl("nloptwrap", calc.derivs = TRUE)',
    "bobyqa": 'lme4::lmerControl("bobyqa", optCtrl = list(maxfun = 1e5))',
    "Nelder_Mead": 'lme4::lmerControl("Nelder_Mead", optCtrl = list(maxfun = 1e5))',
    "nlminbwrap": 'lme4::lmerControl("nlminbwrap", optCtrl = list(eval.max = 1e5, iter.max = 1e5))',
    "nloptwrap.NLOPT_LN_NELDERMEAD": 'lme4::lmerControl("nloptwrap", optCtrl = list('
    'algorithm = "NLOPT_LN_NELDERMEAD", maxeval = 1e5))',
    "nloptwrap.NLOPT_LN_BOBYQA": 'lme4::lmerControl("nloptwrap", optCtrl = list('
    'algorithm = "NLOPT_LN_BOBYQA", maxeval = 1e5))',
}
DEFAULT = {"gaussian": "nloptwrap"}  # lme4's for lmer; the first that its glmer runs for all others
DEFAULT_GENERALIZED = "bobyqa"
ORDINAL_OPTIMIZER = "nlminb"  # ordinal's; it brings no other that is worth a second opinion
# By nlminb's own 150 iterations 5 of 100 simulated studies of the default size ended short of an optimum that is near.
ORDINAL_CONTROL = "ordinal::clmm.control(iter.max = 1000, eval.max = 2000)"
GRADIENT = 0.002  # lme4's own tolerance
SUMMARIES = ("n", "log_likelihood", "aic", "bic", "variance_fixed", "variance_random", "variance_residual")
SAME_LOG_LIKELIHOOD = 1e-4
SAME_CONTRASTS = 1e-3
_LISTENER: ContextVar[list[str] | None] = ContextVar("listener", default=None)


@dataclass(frozen=True)
class State:
    """How an optimizer ended: its code (0: well), the relative gradient, the log-likelihood, the fixed effects.

    gradient: the largest of |solve(Hessian, gradient)|, as lme4's help page on convergence has it; None: not finite.
    ordering: CHOLMOD's of the random effects (see rsession: it moves the last digits); None: ordinal has its own.
    """

    optimizer: str
    code: int
    gradient: float | None
    singular: bool
    log_likelihood: float
    fixed: np.ndarray
    ordering: str | None


@dataclass(frozen=True)
class Fit:
    """A fitted model; without a random term it is a plain (generalized) linear model and has no state.

    family: gaussian, ordinal, binomial, poisson or negative_binomial, with its link. formula: as fitted; fixed: its
    fixed part. df: what its tests take for degrees of freedom: satterthwaite or kenward-roger (both lmer alone),
    residual (lm), asymptotic.
    notes: what R warned of and said. converged: False where no two optimizers agreed; its numbers stand, and decide
    nothing. refits: the optimizers that were tried after the first. model and data: R's own objects.
    """

    formula: str
    fixed: str
    family: str
    link: str
    reml: bool
    df: str
    model: Any
    data: Any
    notes: tuple[str, ...]
    state: State | None = None
    converged: bool = True
    refits: tuple[State, ...] = ()

    @property
    def mixed(self) -> bool:
        """Whether it has random terms."""
        return self.state is not None


@dataclass(frozen=True)
class Estimates:
    """Linear combinations of the fixed effects: table (estimate, std_error, df) and their rows over the effects."""

    table: pd.DataFrame
    rows: np.ndarray


@dataclass(frozen=True)
class Likelihood:
    """What a likelihood-ratio test asks of a fit: its log-likelihood, how many parameters, and whether it converged."""

    log_likelihood: float
    parameters: float
    converged: bool


@contextmanager
def heard() -> Iterator[list[str]]:
    """What R warns of and says inside, each text once; not what `fit` hears, which is in the fit's own notes."""
    notes: list[str] = []
    token = _LISTENER.set(notes)
    try:
        yield notes
    finally:
        _LISTENER.reset(token)


def parse(text: str) -> Formula:
    """Take a formula in lme4's syntax apart. Raises rsession.RError where R cannot read it."""
    parts = _ask("take_apart", text)
    return Formula(
        text=text,
        response=tuple(rsession.texts(parts["response"])),
        variables=tuple(rsession.texts(parts["variables"])),
        fixed=parts["fixed"][0],
        fixed_terms=dict(zip(rsession.texts(parts["labels"]), map(tuple, parts["columns"] or ()), strict=True)),
        intercept=bool(parts["intercept"][0]),
        random=tuple(
            RandomTerm(text, tuple(grouping))
            for text, grouping in zip(rsession.texts(parts["bars"]), parts["groupings"] or (), strict=True)
        ),
    )


def to_r(data: pd.DataFrame, *, sum_coded: Iterable[str] = (), reference: dict[str, str] | None = None) -> Any:
    """Hand a table to R: categories become factors with their levels in order.

    They are treatment-coded, against the first level or the one that `reference` names for a column; sum_coded are not.
    """
    named = rsession.robjects().ListVector(reference or {})
    return _ask_r("code_factors", rsession.table(data), rsession.strings(sum_coded), named)


def fixed_design(fixed: str, data: Any) -> tuple[np.ndarray, list[str]]:
    """The model matrix of a fixed part, and those of its columns that follow from others. Raises rsession.RError."""
    found = _ask("design", fixed, data)
    return found["matrix"], rsession.texts(found["aliased"])


def fit(
    text: str,
    data: Any,
    *,
    family: str = "gaussian",
    link: str = "identity",
    reml: bool = True,
    df: str = "satterthwaite",
    with_df: bool = True,
) -> Fit:
    """Fit a formula: gaussian by lmerTest::lmer, ordinal by ordinal::clmm, binomial and poisson by lme4::glmer.

    Without a random term they are lm, clm and glm. negative_binomial is lme4::glmer.nb, with a random term alone. data:
    from to_r, without missing values; of an ordinal model the ratings are an ordered factor. df: as Fit has it, of an
    lmer; with_df: False where the log-likelihood alone is asked for: for df lmerTest works out as many deviances again
    as the fit takes. The fit has converged where the optimizer's code is 0 and its relative gradient at most GRADIENT;
    else see `settle`. Raises rsession.RError where R refuses.
    """
    optimizer = ORDINAL_OPTIMIZER if family == "ordinal" else DEFAULT.get(family, DEFAULT_GENERALIZED)
    model, notes = _fit(text, data, family, link, reml, optimizer, with_df)
    known = {"formula": text, "fixed": parse(text).fixed, "family": family, "link": link, "data": data, "notes": notes}
    if not bool(_ask("is_mixed", model)[0]):
        return Fit(**known, reml=False, df="residual" if family == "gaussian" else "asymptotic", model=model)
    state = _state(optimizer, model)
    gaussian = family == "gaussian"
    return Fit(
        **known,
        reml=reml and gaussian,
        df=df if gaussian else "asymptotic",
        model=model,
        state=state,
        converged=settled(state),
    )


def settle(fitted: Fit, rows: np.ndarray, *, with_df: bool = True) -> Fit:
    """Try the other optimizers on a fit that has not converged; one that has, or is ordinal, comes back as it is.

    rows: the contrasts, over the fixed effects. with_df: as for `fit`. It has converged, to the likeliest result, the
    first optimizer's among them, if another optimizer agrees with that one on the log-likelihood to SAME_LOG_LIKELIHOOD
    and on the contrasts to SAME_CONTRASTS; else it failed.
    """
    if fitted.converged or fitted.family == "ordinal":
        return fitted
    models, states, said = {fitted.state.optimizer: fitted.model}, [], list(fitted.notes)
    for optimizer in [name for name in OPTIMIZERS if name != fitted.state.optimizer]:
        try:
            models[optimizer], heard = _fit(
                fitted.formula, fitted.data, fitted.family, fitted.link, fitted.reml, optimizer, with_df
            )
        except rsession.RError as error:
            said.append(of_optimizer(optimizer, error))
            continue
        states.append(_state(optimizer, models[optimizer]))
        said += [of_optimizer(optimizer, note) for note in heard]
    fitted = replace(fitted, notes=tuple(said), refits=tuple(states))
    best = agreed([fitted.state, *states], rows)
    return replace(fitted, model=models[best.optimizer], state=best, converged=True) if best else fitted


def settled(state: State) -> bool:
    """Whether one optimizer's result has converged by itself."""
    return state.code == 0 and state.gradient is not None and state.gradient <= GRADIENT


def agreed(states: Sequence[State], rows: np.ndarray) -> State | None:
    """The likeliest of several results, if another one agrees with it; else None (rows as in `settle`)."""
    best = max(states, key=lambda state: state.log_likelihood, default=None)
    for state in states:
        if (
            state is not best
            and best.log_likelihood - state.log_likelihood <= SAME_LOG_LIKELIHOOD
            and np.abs(rows @ (state.fixed - best.fixed)).max() <= SAME_CONTRASTS
        ):
            return best
    return None


def fixed_effects(fitted: Fit) -> pd.DataFrame:
    """Fixed effects: term, estimate, std_error, df; of an ordinal model its thresholds, too."""
    return pd.DataFrame(_ask("fixed_effects", fitted.model, fitted.df))


def components(fitted: Fit) -> pd.DataFrame:
    """Variances and covariances: group, term, term2, variance, std_dev, correlation, n_levels (as tables.RANDOM)."""
    found = _ask("components", fitted.model)
    found |= {name: rsession.texts(found[name]) for name in ("group", "term", "term2")}
    table = pd.DataFrame({name: found[name] for name in ("group", "term", "term2", "variance", "n_levels")})
    single = np.array([term2 is None for term2 in found["term2"]], dtype=bool)
    deviation = np.asarray(found["deviation"])
    return table.assign(std_dev=np.where(single, deviation, np.nan), correlation=np.where(single, np.nan, deviation))


def theta(fitted: Fit) -> float:
    """Theta of a negative binomial model: the variance of a count is its mean + mean^2 / theta."""
    return float(_ask("theta", fitted.model)[0])


def summaries(fitted: Fit) -> dict[str, float]:
    """n, log_likelihood, aic, bic, and the variances of fixed part, random part and residual.

    The random part's is its mean over the ratings (Johnson 2014), which for intercepts is the sum of the variances. The
    residual's is on the scale of the link (Nakagawa, Johnson and Schielzeth 2017): of a logit pi^2/3, of a probit 1, of
    a Poisson model log(1 + 1/mean).
    """
    found = _ask("summaries", fitted.model, fitted.data, fitted.fixed, fitted.family, fitted.link)
    return {name: float(value[0]) for name, value in found.items()}


def pair_rows(fitted: Fit, target: str, by: str | None = None) -> np.ndarray:
    """The differences of `marginal` as rows over the fixed effects."""
    return _ask("pair_rows", fitted.model, fitted.data, target, _or_null(by))


def latent(fitted: Fit) -> Latent | None:
    """The parameters of an ordinal model; None where it has random slopes."""
    found = _ask("latent", fitted.model)
    if not found.pop("intercepts")[0]:
        return None
    flags = {"varying": found["varying"].astype(bool), "logged": bool(found["logged"][0])}
    numbers = {name: np.asarray(found[name], dtype=float) for name in ("thresholds", "effects", "deviations")}
    return Latent(link=fitted.link, covariance=found["covariance"], **numbers, **flags)


def cell_rows(fitted: Fit, target: str, by: str | None = None) -> np.ndarray:
    """The means of `marginal` as rows over the fixed effects (of an ordinal model its thresholds, too)."""
    return _ask("cell_rows", fitted.model, fitted.data, target, _or_null(by))


def marginal(fitted: Fit, target: str, by: str | None = None) -> tuple[Estimates, Estimates]:
    """Estimated marginal means of a factor, other factors weighing equally, and their differences, by emmeans.

    Means in the order of the levels, at each level of `by` in turn; differences a - b (a before b) likewise.
    """
    found = _ask("marginal", fitted.model, fitted.data, target, _or_null(by), fitted.df)
    return _estimates(found["means"]), _estimates(found["pairs"])


def deviations(fitted: Fit, target: str, by: str) -> Estimates:
    """(A difference at a level of `by`) - (its unweighted mean over the levels), in the order of `marginal`."""
    return _estimates(_ask("deviations", fitted.model, fitted.data, target, by, fitted.df))


def joint_test(fitted: Fit, rows: np.ndarray) -> dict[str, float]:
    """Test that all rows over the fixed effects are 0: statistic, df_num, df_den, p_value. Rows may depend on others.

    F by lmerTest::contestMD with the model's df; of a linear model the usual F; else Wald's chi-squared (df_den NaN).
    """
    robjects = rsession.robjects()
    matrix = robjects.r["matrix"](robjects.FloatVector(rows.ravel(order="F")), nrow=len(rows))
    return {name: float(value[0]) for name, value in _ask("joint_test", fitted.model, matrix, fitted.df).items()}


def likelihood(fitted: Fit) -> Likelihood:
    """The likelihood of a fit."""
    found = _ask("likelihood", fitted.model)
    return Likelihood(**{name: float(value[0]) for name, value in found.items()}, converged=fitted.converged)


def likelihood_ratio(full: Likelihood, reduced: Likelihood) -> dict[str, float]:
    """Likelihood-ratio test of two nested maximum-likelihood fits: statistic, df_num, df_den (NaN), p_value.

    p_value is NaN where one of them did not converge, or both have as many parameters.
    """
    statistic = 2 * (full.log_likelihood - reduced.log_likelihood)
    df = full.parameters - reduced.parameters
    testable = df > 0 and full.converged and reduced.converged
    p_value = float(special.chdtrc(df, max(statistic, 0.0))) if testable else np.nan
    return {"statistic": statistic, "df_num": df, "df_den": np.nan, "p_value": p_value}


def residuals(fitted: Fit) -> pd.DataFrame:
    """fitted and residual of each rating, in its order; glmer: deviance residuals; no rows of an ordinal model."""
    return pd.DataFrame({name: np.asarray(value) for name, value in _ask("residuals_of", fitted.model).items()})


def random_effects(fitted: Fit) -> pd.DataFrame:
    """Conditional modes of the random effects: group, level, term, estimate, std_error (conditional)."""
    found = _ask("random_effects", fitted.model)
    found |= {name: rsession.texts(found[name]) for name in ("group", "level", "term")}
    return pd.DataFrame({name: np.asarray(value) for name, value in found.items()})


def versions() -> dict[str, str]:
    """Versions of R, of the packages that fit, the BLAS that they use, and how many threads it is allowed."""
    found = _ask_r("versions", rsession.strings(PACKAGES))
    known = dict(zip(map(str, found.names), map(str, found), strict=True))
    return known | {"BLAS_threads": os.environ[rsession.THREADS[0]]}


def control_of(family: str, optimizer: str) -> str:
    """lme4's control of an optimizer, as R source; of an ordinal model ordinal's."""
    if family == "ordinal":
        return ORDINAL_CONTROL
    lmer = OPTIMIZERS.get(optimizer, OPTIMIZERS[DEFAULT["gaussian"]])
    return lmer if family == "gaussian" else lmer.replace("lmerControl", "glmerControl")


def _fit(
    text: str, data: Any, family: str, link: str, reml: bool, optimizer: str, with_df: bool
) -> tuple[Any, tuple[str, ...]]:
    """R's model, and what R warned of and said."""
    heard = _ask_r("fit", text, data, family, link, reml, control_of(family, optimizer), with_df)
    return heard.rx2("value"), tuple(rsession.texts(rsession.python(heard.rx2("heard"))))


def _or_null(name: str | None) -> Any:
    return rsession.robjects().NULL if name is None else name


def _estimates(part: dict[str, Any]) -> Estimates:
    return Estimates(pd.DataFrame({name: part[name] for name in ("estimate", "std_error", "df")}), part["rows"])


def _state(optimizer: str, model: Any) -> State:
    found = _ask("convergence", model)
    gradient = float(found["gradient"][0])
    return State(
        optimizer=optimizer,
        code=int(found["code"][0]),
        gradient=gradient if np.isfinite(gradient) else None,
        singular=bool(found["singular"][0]),
        log_likelihood=float(found["log_likelihood"][0]),
        fixed=np.asarray(found["fixed"]),
        ordering=found["ordering"][0],
    )


@functools.cache
def _session() -> Any:
    return rsession.functions(rside.SOURCE, PACKAGES)


def _ask_r(function: str, *arguments: Any) -> Any:
    """Call one of the functions of empathic.rside and hand back R's own value. Raises rsession.RError."""
    found = rsession.call(_session().listened, getattr(_session(), function), *arguments)
    listener = _LISTENER.get()
    if listener is not None:
        said = rsession.texts(rsession.python(found.rx2("heard")))
        listener += [text for text in dict.fromkeys(said) if text not in listener]
    return found.rx2("value")


def _ask(function: str, *arguments: Any) -> Any:
    return rsession.python(_ask_r(function, *arguments))
