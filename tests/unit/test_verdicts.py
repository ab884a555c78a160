import math
import subprocess

import numpy as np
import pytest

from empathic import verdicts
from empathic.verdicts import Component, decide, weigh

# Computed in R 4.2.2 by a script that shares nothing with the package: test, D, s, df, p for, p against, and the
# verdict of a claim that is alone in its family; delta is .25.
CASES = """
greater | 0.5 | 0.1 | 42 | 0.000011 | 0.991795 | replicated
greater | 0.1 | 0.03 | 42 | 0.001799 | 0.000005 | replicated
greater | 0.1 | 0.1 | 42 | 0.323037 | 0.070547 | inconclusive
greater | 0 | 0.05 | 42 | 1.000000 | 0.000005 | not replicated
greater | -0.5 | 0.1 | 42 | 1.000000 | 0.000000 | not replicated
greater | 0 | 0.2 | 42 | 1.000000 | 0.109110 | inconclusive
greater | 0.5, 0.4, -0.01 | 0.1 | 42 | 1.000000 | 0.019218 | not replicated
greater | 0.5, 0.4, 0.15 | 0.1 | 42 | 0.141095 | 0.484556 | inconclusive
greater | 0.6, 0.5, 0.3 | 0.1 | 42 | 0.004526 | 1.000000 | replicated
greater | 0.196 | 0.1 | Inf | 0.049996 | 0.294599 | replicated
greater | 0.195 | 0.1 | Inf | 0.051176 | 0.291160 | inconclusive
equivalent | 0 | 0.1 | 42 | 0.008205 | 1.000000 | replicated
equivalent | 0.1 | 0.03 | 42 | 0.000005 | 0.001799 | replicated
equivalent | 0.2 | 0.06 | 42 | 0.204685 | 0.001799 | not replicated
equivalent | 0 | 0.2 | 42 | 0.109110 | 1.000000 | inconclusive
equivalent | 0.5 | 0.1 | 42 | 0.991795 | 0.000011 | not replicated
equivalent | 0, 0.3 | 0.1 | 42 | 0.690158 | 0.009052 | not replicated
equivalent | 0 | 0 | 42 | 0.000000 | NaN | not testable
"""
# Likewise, of `style difference`: the permutation test's p, D, s of each component, then as above; normal, delta .25.
STYLE_CASES = """
0.001 | 0.5 | 0.1 | 0.001000 | 0.993790 | replicated
0.02, 0.6 | 0.3, 0.02 | 0.1, 0.1 | 0.040000 | 0.691462 | replicated
0.03, 0.6 | 0.3, 0.02 | 0.1, 0.1 | 0.060000 | 0.691462 | inconclusive
0.4, 0.6 | 0.05, -0.02 | 0.06, 0.05 | 0.800000 | 0.000429 | not replicated
0.0001, 0.9 | 0.1, 0 | 0.02, 0.02 | 0.000200 | 0.000000 | replicated
0.3, 0.6, 0.9 | 0.3, 0.02, 0 | 0.3, 0.1, 0.1 | 0.900000 | 0.566184 | inconclusive
0.6, 1 | -0.05, 0 | 0.05, 0 | 1.000000 | 0.000032 | not replicated
0.9, 0.8, 0.7 | 0, 0, 0 | 0.2, 0.05, 0.05 | 1.000000 | 0.105650 | inconclusive
"""
STYLE_ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in STYLE_CASES.strip().splitlines()]
ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in CASES.strip().splitlines()]


def components(estimates, std_error=0.1, df=42, sesoi=0.25):
    return [Component(f"c{n}", estimate, std_error, df, sesoi) for n, estimate in enumerate(estimates)]


@pytest.mark.parametrize(
    ("test", "d", "s", "df", "p_for", "p_against", "verdict"), ROWS, ids=[" ".join(r) for r in ROWS]
)
def test_the_table_of_cases(test, d, s, df, p_for, p_against, verdict):
    weighed = weigh(test, components(map(float, d.split(",")), float(s), float(df)))

    assert f"{weighed.p_for:.6f}" == p_for
    if verdict == "not testable":
        assert math.isnan(weighed.p_against)
        assert not weighed.complete
    else:
        assert f"{weighed.p_against:.6f}" == p_against
        assert weighed.complete
        assert decide([weighed]) == [verdicts.Decision(weighed.p_for, weighed.p_against, verdict)]


@pytest.mark.parametrize(("p", "d", "s", "p_for", "p_against", "verdict"), STYLE_ROWS)
def test_the_table_of_cases_of_style(p, d, s, p_for, p_against, verdict):
    numbers = zip(*([float(cell) for cell in cells.split(",")] for cells in (d, s, p)), strict=True)
    weighed = weigh("style difference", [Component("c", d, s, math.inf, 0.25, p) for d, s, p in numbers])

    assert (f"{weighed.p_for:.6f}", f"{weighed.p_against:.6f}") == (p_for, p_against)
    assert decide([weighed])[0].verdict == verdict


def test_a_difference_of_style_is_decided_by_the_component_that_shows_it_most():
    some = [Component("x", d, 0.1, math.inf, 0.25, p) for d, p in ((0.1, 0.4), (0.5, 0.001), (0.0, 0.9))]
    weighed = weigh("style difference", some)

    assert [weighed.decider(word) for word in ("replicated", "inconclusive", "not replicated")] == [1, 1, 1]
    assert not weigh("style difference", [*some, Component("y", 0.1, 0.1, math.inf, 0.25)]).complete


@pytest.mark.parametrize("test", ["greater", "equivalent"])
@pytest.mark.parametrize("broken", ["estimate", "std_error", "df"])
def test_one_component_without_a_p_makes_the_claim_untestable(test, broken):
    whole = components([0.5, -0.5])
    numbers = {"estimate": 0.1, "std_error": 0.1, "df": 42.0} | {broken: math.nan}

    assert weigh(test, whole).complete
    assert not weigh(test, [*whole, Component("broken", **numbers, sesoi=0.25)]).complete


def test_no_p_exceeds_one_however_many_components_there_are():
    assert weigh("equivalent", components([0.01] * 9)).p_against == 1.0


def test_a_difference_of_none_with_no_error_is_small_and_no_difference_in_the_direction_claimed():
    weighed = weigh("greater", components([0.0], std_error=0.0))

    assert (weighed.p_for, weighed.p_against) == (1.0, 0.0)


def test_the_decider_is_the_weakest_link_and_for_a_failed_claim_the_one_that_fails_it():
    greater = weigh("greater", components([0.5, 0.3, 0.05, 0.1]))

    assert greater.decider("replicated") == 2
    assert greater.decider("inconclusive") == 2
    equivalent = weigh("equivalent", [*components([0.2, -0.1]), Component("sure", 0.2, 0.02, 42, 0.25)])
    assert equivalent.decider("not replicated") == 2
    assert equivalent.decider("inconclusive") == 0
    assert weigh("greater", components([-0.1, -0.5])).decider("inconclusive") == 0


def test_claims_of_one_family_are_adjusted_by_holm_in_both_directions():
    # By hand: p for .004526, .323037, .012 (order 1, 3, 2) times 3, 2, 1; the last stays .323037.
    family = [weigh("greater", components([d])) for d in (0.3, 0.1, 0.26)]
    p = [weighed.p_for for weighed in family]
    q = [weighed.p_against for weighed in family]
    decisions = decide(family)

    assert p[0] < p[2] < p[1]
    assert [round(d.p_adjusted, 12) for d in decisions] == [round(x, 12) for x in (3 * p[0], p[1], 2 * p[2])]
    assert q[1] < q[2] < q[0]
    first = 3 * q[1]
    second = max(first, 2 * q[2])
    third = max(second, q[0])
    expected = [min(1, x) for x in (third, first, second)]
    assert [round(d.p_against_adjusted, 12) for d in decisions] == [round(x, 12) for x in expected]
    assert [d.verdict for d in decisions] == ["replicated", "inconclusive", "replicated"]


def test_a_claim_that_stands_alone_can_fall_with_others_beside_it():
    weighed = weigh("greater", components([0.21]))

    assert decide([weighed])[0].verdict == "replicated"
    assert {d.verdict for d in decide([weighed] * 2)} == {"inconclusive"}


def test_a_p_of_exactly_alpha_decides_nothing():
    edge = verdicts.Weighed(tuple(components([0.1])), (0.05,), (0.05,), 0.05, 0.05)
    below = verdicts.Weighed(tuple(components([0.1])), (0.05,), (0.05,), 0.05, math.nextafter(0.05, 0))

    assert decide([edge])[0].verdict == "inconclusive"
    assert decide([below])[0].verdict == "not replicated"


def test_no_claims_give_no_decisions():
    assert decide([]) == []


def test_the_adjustment_over_claims_is_that_of_r():
    p = np.random.default_rng(1).uniform(0, 0.2, 12).round(4)
    p[3] = p[7]
    family = [verdicts.Weighed((), (x,), (y,), x, y) for x, y in zip(p, p[::-1], strict=True)]
    code = f"options(digits = 17); cat(p.adjust(c({', '.join(map(str, p))}), 'holm'))"
    r = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=True).stdout

    expected = [float(x) for x in r.split()]
    decisions = decide(family)
    assert [d.p_adjusted for d in decisions] == pytest.approx(expected, rel=1e-12)
    assert [d.p_against_adjusted for d in decisions] == pytest.approx(expected[::-1], rel=1e-12)


@pytest.mark.parametrize("df", [3.0, 42.0, math.inf])
def test_turning_a_difference_round_never_changes_an_equivalence(df):
    for estimate, std_error in np.random.default_rng(2).uniform([-2, 0.01], [2, 2], (50, 2)):
        there = weigh("equivalent", [Component("a - b", estimate, std_error, df, 0.25)])
        back = weigh("equivalent", [Component("b - a", -estimate, std_error, df, 0.25)])

        assert there.p_for == pytest.approx(back.p_for, rel=1e-9)
        assert there.p_against == back.p_against
