"""The participant flow: what entered, what left by which rule, what remains; its sums are checked when it is made."""

from dataclasses import dataclass

import pandas as pd

from empathic import exclusions, tables

# Steps that stand in no config: they are in the flow where they took something out.
REPEATED, OTHER_SOURCE, NO_RATINGS = "identical row", "source not in this study", "no ratings"


@dataclass(frozen=True)
class Number:
    """So many raters, with so many ratings. Of those who took their consent back it is all that is kept."""

    raters: int
    ratings: int


NOBODY = Number(0, 0)


def participant_flow(
    raters: pd.DataFrame,
    ratings: pd.DataFrame,
    failed: pd.DataFrame,
    revoked: Number,
    rules: list[str],
    repeated: Number = NOBODY,
) -> pd.DataFrame:
    """Make tables.FLOW.

    raters: rater_id, included, reason; ratings: the same, a row a rating as it was given (`failed` in the order of
    raters, one boolean column a step, whatever the order of the steps). rules: the names that the config lists.
    repeated: submissions that an export holds once more, which are in neither table.

    Raises AssertionError where what entered is not what left and what remains.
    """
    entered = {
        "raters": len(raters) + revoked.raters + repeated.raters,
        "ratings": len(ratings) + revoked.ratings + repeated.ratings,
    }
    rows = [{"step": "entered"} | entered]
    rows += [_excluded(REPEATED, repeated, repeated)] if repeated != NOBODY else []
    rows += [_excluded(exclusions.REVOKED, revoked, revoked)]
    given = raters["rater_id"].map(ratings["rater_id"].value_counts()).fillna(0).astype(int)
    took = {"raters": raters["reason"].value_counts(), "ratings": ratings["reason"].value_counts()}
    for step in failed:
        out = Number(int(took["raters"].get(step, 0)), int(took["ratings"].get(step, 0)))
        if step in rules or out.raters or out.ratings:
            # A source leaves by its ratings, also where the rater stays.
            fails = failed[step].to_numpy(dtype=bool)
            ratings_any = out.ratings if step == OTHER_SOURCE else int(given[fails].sum())
            rows.append(_excluded(step, out, Number(int(fails.sum()), ratings_any)))
    remaining = {"raters": int(raters["included"].sum()), "ratings": int(ratings["included"].sum())}
    for unit, left in remaining.items():
        out_of_it = sum(row[unit] for row in rows[1:])
        if entered[unit] - out_of_it != left:
            raise AssertionError(f"{unit} are lost: {entered[unit]} entered, {out_of_it} excluded, {left} remain")
    rows.append({"step": "remaining"} | remaining)
    return tables.FLOW.frame(dict.fromkeys(tables.FLOW.names) | row for row in rows)


def _excluded(step: str, first: Number, any_order: Number) -> dict:
    return {
        "step": "excluded",
        "reason": step,
        "raters": first.raters,
        "ratings": first.ratings,
        "raters_any": any_order.raters,
        "ratings_any": any_order.ratings,
    }
