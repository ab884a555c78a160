"""Rule fit_model: the ratings of one study, by one of its models, as tables."""

from empathic import instrument, models, tables
from empathic.declared import Declared
from empathic.files import write_json, write_text
from empathic.rule import running

with running(snakemake) as rule:
    params = rule.params
    asked = instrument.read(rule.input.instrument, params.item)
    declared = Declared(
        study=rule.wildcards.study,
        model=rule.wildcards.model,
        file=rule.input.ratings,
        formula=params.model["formula"],
        reml=params.model["reml"],
        replicated_domains=params.model["replicated_domains"],
        sources=params.sources,
        item=params.item,
        scale_range=asked.item(params.item).scale.range,
        sesoi=params.inference["sesoi"],
        adjust=params.inference["adjust"],
    )
    ratings = tables.RATINGS.read(rule.input.ratings)
    responses = [tables.RESPONSES.read(file) for file in rule.input.responses]
    fitted = models.fit(ratings, responses[0] if responses else None, declared)
    tables.FIXED.write(fitted.fixed, rule.output.fixed)
    tables.RANDOM.write(fitted.random, rule.output.random)
    tables.TESTS.write(fitted.tests, rule.output.tests)
    tables.MEANS.write(fitted.means, rule.output.means)
    tables.CONTRASTS.write(fitted.contrasts, rule.output.contrasts)
    write_text(rule.output.script, fitted.script)
    write_json(rule.output.fit, fitted.fit)
    if fitted.fit["status"] == "failed":
        rule.say(f"{declared.study}: the model '{declared.model}' did not converge; it decides nothing")
