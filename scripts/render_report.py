"""Rule render_report: one page about one run."""

from pathlib import Path

from empathic.report import render
from empathic.rule import running

with running(snakemake) as rule:
    render.render(
        Path(rule.params.results),
        Path(rule.params.simulated),
        Path(rule.output.html),
        engine=rule.params.engine,
        say=rule.say,
    )
