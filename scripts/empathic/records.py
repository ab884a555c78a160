"""What was generated, one JSON line a record, in files that outlive failures and reruns.

A record is found again by the fields that determine its text, DETERMINING; all other fields only describe how it came
about. records_schema.json says what each is. Each job appends to a file of its own; a look-up goes over all files of
the source.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from empathic import files, ids
from empathic.errors import InputError

DETERMINING = {
    "transformers": (
        "weights_sha256",
        "stop_tokens",
        "prompt_sha256",
        "messages",
        "input_sha256",
        "sampling",
        "quantization",
        "double_quantization",
        "compute_dtype",
        "device",
        "batch_size",
        "context",
        "pad_to",
        "seed",
        "sampler_version",
        "redraw",
    ),
    # An endpoint may be sent no seed, so that post and sample must tell two equal requests apart.
    "openai": (
        "kind",
        "endpoint",
        "deployment",
        "api_version",
        "model",
        "prompt_sha256",
        "messages",
        "sampling",
        "seed",
        "post_id",
        "sample",
        "redraw",
    ),
}
SINCE = {"stop_tokens"}  # Records made before it determined a text are whole without it, and nobody asks for them.
SEAL = "line_sha256"  # of the rest of the line: of a text that was garbled on the disk nothing else would tell
NEEDED = {"post_id", "sample", "text", "finish_reason", "error", "ended"}
HEARTBEAT_S = 10
STALE_S = 60

Record = dict[str, Any]


def key(record: Record) -> str:
    """What a record is found by: SHA-256 over its determining fields. Raises KeyError where one is missing."""
    # Records made before there were other kinds name none.
    kind = record.get("kind", "transformers")
    determining = [field for field in DETERMINING[kind] if field in record or field not in SINCE]
    return files.sha256_text(files.canonical({field: record[field] for field in determining}))


def fingerprint(record: Record) -> str:
    """SHA-256 over what a record says of its text: key, text, why it ended, error."""
    return files.sha256_text(files.canonical([record[name] for name in ("key", "text", "finish_reason", "error")]))


def to_try_again(record: Record) -> bool:
    """Whether it stands for an answer that could not be had, as in a failure of the network, and may be had yet."""
    return bool(record.get("try_again"))


def look_up(folder: Path, warn: Callable[[str], None]) -> dict[str, Record]:
    """All records of a source, by key.

    Of two for one key the one that ended first counts, then by file name, and one to be tried again only where there
    is no other, of these the one with most drafts, then the last; a disagreement of texts is a warning, and so is a
    line that is no record, which counts as missing.
    """
    found: dict[str, tuple[str, Record]] = {}
    failed: dict[str, Record] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for record in read(file, warn):
            key = record["key"]
            if to_try_again(record):
                failed[key] = max(failed.get(key, record), record, key=_got_on)
                continue
            counts, other = found.setdefault(key, (file.name, record))
            first = record["ended"] < other["ended"]
            if fingerprint(other) != fingerprint(record):
                counts = file.name if first else counts
                warn(f"{file}: two texts for one record (post {record['post_id']}); that of {counts} counts")
            if first:
                found[key] = file.name, record
    return failed | {key: record for key, (_, record) in found.items()}


def _got_on(record: Record) -> tuple[int, str]:
    return len(record.get("redrawn", ())), record["ended"]


def read(file: Path, warn: Callable[[str], None]) -> Iterator[Record]:
    """The records of one file; a line that is none is a warning."""
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        if not line:
            continue
        record = _whole(line)
        if record:
            yield record
        else:
            warn(f"{file}: line {number} is no whole record; it counts as missing and is made again")


def _whole(line: bytes) -> Record | None:
    """The record that a line holds; None where it holds none, or one that was changed."""
    try:
        record = json.loads(line)
        seal = record.pop(SEAL)
        whole = record["key"] == key(record) and record.keys() >= NEEDED and seal == _seal(record)
        return record if whole else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _seal(record: Record) -> str:
    return files.sha256_text(files.canonical(record))


class Writer:
    """Appends records to one file, which no other process writes to meanwhile; use it as a context.

    Raises InputError on entry where another living process holds the file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = Lock(file.with_suffix(".lock"))

    def __enter__(self) -> "Writer":
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            self._handle = open(self._file, "ab", buffering=0)
            self._mend_the_last_line()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._handle.close()
        finally:
            self._lock.release()

    def append(self, record: Record) -> None:
        """Put a record on the disk, whole, before anything else happens."""
        self._lock.require()
        start = os.path.getsize(self._file)
        sealed = {**record, SEAL: _seal(record)}
        line = json.dumps(sealed, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            while line:
                line = line[self._handle.write(line) :]
            os.fsync(self._handle.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(self._file, start)
            error.filename = error.filename or str(self._file)
            raise

    def _mend_the_last_line(self) -> None:
        """A killed writer may have left half a line, which goes, or a whole one without its end, which gets it."""
        half = self._file.read_bytes().rpartition(b"\n")[2]
        if half and _whole(half):
            self._handle.write(b"\n")
        elif half:
            os.truncate(self._file, os.path.getsize(self._file) - len(half))


class Lock:
    """A lock file that names host, process and a heartbeat, and that a dead holder's successor takes over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = {"host": socket.gethostname(), "process": os.getpid()}
        self._stop = threading.Event()
        self._lost = False
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def acquire(self) -> None:
        """Take the lock. Raises InputError, naming the holder, while it is held by a living process."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        while not self._create():
            holder = _holder(self._path)
            if holder and alive(holder):
                raise InputError(
                    self._path,
                    f"process {holder['process']} on {holder['host']} is writing these records",
                    "Wait for it, or end it, and start again",
                )
            self._remove_stale(holder)
        self._heart.start()

    def release(self) -> None:
        """Give the lock back."""
        self._stop.set()
        self._heart.join()  # A beat under way would put the lock back.
        if not self._lost:
            self._path.unlink(missing_ok=True)

    def require(self) -> None:
        """Raise InputError where the lock was taken over, as after a long sleep of the machine."""
        if self._lost:
            raise InputError(self._path, "another process took this lock over", "Start again when it has ended")

    def _create(self) -> bool:
        # A link appears with its content, so that nobody reads a lock half written.
        mine = self._beside("new")
        try:
            mine.write_text(self._state(), encoding="utf-8")
            os.link(mine, self._path)
        except FileExistsError:
            return False
        finally:
            mine.unlink(missing_ok=True)
        return True

    def _remove_stale(self, holder: dict[str, Any] | None) -> None:
        aside = self._beside("stale")
        try:
            os.rename(self._path, aside)
        except FileNotFoundError:
            return
        if _holder(aside) != holder:
            # Somebody else took the lock over between our look and our rename: it is theirs.
            with contextlib.suppress(FileExistsError):
                os.link(aside, self._path)
        aside.unlink()

    def _beside(self, what: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{what}.{self._owner['host']}.{self._owner['process']}")

    def _state(self) -> str:
        return json.dumps({**self._owner, "heartbeat": time.time()})

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            holder = _holder(self._path) or {}
            if any(holder.get(name) != value for name, value in self._owner.items()):
                self._lost = True
                return
            with contextlib.suppress(OSError), files.whole(self._path) as handle:
                handle.write(self._state())


def alive(holder: dict[str, Any]) -> bool:
    """Whether a lock's holder lives: seen within STALE_S seconds and, on this host, a process that is still there."""
    if time.time() - holder["heartbeat"] > STALE_S:
        return False
    return holder["host"] != socket.gethostname() or _runs(holder["process"])


def _runs(process: int) -> bool:
    """Whether a process of this host runs; one that ended and waits for its parent to notice does not."""
    try:
        return psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True  # Another user's, of which nothing can be seen.


def _holder(lock: Path) -> dict[str, Any] | None:
    """Host, process and heartbeat that a lock file names; None where it names none."""
    try:
        holder = json.loads(lock.read_text(encoding="utf-8"))
        return {
            "host": str(holder["host"]),
            "process": int(holder["process"]),
            "heartbeat": float(holder["heartbeat"]),
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def folder(cache: Path, study: str, source: str) -> Path:
    """Where the records of a source of a study lie, in as many files as jobs wrote."""
    return cache / "records" / study / source


def listing(made: Iterable[Record]) -> pd.DataFrame:
    """What a job declares that it made: key, post_id, sample, sha256 (see fingerprint), one row a record."""
    rows = [(record["key"], record["post_id"], record["sample"], fingerprint(record)) for record in made]
    return pd.DataFrame(rows, columns=["key", "post_id", "sample", "sha256"])


def write_listing(listed: pd.DataFrame, path: Path | str) -> None:
    """Write a job's listing whole."""
    with files.whole(path) as out:
        listed.to_csv(out, index=False, lineterminator="\n")


def read_listing(path: Path | str) -> pd.DataFrame:
    """What a job's listing holds; a post may be called NA."""
    return pd.read_csv(path, dtype=dict.fromkeys(["key", "post_id", "sha256"], str), keep_default_na=False)


def gathered(record: Record, post: str) -> Record:
    """A record as generations/{source}.jsonl has it: the id of its response before it, None where there is no text.

    post: the text of its post.
    """
    identity = None
    if not record["error"]:
        identity = ids.response_id(record["post_id"], post, record["source"], record["sample"], record["text"])
    # Records made before these were kept are of transformers, in one attempt.
    return {"response_id": identity, "kind": "transformers", "attempts": 1, **record}


def in_order(keys: Iterable[str], found: dict[str, Record], again: str) -> list[Record]:
    """The records of these keys, in this order. Raises InputError where one has gone; `again` makes it anew."""
    keys = list(keys)
    missing = [name for name in keys if name not in found]
    if missing:
        raise InputError(
            "cache/records", f"{len(missing)} of {len(keys)} records are no longer there", f"Make them again: {again}"
        )
    return [found[name] for name in keys]
