"""What stands beside a study's result where a run asks for it: other ways of analysing, power, recovery."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empathic.origin import weakest
from empathic.report import blocks, figures
from empathic.report.figures import MAIN, MUTED, canvas
from empathic.report.loading import Run, Study
from empathic.report.outcomes import MADE, named
from empathic.report.words import MISSING, count, counted, interval, is_missing, listing, number, p_value, prose

OTHERWISE = {
    "robustness": "Models without each post and each domain, and the multiverse of other ways of analysing",
    "power": "Power: how probable each verdict is, by the number of raters and of posts",
    "recovery": "Recovery: whether the models find in data of known truth what was put in",
}
MOST_COMPONENTS = 12
# What ways of analysing differ in (columns of tables.MULTIVERSE), and how a level of each is called beside its dots.
CHOSEN = {"exclusions": "{}", "treatment": "{}", "structure": "random terms: {}"}
LEVELS = {("exclusions", "declared"): "exclusions as declared", ("exclusions", "none"): "no exclusions"}
SIMULATED = "Simulated studies; nothing of them is observed."


def not_included(study: Study) -> str:
    """One line for each part that is made on demand alone and is not in this report: how it is had."""
    has = {"robustness": study.multiverse, "power": study.power, "recovery": study.recovery}
    return blocks.listed(
        f"{said}: not in this report. <code>snakemake {part}</code> makes it; "
        f"<code>report: include: &#91;{part}&#93;</code> in the config brings it here."
        for part, said in OTHERWISE.items()
        if has[part] is None and (study.ratings is not None if part == "robustness" else len(study.sources) > 1)
    )


def claims_by_model(run: Run, study: Study) -> str:
    """Table: each claim about ratings by the deciding model and by each other, the deciding one first."""
    claims = run.claims.set_index("claim_id")
    table = run.claims_by_model(study)
    rows = []
    for claim_id, others in table.groupby("claim_id", sort=False):
        decided = claims.loc[claim_id]
        said = decided.verdict if is_missing(decided.demo_verdict) else decided.demo_verdict
        rows.append((decided.statement, "deciding", decided, said))
        rows += [(decided.statement, row.model, row, row.verdict) for row in others.itertuples()]
    columns = [
        blocks.words("Claim", [statement for statement, *_ in rows]),
        blocks.words("Model", [named(model) for _, model, *_ in rows]),
        blocks.words("Estimates", [study.models[model].units for _, model, *_ in rows]),
        blocks.numbers("Estimate", [number(row.estimate) for _, _, row, _ in rows]),
        blocks.numbers("Interval", [interval(row.conf_low, row.conf_high) for _, _, row, _ in rows]),
        blocks.numbers("p for", [p_value(row.p_for) for _, _, row, _ in rows]),
        blocks.numbers("p against", [p_value(row.p_against) for _, _, row, _ in rows]),
        blocks.words("Said of it", [said for *_, said in rows]),
    ]
    caption = (
        f"{prose(study.title)}: the claims about ratings by each model, for sensitivity alone: only the deciding model "
        "decides, and of data that are not observed nothing is a verdict. A claim of which no model says anything is "
        "left out. With unadjusted 95% intervals (90% for an equivalence)."
        f"{MADE[study.deciding.fit['origin']]}"
    )
    return blocks.table(f"{study.name}-claims-by-model", caption, columns)


def components(run: Run, study: Study) -> str:
    """Table: the differences that each claim of a study rests on."""
    own = run.claims[run.claims.study == study.name].set_index("claim_id")
    every = run.components_of(study)
    shown = every.groupby("claim_id", sort=False).head(MOST_COMPONENTS)
    rows = list(shown.itertuples())
    columns = [
        blocks.words("Claim", [own.statement[row.claim_id] for row in rows]),
        blocks.words("Component", [row.component for row in rows]),
        blocks.numbers("Estimate", [number(row.estimate) for row in rows]),
        blocks.numbers("SE", [number(row.std_error, 3) for row in rows]),
        blocks.numbers("df", [number(row.df, 1) for row in rows]),
        blocks.numbers("SESOI", [number(row.sesoi) for row in rows]),
        blocks.numbers("p for", [p_value(row.p_for) for row in rows]),
        blocks.numbers("p against", [p_value(row.p_against) for row in rows]),
    ]
    made = MADE[weakest(own.loc[[row.claim_id for row in rows]].origin.dropna())]
    caption = (
        f"{prose(study.title)}: the components of its claims, oriented as claimed, sources by their names in the "
        "config, with their own unadjusted p for the claim and against it, where the claim's test has such."
        f"{made}"
    )
    if len(shown) < len(every):
        caption += (
            f" Of each claim at most {count(MOST_COMPONENTS)}; claims_components.csv has all {count(len(every))}."
        )
    return blocks.table(f"{study.name}-components", caption, columns)


def multiverse(study: Study) -> str:
    """Figure: each contrast by every way of analysing the ratings, from the smallest d up."""
    table = study.multiverse.dropna(subset=["d"])
    if table.empty:
        return "No way of analysing the ratings otherwise could be fitted."
    lost = int((study.multiverse.status != "converged").sum())
    shown = _shown(study, table)
    caption = (
        f"{prose(study.title)}: contrasts by {counted(_ways(table), 'way')} of analysing the same ratings, in total "
        "SDs (*d*), each panel in rising order; filled where the unadjusted p is below .05. The dots below a way tell "
        "what was chosen in it. "
        f"{counted(lost, 'fit')} failed or could not be had. It decides nothing.{MADE[weakest(table.origin)]}"
    )
    ends = listing(
        f"{study.contrast_title(name)} from {number(rows.d.min())} to {number(rows.d.max())}"
        for name, rows in table[table.contrast.isin(shown)].groupby("contrast", sort=False)
    )
    alt = f"One panel a contrast, one point a way of analysing: {ends}."
    return blocks.figure(f"{study.name}-multiverse", caption, _multiverse(study, table, shown), alt, table)


def _shown(study: Study, table: pd.DataFrame) -> list[str]:
    drawn = figures.drawn_contrasts(study)
    return [name for name in dict.fromkeys(table.contrast) if name in drawn]


def _ways(table: pd.DataFrame) -> int:
    return table.groupby(["exclusions", "treatment", "structure"]).ngroups


def _multiverse(study: Study, table: pd.DataFrame, shown: list[str]) -> Figure:
    """A specification curve of each contrast, and below each way what was chosen in it."""
    choices = _choices(table)
    heights = [1.5, 0.15 * len(choices)]
    columns = min(2, len(shown))
    lines = -(-len(shown) // columns)
    ratios = {"height_ratios": heights * lines}
    with canvas(2 * lines, columns, lines * (sum(heights) + 0.5), table.origin, **ratios) as (figure, panels):
        pairs = [(panels[2 * line, at], panels[2 * line + 1, at]) for line in range(lines) for at in range(columns)]
        for curve, chosen in pairs[len(shown) :]:
            curve.set_axis_off()
            chosen.set_axis_off()
        ends = (min(0, table.d.min()), max(0, table.d.max()))
        for place, (contrast, (curve, chosen)) in enumerate(zip(shown, pairs, strict=False)):
            part = table[table.contrast == contrast].sort_values("d", kind="stable").reset_index(drop=True)
            _curve(curve, part, ends)
            _dots(chosen, part, choices, labelled=place % columns == 0)
            curve.set_title(figures.stacked(study, contrast), fontsize=8)
        figure.supylabel("Difference in total SDs (d)", fontsize=9)
    return figure


def _choices(table: pd.DataFrame) -> list[tuple[str, str]]:
    """What was chosen between, (column, level): of the columns in which the ways differ; of all where none does."""
    levels = {column: list(dict.fromkeys(table[column])) for column in CHOSEN}
    differing = [column for column in CHOSEN if len(levels[column]) > 1] or list(CHOSEN)
    return [(column, level) for column in differing for level in levels[column]]


def _curve(axes: Axes, part: pd.DataFrame, ends: tuple[float, float]) -> None:
    axes.axhline(0, color=MUTED, linewidth=0.8)
    fill = [MAIN if p < 0.05 else "white" for p in part.p_value.fillna(1)]
    axes.scatter(part.index, part.d, c=fill, edgecolors=MAIN, s=22)
    room = 0.08 * (ends[1] - ends[0])
    axes.set_ylim(ends[0] - room, ends[1] + room)
    axes.set_xlim(-0.6, len(part) - 0.4)
    axes.set_xticks([])


def _dots(axes: Axes, part: pd.DataFrame, choices: list[tuple[str, str]], *, labelled: bool) -> None:
    for row, (column, level) in enumerate(choices):
        chosen = part.index[part[column] == level]
        axes.scatter(chosen, [row] * len(chosen), c=MAIN, s=10)
    axes.set_xlim(-0.6, len(part) - 0.4)
    axes.set_ylim(len(choices) - 0.5, -0.5)
    axes.set_xticks([])
    said = [CHOSEN[column].format(LEVELS.get((column, level), level.replace("_", " "))) for column, level in choices]
    axes.set_yticks(range(len(choices)), said if labelled else [""] * len(choices), fontsize=7)


def power(study: Study) -> str:
    """Table: how probable each verdict is, by claim and size of the study."""
    rows = list(study.power.itertuples())
    columns = [
        blocks.words("Claim", [row.claim_id for row in rows]),
        blocks.numbers("Raters", [count(row.raters) for row in rows]),
        blocks.numbers("Posts", [count(row.posts) for row in rows]),
        blocks.words("Verdict", [row.verdict for row in rows]),
        blocks.numbers("Probability", [number(row.probability) for row in rows]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for row in rows]),
        blocks.numbers("Studies", [count(row.studies) for row in rows]),
    ]
    caption = (
        f"{prose(study.title)}: how probable each verdict is where the claim is true, over simulated studies, with "
        f"Wilson's interval. {SIMULATED}"
    )
    return blocks.table(f"{study.name}-power", caption, columns)


def recovery(study: Study) -> str:
    """Table: what was put into simulated data, and what the models find in them."""
    rows = list(study.recovery.itertuples())
    columns = [
        blocks.words("Contrast", [study.contrast_title(row.contrast) for row in rows]),
        blocks.words("Data", [row.kind for row in rows]),
        blocks.numbers("Truth", [number(row.truth) for row in rows]),
        blocks.numbers(
            "Bias (Monte Carlo SE)", [f"{number(row.bias, 3)} ({number(row.bias_mc_error, 3)})" for row in rows]
        ),
        blocks.numbers("SD of estimates", [number(row.sd_of_estimates, 3) for row in rows]),
        blocks.numbers("Mean SE", [number(row.mean_std_error, 3) for row in rows]),
        blocks.numbers("Coverage (Monte Carlo SE)", [_coverage(row) for row in rows]),
        blocks.numbers("Fits (failed)", [f"{count(row.data_sets)} ({count(row.failed)})" for row in rows]),
        blocks.words("Recovered", ["yes" if row.within else "no" for row in rows]),
    ]
    if study.recovery.small_bias.notna().any():
        small = [MISSING if pd.isna(row.small_bias) else "yes" if row.small_bias else "no" for row in rows]
        columns.append(blocks.words("Small bias (latent data)", small))
    caption = (
        f"{prose(study.title)}: what the models find in simulated data of known truth; coverage is that of 95% "
        f"intervals. *Recovered*: bias, and coverage less 95%, are within three Monte Carlo errors of zero. {SIMULATED}"
    )
    return blocks.table(f"{study.name}-recovery", caption, columns)


def _coverage(row) -> str:
    return MISSING if pd.isna(row.coverage) else f"{number(row.coverage, 3)} ({number(row.coverage_mc_error, 3)})"
