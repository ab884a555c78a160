"""Verdicts as a drawing, a line a claim: of claims that rest on observed data alone."""

import textwrap

import pandas as pd
from matplotlib.figure import Figure

from empathic.report.figures import BAND, INK, MAIN, TRUTH, canvas

# Told apart by place and by form, so that no colour is needed to read it.
LOOKS = {"replicated": ("o", MAIN), "inconclusive": ("D", INK), "not replicated": ("X", TRUTH)}
LINE = 0.42  # inches a claim


def verdicts(claims: pd.DataFrame) -> Figure:
    """One mark a claim, in the column of its verdict. claims: those decided, on observed data."""
    rows = list(claims.itertuples())[::-1]
    with canvas(1, 1, LINE * len(rows) + 0.5, claims.origin) as (figure, panels):
        axes = panels[0, 0]
        for place, row in enumerate(rows):
            marker, colour = LOOKS[row.verdict]
            axes.axhline(place, color=BAND, linewidth=0.8, zorder=0)
            axes.scatter(list(LOOKS).index(row.verdict), place, marker=marker, color=colour, s=60)
        axes.set_yticks(range(len(rows)), [textwrap.fill(row.statement, 52) for row in rows], fontsize=7)
        axes.set_xticks(range(len(LOOKS)), list(LOOKS))
        axes.xaxis.tick_top()
        axes.set(xlim=(-0.5, len(LOOKS) - 0.5), ylim=(-0.6, len(rows) - 0.4))
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure
