"""From the ratings of a study to the tables of one of its models.

Checks that the data can bear the model, leaves out the terms that the design cannot identify (each with why), fits,
and gives every estimate its test, interval, effect size and origin.
"""

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from empathic import __version__, contrasts, mixed, rscript, rsession
from empathic.declared import Declared
from empathic.formula import Dropped, Formula, compose, identified, without_domain
from empathic.origin import weakest


@dataclass(frozen=True)
class Fitted:
    """The tables of one model (schemas of the same names in empathic.tables), fit.json and model.R."""

    fixed: pd.DataFrame
    random: pd.DataFrame
    tests: pd.DataFrame
    means: pd.DataFrame
    contrasts: pd.DataFrame
    fit: dict[str, Any]
    script: str


def fit(ratings: pd.DataFrame, responses: pd.DataFrame | None, declared: Declared) -> Fitted:
    """Fit one model of one study.

    ratings: tables.RATINGS, of which the included rows of the item are fitted. responses: tables.RESPONSES, for the
    origins of texts; None where the study has none.

    A fit that does not converge has status `failed`: its numbers stand and decide nothing. Ratings that lack
    a value of a column of the formula are left out and counted in fit.json, dropped_rows.

    Raises InputError, naming study and model, where the formula cannot be read or names an unknown column, or where the
    ratings cannot bear it: no ratings of a source, a single source, all ratings equal, an empty cell of source by
    domain, fixed effects that follow from each other, or a refusal of R's own.
    """
    try:
        design = _design(ratings, declared)
        model = mixed.fit(design.formula, design.data, reml=declared.reml)
        if not model.converged:
            by = [None, "domain"] if design.crossed else [None]
            model = mixed.settle(model, np.vstack([mixed.pair_rows(model, "source", level) for level in by]))
        return _tables(model, design, _origins(design.rows, responses, declared.sources), declared)
    except rsession.RError as error:
        raise declared.fault(
            f"R refuses the formula '{declared.formula}' ({error})",
            "Correct the formula in the config, under studies > models (lme4's syntax), or look into the ratings",
        ) from None


@dataclass(frozen=True)
class _Design:
    """What is fitted: the formula less the terms left out, the rows, and its columns, here and in R (data).

    domains: empty where the fixed part has none. crossed: whether source and domain interact.
    """

    formula: str
    dropped: list[Dropped]
    rows: pd.DataFrame
    dropped_rows: int
    columns: pd.DataFrame
    data: Any
    domains: list[str]
    crossed: bool


def _design(ratings: pd.DataFrame, declared: Declared) -> _Design:
    formula = mixed.parse(declared.formula)
    _check_formula(formula, ratings, declared)
    asked = ratings[ratings.included & (ratings["item"] == declared.item)]
    rows = asked.dropna(subset=list(formula.variables)).reset_index(drop=True)
    _check_ratings(rows, declared)
    fixed_part, dropped = without_domain(formula, rows, replicated=declared.replicated_domains)
    fixed = mixed.parse(fixed_part)
    domains = sorted(rows.domain.unique()) if "domain" in fixed.variables else []
    if fixed.crosses("source", "domain"):
        _check_cells(rows, declared)
    columns = _typed(rows, formula, declared.sources)
    data = mixed.to_r(columns, sum_coded=["domain"] if domains else [])
    matrix, aliased = mixed.fixed_design(fixed_part, data)
    if aliased:
        raise declared.fault(
            f"the fixed effects follow from each other: {', '.join(aliased)} cannot be estimated",
            "Take a term out of the formula in the config, under studies > models",
        )
    kept, unidentified = identified(formula.random, rows, matrix)
    return _Design(
        formula=compose(fixed_part, kept),
        dropped=[*dropped, *unidentified],
        rows=rows,
        dropped_rows=len(asked) - len(rows),
        columns=columns,
        data=data,
        domains=domains,
        crossed=fixed.crosses("source", "domain"),
    )


def _check_formula(formula: Formula, ratings: pd.DataFrame, declared: Declared) -> None:
    for name in formula.variables:
        if name not in ratings:
            near = difflib.get_close_matches(name, map(str, ratings), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"found: {', '.join(ratings)}"
            raise declared.fault(
                f"the formula names '{name}', which is no column of the ratings ({hint})",
                "Correct the formula in the config, under studies > models",
            )
    if formula.response != ("rating",) or not formula.crosses("source"):
        raise declared.fault(
            f"the formula '{formula.text}' does not compare the ratings of sources",
            "Write it as `rating ~ source ...` in the config, under studies > models",
        )


def _check_ratings(rows: pd.DataFrame, declared: Declared) -> None:
    if rows.empty:
        raise declared.fault(
            f"no ratings of the item '{declared.item}' are left to fit",
            "See flow.csv for what was excluded, and name the item in the config, under ratings > item",
        )
    if len(declared.sources) < 2:
        raise declared.fault(
            f"the study has a single source ({declared.sources[0]}), so there is nothing to compare",
            "List two sources or more in the config, under studies > sources",
        )
    rated, listed = set(rows.source), set(declared.sources)
    for faulty, problem in ((listed - rated, "no ratings of"), (rated - listed, "ratings of a source not listed:")):
        if faulty:
            raise declared.fault(
                f"{problem} {', '.join(sorted(faulty))}",
                "Bring the sources of the config, under studies > sources, and of the ratings together",
            )
    if rows.rating.nunique() == 1:
        raise declared.fault(
            f"all {len(rows)} ratings are {rows.rating.iloc[0]:g}, so there is nothing to estimate",
            "Look into the export, and its column map in the config",
        )


def _check_cells(rows: pd.DataFrame, declared: Declared) -> None:
    cells = pd.crosstab(rows.source, rows.domain).reindex(declared.sources)
    empty = [f"{source} in {domain}" for source in cells.index for domain in cells if cells.loc[source, domain] == 0]
    if empty:
        raise declared.fault(
            f"no ratings of {', '.join(empty)}, so source by domain cannot be estimated",
            "Write `source + domain` in place of `source * domain` in the config, under studies > models",
        )


def _typed(rows: pd.DataFrame, formula: Formula, sources: Sequence[str]) -> pd.DataFrame:
    """The columns of the formula as R is to see them: sources in their order, other texts, and booleans, sorted."""
    columns = {}
    for name in formula.variables:
        values = rows[name]
        if name == "source":
            columns[name] = pd.Categorical(values, categories=list(sources))
        elif pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns[name] = values.astype(float)
        else:
            columns[name] = pd.Categorical(values.astype(str), categories=sorted(values.astype(str).unique()))
    return pd.DataFrame(columns)


def _origins(rows: pd.DataFrame, responses: pd.DataFrame | None, sources: Sequence[str]) -> dict[str, str]:
    """For each source the weakest origin of all ratings and of its own rated responses."""
    ratings = weakest(rows.origin.unique())
    if responses is None:
        return dict.fromkeys(sources, ratings)
    rated = responses[responses.response_id.isin(rows.response_id)]
    texts = rated.groupby("source").origin.agg(weakest)
    return {source: weakest([ratings, *texts[texts.index == source]]) for source in sources}


def _tables(model: mixed.Fit, design: _Design, origins: dict[str, str], declared: Declared) -> Fitted:
    means, pairs = mixed.marginal(model, "source")
    means_by, pairs_by = mixed.marginal(model, "source", "domain") if design.crossed else (None, None)
    random = mixed.components(model)
    sigma_total = _sigma_total(random)
    weakest_origin = weakest(origins.values())
    return Fitted(
        fixed=contrasts.tested(mixed.fixed_effects(model)).assign(origin=weakest_origin),
        random=random,
        tests=_tests(model, design, pairs, pairs_by).assign(origin=weakest_origin),
        means=_means(means, means_by, design.domains, origins),
        contrasts=_contrasts(pairs, pairs_by, design.domains, origins, sigma_total, declared),
        fit=_fit(model, design, sigma_total, random, declared) | {"origin": weakest_origin},
        script=rscript.write(
            declared,
            formula=model.formula,
            mixed=model.mixed,
            control=mixed.OPTIMIZERS[model.state.optimizer]
            if model.state and model.converged and model.refits
            else None,
            ordering=model.state.ordering if model.state else None,
            used=list(design.columns),
            texts=[name for name, values in design.columns.items() if isinstance(values.dtype, pd.CategoricalDtype)],
            domain=bool(design.domains),
            crossed=design.crossed,
            dropped=design.dropped,
        ),
    )


def _sigma_total(random: pd.DataFrame) -> float:
    """Square root of the random-intercept variances and the residual variance together, in units of the scale."""
    counted = random.term2.isna() & ((random.term == "(Intercept)") | (random.group == "Residual"))
    return float(np.sqrt(random.variance[counted].sum()))


def _means(
    overall: mixed.Estimates, inside: mixed.Estimates | None, domains: list[str], origins: dict[str, str]
) -> pd.DataFrame:
    places = [(source, pd.NA) for source in origins]
    numbers = [overall.table]
    if inside:
        places += [(source, domain) for domain in domains for source in origins]
        numbers.append(inside.table)
    table = pd.concat(
        [pd.DataFrame(places, columns=["source", "domain"]), pd.concat(numbers, ignore_index=True)], axis=1
    )
    low, high = contrasts.interval(table, 0.95)
    return table.assign(conf_low=low, conf_high=high, origin=table.source.map(origins))


def _contrasts(
    overall: mixed.Estimates,
    inside: mixed.Estimates | None,
    domains: list[str],
    origins: dict[str, str],
    sigma_total: float,
    declared: Declared,
) -> pd.DataFrame:
    pairs = list(combinations(origins, 2))
    rows = [(f"{a} - {b}", pd.NA, weakest([origins[a], origins[b]])) for a, b in pairs]
    numbers = [overall.table]
    if inside:
        rows += [(contrast, domain, origin) for domain in domains for contrast, _, origin in rows]
        numbers.append(inside.table)
    table = pd.concat(
        [pd.DataFrame(rows, columns=["contrast", "by", "origin"]), pd.concat(numbers, ignore_index=True)], axis=1
    )
    return contrasts.compared(
        table.astype({"by": "string"}),
        model=declared.model,
        adjust=declared.adjust,
        sesoi=declared.sesoi,
        sigma_total=sigma_total,
        scale_range=declared.scale_range,
    )


def _tests(model: mixed.Fit, design: _Design, pairs: mixed.Estimates, inside: mixed.Estimates | None) -> pd.DataFrame:
    """Omnibus tests on the rows of the contrasts concerned; of the interaction: (a pair in a domain) - (its mean)."""
    concerned = {"source": pairs.rows}
    if design.domains:
        concerned["domain"] = mixed.pair_rows(model, "domain")
    if inside:
        by_domain = inside.rows.reshape(len(design.domains), len(pairs.rows), -1)
        concerned["source:domain"] = (by_domain - by_domain.mean(axis=0)).reshape(len(inside.rows), -1)
    return pd.DataFrame([{"test": test, **mixed.joint_test(model, rows)} for test, rows in concerned.items()])


def _fit(
    model: mixed.Fit, design: _Design, sigma_total: float, random: pd.DataFrame, declared: Declared
) -> dict[str, Any]:
    numbers = mixed.summaries(model)
    explained, grouped, residual = (numbers[f"variance_{part}"] for part in ("fixed", "random", "residual"))
    total = explained + grouped + residual
    intercepts = random[(random.term == "(Intercept)") & random.term2.isna()]
    notes = list(model.notes)
    if design.dropped_rows:
        notes.append(f"{design.dropped_rows} ratings lack a value of a column of the formula and were left out")
    return {
        "study": declared.study,
        "model": declared.model,
        "item": declared.item,
        "status": "converged" if model.converged else "failed",
        "formula": declared.formula,
        "formula_fitted": model.formula,
        "terms_dropped": [asdict(term) for term in design.dropped],
        "family": "gaussian",
        "link": "identity",
        "reml": model.reml,
        "df_method": "satterthwaite" if model.mixed else "residual",
        "sources": list(declared.sources),
        "reference": declared.sources[0],
        "domains": design.domains,
        "n": int(numbers["n"]),
        "dropped_rows": design.dropped_rows,
        "logLik": numbers["log_likelihood"],
        "AIC": numbers["aic"],
        "BIC": numbers["bic"],
        "r2_marginal": explained / total,
        "r2_conditional": (explained + grouped) / total,
        "icc": grouped / (grouped + residual),
        "icc_by_group": dict(zip(intercepts.group, intercepts.variance / (grouped + residual), strict=True)),
        "sigma_total": sigma_total,
        "sesoi": declared.sesoi * sigma_total,
        "sesoi_total_sd": declared.sesoi,
        "scale_range": declared.scale_range,
        "singular": bool(model.state and model.state.singular),
        "optimizer": model.state and model.state.optimizer,
        "optimizer_code": model.state and model.state.code,
        "gradient": model.state and model.state.gradient,
        "cholesky_ordering": model.state and model.state.ordering,
        "refits": [
            {"optimizer": state.optimizer, "logLik": state.log_likelihood, "gradient": state.gradient}
            for state in model.refits
        ],
        "warnings": notes,
        "versions": {"empathic": __version__, **mixed.versions()},
    }
