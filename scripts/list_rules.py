"""Rule list_rules: which rules made the run, and which feeds which."""

from empathic import rulegraph, tables
from empathic.rule import running

with running(snakemake) as rule:
    found = rulegraph.of_run(rule.params.config)
    tables.RULES.write(found, rule.output.rules)
    rule.say(f"{found.rule.nunique()} rules")
