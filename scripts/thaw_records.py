"""Rule thaw_records: the records of one source of a frozen study become those of this run."""

from pathlib import Path

from empathic import files, freezing
from empathic.rule import running

with running(snakemake) as rule:
    folder = Path(rule.params.folder)
    freezing.check(folder)
    files.copy(folder / "generations" / f"{rule.wildcards.source}.jsonl", rule.output.records)
