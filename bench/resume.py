"""What a kill at half costs: python bench/resume.py, from the root, weights fetched.

One job answers Study 2's posts by the default run's NF4 arm, loading included; then the same job is killed (SIGKILL)
when half of its records are on the disk, and started again. Timed are the whole job, before and after, and the rest
that is left to the one started again. The texts of both must be the same, or the command fails.
"""

import argparse
import multiprocessing
import platform
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import generation as bench
import pandas as pd

from empathic import generation, records


def job(cache: Path, posts: int) -> None:
    """The whole job in a cache of records, as the rule runs it."""
    table = pd.read_csv("data/study2/posts.csv").head(posts).assign(origin="stand_in")
    generation.answer(table, bench.arm("nf4", None), cache, "bench.1of1", (1, 1), lambda line: None)


def run(cache: Path, posts: int, until: int) -> float:
    """Seconds of a job in a process of its own, which is killed as soon as `until` records are there."""
    process = multiprocessing.get_context("spawn").Process(target=job, args=(cache, posts))
    clock = time.monotonic()
    process.start()
    while process.is_alive():
        process.join(0.2)
        if process.is_alive() and len(made(cache)) >= until:
            process.kill()
    process.join()
    return time.monotonic() - clock


def made(cache: Path) -> dict[str, str]:
    """The texts of the records on the disk, by key."""
    found = records.look_up(bench.arm("nf4", None).records_in(cache), lambda line: None)
    return {key: record["text"] for key, record in found.items()}


def main() -> None:
    """Print the times and their ratio."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--posts", type=int, default=120)
    posts = given.parse_args().posts
    with tempfile.TemporaryDirectory() as folder:
        first, halved, second = (Path(folder, name) for name in ("first", "halved", "second"))
        whole = [run(first, posts, posts + 1)]
        killed = run(halved, posts, posts // 2)
        there = len(made(halved))
        rest = run(halved, posts, posts + 1)
        whole.append(run(second, posts, posts + 1))
        same = made(first) == made(halved) == made(second) and len(made(first)) == posts
    mean = statistics.mean(whole)
    print(f"{date.today()}, {platform.machine()}, one core, {posts} posts, NF4")
    print(f"the whole job {whole[0]:.0f} and {whole[1]:.0f} s; killed after {killed:.0f} s with {there} records there;")
    print(f"the rest {rest:.0f} s, {rest / mean:.0%} of the whole; texts the same: {same}")
    if not same:
        sys.exit("a killed job gave other texts")


if __name__ == "__main__":
    main()
