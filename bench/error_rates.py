"""How often models and verdict rules err, on simulated studies whose truth is known: python bench/error_rates.py.

--null N: Study 1 without any difference (192 raters, 5 of 15 posts, 4 sources): false alarms of each contrast by the
deciding model and by the two-intercept model, and claims `replicated` though nothing differs. --interaction N: Study 2
without any difference (202 raters, one of 20 posts of each of 6 domains, 3 sources): its interaction test. --sesoi N:
Study 1 with three sources exactly one SESOI above the first: `equivalent` replicated, `greater` not replicated.
--workers N: processes. The full size, 500 and 1,000, is the default.
"""

import argparse
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from declaring import declared

from empathic import models, planning
from empathic.claimfile import Claim
from empathic.settings import DECIDING, TWO_INTERCEPTS, Spread
from empathic.verdicts import ALPHA

SEED = 20240327
SOURCES = ("s1", "s2", "s3", "s4")
STUDY1 = planning.Plan(192, 15, 5, 3, dict.fromkeys(SOURCES, 0.0), Spread().model_dump())
STUDY2 = planning.Plan(202, 120, 6, 6, dict.fromkeys(SOURCES[:3], 0.0), Spread().model_dump())
Rejections = dict[str, list[bool]]


def claim(test: str, **named) -> dict[str, list[Claim]]:
    """A claim alone in its file, so that it is adjusted with no other."""
    known = {"study": "simulated", "statement": test, "certainty": "own", "family": "primary"}
    return {test: [Claim(id=test.replace(" ", "_"), test=test, **known, **named)]}


def rejected(contrasts: pd.DataFrame, model: str) -> Rejections:
    """Which contrasts a model rejects: all of them together, and each by itself."""
    found = list(contrasts.p_value < ALPHA)
    each = {f"Study 1: {name}, {model}": [one] for name, one in zip(contrasts.contrast, found, strict=True)}
    return {f"Study 1: a contrast, {model}": found} | each


def null(number: int) -> Rejections:
    """False alarms in a Study 1 in which no source differs."""
    ratings = planning.draw(STUDY1, "simulated", planning.generator_of(SEED, "null", number))
    own = declared(STUDY1.effects)
    found = models.brief(ratings, own, [SOURCES], within=True)
    overall = found.contrasts[found.contrasts["by"].isna()]
    beside = models.overall(ratings, None, declared(STUDY1.effects, TWO_INTERCEPTS))
    files = (
        claim("greater", pairs=[("s2", "s1")])
        | claim("any difference", sources=SOURCES)
        | claim("same order", tiers=[("s2",), ("s1",)])
    )
    said = planning.decided(found, own, files)
    words = {f"null: `{one.replace('_', ' ')}` replicated": [verdict == "replicated"] for one, verdict in said.items()}
    return rejected(overall, "deciding model") | rejected(beside, "two intercepts") | words


def interaction(number: int) -> Rejections:
    """False alarms of the interaction test in a Study 2 in which no source differs anywhere."""
    ratings = planning.draw(STUDY2, "simulated", planning.generator_of(SEED, "interaction", number))
    found = {}
    for name, formula in (("deciding model", DECIDING), ("two intercepts", TWO_INTERCEPTS)):
        sets = models.brief(ratings, declared(STUDY2.effects, formula), [tuple(STUDY2.effects)], within=True).sets
        found[f"Study 2: source by domain, {name}"] = list(sets.p_value[sets.test == "source:domain"] < ALPHA)
    return found


def sesoi(number: int) -> Rejections:
    """Errors about differences that are exactly the smallest effect size of interest."""
    own = declared(STUDY1.effects)
    delta = own.sesoi * STUDY1.total_sd
    plan = replace(STUDY1, effects={source: delta * (source != "s1") for source in SOURCES})
    ratings = planning.draw(plan, "simulated", planning.generator_of(SEED, "sesoi", number))
    files = claim("greater", pairs=[("s2", "s1")]) | claim("equivalent", pairs=[("s2", "s1")])
    said = planning.verdicts_of(ratings, own, files)
    return {
        "SESOI: `equivalent` replicated": [said["equivalent"] == "replicated"],
        "SESOI: `greater` not replicated": [said["greater"] == "not replicated"],
    }


def rates(simulate: Callable[[int], Rejections], sets: int, workers: int) -> pd.DataFrame:
    """Each rate with its 95% interval: Wilson's, or where a data set gives several, from the spread of their shares."""
    start = time.perf_counter()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(simulate, range(sets), chunksize=max(1, min(10, sets // (4 * workers)))))
    seconds = (time.perf_counter() - start) / max(sets, 1)
    rows = []
    for name in found[0] if found else ():
        shares = np.array([np.mean(one[name]) for one in found])
        counted = planning.share(round(shares.sum()), sets)
        low, high = counted["conf_low"], counted["conf_high"]
        if len(found[0][name]) > 1:
            half = stats.norm.ppf(0.975) * shares.std(ddof=1) / np.sqrt(sets)
            low, high = shares.mean() - half, shares.mean() + half
        rows.append((name, sets, f"{shares.mean():.1%}", f"{low:.1%} to {high:.1%}", f"{seconds:.1f}"))
    return pd.DataFrame(rows, columns=["what", "data sets", "rate", "95% interval", "wall s a data set"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--null", type=int, default=500)
    parser.add_argument("--interaction", type=int, default=500)
    parser.add_argument("--sesoi", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    parts = [
        rates(simulate, sets, given.workers)
        for simulate, sets in ((null, given.null), (interaction, given.interaction), (sesoi, given.sesoi))
    ]
    print(f"{date.today()}, {platform.machine()}, {given.workers} processes, load {os.getloadavg()[0]:.1f}")
    print(pd.concat(parts).to_string(index=False))


if __name__ == "__main__":
    main()
