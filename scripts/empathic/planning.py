"""Simulated studies of a planned size: how likely each verdict is, and whether a model recovers what was put in.

Each has raters, posts and responses of its own, drawn by the terms of the deciding model. Ratings are normal, or
ordinal answers by the latent probit model. Fits and verdicts are those of empathic.models and empathic.claims.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from empathic import assignment, claims, ids, models, tables, verdicts
from empathic.claimfile import Claim
from empathic.declared import Declared
from empathic.errors import InputError
from empathic.rule import Every
from empathic.truth import expected_rating

SMALL_BIAS = 0.05  # residual SDs of the latent answer
BAND = 3  # Monte Carlo standard errors
SHOWN = {"any difference": max}  # of a claim's true differences; of the other tests the smallest
WITHIN = ("same order", "no interaction")  # tests that ask for contrasts within domains
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """A study to simulate.

    effects: of each source, in the order of every table. sds: rater, post, response, rater_source, residual.
    thresholds: between the answers, which are 1, 2, ...; None: ratings are normal. All these share one unit.
    """

    raters: int
    posts: int
    posts_per_rater: int
    domains: int
    effects: Mapping[str, float]
    sds: Mapping[str, float]
    thresholds: Sequence[float] | None = None

    @property
    def total_sd(self) -> float:
        """SD of a rating, or latent answer, of one source over all that is drawn."""
        return math.sqrt(sum(sd**2 for sd in self.sds.values()))

    def difference(self, a: str, b: str, kind: str) -> float:
        """What a model should find as a - b. kind: as in tables.RECOVERY.

        numbers: in units of the ratings; latent: in residual SDs; answers: of the expected ratings.
        """
        if kind == "answers":
            points = [1.0 + at for at in range(len(self.thresholds) + 1)]
            means = [expected_rating(points, self.thresholds, self.effects[name], self.total_sd) for name in (a, b)]
            return means[0] - means[1]
        return (self.effects[a] - self.effects[b]) / (self.sds["residual"] if kind == "latent" else 1)


def draw(plan: Plan, item: str, generator: np.random.Generator) -> pd.DataFrame:
    """Draw the ratings of one study (tables.RATINGS): new raters, posts and responses each time.

    Each rater sees whole posts, with a response of every source, spread over domains and posts as evenly as they can be
    (assignment.assign). Post k is of domain k modulo their number.
    """
    sources = np.array(list(plan.effects), dtype=object)
    post, source = np.divmod(np.arange(plan.posts * len(sources)), len(sources))
    texts = pd.DataFrame({"post_id": post, "domain": post % plan.domains, "source": source, "sample": 1})
    shown = assignment.assign(texts, plan.raters, plan.posts_per_rater, generator)
    rater, text = np.repeat(np.arange(plan.raters), [len(rows) for rows in shown]), np.concatenate(shown)
    post, source = post[text], source[text]

    def spread(name: str, *size: int) -> np.ndarray:
        return plan.sds[name] * generator.standard_normal(size)

    rating = np.array(list(plan.effects.values()))[source] + spread("rater", plan.raters)[rater]
    rating = rating + spread("post", plan.posts)[post] + spread("response", len(texts))[text]
    rating = rating + spread("rater_source", plan.raters, len(sources))[rater, source] + spread("residual", len(text))
    if plan.thresholds is not None:
        rating = 1.0 + np.searchsorted(plan.thresholds, rating)
    return pd.DataFrame(
        {
            "rater_id": _named("r", rater),
            "response_id": _named("t", text),
            "post_id": _named("p", post),
            "domain": _named("d", post % plan.domains),
            "source": sources[source],
            "item": item,
            "rating": rating,
            "position": pd.NA,
            "included": True,
            "reason": pd.NA,
            "origin": "simulated",
        }
    )


def _named(letter: str, numbers: np.ndarray) -> np.ndarray:
    names = np.array([f"{letter}{number:05d}" for number in range(int(numbers.max()) + 1)], dtype=object)
    return names[numbers]


def generator_of(*parts: str | int) -> np.random.Generator:
    """The generator of one data set, from all that names it."""
    return np.random.default_rng(ids.seed("planning", *parts))


def plannable(files: Mapping[str, Sequence[Claim]], declared: Declared) -> dict[str, list[Claim]]:
    """The claims about a study's ratings that its sources allow to test. Raises InputError where there is none."""
    kept = {
        file: [
            claim
            for claim in said
            if claim.study == declared.study
            and claim.family == "primary"
            and claim.certainty not in claims.UNSURE
            and set(claim.named) <= set(declared.sources)
        ]
        for file, said in files.items()
    }
    if not any(kept.values()):
        raise InputError(
            declared.file,
            f"no claim is about the ratings of {declared.study} and of its sources ({', '.join(declared.sources)}), so "
            "there is nothing whose power could be had",
            "Add a file with such claims to the config, under `claims` (data/claims/default.yaml is an example)",
        )
    return {file: said for file, said in kept.items() if said}


def true_effects(said: Sequence[Claim], declared: Declared, delta: float) -> dict[str, float]:
    """Effects of the sources by which all these claims are true, and no more so than they must be.

    Sources that are claimed to be alike are equal; one that is claimed to be above another is so by delta, or where a
    chain of claims leads from the one to the other, by delta for each link; of a set that is claimed to differ, and of
    whose sources no other claim says so, the first is above the others by delta. Effects are equal in all domains.

    Raises InputError where the claims cannot all be true.
    """
    group = {source: source for source in declared.sources}
    for a, b in chain.from_iterable(claims.pairs_of(claim) for claim in said if claim.test == "equivalent"):
        group = {source: group[a] if at == group[b] else at for source, at in group.items()}
    ordered = [claim for claim in said if claim.test in ("greater", "same order")]
    above = {(group[a], group[b]) for claim in ordered for a, b in claims.pairs_of(claim)}
    for claim in said:
        groups = [group[source] for source in claim.sources]
        if claim.test == "any difference" and not any({a, b} <= set(groups) for a, b in above):
            others = {at for at in groups if at != groups[0]} or {groups[0]}
            above |= {(groups[0], at) for at in others}
    level = dict.fromkeys(group.values(), 0)
    for _ in level:  # a chain of links is at most as long as there are groups
        for a, b in sorted(above):
            level[a] = max(level[a], level[b] + 1)
    if any(level[a] <= level[b] for a, b in above):
        raise InputError(
            declared.file,
            f"the claims {', '.join(claim.id for claim in said)} cannot all be true",
            "Correct the files of claims, or plan with some of them alone",
        )
    return {source: delta * level[group[source]] for source in declared.sources}


def verdicts_of(ratings: pd.DataFrame, declared: Declared, files: Mapping[str, Sequence[Claim]]) -> dict[str, str]:
    """Fit the deciding model to simulated ratings and decide claims (by file): the verdict of each, by its id."""
    said = list(chain.from_iterable(files.values()))
    sets = {tuple(claim.sources) for claim in said if claim.omnibus}
    found = models.brief(ratings, declared, sorted(sets), within=any(claim.test in WITHIN for claim in said))
    return decided(found, declared, files)


def decided(found: models.Brief, declared: Declared, files: Mapping[str, Sequence[Claim]]) -> dict[str, str]:
    """Decide claims by one fit to simulated ratings: the verdict of each, by its id."""
    fit = claims.fit_of(found.fit, found.contrasts, found.interactions, found.sets)
    study = claims.Study(declared.sources, "simulated", {}, {claims.DECIDING: fit})
    words = {demo: verdict for verdict, demo in verdicts.DEMO.items()}
    table = claims.decide(files, {declared.study: study})[0].fillna({"demo_verdict": claims.NOT_TESTABLE})
    return {row.claim_id: words.get(row.demo_verdict, claims.NOT_TESTABLE) for row in table.itertuples()}


def power(
    files: Mapping[str, Sequence[Claim]], declared: Declared, said: Mapping[str, Any], size: tuple[int, int], tell: Tell
) -> pd.DataFrame:
    """The probability of each verdict on each claim in studies of one size in which all claims are true (tables.POWER).

    files: claims by file, of which the plannable ones are decided, together. declared: the deciding model. said: the
    study's `planning` as the config has it, with its seed. size: raters and posts. tell: hears of progress.

    Raises InputError where there is no claim, where they cannot all be true, or where such data cannot bear the model.
    """
    files = plannable(files, declared)
    every = list(chain.from_iterable(files.values()))
    plan = _plan(said, size, declared, dict.fromkeys(declared.sources, 0.0))
    delta = declared.delta(declared.sesoi, plan.total_sd)
    plan = _plan(said, size, declared, true_effects(every, declared, delta))
    counted = pd.DataFrame(0, index=[claim.id for claim in every], columns=list(tables.VERDICTS))
    for number in _told(range(said["studies"]), tell):
        generator = generator_of(said["seed"], declared.study, "power", *size, number)
        for claim, verdict in verdicts_of(draw(plan, declared.item, generator), declared, files).items():
            counted.loc[claim, verdict] += 1
    rows = []
    for claim in every:
        differences = [abs(plan.difference(a, b, "numbers")) for a, b in claims.pairs_of(claim)]
        known = {"raters": size[0], "posts": size[1], "claim_id": claim.id, "test": claim.test, "origin": "simulated"}
        known["true_difference"] = 0.0 if claim.test == "no interaction" else SHOWN.get(claim.test, min)(differences)
        rows += [
            known | {"verdict": verdict} | share(n, said["studies"]) for verdict, n in counted.loc[claim.id].items()
        ]
    return tables.POWER.frame(rows)


def share(n: int, studies: int) -> dict[str, float]:
    """A probability as a share of studies, with its 95% interval (Wilson 1927); columns as in tables.POWER."""
    interval = stats.binomtest(int(n), studies).proportion_ci(0.95, method="wilson")
    return {
        "studies": studies,
        "n": int(n),
        "probability": n / studies,
        "conf_low": interval.low,
        "conf_high": interval.high,
    }


def recovery_sets(
    kind: str, declared: Declared, said: Mapping[str, Any], numbers: Iterable[int], tell: Tell
) -> pd.DataFrame:
    """Fit a model to data sets of known truth (tables.RECOVERY_SETS): the k-th source is k SESOIs above the first.

    kind: of data and truth (tables.RECOVERY). said: as for `power`. numbers: of the data sets to draw.
    """
    size = (said["recovery"]["raters"], said["recovery"]["posts"])
    plan = _plan(said, size, declared, dict.fromkeys(declared.sources, 0.0), ordinal=kind != "numbers")
    delta = declared.sesoi * (plan.total_sd if declared.sesoi_units == "total_sd" else 1)
    effects = {source: delta * at for at, source in enumerate(declared.sources)}
    plan = _plan(said, size, declared, effects, ordinal=kind != "numbers")
    truth = {f"{a} - {b}": plan.difference(a, b, kind) for a, b in combinations(declared.sources, 2)}
    found = []
    for number in _told(list(numbers), tell):
        generator = generator_of(said["seed"], declared.study, "recovery", kind, number)
        table = models.overall(draw(plan, declared.item, generator), None, declared)
        found.append(table.assign(data_set=number, kind=kind, truth=table.contrast.map(truth)))
    return pd.concat(found, ignore_index=True)[tables.RECOVERY_SETS.names]


def recovered(sets: pd.DataFrame) -> pd.DataFrame:
    """Bias and coverage over data sets (tables.RECOVERY; from tables.RECOVERY_SETS)."""
    return tables.RECOVERY.frame(
        {"kind": kind, "contrast": contrast, "truth": rows.truth.iloc[0], "origin": "simulated"} | _recovered(rows)
        for (kind, contrast), rows in sets.groupby(["kind", "contrast"], sort=False)
    )


def _recovered(rows: pd.DataFrame) -> dict[str, Any]:
    fitted = rows[rows.status == "converged"]
    n, error = len(fitted), fitted.estimate - fitted.truth
    inside = (fitted.conf_low <= fitted.truth) & (fitted.truth <= fitted.conf_high)
    bias, bias_error, coverage = error.mean(), error.sem(), inside.mean()
    coverage_error = math.sqrt(0.95 * 0.05 / n) if n else math.nan
    return {
        "data_sets": n,
        "failed": len(rows) - n,
        "bias": bias,
        "bias_mc_error": bias_error,
        "sd_of_estimates": fitted.estimate.std(),
        "mean_std_error": fitted.std_error.mean(),
        "coverage": coverage,
        "coverage_mc_error": coverage_error,
        "small_bias": bool(abs(bias) <= SMALL_BIAS) if rows.kind.iloc[0] == "latent" else None,
        "within": bool(abs(bias) <= BAND * bias_error and abs(coverage - 0.95) <= BAND * coverage_error),
    }


def _plan(
    said: Mapping[str, Any],
    size: tuple[int, int],
    declared: Declared,
    effects: Mapping[str, float],
    *,
    ordinal: bool | None = None,
) -> Plan:
    """A plan from the config's `planning`; ordinal: whether ratings are answers; None: as the model takes them."""
    ordinal = declared.family == "ordinal" if ordinal is None else ordinal
    return Plan(
        raters=size[0],
        posts=size[1],
        posts_per_rater=said["posts_per_rater"],
        domains=said["domains"],
        effects=effects,
        sds=said["sds"],
        thresholds=said["thresholds"] if ordinal else None,
    )


def _told(numbers: Sequence[int], tell: Tell) -> Iterator[int]:
    """The numbers, with a line every ten seconds."""
    due = Every()
    for done, number in enumerate(numbers):
        if due:
            tell(f"{done} of {len(numbers)} simulated")
        yield number
