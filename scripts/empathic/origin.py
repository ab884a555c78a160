"""Where data come from, and what a result made from several origins may call itself."""

from collections.abc import Iterable

ORIGINS = ("simulated", "stand_in", "observed")  # weakest first


def weakest(origins: Iterable[str]) -> str:
    """The origin of a result: the weakest of those it rests on. Raises ValueError for none, or an unknown one."""
    return ORIGINS[min(ORIGINS.index(origin) for origin in origins)]
