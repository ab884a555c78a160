"""What both profiles ask of Snakemake, tried on a workflow of two rules."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TWO_RULES = """
rule all:
    input: "needs_refused", "other"

rule refused:
    output: "refused"
    priority: 1
    shell: "exit 1"

rule needs_refused:
    input: "refused"
    output: "needs_refused"
    shell: "touch {output}"

rule other:
    output: "other"
    shell: "touch {output}"
"""


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_a_job_that_fails_holds_up_only_what_needs_it(tmp_path, profile):
    (tmp_path / "Snakefile").write_text(TWO_RULES, encoding="utf-8")
    shutil.copytree(ROOT / "profiles" / profile, tmp_path / "profile")

    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "1",
        "--executor",
        "local",
        "--workflow-profile",
        "profile",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode != 0, done.stderr
    assert (tmp_path / "other").exists(), done.stderr
    assert not (tmp_path / "needs_refused").exists()
