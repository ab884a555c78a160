"""Rule render_report: one page about one run."""

from pathlib import Path

from empathic.report import render
from empathic.rule import running

with running(snakemake) as rule:
    results = Path(rule.output.html).parents[1]
    render.render(
        results,
        Path("simulated") / results.name,
        Path(rule.output.html),
        figures=Path(rule.output.figures),
        engine=rule.params.engine,
        say=rule.say,
    )
