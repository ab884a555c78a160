"""Simulated raters: who they are, what they see, and what they answer by declared effects."""

import difflib
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from empathic import assignment, exclusions, ids
from empathic.errors import InputError
from empathic.instrument import Instrument, Item

MOST_DRAWS = 100
KINDS = ("attentive", "careless", "failed_checks", "unfinished", "hurried", "revoked")
DOUBLED = "doubled"  # A further submission of an attentive rater.
BETWEEN_STARTS_S, DAY_S = 97, 86400


@dataclass(frozen=True)
class Design:
    """What a simulation is made from.

    responses: tables.RESPONSES. settings: the config's `simulate`. rules: its `exclusions`, in their order.
    """

    study: str
    seed: int
    responses: pd.DataFrame
    sources: list[str]
    survey: Instrument
    item: str
    settings: dict[str, Any]
    rules: list[dict[str, Any]]

    def __post_init__(self):
        # Draws follow the order of the rows: it must not be that of the texts' hashes.
        ordered = self.responses.sort_values(["post_id", "source", "sample"], ignore_index=True)
        object.__setattr__(self, "responses", ordered)

    @property
    def effects(self) -> dict[str, Any]:
        """The declared effects, in residual SDs of the latent answer."""
        return self.settings["effects"]

    def rule(self, name: str) -> dict[str, Any] | None:
        """The rule of exclusion of that name, where it is in force."""
        return next((rule for rule in self.rules if rule["name"] == name), None)

    @property
    def asked(self) -> Item:
        """The item that the simulated raters answer."""
        return self.survey.item(self.item)

    @property
    def place(self) -> str:
        """The config's section, for messages."""
        return f"config: studies > {self.study} > ratings > simulate"

    def generator(self, *parts: str | int) -> np.random.Generator:
        """A generator of its own for each thing that is drawn, in whatever order."""
        return np.random.default_rng(ids.seed(self.seed, self.study, *parts))


@dataclass
class Rater:
    """A submission of a simulated rater: `shown` are rows of the responses in the order seen; an answer not given is
    missing; `started_s` is the time of the start, in seconds from that of the survey.
    """

    number: int
    kind: str
    shown: list[int]
    ratings: list[float | None]
    checks: dict[str, float | None]
    finished: bool
    started_s: int
    duration_s: int
    platform_id: str = field(repr=False)


@dataclass(frozen=True)
class Simulation:
    """The submissions in the order of the export, and how often one had to be drawn anew."""

    raters: list[Rater]
    redrawn: int


def simulate(design: Design) -> Simulation:
    """Draw raters so that exactly `settings.raters` remain after the exclusions; some send two submissions.

    A rater who is not what it is meant to be (an attentive one who happens to give equal answers throughout, say) is
    drawn anew; the exclusion rules themselves tell.

    Raises InputError where the settings do not fit the texts or the instrument, or cannot be met in MOST_DRAWS draws.
    """
    _check(design)
    kinds = _kinds(design)
    shown = _shown(design, kinds)
    means = _means(design)
    raters = [_draw(design, means, number, kind, shown[number], 0) for number, kind in enumerate(kinds)]
    wrong, redrawn = _misfits(design, raters), 0
    for draw in range(1, MOST_DRAWS):
        if not wrong:
            break
        redrawn += len(wrong)
        for number in wrong:
            raters[number] = _draw(design, means, number, kinds[number], shown[number], draw)
        wrong = _misfits(design, raters)
    if wrong:
        kind = kinds[wrong[0]]
        does = "is excluded" if kind == "attentive" else "is not excluded"
        raise InputError(
            design.place,
            f"a rater meant to be {kind} {does} in each of {MOST_DRAWS} draws",
            "Change the effects, or the rules under ratings > exclusions",
        )
    return Simulation([*raters, *_doubles(design, means, raters)], redrawn)


def _check(design: Design) -> None:
    if design.item not in [item.name for item in design.survey.items]:
        raise InputError(
            design.place,
            f"'{design.item}' averages several items, and simulated raters answer one",
            "Name an item under ratings > item",
        )
    effects, points, place = design.effects, design.asked.scale.points, design.place
    cuts = effects["thresholds"]
    if len(cuts) != len(points) - 1 or sorted(set(cuts)) != cuts:
        raise InputError(
            f"{place} > effects > thresholds",
            f"{cuts} are not {len(points) - 1} rising numbers, one between each two of the {len(points)} answers",
            "Give so many, from low to high",
        )
    known = list(dict.fromkeys(design.responses["domain"]))
    for domain in effects["domains"]:
        if domain not in known:
            near = difflib.get_close_matches(domain, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise InputError(
                f"{place} > effects > domains",
                f"the posts have no domain '{domain}'{hint}",
                f"Name some of: {', '.join(known)}",
            )
    posts = design.responses["post_id"].nunique()
    if design.settings["posts_per_rater"] > posts:
        raise InputError(
            f"{place} > posts_per_rater",
            f"{design.settings['posts_per_rater']} is more than the {posts} posts of the study",
            f"Give at most {posts}",
        )


def _kinds(design: Design) -> list[str]:
    """The kind of each rater, in random order: those who remain, and the declared shares of all who take part."""
    shares = {kind: design.settings[kind] for kind in KINDS[1:] if _caught(design, kind)}
    remain = design.settings["raters"]

    def others(total: int) -> dict[str, int]:
        return {kind: int(share * total + 0.5) for kind, share in shares.items()}

    total = remain
    while total - sum(others(total).values()) < remain:
        total += 1
    kinds = ["attentive"] * remain + [kind for kind, number in others(total).items() for _ in range(number)]
    return [kinds[at] for at in design.generator("kinds").permutation(total)]


def _caught(design: Design, kind: str) -> bool:
    """Whether a rule in force takes raters of a kind out; those whom none would are not drawn."""
    if kind == "careless":
        return _fails_checks(design) or design.rule("straight_lining") is not None
    if kind == "failed_checks":
        return _fails_checks(design)
    if kind == "hurried":
        return _shortest(design, 1) > 0
    return kind == "revoked" or design.rule(kind) is not None


def _fails_checks(design: Design) -> bool:
    attention = design.rule("attention")
    return attention is not None and attention["failed"] <= len(design.survey.attention_checks)


def _shortest(design: Design, responses: int) -> float:
    """The shortest time that passes, in seconds: the rule's, or near its share of the median; 0 without a rule."""
    rule = design.rule("too_fast")
    if rule is None:
        return 0
    return rule["seconds"] if rule["seconds"] is not None else rule["share_of_median"] * (60 + 30 * responses)


def _shown(design: Design, kinds: list[str]) -> list[list[int]]:
    """What each rater sees. Those who remain are planned apart, so that they are balanced among themselves."""
    shown: list[list[int]] = [[] for _ in kinds]
    for name, wanted in (("remain", {"attentive"}), ("leave", set(KINDS[1:]))):
        numbers = [number for number, kind in enumerate(kinds) if kind in wanted]
        generator = design.generator("assignment", name)
        plan = assignment.assign(design.responses, len(numbers), design.settings["posts_per_rater"], generator)
        for number, rows in zip(numbers, plan, strict=True):
            shown[number] = rows
    return shown


def _means(design: Design) -> np.ndarray:
    """The latent mean of each response: source, domain, and its own and its post's draw.

    Draws hang on post, source and sample, not on the text: raters answer alike on machines whose texts differ.
    """
    effects = design.effects
    means = []
    for row in design.responses.itertuples():
        post = design.generator("post", row.post_id).standard_normal()
        response = design.generator("response", row.post_id, row.source, int(row.sample)).standard_normal()
        declared = effects["sources"].get(row.source, 0.0) + effects["domains"].get(row.domain, 0.0)
        means.append(declared + effects["sd_post"] * post + effects["sd_response"] * response)
    return np.array(means)


def _draw(design: Design, means: np.ndarray, number: int, kind: str, rows: list[int], draw: int) -> Rater:
    """Draw a rater: its answers by the latent probit model, in an order of its own, and how it went on."""
    generator = design.generator("rater", number, draw)
    effects = design.effects
    sources = design.responses["source"].to_numpy(dtype=object)[rows]
    own = effects["sd_rater"] * generator.standard_normal()
    by_source = dict(
        zip(design.sources, effects["sd_rater_source"] * generator.standard_normal(len(design.sources)), strict=True)
    )
    latent = means[rows] + own + [by_source[source] for source in sources] + generator.standard_normal(len(rows))
    points = np.array(design.asked.scale.points)
    ratings: list[float | None] = points[np.searchsorted(effects["thresholds"], latent)].tolist()
    order = generator.permutation(len(rows)).tolist()
    rater = Rater(
        number=number,
        kind=kind,
        shown=[rows[at] for at in order],
        ratings=[ratings[at] for at in order],
        checks={check.name: check.right_answer for check in design.survey.attention_checks},
        finished=True,
        started_s=DAY_S + BETWEEN_STARTS_S * number,
        duration_s=_honest_duration(design, len(rows), generator),
        platform_id=generator.bytes(12).hex(),
    )
    if kind == "careless":
        _answer_carelessly(rater, design, points, generator)
    elif kind == "failed_checks":
        _fail_checks(rater, design, points, generator)
    elif kind == "unfinished":
        _leave_early(rater, generator)
    elif kind == "hurried":
        rater.duration_s = int(_shortest(design, len(rows)) * generator.uniform(0.2, 0.95))
    return rater


def _doubles(design: Design, means: np.ndarray, raters: list[Rater]) -> list[Rater]:
    """Further submissions of some attentive raters, a day before or after: the one that the rules keep is the other."""
    attentive = [rater for rater in raters if rater.kind == "attentive"]
    number = min(int(design.settings[DOUBLED] * len(raters) + 0.5), len(attentive))
    chosen = design.generator(DOUBLED).permutation(len(attentive))[:number]
    away = -DAY_S // 2 if design.rule(exclusions.DUPLICATE)["keep"] == "last" else DAY_S
    doubles = []
    for at in sorted(chosen.tolist()):
        kept = attentive[at]
        again = _draw(design, means, len(raters) + len(doubles), DOUBLED, sorted(kept.shown), 0)
        again.platform_id, again.started_s = kept.platform_id, kept.started_s + away
        doubles.append(again)
    return doubles


def _honest_duration(design: Design, responses: int, generator: np.random.Generator) -> int:
    """Seconds: a minute at the least, half a minute a response, and never below the limit of the exclusions."""
    reading = responses * 30 * math.exp(0.35 * generator.standard_normal())
    rule = design.rule("too_fast")
    return int((rule["seconds"] or 0 if rule else 0) + 60 + reading)


def _answer_carelessly(rater: Rater, design: Design, points: np.ndarray, generator: np.random.Generator) -> None:
    """At random, or the same answer throughout; so, too, to the attention checks, which a random answer fails."""
    constant = float(generator.choice(points))
    at_random = bool(generator.random() < 0.5) and _fails_checks(design)
    drawn = generator.choice(points, size=len(rater.ratings)).tolist()
    rater.ratings = drawn if at_random else [constant] * len(drawn)
    for check in design.survey.attention_checks:
        wrong = points[points != check.right_answer]
        rater.checks[check.name] = float(generator.choice(wrong)) if at_random else constant


def _fail_checks(rater: Rater, design: Design, points: np.ndarray, generator: np.random.Generator) -> None:
    """As many of the checks, the first ones, as it takes to be excluded."""
    for check in design.survey.attention_checks[: design.rule("attention")["failed"]]:
        rater.checks[check.name] = float(generator.choice(points[points != check.right_answer]))


def _leave_early(rater: Rater, generator: np.random.Generator) -> None:
    """After any number of responses but the last; the checks stand at equal distances among the responses."""
    answered = int(generator.integers(0, len(rater.ratings)))
    share = answered / len(rater.ratings)
    rater.ratings[answered:] = [None] * (len(rater.ratings) - answered)
    rater.finished = False
    rater.duration_s = int(60 + share * (rater.duration_s - 60))
    for at, name in enumerate(rater.checks, start=1):
        if share < at / (len(rater.checks) + 1):
            rater.checks[name] = None


def _misfits(design: Design, raters: list[Rater]) -> list[int]:
    """The numbers of raters who are excluded though they should remain, or the other way round."""
    right = {check.name: check.right_answer for check in design.survey.attention_checks}
    facts = pd.DataFrame(
        {
            "rater_id": [rater.number for rater in raters],
            "kept": True,
            "preview": False,
            "finished": [rater.finished for rater in raters],
            "checks_failed": [sum(rater.checks[name] != right[name] for name in right) for rater in raters],
            "duration_s": [rater.duration_s for rater in raters],
        }
    )
    given = [(rater.number, rating) for rater in raters for rating in rater.ratings if rating is not None]
    excluded = exclusions.failures(facts, pd.DataFrame(given, columns=["rater_id", "rating"]), design.rules).any(axis=1)
    meant = np.array([rater.kind not in ("attentive", "revoked") for rater in raters])
    return np.flatnonzero(excluded.to_numpy() != meant).tolist()


def counts(simulation: Simulation) -> dict[str, int]:
    """How many raters there are of each kind, and how many further submissions."""
    kinds = Counter(rater.kind for rater in simulation.raters)
    return {kind: kinds[kind] for kind in (*KINDS, DOUBLED)}
