"""Names for raters that lead back to nobody without the key."""

import contextlib
import hmac
import os
import re
import secrets
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
    keyed = hmac.new(key.encode(), digestmod="sha256")
    names = [_pseudonym(platform_id, keyed) for platform_id in np.asarray(known, dtype=object)]
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


def _pseudonym(platform_id: str, keyed: hmac.HMAC) -> str:
    digest = keyed.copy()  # To take up the key takes longer than to digest an id.
    digest.update(platform_id.encode())
    return "r" + digest.hexdigest()[:12]


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
