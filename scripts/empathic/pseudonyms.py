"""Names for raters that lead back to nobody without the key."""

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from empathic.errors import InputError

PUBLIC_KEY = "simulated raters are nobody"  # Simulated tables must come out alike everywhere, and hide no one.


def pseudonyms(platform_ids: pd.Series, key: str) -> pd.Series:
    """Replace platform ids by `r` and the first 12 hex digits of HMAC-SHA256 over their UTF-8 bytes.

    Raises ValueError where two ids would share a pseudonym (about one chance in 500 million among 1,000 raters).
    """
    codes, known = pd.factorize(platform_ids)
    digest = _hmac(key.encode())
    names = [f"r{digest(platform_id.encode())[:12]}" for platform_id in np.asarray(known, dtype=object).tolist()]
    if len(set(names)) < len(names):
        raise ValueError("two raters would share a pseudonym: delete the key, so that another one is made")
    return pd.Series(pd.array(names, dtype="string").take(codes, allow_fill=True), platform_ids.index)


def private_key(path: Path) -> str:
    """The key of this checkout, 32 random bytes in hex; made on first use, readable by its owner alone.

    Raises InputError where the file holds something else.
    """
    if not path.exists():
        _make(path)
    key = path.read_text(encoding="utf-8", errors="replace").strip()
    if not re.fullmatch(r"[0-9a-f]{64}", key):
        raise InputError(
            path,
            "this is no key (64 hex digits)",
            "Put the key back from where you keep it; without it, delete the file: every rater gets a new pseudonym",
        )
    return key


def _hmac(key: bytes) -> Callable[[bytes], str]:
    """HMAC-SHA256 (RFC 2104) with this key, in hex; the standard library's own takes half as long again."""
    block = (key if len(key) <= sha256().block_size else sha256(key).digest()).ljust(sha256().block_size, b"\0")
    inner, outer = (sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))

    def digest(message: bytes) -> str:
        first, second = inner.copy(), outer.copy()  # Both have taken up the key.
        first.update(message)
        second.update(first.digest())
        return second.hexdigest()

    return digest


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
            handle.write(secrets.token_hex(32) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        # A link, as a rename would overwrite the key that another job has made and used meanwhile.
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)
