import numpy as np
import pandas as pd
import pytest

from empathic.formula import Dropped, Formula, RandomTerm, compose, identified, without_domain

DECLARED = [("rater_id",), ("post_id",), ("response_id",), ("rater_id", "source")]


def terms(*groupings):
    return [RandomTerm(f"1 | {':'.join(grouping)}", grouping) for grouping in groupings]


def crossed(raters=4, posts=4, sources=2, domains=2):
    """Every rater rates every response of every post."""
    rows = [
        (f"r{rater}", f"p{post}", f"p{post}s{source}", f"s{source}", f"d{post % domains}")
        for rater in range(raters)
        for post in range(posts)
        for source in range(sources)
    ]
    return pd.DataFrame(rows, columns=["rater_id", "post_id", "response_id", "source", "domain"])


def cells(rows, *columns):
    """A model matrix with a column for every combination of the columns' levels."""
    return pd.get_dummies(rows[list(columns)].agg("/".join, axis=1)).to_numpy(float)


def kept_and_dropped(rows, declared, fixed):
    kept, dropped = identified(declared, rows, fixed)
    return [term.text for term in kept], {term.term: term.why for term in dropped}


def test_a_full_design_keeps_every_grouping():
    rows = crossed()
    kept, dropped = kept_and_dropped(rows, terms(*DECLARED), cells(rows, "source", "domain"))
    assert kept == ["1 | rater_id", "1 | post_id", "1 | response_id", "1 | rater_id:source"]
    assert dropped == {}


def rows_with_levels(repeated, single):
    """So many raters with two ratings and with one."""
    return pd.DataFrame({"rater_id": [f"a{n}" for n in range(repeated)] * 2 + [f"b{n}" for n in range(single)]})


def test_half_of_the_levels_with_two_ratings_is_enough():
    rows = rows_with_levels(2, 2)
    assert kept_and_dropped(rows, terms(("rater_id",)), np.ones((len(rows), 1))) == (["1 | rater_id"], {})


def test_fewer_than_half_is_not():
    rows = rows_with_levels(2, 3)
    assert kept_and_dropped(rows, terms(("rater_id",)), np.ones((len(rows), 1))) == (
        [],
        {"(1 | rater_id)": "fewer than half of its levels have two ratings or more (2 of 5)"},
    )


def test_of_two_groupings_that_are_one_the_first_of_the_declared_order_stays_whatever_the_formula_says():
    rows = crossed(posts=2, sources=1, domains=1)
    kept, dropped = kept_and_dropped(
        rows, terms(("response_id",), ("post_id",), ("rater_id",)), np.ones((len(rows), 1))
    )
    assert kept == ["1 | post_id", "1 | rater_id"]
    assert dropped == {"(1 | response_id)": "it divides the ratings just as post_id does"}


def test_one_post_a_domain_leaves_neither_post_nor_response():
    rows = crossed(domains=4)
    kept, dropped = kept_and_dropped(rows, terms(*DECLARED), cells(rows, "source", "domain"))
    assert kept == ["1 | rater_id", "1 | rater_id:source"]
    assert list(dropped) == ["(1 | post_id)", "(1 | response_id)"]
    assert set(dropped.values()) == {
        "it cannot be told from the fixed effects: they have a level of their own for each of its levels"
    }


def test_posts_of_which_only_some_are_a_domain_of_their_own_stay():
    rows = crossed(posts=3, domains=2)  # d0: two posts, d1: one
    kept, _ = kept_and_dropped(rows, terms(("post_id",)), cells(rows, "source", "domain"))
    assert kept == ["1 | post_id"]


def raters_with(two_sources, one_source):
    rows = [(f"a{rater}", f"s{source}") for rater in range(two_sources) for source in (0, 1, 0, 1)]
    rows += [(f"b{rater}", f"s{rater % 2}") for rater in range(one_source) for _ in range(4)]
    return pd.DataFrame(rows, columns=["rater_id", "source"])


def test_rater_by_source_stays_where_half_of_the_raters_rated_two_sources():
    rows = raters_with(2, 2)
    kept, _ = kept_and_dropped(rows, terms(("rater_id",), ("rater_id", "source")), cells(rows, "source"))
    assert kept == ["1 | rater_id", "1 | rater_id:source"]


def test_rater_by_source_goes_where_fewer_did():
    rows = raters_with(2, 3)
    kept, dropped = kept_and_dropped(rows, terms(("rater_id",), ("source", "rater_id")), cells(rows, "source"))
    assert kept == ["1 | rater_id"]
    assert dropped == {"(1 | source:rater_id)": "fewer than half of the raters rated two sources or more (2 of 5)"}


def test_the_terms_of_a_grouping_share_its_fate():
    rows = rows_with_levels(1, 4)
    slopes = [RandomTerm("1 | rater_id", ("rater_id",)), RandomTerm("0 + position | rater_id", ("rater_id",))]
    kept, dropped = identified(slopes, rows, np.ones((len(rows), 1)))
    assert kept == [] and [term.term for term in dropped] == ["(1 | rater_id)", "(0 + position | rater_id)"]


def declared(fixed="rating ~ source * domain", **more):
    labels = {"source": ("source",), "domain": ("domain",), "source:domain": ("source", "domain")}
    parts = {"text": fixed, "response": ("rating",), "variables": ("rating", "source", "domain"), "fixed": fixed}
    return Formula(**(parts | {"fixed_terms": labels, "intercept": True, "random": ()} | more))


def posts_in(**domains):
    rows = [(f"{domain}{post}", domain) for domain, posts in domains.items() for post in range(posts)]
    return pd.DataFrame(rows, columns=["post_id", "domain"])


@pytest.mark.parametrize("posts", [{"a": 2, "b": 2}, {"a": 2, "b": 2, "c": 1}])
def test_domain_stays_where_two_domains_have_two_posts(posts):
    assert without_domain(declared(), posts_in(**posts), replicated=True) == ("rating ~ source * domain", [])


def test_domain_goes_where_only_one_has_two_posts():
    why = "1 of its 3 domains have two posts or more; two are needed"
    assert without_domain(declared(), posts_in(a=2, b=1, c=1), replicated=True) == (
        "rating ~ source",
        [Dropped("domain", why), Dropped("source:domain", why)],
    )


def test_a_formula_that_a_config_spells_out_keeps_its_domains():
    assert without_domain(declared(), posts_in(a=1, b=1), replicated=False) == ("rating ~ source * domain", [])


def test_a_single_domain_goes_in_any_case():
    fixed, dropped = without_domain(declared(), posts_in(a=5), replicated=False)
    assert fixed == "rating ~ source"
    assert dropped[0] == Dropped("domain", "the study has a single domain (a)")


def test_what_remains_keeps_its_other_terms_and_its_missing_intercept():
    labels = {"source": ("source",), "log(position)": ("position",), "domain": ("domain",)}
    formula = declared("rating ~ 0 + source + log(position) + domain", fixed_terms=labels, intercept=False)
    assert without_domain(formula, posts_in(a=5), replicated=False)[0] == "rating ~ 0 + source + log(position)"


def test_a_formula_is_composed_of_fixed_part_and_random_terms():
    assert compose("rating ~ source", terms(("rater_id",), ("rater_id", "source"))) == (
        "rating ~ source + (1 | rater_id) + (1 | rater_id:source)"
    )
    assert compose("rating ~ source", []) == "rating ~ source"
