"""Rule fit_multiverse: the contrasts of a study by every declared way of analysing its ratings."""

from empathic import instrument, multiverse, tables
from empathic.declared import Declared
from empathic.rule import running
from empathic.settings import MixedModel

with running(snakemake, apart=True) as rule:
    params = rule.params
    scale = instrument.read(rule.input.instrument, params.item).item(params.item).scale
    declared = Declared.from_config(
        MixedModel(formula="rating ~ source", replicated_domains=True).model_dump(),
        params.inference,
        params.item,
        study=rule.wildcards.study,
        model="multiverse",
        file=rule.input.ratings,
        sources=params.sources,
        scale_range=scale.range,
    )
    responses = [tables.RESPONSES.read(file) for file in rule.input.responses]
    found = multiverse.fit(
        tables.RATINGS.read(rule.input.ratings),
        responses[0] if responses else None,
        declared,
        tables.RATERS.read(rule.input.raters),
        middle=(scale.min + scale.max) / 2,
        **params.multiverse,
    )
    tables.MULTIVERSE.write(found, rule.output.table)
