import itertools
import math

import numpy as np
import pandas as pd
import pytest

from empathic import tables
from empathic.style import classifier, contrasts, rated

SETTINGS = {"seed": 1, "permutations": 1999, "draws": 500}


def table(rows, names=("x",)):
    frame = pd.DataFrame(rows, columns=["post_id", "source", *names])
    return frame.assign(origin="observed").astype({"post_id": "string", "source": "string", "origin": "string"})


def made(posts, sources, effect=0.0, seed=0, names=("x",)):
    rng = np.random.default_rng(seed)
    rows = []
    for post in range(posts):
        mood = rng.normal()
        for place, source in enumerate(sources):
            rows.append([f"p{post}", source, *(mood + rng.normal() + effect * place for _ in names)])
    return table(rows, names)


def test_the_estimate_is_the_mean_over_posts_of_differences_of_means_a_minus_b():
    rows = [["p", "a", 1], ["p", "a", 3], ["p", "b", 5], ["q", "b", 2], ["q", "a", 8], ["r", "a", 99]]
    found = contrasts.compare(table(rows), ["x"], ["a", "b"], **SETTINGS).iloc[0]

    assert found.contrast == "a - b"
    assert (found.estimate, found.n_posts) == ((2 - 5 + 8 - 2) / 2, 2)
    back = contrasts.compare(table(rows), ["x"], ["b", "a"], **SETTINGS).iloc[0]
    assert (back.contrast, back.estimate) == ("b - a", -found.estimate)
    assert back.p_value == found.p_value


def test_with_few_posts_all_swaps_are_gone_through_and_the_p_is_that_counted_by_hand():
    # Differences 3, 1, 2: of the 8 patterns of signs two give a sum of 6 or -6.
    rows = [[f"p{n}", source, value] for n, d in enumerate((3, 1, 2)) for source, value in (("a", d), ("b", 0))]

    assert contrasts.compare(table(rows), ["x"], ["a", "b"], **SETTINGS).p_value[0] == 2 / 8
    # 3, 1, -2: sum 2; |sum| of the patterns: 2 (3+1-2), 4, 6, 0 and their mirrors: 3 of 4 are 2 or more.
    rows = [[f"p{n}", source, value] for n, d in enumerate((3, 1, -2)) for source, value in (("a", d), ("b", 0))]
    assert contrasts.compare(table(rows), ["x"], ["a", "b"], **SETTINGS).p_value[0] == 6 / 8


def test_drawn_swaps_come_near_to_all_swaps():
    differences = np.random.default_rng(3).normal(0.4, 1, (16, 5))
    exact = contrasts.permutation_p(differences, np.random.default_rng(1), 0)
    by_hand = [
        np.mean(
            [abs(np.dot(signs, column)) >= abs(column.sum()) - 1e-9 for signs in itertools.product([-1, 1], repeat=16)]
        )
        for column in differences.T
    ]
    assert exact == pytest.approx(by_hand)
    seventeen = np.vstack([differences, np.zeros(5)])
    drawn = contrasts.permutation_p(seventeen, np.random.default_rng(1), 20_000)
    assert drawn == pytest.approx(exact, abs=0.015)


def test_the_smallest_p_that_draws_can_give_counts_the_data_themselves():
    rows = [[f"p{n}", source, value] for n in range(40) for source, value in (("a", 5 + n), ("b", 0))]

    assert contrasts.compare(table(rows), ["x"], ["a", "b"], **SETTINGS).p_value[0] == 1 / 2000


def test_bootstrap_agrees_with_the_standard_error_of_a_mean():
    differences = np.random.default_rng(5).normal(1, 2, (60, 3))
    std_error, (low, high) = contrasts.bootstrap(differences, np.random.default_rng(1), 20_000)

    expected = differences.std(axis=0, ddof=1) / math.sqrt(60)
    assert std_error == pytest.approx(expected, rel=0.03)
    assert low == pytest.approx(differences.mean(axis=0) - 1.96 * expected, abs=0.05)
    assert high == pytest.approx(differences.mean(axis=0) + 1.96 * expected, abs=0.05)


def test_effect_size_is_in_sds_within_sources():
    found = contrasts.compare(made(200, ["a", "b", "c"], 0.5), ["x"], ["a", "b", "c"], **SETTINGS)
    data = made(200, ["a", "b", "c"], 0.5)
    pooled = math.sqrt(data.groupby("source").x.var().mean())

    assert found.sd.tolist() == pytest.approx([pooled] * 3)
    assert found.d.tolist() == pytest.approx((found.estimate / pooled).tolist())
    assert found.contrast.tolist() == ["a - b", "a - c", "b - c"]


def test_benjamini_and_hochberg_by_hand():
    # Sorted .01, .02, .03, .5: times 4/1, 4/2, 4/3, 4/4 is .04, .04, .04, .5.
    p = pd.Series([0.5, 0.01, math.nan, 0.03, 0.02])

    adjusted = contrasts.benjamini_hochberg(p)

    assert adjusted.drop(2).tolist() == pytest.approx([0.5, 0.04, 0.04, 0.04])
    assert math.isnan(adjusted[2])


def test_what_cannot_be_tested_is_missing_and_counts_in_no_family(tmp_path):
    data = made(30, ["a", "b", "c"], names=("x", "y")).assign(never=0.0)
    data.loc[data.source == "b", "y"] = math.nan
    alone = table([["other", "d", 1.0, 1.0, 0.0]], ("x", "y", "never"))
    found = contrasts.compare(pd.concat([data, alone]), ["x", "y", "never"], ["a", "b", "c", "d"], **SETTINGS)
    rows = found.set_index(["feature", "contrast"])

    tested = rows.p_value.dropna().index.tolist()
    assert tested == [("x", "a - b"), ("x", "a - c"), ("y", "a - c"), ("x", "b - c")]
    assert set(found.family_size) == {4}
    assert rows.estimate["never", "a - b"] == 0 and math.isnan(rows.d["never", "a - b"])
    assert math.isnan(rows.estimate["x", "a - d"]) and rows.n_posts["x", "a - d"] == 0
    frame = tables.STYLE_CONTRASTS.frame(found.to_dict("records"))
    tables.STYLE_CONTRASTS.write(frame, tmp_path / "contrasts.csv")
    pd.testing.assert_frame_equal(tables.STYLE_CONTRASTS.read(tmp_path / "contrasts.csv"), frame)


def test_a_pair_has_the_same_numbers_whatever_other_sources_there_are():
    data = made(30, ["a", "b", "c"])
    both = contrasts.compare(data[data.source != "c"], ["x"], ["a", "b"], **SETTINGS).iloc[0]
    among = contrasts.compare(data, ["x"], ["a", "b", "c"], **SETTINGS).iloc[0]

    assert both[["estimate", "std_error", "p_value", "conf_low"]].equals(
        among[["estimate", "std_error", "p_value", "conf_low"]]
    )
    assert contrasts.compare(data, ["x"], ["a"], **SETTINGS).empty


def test_under_the_null_about_five_per_cent_are_rejected():
    # bench/style.py has more: here 400 features that share their posts.
    names = [f"x{n}" for n in range(400)]
    found = contrasts.compare(made(40, ["a", "b"], seed=7, names=names), names, ["a", "b"], **SETTINGS)

    assert 0.02 < (found.p_value < 0.05).mean() < 0.09


def test_sources_that_differ_are_told_apart_and_sources_that_do_not_are_not():
    names = ["x", "y"]
    apart = classifier.classify(made(60, ["a", "b"], 3.0, names=names), {"all": names}, seed=1, permutations=99)
    alike = classifier.classify(made(60, ["a", "b"], 0.0, names=names), {"all": names}, seed=1, permutations=99)

    whole = apart[apart.source.isna()].iloc[0]
    assert whole.accuracy > 0.85
    assert whole.p_value == 0.01
    assert whole.conf_low < whole.accuracy < whole.conf_high
    assert abs(whole.null_mean - 0.5) < 0.05
    assert apart[apart.source.notna()].accuracy.mean() == pytest.approx(whole.accuracy)
    assert alike[alike.source.isna()].iloc[0].p_value > 0.05


def test_whole_posts_are_held_out_and_a_feature_that_names_the_post_helps_nothing():
    # Each post has one response, whose source follows from a feature that is peculiar to it.
    posts = 80
    rng = np.random.default_rng(2)
    rows = [[f"p{n}", "ab"[n % 2], *np.eye(posts)[n]] for n in rng.permutation(posts)]
    names = [f"x{n}" for n in range(posts)]
    found = classifier.classify(table(rows, names), {"all": names}, seed=1, permutations=19)

    assert found.accuracy[0] < 0.7


def test_scaling_is_learnt_from_the_training_posts_alone():
    values = np.array([[1.0, 5], [3, 5], [1000, 7], [math.nan, 5]])
    part = classifier.split(values, np.array([False, False, True, False]))

    assert part.train.tolist() == [[-1], [1], [0]]
    assert part.test.tolist() == [[998]]


def test_two_classes_are_parted_where_a_hand_worked_discriminant_parts_them():
    # One feature, equal variances and sizes: the border lies half way between the means, 0 and 4.
    train = np.array([[-1.0], [1], [3], [5]])
    test = np.array([[1.9], [2.1]])
    part = classifier.Split(train - 2, test - 2, np.array([False] * 4 + [True] * 2), (train - 2).T @ (train - 2))

    predicted = classifier.predict([part], np.array([0, 0, 1, 1, 0, 0]), 2)
    assert predicted[4:].tolist() == [0, 1]


def test_a_study_of_one_source_or_of_four_posts_is_not_classified():
    assert classifier.classify(made(30, ["a"]), {"all": ["x"]}, seed=1, permutations=19).empty
    assert classifier.classify(made(4, ["a", "b"]), {"all": ["x"]}, seed=1, permutations=19).empty


def test_features_go_with_ratings_within_sources_apart_from_between_them(tmp_path):
    rng = np.random.default_rng(4)
    rows = []
    for post, (place, source) in itertools.product(range(60), enumerate(["a", "b", "c"])):
        x = rng.normal() + 5 * place
        # Within a source more x is better; between sources more x is worse.
        rows.append([f"p{post}", source, x, 0.5 * (x - 5 * place) - 2 * place + 0.1 * rng.normal()])
    found = rated.relate(table(rows, ("x", "rating")).assign(empty=0.0), ["x", "empty"], seed=1)
    rows = found.set_index(["feature", "level"])

    assert rows.correlation["x", "within"] > 0.95
    assert rows.correlation["x", "between"] < -0.95
    assert rows.slope["x", "within"] == pytest.approx(0.5, abs=0.06)
    assert rows.p_value["x", "within"] < 1e-6
    assert rows.n["x", "between"] == 3 and rows.n["x", "within"] == 180
    assert rows.correlation[["empty"]].isna().all() and rows.p_adjusted["x", "within"] == rows.p_value["x", "within"]
    frame = tables.STYLE_RATINGS.frame(found.to_dict("records"))
    tables.STYLE_RATINGS.write(frame, tmp_path / "ratings.csv")


def test_where_no_feature_can_be_set_against_ratings_the_table_says_nothing_of_any():
    rows = [["p1", "a", 1.0, 2.0], ["p1", "b", 2.0, 3.0]]
    found = rated.relate(table(rows, ("x", "rating")), ["x"], seed=1)

    assert found[["correlation", "p_value", "p_adjusted"]].isna().all(axis=None) and found.n.tolist() == [2, 2]


def test_a_response_is_rated_by_the_mean_of_its_included_ratings_of_the_item():
    features = pd.DataFrame({"response_id": ["r1", "r2"], "source": "a", "origin": ["observed", "stand_in"], "x": 1.0})
    given = pd.DataFrame(
        {
            "response_id": ["r1", "r1", "r1", "r1"],
            "post_id": "p",
            "item": ["empathy", "empathy", "other", "empathy"],
            "rating": [2.0, 5, 7, 1],
            "included": [True, True, True, False],
            "origin": "observed",
        }
    )
    found = rated.rated_features(features, given, "empathy")

    assert found[["response_id", "rating", "origin", "post_id"]].values.tolist() == [["r1", 3.5, "observed", "p"]]
