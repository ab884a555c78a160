"""What identifies a text, and the seeds of every draw."""

import hashlib
import json
import unicodedata

AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def response_id(post_id: str, post: str | None, source: str, sample: int, response: str | None) -> str:
    """Identify a response by all that a rater saw.

    The first 16 hex digits of SHA-256 over the UTF-8 JSON array [post_id, post, source, sample, response], texts in
    NFC, no spaces, no ASCII escapes; None (null) for a text that a study lacks.
    """
    items = [post_id, _nfc(post), source, sample, _nfc(response)]
    return hashlib.sha256(AS_JSON(items).encode()).hexdigest()[:16]


def seed(*parts: str | int) -> int:
    """A 63-bit seed from SHA-256 over the parts, as a JSON array: the same on every machine, in any order of work."""
    return int.from_bytes(hashlib.sha256(AS_JSON(list(parts)).encode()).digest()[:8], "big") >> 1


def _nfc(text: str | None) -> str | None:
    return None if text is None else unicodedata.normalize("NFC", text)
