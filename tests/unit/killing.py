"""Jobs that are killed at random moments and started again, until a number of kills is reached."""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tiny_model import save

from empathic import generation, records, settings, tables

POSTS = tables.POSTS.frame(
    {"post_id": f"p{n}", "domain": "d", "text": "I am sad. " * (1 + n % 7), "origin": "observed"} for n in range(24)
)


@dataclass
class Campaign:
    """What became of it. differing, lost and twice are what must not be: whole records that say something else than
    an uninterrupted job's, that were there and went, that were made a second time."""

    kills: int = 0
    jobs_done: int = 0
    records: int = 0
    half_lines: int = 0
    differing: int = 0
    lost: int = 0
    twice: int = 0


def small_arm(folder: Path) -> generation.Arm:
    """A tiny model that answers them in about a second."""
    given = {"kind": "transformers", "title": "Tiny", "model": "tiny", "quantization": "none", "batch_size": 4}
    given |= {"context": 320, "sampling": {"max_new_tokens": 24, "temperature": 0.9}}
    source = settings.TransformersSource.model_validate(given).model_dump(mode="json")
    return generation.Arm("s", "a", source, save(folder), "Reply to: {post}", 7)


def job(arm: generation.Arm, cache: Path) -> None:
    """One job, as the rule runs it."""
    generation.answer(POSTS, arm, cache, "run.1of1", (1, 1), lambda line: None)


def start(arm: generation.Arm, cache: Path) -> int:
    """The same in a process of its own. Returns its id."""
    process = os.fork()
    if process == 0:
        try:
            job(arm, cache)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return process


def whole(arm: generation.Arm, cache: Path, half: Counter) -> list[records.Record]:
    """The whole records on the disk, those made twice standing twice; `half` counts lines that are none."""
    found = []
    for file in arm.records_in(cache).glob("*.jsonl"):
        found += records.read(file, lambda line: half.update([line]))
    return found


def campaign(folder: Path, kills: int, seed: int = 1) -> Campaign:
    """Kill jobs with SIGKILL so many times, at moments drawn evenly over a job's length."""
    arm, chance, seen, half = small_arm(folder / "tiny"), random.Random(seed), Campaign(), Counter()
    clock = time.monotonic()
    job(arm, folder / "undisturbed")
    length = time.monotonic() - clock
    expected = {one["key"]: records.fingerprint(one) for one in whole(arm, folder / "undisturbed", half)}
    before: set[str] = set()
    while seen.kills < kills:
        cache = folder / f"job{seen.jobs_done}"
        process = start(arm, cache)
        time.sleep(chance.uniform(0, length))
        os.kill(process, signal.SIGKILL)
        killed = os.WIFSIGNALED(os.waitpid(process, 0)[1])
        seen.kills += killed
        if not killed:
            job(arm, cache)  # nothing is missing, or it is made here
        now = whole(arm, cache, half)
        keys = {one["key"] for one in now}
        seen.differing += sum(expected.get(one["key"]) != records.fingerprint(one) for one in now)
        seen.lost += len(before - keys)
        seen.twice += len(now) - len(keys)
        before = keys
        if not killed:
            seen.lost += len(expected.keys() - keys)
            seen.records += len(now)
            seen.jobs_done += 1
            before = set()
    seen.half_lines = len(half)
    return seen
