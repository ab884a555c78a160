"""Rule print_report: the report on one run as a PDF."""

from pathlib import Path

from empathic.report import render
from empathic.rule import running

with running(snakemake) as rule:
    results = Path(rule.output.pdf).parents[1]
    render.print_pdf(results, Path("simulated") / results.name, Path(rule.output.pdf), say=rule.say)
