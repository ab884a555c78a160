"""Which raters do not enter the models: named rules, applied in a fixed order.

The simulator asks these same rules whether its raters are what they are meant to be.
"""

from typing import Any

import numpy as np
import pandas as pd

RULES = ("unfinished", "attention", "too_fast", "straight_lining")


def applied(rules: dict[str, Any]) -> list[str]:
    """The rules that a config's `exclusions` switches on, in their order."""
    switches = {**rules, "too_fast": rules["too_fast_s"] is not None}
    return [rule for rule in RULES if switches[rule]]


def failures(raters: pd.DataFrame, ratings: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """Tell for each rater which rules it fails, whatever the order.

    raters: rater_id (unique), finished, checks_failed (attention checks failed or not answered), duration_s (seconds);
    a column that no rule in force asks for may be missing values. ratings: rater_id, rating. rules: the config's
    `exclusions`.

    Returns one row a rater, in the order of `raters`, and one boolean column a rule in force, in the rules' order.
    """
    failed = {}
    for rule in applied(rules):
        if rule == "unfinished":
            failed[rule] = ~raters["finished"].to_numpy(dtype=bool)
        elif rule == "attention":
            failed[rule] = raters["checks_failed"].to_numpy(dtype=int) >= rules["attention"]["failed"]
        elif rule == "too_fast":
            failed[rule] = raters["duration_s"].to_numpy(dtype=float) < rules["too_fast_s"]
        else:
            failed[rule] = straight_lined(raters["rater_id"], ratings, rules["straight_lining"])
    return pd.DataFrame(failed, index=raters.index)


def straight_lined(rater_ids: pd.Series, ratings: pd.DataFrame, at_least: int) -> np.ndarray:
    """Whether each rater gave `at_least` ratings or more, all of them equal."""
    given = ratings.groupby("rater_id")["rating"].agg(["size", "min", "max"])
    equal = given.index[(given["size"] >= at_least) & (given["min"] == given["max"])]
    return rater_ids.isin(equal).to_numpy(dtype=bool)


def first_failed(failed: pd.DataFrame) -> pd.Series:
    """The first rule that each rater fails, missing where none; `failed` is what `failures` returns."""
    reason = pd.Series(pd.NA, index=failed.index, dtype="string")
    for rule in reversed(list(failed)):
        reason = reason.mask(failed[rule], rule)
    return reason
