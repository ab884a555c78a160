"""The rules of a run and which feeds which, as Snakemake itself tells it; no `dot` is needed."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from empathic import tables
from empathic.errors import InputError

NODE = re.compile(r"^\s*(id\d+)\[([^\]]+)\]", re.MULTILINE)
EDGE = re.compile(r"^\s*(id\d+) --> (id\d+)", re.MULTILINE)


def of_run(config: dict[str, Any]) -> pd.DataFrame:
    """The rules of the run of a config (as settings.read fills it in), asked of Snakemake in the working directory.

    Columns as tables.RULES. Raises InputError where Snakemake gives no graph.
    """
    with tempfile.TemporaryDirectory(prefix="rules-") as folder:
        file = Path(folder) / "config.json"
        file.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", f"--configfile={file}", "--rulegraph", "mermaid-js", "--nolock"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stderr, file=sys.stderr)
    if done.returncode:
        raise InputError("Snakefile", "Snakemake gives no graph of its rules", "What it said is in the log")
    return parse(done.stdout)


def parse(mermaid: str) -> pd.DataFrame:
    """The rules in a Mermaid flow chart, each with those that feed it; the goal `all` is left out."""
    names = dict(NODE.findall(mermaid))
    edges = [(names[after], names[before]) for before, after in EDGE.findall(mermaid)]
    fed = [(rule, before) for rule, before in edges if rule != "all"]
    alone = [(rule, None) for rule in names.values() if rule != "all" and rule not in {rule for rule, _ in fed}]
    rows = sorted({*fed, *alone}, key=lambda row: (row[0], row[1] or ""))
    return tables.RULES.frame({"rule": rule, "fed_by": before} for rule, before in rows)
