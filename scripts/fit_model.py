"""Rule fit_model: the ratings of one study, by one of its models, as tables."""

from empathic import instrument, models, rsession, tables
from empathic.declared import Declared
from empathic.files import write_json, write_text
from empathic.rule import running

with running(snakemake, apart=True) as rule:
    params = rule.params
    item = params.model["item"] or params.item
    declared = Declared.from_config(
        params.model,
        params.inference,
        params.item,
        study=rule.wildcards.study,
        model=rule.wildcards.model,
        file=rule.input.ratings,
        sources=params.sources,
        sets=params.sets,
        scale_range=instrument.read(rule.input.instrument, item).item(item).scale.range,
    )
    ratings = tables.RATINGS.read(rule.input.ratings)
    responses = [tables.RESPONSES.read(file) for file in rule.input.responses]
    raters = tables.RATERS.read(rule.input.raters)
    fitted = models.fit(ratings, responses[0] if responses else None, declared, raters)
    rsession.give_back()  # The tables of a large study take their part of it.
    for name, schema in tables.OF_A_FIT.items():
        schema.write(getattr(fitted, name), rule.output[name])
    write_text(rule.output.script, fitted.script)
    write_json(rule.output.fit, fitted.fit)
    if fitted.fit["status"] == "failed":
        why = f" ({fitted.fit['failure']})" if fitted.fit["failure"] else ""
        rule.say(f"study '{declared.study}', model '{declared.model}': the fit failed{why}; it decides nothing")
