"""How long ratings take from an export to the tables, against what merely reads and writes the same rows.

    python bench/ratings.py [PAIRS] [RATINGS]     from the root; 3 pairs, and 1,000,000 ratings in the long CSV

Ours reads an export, joins it, applies the rules and writes ratings.csv, raters.csv and flow.csv; the peer is
pandas.read_csv of the same files and a pyarrow write of the rows that ours writes, read back. Each runs in a process of
its own, in turn, imports apart; the ratio is that of the medians. Memory is the peak of the process less what it held
after its imports.
"""

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
SOURCES = [f"source_{number}" for number in range(5)]
A_RATER = 10
MB = 1e6


def write_long(path: Path, rows: int) -> None:
    """One long CSV: raters with ten ratings each, of 2,000 posts by five sources, with times and a column to carry."""
    draw = np.random.default_rng(1)
    rater = np.arange(rows) // A_RATER
    post = (rater * 7 + np.arange(rows) % A_RATER // len(SOURCES) * 991) % 2000
    table = pd.DataFrame(
        {
            "who": np.char.add("5f3c9b1e0a7d4c00", np.char.zfill(rater.astype(str), 8)),
            "post": np.char.add("post_", post.astype(str)),
            "domain": np.char.add("domain_", (post % 6).astype(str)),
            "source": np.array(SOURCES)[np.arange(rows) % len(SOURCES)],
            "rating": draw.integers(1, 8, rows),
            "place": np.arange(rows) % A_RATER + 1,
            "seconds": 200 + rater % 500,
            "emotion": np.array(["joy", "fear", "anger"])[post % 3],
        }
    )
    table.to_csv(path, index=False)


def write_qualtrics(path: Path, rows: int, first: int) -> None:
    """One Qualtrics export of so many raters, ten ratings each in 300 columns of responses, from this rater on."""
    draw = np.random.default_rng(first)
    head = ["StartDate", "EndDate", "Status", "IPAddress", "Duration (in seconds)", "Finished", "ResponseId"]
    head += ["PROLIFIC_PID", "attention_1", "attention_2"]
    names = head + [f"R_label-{number}_{what}" for number in range(150) for what in ("empathy", "DO")]
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("\ufeff" + ",".join(names) + "\n" + ",".join(["words"] * len(names)) + "\n")
        handle.write(",".join(f'"{{""ImportId"":""QID{number}""}}"' for number in range(len(names))) + "\n")
        for rater in range(first, first + rows):
            cells = [""] * 300
            for place, seen in enumerate(draw.choice(150, A_RATER, replace=False)):
                cells[2 * seen : 2 * seen + 2] = [str(draw.integers(1, 8)), str(place + 1)]
            told = ["2031-05-01 10:00:00", "2031-05-01 10:10:00", "0", "192.0.2.1", "600", "1", f"R_{rater:015d}"]
            handle.write(",".join([*told, f"{rater:024x}", "6", "2", *cells]) + "\n")


def cases(folder: Path, ratings: int) -> dict[str, list[Path]]:
    """The files of each case: so many ratings in one long CSV, and a tenth; ten Qualtrics exports, and one of them."""
    longs = [folder / f"long_{rows}.csv" for rows in (ratings // 10, ratings)]
    for path, rows in zip(longs, (ratings // 10, ratings), strict=True):
        write_long(path, rows)
    raters = ratings // 40
    exports = [folder / f"qualtrics_{number}.csv" for number in range(10)]
    for number, path in enumerate(exports):
        write_qualtrics(path, raters, number * raters)
    return {
        f"long, {ratings // 10:,} ratings": longs[:1],
        f"long, {ratings:,} ratings": longs[1:],
        f"1 Qualtrics export of {raters:,} raters": exports[:1],
        f"10 Qualtrics exports of {raters:,} raters": exports,
    }


class Meter:
    """Seconds and memory from now on; the kernel's own high-water mark, which a new program begins anew."""

    def __init__(self) -> None:
        self._held, self._start = self._memory("VmRSS"), time.perf_counter()

    def read(self) -> dict[str, float]:
        """Seconds, and the peak of memory in MB over what was held at the start."""
        return {"s": time.perf_counter() - self._start, "mb": self._memory("VmHWM") - self._held}

    @staticmethod
    def _memory(name: str) -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / MB


def ours(paths: list[Path], out: Path) -> dict[str, float]:
    """From the files to the tables."""
    sys.path.insert(0, str(ROOT / "scripts"))
    from empathic import exports, instrument, ratings, settings, tables

    survey = instrument.read(ROOT / "data" / "instrument.yaml", "empathy")
    long = paths[0].name.startswith("long")
    columns = {"rater_id": "who", "post_id": "post", "domain": "domain", "source": "source", "rating": "rating"}
    columns |= {"position": "place", "duration_s": "seconds", "emotion": "emotion"}
    described = {"format": "long", "columns": columns} if long else {"format": "qualtrics"}
    listed = [{"name": "too_fast", "seconds": 180}, "straight_lining"]
    rules = settings.Ratings(exclusions=listed if long else ["unfinished", "attention", *listed]).model_dump()
    given = [
        settings.Export(file=path, origin="observed", rights="none", **described).model_dump(mode="json")
        for path in paths
    ]
    responses, sources = (None, SOURCES) if long else (_responses(tables), ["a", "b"])
    meter = Meter()
    asked = ratings.Asked(survey, sources, rules["exclusions"], [], [18])
    merged = ratings.merge(
        exports.read_all(given, survey, "empathy", asked.rules), responses, asked, private_key=lambda: "0" * 64
    )
    tables.RATINGS.write(merged.ratings, out / "ratings.csv")
    tables.RATERS.write(merged.raters, out / "raters.csv")
    tables.FLOW.write(merged.flow, out / "flow.csv")
    return meter.read()


def _responses(tables):
    return tables.RESPONSES.frame(
        {"response_id": f"{number:016x}", "post_id": f"p{number // 2}", "domain": "all", "source": "ab"[number % 2]}
        | {"kind": "archived", "sample": 0, "label": f"label-{number}", "text": "t", "n_words": 1, "origin": "observed"}
        | {"writer_id": None}
        for number in range(150)
    )


def peer(paths: list[Path], out: Path) -> dict[str, float]:
    """pandas.read_csv of the files and a pyarrow write of the rows that ours wrote."""
    import pyarrow
    from pyarrow import csv

    written = pyarrow.Table.from_pandas(pd.read_csv(out / "ratings.csv"), preserve_index=False)
    meter = Meter()
    for path in paths:
        pd.read_csv(path, low_memory=False)
    csv.write_csv(written, out / "peer.csv")
    return meter.read()


def measured(what: str, paths: list[Path], out: Path) -> dict[str, float]:
    """Run one of the two in a process of its own: seconds, and peak memory in MB less that of the imports."""
    words = [sys.executable, __file__, "--run", what, str(out), *map(str, paths)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main(pairs: int = 3, ratings: int = 1_000_000) -> None:
    """Print a row a case."""
    python, machine = platform.python_version(), platform.machine()
    print(f"{date.today()}, {machine}, Python {python}, pandas {pd.__version__}, {pairs} pairs")
    print("| case | files, MB | ours, s | peer, s | ratio | ours, memory over the files' size |")
    print("|---|---|---|---|---|---|")
    seconds = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case, paths in cases(folder, ratings).items():
            found: dict[str, list[dict[str, float]]] = {"ours": [], "peer": []}
            for _ in range(pairs):
                for what in found:
                    found[what].append(measured(what, paths, folder))
            size = sum(path.stat().st_size for path in paths) / MB
            took = {what: statistics.median(run["s"] for run in runs) for what, runs in found.items()}
            memory = max(run["mb"] for run in found["ours"])
            seconds[case] = took["ours"]
            times = f"{took['ours']:.2f} | {took['peer']:.2f} | {took['ours'] / took['peer']:.2f}"
            print(f"| {case} | {size:.0f} | {times} | {memory / size:.1f} |", flush=True)
    small, large, one, ten = seconds.values()
    print(f"\nTen times the rows: long {large / small:.1f} times the time, Qualtrics {ten / one:.1f} times.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        what, out, *names = sys.argv[2:]
        print(json.dumps({"ours": ours, "peer": peer}[what]([Path(name) for name in names], Path(out))))
    else:
        main(*map(int, sys.argv[1:]))
