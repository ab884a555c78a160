"""The prompt: a template file with one placeholder, and the messages that it makes of a post.

What stands above a line of three dashes goes to the model as its system message, what stands below as the user's.
"""

import re
from pathlib import Path

from empathic.errors import InputError

PLACEHOLDER = "{post}"
DASHES = "\n---\n"


def read(path: Path | str) -> str:
    """Read a template. Raises InputError where it lacks {post}, has it twice, or has a placeholder not known."""
    try:
        template = Path(path).read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InputError(path, "the text is not UTF-8", "Save it as UTF-8") from None
    unknown = set(re.findall(r"\{\w*\}", template)) - {PLACEHOLDER}
    if unknown:
        raise InputError(path, f"unknown placeholder {sorted(unknown)[0]}", f"A prompt may use {PLACEHOLDER} alone")
    count = template.count(PLACEHOLDER)
    if count != 1:
        raise InputError(path, f"{PLACEHOLDER} stands {count} times", "It must stand once: where the post goes")
    if template.count(DASHES) > 1:
        raise InputError(path, "a line of three dashes stands twice", "It may stand once: below the system message")
    if PLACEHOLDER in template.partition(DASHES)[0] and DASHES in template:
        raise InputError(path, f"{PLACEHOLDER} stands in the system message", "Put it below the line of three dashes")
    return template


def messages(template: str, post: str, *, system_role: bool = True) -> list[dict[str, str]]:
    """The chat messages that put a post to a model: role and content.

    system_role: whether the model takes a system message; else it opens the user's, an empty line between them.
    """
    system, dashes, asked = template.rpartition(DASHES)
    before, after = asked.strip("\n").split(PLACEHOLDER)
    system, turn = system.strip("\n"), before + post + after
    if not dashes:
        return [{"role": "user", "content": turn}]
    if not system_role:
        return [{"role": "user", "content": f"{system}\n\n{turn}"}]
    return [{"role": "system", "content": system}, {"role": "user", "content": turn}]
