"""The head of the report: what is simulated, what came out, what was claimed, what is left out."""

from collections.abc import Iterable

import pandas as pd

from empathic.report import blocks, verdict_figure
from empathic.report.loading import Run, Study
from empathic.report.words import Prose, count, counted, interval, is_missing, listing, number, prose
from empathic.tables import DEMO_VERDICTS, VERDICTS

CERTAINTY = {
    "abstract": "abstract",
    "summary": "summary",
    "second_hand": "second-hand",
    "inferred": "inferred",
    "conflicting": "conflicting",
    "unknown": "unknown",
    "own": "our own claim",
}
WRITTEN = {
    "observed": "are what these sources wrote",
    "stand_in": "are stand-ins, written for this package",
    "simulated": "are simulated",
}
SUBTITLES = {
    "simulated": "simulated ratings, so nothing here is a finding about people",
    "stand_in": "stand-ins in place of observed posts or responses",
}
NOT_ENTERED = "not entered"
SUBJECT = "Large language models and perceived empathy"


def title(run: Run) -> str:
    """What the report is called: as the config says, else by whose claims the run decides."""
    given = run.config["report"]["title"]
    if given or run.claims is None:
        return given or SUBJECT
    return f"{SUBJECT}: {'a replication' if run.papers else 'a test of our own claims'}"


def identity(run: Run) -> Prose:
    """The line below the title: run, when its results were recorded, commit."""
    provenance = run.provenance
    title = run.config["title"]
    name = f"Run **{prose(run.config['run'])}**" + (f" ({prose(title)})" if title else "")
    return Prose(f"{name}. Recorded {prose(provenance['recorded_at'])}. {commit(run)}")


def commit(run: Run) -> Prose:
    """The commit that made the run, and whether files had been changed since."""
    if run.provenance["commit"] is None:
        return Prose("The commit is unknown: this was no git checkout.")
    state = "with uncommitted changes" if run.provenance["dirty"] else "with no uncommitted changes"
    return Prose(f"Commit {prose(run.provenance['commit'][:12])}, {state}.")


def other_papers(run: Run) -> Prose:
    """The citations of the papers beside Lee et al. (2024) whose claims are decided."""
    return listing(prose(paper) for paper in run.other_papers)


def warning(run: Run) -> Prose:
    """The line below the title, where the run is no evidence, or not yet."""
    weakest_first = ("simulated", "stand_in")
    found = {origin for study in run.studies.values() for origin in study.origins.values()}
    parts = [SUBTITLES[origin] for origin in weakest_first if origin in found]
    parts += ["awaiting ratings"] if run.awaiting else []
    return Prose("; ".join(parts).capitalize())


def origins(run: Run) -> str:
    """What each study's ratings, responses and posts are: a list."""
    items = [f"**{prose(study.title)} awaits ratings.** {_texts(study)}" for study in run.awaiting]
    items += [f"**{prose(study.title)}:** {_ratings(study)} {_texts(study)}" for study in run.rated]
    if any(set(study.origins.values()) != {"observed"} for study in run.rated):
        items.append("**No number below that rests on simulated ratings or stand-in texts is a finding.**")
    return blocks.listed(items)


def _ratings(study: Study) -> str:
    weakest = study.origins["ratings"]
    if weakest == "simulated":
        return "**the ratings are simulated**; no person gave them, and every model below was fitted to them."
    if weakest == "stand_in":
        return "**the ratings are stand-ins**; they were written for this package."
    return "the ratings are observed."


def _texts(study: Study) -> str:
    if study.posts is None:
        return "There are no texts, only ratings."
    sentences = [f"The posts {_of_posts(study.origins['posts'])}."]
    for origin, start in WRITTEN.items():
        sources = [source for source in study.sources if study.origins.get(source) == origin]
        if sources:
            titles = listing(prose(study.source_title(source)) for source in sources)
            sentences.append(f"The responses of {titles} {start}.")
    return " ".join(sentences)


def _of_posts(origin: str) -> str:
    return "are observed" if origin == "observed" else WRITTEN[origin]


def summary(run: Run) -> str:
    """What came out, in a list of computed sentences."""
    items = [_study(study) for study in run.studies.values()]
    if run.claims is not None:
        items.append(_verdicts(run.claims))
    return blocks.listed(items)


def _study(study: Study) -> str:
    if study.ratings is None:
        texts = counted(len(study.responses), "response")
        return f"**{prose(study.title)}** awaits ratings: {texts} to {counted(len(study.posts), 'post')} are ready."
    used = study.used
    simulated = "simulated " if study.simulated else ""
    size = (
        f"{count(used.rater_id.nunique())} {simulated}raters gave {counted(len(used), 'rating')} to "
        f"{counted(used.response_id.nunique(), 'response')} on {counted(used.post_id.nunique(), 'post')}."
    )
    means = study.deciding.shown_means
    means = means[means.domain.isna()].sort_values("estimate", ascending=False)
    ranked = listing(
        f"{prose(study.source_title(row.source))} {number(row.estimate)} {interval(row.conf_low, row.conf_high)}"
        for row in means.itertuples()
    )
    scale = study.item.scale
    said = f"mean ratings on a scale from {number(scale.min, 0)} to {number(scale.max, 0)}"
    said = said if study.deciding.tells_ratings else f"means {prose(study.deciding.units)}"
    return f"**{prose(study.title)}:** {size} Estimated {said}, with 95% intervals: {ranked}."


def _verdicts(claims: pd.DataFrame) -> str:
    found = listing(f"{count((claims.verdict == verdict).sum())} {verdict}" for verdict in VERDICTS)
    line = f"**Claims:** of {counted(len(claims), 'claim')}, {found}."
    demo = claims.demo_verdict.dropna()
    if len(demo):
        would = listing(f"{count((demo == verdict).sum())} {verdict}" for verdict in DEMO_VERDICTS)
        line += f" Were the data of {count(len(demo))} of them observed, the same rules would have said: {would}."
    return line


def claims_table(run: Run) -> str:
    """Every claim with how sure it is, our estimate, the paper's where it was entered, the verdict and why."""
    claims = run.claims
    columns = [
        blocks.words("Claim", claims.statement),
        blocks.words("Study", _titles(run, claims.study)),
        blocks.words("How sure", [CERTAINTY[certainty] for certainty in claims.certainty]),
        blocks.numbers("Estimate", _estimates(claims)),
        blocks.words("Reported", [_reported(row) for row in claims.itertuples()]),
        blocks.words("Verdict", claims.verdict),
        blocks.words("Look at", [_where(run, row) for row in claims.itertuples()]),
    ]
    caption = "The claims and their verdicts."
    if (claims.certainty == "own").all():
        columns = [column for column in columns if column.head not in ("How sure", "Reported")]
        caption += " All are this run's own, and no paper's."
    else:
        caption += (
            " *How sure* says what the claim rests on: the paper's abstract, a summary of it, or less. *Reported* is "
            "the paper's own figure, once someone who holds the paper has entered it; with its interval it "
            "gives one in which a replication's estimate is to be expected, where the claim is of one difference (of "
            "several, one figure may be of any)."
        )
    caption += f"{_of_estimates(run)} Below each claim stands why it has this verdict."
    return blocks.cards("claims", caption, columns, claims.why)


def _of_estimates(run: Run) -> str:
    """A sentence on what the estimates of claims are, of the kinds of claims that have some; else empty."""
    claims = run.claims[run.claims.estimate.notna()]
    models = [run.studies[name].deciding for name in dict.fromkeys(claims.study[claims.family == "primary"])]
    kinds = [f"of a claim about ratings {units}" for units in dict.fromkeys(model.units for model in models)]
    kinds += ["of one about style in the unit of its feature"] if (claims.family == "style").any() else []
    if not kinds:
        return ""
    return (
        f" The estimate is that of the component that decides ({listing(kinds)}), with its unadjusted 95% interval "
        "(90% for an equivalence)."
    )


def _where(run: Run, claim) -> blocks.Markup:
    """A link to the part of the report that a claim is about, where there is one."""
    study = run.studies.get(claim.study)
    if study is None or (claim.family == "style" and study.posts is None):
        return blocks.Markup("")
    if claim.family == "style":
        return blocks.link(f"style-{study.name}", "style")
    return blocks.link(study.name, "results")


def verdicts(run: Run) -> str:
    """Figure: the verdicts on claims that rest on observed data; empty where there are none."""
    claims = run.claims[run.claims.verdict != "not testable"]
    if claims.empty:
        return ""
    caption = (
        "Verdicts on the claims that rest on observed data; what is not testable is not drawn, nor what the rules "
        "would say of other data."
    )
    alt = "One line a claim, one mark at its verdict: " + listing(
        f"{row.statement}: {row.verdict}" for row in claims.itertuples()
    )
    data = claims[["claim_id", "study", "statement", "estimate", "conf_low", "conf_high", "verdict", "origin"]]
    return blocks.figure("verdicts", caption, verdict_figure.verdicts(claims), f"{alt}.", data)


def demo_table(run: Run) -> str:
    """What the rules would say of the claims that lack nothing but observed data, in words of its own."""
    claims = run.claims[run.claims.demo_verdict.notna()]
    columns = [
        blocks.words("Claim", claims.statement),
        blocks.words("Study", _titles(run, claims.study)),
        blocks.numbers("Estimate", _estimates(claims)),
        blocks.words("In the simulation", claims.demo_verdict),
    ]
    caption = (
        "A check of the machinery and no verdict: what the rules would say of the claims that lack nothing but "
        "observed data. *Recovered* means that the models found in the made-up data what the claim says."
    )
    return blocks.table("demo-verdicts", caption, columns)


def _titles(run: Run, names: Iterable[str]) -> list[str]:
    return [run.studies[name].title if name in run.studies else name for name in names]


def _estimates(claims: pd.DataFrame) -> list[str]:
    return [
        "" if is_missing(row.estimate) else f"{number(row.estimate)} {interval(row.conf_low, row.conf_high)}"
        for row in claims.itertuples()
    ]


def _reported(row) -> str:
    if is_missing(row.reported):
        return "" if row.certainty == "own" else NOT_ENTERED
    parts = [number(row.reported)]
    if not is_missing(row.reported_low):
        parts.append(interval(row.reported_low, row.reported_high))
    parts += [f"({text})" for text in (row.reported_scale, row.reported_page) if not is_missing(text)]
    return " ".join(parts)


def left_out(run: Run) -> str:
    """What this report leaves out for want of data, and why: a list."""
    items = []
    for study in run.studies.values():
        items += [f"**{prose(study.title)}:** {reason}" for reason in _left_out(study)]
    if run.claims is None:
        items.append("**Claims:** the config names no claims; so none is decided.")
    return blocks.listed(items or ["Nothing that the run's data allow."])


def _left_out(study: Study) -> Iterable[str]:
    if study.ratings is None:
        yield "there are no ratings yet; models, contrasts and claims about ratings are left out."
    if study.posts is None:
        yield "there are no texts; style, example responses and the checks of texts are left out."
    if not any(declared["kind"] == "human" for declared in study.declared.values()):
        yield (
            "no source is human. So nothing is said of humans here: a comparison is made within one study alone, "
            "never with the humans of another."
        )
    if len(study.domains) == 1:
        yield "there is one domain; what is said by domain is left out."
    for model in study.models.values():
        for term in model.fit["terms_dropped"]:
            yield f"the model *{prose(model.name)}* is fitted without {prose(term['term'])}: {prose(term['why'])}."
        for step in model.fit["left_out_as_singular"]:
            yield f"the model *{prose(model.name)}* was singular with {prose(step['left_out'])}, which was left out."


def deviations(run: Run) -> str:
    """Where this run departs from the paper: a list."""
    items = []
    for study in run.studies.values():
        title = prose(study.title)
        not_observed = {name: origin for name, origin in study.origins.items() if origin != "observed"}
        if "posts" in not_observed:
            items.append(f"{title}: the posts are not the paper's; they {_of_posts(not_observed['posts'])}.")
        if "ratings" in not_observed:
            items.append(f"{title}: the raters are not people; their ratings {WRITTEN[not_observed['ratings']]}.")
        items += [
            f"{title}: the responses of {prose(study.source_title(source))} {WRITTEN[not_observed[source]]}."
            for source in study.sources
            if source in not_observed
        ]
        sources = listing(prose(study.source_title(source)) for source in study.sources)
        items.append(
            f"{title}: the sources are {sources}. The claims name the paper's own; no other stands in for one."
        )
    return blocks.listed(items)
