"""Linear mixed models by lme4 and lmerTest, in an R that runs inside this process.

Everything that R works out is asked of it here and leaves as Python values; nothing here knows of studies or claims.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from empathic import rsession
from empathic.formula import Formula, RandomTerm

PACKAGES = ("lme4", "lmerTest", "emmeans", "pbkrtest")
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
DEFAULT = "nloptwrap"  # lme4's
GRADIENT = 0.002  # lme4's own tolerance
SAME_LOG_LIKELIHOOD = 1e-4
SAME_CONTRASTS = 1e-3

# The R side: small functions of one purpose each.
R_SIDE = r"""
take_apart <- function(text) {
  formula <- stats::as.formula(text, env = globalenv())
  if (length(formula) != 3) stop("it has no left side")
  fixed <- lme4::nobars(formula)
  bars <- lme4::findbars(formula)
  described <- stats::terms(fixed)
  labels <- attr(described, "term.labels")
  list(response = all.vars(formula[[2]]), variables = all.vars(formula), fixed = deparse1(fixed), labels = labels,
       columns = lapply(labels, function(label) all.vars(str2lang(label))), intercept = attr(described, "intercept"),
       bars = vapply(bars, deparse1, ""), groupings = lapply(bars, function(bar) all.vars(bar[[3]])))
}

sum_code <- function(data, columns) {
  for (column in columns) contrasts(data[[column]]) <- stats::contr.sum(nlevels(data[[column]]))
  data
}

design <- function(fixed, data) {
  matrix <- stats::model.matrix(stats::as.formula(fixed), data)
  decomposed <- qr(matrix)
  list(matrix = matrix, aliased = colnames(matrix)[decomposed$pivot[seq_len(ncol(matrix)) > decomposed$rank]])
}

listen <- function(run) {
  heard <- character()
  hear <- function(what, restart) function(condition) {
    text <- trimws(conditionMessage(condition))
    heard <<- c(heard, text)
    cat(what, ": ", text, "\n", sep = "")
    invokeRestart(restart)
  }
  value <- withCallingHandlers(run(), warning = hear("R's warning", "muffleWarning"),
                               message = hear("R's message", "muffleMessage"))
  list(value = value, heard = heard)
}

fit <- function(text, data, reml, control) {
  # The call holds the formula itself and finds `data` in the formula's environment, where emmeans looks for it.
  home <- list2env(list(data = data), parent = globalenv())
  formula <- stats::as.formula(text, env = home)
  call <- if (length(lme4::findbars(formula)) == 0) bquote(stats::lm(.(formula), data = data))
    else bquote(lmerTest::lmer(.(formula), data = data, REML = .(reml), control = .(str2lang(control))))
  listen(function() eval(call, home))
}

convergence <- function(model) {
  relative <- tryCatch(with(model@optinfo$derivs, max(abs(solve(Hessian, gradient)))), error = function(e) NA_real_)
  list(code = as.numeric(model@optinfo$conv$opt)[1], gradient = relative, singular = lme4::isSingular(model),
       log_likelihood = as.numeric(stats::logLik(model)), fixed = lme4::fixef(model), ordering = ordering(model))
}

ordering <- function(model) {
  names <- c("natural", "given", "AMD", "METIS", "NESDIS", "COLAMD", "postordered")
  names[lme4::getME(model, "L")@type[1] + 1]
}

fixed_effects <- function(model) {
  mixed <- inherits(model, "merMod")
  table <- if (mixed) coef(summary(model, ddf = "Satterthwaite")) else coef(summary(model))
  list(term = rownames(table), estimate = table[, "Estimate"], std_error = table[, "Std. Error"],
       df = if (mixed) table[, "df"] else rep(stats::df.residual(model), nrow(table)))
}

components <- function(model) {
  if (!inherits(model, "merMod"))
    return(list(group = "Residual", term = NA_character_, term2 = NA_character_, variance = stats::sigma(model)^2,
                deviation = stats::sigma(model), n_levels = NA_real_))
  table <- as.data.frame(lme4::VarCorr(model), order = "lower.tri")
  levels <- lme4::ngrps(model)
  # Where `||` gives one grouping several terms, lme4 numbers them: Subject, Subject.1.
  named <- ifelse(table$grp %in% names(levels), table$grp, sub("\\.[0-9]+$", "", table$grp))
  list(group = table$grp, term = as.character(table$var1), term2 = as.character(table$var2),
       variance = table$vcov, deviation = table$sdcor,
       n_levels = as.numeric(levels[named]))
}

summaries <- function(model) {
  mixed <- inherits(model, "merMod")
  beta <- if (mixed) lme4::fixef(model) else coef(model)
  random <- if (mixed) stats::sigma(model)^2 *
    mean(Matrix::colSums((lme4::getME(model, "Lambdat") %*% lme4::getME(model, "Zt"))^2)) else 0
  list(n = stats::nobs(model), log_likelihood = as.numeric(stats::logLik(model)), aic = stats::AIC(model),
       bic = stats::BIC(model), variance_fixed = stats::var(drop(stats::model.matrix(model) %*% beta)),
       variance_random = random, variance_residual = stats::sigma(model)^2)
}

grid_of <- function(model, data, target, by, df) {
  # Past its row limits (3,000) emmeans would go over to z without a word.
  emmeans::emmeans(model, target, by = by, data = data, weights = "equal", lmer.df = df, lmerTest.limit = nrow(data),
                   pbkrtest.limit = nrow(data))
}

pair_rows <- function(model, data, target, by)
  emmeans::contrast(grid_of(model, data, target, by, "asymptotic"), "pairwise", adjust = "none")@linfct

marginal <- function(model, data, target, by) {
  means <- grid_of(model, data, target, by, "satterthwaite")
  numbers <- function(grid) {
    table <- summary(grid, infer = FALSE)
    list(estimate = table[[attr(table, "estName")]], std_error = table$SE, df = table$df, rows = grid@linfct)
  }
  list(means = numbers(means), pairs = numbers(emmeans::contrast(means, "pairwise", adjust = "none")))
}

joint_test <- function(model, rows) {
  if (inherits(model, "merMod")) {
    table <- lmerTest::contestMD(model, rows, ddf = "Satterthwaite")
    return(list(statistic = table[["F value"]], df_num = table$NumDF, df_den = table$DenDF,
                p_value = table[["Pr(>F)"]]))
  }
  estimates <- drop(rows %*% coef(model))
  axes <- eigen(rows %*% stats::vcov(model) %*% t(rows), symmetric = TRUE)
  used <- axes$values > max(axes$values) * sqrt(.Machine$double.eps)
  statistic <- sum(crossprod(axes$vectors[, used, drop = FALSE], estimates)^2 / axes$values[used]) / sum(used)
  list(statistic = statistic, df_num = sum(used), df_den = stats::df.residual(model),
       p_value = stats::pf(statistic, sum(used), stats::df.residual(model), lower.tail = FALSE))
}

versions <- function(packages) {
  installed <- c(packages, "Matrix")
  c(R = as.character(getRversion()), setNames(vapply(installed, function(name)
    as.character(utils::packageVersion(name)), ""), installed), BLAS = as.character(extSoftVersion()["BLAS"]))
}
"""


@dataclass(frozen=True)
class State:
    """How an optimizer ended: its code (0: well), the relative gradient, the log-likelihood, the fixed effects.

    gradient: the largest of |solve(Hessian, gradient)|, as lme4's help page on convergence has it; None: not finite.
    ordering: CHOLMOD's of the random effects (see rsession: it moves the last digits).
    """

    optimizer: str
    code: int
    gradient: float | None
    singular: bool
    log_likelihood: float
    fixed: np.ndarray
    ordering: str


@dataclass(frozen=True)
class Fit:
    """A fitted model; without a random term it is a plain linear model and has no state.

    formula: as fitted. notes: what R warned of and said. converged: False where no two optimizers agreed; its numbers
    stand, and decide nothing. refits: the optimizers that were tried after the first. model and data: R's own objects.
    """

    formula: str
    reml: bool
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


def to_r(data: pd.DataFrame, *, sum_coded: Iterable[str] = ()) -> Any:
    """Hand a table to R: categories become factors with their levels in order, treatment-coded but for sum_coded."""
    return _ask_r("sum_code", rsession.table(data), rsession.strings(sum_coded))


def fixed_design(fixed: str, data: Any) -> tuple[np.ndarray, list[str]]:
    """The model matrix of a fixed part, and those of its columns that follow from others. Raises rsession.RError."""
    found = _ask("design", fixed, data)
    return found["matrix"], rsession.texts(found["aliased"])


def fit(text: str, data: Any, *, reml: bool = True) -> Fit:
    """Fit a formula by lmerTest::lmer, or lm where it has no random term.

    data: from to_r, without missing values. The fit has converged where the optimizer's code is 0 and its relative
    gradient at most GRADIENT; else see `settle`. Raises rsession.RError where R refuses.
    """
    model, notes = _fit(text, data, reml, DEFAULT)
    if isinstance(model, rsession.robjects().ListVector):  # of class lm
        return Fit(text, False, model, data, notes)
    state = _state(DEFAULT, model)
    return Fit(text, reml, model, data, notes, state, settled(state))


def settle(fitted: Fit, rows: np.ndarray) -> Fit:
    """Try the other optimizers on a fit that has not converged; one that has comes back as it is.

    rows: the contrasts, over the fixed effects. It has converged, to the likeliest result, if another optimizer agrees
    with that one on the log-likelihood to SAME_LOG_LIKELIHOOD and on the contrasts to SAME_CONTRASTS; else it failed.
    """
    if fitted.converged:
        return fitted
    models, states, notes = {}, [], list(fitted.notes)
    for optimizer in [name for name in OPTIMIZERS if name != DEFAULT]:
        try:
            models[optimizer], heard = _fit(fitted.formula, fitted.data, fitted.reml, optimizer)
        except rsession.RError as error:
            notes.append(f"{optimizer}: {error}")
            continue
        states.append(_state(optimizer, models[optimizer]))
        notes += [f"{optimizer}: {note}" for note in heard]
    fitted = replace(fitted, notes=tuple(notes), refits=tuple(states))
    best = agreed(states, rows)
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
    """Fixed effects: term, estimate, std_error, df (Satterthwaite; of a linear model the residual df)."""
    return pd.DataFrame(_ask("fixed_effects", fitted.model))


def components(fitted: Fit) -> pd.DataFrame:
    """Variances and covariances: group, term, term2, variance, std_dev, correlation, n_levels (as tables.RANDOM)."""
    found = _ask("components", fitted.model)
    table = pd.DataFrame({name: found[name] for name in ("group", "term", "term2", "variance", "n_levels")})
    single = np.array([term2 is None for term2 in found["term2"]])
    deviation = np.asarray(found["deviation"])
    return table.assign(std_dev=np.where(single, deviation, np.nan), correlation=np.where(single, np.nan, deviation))


def summaries(fitted: Fit) -> dict[str, float]:
    """n, log_likelihood, aic, bic, and the variances of fixed part, random part and residual.

    The random part's is its mean over the ratings (Johnson 2014), which for intercepts is the sum of the variances.
    """
    return {name: float(value[0]) for name, value in _ask("summaries", fitted.model).items()}


def pair_rows(fitted: Fit, target: str, by: str | None = None) -> np.ndarray:
    """The differences of `marginal` as rows over the fixed effects."""
    return _ask("pair_rows", fitted.model, fitted.data, target, rsession.robjects().NULL if by is None else by)


def marginal(fitted: Fit, target: str, by: str | None = None) -> tuple[Estimates, Estimates]:
    """Estimated marginal means of a factor, other factors weighing equally, and their differences, by emmeans.

    Means in the order of the levels, at each level of `by` in turn; differences a - b (a before b) likewise.
    """
    found = _ask("marginal", fitted.model, fitted.data, target, rsession.robjects().NULL if by is None else by)
    means, pairs = (
        Estimates(pd.DataFrame({name: part[name] for name in ("estimate", "std_error", "df")}), part["rows"])
        for part in (found["means"], found["pairs"])
    )
    return means, pairs


def joint_test(fitted: Fit, rows: np.ndarray) -> dict[str, float]:
    """F test that all rows over the fixed effects are 0: statistic, df_num, df_den, p_value.

    By lmerTest::contestMD with Satterthwaite df; of a linear model the usual F. Rows may depend on each other.
    """
    robjects = rsession.robjects()
    matrix = robjects.r["matrix"](robjects.FloatVector(rows.ravel(order="F")), nrow=len(rows))
    return {name: float(value[0]) for name, value in _ask("joint_test", fitted.model, matrix).items()}


def versions() -> dict[str, str]:
    """Versions of R, of the packages that fit, and the BLAS that they use."""
    found = _ask_r("versions", rsession.strings(PACKAGES))
    return dict(zip(map(str, found.names), map(str, found), strict=True))


def _fit(text: str, data: Any, reml: bool, optimizer: str) -> tuple[Any, tuple[str, ...]]:
    """R's model, and what R warned of and said."""
    heard = _ask_r("fit", text, data, reml, OPTIMIZERS[optimizer])
    return heard.rx2("value"), tuple(rsession.texts(rsession.python(heard.rx2("heard"))))


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
    return rsession.functions(R_SIDE, PACKAGES)


def _ask_r(function: str, *arguments: Any) -> Any:
    """Call one of the functions above and hand back R's own value. Raises rsession.RError."""
    return rsession.call(getattr(_session(), function), *arguments)


def _ask(function: str, *arguments: Any) -> Any:
    return rsession.python(_ask_r(function, *arguments))
