"""Rule measure_style: what every response of one study looks like, and each source on average."""

from empathic import style, tables
from empathic.rule import running

with running(snakemake) as rule:
    features = style.measure(tables.RESPONSES.read(rule.input.responses))
    rule.say(f"{len(features)} responses measured")
    tables.FEATURES.write(features, rule.output.features)
    tables.STYLE_SUMMARY.write(style.summarise(features, rule.params.sources), rule.output.summary)
