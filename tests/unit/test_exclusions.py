import numpy as np
import pandas as pd

from empathic import exclusions

ALL = {"unfinished": True, "attention": {"failed": 2}, "too_fast_s": 60, "straight_lining": 3}


def raters(**facts):
    table = {"rater_id": ["a", "b", "c"], "finished": True, "checks_failed": 0, "duration_s": 100.0}
    return pd.DataFrame({**table, **facts})


def ratings(**given):
    rows = [(rater, rating) for rater, answers in given.items() for rating in answers]
    return pd.DataFrame(rows, columns=["rater_id", "rating"])


def test_each_rule_holds_from_its_limit_on():
    failed = exclusions.failures(
        raters(finished=[True, False, True], checks_failed=[1, 2, 3], duration_s=[59.9, 60, 61]),
        ratings(a=[4, 4], b=[4, 4, 4], c=[4, 4, 4, 5]),
        ALL,
    )

    assert failed.to_dict("list") == {
        "unfinished": [False, True, False],
        "attention": [False, True, True],
        "too_fast": [True, False, False],
        "straight_lining": [False, True, False],
    }


def test_the_first_rule_failed_is_the_reason_whatever_else_is_failed():
    failed = exclusions.failures(
        raters(finished=[False, True, True], checks_failed=[2, 2, 0], duration_s=[1, 1, 99]), ratings(c=[1, 2, 3]), ALL
    )

    assert exclusions.first_failed(failed).fillna("none").tolist() == ["unfinished", "attention", "none"]


def test_rules_that_are_off_ask_for_nothing():
    off = {"unfinished": False, "attention": None, "too_fast_s": None, "straight_lining": None}
    unknown = raters(finished=pd.NA, checks_failed=pd.NA, duration_s=np.nan)

    failed = exclusions.failures(unknown, ratings(a=[1, 1, 1]), off)

    assert failed.shape == (3, 0)
    assert exclusions.first_failed(failed).isna().all()


def test_a_limit_of_no_seconds_is_a_rule_that_nobody_fails():
    rules = {**ALL, "too_fast_s": 0}

    assert exclusions.applied(rules) == ["unfinished", "attention", "too_fast", "straight_lining"]
    assert not exclusions.failures(raters(duration_s=0.0), ratings(), rules)["too_fast"].any()
