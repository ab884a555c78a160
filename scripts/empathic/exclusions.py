"""Which raters do not enter the models: named rules, in the order that the config gives them.

The simulator asks these same rules whether its raters are what they are meant to be.
"""

from typing import Any

import numpy as np
import pandas as pd

from empathic import coded

REVOKED, PREVIEW, DUPLICATE = "revoked_consent", "preview", "duplicate"


def applied(rules: list[dict[str, Any]]) -> list[str]:
    """The names of the rules that a config's `exclusions` lists, in their order."""
    return [rule["name"] for rule in rules]


def kept_submissions(raters: pd.DataFrame, keep: str) -> np.ndarray:
    """Whether each submission is the one that stays of its participant.

    raters: a row a submission, with person, preview, finished, started (a time, or missing), in the order of the
    exports. keep: first, last, first_finished (the first that was finished; the first where none was). Submissions
    without a time come behind those with one, in the order of the rows. A preview is nobody's submission: it stays.
    """
    real = raters.loc[~raters["preview"].astype(bool), "person"]
    again = raters.loc[real.index[real.duplicated(keep=False)]]
    order = again.sort_values("started", kind="stable", na_position="last")
    if keep == "first_finished":
        unfinished = ~order["finished"].fillna(False).astype(bool)
        order = order.iloc[np.argsort(unfinished.to_numpy(), kind="stable")]
    further = order.duplicated("person", keep="last" if keep == "last" else "first")
    return ~raters.index.isin(further.index[further])


def failures(raters: pd.DataFrame, ratings: pd.DataFrame, rules: list[dict[str, Any]]) -> pd.DataFrame:
    """Tell for each rater which rules it fails, whatever the order.

    raters: a row a submission: rater_id (unique), kept (as `kept_submissions` gives it), preview, finished,
    checks_failed (attention checks failed, or shown and not answered), duration_s (seconds); a column that no rule in
    force asks for may be missing values. ratings: rater_id, rating. rules: the config's `exclusions`; revoked consent
    is decided before, as nothing of such a rater is read.

    Returns one row a rater, in the order of `raters`, and one boolean column a rule, in the rules' order.
    """
    failed = {}
    for rule in rules:
        name = rule["name"]
        if name == PREVIEW:
            failed[name] = raters["preview"].to_numpy(dtype=bool)
        elif name == DUPLICATE:
            failed[name] = ~raters["kept"].to_numpy(dtype=bool)
        elif name == "unfinished":
            failed[name] = ~raters["finished"].to_numpy(dtype=bool)
        elif name == "attention":
            failed[name] = raters["checks_failed"].to_numpy(dtype=int) >= rule["failed"]
        elif name == "too_fast":
            failed[name] = raters["duration_s"].to_numpy(dtype=float) < shortest(raters, rule)
        elif name == "straight_lining":
            failed[name] = straight_lined(raters["rater_id"], ratings, rule["at_least"])
    return pd.DataFrame(failed, index=raters.index)


def shortest(raters: pd.DataFrame, rule: dict[str, Any]) -> float:
    """The shortest time, in seconds, that the rule `too_fast` lets pass; NaN (nobody is too fast) of nobody.

    The median is that of the submissions that stay of each participant, previews apart, and were finished, or of which
    it is not told (D. J. Leiner 2019, Survey Research Methods 13, 229-248, relates times to the median likewise).
    """
    if rule["seconds"] is not None:
        return rule["seconds"]
    counted = raters["kept"].astype(bool) & ~raters["preview"].astype(bool) & raters["finished"].fillna(True)
    return rule["share_of_median"] * raters.loc[counted.astype(bool), "duration_s"].median()


def straight_lined(rater_ids: pd.Series, ratings: pd.DataFrame, at_least: int) -> np.ndarray:
    """Whether each rater gave `at_least` ratings or more, all of them equal."""
    codes, known = coded.parts(ratings["rater_id"])
    rating = ratings["rating"].to_numpy(dtype=float)
    least, most = np.full(len(known), np.inf), np.full(len(known), -np.inf)
    np.minimum.at(least, codes, rating)
    np.maximum.at(most, codes, rating)
    equal = (least == most) & (np.bincount(codes, minlength=len(known)) >= at_least)
    return rater_ids.isin(known[equal]).to_numpy(dtype=bool)


def first_failed(failed: pd.DataFrame) -> pd.Series:
    """The first rule that each rater fails, missing where none; `failed` is what `failures` returns."""
    reason = pd.Series(pd.NA, index=failed.index, dtype="string")
    for rule in reversed(list(failed)):
        reason = reason.mask(failed[rule], rule)
    return reason
