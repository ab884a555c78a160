"""The rules of a run as a drawing, without `dot`: in rows, each rule below all that feed it."""

import pandas as pd
from matplotlib.figure import Figure

from empathic.report.figures import INK, MUTED, canvas

LINE = 0.62  # inches a row of rules
EDGE = 0.2  # from the middle of a box to its edge; of a row
MOST = 4  # rules beside each other: of more in a row, the rest stand a row lower


def levels(rules: pd.DataFrame) -> dict[str, int]:
    """How far down each rule stands: one below the lowest rule that feeds it. rules: as tables.RULES."""
    feeding = {rule: set(rows.fed_by.dropna()) for rule, rows in rules.groupby("rule", sort=False)}
    found: dict[str, int] = {}
    while len(found) < len(feeding):
        ready = [rule for rule in feeding if rule not in found and feeding[rule] <= set(found)]
        found |= {rule: 1 + max((found[before] for before in feeding[rule]), default=-1) for rule in ready}
    return found


def direct(rules: pd.DataFrame) -> list[tuple[str, str]]:
    """The (fed_by, rule) that no chain of other rules says already: all that can be drawn and still be read."""
    feeding = {rule: set(rows.fed_by.dropna()) for rule, rows in rules.groupby("rule", sort=False)}
    behind: dict[str, set[str]] = {}
    for rule in sorted(feeding, key=levels(rules).__getitem__):
        behind[rule] = feeding[rule].union(*(behind[before] for before in feeding[rule]))
    return [
        (before, rule)
        for rule in feeding
        for before in sorted(feeding[rule])
        if not any(before in behind[other] for other in feeding[rule])
    ]


def rules(table: pd.DataFrame) -> Figure:
    """One box a rule, an arrow to each rule that it feeds. table: as tables.RULES."""
    places = _places(levels(table))
    lowest = min(height for _, height in places.values())
    with canvas(1, 1, LINE * (1 - lowest) + 0.1, ["observed"]) as (figure, panels):
        axes = panels[0, 0]
        axes.set_axis_off()
        axes.set(xlim=(0, 1), ylim=(lowest - 0.5, 0.5))
        for before, rule in direct(table):
            line = {"arrowstyle": "->", "color": MUTED, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0}
            (x_from, y_from), (x_to, y_to) = places[before], places[rule]
            axes.annotate("", (x_to, y_to + EDGE), (x_from, y_from - EDGE), arrowprops=line, zorder=1)
        for rule, (across, height) in places.items():
            box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": INK, "linewidth": 0.8}
            axes.text(across, height, rule.replace("_", " "), ha="center", va="center", fontsize=7.5, bbox=box)
    return figure


def _places(found: dict[str, int]) -> dict[str, tuple[float, float]]:
    places, height = {}, 0.0
    for level in range(max(found.values()) + 1):
        row = sorted(rule for rule in found if found[rule] == level)
        for start in range(0, len(row), MOST):
            part = row[start : start + MOST]
            for place, rule in enumerate(part):
                places[rule] = ((place + 0.5) / len(part), height)
            height -= 1.0
    return places
