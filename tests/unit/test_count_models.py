"""Negative binomial models of counts: against a plain R script, and what is left out, with why."""

import numpy as np
import pandas as pd
import pytest
from made_up_ratings import plain_r

from empathic import count_models, tables
from empathic.errors import InputError

SOURCES = ["human", "nf4", "fp32"]
SCRIPT = "tests/R/counts.R"


def counted(posts=60, seed=1):
    """Counts of emojis that vary more than a Poisson count; a response without words; no headings by humans."""
    rng = np.random.default_rng(seed)
    rows = []
    for post, mood in enumerate(rng.normal(0, 0.5, posts)):
        for source, effect in zip(SOURCES, (0, 0.5, 0.3), strict=True):
            words = int(rng.integers(40, 120))
            emojis = int(rng.poisson(words * np.exp(effect + mood - 3.5) * rng.gamma(2, 0.5)))
            rows.append([f"{post:013d}{source[:3]}", f"p{post:03d}", source, "observed", words, emojis])
    table = pd.DataFrame(rows, columns=["response_id", "post_id", "source", "origin", "n_words", "emojis"])
    empty = ["e" * 16, "p000", "nf4", "stand_in", 0, 0]
    table = pd.concat([table, pd.DataFrame([empty], columns=list(table))], ignore_index=True)
    return table.assign(headings=(table.source != "human").astype(int))


def compare(table, names, sources=SOURCES):
    return count_models.compare(table, names, sources, file="counts.csv")


@pytest.fixture(scope="module")
def found():
    return compare(counted(), ["emojis", "headings", "n_words", "sentiment", "mtld"])


def test_a_model_gives_what_a_plain_r_script_gives(found, tmp_path):
    counted().rename(columns={"emojis": "count"}).to_csv(tmp_path / "counts.csv", index=False)
    plain_r(SCRIPT, tmp_path / "counts.csv", tmp_path / "out.csv", found=None)
    expected = pd.read_csv(tmp_path / "out.csv").set_index("contrast")

    own = found[found.feature == "emojis"].set_index("contrast")
    assert own.index.tolist() == expected.index.tolist() == ["human - nf4", "human - fp32", "nf4 - fp32"]
    for column in expected:
        assert own[column].tolist() == pytest.approx(expected[column].tolist(), abs=1e-6), column
    assert own.n.tolist() == [180, 180, 180]  # the response without words is left out
    assert set(own.status) == {"converged"} and own.why.isna().all()
    assert own.estimate["human - nf4"] < -0.2  # .5 was put in


def test_what_cannot_be_modelled_has_rows_without_numbers_that_say_why(found, tmp_path):
    left = found[found.feature != "emojis"]

    assert left.groupby("feature").why.unique().map(list).to_dict() == {
        "headings": ["no response of human has any"],
        "n_words": ["it tells a text's size, or is no count"],
        "sentiment": ["it tells a text's size, or is no count"],
        "mtld": ["it tells a text's size, or is no count"],
    }
    assert set(left.status) == {"left out"} and len(left) == 4 * 3
    assert left[["estimate", "std_error", "p_value", "p_adjusted", "theta", "n"]].isna().all(axis=None)
    assert set(found.family_size) == {3}
    tables.COUNT_MODELS.write(tables.COUNT_MODELS.frame(found.to_dict("records")), tmp_path / "table.csv")
    assert tables.COUNT_MODELS.read(tmp_path / "table.csv").origin.tolist()[:3] == ["stand_in", "observed", "stand_in"]


def test_posts_with_one_response_each_bear_no_model_of_posts():
    alone = counted().query("source == 'nf4' or post_id < 'p029'")

    assert (
        compare(alone[alone.n_words > 0], ["emojis"]).why.tolist()
        == ["fewer than half of the posts have two responses"] * 3
    )


def test_one_source_has_nothing_to_be_compared_with():
    assert compare(counted(), ["emojis"], ["nf4"]).empty


def test_an_unknown_feature_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"counts\.csv: no feature 'liwc_emojis' is counted .*; did you mean 'emojis'"):
        compare(counted(), ["liwc_emojis"])


def test_where_r_refuses_the_row_says_what_it_said():
    rows = compare(counted(6).assign(emojis=1), ["emojis"])

    assert rows.estimate.isna().all()
    assert rows.status.tolist() == ["failed"] * 3 and rows.why.tolist() == ["Response is constant"] * 3


def test_what_r_warned_of_stands_beside_the_numbers():
    # Three responses with one each: they vary less than a Poisson count, and theta grows without end.
    rows = compare(counted(6).assign(emojis=lambda table: (table.index < 3).astype(int)), ["emojis"])

    assert rows.status.tolist() == ["converged"] * 3 and rows.why.tolist() == ["iteration limit reached"] * 3
    assert rows.theta[0] > 1000 and rows.p_value.notna().all()
