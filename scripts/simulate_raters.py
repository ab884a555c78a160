"""Rule simulate_raters: raters who are nobody answer a survey; what they answer by is kept beside it."""

from empathic import files, instrument, simulate, survey_export, tables, truth
from empathic.rule import running

with running(snakemake) as rule:
    design = simulate.Design(
        study=rule.wildcards.study,
        seed=rule.params.seed,
        responses=tables.RESPONSES.read(rule.input.responses),
        sources=rule.params.sources,
        survey=instrument.read(rule.input.instrument, rule.params.item),
        item=rule.params.item,
        settings=rule.params.simulate,
        rules=rule.params.exclusions,
    )
    simulation = simulate.simulate(design)
    survey_export.write(design, simulation, rule.output.export)
    survey_export.write_demographics(design, simulation, rule.output.demographics)
    files.write_json(rule.output.truth, truth.describe(design, simulation))
    kinds = ", ".join(f"{number} {kind}" for kind, number in simulate.counts(simulation).items())
    rule.say(
        f"{design.study}: {len(simulation.raters)} simulated submissions ({kinds}), {simulation.redrawn} drawn anew"
    )
