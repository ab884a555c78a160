"""Jobs that are killed, at random moments or while they write, and started again, until so many kills are reached."""

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tiny_model import TEMPLATE, make_tokenizer, manifest, save

from empathic import generation, records, settings, tables

POSTS = tables.POSTS.frame(
    {"post_id": f"p{n}", "domain": "d", "text": "I am sad. " * (1 + n % 7), "origin": "observed"} for n in range(24)
)
# A record of such a post is a megabyte, whose write takes long enough to be met; the model reads its beginning alone.
LARGE = POSTS.assign(text=POSTS["text"].str.slice(0, 60) + "word " * 200_000)
READS_LITTLE = TEMPLATE.replace("message['content']", "message['content'][:80]")


@dataclass
class Campaign:
    """What became of it. half_lines: kills that met a write and left half a line. differing, lost and twice are what
    must not be: whole records that say something else than an uninterrupted job's, that were there and went, that were
    made a second time."""

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
    save(folder)
    tokenizer = make_tokenizer()
    tokenizer.chat_template = READS_LITTLE
    tokenizer.save_pretrained(folder)
    return generation.Arm("s", "a", source, manifest(folder), "Reply to: {post}", 7)


def job(arm: generation.Arm, cache: Path, posts: pd.DataFrame) -> None:
    """One job, as the rule runs it."""
    generation.answer(posts, arm, cache, "run.1of1", (1, 1), lambda line: None)


def start(arm: generation.Arm, cache: Path, posts: pd.DataFrame) -> int:
    """The same in a process of its own. Returns its id."""
    process = os.fork()
    if process == 0:
        try:
            job(arm, cache, posts)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return process


def whole(arm: generation.Arm, cache: Path) -> tuple[list[records.Record], int]:
    """The whole records on the disk, those made twice standing twice, and how many lines are none."""
    found, half = [], []
    for file in arm.records_in(cache).glob("*.jsonl"):
        found += records.read(file, half.append)
    return found, len(half)


def campaign(folder: Path, kills: int, *, in_writes: bool = False, seed: int = 1) -> Campaign:
    """Kill jobs with SIGKILL so many times.

    in_writes: as soon as the file of records is seen to grow, after as many records as chance says; the records are
    large ones. Else at moments drawn evenly over a job's length.
    """
    posts = LARGE if in_writes else POSTS
    arm, chance, seen = small_arm(folder / "tiny"), random.Random(seed), Campaign()
    clock = time.monotonic()
    job(arm, folder / "undisturbed", posts)
    length = time.monotonic() - clock
    made, _ = whole(arm, folder / "undisturbed")
    expected = {one["key"]: records.fingerprint(one) for one in made}
    before: set[str] = set()
    while seen.kills < kills:
        cache = folder / f"job{seen.jobs_done}"
        process = start(arm, cache, posts)
        if in_writes:
            wait_for_growth(arm.records_in(cache) / "run.1of1.jsonl", chance.randint(1, 6), process)
        else:
            time.sleep(chance.uniform(0, length))
        os.kill(process, signal.SIGKILL)
        killed = os.WIFSIGNALED(os.waitpid(process, 0)[1])
        seen.kills += killed
        if not killed:
            job(arm, cache, posts)  # nothing is missing, or it is made here
        now, half = whole(arm, cache)
        seen.half_lines += half
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
    return seen


def wait_for_growth(file: Path, times: int, process: int) -> None:
    """Wait, without a pause, until a file has begun to grow so many times, or the job that writes it has ended."""
    size = os.path.getsize(file) if file.exists() else 0
    while times and not ended(process):
        now = os.path.getsize(file) if file.exists() else 0
        if now > size:
            times -= 1
            while times and not ended(process) and (later := os.path.getsize(file)) != now:  # one growth is one record
                now = later
        size = now


def ended(process: int) -> bool:
    """Whether a child has ended; it can still be waited for."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
