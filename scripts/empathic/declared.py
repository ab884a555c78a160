"""A model as a config declares it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from empathic.errors import InputError


@dataclass(frozen=True)
class Declared:
    """A model as a config declares it, for one study.

    file: the ratings, for messages. sources: in the order of every table, the first is the reference. scale_range:
    max - min of the item's scale. sesoi: smallest effect size of interest, in total SDs. adjust: holm or none.
    replicated_domains: as formula.without_domain has it.
    """

    study: str
    model: str
    file: Path | str
    formula: str
    reml: bool
    replicated_domains: bool
    sources: Sequence[str]
    item: str
    scale_range: float
    sesoi: float
    adjust: str

    def fault(self, problem: str, remedy: str) -> InputError:
        """An error that names file, study and model."""
        return InputError(self.file, f"study '{self.study}', model '{self.model}': {problem}", remedy)
