"""Rule simulate_power: how likely each verdict is in studies of one size."""

from empathic import claimfile, planning, tables
from empathic.declared import Declared
from empathic.rule import running

with running(snakemake, apart=True) as rule:
    params, size = rule.params, rule.wildcards
    declared = Declared.from_config(
        params.model,
        params.inference,
        "simulated",
        study=size.study,
        model="deciding",
        file=f"config: studies > {size.study} > planning",
        sources=params.sources,
        scale_range=float(len(params.planning["thresholds"])),
    )
    cell = (int(size.raters), int(size.posts))
    files = claimfile.read_all(rule.input.claims)
    table = planning.power(files, declared, params.planning, cell, rule.say)
    tables.POWER.write(table, rule.output.table)
