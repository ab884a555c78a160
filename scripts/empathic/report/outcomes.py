"""What one study found: ratings, means, contrasts, the models and those beside them, truth, examples."""

from collections.abc import Iterable, Sized

import pandas as pd

from empathic import notes
from empathic.report import blocks, figures
from empathic.report.loading import Model, Study
from empathic.report.words import (
    MISSING,
    Prose,
    count,
    counted,
    html,
    in_row,
    interval,
    is_missing,
    listing,
    number,
    p_value,
    prose,
)

MADE = {"simulated": " **Simulated ratings.**", "stand_in": " **Stand-in texts.**", "observed": ""}
DF = {
    "satterthwaite": "Satterthwaite's df",
    "kenward-roger": "Kenward and Roger's df",
    "residual": "residual df",
    "asymptotic": "tests by the normal distribution",
}
FAMILIES = {"ordinal": "cumulative", "binomial": "binomial", "poisson": "Poisson"}


def distribution(study: Study) -> str:
    """Figure: how often each answer was given, by source."""
    sizes = study.used.groupby("source").size()
    caption = f"{prose(study.title)}: distribution of the ratings by source.{_made(study)}"
    if figures.together(study) > 1:
        caption += f" Each bar counts {_answer(study)}."
    counts = listing(
        f"{study.source_title(source)} ({count(sizes.get(source, 0))} ratings)" for source in study.sources
    )
    alt = f"Bar charts of the share of each answer, one for each of {counts}."
    return blocks.figure(f"{study.name}-ratings", caption, figures.distribution(study), alt, figures.answers(study))


def means(study: Study) -> str:
    """Figure: estimated marginal means by source."""
    table = _overall(study.deciding.shown_means)
    over = ""
    if study.deciding.tells_ratings:
        over = (
            ", over the ratings themselves: the area of a circle is the share of the source's ratings that gave "
            f"{_answer(study)}"
        )
    caption = (
        f"{prose(study.title)}: {_which_means(study)} with 95% intervals, domains weighing equally (deciding model)"
        f"{over}.{_made(study)}"
    )
    if figures.expected_by_source(study):
        caption += " The diamonds are the expected ratings that the raters were simulated from."
    values = _estimates(table, table.source.map(study.source_title))
    alt = f"Points with intervals{' over circles' if over else ''}, one row a source: {values}."
    return blocks.figure(f"{study.name}-means", caption, figures.means(study), alt, table)


def _answer(study: Study) -> str:
    """What one mark of the ratings stands for."""
    together = figures.together(study)
    return "this answer" if together == 1 else f"one of {count(together)} neighbouring answers"


def _which_means(study: Study) -> str:
    """What the means of the deciding model are: its own, or what it expects raters to answer."""
    model = study.deciding
    if model.fit["link"] == "identity":
        return "estimated marginal means"
    if model.tells_ratings:
        return "mean answers that the ordinal model expects, in units of the scale,"
    return f"estimated marginal means {prose(model.units)}"


def means_table(study: Study) -> str:
    """Table: estimated marginal means by source, over domains and within each."""
    table = study.deciding.shown_means
    columns = [
        blocks.words("Source", [study.source_title(source) for source in table.source]),
        blocks.words("Domain", table.domain.fillna("all, equally")),
        blocks.numbers("Mean", [number(value) for value in table.estimate]),
        blocks.numbers("SE", [number(value, 3) for value in table.std_error]),
        blocks.numbers("df", [number(value, 1) for value in table.df]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for row in table.itertuples()]),
    ]
    caption = f"{prose(study.title)}: {_which_means(study)} of the deciding model.{_made(study)}"
    return blocks.table(f"{study.name}-means", caption, columns)


def contrasts(study: Study) -> str:
    """Figure: contrasts over domains and within each."""
    shown = figures.drawn_contrasts(study)
    total = study.deciding.contrasts.contrast.nunique()
    caption = (
        f"{prose(study.title)}: differences of sources {_units(study)}, with 95% intervals, over all domains and "
        "within each. The band holds differences smaller than the smallest effect size of interest."
        f"{_made(study)}{_of_all(shown, total)}"
    )
    overall = study.deciding.overall[study.deciding.overall.contrast.isin(shown)]
    values = _estimates(overall, overall.contrast.map(study.contrast_title))
    alt = f"One panel a contrast, one line a domain. Over all domains: {values}."
    drawn = study.deciding.contrasts[study.deciding.contrasts.contrast.isin(shown)]
    return blocks.figure(f"{study.name}-forest", caption, figures.contrasts(study), alt, drawn)


def overall(study: Study) -> str:
    """Figure: contrasts over all domains with the band of equivalence."""
    table = study.deciding.overall
    if table.empty:
        return "With one source there is nothing to compare."
    drawn = table[table.contrast.isin(figures.drawn_contrasts(study))]
    caption = (
        f"{prose(study.title)}: differences of sources {_units(study)}, over domains of equal weight, with 95% "
        "intervals (thin) and 90% intervals (thick). The band holds differences smaller than the smallest effect size "
        "of interest: where the thick line lies inside it, the two are equivalent at the unadjusted 5% level."
        f"{_made(study)}"
        f"{_of_all(drawn, len(table))}"
    )
    values = _estimates(drawn, drawn.contrast.map(study.contrast_title))
    alt = f"Points with intervals, one line a contrast: {values}."
    return blocks.figure(f"{study.name}-contrasts", caption, figures.overall(study), alt, drawn)


def by_domain(study: Study) -> str:
    """Figure: the order of sources in each domain."""
    table = study.deciding.shown_means.dropna(subset=["domain"])
    if table.empty:
        return "The deciding model of this study has no means by domain."
    caption = (
        f"{prose(study.title)}: {_which_means(study)} in each domain with 95% intervals, sources in their order there "
        f"(deciding model).{_made(study)}"
    )
    tops = listing(
        f"in {domain} {study.source_title(rows.loc[rows.estimate.idxmax(), 'source'])}"
        for domain, rows in table.groupby("domain", sort=False)
    )
    alt = f"One panel a domain, one line a source, the highest on top: {tops}."
    return blocks.figure(f"{study.name}-by-domain", caption, figures.by_domain(study), alt, table)


def order(study: Study) -> str:
    """Table: the sources of each domain from the highest estimated mean down, with how far the ends lie apart."""
    table = study.deciding.shown_means.dropna(subset=["domain"])
    if table.empty:
        return ""
    groups = [
        (domain, rows.sort_values("estimate", ascending=False, kind="stable"))
        for domain, rows in table.groupby("domain", sort=False)
    ]
    columns = [
        blocks.words("Domain", [domain for domain, _ in groups]),
        blocks.words("Sources, highest mean first", [_ranked(study, rows) for _, rows in groups]),
    ]
    orders = len({tuple(rows.source) for _, rows in groups})
    caption = (
        f"{prose(study.title)}: the order of sources by estimated mean (deciding model) in each domain: "
        f"{counted(orders, 'order')} over {counted(len(groups), 'domain')}. An order alone tests nothing; the "
        f"contrasts do.{_made(study)}"
    )
    return blocks.table(f"{study.name}-order", caption, columns)


def _ranked(study: Study, rows: pd.DataFrame) -> str:
    return in_row(f"{study.source_title(row.source)} {number(row.estimate)}" for row in rows.itertuples())


def interaction(study: Study) -> Prose:
    """Sentence: whether the differences of sources change with the domain, by the deciding model's test."""
    tests = study.deciding.tests
    found = tests[tests.test == "source:domain"]
    if found.empty:
        return Prose("The deciding model has no interaction of source and domain, so none is tested.")
    row = found.iloc[0]
    df = number(row.df_num, 0) + ("" if is_missing(row.df_den) else f", {number(row.df_den, 1)}")
    p = p_value(row.p_value)
    return Prose(
        f"The interaction of source and domain has {'χ²' if is_missing(row.df_den) else 'F'}({df}) = "
        f"{number(row.statistic)}, p {p if p.startswith('<') else f'= {p}'}"
        f"{', of simulated ratings' if study.simulated else ''}."
    )


def interactions_table(study: Study) -> str:
    """Table: how far each contrast in a domain lies from its mean over the domains."""
    table = study.deciding.interactions
    if table.empty:
        return ""
    rows = list(table.itertuples())
    columns = [
        blocks.words("Contrast", [study.contrast_title(row.contrast) for row in rows]),
        blocks.words("Domain", [row.by for row in rows]),
        blocks.numbers("Less its mean", [number(row.estimate) for row in rows]),
        blocks.numbers("SE", [number(row.std_error, 3) for row in rows]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for row in rows]),
        blocks.numbers("p", [p_value(row.p_value) for row in rows]),
        blocks.numbers("p, equivalence", [p_value(row.p_equivalence) for row in rows]),
    ]
    caption = (
        f"{prose(study.title)}: the difference of two sources in a domain less its mean over the domains (deciding "
        f"model), unadjusted.{_made(study)}"
    )
    if table.sesoi.notna().any():
        caption += f" Equivalence is tested against ±{number(table.sesoi.max())}, {_units(study)}."
    return blocks.table(f"{study.name}-interactions", caption, columns)


def without_humans(study: Study) -> Prose:
    """Why nothing is said of humans, in a study without their responses; else empty."""
    if any(declared["kind"] == "human" for declared in study.declared.values()):
        return Prose("")
    return Prose(
        "No source of this study is human, so nothing is said of humans here: sources are compared within one study "
        "alone, never with the humans of another."
    )


def sesoi(study: Study) -> Prose:
    """The smallest effect size of interest, with its unit."""
    said = study.settings["inference"]
    unit = "total SDs of the model" if said["sesoi_units"] == "total_sd" else "units of the rating scale"
    return Prose(f"{number(said['sesoi'])} {unit}")


def contrasts_table(study: Study) -> str:
    """Table: contrasts over all domains with equivalence."""
    caption = (
        f"{prose(study.title)}: contrasts over domains of equal weight (deciding model). Intervals are unadjusted; "
        f"{_adjusted(study.deciding.overall)} Equivalence is the larger p of two one-sided tests against "
        f"±{number(study.deciding.overall.sesoi.max())} (the SESOI). Differences and the SESOI are {_units(study)}."
        f"{_made(study)}"
    )
    return blocks.table(f"{study.name}-contrasts", caption, _contrast_columns(study, study.deciding.overall))


def domain_table(study: Study) -> str:
    """Table: contrasts within each domain."""
    table = study.deciding.by_domain
    if table.empty:
        return "The deciding model of this study has no contrasts by domain."
    columns = _contrast_columns(study, table)
    columns.insert(1, blocks.words("Domain", table.by))
    caption = (
        f"{prose(study.title)}: contrasts within each domain (deciding model), {_units(study)}; {_adjusted(table)} "
        f"A domain's contrasts are one family.{_made(study)}"
    )
    return blocks.table(f"{study.name}-domains", caption, columns)


def _adjusted(table: pd.DataFrame) -> str:
    sizes = listing(count(size) for size in sorted(set(table.family_size)))
    names = {
        "holm": f"adjusted p values are Holm's in families of {sizes}.",
        "tukey": f"adjusted p values are Tukey's, of all pairs of sources, in families of {sizes}.",
        "none": "p values are not adjusted.",
    }
    return " ".join(names[adjust] for adjust in dict.fromkeys(table.adjust))


def _contrast_columns(study: Study, table: pd.DataFrame) -> list[blocks.Column]:
    rows = list(table.itertuples())
    columns = [
        blocks.words("Contrast", [study.contrast_title(row.contrast) for row in rows]),
        blocks.numbers("Difference", [number(row.estimate) for row in rows]),
        blocks.numbers("SE", [number(row.std_error, 3) for row in rows]),
        blocks.numbers("df", [number(row.df, 1) for row in rows]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for row in rows]),
        blocks.numbers("p", [p_value(row.p_value) for row in rows]),
        blocks.numbers("p, adjusted", [p_value(row.p_adjusted) for row in rows]),
        blocks.numbers("p, equivalence", [p_value(row.p_equivalence) for row in rows]),
        blocks.numbers("d", [number(row.d) for row in rows]),
    ]
    if table.percent_of_range.notna().any():  # a link's scale has no range
        columns.append(blocks.numbers("% of range", [number(row.percent_of_range, 1) for row in rows]))
    return columns


def tests_table(study: Study) -> str:
    """Table: omnibus tests."""
    rows = list(study.deciding.tests.itertuples())
    columns = [
        blocks.words("Test", [row.test for row in rows]),
        blocks.words("Method", [row.method for row in rows]),
        blocks.numbers("F or chi-squared", [number(row.statistic) for row in rows]),
        blocks.numbers("df", [number(row.df_num, 0) for row in rows]),
        blocks.numbers("df, denominator", [number(row.df_den, 1) for row in rows]),
        blocks.numbers("p", [p_value(row.p_value) for row in rows]),
    ]
    return blocks.table(
        f"{study.name}-tests", f"{prose(study.title)}: omnibus tests of the deciding model.{_made(study)}", columns
    )


def fixed_table(study: Study) -> str:
    """Table: fixed effects."""
    rows = list(study.deciding.fixed.itertuples())
    columns = [
        blocks.words("Term", [row.term for row in rows]),
        blocks.numbers("Estimate", [number(row.estimate) for row in rows]),
        blocks.numbers("SE", [number(row.std_error, 3) for row in rows]),
        blocks.numbers("df", [number(row.df, 1) for row in rows]),
        blocks.numbers("t", [number(row.statistic) for row in rows]),
        blocks.numbers("p", [p_value(row.p_value) for row in rows]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for row in rows]),
    ]
    reference = prose(study.source_title(study.deciding.fit["reference"]))
    caption = (
        f"{prose(study.title)}: fixed effects of the deciding model. Sources are compared with "
        f"{reference}.{_coding(study.deciding.fit['sum_coded'])}{_made(study)}"
    )
    return blocks.table(f"{study.name}-fixed", caption, columns)


def _coding(factors: dict[str, list[str]]) -> str:
    said = ""
    for factor, levels in factors.items():
        named = listing(f"{prose(factor)}{place} is {prose(level)}" for place, level in enumerate(levels[:-1], start=1))
        what = "Domains" if factor == "domain" else f"The effects of {prose(factor)}"
        said += f" {what} are coded to sum to zero: {named}, and {prose(levels[-1])} is minus their sum."
    return said


def random_table(study: Study) -> str:
    """Table: random effects of every model."""
    rows = [(model.name, row) for model in study.models.values() for row in model.random.itertuples()]
    columns = [
        blocks.words("Model", [name for name, _ in rows]),
        blocks.words("Group", [row.group for _, row in rows]),
        blocks.numbers("Variance", [number(row.variance, 3) for _, row in rows]),
        blocks.numbers("SD", [number(row.std_dev, 3) for _, row in rows]),
        blocks.numbers("Levels", [count(row.n_levels) for _, row in rows]),
    ]
    return blocks.table(
        f"{study.name}-random", f"{prose(study.title)}: random effects of each model.{_made(study)}", columns
    )


def fit_sentence(model: Model) -> str:
    """How a model was fitted and how it went: formula, terms left out, estimation, convergence, warnings."""
    fit = model.fit
    if not fit["n"]:
        unfitted = f"The model *{prose(model.name)}*, {code(fit['formula'])}, could not be fitted"
        return blocks.inline([f"{unfitted}: {prose(fit['failure'])}. No claim may rest on it."])
    how = "REML" if fit["reml"] else "maximum likelihood"
    how = "least squares" if fit["df_method"] == "residual" else how
    fitted = (
        f"The model *{prose(model.name)}*, {code(fit['formula_fitted'])}, was fitted to {counted(fit['n'], 'rating')}"
    )
    if fit["family"] in FAMILIES:
        fitted += f" as a {FAMILIES[fit['family']]} model with {fit['link']} link, on whose scale its estimates are,"
    sentences = [f"{fitted} by {how} ({prose(DF[fit['df_method']])})."]
    sentences += [f"Left out: {code(term['term'])}, as {prose(term['why'])}." for term in fit["terms_dropped"]]
    sentences += [
        f"While it was singular, {code(step['left_out'])} was left out, as its ladder declares."
        for step in fit["left_out_as_singular"]
    ]
    failed = "**It did not converge: no claim may rest on it.**"
    agree = "Its first optimizer stopped short; two agree on the likeliest result, so it counts as converged."
    gradient = "" if fit["gradient"] is None else f" (relative gradient {number(fit['gradient'], 5)})"
    converged = agree if fit["refits"] else f"It converged{gradient}."
    sentences.append(converged if fit["status"] == "converged" else failed)
    if fit["singular"]:
        sentences.append("The fit is singular: a variance is estimated as zero.")
    sentences.append(
        f"Marginal R² {number(fit['r2_marginal'], 3)}, conditional R² {number(fit['r2_conditional'], 3)}, "
        f"total SD {number(fit['sigma_total'])}, log-likelihood {number(fit['logLik'], 1)}, "
        f"AIC {number(fit['AIC'], 1)}."
    )
    if fit["warnings"]:
        sentences.append("On the way R warned: " + "; ".join(map(prose, _once(fit["warnings"]))) + ".")
    return blocks.inline(sentences)


def _once(said: Iterable[str]) -> list[str]:
    """Each note once: where several fits gave it, without what each was for."""
    given: dict[str, list[str]] = {}
    for note in dict.fromkeys(said):
        given.setdefault(notes.words(note), []).append(note)
    return [same[0] if len(same) == 1 else f"{text} (of several fits)" for text, same in given.items()]


def code(text: str) -> Prose:
    """A text as code; not by backticks, which could not hold every text."""
    return Prose(f"<code>{prose(text)}</code>")


def models_table(study: Study) -> str:
    """Table: each contrast over domains by each model, the deciding one first."""
    beside = [study.deciding, *study.others.values()]
    rows = [(row.contrast, model, row) for model in beside for row in model.overall.itertuples()]
    order = list(dict.fromkeys(contrast for contrast, _, _ in rows))
    rows.sort(key=lambda row: order.index(row[0]))
    columns = [
        blocks.words("Contrast", [study.contrast_title(contrast) for contrast, _, _ in rows]),
        blocks.words("Model", [named(model.name) for _, model, _ in rows]),
        blocks.words("Estimates", [model.units for _, model, _ in rows]),
        blocks.numbers("Difference", [number(row.estimate) for _, _, row in rows]),
        blocks.numbers("SE", [number(row.std_error, 3) for _, _, row in rows]),
        blocks.numbers("df", [number(row.df, 1) for _, _, row in rows]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for _, _, row in rows]),
        blocks.numbers("p", [p_value(row.p_value) for _, _, row in rows]),
    ]
    return blocks.table(
        f"{study.name}-models", f"{prose(study.title)}: the contrasts by each model.{_made(study)}", columns
    )


def named(model: str) -> str:
    """A model's name, and whether it decides."""
    return f"{model} (decides)" if model == "deciding" else model


def counts_table(study: Study) -> str:
    """Table: the highest answer against the rest, by pair of sources, over all ratings and in each part of them."""
    rows = list(study.count_tests.itertuples())
    columns = [
        blocks.words("Contrast", [study.contrast_title(row.contrast) for row in rows]),
        blocks.words("Part", ["all" if pd.isna(row.part) else row.part for row in rows]),
        blocks.numbers("Highest, first", [f"{count(row.n_top_a)} of {count(row.n_a)}" for row in rows]),
        blocks.numbers("Highest, second", [f"{count(row.n_top_b)} of {count(row.n_b)}" for row in rows]),
        blocks.numbers("Chi-squared", [number(row.chi_squared) for row in rows]),
        blocks.numbers("p", [p_value(row.p_value) for row in rows]),
    ]
    caption = (
        f"{prose(study.title)}: the highest answer against the rest, chi-squared with Yates's correction. This ignores "
        f"clustering: ratings of one rater, post or response count as independent. It decides nothing.{_made(study)}"
    )
    return blocks.table(f"{study.name}-counts", caption, columns)


def leave_one_out_table(study: Study) -> str:
    """Table: the least and the largest of each contrast, over the fits without one post or one domain."""
    if study.leave_one_out.empty:
        return "The study has a single post and a single domain, so none can be left out in turn."
    fitted = study.leave_one_out.dropna(subset=["estimate"])
    groups = [(left, contrast, rows) for (left, contrast), rows in fitted.groupby(["left", "contrast"], sort=False)]
    ends = [(rows.loc[rows.estimate.idxmin()], rows.loc[rows.estimate.idxmax()]) for _, _, rows in groups]
    columns = [
        blocks.words("Contrast", [study.contrast_title(contrast) for _, contrast, _ in groups]),
        blocks.words("Left out", [f"each {left}" for left, _, _ in groups]),
        blocks.numbers("Fits", [count(len(rows)) for _, _, rows in groups]),
        blocks.numbers("Least", [number(low.estimate) for low, _ in ends]),
        blocks.words("without", [low.left_out for low, _ in ends]),
        blocks.numbers("Largest", [number(high.estimate) for _, high in ends]),
        blocks.words("without", [high.left_out for _, high in ends]),
        blocks.numbers("Largest p", [p_value(rows.p_value.max()) for _, _, rows in groups]),
    ]
    lost = study.leave_one_out[study.leave_one_out.status != "converged"].groupby(["left", "left_out"]).ngroups
    caption = (
        f"{prose(study.title)}: differences by the deciding model, {_units(study)}, fitted without each post and "
        f"without each domain in turn; fits that failed or could not be had: {count(lost)}.{_made(study)}"
    )
    return blocks.table(f"{study.name}-left-out-in-turn", caption, columns)


def truth_table(study: Study) -> str:
    """Table: the expected rating that each source was simulated from, beside the estimate."""
    truth = figures.expected_by_source(study)
    if not truth:
        return (
            "The means of the deciding model are on the scale of its link, and so do not stand beside the ratings that "
            "were simulated from."
        )
    table = _overall(study.deciding.shown_means).set_index("source").loc[study.sources]
    columns = [
        blocks.words("Source", [study.source_title(source) for source in study.sources]),
        blocks.numbers("Simulated from", [number(truth[source]) for source in study.sources]),
        blocks.numbers("Estimated", [number(value) for value in table.estimate]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for row in table.itertuples()]),
    ]
    caption = (
        f"{prose(study.title)}: the expected rating of each source under the simulation, over all raters, posts and "
        "responses it could have drawn, and what the deciding model estimates from those that it drew."
    )
    return blocks.table(f"{study.name}-truth", caption, columns)


def examples(study: Study) -> str:
    """The first post of each domain with every source's response to it, folded; no ratings beside them."""
    posts = study.posts.drop_duplicates("domain")
    first = study.responses[study.responses["sample"] == 0]
    parts = []
    for post in posts.itertuples():
        content = [f"<h3>Post {html(post.post_id)}</h3>", blocks.quoted(post.text), '<div class="beside">']
        answers = first[first.post_id == post.post_id].set_index("source").text
        for source in study.sources:
            text = blocks.quoted(answers[source]) if source in answers else f"<p>{MISSING} no answer</p>"
            content.append(f"<div><h3>{html(study.source_title(source))}</h3>\n{text}</div>")
        content.append("</div>")
        parts.append(blocks.folded(f"{post.domain}: post {post.post_id} and the responses to it", "\n".join(content)))
    return blocks.raw("\n".join(parts))


def _overall(means: pd.DataFrame) -> pd.DataFrame:
    return means[means.domain.isna()]


def _estimates(table: pd.DataFrame, titles: Iterable[str]) -> str:
    return listing(
        f"{title} {number(row.estimate)} {interval(row.conf_low, row.conf_high)}"
        for title, row in zip(titles, table.itertuples(), strict=True)
    )


def _of_all(shown: Sized, total: int) -> str:
    if len(shown) == total:
        return ""
    return f" Drawn are the {count(len(shown))} contrasts with the reference, of {count(total)}; the table has all."


def _units(study: Study) -> str:
    return prose(study.deciding.units)


def _made(study: Study) -> str:
    return MADE[study.deciding.fit["origin"]]
