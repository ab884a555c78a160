import numpy as np
import pandas as pd
import pytest

from empathic import exclusions

ALL = [
    {"name": "preview"},
    {"name": "duplicate", "keep": "first"},
    {"name": "unfinished"},
    {"name": "attention", "failed": 2},
    {"name": "too_fast", "seconds": 60, "share_of_median": None},
    {"name": "straight_lining", "at_least": 3},
]


def raters(**facts):
    table = {"rater_id": ["a", "b", "c"], "kept": True, "preview": False, "finished": True}
    return pd.DataFrame({**table, "checks_failed": 0, "duration_s": 100.0, **facts})


def ratings(**given):
    rows = [(rater, rating) for rater, answers in given.items() for rating in answers]
    return pd.DataFrame(rows, columns=["rater_id", "rating"])


def test_each_rule_holds_from_its_limit_on():
    failed = exclusions.failures(
        raters(
            preview=[False, False, True],
            kept=[True, False, True],
            finished=[True, False, True],
            checks_failed=[1, 2, 3],
            duration_s=[59.9, 60, 61],
        ),
        ratings(a=[4, 4], b=[4, 4, 4], c=[4, 4, 4, 5]),
        ALL,
    )

    assert failed.to_dict("list") == {
        "preview": [False, False, True],
        "duplicate": [False, True, False],
        "unfinished": [False, True, False],
        "attention": [False, True, True],
        "too_fast": [True, False, False],
        "straight_lining": [False, True, False],
    }


@pytest.mark.parametrize(("order", "reasons"), [(1, ["unfinished", "attention"]), (-1, ["too_fast", "too_fast"])])
def test_the_first_rule_of_the_config_that_is_failed_is_the_reason_whatever_else_is_failed(order, reasons):
    failed = exclusions.failures(
        raters(finished=[False, True, True], checks_failed=[2, 2, 0], duration_s=[1, 1, 99]),
        ratings(c=[1, 2, 3]),
        ALL[::order],
    )

    assert list(failed) == [rule["name"] for rule in ALL[::order]]
    assert exclusions.first_failed(failed).fillna("none").tolist() == [*reasons, "none"]


def test_rules_that_are_not_listed_ask_for_nothing():
    unknown = raters(finished=pd.NA, checks_failed=pd.NA, duration_s=np.nan)

    failed = exclusions.failures(unknown, ratings(a=[1, 1, 1]), [])

    assert failed.shape == (3, 0)
    assert exclusions.first_failed(failed).isna().all()


def test_a_limit_of_no_seconds_is_a_rule_that_nobody_fails():
    rules = [{"name": "too_fast", "seconds": 0, "share_of_median": None}]

    assert exclusions.applied(rules) == ["too_fast"]
    assert not exclusions.failures(raters(duration_s=0.0), ratings(), rules)["too_fast"].any()


def test_the_median_of_too_fast_is_that_of_finished_submissions_that_stay_previews_apart():
    table = pd.DataFrame(
        {
            "rater_id": list("abcdef"),
            "kept": [True, True, True, False, True, True],
            "preview": [False, False, False, False, True, False],
            "finished": pd.array([True, True, pd.NA, True, True, False], "boolean"),
            "duration_s": [100.0, 49.9, 200.0, 50.0, 1.0, 9999.0],
        }
    )
    rule = {"name": "too_fast", "seconds": None, "share_of_median": 0.5}

    assert exclusions.shortest(table, rule) == 0.5 * 100
    assert exclusions.failures(table, ratings(), [rule])["too_fast"].tolist() == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]


def submissions(**facts):
    table = {
        "person": ["ann", "ann", "ann", "bob", "bob"],
        "preview": False,
        "finished": True,
        "started": pd.to_datetime(["2031-01-02", "2031-01-01", None, None, None]),
    }
    return pd.DataFrame({**table, **facts})


@pytest.mark.parametrize(
    ("keep", "finished", "kept"),
    [
        ("first", True, [False, True, False, True, False]),
        ("last", True, [False, False, True, False, True]),
        ("first_finished", [True, False, True, False, False], [True, False, False, True, False]),
        ("first_finished", [False, False, True, False, True], [False, False, True, False, True]),
        ("first_finished", pd.array([pd.NA] * 5, "boolean"), [False, True, False, True, False]),
    ],
)
def test_of_several_submissions_the_declared_one_stays_by_time_then_by_row(keep, finished, kept):
    assert exclusions.kept_submissions(submissions(finished=finished), keep).tolist() == kept


def test_a_preview_is_nobodys_submission():
    previews = submissions(preview=[False, True, False, True, False])

    assert exclusions.kept_submissions(previews, "first").tolist() == [True, True, False, True, True]
