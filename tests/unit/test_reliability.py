"""Against published worked examples, and against R, which shares no code with the package."""

import shutil

import numpy as np
import pandas as pd
import pytest
from made_up_ratings import R, plain_r, row

from empathic import reliability, tables
from empathic.instrument import Instrument

ITEM = {"wording": "?", "scale": {"min": 1, "max": 7}}


def stacked(columns):
    """Units in columns, None where a rater gave no rating: responses and ratings, a row a rating."""
    rows = [(f"u{unit}", value) for unit, values in enumerate(columns) for value in values if value is not None]
    table = pd.DataFrame(rows, columns=["response", "rating"])
    return table["response"], table["rating"].astype(float)


def test_alpha_is_that_of_krippendorffs_own_example():
    """K. Krippendorff (2011): four observers, twelve units; ordinal alpha is .815."""
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]

    assert reliability.alpha(*stacked(zip(*observers, strict=True))) == pytest.approx(0.815, abs=0.0005)


def test_alpha_of_a_small_table_is_that_reckoned_by_hand():
    """Units (1, 1), (1, 2), (3, 3), a fourth rated once. Values 1, 2, 3 stand 3, 1, 2 times among six.

    Ordinal distances squared: 1-2 (3/2 + 1/2)^2 = 4, 1-3 (3/2 + 1 + 1)^2 = 12.25, 2-3 (1/2 + 1)^2 = 2.25.
    Observed: the ordered pairs 1-2 and 2-1 of one unit: 2 * 4 / 6. Expected: 2 * (3 * 4 + 6 * 12.25 + 2 * 2.25) / 30.
    """
    found = reliability.alpha(*stacked([(1, 1), (1, 2), (3, 3), (7,)]))

    assert found == pytest.approx(1 - (8 / 6) / (2 * (12 + 73.5 + 4.5) / 30))


def test_icc_is_that_of_shrout_and_fleiss_own_example():
    """P. E. Shrout and J. L. Fleiss (1979), tables 2 to 4: six targets, four judges; .17 and .44."""
    judged = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]

    found = reliability.icc(*stacked(judged))

    assert (round(found.single, 2), round(found.average, 2), found.k) == (0.17, 0.44, 4)


def test_of_few_items_omega_and_alpha_are_those_reckoned_by_hand():
    """Three items have exactly one factor: loadings from the correlations, a = sqrt(r12 r13 / r23) and so on."""
    draw = np.random.default_rng(5)
    factor = draw.normal(size=300)
    answers = pd.DataFrame(
        {name: factor * load + draw.normal(size=300) for name, load in zip("abc", (1, 2, 0.8), strict=True)}
    )
    r, sd = answers.corr().to_numpy(), answers.std().to_numpy()
    loads = np.sqrt([r[0, 1] * r[0, 2] / r[1, 2], r[0, 1] * r[1, 2] / r[0, 2], r[0, 2] * r[1, 2] / r[0, 1]])
    common = (sd * loads).sum() ** 2

    assert reliability.mcdonald_omega(answers) == pytest.approx(
        common / (common + (sd**2 * (1 - loads**2)).sum()), abs=1e-6
    )
    two = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 1, 4, 3]})
    assert reliability.cronbach_alpha(two) == pytest.approx(2 / 3.2 * 1.2 / 1)  # 2 cov / var of the sum, times 2
    assert np.isnan(reliability.mcdonald_omega(two)), "the loadings of two items cannot be told apart"


@pytest.mark.parametrize("spoilt", [{"b": 1.0}, {"b": "a"}])
def test_items_without_variance_or_that_are_one_and_the_same_have_no_omega(spoilt):
    answers = pd.DataFrame(np.random.default_rng(1).integers(1, 8, (40, 4)), columns=list("abcd")).astype(float)
    answers["b"] = answers["a"] if spoilt["b"] == "a" else spoilt["b"]

    assert np.isnan(reliability.mcdonald_omega(answers))


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R is not installed")
def test_unequal_numbers_of_ratings_and_four_items_come_out_as_in_r(tmp_path):
    draw = np.random.default_rng(7)
    responses = np.repeat([f"r{number}" for number in range(20)], draw.integers(1, 9, 20))
    level = dict(zip(dict.fromkeys(responses), draw.normal(4, 1, 20), strict=True))
    ratings = pd.DataFrame({"response": responses, "rating": [level[name] for name in responses]})
    ratings["rating"] = (ratings["rating"] + draw.normal(0, 1, len(ratings))).round()
    factor = draw.normal(size=150)
    items = pd.DataFrame({f"i{load}": (factor * load + draw.normal(size=150)).round(1) for load in (1, 2, 3, 4)})
    ratings.to_csv(tmp_path / "ratings.csv", index=False)
    items.to_csv(tmp_path / "items.csv", index=False)

    told = plain_r(R / "reliability.R", tmp_path / "ratings.csv", tmp_path / "items.csv", found=None)

    found = reliability.icc(ratings["response"], ratings["rating"])
    ours = [found.single, found.average, found.k, reliability.mcdonald_omega(items), reliability.cronbach_alpha(items)]
    assert ours == pytest.approx([float(value) for value in told.split()], abs=1e-6)


def table(*rows):
    """ratings.csv of (rater, post, source, rating)."""
    return tables.RATINGS.frame(row(rater, post, "all", source, rating) for rater, post, source, rating in rows)


def test_agreement_is_told_by_source_and_over_all_and_where_it_cannot_be_estimated_why():
    ratings = table(
        *[(f"r{rater}", f"p{post}", "human", 1 + post) for rater in range(3) for post in range(2)],
        *[("r0", f"p{post}", "once", 3) for post in range(4)],
        *[(f"r{rater}", f"p{post}", "equal", 3) for rater in range(2) for post in range(2)],
        *[(f"r{rater}", "p0", "alone", rater) for rater in range(3)],
    )
    left_out = table(("r9", "p0", "once", 1)).assign(included=False, reason="attention", origin="simulated")

    found = reliability.agreement(pd.concat([ratings, left_out]), ["human", "once", "equal", "alone"])

    assert found["source"].fillna("all").tolist() == ["all", "human", "once", "equal", "alone"]
    by_source = found.assign(source=found["source"].fillna("all")).set_index("source")
    assert by_source["why"].dropna().to_dict() == {
        "once": "not estimable: no response has two ratings",
        "equal": "not estimable: all ratings are equal",
        "alone": "not estimable: fewer than two responses",
    }
    shown = ["ratings", "responses", "responses_twice", "per_response_low", "per_response_median", "per_response_high"]
    assert by_source.loc["once", shown].tolist() == [4, 4, 0, 1, 1, 1]
    assert by_source.loc["all", shown].tolist() == [17, 9, 5, 1, 2, 3]
    assert by_source.loc["human", ["alpha_ordinal", "icc_1", "icc_k", "k"]].tolist() == [1, 1, 1, 3]
    assert found.loc[found["why"].notna(), ["alpha_ordinal", "icc_1", "icc_k", "k"]].isna().all(axis=None)


def test_averages_are_described_by_those_who_answered_all_items():
    items = [{"name": name, **ITEM} for name in ("warm", "kind")]
    survey = Instrument.model_validate(
        {"items": items, "scales": [{"name": "empathy", "items": ["warm", "kind"], "least_items": 1}]}
    )
    pairs = [(1, 2), (2, 1), (3, 4), (4, 3)]
    ratings = tables.RATINGS.frame(
        [
            row(f"r{rater}", "p0", "all", "human", answer, item=item)
            for rater, answers in enumerate(pairs)
            for item, answer in zip(("warm", "kind"), answers, strict=True)
        ]
        + [row("r9", "p0", "all", "human", 5, item="kind")]
        + [row(f"r{rater}", "p0", "all", "human", 1.5, item="empathy") for rater in (0, 1, 2, 3, 9)]
    )

    found = reliability.of_scales(ratings, survey, ["human"])

    names = ["scale", "items", "answered", "complete", "averaged", "alpha"]
    assert found[names].values.tolist() == [["empathy", 2, 5, 4, 5, pytest.approx(0.75)]] * 2
    assert found["source"].fillna("all").tolist() == ["all", "human"] and found["omega"].isna().all()


def test_each_raters_use_of_the_scale_is_a_row_excluded_raters_included():
    ratings = table(*[("ann", f"p{place}", "human", rating) for place, rating in enumerate([2, 5, 5, 2, 7])])
    other = table(("bob", "p0", "human", 4)).assign(included=False, reason="attention")

    ann, bob = reliability.scale_use(pd.concat([ratings, other])).to_dict("records")

    assert ann == {
        "rater_id": "ann",
        "included": True,
        "item": "empathy",
        "ratings": 5,
        "mean": 4.2,
        "std_dev": pytest.approx(np.std([2, 5, 5, 2, 7], ddof=1)),
        "lowest": 2,
        "highest": 7,
        "distinct": 3,
        "most_used": 2,
        "most_used_share": 0.4,
        "origin": "simulated",
    }
    assert (bob["included"], bob["ratings"]) == (False, 1) and np.isnan(bob["std_dev"])
