"""Whether the ratings of a study can bear a model, and what of it is fitted: which rows, and which terms (each that the
design cannot tell from others is left out, with why).
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from empathic import mixed
from empathic.declared import Declared
from empathic.formula import Dropped, Formula, RandomTerm, compose, identified, without_domain

WHERE = "in the config, under studies > models"


@dataclass(frozen=True)
class Design:
    """What is fitted: the formula less the terms left out, the rows, and its columns, here and in R (data).

    random: the terms that are fitted. beside: columns from other tables, each with (table, key). domains: empty where
    the fixed part has none. crossed: whether source and domain interact. steps: what was left out because the fit was
    singular, in turn. lacking: why nothing can be fitted, as a column that the model asks for is empty; else None.
    """

    fixed: Formula
    random: list[RandomTerm]
    beside: dict[str, tuple[str, str]]
    dropped: list[Dropped]
    rows: pd.DataFrame
    dropped_rows: int
    columns: pd.DataFrame
    data: Any
    domains: list[str]
    crossed: bool
    steps: tuple[dict[str, Any], ...] = ()
    lacking: str | None = None

    @property
    def formula(self) -> str:
        """As it is fitted."""
        return compose(self.fixed.fixed, self.random)


def designed(
    ratings: pd.DataFrame, responses: pd.DataFrame | None, raters: pd.DataFrame | None, declared: Declared
) -> Design:
    """What of a model is fitted to ratings. Arguments, and what is raised, as for `models.fit`."""
    ratings, beside = _with_columns(ratings, responses, raters)
    formula = mixed.parse(declared.formula)
    _check_formula(formula, ratings, declared)
    asked = ratings[ratings.included & (ratings["item"] == declared.item)]
    lacking = _lacking(asked, formula, declared)
    if lacking:
        return _nothing(asked, formula, beside, lacking, declared)
    if declared.first_seen:
        asked = _first_seen(asked)
    rows = asked.dropna(subset=list(formula.variables)).reset_index(drop=True)
    _check_ratings(rows, declared)
    _check_family(rows, declared)
    fixed_part, dropped = without_domain(formula, rows, replicated=declared.replicated_domains)
    fixed = mixed.parse(fixed_part)
    domains = _domains(rows) if "domain" in fixed.variables else []
    if fixed.crosses("source", "domain"):
        _check_cells(rows, declared)
    columns = _typed(rows, formula, declared.sources)
    if declared.family == "ordinal":
        answers = [f"{rating:g}" for rating in sorted(columns.rating.unique())]
        columns = columns.assign(rating=pd.Categorical(columns.rating.map("{:g}".format), answers, ordered=True))
    data = mixed.to_r(columns, sum_coded=["domain"] if domains else [], reference={"source": declared.base})
    matrix, aliased = mixed.fixed_design(fixed_part, data)
    if aliased:
        raise declared.fault(
            f"the fixed effects follow from each other: {', '.join(aliased)} cannot be estimated",
            f"Take a term out of the formula {WHERE}",
        )
    kept, unidentified = identified(formula.random, rows, matrix)
    return Design(
        fixed=fixed,
        random=kept,
        beside=beside,
        dropped=[*dropped, *unidentified],
        rows=rows,
        dropped_rows=len(asked) - len(rows),
        columns=columns,
        data=data,
        domains=domains,
        crossed=fixed.crosses("source", "domain"),
    )


def _with_columns(
    ratings: pd.DataFrame, responses: pd.DataFrame | None, raters: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, tuple[str, str]]]:
    """The ratings with what they lack of responses (n_words) and raters, and where it is from: (table, key)."""
    beside = {}
    for table, key, more in (("responses", "response_id", responses), ("raters", "rater_id", raters)):
        lacking = () if more is None else ["n_words"] if table == "responses" else list(more)
        for name in [name for name in lacking if name in more and name not in ratings]:
            ratings = ratings.assign(**{name: ratings[key].map(more.drop_duplicates(key).set_index(key)[name])})
            beside[name] = (table, key)
    return ratings, beside


def _lacking(rows: pd.DataFrame, formula: Formula, declared: Declared) -> str | None:
    """Which column that the model asks for holds nothing; no fault of the config, as an export may not tell it."""
    empty = [name for name in formula.variables if len(rows) and rows[name].isna().all()]
    if empty:
        return f"no rating has a value of '{empty[0]}', which the formula names"
    if declared.first_seen and rows.position.isna().any():
        return f"`first_seen` needs the position of every rating, and {int(rows.position.isna().sum())} have none"
    return None


def _nothing(
    asked: pd.DataFrame, formula: Formula, beside: dict[str, tuple[str, str]], lacking: str, declared: Declared
) -> Design:
    """The design of a model that cannot be fitted."""
    domains = "domain" in [name for named in formula.fixed_terms.values() for name in named]
    return Design(
        fixed=formula,
        random=list(formula.random),
        beside=beside,
        dropped=[],
        rows=asked,
        dropped_rows=0,
        columns=_typed(asked, formula, declared.sources),
        data=None,
        domains=_domains(asked) if domains else [],
        crossed=formula.crosses("source", "domain"),
        lacking=lacking,
    )


def _domains(rows: pd.DataFrame) -> list[str]:
    return sorted(rows.domain.unique())


def _first_seen(rows: pd.DataFrame) -> pd.DataFrame:
    first = rows.sort_values("position", kind="stable").drop_duplicates(["rater_id", "post_id"]).index
    return rows[rows.index.isin(first)]


def _check_formula(formula: Formula, ratings: pd.DataFrame, declared: Declared) -> None:
    for name in formula.variables:
        if name not in ratings:
            near = difflib.get_close_matches(name, map(str, ratings), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"found: {', '.join(ratings)}"
            raise declared.fault(
                f"the formula names '{name}', which is no column of the ratings ({hint})",
                f"Correct the formula {WHERE}",
            )
    if formula.response != ("rating",) or not formula.crosses("source"):
        raise declared.fault(
            f"the formula '{formula.text}' does not compare the ratings of sources",
            f"Write it as `rating ~ source ...` {WHERE}",
        )


def _check_ratings(rows: pd.DataFrame, declared: Declared) -> None:
    if rows.empty:
        raise declared.fault(
            f"no ratings of the item '{declared.item}' are left to fit",
            "See flow.csv for what was excluded, and name the item in the config, under ratings > item",
        )
    if len(declared.sources) < 2:
        raise declared.fault(
            f"the study has a single source ({declared.sources[0]}), so there is nothing to compare",
            "List two sources or more in the config, under studies > sources",
        )
    rated, listed = set(rows.source), set(declared.sources)
    for faulty, problem in ((listed - rated, "no ratings of"), (rated - listed, "ratings of a source not listed:")):
        if faulty:
            raise declared.fault(
                f"{problem} {', '.join(sorted(faulty))}",
                "Bring the sources of the config, under studies > sources, and of the ratings together",
            )
    if rows.rating.nunique() == 1:
        raise declared.fault(
            f"all {len(rows)} ratings are {rows.rating.iloc[0]:g}, so there is nothing to estimate",
            "Look into the export, and its column map in the config",
        )


def _check_family(rows: pd.DataFrame, declared: Declared) -> None:
    strange = []
    if declared.family == "binomial":
        strange = sorted(set(rows.rating) - {0, 1})
    if declared.family == "poisson":
        strange = sorted(rating for rating in rows.rating.unique() if rating < 0 or rating != int(rating))
    if strange:
        raise declared.fault(
            f"the ratings hold {strange[0]:g}, and a {declared.family} model takes "
            f"{'0 and 1' if declared.family == 'binomial' else 'whole numbers from 0'} alone",
            f"Declare another family {WHERE}",
        )
    if declared.df == "kenward-roger" and len(rows) > declared.kr_max_rows:
        raise declared.fault(
            f"Kenward-Roger for {len(rows)} ratings (allowed: {declared.kr_max_rows}) would take minutes and gigabytes",
            f"Write `df: satterthwaite` {WHERE}, or raise inference > kr_max_rows",
        )


def _check_cells(rows: pd.DataFrame, declared: Declared) -> None:
    cells = pd.crosstab(rows.source, rows.domain).reindex(declared.sources)
    empty = [f"{source} in {domain}" for source in cells.index for domain in cells if cells.loc[source, domain] == 0]
    if empty:
        raise declared.fault(
            f"no ratings of {', '.join(empty)}, so source by domain cannot be estimated",
            f"Write `source + domain` in place of `source * domain` {WHERE}",
        )


def _typed(rows: pd.DataFrame, formula: Formula, sources: Sequence[str]) -> pd.DataFrame:
    """The columns of the formula as R is to see them: sources in their order, other texts, and booleans, sorted."""
    columns = {}
    for name in formula.variables:
        values = rows[name]
        if name == "source":
            columns[name] = pd.Categorical(values, categories=list(sources))
        elif pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns[name] = values.astype(float)
        else:
            columns[name] = pd.Categorical(values.astype(str), categories=sorted(values.astype(str).unique()))
    return pd.DataFrame(columns)
