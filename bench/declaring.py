"""The model that the benchmarks of fits share."""

from collections.abc import Iterable

from empathic.declared import Declared
from empathic.settings import DECIDING


def declared(sources: Iterable[str], formula: str = DECIDING) -> Declared:
    """A model of a study whose scale is six units long."""
    return Declared(
        study="simulated",
        model="deciding",
        file="simulated",
        formula=formula,
        reml=True,
        replicated_domains=True,
        sources=tuple(sources),
        item="simulated",
        scale_range=6.0,
        sesoi=0.2,
        adjust="holm",
    )
