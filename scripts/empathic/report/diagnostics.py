"""Whether a study's deciding model may be believed: its residuals, and its random effects."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from empathic.report import blocks
from empathic.report.figures import MAIN, MUTED, canvas, grid
from empathic.report.loading import Study
from empathic.report.words import count, counted, listing, prose

MOST_POINTS = 400  # of a QQ plot: of more residuals, so many evenly spread over the ranks
SAID = {
    "rater_id": "raters",
    "post_id": "posts",
    "response_id": "responses",
    "rater_id:source": "raters within sources",
}


def residuals(study: Study) -> str:
    """Figure: the residuals of the deciding model against what it expects, and against a normal distribution."""
    table = study.deciding.residuals
    if table.empty:
        return "The deciding model is ordinal, and has no residuals to be drawn."
    caption = (
        f"{prose(study.title)}: residuals of the deciding model{_made(study)}. Left: against the fitted ratings, "
        "darker where there are more; stripes are the answers of the scale. Right: quantiles against those of a normal "
        "distribution, which would lie on the line."
    )
    alt = (
        f"Two panels of {counted(len(table), 'residual')}: a density of residuals over fitted ratings, and a normal "
        "quantile plot with the line of a normal distribution."
    )
    return blocks.figure(f"{study.name}-residuals", caption, _residuals(study), alt, table)


def _residuals(study: Study) -> Figure:
    table = study.deciding.residuals
    with canvas(1, 2, 2.7, table.origin) as (figure, panels):
        spread, quantiles = panels[0]
        spread.hexbin(table.fitted, table.residual, gridsize=28, bins="log", mincnt=1, cmap="Blues", linewidths=0.1)
        spread.axhline(0, color=MUTED, linewidth=0.8)
        spread.set(xlabel="Fitted rating", ylabel="Residual")
        shown = thinned(table.sort_values("normal_quantile", kind="stable"))
        line = table.residual.std() * shown.normal_quantile
        quantiles.plot(shown.normal_quantile, line, color=MUTED, linewidth=0.8)
        quantiles.scatter(shown.normal_quantile, shown.residual, s=8, color=MAIN)
        quantiles.set(xlabel="Normal quantile", ylabel="Residual")
    return figure


def thinned(table: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_POINTS rows, evenly spread, the first and the last among them."""
    if len(table) <= MOST_POINTS:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, MOST_POINTS).round().astype(int)]


def random_effects(study: Study) -> str:
    """Figure: how the conditional modes of each grouping of the deciding model are spread."""
    table = study.deciding.random_effects
    if table.empty:
        return "The deciding model has no random effects."
    groups = table.groupby("group", sort=False).size()
    said = listing(f"{count(size)} {prose(SAID.get(group, group))}" for group, size in groups.items())
    caption = (
        f"{prose(study.title)}: conditional modes of the random effects of the deciding model{_made(study)}: {said}. "
        "They are shrunken towards zero, the more the less is known of a level."
    )
    alt = f"Histograms of the conditional modes, one for each of: {said}."
    return blocks.figure(f"{study.name}-random-effects", caption, _random_effects(study), alt, table)


def _random_effects(study: Study) -> Figure:
    table = study.deciding.random_effects
    parts = list(table.groupby(["group", "term"], sort=False))
    with grid(len(parts), (1.5, 0.2), table.origin) as (figure, panels):
        for axes, ((group, term), rows) in zip(panels, parts, strict=True):
            axes.hist(rows.estimate, bins=24, color=MAIN)
            axes.set_title(SAID.get(group, group) + ("" if term == "(Intercept)" else f": {term}"), fontsize=8)
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        figure.supxlabel(f"Conditional mode, {study.deciding.units}", fontsize=9)
        figure.supylabel("Levels", fontsize=9)
    return figure


def _made(study: Study) -> str:
    return ", fitted to simulated ratings" if study.simulated else ""
