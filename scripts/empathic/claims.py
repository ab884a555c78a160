"""From the claims and the contrasts of the deciding models to claims.csv, claims_components.csv, claims_by_model.csv.

What decides stands in empathic.verdicts; here is what a claim is decided on, and why one cannot be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from empathic import tables, verdicts
from empathic.claimfile import LIWC, OMNIBUS, OWN, Claim
from empathic.files import read_json
from empathic.origin import ORIGINS, weakest
from empathic.verdicts import Component, Decision, Weighed

DECIDING = "deciding"
NOT_TESTABLE = "not testable"
UNSURE = ("conflicting", "unknown")
NOT_OBSERVED = {"simulated": "simulated", "stand_in": "stand-ins, written for the package"}
INTERVAL = {"equivalent": ("conf_low_90", "conf_high_90")}
STYLE_SESOI = 0.2  # SDs of a feature: the smallest difference of style of interest (ours)


@dataclass(frozen=True)
class Fit:
    """What claims need of a fitted model.

    sesoi, sesoi_interaction: delta, in units of the rating scale. contrasts: those averaged over domains
    (tables.CONTRASTS), by name. inside: those within each domain, and apart: their differences from their means
    (tables.INTERACTIONS), both by domain and name. omnibus: p of the test (tables.SETS) of a set of sources.
    """

    converged: bool
    dropped_rows: int
    singular: bool
    sesoi: float
    contrasts: pd.DataFrame
    sesoi_interaction: float = float("nan")
    inside: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    apart: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    omnibus: Mapping[tuple[str, frozenset[str]], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """What claims need of a study that has ratings, or texts, or both.

    sources: in the config's order. ratings: the weakest origin of those that models read; None: there are none.
    responses: the weakest origin of each source's rated texts; empty where the study has no texts. fits: by the models'
    names. texts: the weakest origin of each source's texts, rated or not. style: tables.STYLE_CONTRASTS by feature and
    contrast; None: no texts. written_by: the models of each source, by any name, or settings.PEOPLE; a source that is
    not in it is taken by its own name.
    """

    sources: Sequence[str]
    ratings: str | None
    responses: Mapping[str, str]
    fits: Mapping[str, Fit]
    texts: Mapping[str, str] = field(default_factory=dict)
    style: pd.DataFrame | None = None
    written_by: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A claim before one model.

    unobserved and obstacles: why it is not testable; with obstacles the rules say nothing of it. differences: the
    contrasts that it names, as claimed, where the model has them; weighed: what they say.
    """

    claim: Claim
    file: str
    unobserved: list[str]
    obstacles: list[str]
    singular: bool = False
    differences: tuple[pd.Series, ...] = ()
    weighed: Weighed | None = None
    decision: Decision | None = None


def read_study(
    folder: Path | str,
    sources: Sequence[str],
    models: Iterable[str],
    *,
    with_texts: bool,
    written_by: Mapping[str, str] | None = None,
) -> Study:
    """Read what claims need of a study from its folder under results/{run}/.

    models: none where the study has no ratings. written_by: what the config says wrote each source's responses
    (settings.written_by); what their file says of archived ones, in its column `model`, is added.
    Raises InputError for a damaged table.
    """
    folder, models = Path(folder), list(models)
    ratings = None
    if models:
        ratings = tables.RATINGS.read(folder / "ratings.csv")
        ratings = ratings[ratings.included]
    study = Study(
        sources,
        None if ratings is None else weakest(ratings.origin.unique()),
        {},
        {model: _read_fit(folder / "models" / model) for model in models},
        written_by={source: [name] for source, name in (written_by or {}).items()},
    )
    if not with_texts:
        return study
    texts = tables.RESPONSES.read(folder / "responses.csv")
    rated = texts if ratings is None else texts[texts.response_id.isin(ratings.response_id)]
    style = tables.STYLE_CONTRASTS.read(folder / "style" / "contrasts.csv").set_index(["feature", "contrast"])
    return replace(
        study,
        responses=_weakest_by_source(rated),
        texts=_weakest_by_source(texts),
        style=style,
        written_by={**study.written_by, **_named_in(texts)},
    )


def _named_in(texts: pd.DataFrame) -> dict[str, list[str]]:
    """The models that files of responses name, by source."""
    named = texts.reindex(columns=["source", "model"]).dropna()
    return {source: sorted(own.unique()) for source, own in named.groupby("source")["model"]}


def _weakest_by_source(texts: pd.DataFrame) -> dict[str, str]:
    return {source: weakest(own.unique()) for source, own in texts.groupby("source").origin}


def _read_fit(folder: Path) -> Fit:
    return fit_of(
        read_json(folder / "fit.json"),
        tables.CONTRASTS.read(folder / "contrasts.csv"),
        tables.INTERACTIONS.read(folder / "interactions.csv"),
        tables.SETS.read(folder / "tests_of_sets.csv"),
    )


def fit_of(fit: Mapping[str, Any], contrasts: pd.DataFrame, interactions: pd.DataFrame, sets: pd.DataFrame) -> Fit:
    """What claims need of a fitted model, from its fit.json and tables (models.Brief has the same)."""
    return Fit(
        converged=fit["status"] == "converged",
        dropped_rows=fit["dropped_rows"],
        singular=fit["singular"],
        sesoi=fit["sesoi"],
        contrasts=contrasts[contrasts["by"].isna()].set_index("contrast"),
        sesoi_interaction=fit["sesoi_interaction"],
        inside=_by_domain(contrasts),
        apart=_by_domain(interactions),
        omnibus={(row.test, frozenset(row.sources.split(", "))): row.p_value for row in sets.itertuples()},
    )


def _by_domain(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {domain: rows.set_index("contrast") for domain, rows in table.groupby("by", sort=False)}


def decide(
    files: Mapping[str, Sequence[Claim]], studies: Mapping[str, Study], papers: Mapping[str, str | None] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Decide all claims of a run.

    files: claims by the path of their file. studies: those that have ratings or texts, by name. papers: whose claims a
    file holds, by its path.

    Returns claims.csv (with the columns `file` and `paper` behind), claims_components.csv and claims_by_model.csv.
    Where the data are not observed the p columns and the estimate are those of the demonstration, whose word is
    demo_verdict.
    """
    cases = _judge(files, studies, DECIDING)
    models = dict.fromkeys(model for study in studies.values() for model in study.fits if model != DECIDING)
    others = {model: {case.claim.id: case for case in _judge(files, studies, model)} for model in models}
    by_model = [
        _model_row(model, others[model][case.claim.id])
        for case in cases
        for model in models
        if case.claim.family == "primary" and case.claim.study in studies and model in studies[case.claim.study].fits
    ]
    return (
        tables.CLAIMS.frame(
            _claim_row(case, studies.get(case.claim.study), (papers or {}).get(case.file)) for case in cases
        ),
        tables.COMPONENTS.frame(row for case in cases for row in _component_rows(case)),
        tables.BY_MODEL.frame(by_model),
    )


def _judge(files: Mapping[str, Sequence[Claim]], studies: Mapping[str, Study], model: str) -> list[Case]:
    cases = [_case(claim, file, studies.get(claim.study), model) for file, claims in files.items() for claim in claims]
    families: dict[tuple, list[int]] = {}
    for number, case in enumerate(cases):
        if case.weighed and not case.obstacles:
            # Claims on unobserved data are adjusted among themselves: they must not weigh on those that are testable.
            key = (case.claim.study, case.file, case.claim.family, bool(case.unobserved))
            families.setdefault(key, []).append(number)
    for members in families.values():
        for number, decision in zip(members, verdicts.decide([cases[n].weighed for n in members]), strict=True):
            cases[number] = replace(cases[number], decision=decision)
    return cases


def _case(claim: Claim, file: str, study: Study | None, model: str) -> Case:
    case = Case(claim, file, _unobserved(claim, study), _obstacles(claim, study, model))
    if case.obstacles:
        return case
    if claim.family == "style":
        found, omnibus, singular = _differences_of_style(claim, study), float("nan"), False
    else:
        fit = study.fits[model]
        found, omnibus, singular = _differences(claim, fit), _omnibus(claim, fit), fit.singular
    components = [
        Component(name, row.estimate, row.std_error, row.df, sesoi, row.p_value) for name, row, sesoi in found
    ]
    weighed = verdicts.weigh(claim.test, components, omnibus)
    obstacles = [] if weighed.complete else [_not_a_number(claim.test, weighed)]
    differences = tuple(row for _, row, _ in found)
    return replace(case, obstacles=obstacles, singular=singular, differences=differences, weighed=weighed)


def _differences_of_style(claim: Claim, study: Study) -> list[tuple[str, pd.Series, float]]:
    """Each component of a claim of style: its name, its difference as claimed, and delta."""
    found = []
    for feature, (a, b) in product(claim.features, combinations(claim.sources, 2)):
        row = _difference(study.style.loc[feature], a, b)
        row["df"] = float("inf")
        found.append((f"{feature}: {a} - {b}", row, STYLE_SESOI * row.sd))
    return found


def pairs_of(claim: Claim) -> list[tuple[str, str]]:
    """The differences that a claim names, as it orients them."""
    if claim.tiers:
        tiers = combinations(claim.tiers, 2)
        return [pair for higher, lower in tiers for pair in product(higher, lower)]
    return list(claim.pairs) or list(combinations(claim.sources, 2))


def _differences(claim: Claim, fit: Fit) -> list[tuple[str, pd.Series, float]]:
    """Each component of a claim of ratings: its name, its difference as claimed, and delta."""
    places: Mapping[str, tuple[pd.DataFrame, float]] = {"": (fit.contrasts, fit.sesoi)}
    if claim.test == "same order":
        places = {f" in {domain}": (table, fit.sesoi) for domain, table in fit.inside.items()}
    if claim.test == "no interaction":
        places = {f" in {domain}, less its mean": (rows, fit.sesoi_interaction) for domain, rows in fit.apart.items()}
    return [
        (f"{a} - {b}{place}", _difference(table, a, b), delta)
        for place, (table, delta) in places.items()
        for a, b in pairs_of(claim)
    ]


def _omnibus(claim: Claim, fit: Fit) -> float:
    """The p of the omnibus test that a claim's test takes; NaN: it takes none."""
    return fit.omnibus.get((OMNIBUS.get(claim.test, ""), frozenset(claim.sources)), float("nan"))


def _difference(contrasts: pd.DataFrame, higher: str, lower: str) -> pd.Series:
    """A contrast as claimed: as it stands, or with its sign and the ends of its intervals turned round."""
    if f"{higher} - {lower}" in contrasts.index:
        return contrasts.loc[f"{higher} - {lower}"].copy()
    row = contrasts.loc[f"{lower} - {higher}"].copy()
    row["estimate"] = -row.estimate
    for low, high in (("conf_low", "conf_high"), ("conf_low_90", "conf_high_90")):
        if low in row:
            row[low], row[high] = -row[high], -row[low]
    return row


def _texts(claim: Claim, study: Study) -> Mapping[str, str]:
    """The weakest origin of the texts that a claim rests on, by source: style is measured on all, rated or not."""
    return study.texts if claim.family == "style" else study.responses


def _origin(claim: Claim, study: Study | None) -> str | None:
    """The weakest origin of what the claim rests on; none where the run has no data for it."""
    if study is None:
        return None
    texts = _texts(claim, study)
    origins = [texts[source] for source in claim.named if source in texts]
    origins += [study.ratings] if study.ratings else []
    return weakest(origins) if origins else None


def _unobserved(claim: Claim, study: Study | None) -> list[str]:
    """What the claim rests on that nobody observed."""
    if study is None:
        return []
    reasons = []
    if study.ratings in NOT_OBSERVED:
        reasons.append(f"the ratings are {NOT_OBSERVED[study.ratings]}")
    for origin in ORIGINS:
        sources = [source for source in claim.named if _texts(claim, study).get(source) == origin]
        if sources and origin in NOT_OBSERVED:
            reasons.append(f"the responses of {_listed(sources)} are {NOT_OBSERVED[origin]}")
    return reasons


def _obstacles(claim: Claim, study: Study | None, model: str) -> list[str]:
    """Why the rules can say nothing of a claim, whatever the origin of its data."""
    reasons = []
    missing = [source for source in claim.named if study and source not in study.sources]
    if study is None or (claim.family == "primary" and study.ratings is None):
        reasons.append(f"{claim.study} is not among this run's rated studies")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        reasons.append(
            f"{_listed(missing)} {verb} not in {claim.study} of this run (a substitute never stands for the named one)"
        )
    reasons += _substitutes(claim, study)
    if claim.certainty in UNSURE:
        reasons.append(f"what the paper says of it is {claim.certainty}")
    if study and not missing:
        if claim.family == "style":
            reasons += _faults_of_style(claim, study)
        elif study.ratings is not None:
            reasons += _faults(claim, study, model)
    liwc = [name for name in claim.features if name.startswith(LIWC) and name not in _measured(study)]
    if liwc:
        reasons.append(
            f"{_listed(liwc)} needs LIWC, which is no part of this package (`style` in the config takes yours)"
        )
    return reasons


def _substitutes(claim: Claim, study: Study | None) -> list[str]:
    """Which of the sources that the claim names were written by something else than it means."""
    reasons = []
    for source, meant in claim.arms.items():
        known = {name.casefold() for name in meant}
        others = [name for name in (study.written_by.get(source, ()) if study else ()) if name.casefold() not in known]
        if others:
            reasons.append(
                f"{source} is {_listed(others)} in {claim.study} of this run, and the claim is about {meant[0]} (a "
                "substitute never stands for the named one)"
            )
    return reasons


def _measured(study: Study | None) -> set[str]:
    """The features of style that the study's texts have."""
    return set() if study is None or study.style is None else set(study.style.index.get_level_values("feature"))


def _faults_of_style(claim: Claim, study: Study) -> list[str]:
    if study.style is None:
        return [f"{claim.study} has no texts"]
    faults = []
    for a, b in combinations(claim.sources, 2):
        rows = study.style[study.style.index.get_level_values("contrast").isin([f"{a} - {b}", f"{b} - {a}"])]
        if rows.estimate.isna().all():
            faults.append(f"{a} and {b} share no post")
    alike = [name for name in claim.features if name in _measured(study) and _alike(study.style.loc[name])]
    return [*faults, f"no two responses differ in {_listed(alike)}"] if alike else faults


def _alike(differences: pd.DataFrame) -> bool:
    """Whether no two responses of the study differ in a feature: then there is neither a p nor a standard error."""
    return bool(differences.p_value.isna().all() and differences.estimate.notna().all())


def _faults(claim: Claim, study: Study, model: str) -> list[str]:
    fit = study.fits.get(model)
    if fit is None:
        return [f"{claim.study} has no model '{model}'"]
    faults = []
    if not fit.converged:
        faults.append(f"the fit of the model '{model}' did not converge")
    if fit.dropped_rows:
        faults.append(f"the model '{model}' left out ratings ({fit.dropped_rows})")
    within = {"same order": fit.inside, "no interaction": fit.apart}.get(claim.test)
    if within is not None and not within:
        return [*faults, f"the model '{model}' has no contrasts within domains"]
    for place, table in (within or {"": fit.contrasts}).items():
        for a, b in pairs_of(claim):
            if not {f"{a} - {b}", f"{b} - {a}"} & set(table.index):
                faults.append(f"the model '{model}' has no contrast of {a} and {b}" + (f" in {place}" if place else ""))
    if claim.test in OMNIBUS and pd.isna(_omnibus(claim, fit)):
        faults.append(f"the model '{model}' has no omnibus test of {OMNIBUS[claim.test]} over {_listed(claim.sources)}")
    return faults


def _not_a_number(test: str, weighed: Weighed) -> str:
    asked = zip((weighed.parts_for, weighed.parts_against), verdicts.TESTS[test], strict=False)
    sides = [parts for parts, p in asked if p is not verdicts.p_of_none]
    names = [
        component.name
        for number, component in enumerate(weighed.components)
        if any(pd.isna(side[number]) for side in sides)
    ]
    return f"{_listed(names)} has no p value (estimate and standard error allow none)"


def _claim_row(case: Case, study: Study | None, paper: str | None) -> dict:
    claim, reported = case.claim, case.claim.reported
    demo = case.decision and case.unobserved
    return {
        "claim_id": claim.id,
        "study": claim.study,
        "statement": claim.statement,
        "certainty": claim.certainty,
        "family": claim.family,
        "test": claim.test,
        "model": DECIDING if study and claim.family == "primary" else None,
        **_numbers(case),
        "p_adjusted": case.decision and case.decision.p_adjusted,
        "p_against_adjusted": case.decision and case.decision.p_against_adjusted,
        "verdict": case.decision.verdict if case.decision and not demo else NOT_TESTABLE,
        "demo_verdict": verdicts.DEMO[case.decision.verdict] if demo else None,
        "origin": _origin(claim, study),
        "reported": reported.estimate,
        "reported_low": reported.low,
        "reported_high": reported.high,
        "reported_scale": reported.scale,
        "reported_page": None if reported.page is None else str(reported.page),
        **_prediction(case),
        "why": "; ".join([*case.unobserved, *case.obstacles, *_grounds(case)]),
        "file": case.file,
        "paper": None if claim.certainty == OWN else paper,
    }


def _prediction(case: Case) -> dict[str, float | None]:
    """The 95% interval in which the estimate of a replication is to be expected, from the paper's and our errors.

    P. Patil, R. D. Peng and J. T. Leek (2016), with the paper's 95% interval taken as normal, and its scale as ours.
    None where the paper's interval was not entered, and where a claim names several differences: the one figure that is
    entered may be one of them, the smallest, or a mean of them, and nothing says which.
    """
    reported = case.claim.reported
    if case.decision is None or len(case.differences) != 1 or None in (reported.estimate, reported.low, reported.high):
        return {"prediction_low": None, "prediction_high": None}
    normal = stats.norm.ppf(0.975)
    error = (reported.high - reported.low) / (2 * normal)
    half = normal * float(np.hypot(error, case.differences[0].std_error))
    return {"prediction_low": reported.estimate - half, "prediction_high": reported.estimate + half}


def _replicated_within(case: Case) -> list[str]:
    """Whether our estimate lies in the prediction interval; where there is none though the paper's was entered, why."""
    reported = case.claim.reported
    if reported.estimate is None:
        return []
    low, high = _prediction(case).values()
    if len(case.differences) > 1:
        several = f"the claim names {len(case.differences)} differences"
        return [f"no prediction interval: {several}, and nothing says of which the paper's figure is"]
    if low is None:
        return ["no prediction interval: the paper's 95% interval was not entered beside its estimate"]
    lies = "inside" if low <= case.differences[0].estimate <= high else "outside"
    return [f"the estimate lies {lies} the 95% prediction interval of a replication, {low:.3f} to {high:.3f}"]


def _model_row(model: str, case: Case) -> dict:
    words = verdicts.DEMO if case.unobserved else {}
    verdict = case.decision.verdict if case.decision else NOT_TESTABLE
    return {
        "claim_id": case.claim.id,
        "model": model,
        **_numbers(case),
        "verdict": words.get(verdict, verdict),
    }


def _numbers(case: Case) -> dict:
    """Estimate and interval of the component that decided, and the claim's two p."""
    if case.decision is None:
        return dict.fromkeys(["estimate", "conf_low", "conf_high", "p_for", "p_against"])
    decider = case.weighed.decider(case.decision.verdict)
    both = {"p_for": case.weighed.p_for, "p_against": case.weighed.p_against}
    if decider is None:
        return dict.fromkeys(["estimate", "conf_low", "conf_high"]) | both
    row = case.differences[decider]
    low, high = INTERVAL.get(case.claim.test, ("conf_low", "conf_high"))
    return {"estimate": row.estimate, "conf_low": row[low], "conf_high": row[high]} | both


def _component_rows(case: Case) -> list[dict]:
    if case.weighed is None:
        return []
    parts = zip(case.weighed.components, case.weighed.parts_for, case.weighed.parts_against, strict=True)
    return [
        {
            "claim_id": case.claim.id,
            "component": component.name,
            "estimate": component.estimate,
            "std_error": component.std_error,
            "df": component.df,
            "sesoi": component.sesoi,
            "p_for": p_for,
            "p_against": p_against,
        }
        for component, p_for, p_against in parts
    ]


def _grounds(case: Case) -> list[str]:
    """What decided, and what a reader must know beside it."""
    if case.decision is None:
        return []
    weighed, decision = case.weighed, case.decision
    grounds = [_decided(weighed, decision), *_small_and_significant(case)]
    if max(decision.p_adjusted, decision.p_against_adjusted) < verdicts.ALPHA:
        grounds.append("both adjusted p, for and against, are small")
    if case.claim.test in ("equivalent", "no interaction"):
        grounds.append(_no_significant_difference(case))
    grounds += _replicated_within(case)
    if case.singular:
        grounds.append("the fit is singular")
    if case.unobserved:
        grounds[0] = f"as a demonstration: {grounds[0]}"
    return grounds


def _small_and_significant(case: Case) -> list[str]:
    """Which differences are significant and smaller than delta; of the many of style only how many."""
    style = case.claim.family == "style"
    small = [
        component
        for component in case.weighed.components
        if (component.p_value if style else verdicts.p_difference(component)) < verdicts.ALPHA
        and abs(component.estimate) < component.sesoi
    ]
    words = "significant and smaller than the smallest effect size of interest"
    if style:
        return (
            [f"{len(small)} of {len(case.weighed.components)} differences, each by itself, are {words}"]
            if small
            else []
        )
    return [f"{one.name} is {words} ({one.estimate:.3f}, {one.sesoi:.3f})" for one in small]


def _decided(weighed: Weighed, decision: Decision) -> str:
    """What decided, and by which p."""
    number = weighed.decider(decision.verdict)
    against = decision.verdict == verdicts.NOT_REPLICATED
    word, adjusted = ("against", decision.p_against_adjusted) if against else ("for", decision.p_adjusted)
    if number is None:
        p = weighed.p_against if against else weighed.p_for
        return f"the omnibus test decided (p {word} {_p(p)}, adjusted {_p(adjusted)})"
    p = (weighed.parts_against if against else weighed.parts_for)[number]
    component = weighed.components[number]
    difference = f"{component.name} decided, with a difference of {component.estimate:.3f}"
    return f"{difference} (p {word} {_p(p)}, adjusted {_p(adjusted)})"


def _no_significant_difference(case: Case) -> str:
    criterion = "the criterion" if case.claim.certainty == "own" else "the paper's own criterion"
    said = "have held" if case.weighed.p_against >= verdicts.ALPHA else "not have held"
    return f"by {criterion} of no significant difference, which decides nothing here, the claim would {said}"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"= {value:.3f}".replace("0.", ".")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
