"""The report's drawings: one theme, colours that colour-blind readers can tell apart, origin said in every picture."""

import contextlib
import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from empathic.origin import weakest
from empathic.report.loading import Study
from empathic.report.words import number

WIDTH = 6.4  # inches
INK, MUTED, BAND = "#1a1a1a", "#5c5c5c", "#e8e8e8"
# Okabe and Ito's palette, the colours that stand out on white.
MAIN, TRUTH, WARNING = "#0072B2", "#D55E00", "#A33A00"
THEME = {
    "figure.dpi": 96,
    "savefig.format": "svg",
    "svg.fonttype": "path",
    # With a fixed salt the same drawing has the same ids, and so the same bytes.
    "svg.hashsalt": "report",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "text.color": INK,
    # A dollar sign in a title is a dollar sign.
    "text.parse_math": False,
}
STAMPS = {"simulated": "SIMULATED RATINGS: no finding", "stand_in": "STAND-IN TEXTS: no finding"}
MANY_ANSWERS = 15
MOST_CONTRASTS = 12
MOST_FEATURES = 18


@contextlib.contextmanager
def themed() -> Iterator[None]:
    """The theme alone, whatever a user's own matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.use("svg")
        matplotlib.rcParams.update(THEME)
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, the same bytes for the same data, and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with themed():
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


@contextlib.contextmanager
def canvas(
    rows: int, columns: int, height: float, origins: Iterable[str], **options
) -> Iterator[tuple[Figure, np.ndarray]]:
    """A figure in the theme, of so many panels, that says so inside where what it shows is not observed.

    height: in inches. origins: of all that is drawn. options: of matplotlib's subplots.
    """
    with themed():
        figure, axes = plt.subplots(
            rows, columns, figsize=(WIDTH, height + 0.3), layout="constrained", squeeze=False, **options
        )
        stamp = STAMPS.get(weakest(origins))
        if stamp:
            figure.suptitle(stamp, color=WARNING, fontsize=9, fontweight="bold", x=0.01, ha="left")
        yield figure, axes


def distribution(study: Study) -> Figure:
    """How often each answer was given, by source: shares of the source's ratings."""
    points = study.item.scale.points
    with canvas(
        len(study.sources), 1, 0.95 * len(study.sources) + 0.4, study.used.origin, sharex=True, sharey=True
    ) as (
        figure,
        panels,
    ):
        for axes, source in zip(panels[:, 0], study.sources, strict=True):
            ratings = study.used.loc[study.used.source == source, "rating"]
            axes.set_title(study.source_title(source))
            if len(points) <= MANY_ANSWERS:
                shares = [100 * (ratings == point).mean() for point in points]
                axes.bar(points, shares, width=0.8 * study.item.scale.step, color=MAIN)
                axes.set_xticks(points)
            else:
                axes.hist(ratings, bins=20, weights=np.full(len(ratings), 100 / len(ratings)), color=MAIN)
            axes.yaxis.set_major_locator(MaxNLocator(3))
        figure.supylabel("Ratings of the source (%)", fontsize=9)
        panels[-1, 0].set_xlabel(f"Rating ({study.item.name})")
    return figure


def means(study: Study) -> Figure:
    """Estimated marginal means by source with 95% intervals; the simulated truth beside them where there is one."""
    table = study.deciding.means
    table = table[table.domain.isna()].set_index("source").loc[study.sources]
    truth = expected_by_source(study)
    with canvas(1, 1, 0.42 * len(table) + 0.9, table.origin) as (figure, panels):
        axes = panels[0, 0]
        places = np.arange(len(table))[::-1]
        _intervals(axes, table, places, MAIN)
        for place, (_, row) in zip(places, table.iterrows(), strict=True):
            axes.annotate(number(row.estimate), (row.estimate, place), (0, 7), textcoords="offset points", ha="center")
        if truth:
            values = [truth[source] for source in table.index]
            axes.plot(values, places, "D", mfc="none", mec=TRUTH, mew=1.4, label="expected by the simulation")
            figure.legend(loc="outside lower center", frameon=False)
        axes.set_yticks(places, [study.source_title(source) for source in table.index])
        axes.set_ylim(-0.6, len(table) - 0.3)
        axes.set_xlabel(f"Estimated mean rating ({_scale(study)})")
    return figure


def contrasts(study: Study) -> Figure:
    """Each contrast over all domains and within each, with 95% intervals; a band holds what is below the SESOI."""
    table = study.deciding.contrasts
    drawn = drawn_contrasts(study)
    within = set(table.by.dropna())
    rows = ["all domains", *(domain for domain in study.domains if domain in within)]
    columns = min(2, len(drawn))
    lines = math.ceil(len(drawn) / columns)
    height = lines * (0.24 * len(rows) + 0.55) + 0.4
    with canvas(lines, columns, height, table.origin, sharex=True, sharey=True) as (figure, panels):
        for axes, contrast in zip(panels.flat, drawn, strict=False):
            part = table[table.contrast == contrast]
            part = part.set_index(part.by.fillna("all domains")).reindex(rows)
            places = np.arange(len(rows))[::-1]
            sesoi = part.sesoi.max()
            axes.axvspan(-sesoi, sesoi, color=BAND, zorder=0)
            axes.axvline(0, color=MUTED, linewidth=0.8)
            _intervals(axes, part, places, [INK, *[MAIN] * (len(rows) - 1)])
            axes.set_title(
                "\n\N{MINUS SIGN} ".join(study.source_title(name) for name in contrast.split(" - ")), fontsize=8
            )
            axes.set_yticks(places, rows)
            axes.set_ylim(-0.6, len(rows) - 0.4)
        for axes in panels.flat[len(drawn) :]:
            axes.set_axis_off()
        figure.supxlabel(f"Difference of mean ratings ({_scale(study)})", fontsize=9)
    return figure


def style(study: Study) -> Figure:
    """The mean by source of the features that differ most, one SD to each side; each panel has its own scale."""
    features = telling_features(study)
    table = study.style[study.style.feature.isin(features)]
    columns = 3
    lines = math.ceil(len(features) / columns)
    places = dict(zip(study.sources, range(len(study.sources))[::-1], strict=True))
    with canvas(lines, columns, lines * (0.3 * len(places) + 0.55), table.origin, sharey=True) as (figure, panels):
        for axes, feature in zip(panels.flat, features, strict=False):
            part = table[table.feature == feature]
            heights = part.source.map(places).astype(float)
            axes.errorbar(part["mean"], heights, xerr=part.std_dev, fmt="o", color=MAIN, markersize=4, elinewidth=1.1)
            axes.set_title(feature.replace("_", " "), fontsize=8)
            axes.set_yticks(
                list(places.values()), [_wrapped(study.source_title(source)) for source in places], fontsize=7
            )
            axes.set_ylim(-0.6, len(places) - 0.4)
            axes.xaxis.set_major_locator(MaxNLocator(3))
            axes.tick_params(axis="x", labelsize=7)
        for axes in panels.flat[len(features) :]:
            axes.set_axis_off()
    return figure


def telling_features(study: Study) -> list[str]:
    """The features in which two sources differ most, in SDs within sources; the first where none are compared."""
    compared = study.style_tables["contrasts"]
    sizes = compared.d.abs().groupby(compared.feature).max().dropna().sort_values(ascending=False, kind="stable")
    return list(sizes.index[:MOST_FEATURES]) or list(dict.fromkeys(study.style.feature))[:MOST_FEATURES]


def drawn_contrasts(study: Study) -> list[str]:
    """The contrasts that a drawing has room for: all, or those with the reference where they are many."""
    every = list(dict.fromkeys(study.deciding.contrasts.contrast))
    if len(every) <= MOST_CONTRASTS:
        return every
    return [contrast for contrast in every if contrast.split(" - ")[0] == study.sources[0]]


def expected_by_source(study: Study) -> dict[str, float]:
    """The expected rating of each source that raters were simulated from; empty where none were."""
    return study.truth["expected"]["source"] if study.truth else {}


def _intervals(axes: Axes, table: pd.DataFrame, places: np.ndarray, colours: str | Sequence[str]) -> None:
    axes.hlines(places, table.conf_low, table.conf_high, color=colours, linewidth=1.6)
    axes.scatter(table.estimate, places, color=colours, s=26, zorder=3)


def _scale(study: Study) -> str:
    scale = study.item.scale
    return f"scale {scale.min:g} to {scale.max:g}"


def _wrapped(title: str) -> str:
    return textwrap.fill(title, 24)
