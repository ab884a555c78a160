"""Rule gather_power: the cells of a study's grid, as one table."""

import pandas as pd

from empathic import tables
from empathic.rule import running

with running(snakemake) as rule:
    cells = [tables.POWER.read(file) for file in rule.input.cells]
    tables.POWER.write(pd.concat(cells, ignore_index=True), rule.output.table)
