import numpy as np
import pandas as pd
import pytest
import real_study
from made_up_ratings import row

from empathic import counts, tables
from empathic.errors import InputError
from empathic.instrument import Scale


def count(table, *, posts=None, responses=None, top=3.0, sources=("a", "b"), split_by=()):
    return counts.count(
        table,
        responses,
        posts,
        file="results/run/s/ratings.csv",
        item="empathy",
        scale=Scale(min=1, max=top),
        sources=list(sources),
        split_by=list(split_by),
    )


@pytest.fixture
def small():
    """a: 1, 2, 3, 3, 3, 3 and b: 1, 1, 1, 2, 3, 3; posts p0 to p5, the last three in another domain."""
    return tables.RATINGS.frame(
        row(f"r{n}", f"p{n}", "ab"[n // 3], source, rating)
        for source, ratings in (("a", (1, 2, 3, 3, 3, 3)), ("b", (1, 1, 1, 2, 3, 3)))
        for n, rating in enumerate(ratings)
    )


def test_every_answer_is_counted_also_one_never_given(small):
    counted, _ = count(small.replace({"rating": {2.0: 1.0}}))
    assert counted[["source", "rating", "n"]].values.tolist() == [
        ["a", 1.0, 2],
        ["a", 2.0, 0],
        ["a", 3.0, 4],
        ["b", 1.0, 4],
        ["b", 2.0, 0],
        ["b", 3.0, 2],
    ]
    assert counted.groupby("source").share.sum().tolist() == pytest.approx([1, 1])


def test_averages_of_items_are_counted_at_the_points_that_they_are_and_beside_them_where_items_lack(small):
    thirds = Scale(min=1, max=3, step=1 / 3)
    # Means of three items; the last, of two, lies between the points.
    means = [np.mean(items) for items in ([1, 1, 2], [1, 2, 2], [2, 2, 3], [2, 3, 3], [3, 3, 3], [2, 3])]
    table = small[small.source == "a"].assign(rating=means)
    counted, tested = counts.count(
        table, None, None, file="ratings.csv", item="empathy", scale=thirds, sources=["a"], split_by=[]
    )
    given = counted[counted.n > 0]
    assert given.rating.tolist() == pytest.approx([4 / 3, 5 / 3, 7 / 3, 2.5, 8 / 3, 3])
    assert counted.n.sum() == 6 and counted.share.sum() == pytest.approx(1) and len(counted) == 7 + 1


def test_the_top_answer_is_tested_against_the_rest_with_yates_correction(small):
    _, tested = count(small)
    found = tested.iloc[0]
    assert (found.contrast, found.top, found.n_top_a, found.n_a, found.n_top_b, found.n_b) == ("a - b", 3, 4, 6, 2, 6)
    # By hand: n (|ad - bc| - n/2)^2 / (rows times columns), of 4, 2 / 2, 4.
    assert found.chi_squared == pytest.approx(12 * (abs(4 * 4 - 2 * 2) - 6) ** 2 / 6**4)
    assert found.note == "ignores clustering" and found.df == 1


def test_counts_are_split_by_columns_of_ratings_and_posts(small, tmp_path):
    posts = pd.DataFrame({"post_id": [f"p{n}" for n in range(6)], "mood": list("xxyyxx")})
    counted, tested = count(small, posts=posts, split_by=["domain", "mood"])
    sums = counted.dropna().groupby(["split_by", "part"]).n.sum()
    assert sums.to_dict() == {("domain", "a"): 6, ("domain", "b"): 6, ("mood", "x"): 8, ("mood", "y"): 4}
    assert counted[counted.part.isna()].n.sum() == 12
    assert len(tested) == 5
    for table, rows in ((tables.COUNTS, counted), (tables.COUNT_TESTS, tested)):
        table.write(rows, tmp_path / "table.csv")
        assert len(table.read(tmp_path / "table.csv")) == len(rows)


def test_excluded_ratings_and_other_items_are_not_counted(small):
    more = small.assign(item="warmth"), small.assign(rater_id="x", included=False)
    pd.testing.assert_frame_equal(count(pd.concat([small, *more], ignore_index=True))[0], count(small)[0])


def test_scales_of_more_than_five_points_are_counted_and_not_tested(small):
    assert len(count(small, top=5.0)[1]) == 1
    counted, tested = count(small, top=6.0)
    assert len(counted) == 12 and tested.empty
    assert list(tested) == tables.COUNT_TESTS.names


def test_where_nobody_or_everybody_gave_the_top_answer_there_is_no_test(small):
    _, tested = count(small.assign(rating=1.0))
    assert tested[["chi_squared", "p_value"]].isna().all(axis=None) and tested.n_top_a[0] == 0


def test_an_unknown_column_is_named(small):
    with pytest.raises(InputError, match="no column 'mood' to split the counts by, here or in the posts"):
        count(small, split_by=["mood"])


def test_a_test_has_the_weakest_origin_of_its_sources(small):
    observed = small.assign(origin="observed")
    texts = observed[["response_id", "source"]].drop_duplicates().assign(origin="observed")
    texts.loc[texts.source == "b", "origin"] = "stand_in"
    counted, tested = count(observed, responses=texts)
    assert counted.groupby("source").origin.first().to_dict() == {"a": "observed", "b": "stand_in"}
    assert tested.origin.tolist() == ["stand_in"]


def test_a_published_study_gives_its_twelve_published_chi_squared_values():
    long = pd.read_csv(real_study.folder() / "welivita_ratings_long.csv")
    long = long[long.source.isin(["human", *real_study.PUBLISHED])]
    table = pd.DataFrame(
        {
            "rater_id": long.rater_id,
            "post_id": long.post_id,
            "response_id": long.post_id + long.source,
            "source": long.source,
            "domain": long.sentiment,
            "item": "empathy",
            "rating": long.rating.astype(float),
            "included": True,
            "origin": "observed",
        }
    )
    _, tested = count(table, sources=["human", *real_study.PUBLISHED], split_by=["domain"])

    assert real_study.counted(tested) == real_study.PUBLISHED
