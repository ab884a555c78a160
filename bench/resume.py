"""What a kill at half costs: python bench/resume.py, from the root, weights fetched.

One job answers Study 2's posts by the default run's NF4 arm, loading included; then the same job is killed (SIGKILL)
when half of its records are on the disk, and started again. Timed are the whole job and the rest that is left to the
one started again, by the clock and in CPU time, which other work on the machine moves less (a job has one thread). The
texts of both must be the same, or the command fails.
"""

import argparse
import multiprocessing
import platform
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import generation as bench
import numpy as np
import pandas as pd

from empathic import generation, records


def job(cache: Path, posts: int) -> None:
    """The whole job in a cache of records, as the rule runs it."""
    generation.answer(
        bench.so_many(posts).assign(origin="stand_in"),
        bench.arm("nf4", None),
        cache,
        "bench.1of1",
        (1, 1),
        lambda line: None,
    )


def run(cache: Path, posts: int, until: int) -> np.ndarray:
    """A job in a process of its own, killed as soon as `until` records are there: seconds by the clock and of CPU."""
    process = multiprocessing.get_context("spawn").Process(target=job, args=(cache, posts))
    clock, before = time.monotonic(), cpu_of_children()
    process.start()
    while process.is_alive():
        process.join(1)
        if process.is_alive() and len(made(cache)) >= until:
            process.kill()
    process.join()
    return np.array([time.monotonic() - clock, cpu_of_children() - before])


def cpu_of_children() -> float:
    """Seconds of CPU that processes started here, and waited for, have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
        first, halved = (Path(folder, name) for name in ("first", "halved"))
        whole = run(first, posts, posts + 1)
        killed = run(halved, posts, posts // 2)
        there = len(made(halved))
        rest = run(halved, posts, posts + 1)
        same = made(first) == made(halved) and len(made(first)) == posts
    print(f"{date.today()}, {platform.machine()}, one core, {posts} posts, NF4; killed with {there} records there")
    took = {"the whole": whole, "until killed": killed, "the rest": rest}
    print(pd.DataFrame(took, index=["wall, s", "CPU, s"]).T.round(0).to_string())
    wall, cpu = rest / whole
    print(f"the rest takes {wall:.0%} of the whole by the clock, {cpu:.0%} in CPU time; texts the same: {same}")
    if not same:
        sys.exit("a killed job gave other texts")


if __name__ == "__main__":
    main()
