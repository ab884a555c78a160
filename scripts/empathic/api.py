"""A model behind an API answers posts: from prompts to records, none asked for twice, within limits on rate and spend.

What endpoints promise differs from what generation here promises: the same request may bring another text, so that
a record is all that holds on to one.
"""

import importlib.metadata
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from empathic import files, ids, lengths, prompts, records
from empathic.endpoint import EMPTY, KEPT, Endpoint, Pace
from empathic.errors import InputError
from empathic.posts import in_order
from empathic.records import Record
from empathic.rule import Every

GIVE_UP_AFTER = 3  # requests in a row that brought no answer: then it is the endpoint, and no single post
# What is kept of an answer that another one replaced: it was paid for.
DRAFT = ("text", "finish_reason", "prompt_tokens", "new_tokens", "request_id", "attempts")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Arm:
    """A source of one study: its settings (settings.OpenAISource), its prompt template, the config's seed.

    redraw: as of generation.Arm: `words`, the least and the most that were asked for, and `draws`, how often a response
    outside them is asked for again. None: never.
    """

    study: str
    name: str
    source: dict[str, Any]
    template: str
    seed: int
    redraw: dict[str, Any] | None = None

    def records_in(self, cache: Path) -> Path:
        """Where its records lie."""
        return records.folder(cache, self.study, self.name)


def answer(posts: pd.DataFrame, arm: Arm, cache: Path, writer: str, say: Say) -> pd.DataFrame:
    """Have a source answer the posts, asking only for the records that are not there yet.

    posts: tables.POSTS. writer: name of this job's own file of records.

    Returns records.listing, in the posts' order. A post that got no answer has a record that says why: one of a
    content filter, a refusal, or an empty answer is final, one of a failure (of the network, say) is asked for again
    by the next call. Raises InputError for what would meet every post (see Endpoint.ask), where the limit on spend is
    reached, and where no post at all got an answer; all that was answered is kept.
    """
    folder = arm.records_in(cache)
    asked = request_all(posts, arm)
    found = records.look_up(folder, say)
    missing = [
        one | {"redrawn": found.get(one["key"], {}).get("redrawn", [])}
        for one in asked
        if one["key"] not in found or records.to_try_again(found[one["key"]])
    ]
    say(f"{arm.study}, {arm.name}: {len(asked) - len(missing)} of {len(asked)} responses are there already")
    if missing:
        with records.Writer(folder / f"{writer}.jsonl") as out:
            Job(arm, missing, Spend(arm, found.values()), out.append, say).run()
        found = records.look_up(folder, say)
    listed = [found[one["key"]] for one in asked]
    failed = [record for record in listed if records.to_try_again(record)]
    if len(failed) == len(listed):
        raise InputError(f"source '{arm.name}'", f"no post got an answer: {failed[0]['error']}", "Start again later")
    if failed:
        say(
            f"{arm.study}, {arm.name}: {len(failed)} of {len(listed)} responses could not be had; the run goes on "
            "without them. To ask again: snakemake --cores all --forcerun request_responses"
        )
    return in_order(posts, records.listing(listed))


def request_all(posts: pd.DataFrame, arm: Arm) -> list[Record]:
    """What a source is asked: every post, every sample, as records that lack only what the answer adds."""
    source, azure = arm.source, arm.source["azure"] or {}
    sampling = {name: value for name, value in source["sampling"].items() if value is not None}
    seeded = sampling.pop("seed", None) == "derived"
    asked = []
    for post in posts.itertuples():
        for sample in range(source["samples"]):
            seed = _for_endpoints(ids.seed(arm.seed, arm.study, arm.name, post.post_id, sample)) if seeded else None
            record = {
                "kind": "openai",
                "study": arm.study,
                "source": arm.name,
                "post_id": post.post_id,
                "sample": sample,
                "endpoint": azure.get("endpoint", source["base_url"]),
                "deployment": azure.get("deployment"),
                "api_version": azure.get("api_version"),
                "model": source["model"],
                "prompt_sha256": files.sha256_text(arm.template),
                "messages": prompts.messages(arm.template, post.text),
                "sampling": sampling,
                "seed": seed,
                "redraw": arm.redraw,
            }
            asked.append({"key": records.key(record), **record})
    return asked


def _for_endpoints(seed: int) -> int:
    """Endpoints differ in how large a seed may be; 31 bits fit all."""
    return seed % 2**31


def awaiting(record: Record) -> Record:
    """The record of an answer outside the words asked for, made one that waits for another answer.

    The answer is among its drafts: it was paid for, and a later call goes on from there.
    """
    before = record["redrawn"]
    draft = {name: record[name] for name in DRAFT}
    draft["attempts"] -= sum(one["attempts"] for one in before)
    nothing = {"text": "", **dict.fromkeys(["raw_text", "finish_reason", "prompt_tokens", "new_tokens", "request_id"])}
    words = "the answer was outside the words asked for, and another one was not had"
    return {**record, **nothing, "error": words, "try_again": True, "redrawn": [*before, draft]}


class Spend:
    """The limit on spend of a source in one study, in tokens of prompts and answers."""

    def __init__(self, arm: Arm, made: Iterable[Record]) -> None:
        """made: the records that are there already; they count, with the answers that they replaced."""
        self._name, self._limit = arm.name, arm.source["max_tokens_total"]
        self._draws = 1 + arm.redraw["draws"] if arm.redraw else 1
        self.tokens = self._dearest = 0
        for record in made:
            for answer in (*record["redrawn"], record):
                self.count(answer)

    def count(self, record: Record) -> None:
        """Count an answer. Raises InputError where its tokens are unknown and there is a limit to keep."""
        if record["prompt_tokens"] is None or record["new_tokens"] is None:
            if not record.get("error") and self._limit:
                raise InputError(
                    f"source '{self._name}'",
                    "the endpoint does not say how many tokens an answer took, so max_tokens_total cannot be kept",
                    f"Take that limit out, and use one that the endpoint offers; {KEPT}",
                )
            return
        tokens = record["prompt_tokens"] + record["new_tokens"]
        self.tokens += tokens
        self._dearest = max(self._dearest, tokens)

    def leaves_room(self, under_way: int) -> bool:
        """Whether another request may be sent beside those under way, each as dear as the dearest so far."""
        return not self._limit or self.tokens + (under_way + 1) * max(self._dearest, 1) <= self._limit

    def reached(self, missing: int) -> InputError:
        """What to say when it does not, with so many responses still missing."""
        enough = self.tokens + missing * self._draws * max(self._dearest, 1)
        return InputError(
            f"source '{self._name}'",
            f"{self.tokens} tokens are spent, and one more answer (up to {self._dearest} so far) could pass the limit, "
            f"max_tokens_total: {self._limit}; {missing} responses are missing, the others are kept",
            f"To go on raise it, to {enough} for all of them, and start the same command again",
        )


class Job:
    """Requests that are sent side by side, each answer kept as it comes."""

    def __init__(
        self, arm: Arm, missing: Sequence[Record], spend: Spend, keep: Callable[[Record], None], say: Say
    ) -> None:
        self._arm, self._waiting, self._spend, self._keep, self._say = arm, deque(missing), spend, keep, say
        self._stop = threading.Event()
        self._endpoint = Endpoint(arm.name, arm.source, Pace(arm.source["requests_per_minute"], self._stop), say)
        self._under_way: dict[Future[Record], Record] = {}
        self._total, self._done, self._in_a_row = len(missing), 0, 0
        self._due, self._start = Every(), time.monotonic()
        self._described = {
            "prompt_file": arm.source["prompt"],
            "licence": arm.source["licence"],
            "versions": {"openai": importlib.metadata.version("openai")},
        }

    def run(self) -> None:
        """Ask for all that is missing. Whatever stops it, what is under way is waited for and kept: it is paid for."""
        with ThreadPoolExecutor(self._arm.source["concurrency"]) as pool:
            try:
                while self._waiting or self._under_way:
                    self._send(pool)
                    self._receive()
            except BaseException:
                self._stop.set()
                for future in as_completed(self._under_way):
                    if not future.exception():
                        self._keep(self._kept_as(future.result()))
                raise

    def _send(self, pool: ThreadPoolExecutor) -> None:
        # The first request goes alone: it finds out about key, model and price of an answer for all.
        at_once = self._arm.source["concurrency"] if self._done else 1
        while self._waiting and len(self._under_way) < at_once and self._spend.leaves_room(len(self._under_way)):
            request = self._waiting.popleft()
            self._under_way[pool.submit(self._ask, request)] = request
        if not self._under_way:
            raise self._spend.reached(len(self._waiting))

    def _receive(self) -> None:
        finished, _ = wait(self._under_way, timeout=1, return_when=FIRST_COMPLETED)
        for future in finished:
            record, request = future.result(), self._under_way.pop(future)
            kept = self._kept_as(record)
            self._keep(kept)
            if kept is not record:
                self._waiting.appendleft(request | {"redrawn": kept["redrawn"]})
            self._judge(record)
        if self._due or not (self._waiting or self._under_way):
            self._tell()

    def _ask(self, request: Record) -> Record:
        before = request["redrawn"]
        sampling = dict(request["sampling"])
        if request["seed"] is not None:
            sampling["seed"] = _for_endpoints(ids.seed(request["seed"], len(before))) if before else request["seed"]
        answer = self._endpoint.ask(request["messages"], sampling)
        answer["attempts"] += sum(draft["attempts"] for draft in before)
        return {**request, **self._described, **answer}

    def _kept_as(self, record: Record) -> Record:
        """The record as it is; of an answer that is to be replaced by another one, a record that waits for that one."""
        redraw = self._arm.redraw
        an_answer = record["error"] in (None, EMPTY)
        if not redraw or not an_answer or len(record["redrawn"]) == redraw["draws"]:
            return record
        return record if lengths.inside(record["text"], redraw["words"]) else awaiting(record)

    def _judge(self, record: Record) -> None:
        self._spend.count(record)
        if not records.to_try_again(record):
            self._done += 1
            self._in_a_row = 0
            return
        self._in_a_row += 1
        self._say(f"{self._arm.study}, {self._arm.name}, post {record['post_id']}: {record['error']}")
        if self._in_a_row == GIVE_UP_AFTER:
            raise InputError(
                f"source '{self._arm.name}'",
                f"{GIVE_UP_AFTER} posts in a row got no answer; the last: {record['error']}",
                f"See that the endpoint works, then start the same command again; {KEPT}",
            )

    def _tell(self) -> None:
        passed, left = time.monotonic() - self._start, len(self._waiting) + len(self._under_way)
        minutes = f", about {passed / self._done * left / 60:.0f} min left" if self._done and left else ""
        self._say(
            f"{self._arm.study}, {self._arm.name}: {self._total - left} of {self._total} requests, "
            f"{self._spend.tokens} tokens so far{minutes}"
        )
