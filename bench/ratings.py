"""How long ratings take from an export to the tables, against what merely reads and writes the same rows.

    python bench/ratings.py [PAIRS]     from the root; needs pyarrow, which the package itself does not use

Ours reads an export, joins it, applies the rules and writes ratings.csv, raters.csv and flow.csv; the peer is
pandas.read_csv of the same files and a pyarrow write of the rows that ours writes, read back. Each runs in a process of
its own, in turn, imports apart; the ratio is that of the medians. Memory is the peak of the process less what it held
after its imports, over the size of the files.
"""

import json
import platform
import resource
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


def cases(folder: Path) -> dict[str, tuple[list[Path], int]]:
    """The files of each case, made where they are not there, and how many ratings they hold."""
    made: dict[str, tuple[list[Path], int]] = {}
    for rows in (100_000, 1_000_000):
        path = folder / f"long_{rows}.csv"
        write_long(path, rows)
        made[f"long, {rows:,} ratings"] = ([path], rows)
    for count, raters in ((1, 25_000), (10, 25_000)):
        paths = [folder / f"qualtrics_{number}.csv" for number in range(count)]
        for number, path in enumerate(paths):
            if not path.exists():
                write_qualtrics(path, raters, number * raters)
        size = sum(path.stat().st_size for path in paths) / MB
        made[f"qualtrics, {count} of {size:.0f} MB in all"] = (paths, count * raters * A_RATER)
    return made


def ours(paths: list[Path], out: Path) -> float:
    """Seconds from the files to the tables."""
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
    start = time.perf_counter()
    asked = ratings.Asked(survey, sources, rules["exclusions"], [], [18])
    merged = ratings.merge(
        exports.read_all(given, survey, "empathy", asked.rules), responses, asked, private_key=lambda: "0" * 64
    )
    tables.RATINGS.write(merged.ratings, out / "ratings.csv")
    tables.RATERS.write(merged.raters, out / "raters.csv")
    tables.FLOW.write(merged.flow, out / "flow.csv")
    return time.perf_counter() - start


def _responses(tables):
    return tables.RESPONSES.frame(
        {"response_id": f"{number:016x}", "post_id": f"p{number // 2}", "domain": "all", "source": "ab"[number % 2]}
        | {"kind": "archived", "sample": 0, "label": f"label-{number}", "text": "t", "n_words": 1, "origin": "observed"}
        | {"writer_id": None}
        for number in range(150)
    )


def peer(paths: list[Path], out: Path) -> float:
    """Seconds for pandas.read_csv of the files and a pyarrow write of the rows that ours wrote."""
    import pyarrow
    from pyarrow import csv

    written = pyarrow.Table.from_pandas(pd.read_csv(out / "ratings.csv"), preserve_index=False)
    start = time.perf_counter()
    for path in paths:
        pd.read_csv(path, low_memory=False)
    csv.write_csv(written, out / "peer.csv")
    return time.perf_counter() - start


def measured(what: str, paths: list[Path], out: Path) -> dict[str, float]:
    """Run one of the two in a process of its own: seconds, and peak memory in MB less that of the imports."""
    words = [sys.executable, __file__, "--run", what, str(out), *map(str, paths)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main(pairs: int) -> None:
    """Print a row a case."""
    print(
        f"{date.today()}, {platform.machine()}, Python {platform.python_version()}, pandas {pd.__version__}, {pairs} pairs"
    )
    print("| case | files, MB | ours, s | peer, s | ratio | ours, MB over the files' |")
    print("|---|---|---|---|---|---|")
    seconds = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case, (paths, _) in cases(folder).items():
            found: dict[str, list[dict[str, float]]] = {"ours": [], "peer": []}
            for _ in range(pairs):
                for what in found:
                    found[what].append(measured(what, paths, folder))
            size = sum(path.stat().st_size for path in paths) / MB
            took = {what: statistics.median(run["s"] for run in runs) for what, runs in found.items()}
            memory = max(run["mb"] for run in found["ours"])
            seconds[case] = took["ours"]
            ratio = took["ours"] / took["peer"]
            print(
                f"| {case} | {size:.0f} | {took['ours']:.2f} | {took['peer']:.2f} | {ratio:.2f} | {memory / size:.1f} |"
            )
    small, large, one, ten = seconds.values()
    print(f"\nTen times the rows: long {large / small:.1f} times the time, Qualtrics {ten / one:.1f} times.")


def run(what: str, out: Path, paths: list[Path]) -> None:
    """What a process of its own does."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = {"ours": ours, "peer": peer}[what](paths, out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"s": took, "mb": (peak - before) * 1024 / MB}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(sys.argv[2], Path(sys.argv[3]), [Path(name) for name in sys.argv[4:]])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
