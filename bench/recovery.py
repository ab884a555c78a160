"""Do the models recover what was put into simulated ratings? python bench/recovery.py, in two processes.

--data-sets N: of lmer, on normal ratings and on ordinal answers (held against the expected ratings); 1,000.
--ordinal N: of clmm on ordinal answers (held against the latent scale); 100, each up to a minute. 0 leaves a kind out.
192 raters, 5 of 15 posts, 3 sources; `snakemake recovery` does the same for the studies of a config.
"""

import argparse
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from empathic import planning
from empathic.declared import Declared
from empathic.settings import DECIDING, ORDINAL, Planning

SAID = Planning(seed=20240327).model_dump()


def fitted(kind: str, numbers: list[int]) -> pd.DataFrame:
    """Some of the data sets of a kind."""
    ordinal = kind == "latent"
    declared = Declared(
        study="simulated",
        model="ordinal" if ordinal else "deciding",
        file="simulated",
        formula=ORDINAL if ordinal else DECIDING,
        family="ordinal" if ordinal else "gaussian",
        link="probit" if ordinal else "identity",
        df="asymptotic" if ordinal else "satterthwaite",
        reml=not ordinal,
        replicated_domains=True,
        sources=("s1", "s2", "s3"),
        item="simulated",
        scale_range=6.0,
        sesoi=0.2,
        adjust="holm",
    )
    return planning.recovery_sets(kind, declared, SAID, numbers, print)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-sets", type=int, default=1000)
    parser.add_argument("--ordinal", type=int, default=100)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    asked = {"numbers": given.data_sets, "answers": given.data_sets, "latent": given.ordinal}
    print(f"{date.today()}, {platform.machine()}, {given.workers} processes, load {os.getloadavg()[0]:.1f}")
    with ProcessPoolExecutor(given.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for kind, sets in ((kind, sets) for kind, sets in asked.items() if sets):
            start = time.perf_counter()
            jobs = [list(range(first, sets, given.workers)) for first in range(min(sets, given.workers))]
            table = planning.recovered(pd.concat(pool.map(partial(fitted, kind), jobs)))
            print(f"{kind}: {(time.perf_counter() - start) / sets:.1f} s a data set")
            print(table.drop(columns=["kind", "origin"]).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
