import numpy as np
import pandas as pd
import pytest

from empathic import contrasts


def table(*rows):
    return pd.DataFrame(rows, columns=["estimate", "std_error", "df"])


# p-values of the table of cases in the verdict rules, which R computed: estimate, std_error, df, two-sided p, TOST's p.
CASES = [
    (0.0, 0.1, 42, 1.0, 0.008205),
    (0.1, 0.03, 42, 0.001799, 0.000005),
    (0.2, 0.06, 42, 0.001799, 0.204685),
    (0.0, 0.2, 42, 1.0, 0.109110),
    (0.5, 0.1, 42, 0.000011, 0.991795),
    (0.196, 0.1, np.inf, 0.049996, 0.294599),
    (0.195, 0.1, np.inf, 0.051176, 0.291160),
]


@pytest.mark.parametrize("estimate, std_error, df, difference, equivalence", CASES)
@pytest.mark.parametrize("sign", [1, -1])
def test_p_values_are_those_of_the_table_of_cases(sign, estimate, std_error, df, difference, equivalence):
    rows = table((sign * estimate, std_error, df))
    assert contrasts.tested(rows).p_value[0] == pytest.approx(difference, abs=5e-7)
    assert contrasts.equivalence(rows, 0.25)[0] == pytest.approx(equivalence, abs=5e-7)


def test_intervals_use_the_quantiles_of_t():
    low, high = contrasts.interval(table((1.0, 2.0, 10), (1.0, 2.0, np.inf)), 0.95)
    assert high.tolist() == pytest.approx([1 + 2 * 2.2281388520, 1 + 2 * 1.9599639845])
    assert low.tolist() == pytest.approx([1 - 2 * 2.2281388520, 1 - 2 * 1.9599639845])


def test_no_difference_without_an_error_is_no_test():
    found = contrasts.tested(table((0.0, 0.0, 5)))
    assert found.p_value.isna().all() and found.statistic.isna().all()


def test_holm_multiplies_and_never_falls():
    # By hand: sorted .01, .02, .03, .04 times 4, 3, 2, 1 = .04, .06, .06, .04; never falling: .04, .06, .06, .06.
    p = pd.Series([0.04, 0.01, 0.03, 0.02])
    assert contrasts.holm(p).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_stops_at_one_and_leaves_out_what_is_missing():
    assert contrasts.holm(pd.Series([0.6, np.nan, 0.7])).fillna(-1).tolist() == [1.0, -1.0, 1.0]


def compared(**changes):
    rows = pd.DataFrame(
        {
            "contrast": ["a - b", "a - c", "b - c", "a - b"],
            "by": pd.array([pd.NA, pd.NA, pd.NA, "work"], dtype="string"),
            "estimate": [0.6, 0.3, -0.3, 0.6],
            "std_error": [0.2] * 4,
            "df": [30.0] * 4,
        }
    )
    settings = {"model": "deciding", "adjust": "holm", "sesoi": 0.2, "sigma_total": 1.5, "scale_range": 6.0}
    return contrasts.compared(rows, **(settings | changes))


def test_a_family_is_one_model_at_one_level_of_by():
    found = compared()
    assert found.family.tolist() == ["deciding x all domains"] * 3 + ["deciding x work"]
    assert found.family_size.tolist() == [3, 3, 3, 1]
    assert found.p_adjusted[0] == pytest.approx(3 * found.p_value[0])
    assert found.p_adjusted[3] == found.p_value[3]


def test_effects_are_given_in_total_sds_and_per_cent_of_the_range():
    found = compared()
    assert found.sesoi.tolist() == pytest.approx([0.3] * 4)
    assert found.d.tolist() == pytest.approx([0.4, 0.2, -0.2, 0.4])
    assert found.percent_of_range.tolist() == pytest.approx([10, 5, -5, 10])


def test_adjusted_intervals_are_bonferronis_and_a_family_of_one_needs_none():
    found = compared()
    half = 0.2 * 2.53574160544  # qt(1 - .05 / 6, 30)
    assert (found.conf_high_adj - found.estimate)[:3].tolist() == pytest.approx([half] * 3, rel=1e-9)
    assert found.conf_low_adj[3] == pytest.approx(found.conf_low[3])
    assert (found.conf_high_90 - found.estimate)[0] == pytest.approx(0.2 * 1.697260887, rel=1e-8)  # qt(.95, 30)


def test_without_adjustment_p_stays_as_it_is():
    found = compared(adjust="none")
    assert found.p_adjusted.tolist() == found.p_value.tolist()
    assert set(found["adjust"]) == {"none"}
