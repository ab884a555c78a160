"""Rule gather_recovery: bias and coverage of a study's models over all data sets of known truth."""

import pandas as pd

from empathic import planning, tables
from empathic.rule import running

with running(snakemake) as rule:
    sets = pd.concat([tables.RECOVERY_SETS.read(file) for file in rule.input.sets], ignore_index=True)
    table = planning.recovered(sets)
    tables.RECOVERY.write(table, rule.output.table)
    rule.say(f"{int(table.within.sum())} of {len(table)} contrasts are recovered within Monte Carlo error")
