"""A model as a config declares it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from empathic.errors import InputError

MANY_SOURCES = 8  # beyond, omnibus tests of sets are of pairs and of all alone, and of those that claims name
LINKS = {"gaussian": "identity", "binomial": "logit", "poisson": "log"}  # an ordinal model declares its own


@dataclass(frozen=True)
class Declared:
    """A model as a config declares it, for one study.

    file: the ratings, for messages. sources: in the order of every table. scale_range: max - min of the item's scale.
    sesoi, sesoi_interaction: smallest effect sizes of interest, in sesoi_units: total_sd, or rating. sets: those whose
    omnibus test claims ask for. The rest as settings.MixedModel has it, its defaults filled in: link, reference and df
    are never empty here. df: satterthwaite, kenward-roger, asymptotic. contrasts: all, reference, or pairs of sources.
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
    family: str = "gaussian"
    link: str = "identity"
    reference: str = ""
    contrasts: str | Sequence[Sequence[str]] = "all"
    by_domain: bool = True
    df: str = "satterthwaite"
    kr_max_rows: int = 1500
    sesoi_interaction: float = 0.3
    sesoi_units: str = "total_sd"
    first_seen: bool = False
    simplify: Sequence[str] = ()
    sets: Sequence[Sequence[str]] = ()

    @property
    def base(self) -> str:
        """The source that the others' fixed effects are differences to: the first, unless the config names another."""
        return self.reference or self.sources[0]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The contrasts asked for, each in the order of the sources."""
        if self.contrasts == "reference":
            asked = [{self.base, source} for source in self.sources]
        elif self.contrasts == "all":
            return list(combinations(self.sources, 2))
        else:
            asked = [set(pair) for pair in self.contrasts]
        return [pair for pair in combinations(self.sources, 2) if set(pair) in asked]

    def delta(self, sesoi: float, sigma_total: float) -> float:
        """A smallest effect size of interest in units of the estimates; NaN where a link has no units of the rating."""
        if self.sesoi_units == "total_sd":
            return sesoi * sigma_total
        return sesoi if self.family == "gaussian" else math.nan

    @property
    def every_set(self) -> list[tuple[str, ...]]:
        """The sets of sources that are given an omnibus test: the usual ones, and those that claims ask for."""
        usual = usual_sets(self.sources, self.df)
        asked = [tuple(source for source in self.sources if source in chosen) for chosen in self.sets]
        return list(dict.fromkeys([*usual, *asked]))

    @classmethod
    def from_config(cls, said: dict[str, Any], inference: dict[str, Any], item: str, **rest: Any) -> "Declared":
        """From a model (said) and a study's inference as the config has them; item: the study's primary one."""
        gaussian = said["family"] == "gaussian"
        return cls(
            formula=said["formula"],
            family=said["family"],
            link=said["link"] or LINKS[said["family"]],
            reml=said["reml"] if said["reml"] is not None else gaussian,
            replicated_domains=said["replicated_domains"],
            reference=said["reference"] or "",
            contrasts=said["contrasts"],
            by_domain=said["by"] == "domain",
            adjust=said["adjust"] or inference["adjust"],
            df=said["df"] or ("satterthwaite" if gaussian else "asymptotic"),
            first_seen=said["first_seen"],
            simplify=said["ladder"] if said["on_singular"] == "simplify" else (),
            item=said["item"] or item,
            kr_max_rows=inference["kr_max_rows"],
            sesoi=inference["sesoi"],
            sesoi_interaction=inference["sesoi_interaction"],
            sesoi_units=inference["sesoi_units"],
            **rest,
        )

    def fault(self, problem: str, remedy: str) -> InputError:
        """An error that names file, study and model."""
        return InputError(self.file, f"study '{self.study}', model '{self.model}': {problem}", remedy)


def usual_sets(sources: Sequence[str], df: str) -> list[tuple[str, ...]]:
    """The sets of sources that are given an omnibus test whatever is claimed."""
    sizes = range(2, len(sources) + 1) if len(sources) <= MANY_SOURCES else (2, len(sources))
    if df == "kenward-roger":  # each test takes seconds
        sizes = (len(sources),)
    return [chosen for size in sizes for chosen in combinations(sources, size)]
