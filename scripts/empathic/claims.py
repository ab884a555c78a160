"""From the claims and the contrasts of the deciding models to claims.csv, claims_components.csv, claims_by_model.csv.

What decides stands in empathic.verdicts; here is what a claim is decided on, and why one cannot be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from empathic import tables, verdicts
from empathic.claimfile import LIWC, Claim
from empathic.files import read_json
from empathic.origin import ORIGINS, weakest
from empathic.verdicts import Component, Decision, Weighed

DECIDING = "deciding"
NOT_TESTABLE = "not testable"
UNSURE = ("conflicting", "unknown")
NOT_OBSERVED = {"simulated": "simulated", "stand_in": "stand-ins, written for the package"}
INTERVAL = {"greater": ("conf_low", "conf_high"), "equivalent": ("conf_low_90", "conf_high_90")}


@dataclass(frozen=True)
class Fit:
    """What claims need of a fitted model.

    sesoi: delta, in units of the rating scale. contrasts: those averaged over domains (tables.CONTRASTS), by name.
    """

    converged: bool
    dropped_rows: int
    singular: bool
    sesoi: float
    contrasts: pd.DataFrame


@dataclass(frozen=True)
class Study:
    """What claims need of a rated study.

    sources: in the config's order. ratings: the weakest origin of those that models read. responses: the weakest origin
    of each source's rated texts; empty where the study has no texts. fits: by the models' names.
    """

    sources: Sequence[str]
    ratings: str
    responses: Mapping[str, str]
    fits: Mapping[str, Fit]


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


def read_study(folder: Path | str, sources: Sequence[str], models: Iterable[str], *, with_texts: bool) -> Study:
    """Read what claims need of a study from its folder under results/{run}/. Raises InputError for a damaged table."""
    folder = Path(folder)
    ratings = tables.RATINGS.read(folder / "ratings.csv")
    ratings = ratings[ratings.included]
    responses = {}
    if with_texts:
        texts = tables.RESPONSES.read(folder / "responses.csv")
        rated = texts[texts.response_id.isin(ratings.response_id)]
        responses = {source: weakest(own.unique()) for source, own in rated.groupby("source").origin}
    fits = {model: _read_fit(folder / "models" / model) for model in models}
    return Study(sources, weakest(ratings.origin.unique()), responses, fits)


def _read_fit(folder: Path) -> Fit:
    fit = read_json(folder / "fit.json")
    contrasts = tables.CONTRASTS.read(folder / "contrasts.csv")
    return Fit(
        converged=fit["status"] == "converged",
        dropped_rows=fit["dropped_rows"],
        singular=fit["singular"],
        sesoi=fit["sesoi"],
        contrasts=contrasts[contrasts["by"].isna()].set_index("contrast"),
    )


def decide(
    files: Mapping[str, Sequence[Claim]], studies: Mapping[str, Study]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Decide all claims of a run.

    files: claims by the path of their file. studies: the rated studies by name.

    Returns claims.csv (with the column `file` behind), claims_components.csv and claims_by_model.csv. Where the data
    are not observed the p columns and the estimate are those of the demonstration, whose word is demo_verdict.
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
        tables.CLAIMS.frame(_claim_row(case, studies.get(case.claim.study)) for case in cases),
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
    fit = study.fits[model]
    differences = tuple(_difference(fit.contrasts, *pair) for pair in claim.pairs)
    components = [
        Component(f"{a} - {b}", row.estimate, row.std_error, row.df, fit.sesoi)
        for (a, b), row in zip(claim.pairs, differences, strict=True)
    ]
    weighed = verdicts.weigh(claim.test, components)
    obstacles = [] if weighed.complete else [_not_a_number(weighed)]
    return replace(case, obstacles=obstacles, singular=fit.singular, differences=differences, weighed=weighed)


def _difference(contrasts: pd.DataFrame, higher: str, lower: str) -> pd.Series:
    """A contrast as claimed: as it stands, or with its sign and the ends of its intervals turned round."""
    if f"{higher} - {lower}" in contrasts.index:
        return contrasts.loc[f"{higher} - {lower}"]
    row = contrasts.loc[f"{lower} - {higher}"].copy()
    ends = ["conf_low", "conf_high", "conf_low_90", "conf_high_90"]
    row[["estimate", *ends]] = -row[["estimate", "conf_high", "conf_low", "conf_high_90", "conf_low_90"]].to_numpy()
    return row


def _origin(claim: Claim, study: Study | None) -> str | None:
    """The weakest origin of what the claim rests on; none where the run has no data for it."""
    if study is None:
        return None
    origins = [study.responses[source] for source in claim.named if source in study.responses]
    # Style is measured on texts alone.
    origins += [study.ratings] if claim.family == "primary" else []
    return weakest(origins) if origins else None


def _unobserved(claim: Claim, study: Study | None) -> list[str]:
    """What the claim rests on that nobody observed."""
    if study is None:
        return []
    reasons = []
    if claim.family == "primary" and study.ratings in NOT_OBSERVED:
        reasons.append(f"the ratings are {NOT_OBSERVED[study.ratings]}")
    for origin in ORIGINS:
        sources = [source for source in claim.named if study.responses.get(source) == origin]
        if sources and origin in NOT_OBSERVED:
            reasons.append(f"the responses of {_listed(sources)} are {NOT_OBSERVED[origin]}")
    return reasons


def _obstacles(claim: Claim, study: Study | None, model: str) -> list[str]:
    """Why the rules can say nothing of a claim, whatever the origin of its data."""
    reasons = []
    missing = [source for source in claim.named if study and source not in study.sources]
    if study is None:
        reasons.append(f"{claim.study} is not among this run's rated studies")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        reasons.append(
            f"{_listed(missing)} {verb} not in {claim.study} of this run (a substitute never stands for the named one)"
        )
    if claim.certainty in UNSURE:
        reasons.append(f"what the paper says of it is {claim.certainty}")
    if study and not missing and claim.test in verdicts.TESTS:
        reasons += _faults(claim, study, model)
    if claim.test not in verdicts.TESTS:
        reasons.append(f"this version does not decide the test '{claim.test}' yet")
    liwc = [name for name in claim.features if name.startswith(LIWC)]
    if liwc:
        reasons.append(f"{_listed(liwc)} needs LIWC, which is no part of this package")
    return reasons


def _faults(claim: Claim, study: Study, model: str) -> list[str]:
    fit = study.fits.get(model)
    if fit is None:
        return [f"{claim.study} has no model '{model}'"]
    faults = []
    if not fit.converged:
        faults.append(f"the fit of the model '{model}' did not converge")
    if fit.dropped_rows:
        faults.append(f"the model '{model}' left out ratings ({fit.dropped_rows})")
    for a, b in claim.pairs:
        if not {f"{a} - {b}", f"{b} - {a}"} & set(fit.contrasts.index):
            faults.append(f"the model '{model}' has no contrast of {a} and {b}")
    return faults


def _not_a_number(weighed: Weighed) -> str:
    names = [
        component.name
        for component, *parts in zip(weighed.components, weighed.parts_for, weighed.parts_against, strict=True)
        if any(map(pd.isna, parts))
    ]
    return f"{_listed(names)} has no p value (estimate and standard error allow none)"


def _claim_row(case: Case, study: Study | None) -> dict:
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
        # It takes the paper's estimate, and is not computed yet.
        "prediction_low": None,
        "prediction_high": None,
        "why": "; ".join([*case.unobserved, *case.obstacles, *_grounds(case)]),
        "file": case.file,
    }


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
    row = case.differences[case.weighed.decider(case.decision.verdict)]
    low, high = INTERVAL[case.claim.test]
    return {
        "estimate": row.estimate,
        "conf_low": row[low],
        "conf_high": row[high],
        "p_for": case.weighed.p_for,
        "p_against": case.weighed.p_against,
    }


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
    number = weighed.decider(decision.verdict)
    decider = weighed.components[number]
    if decision.verdict == verdicts.NOT_REPLICATED:
        p = f"p against {_p(weighed.parts_against[number])}, adjusted {_p(decision.p_against_adjusted)}"
    else:
        p = f"p for {_p(weighed.parts_for[number])}, adjusted {_p(decision.p_adjusted)}"
    grounds = [f"{decider.name} decided, with a difference of {decider.estimate:.3f} ({p})"]
    for component in weighed.components:
        if verdicts.p_difference(component) < verdicts.ALPHA and abs(component.estimate) < component.sesoi:
            grounds.append(
                f"{component.name} is significant and smaller than the smallest effect size of interest "
                f"({component.estimate:.3f}, {component.sesoi:.3f})"
            )
    if max(decision.p_adjusted, decision.p_against_adjusted) < verdicts.ALPHA:
        grounds.append("both adjusted p, for and against, are small")
    if case.claim.test == "equivalent":
        grounds.append(_no_significant_difference(case))
    if case.singular:
        grounds.append("the fit is singular")
    if case.unobserved:
        grounds[0] = f"as a demonstration: {grounds[0]}"
    return grounds


def _no_significant_difference(case: Case) -> str:
    criterion = "the criterion" if case.claim.certainty == "own" else "the paper's own criterion"
    said = "have held" if case.weighed.p_against >= verdicts.ALPHA else "not have held"
    return f"by {criterion} of no significant difference, which decides nothing here, the claim would {said}"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"= {value:.3f}".replace("0.", ".")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
