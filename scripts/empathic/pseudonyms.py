"""Names for raters that lead back to nobody without the key."""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterable
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
    names = _pseudonyms(np.asarray(known, dtype=object), key)
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


def _pseudonyms(platform_ids: Iterable[str], key: str) -> list[str]:
    # HMAC as RFC 2104 defines it. Python's hmac begins anew with the key for each id, which takes twice as long.
    block = key.encode() if len(key.encode()) <= 64 else hashlib.sha256(key.encode()).digest()
    block = block.ljust(64, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
    found = []
    for platform_id in platform_ids:
        inside, outside = inner.copy(), outer.copy()
        inside.update(platform_id.encode())
        outside.update(inside.digest())
        found.append("r" + outside.hexdigest()[:12])
    return found


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
