"""Files that are there whole or not at all, and what identifies them."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def whole(path: Path | str, mode: str = "w") -> Iterator[IO]:
    """Open a file for writing that takes its place in one rename, when all is written and on the disk."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    encoding = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        with open(partial, mode, **encoding) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(partial, path)
    except OSError as error:
        # A failed write names no file of its own.
        error.filename = error.filename or str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file whole."""
    with whole(path) as handle:
        handle.write(text)


def write_json(path: Path | str, value: Any) -> None:
    """Write a JSON file whole: UTF-8, two spaces, keys in the order given; NaN is refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def copy(source: Path | str, path: Path | str) -> None:
    """Copy a file's bytes, whole."""
    with open(source, "rb") as handle, whole(path, "wb") as out:
        shutil.copyfileobj(handle, out)


def read_json(path: Path | str) -> Any:
    """Read a UTF-8 JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_json_lines(path: Path | str) -> list[Any]:
    """Read a UTF-8 file that holds a JSON value on each line."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def canonical(value: Any) -> str:
    """One spelling for one value: JSON with sorted keys, no spaces, no ASCII escapes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_text(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
