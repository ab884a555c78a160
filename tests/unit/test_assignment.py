from collections import Counter

import numpy as np
import pandas as pd
import pytest
from made_up_ratings import row

from empathic import tables
from empathic.assignment import assign, by_position, by_rater, by_response


def responses(sizes, sources, samples=1):
    """sizes: how many posts each domain has."""
    rows = [
        (f"{domain}{post}", domain, source, sample)
        for domain, size in sizes.items()
        for post in range(size)
        for source in sources
        for sample in range(samples)
    ]
    return pd.DataFrame(rows, columns=["post_id", "domain", "source", "sample"])


def plan(table, raters, posts, seed=1):
    return [table.iloc[rows] for rows in assign(table, raters, posts, np.random.default_rng(seed))]


def uses(seen):
    return Counter(row for rater in seen for row in rater.index)


@pytest.mark.parametrize("seed", range(5))
def test_the_design_of_study_1_shows_every_response_64_times(seed):
    table = responses({"parenting": 5, "relationships": 5, "workplace": 5}, ["human", "nf4", "fp32"])

    seen = plan(table, 192, 5, seed)

    assert set(uses(seen).values()) == {64} and len(uses(seen)) == 45
    for rater in seen:
        assert Counter(rater["post_id"].value_counts()) == {3: 5}, "five posts, with every source of each"
        assert set(rater.groupby("post_id")["source"].nunique()) == {3}
        assert sorted(rater.groupby("domain")["post_id"].nunique()) == [1, 2, 2]


@pytest.mark.parametrize("seed", range(5))
def test_the_design_of_study_2_shows_each_rater_one_post_a_domain_and_every_response_10_or_11_times(seed):
    table = responses(dict.fromkeys(["anger", "anxiety", "covid", "family", "love", "work"], 20), ["nf4", "fp32"])

    seen = plan(table, 202, 6, seed)

    assert set(uses(seen).values()) == {10, 11} and len(uses(seen)) == 240
    assert all(rater["domain"].value_counts().to_dict() == dict.fromkeys(set(table["domain"]), 2) for rater in seen)


def test_domains_of_unequal_size_stay_even_within_a_rater_and_balanced_within_a_domain():
    table = responses({"small": 2, "large": 9}, ["human"])

    seen = plan(table, 31, 5)

    assert all(rater["domain"].value_counts().to_dict() == {"small": 2, "large": 3} for rater in seen)
    for _, posts in table.groupby("domain"):
        numbers = [uses(seen)[row] for row in posts.index]
        assert max(numbers) - min(numbers) <= 1


def test_of_several_samples_a_rater_sees_one_and_all_are_used_alike():
    table = responses({"work": 4}, ["human", "nf4"], samples=3)

    seen = plan(table, 30, 2)

    assert all(len(rater) == 4 and not rater.duplicated(["post_id", "source"]).any() for rater in seen)
    assert set(uses(seen).values()) == {5}


def test_a_source_that_lacks_an_answer_is_shown_where_it_has_one():
    table = responses({"work": 2}, ["human", "nf4"]).drop(index=3).reset_index(drop=True)

    (seen,) = plan(table, 1, 2)

    assert sorted(seen.index) == [0, 1, 2]


def test_who_sees_which_post_hangs_on_the_generator_alone():
    table = responses({"work": 20}, ["human"])

    first, again, other = (assign(table, 10, 3, np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert first == again != other


def found(*rows):
    """ratings.csv of (rater, post, source, position, included), on one item."""
    return tables.RATINGS.frame(
        row(rater, post, f"of {post}", source, 4, position=position, included=included)
        for rater, post, source, position, included in rows
    )


FOUND = found(
    ("ann", "p1", "bot", 1, True),
    ("ann", "p1", "human", 2, True),
    ("bob", "p1", "human", 1, False),
    ("bob", "p2", "human", 2, False),
    ("eve", "p1", "human", pd.NA, True),
)


def test_how_often_each_source_stood_in_each_place_before_and_after_exclusions():
    table = tables.POSITIONS.frame(by_position(FOUND, ["human", "bot"]).to_dict("records"))

    assert table.values.tolist() == [["human", 1, 1, 0], ["human", 2, 2, 1], ["bot", 1, 1, 1]]


def test_how_often_each_response_was_rated_those_that_nobody_rated_included():
    answered = found(("x", "p1", "human", 1, True), ("x", "p1", "bot", 1, True), ("x", "p3", "bot", 1, True))

    table = by_response(FOUND, answered)

    assert table[["response_id", "domain", "entered", "remaining"]].values.tolist() == [
        ["p1bot", "of p1", 1, 1],
        ["p1human", "of p1", 3, 2],
        ["p2human", "of p2", 1, 0],
        ["p3bot", "of p3", 0, 0],
    ]
    assert by_response(FOUND, None)["response_id"].tolist() == ["p1bot", "p1human", "p2human"]


def test_how_often_each_rater_saw_each_source_and_domain_and_several_items_count_once():
    twice = pd.concat([FOUND, FOUND.assign(item="warmth")])

    assert by_rater(twice).values.tolist() == by_rater(FOUND).values.tolist()
    assert by_rater(FOUND).values.tolist() == [
        ["ann", "bot", "of p1", 1, 1],
        ["ann", "human", "of p1", 1, 1],
        ["bob", "human", "of p1", 1, 0],
        ["bob", "human", "of p2", 1, 0],
        ["eve", "human", "of p1", 1, 1],
    ]
