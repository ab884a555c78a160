"""What a fit through the package costs beside plain R, with workers, and by rows: python bench/models.py.

--pairs N: lme4's InstEval (73,421 ratings of crossed students and lecturers), N times by the package (ratings.csv to
all tables) and by `Rscript model.R` alone, the plain script of the same fit: wall time and peak memory of the process,
each with its start. --fits N: so many fits of the default study's size by one worker, by two, by one, starts apart.
--raters N ...: studies of so many raters, 30 responses each (192: 15), by the deciding model. 0, or nothing: left out.
"""

import argparse
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from declaring import declared

from empathic import files, models, rsession, tables
from empathic.settings import DECIDING, Spread

INSTEVAL = """
d <- lme4::InstEval
write.csv(data.frame(rater_id = paste0("s", d$s), response_id = paste0("d", d$d, "x", d$service),
  post_id = paste0("d", d$d), domain = "all", source = ifelse(d$service == "1", "other", "own"), item = "simulated",
  rating = d$y, position = NA, included = "True", reason = NA, origin = "observed"),
  commandArgs(trailingOnly = TRUE)[1], row.names = FALSE, na = "", quote = FALSE)
"""
CROSSED = "rating ~ source + (1 | rater_id) + (1 | post_id)"
SOURCES = ("s1", "s2", "s3")


def fit(folder: Path, formula: str, *sources: str) -> None:
    """What rule fit_model does: from ratings.csv in a folder to the tables, fit.json and model.R beside it."""
    fitted = models.fit(tables.RATINGS.read(folder / "ratings.csv"), None, declared(sources, formula))
    rsession.give_back()
    for name, schema in tables.OF_A_FIT.items():
        schema.write(getattr(fitted, name), folder / f"{name}.csv")
    files.write_text(folder / "model.R", fitted.script)
    files.write_json(folder / "fit.json", fitted.fit)


def cost(*command: str) -> tuple[float, float, float]:
    """Run a command: seconds by the wall, seconds of CPU, and its peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(said.decode())
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def through_package(folder: Path, formula: str, *sources: str) -> tuple[float, float, float]:
    """`fit` in a process of its own."""
    return cost(sys.executable, __file__, "--of", str(folder), formula, *sources)


def beside_r(folder: Path, pairs: int) -> None:
    """Print the cost of InstEval both ways, and their ratios pair by pair."""
    subprocess.run(["Rscript", "-e", INSTEVAL, str(folder / "ratings.csv")], check=True)
    ratios, extra = [], []
    for _ in range(pairs):
        ours = through_package(folder, CROSSED, "own", "other")
        theirs = cost("Rscript", str(folder / "model.R"), str(folder / "ratings.csv"), str(folder))
        for name, (wall, cpu, peak) in (("package", ours), ("Rscript", theirs)):
            print(f"InstEval, {name}: {wall:.1f} s, CPU {cpu:.1f} s, peak {peak:.0f} MB", flush=True)
        ratios.append((ours[0] / theirs[0], ours[1] / theirs[1]))
        extra.append(ours[2] - theirs[2])
    wall, cpu = (statistics.median(ratio) for ratio in zip(*ratios, strict=True))
    print(f"package / Rscript, median of {pairs}: wall {wall:.2f}, CPU {cpu:.2f}; {max(extra):.0f} MB more at most")


def draw(raters: int, *, posts: int, posts_per_rater: int, number: int = 0):
    """The ratings of a simulated study of three sources."""
    from empathic import planning  # Not with the others: scipy.stats, which it needs, is no part of a fit's memory.

    plan = planning.Plan(raters, posts, posts_per_rater, 3, dict.fromkeys(SOURCES, 0.0), Spread().model_dump())
    return planning.draw(plan, "simulated", planning.generator_of("bench", raters, number))


def one_of_many(number: int) -> str:
    """One fit of the default study's size, with all its tables."""
    ratings = draw(192, posts=15, posts_per_rater=5, number=number)
    return models.fit(ratings, None, declared(SOURCES)).fit["status"]


def with_workers(fits: int) -> None:
    """Print how long many fits take one worker, two, and one again; every worker has fitted once before."""
    seconds = []
    for workers in (1, 2, 1):
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(one_of_many, range(-2 * workers, 0), chunksize=2))
            start = time.perf_counter()
            list(pool.map(one_of_many, range(fits)))
            seconds.append(time.perf_counter() - start)
        print(f"{fits} fits of the default size, {workers} workers: {seconds[-1]:.1f} s", flush=True)
    print(f"two workers are {statistics.mean([seconds[0], seconds[2]]) / seconds[1]:.2f} times as fast as one")


def by_rows(folder: Path, raters: int) -> None:
    """Print the cost of a study of so many raters."""
    size = {"posts": 15, "posts_per_rater": 5} if raters == 192 else {"posts": 30, "posts_per_rater": 10}
    ratings = draw(raters, **size)
    tables.RATINGS.write(ratings, folder / "ratings.csv")
    wall, cpu, peak = through_package(folder, DECIDING, *SOURCES)
    print(f"{raters} raters, {len(ratings)} ratings: {wall:.1f} s, CPU {cpu:.1f} s, peak {peak:.0f} MB", flush=True)


def main() -> None:
    """Print all that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--fits", type=int, default=100)
    parser.add_argument("--raters", type=int, nargs="*", default=[192, 500, 1000, 2000])
    parser.add_argument("--of", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.of:
        fit(Path(given.of[0]), *given.of[1:])
        return
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        if given.pairs:
            beside_r(Path(folder), given.pairs)
        if given.fits:
            with_workers(given.fits)
        for raters in given.raters:
            by_rows(Path(folder), raters)


if __name__ == "__main__":
    main()
