"""Rule leave_one_out: the deciding model of a study without each of its posts, and without each of its domains."""

from empathic import instrument, models, tables
from empathic.declared import Declared
from empathic.rule import running

with running(snakemake, apart=True) as rule:
    params = rule.params
    item = params.model["item"] or params.item
    declared = Declared.from_config(
        params.model,
        params.inference,
        params.item,
        study=rule.wildcards.study,
        model="deciding",
        file=rule.input.ratings,
        sources=params.sources,
        scale_range=instrument.read(rule.input.instrument, item).item(item).scale.range,
    )
    responses = [tables.RESPONSES.read(file) for file in rule.input.responses]
    found = models.without_each(
        tables.RATINGS.read(rule.input.ratings),
        responses[0] if responses else None,
        declared,
        tables.RATERS.read(rule.input.raters),
    )
    tables.LEAVE_ONE_OUT.write(found, rule.output.table)
