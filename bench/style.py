"""The stage of style on a real study, odd texts, and the error rate of its permutation test: python bench/style.py.

The study is that of Welivita and Pu (2024), 12,000 responses, in data/external/welivita2024. Rates are set against
those of VADER alone on the same texts in the same run, as machines differ. `--embeddings FOLDER` adds the encoder's.
"""

import argparse
import itertools
import platform
import resource
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from empathic import features, settings
from empathic.style import classifier, contrasts, distinctive, likeness, measure, rated, tokens

ROOT = Path(__file__).parents[1]
LISTS = sorted((ROOT / "data/wordlists").glob("*.txt"))
TOOLS = measure.instruments(LISTS, ROOT / "data/wordlists/empath.tsv", settings.EMPATH)
PERMUTATIONS, CLASSIFIER, DRAWS = 19_999, 199, 2_000
SETS = 1_000


def study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Responses and posts of the real study. Ends the script where it is not there."""
    for folder in (ROOT / "data/external/welivita2024", ROOT.parent / "shared/data/welivita2024"):
        if folder.is_dir():
            texts = pd.read_csv(folder / "welivita_responses.csv", keep_default_na=False)
            ratings = pd.read_csv(folder / "welivita_ratings_long.csv")[["post_id", "source", "rating"]]
            texts = texts.rename(columns={"response_text": "text"}).merge(ratings, on=["post_id", "source"])
            texts["response_id"] = [f"{number:016x}" for number in range(len(texts))]
            posts = pd.read_csv(folder / "welivita_posts.csv", keep_default_na=False)
            return texts.assign(origin="observed"), posts.set_index("post_id").speaker_uttr
    sys.exit("The study of Welivita and Pu (2024) is not in data/external/welivita2024.")


class Clock:
    """Seconds by the wall and of CPU, of this process and its children, since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), self._used()

    @staticmethod
    def _used() -> float:
        return sum(
            part.ru_utime + part.ru_stime
            for part in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )

    def __str__(self) -> str:
        return f"{time.perf_counter() - self._wall:.1f} s, CPU {self._used() - self._cpu:.1f} s"

    @property
    def wall(self) -> float:
        """Seconds by the wall."""
        return time.perf_counter() - self._wall

    @property
    def cpu(self) -> float:
        """Seconds of CPU."""
        return self._used() - self._cpu


def rates(texts: pd.DataFrame) -> pd.DataFrame:
    """Print how many responses a second are measured, beside VADER alone; returns the features."""
    vader = SentimentIntensityAnalyzer()
    for text in texts.text[:500]:
        vader.polarity_scores(text)
    clock = Clock()
    for text in texts.text:
        vader.polarity_scores(text)
    peer = len(texts) / clock.cpu
    clock = Clock()
    found, _ = measure.measure(texts, TOOLS, processes=2)
    ours = len(texts) / clock.cpu
    print(f"all features of {len(texts)} responses, two processes: {len(texts) / clock.wall:.0f} responses a second")
    print(f"  per second of CPU {ours:.0f}; VADER alone {peer:.0f}: {ours / peer:.2f} of it")
    peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"  peak {peak[0]:.0f} MB, of a child {peak[1]:.0f} MB")
    return found


def memory(texts: pd.DataFrame) -> None:
    """Print the peak of this process after each further measuring of the same texts: it must not grow."""
    peaks = []
    for _ in range(3):
        measure.measure(texts.head(measure.FEW - 1), TOOLS)
        peaks.append(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
    print(f"peak after one, two and three measurings in one process: {', '.join(peaks)} MB")


def tests(texts: pd.DataFrame, posts: pd.Series, found: pd.DataFrame) -> None:
    """Print how long each test of the study takes."""
    names = [name for name in found if name not in measure.IDS]
    sources = list(texts.source.unique())
    table = found.assign(post_id=texts.post_id.to_numpy(), rating=texts.rating.to_numpy())
    whole = clock = Clock()
    contrasts.compare(table, names, sources, seed=1, permutations=PERMUTATIONS, draws=DRAWS)
    pairs = len(sources) * (len(sources) - 1) // 2
    print(f"contrasts, {len(names)} features x {pairs} pairs, {PERMUTATIONS} swaps, {DRAWS} draws: {clock}")
    clock = Clock()
    sets = {"all": names, "without length": [name for name in names if name not in features.LENGTH]}
    told = classifier.classify(table, sets, seed=1, permutations=CLASSIFIER)
    print(f"classifier, two sets, {CLASSIFIER} shuffles: {clock}")
    print(told[told.source.isna()].drop(columns="source").round(4).to_string(index=False))
    clock = Clock()
    rated.relate(table, names, seed=1)
    print(f"features against ratings: {clock}")
    print(f"all tests: {whole}")
    clock = Clock()
    parsed = [tokens.parse(text) for text in [*texts.text, *posts]]
    by_source = {source: [parsed[place] for place in np.flatnonzero(texts.source == source)] for source in sources}
    origins = dict.fromkeys(sources, "observed")
    distinctive.distinctive(by_source, origins)
    distinctive.repeated(by_source, origins)
    rows = texts[["source", "post_id"]].assign(vector=range(len(texts)))
    places = pd.Series(range(len(texts), len(parsed)), index=posts.index)
    likeness.likeness(likeness.runs(parsed), rows, places, seed=1)
    print(f"distinctive and repeated phrases, likeness by runs of words: {clock}")


def odd_texts() -> None:
    """Print how long texts take that hold up careless code."""
    odd = {
        "1 MB of prose": "I'm so sorry you feel this way. Take care! " * 24_000,
        "1 MB without a full stop": "happy and sad but not very good " * 32_000,
        "1 MB in one word": "a" * 1_000_000,
        "10,000 emojis": "😊" * 10_000,
        "1 MB of control characters": "".join(map(chr, range(32))) * 32_000,
        "1 MB of joiners": "\u200d" * 1_000_000,
        "1 MB of brackets": ":)" * 500_000,
    }
    for name, text in odd.items():
        clock = Clock()
        measure.features_of(text, TOOLS)
        print(f"{name}: {clock}")


def null_sets() -> None:
    """Print how often the permutation test rejects where two sources do not differ, at .05, by kind of feature."""
    rng = np.random.default_rng(20261122)
    per_hundred = {"a frequent word (5 per 100)": 5, "a word of one response in two (.7)": 0.7, "a rare word (.1)": 0.1}
    for posts in (15, 60):
        words = np.round(100 * rng.gamma(20, 0.05, (posts, SETS, 1)) * rng.lognormal(0, 0.2, (posts, SETS, 2)))
        mood = rng.gamma(2, 0.5, (posts, SETS, 1))
        kinds = {name: rng.poisson(mean * mood * words / 100) / words for name, mean in per_hundred.items()}
        for name, sets in (kinds | {"words": words}).items():
            p = contrasts.permutation_p(sets[..., 0] - sets[..., 1], rng, 1_999)
            print(f"{posts} posts, {name}: {100 * (p <= 0.05).mean():.1f}% of {SETS} null sets rejected at .05")


def real_null_sets(texts: pd.DataFrame, found: pd.DataFrame) -> None:
    """The same on the real features: two sources on 60 posts, swapped at random inside each post, 1,000 times."""
    rng = np.random.default_rng(20261123)
    names = [name for name in found if name not in measure.IDS]
    table = found.assign(post_id=texts.post_id.to_numpy())
    sources = list(texts.source.unique())
    by_post = {pair: contrasts.differences(table, names, *pair) for pair in itertools.combinations(sources, 2)}
    rejected, tested, filled = np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names))
    for _ in range(SETS):
        own = by_post[list(by_post)[rng.integers(len(by_post))]]
        drawn = own[rng.choice(len(own), 60, replace=False)] * rng.choice([-1.0, 1.0], (60, 1))
        differs = (np.nan_to_num(drawn) != 0).sum(axis=0)
        p = contrasts.permutation_p(drawn, rng, 999)
        rejected += (p <= 0.05) & (differs > 0)
        tested += differs > 0
        filled += differs
    usual = filled / SETS >= 15
    share = rejected / np.maximum(tested, 1)
    print(
        f"{usual.sum()} real features that differ in a quarter of posts or more, {SETS} sets: "
        f"{100 * rejected[usual].sum() / tested[usual].sum():.2f}% rejected at .05, "
        f"{100 * share[usual].min():.1f} to {100 * share[usual].max():.1f}% by feature; "
        f"{(~usual & (tested > 0)).sum()} rarer ones: {100 * rejected[~usual].sum() / tested[~usual].sum():.2f}%"
    )


def main() -> None:
    """Run all of it and print what bench/style.md holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embeddings", type=Path, help="folder of the encoder (cache/models/...)")
    given = parser.parse_args()
    print(f"{date.today()}, {platform.processor() or platform.machine()}, Python {platform.python_version()}")
    null_sets()
    odd_texts()
    texts, posts = study()
    memory(texts)
    found = rates(texts)
    real_null_sets(texts, found)
    tests(texts, posts, found)
    if given.embeddings:
        clock = Clock()
        likeness.embed(texts.text[:600].tolist(), given.embeddings, threads=2)
        print(f"embeddings, 600 responses, two threads, loading included: {clock}; {600 / clock.wall:.0f} a second")


if __name__ == "__main__":
    main()
