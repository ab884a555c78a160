"""What each rule of a run took, by Snakemake's own benchmarks: python bench/run_times.py RUN, from the root.

Wall and CPU seconds are summed over the jobs of a rule, the longest job and the largest peak of memory stand apart.
"""

import platform
import sys
from datetime import date
from pathlib import Path

import pandas as pd


def jobs(run: str) -> pd.DataFrame:
    """One row a job: rule, job, wall seconds, CPU seconds, peak of memory in MB."""
    found = []
    for file in sorted(Path("benchmarks", run).rglob("*.tsv")):
        parts = file.relative_to(Path("benchmarks", run)).with_suffix("").parts
        row = pd.read_csv(file, sep="\t").iloc[-1]
        found.append((parts[0], "/".join(parts[1:]), row["s"], row["cpu_time"], row["max_rss"]))
    return pd.DataFrame(found, columns=["rule", "job", "wall_s", "cpu_s", "peak_mb"])


def main(run: str) -> None:
    """Print the table."""
    table = jobs(run)
    if table.empty:
        sys.exit(f"benchmarks/{run}: no run of this name has left its times here")
    rules = table.groupby("rule", sort=False).agg(
        jobs=("job", "size"),
        wall_s=("wall_s", "sum"),
        longest_s=("wall_s", "max"),
        cpu_s=("cpu_s", "sum"),
        peak_mb=("peak_mb", "max"),
    )
    rules.loc["all"] = [*rules.sum().iloc[:2], table["wall_s"].max(), rules["cpu_s"].sum(), table["peak_mb"].max()]
    print(f"run {run}, {date.today()}, {platform.machine()}, Python {platform.python_version()}")
    print(rules.round().astype(int).to_string())
    print(table[table["rule"] == "generate_responses"].round().to_string(index=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
