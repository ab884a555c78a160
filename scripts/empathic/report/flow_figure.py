"""The participant flow as a drawing: from those who entered, past those who left by each rule, to those who remain."""

import textwrap
from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empathic.report.figures import BAND, INK, MAIN, MUTED, canvas
from empathic.report.loading import Study
from empathic.report.words import counted

LEFT, RIGHT = 0.24, 0.55  # the middle of the boxes on the left, and where those on the right begin; of the width
LINE = 0.62  # inches a row of boxes


def flow(study: Study, said: Callable[[str], str]) -> Figure:
    """One box for those who entered and one for those who remain; beside them one for each rule that took somebody out.

    said: gives the words of a reason.
    """
    table = study.flow
    left = table[(table.step == "excluded") & (table.raters + table.ratings > 0)]
    lines = len(left) + 2
    with canvas(1, 1, LINE * lines, study.ratings.origin) as (figure, panels):
        axes = panels[0, 0]
        axes.set_axis_off()
        axes.set(xlim=(0, 1), ylim=(-0.5, lines - 0.5))
        axes.annotate(
            "", (LEFT, 0.3), (LEFT, lines - 1.3), arrowprops={"arrowstyle": "->", "color": MUTED, "shrinkA": 0}
        )
        _box(axes, LEFT, lines - 1, "Entered", table.iloc[0], INK)
        _box(axes, LEFT, 0, "Remain", table.iloc[-1], MAIN)
        for place, row in zip(range(lines - 2, 0, -1), left.itertuples(), strict=True):
            axes.annotate(
                "", (RIGHT - 0.02, place), (LEFT, place), arrowprops={"arrowstyle": "->", "color": MUTED, "shrinkA": 0}
            )
            _box(axes, RIGHT, place, said(row.reason).capitalize(), row, MUTED)
    return figure


def _box(axes: Axes, across: float, place: int, title: str, row: pd.Series, edge: str) -> None:
    numbers = f"{counted(int(row.raters), 'rater')}, {counted(int(row.ratings), 'rating')}"
    axes.text(
        across,
        place,
        f"{textwrap.fill(title, 34)}\n{numbers}",
        ha="center" if across == LEFT else "left",
        va="center",
        fontsize=8,
        bbox={"boxstyle": "round,pad=0.45", "facecolor": "white" if edge != MUTED else BAND, "edgecolor": edge},
    )
