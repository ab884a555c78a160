"""Rule record_provenance: what a run was made of and made by."""

from pathlib import Path

from empathic import files, provenance
from empathic.rule import running

with running(snakemake) as rule:
    record = provenance.record(
        rule.params.config,
        commit=rule.params.commit["commit"],
        dirty=rule.params.commit["dirty"],
        given=[Path(file) for file in rule.input.given],
        made=[Path(file) for file in rule.input.tables],
        benchmarks=Path(rule.params.benchmarks),
    )
    files.write_json(rule.output.provenance, record)
    rule.say(f"{len(record['inputs'])} files given, {len(record['outputs'])} files made, each with its SHA-256")
