"""From the ratings of a study to the tables of one of its models: every estimate with its test, interval, effect size
and origin.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from empathic import __version__, contrasts, expected, mixed, rscript, rsession, tables
from empathic.declared import Declared
from empathic.design import WHERE, Design, designed, is_text
from empathic.domains import domains_of
from empathic.errors import InputError
from empathic.formula import Dropped, compose
from empathic.notes import of_ratio
from empathic.origin import of_sources, weakest


@dataclass(frozen=True)
class Fitted:
    """The tables of one model (schemas of the same names in empathic.tables), fit.json and model.R."""

    fixed: pd.DataFrame
    random: pd.DataFrame
    tests: pd.DataFrame
    sets: pd.DataFrame
    means: pd.DataFrame
    contrasts: pd.DataFrame
    interactions: pd.DataFrame
    random_effects: pd.DataFrame
    residuals: pd.DataFrame
    fit: dict[str, Any]
    script: str


def fit(
    ratings: pd.DataFrame,
    responses: pd.DataFrame | None,
    declared: Declared,
    raters: pd.DataFrame | None = None,
) -> Fitted:
    """Fit one model of one study.

    ratings: tables.RATINGS, of which the included rows of the item are fitted. responses: tables.RESPONSES, for the
    origins of texts and n_words; None where the study has none. raters: tables.RATERS, for what a formula asks of them.

    A fit that does not converge has status `failed`: its numbers stand and decide nothing. So has one that R gives up,
    or has no standard errors for, and one for which a column that it asks for is empty; its estimates are missing, and
    fit.json has R's words, or names the column (failure). Ratings that lack
    a value of a column of the formula are left out and counted in fit.json, dropped_rows.

    Raises InputError, naming study and model, where the formula cannot be read or names an unknown column, or where the
    ratings cannot bear it: no ratings of a source, a single source, all ratings equal, an empty cell of source by
    domain, fixed effects that follow from each other, ratings that the family does not know, or more rows than
    Kenward-Roger is allowed.
    """
    fitted = _noted(_whole(ratings, responses, declared, raters))
    for note in fitted.fit["warnings"]:
        print(f"study '{declared.study}', model '{declared.model}': {note}", flush=True)
    return fitted


def _whole(
    ratings: pd.DataFrame, responses: pd.DataFrame | None, declared: Declared, raters: pd.DataFrame | None
) -> Fitted:
    with _refusals(declared):
        design = designed(ratings, responses, raters, declared)
    origins, model = of_sources(design.rows, responses, declared.sources), None
    if design.lacking:
        unfitted = _unfitted(design, declared, f"not fitted: {design.lacking}")
        return _given_up(unfitted, design, origins, declared, design.lacking)
    try:
        model, design = _fitted(design, declared)
        with mixed.heard() as said:
            made = _tables(model, design, origins, declared)
        return replace(made, fit=made.fit | {"warnings": [*made.fit["warnings"], *said]})
    except rsession.RError as error:
        return _given_up(_failed(model, error, design, declared), design, origins, declared, str(error))


def without_each(
    ratings: pd.DataFrame, responses: pd.DataFrame | None, declared: Declared, raters: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Fit a model without each post in turn, and without each domain: its contrasts over domains (LEAVE_ONE_OUT).

    Arguments as for `fit`. Where a part of the ratings cannot bear the model the row says why. A single post, or
    domain, is not left out: there are no rows for it.
    """
    found, rows = [], ratings[ratings.included & (ratings["item"] == declared.item)]
    posts = ("post", "post_id", sorted(rows.post_id.unique()))
    for left, column, levels in (posts, ("domain", "domain", domains_of(rows, responses))):
        for level in levels if len(levels) > 1 else ():
            some = ratings[ratings[column] != level]
            table = overall(some, responses, declared, raters)
            table = table.drop(columns=["d", "d_conf_low", "d_conf_high", "n", "formula_fitted", "singular"])
            found.append(table.assign(left=left, left_out=level))
            print(f"{declared.study}: without the {left} {level}", flush=True)
    return pd.concat(found, ignore_index=True) if found else tables.LEAVE_ONE_OUT.frame([])


def overall(
    ratings: pd.DataFrame, responses: pd.DataFrame | None, declared: Declared, raters: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The contrasts over domains alone, by one fit; where the ratings cannot bear it, rows that say why (status).

    Arguments as for `fit`. Columns: contrast, estimate, std_error, df, p_value, conf_low, conf_high, d, d_conf_low,
    d_conf_high, n, formula_fitted, singular, status, origin.
    """
    numbers = ["estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "d", "d_conf_low", "d_conf_high"]
    try:
        design = _borne(designed(ratings, responses, raters, declared), declared)
        model, design = _fitted(design, declared)
        pairs = mixed.marginal(model, "source")[1].table
        sigma_total = _sigma_total(mixed.components(model), mixed.summaries(model)["variance_residual"])
    except (InputError, rsession.RError) as error:
        contrast = [f"{a} - {b}" for a, b in declared.pairs]
        nothing = dict.fromkeys(numbers, np.nan) | dict.fromkeys(["n", "formula_fitted", "singular"], pd.NA)
        known = {"status": str(error), "origin": weakest(ratings.origin.unique())}
        return pd.DataFrame({"contrast": contrast}).assign(**nothing, **known)
    origins = of_sources(design.rows, responses, declared.sources)
    table = _contrasts(mixed.Estimates(pairs, np.empty(0)), None, [], origins, sigma_total, declared)
    table = table.assign(d_conf_low=table.conf_low / sigma_total, d_conf_high=table.conf_high / sigma_total)
    return table[["contrast", *numbers, "origin"]].assign(
        n=len(design.rows),
        formula_fitted=model.formula,
        singular=bool(model.state and model.state.singular),
        status="converged" if model.converged else "failed",
    )


@dataclass(frozen=True)
class Brief:
    """What claims ask of a model: three tables of `Fitted`, and the keys of fit.json that they read."""

    contrasts: pd.DataFrame
    interactions: pd.DataFrame
    sets: pd.DataFrame
    fit: dict[str, Any]


def brief(ratings: pd.DataFrame, declared: Declared, sets: Sequence[Sequence[str]] = (), *, within: bool) -> Brief:
    """Fit a model as `fit` does, and work out no more than claims ask of it: for the many fits of a simulation.

    ratings: tables.RATINGS of a study without texts. sets: the sources of each omnibus test. within: whether contrasts
    within domains, and their differences from their means, are asked for. Raises InputError as `fit` does.
    """
    with _refusals(declared):
        design = _borne(designed(ratings, None, None, declared), declared)
    origins, model, within = of_sources(design.rows, None, declared.sources), None, within and design.crossed
    try:
        model, design = _fitted(design, declared)
        pairs = mixed.marginal(model, "source")[1]
        inside = mixed.marginal(model, "source", "domain")[1] if within and declared.by_domain else None
        apart = mixed.deviations(model, "source", "domain") if within else None
        sigma_total = _sigma_total(mixed.components(model), mixed.summaries(model)["variance_residual"])
        ratios = _likelihood_ratios(model, design, declared)[0] if sets and model.family != "gaussian" else None
        return Brief(
            contrasts=_contrasts(pairs, inside, design.domains, origins, sigma_total, declared),
            interactions=_interactions(apart, design.domains, origins, sigma_total, declared),
            sets=_sets(model, design, pairs, apart, ratios, origins, sets) if sets else pd.DataFrame(),
            fit=_decides(model, design, sigma_total, declared),
        )
    except rsession.RError as error:
        failed = _failed(model, error, design, declared)
        return Brief(
            contrasts=_no_contrasts(design, origins, declared),
            interactions=_no_interactions(design, origins, declared),
            sets=pd.DataFrame(columns=tables.SETS.names),
            fit=_decides(failed, design, np.nan, declared),
        )


def _noted(fitted: Fitted) -> Fitted:
    """With what to know of the fit in its own tables, so that a table that is read alone says it, too."""
    fit = fitted.fit
    known = {
        "failed": fit["status"] == "failed",
        "singular": fit["singular"],
        f"{fit['dropped_rows']} ratings left out": fit["dropped_rows"] > 0,
    }
    note = "; ".join(text for text, holds in known.items() if holds) or pd.NA
    noted = (name for name, schema in tables.OF_A_FIT.items() if tables.FIT_NOTE in schema.further)
    return replace(
        fitted, **{name: getattr(fitted, name).assign(fit_note=note).astype({"fit_note": "string"}) for name in noted}
    )


@contextmanager
def _refusals(declared: Declared) -> Iterator[None]:
    """A refusal of R's, before anything is fitted, as a fault of the model."""
    try:
        yield
    except rsession.RError as error:
        raise declared.fault(
            f"R refuses the formula '{declared.formula}' ({error})",
            f"Correct the formula {WHERE} (lme4's syntax), or look into the ratings",
        ) from None


def _borne(design: Design, declared: Declared) -> Design:
    """The design of a model that the ratings can bear. Raises InputError where a column that it asks for is empty."""
    if design.lacking:
        raise declared.fault(design.lacking, f"Tell it in the exports, or leave the model out {WHERE}")
    return design


def _fitted(design: Design, declared: Declared) -> tuple[mixed.Fit, Design]:
    """Fit, settle, and leave out what the ladder says while the fit is singular."""
    known = [_squeezed(term.text) for term in mixed.parse(declared.formula).random]
    ladder = [_squeezed(term) for term in declared.simplify]
    for term in ladder:
        if term not in known:
            raise declared.fault(
                f"the ladder names '{term}', which is no random term of '{declared.formula}'",
                f"Write its terms as the formula has them {WHERE}",
            )
    model = _fit_once(design, declared)
    for step in ladder:
        left = [term for term in design.random if _squeezed(term.text) != step]
        if not (model.state and model.state.singular):
            break
        if len(left) == len(design.random):
            continue
        taken = {"left_out": f"({step})", "why": "the fit with it was singular", "logLik": model.state.log_likelihood}
        design = replace(design, random=left, steps=(*design.steps, taken))
        model = _fit_once(design, declared)
    return model, design


def _squeezed(term: str) -> str:
    """A random term without its parentheses and with single spaces."""
    return " ".join(term.strip().removeprefix("(").removesuffix(")").replace("|", " | ").split())


def _fit_once(design: Design, declared: Declared, *, reml: bool | None = None, fixed: str | None = None) -> mixed.Fit:
    """One fit; reml, fixed: other than declared, for likelihood-ratio tests."""
    model = mixed.fit(
        compose(fixed or design.fixed.fixed, design.random),
        design.data,
        family=declared.family,
        link=declared.link,
        reml=declared.reml if reml is None else reml,
        df=declared.df,
        with_df=fixed is None,
    )
    if model.converged or model.family == "ordinal":  # of which there is one optimizer
        return model
    by = [None, "domain"] if design.crossed and not fixed else [None]
    rows = [] if fixed else [mixed.pair_rows(model, "source", level) for level in by]
    rows = np.vstack(rows) if rows else np.eye(len(model.state.fixed))
    return mixed.settle(model, rows, with_df=fixed is None)


def _failed(model: mixed.Fit | None, error: rsession.RError, design: Design, declared: Declared) -> mixed.Fit:
    """What is left of a fit that R gave up, before there was a model (None) or on the way from it to the tables."""
    note = f"R gave the fit up: {error}"
    if model is None:
        return _unfitted(design, declared, note)
    return replace(model, converged=False, notes=(*model.notes, note))


def _unfitted(design: Design, declared: Declared, note: str) -> mixed.Fit:
    """A fit that there is none of, and why."""
    return mixed.Fit(
        formula=design.formula,
        fixed=design.fixed.fixed,
        family=declared.family,
        link=declared.link,
        reml=declared.reml,
        df=declared.df,
        model=None,
        data=design.data,
        notes=(note,),
        converged=False,
    )


def _given_up(model: mixed.Fit, design: Design, origins: dict[str, str], declared: Declared, failure: str) -> Fitted:
    """The tables of a fit that R gave up: means and contrasts without numbers, the others without rows."""
    nothing = {
        name: pd.DataFrame(columns=schema.names)
        for name, schema in tables.OF_A_FIT.items()
        if name not in ("means", "contrasts", "interactions")
    }
    numbers = dict.fromkeys(mixed.SUMMARIES, np.nan) | {"n": 0 if design.lacking else len(design.rows)}
    if model.state:
        numbers["log_likelihood"] = model.state.log_likelihood
    inside = design.crossed and declared.by_domain
    fit = _fit(model, design, np.nan, nothing["random"], numbers, [], declared)
    return Fitted(
        **nothing,
        means=_means(*_unknown(len(origins), inside, design), design.domains, origins),
        contrasts=_no_contrasts(design, origins, declared),
        interactions=_no_interactions(design, origins, declared),
        fit=fit | {"failure": failure, "origin": weakest(origins.values())},
        script=_script(model, design, declared),
    )


def _unknown(rows: int, inside: bool, design: Design) -> tuple[mixed.Estimates, mixed.Estimates | None]:
    """So many estimates over domains, and in each of them if inside, that are not known."""
    overall, within = (
        pd.DataFrame(np.nan, index=range(n), columns=["estimate", "std_error", "df"])
        for n in (rows, rows * len(design.domains))
    )
    return mixed.Estimates(overall, np.empty(0)), mixed.Estimates(within, np.empty(0)) if inside else None


def _no_contrasts(design: Design, origins: dict[str, str], declared: Declared) -> pd.DataFrame:
    pairs = len(list(combinations(origins, 2)))
    unknown = _unknown(pairs, design.crossed and declared.by_domain, design)
    return _contrasts(*unknown, design.domains, origins, np.nan, declared)


def _no_interactions(design: Design, origins: dict[str, str], declared: Declared) -> pd.DataFrame:
    unknown = _unknown(len(list(combinations(origins, 2))), design.crossed, design)[1]
    return _interactions(unknown, design.domains, origins, np.nan, declared)


def _tables(model: mixed.Fit, design: Design, origins: dict[str, str], declared: Declared) -> Fitted:
    crossed = design.crossed and declared.by_domain
    overall_means, pairs = mixed.marginal(model, "source")
    means_by, pairs_by = mixed.marginal(model, "source", "domain") if crossed else (None, None)
    apart = mixed.deviations(model, "source", "domain") if design.crossed else None
    random = mixed.components(model)
    numbers = mixed.summaries(model)
    sigma_total = _sigma_total(random, numbers["variance_residual"])
    weakest_origin = weakest(origins.values())
    ratios, notes = _likelihood_ratios(model, design, declared)
    means = _means(overall_means, means_by, design.domains, origins)
    means = means.assign(**_expected(model, design, inside=crossed))
    return Fitted(
        fixed=contrasts.tested(mixed.fixed_effects(model)).assign(origin=weakest_origin),
        random=random,
        tests=pd.concat([_tests(model, design, pairs, apart), ratios], ignore_index=True).assign(origin=weakest_origin),
        sets=_sets(model, design, pairs, apart, ratios, origins, declared.every_set),
        means=means,
        contrasts=_contrasts(pairs, pairs_by, design.domains, origins, sigma_total, declared),
        interactions=_interactions(apart, design.domains, origins, sigma_total, declared),
        random_effects=mixed.random_effects(model).assign(origin=weakest_origin),
        residuals=_residuals(model, design).assign(origin=weakest_origin),
        fit=_fit(model, design, sigma_total, random, numbers, notes, declared) | {"origin": weakest_origin},
        script=_script(model, design, declared, with_expected="expected" in means),
    )


def _script(model: mixed.Fit, design: Design, declared: Declared, *, with_expected: bool = False) -> str:
    return rscript.write(
        declared,
        formula=model.formula,
        smaller=[
            (test, *(compose(part, design.random) for part in parts))
            for test, *parts in (_smaller(design, declared.family) if model.converged else ())
        ],
        mixed=bool(design.random),
        control=_control(model),
        ordering=model.state.ordering if model.state else None,
        used=list(design.columns),
        texts=[name for name in design.columns if name != "rating" and is_text(design.columns[name])],
        beside=design.beside,
        domains=design.domains,
        sum_coded=list(design.sum_coded),
        crossed=design.crossed,
        inside=design.crossed and declared.by_domain,
        with_expected=with_expected,
        dropped=[*design.dropped, *(Dropped(step["left_out"], step["why"]) for step in design.steps)],
    )


def _control(model: mixed.Fit) -> str | None:
    """lme4's control, or ordinal's, where it is not its own default."""
    if not model.mixed or (model.family == "gaussian" and not model.refits):
        return None
    # Of lme4's a failed fit has no optimizer whose result stands; ordinal has one, come what may.
    alike = model.converged or model.family == "ordinal"
    return mixed.control_of(model.family, model.state.optimizer) if alike else None


def _sigma_total(random: pd.DataFrame, residual: float) -> float:
    """Square root of the random-intercept variances and the residual variance together, on the scale of the model."""
    intercepts = random.term2.isna() & (random.term == "(Intercept)")
    return float(np.sqrt(random.variance[intercepts].sum() + residual))


def _smaller(design: Design, family: str) -> list[tuple[str, str, str]]:
    """Nested fixed parts for likelihood-ratio tests: (test, the larger, the smaller).

    clmm takes minutes a fit: of an ordinal model the interaction alone is tested so, as the verdict rules ask; of its
    sources there is Wald's test.
    """
    found, fixed = [], design.fixed
    if design.crossed:
        additive = fixed.less(fixed.with_columns("source", "domain"))
        found.append(("source:domain", fixed.fixed, additive))
        fixed = mixed.parse(additive)
    if family == "ordinal":
        return found
    return [*found, ("source", fixed.fixed, fixed.less(fixed.with_columns("source")))]


def _likelihood_ratios(model: mixed.Fit, design: Design, declared: Declared) -> tuple[pd.DataFrame, list[str]]:
    """Likelihood-ratio tests on maximum-likelihood fits, of a fit that has converged; and what went wrong."""
    rows, notes = [], []
    found = {} if model.reml else {design.fixed.fixed: mixed.likelihood(model)}
    for test, *parts in _smaller(design, declared.family) if model.converged else ():
        try:
            for part in parts:
                if part not in found:
                    found[part], heard = _by_ml(design, declared, part)
                    rsession.let_go()  # of a large study a model takes tens of MB
                    notes += [of_ratio(test, part, note) for note in heard]
            rows.append({"test": test, **mixed.likelihood_ratio(*(found[part] for part in parts))})
        except rsession.RError as error:
            notes.append(f"no likelihood-ratio test of {test}: {error}")
            continue
        if np.isnan(rows[-1]["p_value"]):
            notes.append(f"no likelihood-ratio test of {test}: a fit by maximum likelihood did not converge")
    columns = ["test", "statistic", "df_num", "df_den", "p_value"]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], float))
    return table.assign(method="likelihood ratio"), notes


def _by_ml(design: Design, declared: Declared, fixed: str) -> tuple[mixed.Likelihood, tuple[str, ...]]:
    """The likelihood of a fixed part, and what R said on the way."""
    model = _fit_once(design, declared, reml=False, fixed=fixed)
    return mixed.likelihood(model), model.notes


def _sets(
    model: mixed.Fit,
    design: Design,
    pairs: mixed.Estimates,
    apart: mixed.Estimates | None,
    ratios: pd.DataFrame | None,
    origins: dict[str, str],
    sets: Iterable[Sequence[str]],
) -> pd.DataFrame:
    """Omnibus tests over sets of sources; of the interaction, in models not gaussian, the likelihood ratio of all."""
    sources, rows = list(origins), []
    every = list(combinations(sources, 2))
    for chosen in sets:
        inside = [set(pair) <= set(chosen) for pair in every]
        known = {"sources": ", ".join(chosen), "origin": weakest(origins[source] for source in chosen)}
        rows.append({"test": "source"} | known | _joint(model, pairs.rows[inside]))
        if apart and model.family == "gaussian":
            concerned = apart.rows[inside * len(design.domains)]
            rows.append({"test": "source:domain"} | known | _joint(model, concerned))
    whole = {"sources": ", ".join(sources), "origin": weakest(origins.values())}
    if model.family != "gaussian":
        rows += [row | whole for row in ratios[ratios.test == "source:domain"].to_dict("records")]
    return pd.DataFrame(rows)


def _joint(model: mixed.Fit, rows: np.ndarray) -> dict[str, Any]:
    found = mixed.joint_test(model, rows)
    return found | {"method": "Wald" if np.isnan(found["df_den"]) else "F"}


def _interactions(
    apart: mixed.Estimates | None,
    domains: list[str],
    origins: dict[str, str],
    sigma_total: float,
    declared: Declared,
) -> pd.DataFrame:
    """Each difference in a domain less its mean over the domains; no rows where source and domain do not interact."""
    pairs = list(combinations(origins, 2))
    places = [(f"{a} - {b}", domain, weakest([origins[a], origins[b]])) for domain in domains for a, b in pairs]
    names = pd.DataFrame(places if apart else [], columns=["contrast", "by", "origin"], dtype="string")
    numbers = apart.table if apart else pd.DataFrame(columns=["estimate", "std_error", "df"], dtype=float)
    table = contrasts.tested(pd.concat([names, numbers], axis=1))
    delta = declared.delta(declared.sesoi_interaction, sigma_total)
    low, high = contrasts.interval(table, 0.90)
    return table.assign(
        conf_low_90=low, conf_high_90=high, p_equivalence=contrasts.equivalence(table, delta), sesoi=delta
    )


def _residuals(model: mixed.Fit, design: Design) -> pd.DataFrame:
    """Fitted values and residuals, with the normal quantiles at the residuals' ranks."""
    found = mixed.residuals(model)
    if found.empty:
        return pd.DataFrame(columns=["rater_id", "response_id", "fitted", "residual", "normal_quantile"])
    quantile = special.ndtri((found.residual.rank(method="first") - 0.5) / len(found))
    return design.rows[["rater_id", "response_id"]].assign(
        fitted=found.fitted, residual=found.residual, normal_quantile=quantile
    )


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


def _expected(model: mixed.Fit, design: Design, *, inside: bool) -> Mapping[str, Any]:
    """Further columns of means.csv: of an ordinal model the mean answer, its domains weighing equally."""
    latent = mixed.latent(model) if model.family == "ordinal" else None
    if latent is None:
        return {}
    rows = mixed.cell_rows(model, "source", "domain" if design.domains else None)[:, len(latent.thresholds) :]
    sources = rows.shape[0] // max(len(design.domains), 1)
    cells = [rows[source::sources] for source in range(sources)] + (list(rows) if inside else [])
    return dict(expected.ratings(latent, design.columns.rating.cat.categories.astype(float).to_list(), cells))


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
    asked = {f"{a} - {b}" for a, b in declared.pairs}
    table = table[table.contrast.isin(asked)].reset_index(drop=True)
    return contrasts.compared(
        table.astype({"by": "string"}),
        model=declared.model,
        adjust=declared.adjust,
        sesoi=declared.delta(declared.sesoi, sigma_total) / sigma_total,
        sigma_total=sigma_total,
        scale_range=declared.scale_range if declared.family == "gaussian" else None,
        means=len(origins),
    )


def _tests(model: mixed.Fit, design: Design, pairs: mixed.Estimates, apart: mixed.Estimates | None) -> pd.DataFrame:
    """Omnibus tests on the rows of the contrasts concerned."""
    concerned = {"source": pairs.rows}
    if design.domains:
        concerned["domain"] = mixed.pair_rows(model, "domain")
    if apart:
        concerned["source:domain"] = apart.rows
    return pd.DataFrame([{"test": test, **_joint(model, rows)} for test, rows in concerned.items()])


def _fit(
    model: mixed.Fit,
    design: Design,
    sigma_total: float,
    random: pd.DataFrame,
    numbers: dict[str, float],
    notes: list[str],
    declared: Declared,
) -> dict[str, Any]:
    explained, grouped, residual = (numbers[f"variance_{part}"] for part in ("fixed", "random", "residual"))
    total = explained + grouped + residual
    intercepts = random[(random.term == "(Intercept)") & random.term2.isna()]
    notes = [*model.notes, *notes]
    if design.dropped_rows:
        notes.append(f"{design.dropped_rows} ratings lack a value of a column of the formula and were left out")
    known = {
        "study": declared.study,
        "model": declared.model,
        "item": declared.item,
        **_decides(model, design, sigma_total, declared),
        "formula": declared.formula,
        "formula_fitted": model.formula,
        "terms_dropped": [asdict(term) for term in design.dropped],
        "left_out_as_singular": list(design.steps),
        "family": model.family,
        "link": model.link,
        "reml": model.reml,
        "df_method": model.df,
        "first_seen": declared.first_seen,
        "sources": list(declared.sources),
        "reference": declared.base,
        "domains": design.domains,
        "sum_coded": design.sum_coded,
        "n": int(numbers["n"]),
        "logLik": numbers["log_likelihood"],
        "AIC": numbers["aic"],
        "BIC": numbers["bic"],
        "r2_marginal": explained / total,
        "r2_conditional": (explained + grouped) / total,
        "icc": grouped / (grouped + residual),
        "icc_by_group": dict(zip(intercepts.group, intercepts.variance / (grouped + residual), strict=True)),
        "sigma_total": sigma_total,
        "sesoi_declared": declared.sesoi,
        "sesoi_units": declared.sesoi_units,
        "scale_range": declared.scale_range,
        "optimizer": model.state and model.state.optimizer,
        "optimizer_code": model.state and model.state.code,
        "gradient": model.state and model.state.gradient,
        "cholesky_ordering": model.state and model.state.ordering,
        "refits": [
            {"optimizer": state.optimizer, "logLik": state.log_likelihood, "gradient": state.gradient}
            for state in model.refits
        ],
        "warnings": notes,
        "failure": None,
        "versions": {"empathic": __version__, **mixed.versions()},
    }
    return {name: _or_none(value) for name, value in known.items()}


def _or_none(value: Any) -> Any:
    """A value as fit.json has it, where no number is null."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _decides(model: mixed.Fit, design: Design, sigma_total: float, declared: Declared) -> dict[str, Any]:
    """The keys of fit.json on which verdicts rest."""
    return {
        "status": "converged" if model.converged else "failed",
        "dropped_rows": design.dropped_rows,
        "singular": bool(model.state and model.state.singular),
        "sesoi": declared.delta(declared.sesoi, sigma_total),
        "sesoi_interaction": declared.delta(declared.sesoi_interaction, sigma_total),
    }
