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
# The rest of it, dark enough on white, for sources drawn together: told apart by marker, too.
SHADES = ("#0072B2", "#D55E00", "#006B4F", "#BF5E95", "#1a1a1a", "#8A6D00", "#2F8FC4", "#5c5c5c")
MARKERS = "osD^vPX<"
THEME = {
    "figure.dpi": 96,
    "savefig.format": "svg",
    "svg.fonttype": "path",
    # With a fixed salt the same drawing has the same ids, and so the same bytes.
    "svg.hashsalt": "report",
    # Letters in a PDF stay letters.
    "pdf.fonttype": 42,
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
    """Write a figure as SVG and, beside it, as PDF, the same bytes for the same data, and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with themed():
        figure.savefig(path, metadata={"Date": None})
        # The places of all parts are found; finding them again would take as long as the drawing.
        figure.set_layout_engine("none")
        figure.savefig(path.with_suffix(".pdf"), format="pdf", metadata={"CreationDate": None})
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


@contextlib.contextmanager
def grid(parts: int, heights: tuple[float, float], origins: Iterable[str], **options) -> Iterator[tuple[Figure, list]]:
    """A canvas of so many panels, two to a line, and these panels in their order.

    heights: of a line of panels, and of what stands around them, in inches. origins, options: canvas.
    """
    columns = min(2, parts)
    lines = math.ceil(parts / columns)
    with canvas(lines, columns, lines * heights[0] + heights[1], origins, **options) as (figure, panels):
        for unused in panels.flat[parts:]:
            unused.set_axis_off()
        yield figure, list(panels.flat[:parts])


def distribution(study: Study) -> Figure:
    """How often each answer was given, by source: shares of the source's ratings."""
    given = answers(study)
    width = 0.8 * study.item.scale.step * together(study)
    with canvas(
        len(study.sources), 1, 0.95 * len(study.sources) + 0.4, study.used.origin, sharex=True, sharey=True
    ) as (
        figure,
        panels,
    ):
        for axes, source in zip(panels[:, 0], study.sources, strict=True):
            own = given[given.source == source]
            axes.set_title(study.source_title(source))
            axes.bar(own.rating, 100 * own.share, width=width, color=MAIN)
            if together(study) == 1:
                axes.set_xticks(study.item.scale.points)
            axes.yaxis.set_major_locator(MaxNLocator(3))
        figure.supylabel("Ratings of the source (%)", fontsize=9)
        panels[-1, 0].set_xlabel(f"Rating ({study.item.name})")
    return figure


def means(study: Study) -> Figure:
    """Estimated marginal means by source with 95% intervals, over the ratings themselves; the simulated truth beside.

    The ratings are circles at the answers as `answers` has them, their area as the share of the source.
    Means on the scale of a link stand alone.
    """
    table = study.deciding.shown_means
    table = table[table.domain.isna()].set_index("source").loc[study.sources]
    truth = expected_by_source(study)
    with canvas(1, 1, 0.55 * len(table) + 0.9, table.origin) as (figure, panels):
        axes = panels[0, 0]
        places = np.arange(len(table))[::-1]
        if study.deciding.tells_ratings:
            given = answers(study)
            heights = given.source.map(dict(zip(table.index, places, strict=True)))
            axes.scatter(given.rating, heights, s=900 * given.share, color=BAND, edgecolor="none", zorder=0)
            if together(study) == 1:
                axes.set_xticks(study.item.scale.points)
        _intervals(axes, table, places, MAIN)
        for place, (_, row) in zip(places, table.iterrows(), strict=True):
            axes.annotate(number(row.estimate), (row.estimate, place), (0, 7), textcoords="offset points", ha="center")
        if truth:
            values = [truth[source] for source in table.index]
            axes.plot(values, places, "D", mfc="none", mec=TRUTH, mew=1.4, label="expected by the simulation")
            figure.legend(loc="outside lower center", frameon=False)
        axes.set_yticks(places, [_wrapped(study.source_title(source)) for source in table.index])
        axes.set_ylim(-0.7, len(table) - 0.3)
        axes.set_xlabel(f"Rating ({_scale(study)})" if study.deciding.tells_ratings else _mean(study))
    return figure


def answers(study: Study) -> pd.DataFrame:
    """How often each source was given each answer: source, rating, n, share of the source's ratings, origin.

    An average counts as the answer next to it: it is rounded, and lies between answers where an item was left out.
    Where a scale has more than MANY_ANSWERS, as many neighbours as `together` says count as one, at their middle.
    """
    scale = study.item.scale
    place = np.rint((study.used.rating - scale.min) / scale.step)
    first = place - place % together(study)
    last = np.minimum(first + together(study) - 1, len(scale.points) - 1)
    ratings = study.used.assign(rating=scale.min + scale.step * (first + last) / 2)
    counted = ratings.groupby(["source", "rating"]).size().rename("n").reset_index()
    counted["share"] = counted.n / counted.groupby("source").n.transform("sum")
    return counted.assign(origin=weakest(study.used.origin))


def together(study: Study) -> int:
    """How many neighbouring answers of the scale are drawn as one: 1, but of a scale of more than MANY_ANSWERS."""
    return math.ceil(len(study.item.scale.points) / MANY_ANSWERS)


def overall(study: Study) -> Figure:
    """Each contrast over domains of equal weight: 95% interval thin, 90% thick; the band lies within the SESOI.

    Two sources count as equivalent where the thick line lies inside the band.
    """
    table = study.deciding.overall
    table = table[table.contrast.isin(drawn_contrasts(study))]
    titles = [stacked(study, name) for name in table.contrast]
    line = 0.15 + 0.13 * max(title.count("\n") + 1 for title in titles)
    with canvas(1, 1, line * len(table) + 0.8, table.origin) as (figure, panels):
        axes = panels[0, 0]
        places = np.arange(len(table))[::-1]
        sesoi = table.sesoi.max()
        axes.axvspan(-sesoi, sesoi, color=BAND, zorder=0)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.hlines(places, table.conf_low_90, table.conf_high_90, color=MAIN, linewidth=4)
        _intervals(axes, table, places, MAIN)
        for place, row in zip(places, table.itertuples(), strict=True):
            axes.annotate(number(row.estimate), (row.estimate, place), (0, 6), textcoords="offset points", ha="center")
        axes.set_yticks(places, titles, fontsize=8)
        axes.set_ylim(-0.6, len(table) - 0.3)
        axes.set_xlabel(_difference(study))
    return figure


def by_domain(study: Study) -> Figure:
    """Estimated means in each domain, a panel a domain, sources in their order there from the highest mean down."""
    table = study.deciding.shown_means.dropna(subset=["domain"])
    domains = [domain for domain in study.domains if domain in set(table.domain)]
    heights = (0.26 * len(study.sources) + 0.45, 0.3)
    with grid(len(domains), heights, table.origin, sharex=True) as (figure, panels):
        for axes, domain in zip(panels, domains, strict=True):
            part = table[table.domain == domain].sort_values("estimate", kind="stable")
            places = np.arange(len(part))
            _intervals(axes, part, places, [SHADES[study.sources.index(name) % len(SHADES)] for name in part.source])
            axes.set_title(domain, fontsize=8)
            axes.set_yticks(places, [_wrapped(study.source_title(name)) for name in part.source], fontsize=7)
            axes.set_ylim(-0.6, len(part) - 0.4)
            axes.tick_params(axis="x", labelbottom=True, labelsize=7)
        figure.supxlabel(_mean(study), fontsize=9)
    return figure


def contrasts(study: Study) -> Figure:
    """Each contrast over all domains and within each, with 95% intervals; a band holds what is below the SESOI."""
    table = study.deciding.contrasts
    drawn = drawn_contrasts(study)
    within = set(table.by.dropna())
    rows = ["all domains", *(domain for domain in study.domains if domain in within)]
    heights = (0.24 * len(rows) + 0.55, 0.4)
    with grid(len(drawn), heights, table.origin, sharex=True, sharey=True) as (figure, panels):
        for axes, contrast in zip(panels, drawn, strict=True):
            part = table[table.contrast == contrast]
            part = part.set_index(part.by.fillna("all domains")).reindex(rows)
            places = np.arange(len(rows))[::-1]
            sesoi = part.sesoi.max()
            axes.axvspan(-sesoi, sesoi, color=BAND, zorder=0)
            axes.axvline(0, color=MUTED, linewidth=0.8)
            _intervals(axes, part, places, [INK, *[MAIN] * (len(rows) - 1)])
            axes.set_title(stacked(study, contrast), fontsize=8)
            axes.set_yticks(places, rows)
            axes.set_ylim(-0.6, len(rows) - 0.4)
        figure.supxlabel(_difference(study), fontsize=9)
    return figure


def style(study: Study) -> Figure:
    """The difference of each source from the reference in each feature, in SDs within sources, with its sign."""
    table = style_differences(study)
    features = list(dict.fromkeys(table.feature))
    places = dict(zip(features, range(len(features))[::-1], strict=True))
    named = [name for name in study.sources if name in set(table.source)]
    with canvas(1, 1, 0.24 * len(features) + 0.9 + 0.2 * len(named), table.origin) as (figure, panels):
        axes = panels[0, 0]
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.hlines(list(places.values()), *_span(table.d), color=BAND, linewidth=0.6, zorder=0)
        for place, source in enumerate(named):
            part = table[table.source == source]
            look = {"color": SHADES[place % len(SHADES)], "marker": MARKERS[place % len(MARKERS)]}
            axes.scatter(part.d, part.feature.map(places), s=30, label=study.source_title(source), **look)
        axes.set_yticks(list(places.values()), [name.replace("_", " ") for name in features], fontsize=8)
        axes.set_ylim(-0.6, len(features) - 0.4)
        reference = study.source_title(study.sources[0])
        if len(named) == 1:
            axes.set_xlabel(f"{study.source_title(named[0])}\nless {reference}, in SDs within sources (d)")
        else:
            axes.set_xlabel(f"Difference from {reference}, in SDs within sources (d)")
            figure.legend(loc="outside lower left", frameon=False, fontsize=8)
    return figure


def style_differences(study: Study) -> pd.DataFrame:
    """What `style` draws: feature, source, d (source - reference), origin; features by their largest difference."""
    compared = study.style_tables["contrasts"]
    reference = f"{study.sources[0]} - "
    own = compared[compared.contrast.str.startswith(reference)]
    own = own.assign(source=own.contrast.str.removeprefix(reference), d=-own.d)
    order = telling_features(study)
    own = own[own.feature.isin(order)].dropna(subset=["d"])
    return own.sort_values("feature", key=lambda names: names.map(order.index), kind="stable")[
        ["feature", "source", "d", "p_adjusted", "origin"]
    ]


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
    """The expected rating of each source that raters were simulated from; empty where none is estimated."""
    return study.truth["expected"]["source"] if study.truth and study.deciding.tells_ratings else {}


def _intervals(axes: Axes, table: pd.DataFrame, places: np.ndarray, colours: str | Sequence[str]) -> None:
    axes.hlines(places, table.conf_low, table.conf_high, color=colours, linewidth=1.6)
    axes.scatter(table.estimate, places, color=colours, s=26, zorder=3)


def _scale(study: Study) -> str:
    scale = study.item.scale
    return f"scale {scale.min:g} to {scale.max:g}"


def _mean(study: Study) -> str:
    if study.deciding.tells_ratings:
        return f"Estimated mean rating ({_scale(study)})"
    return f"Estimated mean {study.deciding.units}"


def _difference(study: Study) -> str:
    if study.deciding.fit["link"] == "identity":
        return f"Difference of mean ratings ({_scale(study)})"
    return f"Difference {study.deciding.units}"


def _span(values: pd.Series) -> tuple[float, float]:
    return min(0.0, values.min()), max(0.0, values.max())


def stacked(study: Study, contrast: str) -> str:
    """A contrast's title over two lines."""
    return "\n\N{MINUS SIGN} ".join(_wrapped(study.source_title(name)) for name in contrast.split(" - "))


def _wrapped(title: str) -> str:
    return textwrap.fill(title, 28)
