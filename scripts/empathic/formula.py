"""What of a declared formula a study's design can identify, decided before anything is fitted.

Knows nothing of R: a formula comes here taken apart (empathic.mixed.parse), the data as a table.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

ORDER = (("rater_id",), ("post_id",), ("response_id",), ("rater_id", "source"))


@dataclass(frozen=True)
class RandomTerm:
    """A random term, `(1 | rater_id:source)`: its text, and the columns whose combinations are its levels."""

    text: str
    grouping: tuple[str, ...]


@dataclass(frozen=True)
class Formula:
    """A formula taken apart.

    text: as declared. response: columns on its left side. variables: every column that it names. fixed: its fixed
    part, as a formula. fixed_terms: label of each fixed term and the columns in it. random: `||` and `/` expanded.
    """

    text: str
    response: tuple[str, ...]
    variables: tuple[str, ...]
    fixed: str
    fixed_terms: dict[str, tuple[str, ...]]
    intercept: bool
    random: tuple[RandomTerm, ...]

    def crosses(self, *columns: str) -> bool:
        """Whether the columns interact in the fixed part."""
        return bool(self.with_columns(*columns))

    @property
    def fixed_variables(self) -> list[str]:
        """The columns that the fixed terms name."""
        return list(dict.fromkeys(name for named in self.fixed_terms.values() for name in named))

    def with_columns(self, *columns: str) -> list[str]:
        """The fixed terms in which all these columns stand."""
        return [term for term, named in self.fixed_terms.items() if set(columns) <= set(named)]

    def less(self, terms: Iterable[str]) -> str:
        """The fixed part, as a formula, without some of its terms."""
        left = set(terms)
        kept = [term for term in self.fixed_terms if term not in left]
        right = " + ".join([str(int(self.intercept)), *kept] if not (kept and self.intercept) else kept)
        return f"{self.fixed.split('~')[0].strip()} ~ {right}"


@dataclass(frozen=True)
class Dropped:
    """A term that was taken out before fitting, and why."""

    term: str
    why: str


def without_domain(formula: Formula, ratings: pd.DataFrame, *, replicated: bool) -> tuple[str, list[Dropped]]:
    """Take `domain` out of the fixed part where the study cannot say anything of domains.

    ratings: the rows to be fitted (post_id, domain). replicated: whether the model asks for two domains or more with
    two posts or more each; a single domain is no factor in any case.

    Returns the fixed part, as a formula, and what was dropped from it.
    """
    terms = [term for term, columns in formula.fixed_terms.items() if "domain" in columns]
    posts = ratings.groupby("domain").post_id.nunique()
    if not terms or (len(posts) > 1 and (not replicated or (posts >= 2).sum() >= 2)):
        return formula.fixed, []
    if len(posts) == 1:
        why = f"the study has a single domain ({posts.index[0]})"
    else:
        why = f"{(posts >= 2).sum()} of its {len(posts)} domains have two posts or more; two are needed"
    return formula.less(terms), [Dropped(term, why) for term in terms]


def identified(
    terms: Iterable[RandomTerm], ratings: pd.DataFrame, fixed: np.ndarray
) -> tuple[list[RandomTerm], list[Dropped]]:
    """Keep the random terms whose groupings the design can tell apart from each other and from the fixed effects.

    In the order rater, post, response, rater by source, then the formula's own, a grouping is kept when at least half
    of its levels have two ratings or more, it is not the same partition of the ratings as one already kept, and its
    indicator columns are not all in the span of the fixed effects; rater by source also needs at least half of the
    raters with two sources or more. The terms of a grouping share its fate.

    ratings: the rows to be fitted. fixed: their fixed-effects model matrix, of full column rank.

    Returns the terms kept, in the formula's order, and those dropped, with why.
    """
    terms = list(terms)
    basis = np.linalg.qr(fixed)[0]
    kept: dict[tuple[str, ...], np.ndarray] = {}
    why: dict[tuple[str, ...], str] = {}
    for grouping in sorted(dict.fromkeys(term.grouping for term in terms), key=_place):
        levels = ratings.groupby(list(grouping), sort=False, observed=True).ngroup().to_numpy()
        reason = _unidentified(grouping, levels, ratings, kept, basis)
        if reason:
            why[grouping] = reason
        else:
            kept[grouping] = levels
    return (
        [term for term in terms if term.grouping in kept],
        [Dropped(f"({term.text})", why[term.grouping]) for term in terms if term.grouping in why],
    )


def compose(fixed: str, random: Iterable[RandomTerm]) -> str:
    """The formula of a fixed part and random terms."""
    return " + ".join([fixed, *(f"({term.text})" for term in random)])


def _place(grouping: tuple[str, ...]) -> int:
    """A grouping's place in the declared order; others keep the formula's, behind."""
    known = [set(columns) for columns in ORDER]
    return known.index(set(grouping)) if set(grouping) in known else len(known)


def _unidentified(
    grouping: tuple[str, ...],
    levels: np.ndarray,
    ratings: pd.DataFrame,
    kept: dict[tuple[str, ...], np.ndarray],
    basis: np.ndarray,
) -> str | None:
    sizes = np.bincount(levels)
    repeated = int((sizes >= 2).sum())
    if 2 * repeated < len(sizes):
        return f"fewer than half of its levels have two ratings or more ({repeated} of {len(sizes)})"
    if set(grouping) == {"rater_id", "source"}:
        sources = ratings.groupby("rater_id", observed=True).source.nunique()
        several = int((sources >= 2).sum())
        if 2 * several < len(sources):
            return f"fewer than half of the raters rated two sources or more ({several} of {len(sources)})"
    for other, partition in kept.items():
        if _same_partition(levels, partition):
            return f"it divides the ratings just as {':'.join(other)} does"
    if _in_span(levels, sizes, basis):
        return "it cannot be told from the fixed effects: they have a level of their own for each of its levels"
    return None


def _same_partition(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two groupings put the same ratings together."""
    pairs = len(np.unique(np.column_stack([first, second]), axis=0))
    return pairs == first.max() + 1 == second.max() + 1


def _in_span(levels: np.ndarray, sizes: np.ndarray, basis: np.ndarray) -> bool:
    """Whether every indicator column is a combination of the basis' columns (orthonormal, one row a rating).

    The part of an indicator that the basis explains is its squared projection; all of it is its size.
    """
    explained = sum(np.bincount(levels, weights=column) ** 2 for column in basis.T)
    return bool(np.allclose(explained, sizes, rtol=1e-8, atol=0))
