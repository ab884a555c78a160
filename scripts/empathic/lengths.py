"""Whether a response has the length that was asked for, in words: what white space separates."""

from collections.abc import Sequence


def inside(text: str, words: Sequence[int]) -> bool:
    """Whether a text has as many words as were asked for. words: the least and the most; both are inside."""
    least, most = words
    return least <= len(text.split()) <= most
