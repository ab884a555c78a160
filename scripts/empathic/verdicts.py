"""The verdict rules: from the differences that a claim names to its verdict. Nothing else decides.

Each test asks two questions. `p_for`: how likely are such data if the claim is false? `p_against`: how likely are they
if it is true as it would matter (greater: by delta, the smallest effect size of interest, or more; equivalent: with no
difference at all)? Both are adjusted by Holm over the claims of one study, one claims file and one family. A claim is
replicated where the first is below ALPHA, else not replicated where the second is, else inconclusive.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from empathic.contrasts import holm

ALPHA = 0.05
REPLICATED, NOT_REPLICATED, INCONCLUSIVE = "replicated", "not replicated", "inconclusive"
# What the same rules are called on data that nobody observed.
DEMO = {REPLICATED: "recovered", NOT_REPLICATED: "not recovered", INCONCLUSIVE: INCONCLUSIVE}


@dataclass(frozen=True)
class Component:
    """One difference that a claim names.

    estimate: a - b as claimed, in units of the rating scale (style: of the feature), unadjusted, like its std_error.
    df: its degrees of freedom; inf: normal. sesoi: delta in the same units. p_value: two-sided, where a test of its own
    gave one (style: the permutation test).
    """

    name: str
    estimate: float
    std_error: float
    df: float
    sesoi: float
    p_value: float = math.nan


@dataclass(frozen=True)
class Weighed:
    """A claim's evidence: p for and against of each of its components, and of the claim.

    every: whether the claim asks something of every component (and fails with any), or of any one (and fails with all).
    """

    components: tuple[Component, ...]
    parts_for: tuple[float, ...]
    parts_against: tuple[float, ...]
    p_for: float
    p_against: float
    every: bool = True

    @property
    def complete(self) -> bool:
        """False where a p is NaN: such a claim is not testable."""
        return not math.isnan(self.p_for) and not math.isnan(self.p_against)

    def decider(self, verdict: str) -> int | None:
        """Which component decided: that of the largest p for; of a claim not replicated that of the smallest p against.

        Where a claim asks something of any one, the other way round. Of equals the first.
        """
        parts, largest = (
            (self.parts_against, not self.every) if verdict == NOT_REPLICATED else (self.parts_for, self.every)
        )
        if all(map(math.isnan, parts)):
            return None
        return int(np.argmax(parts) if largest else np.argmin(parts))


@dataclass(frozen=True)
class Decision:
    """What became of a claim among those it was adjusted with."""

    p_adjusted: float
    p_against_adjusted: float
    verdict: str


def p_positive(component: Component) -> float:
    """Two-sided p of a difference in the direction claimed; 1 where it points elsewhere."""
    return 1.0 if component.estimate <= 0 else p_difference(component)


def p_small(component: Component) -> float:
    """One-sided p against the difference being delta or more."""
    return _below(component, -component.sesoi)


def p_equivalent(component: Component) -> float:
    """The larger p of two one-sided tests against -delta and +delta (Schuirmann 1987)."""
    return float(np.max([_above(component, component.sesoi), _below(component, -component.sesoi)]))


def p_difference(component: Component) -> float:
    """Two-sided p of a difference in either direction."""
    return 2 * float(stats.t.sf(abs(_ratio(component.estimate, component.std_error)), component.df))


def p_given(component: Component) -> float:
    """The p that a test of its own gave."""
    return component.p_value


def p_of_none(component: Component) -> float:
    """NaN: an omnibus test has a p for the claim alone."""
    return math.nan


# Each test's p for and against of a component, and whether the claim asks it of every component, or of any one.
TESTS: dict[str, tuple[Callable[[Component], float], Callable[[Component], float], bool]] = {
    "greater": (p_positive, p_small, True),
    "same order": (p_positive, p_small, True),
    "equivalent": (p_equivalent, p_difference, True),
    "any difference": (p_of_none, p_equivalent, False),
    "no interaction": (p_equivalent, p_of_none, True),
    "style difference": (p_given, p_equivalent, False),
}


def weigh(test: str, components: Sequence[Component], omnibus: float = math.nan) -> Weighed:
    """Weigh the evidence for a claim and against it.

    test: a key of TESTS. omnibus: the p of the omnibus test over all that the claim names, where its test has one
    (p for of `any difference`, p against of `no interaction`).

    Where the claim asks something of every component, its p for is the largest and its p against the smallest, by
    Bonferroni; where of any one, the other way round. A NaN in any component makes the claim's p NaN.
    """
    for_claim, against, every = TESTS[test]
    parts_for = tuple(for_claim(component) for component in components)
    parts_against = tuple(against(component) for component in components)
    p_for = float(np.max(parts_for)) if every else _bonferroni(parts_for)
    p_against = _bonferroni(parts_against) if every else float(np.max(parts_against))
    return Weighed(
        components=tuple(components),
        parts_for=parts_for,
        parts_against=parts_against,
        p_for=omnibus if for_claim is p_of_none else p_for,
        p_against=omnibus if against is p_of_none else p_against,
        every=every,
    )


def _bonferroni(parts: Sequence[float]) -> float:
    return float(np.minimum(1, len(parts) * np.min(parts)))


def decide(family: Sequence[Weighed]) -> list[Decision]:
    """Decide the claims of one study, one claims file and one family together, in their order.

    Each of them must be testable (`Weighed.complete`).
    """
    p_for = holm(pd.Series([weighed.p_for for weighed in family]))
    p_against = holm(pd.Series([weighed.p_against for weighed in family]))
    return [Decision(p, q, _verdict(p, q)) for p, q in zip(p_for, p_against, strict=True)]


def _verdict(p_adjusted: float, p_against_adjusted: float) -> str:
    if p_adjusted < ALPHA:
        return REPLICATED
    return NOT_REPLICATED if p_against_adjusted < ALPHA else INCONCLUSIVE


def _above(component: Component, shift: float) -> float:
    return float(stats.t.sf(_ratio(component.estimate + shift, component.std_error), component.df))


def _below(component: Component, shift: float) -> float:
    return float(stats.t.cdf(_ratio(component.estimate + shift, component.std_error), component.df))


def _ratio(difference: float, std_error: float) -> float:
    # 0 / 0 is NaN and 1 / 0 infinite, as in the rules; Python's own division would raise.
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(difference, std_error))
