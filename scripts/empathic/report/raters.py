"""The raters as a reader meets them: rules of exclusion, participant flow, demographics, assignment, reliability."""

from typing import Any

import pandas as pd

from empathic.report import blocks, flow_figure
from empathic.report.loading import Run, Study
from empathic.report.words import MISSING, Prose, count, counted, is_missing, listing, number, prose, share

STEPS = {"entered": "Entered", "excluded": "Excluded", "remaining": "Remain"}
REASONS = {
    "identical row": "the same row of the export once more",
    "revoked_consent": "took the consent back",
    "preview": "preview of the survey",
    "duplicate": "further submission of one participant",
    "unfinished": "did not finish the survey",
    "attention": "failed attention checks",
    "too_fast": "too fast",
    "straight_lining": "gave the same answer throughout",
}
KEPT = {"first": "the first", "last": "the last", "first_finished": "the first that was finished, else the first"}
LEAST_SHOWN = 5  # A cell of fewer people might tell who they are.


def exclusions(study: Study) -> Prose:
    """The rules that took raters out, in the order in which they were asked."""
    parts = [_rule(rule) for rule in study.settings["ratings"]["exclusions"]]
    return Prose(
        "Taken out of the models, by the first of these rules that they failed, were submissions that "
        f"{listing(parts, 'or')}."
    )


def _rule(rule: dict[str, Any]) -> str:
    said = {
        "revoked_consent": "came from a participant who took the consent back (of these nothing is kept but a count)",
        "preview": "were previews of the survey",
        "duplicate": f"were not {KEPT[rule.get('keep', 'first')]} of their participant",
        "unfinished": "did not reach the end of the survey",
        "attention": f"failed {counted(rule.get('failed', 1), 'attention check')} or more of those shown",
        "straight_lining": f"gave the same answer in all of at least {counted(rule.get('at_least', 0), 'rating')}",
    }
    return said.get(rule["name"]) or _too_fast(rule)


def _too_fast(rule: dict[str, Any]) -> str:
    if rule["seconds"] is not None:
        return f"took less than {number(rule['seconds'], 0)} s"
    return f"took less than {number(rule['share_of_median'])} of the median time of finished submissions"


def flow(study: Study) -> str:
    """Figure: the participant flow."""
    table = study.flow
    first, last = table.iloc[0], table.iloc[-1]
    left = table[(table.step == "excluded") & (table.raters + table.ratings > 0)]
    boxes = listing(f"{_raters(row.raters)} ({_reason(row.reason)})" for row in left.itertuples())
    alt = (
        f"A flow from {_raters(first.raters)} who entered to {_raters(last.raters)} who remain; "
        f"{f'beside it those who left: {boxes}' if len(left) else 'nobody left'}."
    )
    caption = f"{prose(study.title)}: participant flow{_made(study)}. Each box counts raters and their ratings."
    return blocks.figure(f"{study.name}-flow-chart", caption, flow_figure.flow(study, _reason), alt, table)


def flow_table(study: Study) -> str:
    """What entered, what left and why, what remains."""
    table = study.flow
    steps = [
        STEPS[row.step] + ("" if pd.isna(row.reason) else f": {_reason(row.reason)}") for row in table.itertuples()
    ]
    columns = [
        blocks.words("Step", steps),
        blocks.numbers("Raters", [count(value) for value in table.raters]),
        blocks.numbers("Ratings", [count(value) for value in table.ratings]),
        blocks.numbers("Raters failing it at all", [_any(value) for value in table.raters_any]),
    ]
    caption = (
        f"{prose(study.title)}: participant flow{_made(study)}. A rater is counted under the first rule failed; the "
        "last column counts all who fail the rule, in whatever order."
    )
    return blocks.table(f"{study.name}-flow", caption, columns)


def _raters(value: int) -> str:
    return counted(int(value), "rater")


def _any(value) -> str:
    return "" if pd.isna(value) else count(value)


def _reason(reason: str) -> str:
    return REASONS.get(reason, reason)


def _made(study: Study) -> str:
    return " of simulated raters" if study.simulated else ""


def assignment(run: Run, study: Study) -> Prose:
    """Who saw what, as planned and as found."""
    simulate = study.settings["ratings"]["simulate"]
    each = counted(int(study.used.groupby("rater_id").size().median()), "rating")
    planned = f"The median rater gave {each} that the models read."
    if simulate is not None:
        posts = counted(simulate["posts_per_rater"], "post")
        planned = (
            f"Each simulated rater saw {posts}, spread over the domains, with every source of each: {each}. "
            f"This assignment is ours{'; the paper&#39;s is not known here' if run.about_paper else ''}."
        )
    found = study.assignment["responses"].remaining
    return Prose(
        f"{planned} Each response was rated by {_range(found)} of the raters who remain (median "
        f"{number(found.median(), 1)})."
    )


def assignment_table(study: Study) -> str:
    """Table: for each source how its responses were spread over raters and places, before and after exclusions."""
    rows = [_assigned(study, source) for source in study.sources]
    heads = ("Ratings of a response, before", "after", "Responses of it a rater saw", "Mean place, before", "after ")
    columns = [
        blocks.words("Source", [study.source_title(source) for source in study.sources]),
        *(blocks.numbers(head.strip(), cells) for head, cells in zip(heads, zip(*rows, strict=True), strict=True)),
    ]
    caption = (
        f"{prose(study.title)}: assignment as found, before and after the exclusions: the fewest and most ratings of a "
        "response, the fewest and most responses of the source that a remaining rater saw, and the mean place of the "
        f"source in the raters' sequences{' (simulated)' if study.simulated else ''}. The tables under assignment/ "
        "have each response, rater, domain and place."
    )
    return blocks.table(f"{study.name}-assignment", caption, columns)


def _assigned(study: Study, source: str) -> list[str]:
    rated = study.assignment["responses"]
    rated = rated[rated.source == source]
    seen = study.assignment["raters"]
    seen = seen[seen.rater_id.isin(seen.loc[seen.remaining > 0, "rater_id"])]
    by_rater = seen[seen.source == source].groupby("rater_id").remaining.sum()
    by_rater = by_rater.reindex(seen.rater_id.unique(), fill_value=0)
    places = study.assignment["positions"]
    places = places[places.source == source]
    return [
        _range(rated.entered),
        _range(rated.remaining),
        _range(by_rater),
        *(number(_mean_place(places, which)) for which in ("entered", "remaining")),
    ]


def _mean_place(places: pd.DataFrame, which: str) -> float | None:
    total = places[which].sum()
    return float((places.position * places[which]).sum() / total) if total else None


def _range(values: pd.Series) -> Prose:
    if not len(values):
        return Prose(MISSING)
    low, high = int(values.min()), int(values.max())
    return Prose(count(low) if low == high else f"{count(low)} to {count(high)}")


def demographics_table(study: Study) -> str:
    """Table: what is told of the raters who remain; cells of fewer than five are not shown."""
    names = study.settings["ratings"]["demographics"]
    kept = study.raters[study.raters.included]
    cells = [(name, value, shown) for name in names for value, shown in cells_of(kept[name])]
    if not cells:
        return "No demographics of the raters are kept."
    columns = [
        blocks.words("Told", [name.replace("_", " ") for name, _, _ in cells]),
        blocks.words("Answer", [value for _, value, _ in cells]),
        blocks.numbers("Raters", [shown for _, _, shown in cells]),
    ]
    caption = (
        f"{prose(study.title)}: the {_raters(len(kept))} who remain{_made(study)}. Cells of fewer than "
        f"{count(LEAST_SHOWN)} are not shown, nor is a cell by which one of them could be reckoned."
    )
    return blocks.table(f"{study.name}-demographics", caption, columns)


def cells_of(answers: pd.Series) -> list[tuple[str, str]]:
    """Each answer with how many gave it, small numbers suppressed.

    Where those suppressed are a single cell, or fewer than LEAST_SHOWN in all, the next smallest goes, too: what lacks
    to the number of raters would tell it.
    """
    counts = answers.fillna("not told").value_counts().sort_index()
    rising = counts.sort_values(kind="stable")
    hidden = list(rising.index[rising < LEAST_SHOWN])
    rest = [answer for answer in rising.index if answer not in hidden]
    while hidden and rest and (len(hidden) < 2 or rising[hidden].sum() < LEAST_SHOWN):
        hidden.append(rest.pop(0))
    few = f"fewer than {LEAST_SHOWN}"
    return [
        (answer, (few if value < LEAST_SHOWN else "not shown") if answer in hidden else str(count(value)))
        for answer, value in counts.items()
    ]


def agreement_table(study: Study) -> str:
    """Table: ratings of a response, and how far raters agree, by source."""
    rows = list(study.reliability["agreement"].itertuples())
    columns = [
        blocks.words("Source", [_source(study, row.source) for row in rows]),
        blocks.words("Item", [row.item for row in rows]),
        blocks.numbers("Ratings", [count(row.ratings) for row in rows]),
        blocks.numbers("Responses", [count(row.responses) for row in rows]),
        blocks.numbers(
            "Ratings of a response",
            [f"{count(row.per_response_low)} to {count(row.per_response_high)}" for row in rows],
        ),
        blocks.numbers("Alpha, ordinal", [_estimated(row, row.alpha_ordinal) for row in rows]),
        blocks.numbers("ICC(1)", [_estimated(row, row.icc_1) for row in rows]),
        blocks.numbers("ICC(k)", [_estimated(row, row.icc_k) for row in rows]),
        blocks.numbers("k", [number(row.k, 1) for row in rows]),
    ]
    caption = (
        f"{prose(study.title)}: how far raters agree on responses{' (simulated raters)' if study.simulated else ''}: "
        "Krippendorff's alpha for ordinal data, and intraclass correlations of one rating and of the mean of k, "
        "responses being rated by raters of their own (one-way)."
    )
    return blocks.table(f"{study.name}-agreement", caption, columns)


def _source(study: Study, source: Any) -> str:
    return "all sources" if is_missing(source) else study.source_title(source)


def _estimated(row, value: float) -> str:
    return number(value) if is_missing(row.why) else "not estimable"


def not_estimable(study: Study) -> str:
    """Why agreement lacks somewhere, a line each; empty where it does not."""
    table = study.reliability["agreement"]
    lacks = table[table.why.notna()]
    return blocks.listed(
        f"{prose(_source(study, row.source))}, {prose(row.item)}: {prose(row.why)}." for row in lacks.itertuples()
    )


def scales_table(study: Study) -> str:
    """Table: alpha and omega of the averages of several items."""
    rows = list(study.reliability["scales"].itertuples())
    if not rows:
        return ""
    columns = [
        blocks.words("Source", [_source(study, row.source) for row in rows]),
        blocks.words("Average", [row.scale for row in rows]),
        blocks.numbers("Items", [count(row.items) for row in rows]),
        blocks.numbers("Answered in full", [f"{count(row.complete)} of {count(row.answered)}" for row in rows]),
        blocks.numbers("Averaged", [count(row.averaged) for row in rows]),
        blocks.numbers("Omega", [number(row.omega) for row in rows]),
        blocks.numbers("Alpha", [number(row.alpha) for row in rows]),
    ]
    caption = (
        f"{prose(study.title)}: items that are averaged into one{' (simulated raters)' if study.simulated else ''}: "
        "McDonald's omega of one factor (of two items there is none) and Cronbach's alpha."
    )
    return blocks.table(f"{study.name}-scales", caption, columns)


def scale_use(study: Study) -> Prose:
    """How raters used the scale of the primary item."""
    table = study.reliability["scale_use"]
    table = table[table.included & (table.item == study.item.name)]
    points = len(study.item.scale.points)
    constant = int((table.distinct == 1).sum())
    return Prose(
        f"Of the {_raters(len(table))} who remain, {_few(constant)} gave one answer throughout; the median rater used "
        f"{number(table.distinct.median(), 1)} of {count(points)} answers, gave the most used one "
        f"{share(round(1000 * table.most_used_share.median()), 1000)} of the time, and had a standard deviation of "
        f"{number(table.std_dev.median())}."
    )


def _few(people: int) -> str:
    return f"fewer than {LEAST_SHOWN}" if 0 < people < LEAST_SHOWN else count(people)
