"""Rule simulate_recovery: a share of the data sets of known truth, each fitted."""

from empathic import planning, tables
from empathic.declared import Declared
from empathic.rule import running

with running(snakemake, apart=True) as rule:
    params, kind = rule.params, rule.wildcards.kind
    declared = Declared.from_config(
        params.model,
        params.inference,
        "simulated",
        study=rule.wildcards.study,
        model=params.name,
        file=f"config: studies > {rule.wildcards.study} > planning",
        sources=params.sources,
        scale_range=float(len(params.planning["thresholds"])),
    )
    numbers = range(int(rule.wildcards.job), params.data_sets + 1, int(rule.wildcards.jobs))
    sets = planning.recovery_sets(kind, declared, params.planning, numbers, rule.say)
    tables.RECOVERY_SETS.write(sets, rule.output.table)
