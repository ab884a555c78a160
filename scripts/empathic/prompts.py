"""The prompt: a template file with one placeholder, and the messages that it makes of a post."""

import re
from pathlib import Path

from empathic.errors import InputError

PLACEHOLDER = "{post}"


def read(path: Path | str) -> str:
    """Read a template. Raises InputError where it lacks {post}, has it twice, or has a placeholder not known."""
    try:
        template = Path(path).read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InputError(path, "the text is not UTF-8", "Save it as UTF-8") from None
    unknown = set(re.findall(r"\{\w*\}", template)) - {PLACEHOLDER}
    if unknown:
        raise InputError(path, f"unknown placeholder {sorted(unknown)[0]}", f"A prompt may use {PLACEHOLDER} alone")
    if template.count(PLACEHOLDER) != 1:
        count = template.count(PLACEHOLDER)
        raise InputError(path, f"{PLACEHOLDER} stands {count} times", "It must stand once: where the post goes")
    return template


def messages(template: str, post: str) -> list[dict[str, str]]:
    """The chat messages that put a post to a model."""
    before, after = template.split(PLACEHOLDER)
    return [{"role": "user", "content": before + post + after}]
