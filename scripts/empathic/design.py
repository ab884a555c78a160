"""Whether the ratings of a study can bear a model, and what of it is fitted: which rows, and which terms (each that the
design cannot tell from others is left out, with why).
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from empathic import ages, mixed
from empathic.declared import Declared
from empathic.domains import domains_of
from empathic.formula import Dropped, Formula, RandomTerm, compose, identified, without_domain

WHERE = "in the config, under studies > models"
TOLD = ["rater_id", "response_id", "source", "origin"]  # what the tables tell of the rows that were fitted


@dataclass(frozen=True)
class Design:
    """What is fitted: the formula less the terms left out, the rows, and its columns, here and in R (data).

    random: the terms that are fitted. beside: columns from other tables, each with (table, key). domains: in the posts'
    order; empty where the fixed part has none. sum_coded: the levels of each factor whose effects are coded to sum to
    zero: domain, and what is told of raters in words. crossed: whether source and domain interact. steps: what was left
    out because the fit was singular, in turn. lacking: why nothing can be fitted, as it hangs on what the ratings, or
    the raters, do not tell; else None.
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
    sum_coded: dict[str, list[str]]
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
    formula = mixed.parse(declared.formula)
    elsewhere = _elsewhere(ratings, responses, raters)
    _check_formula(formula, [*ratings, *elsewhere], declared)
    beside = {name: elsewhere[name] for name in formula.variables if name in elsewhere}
    ratings = _with_columns(ratings, beside, {"responses": responses, "raters": raters})
    asked = ratings[ratings.included & (ratings["item"] == declared.item)]
    told = [name for name in formula.fixed_variables if name in beside and beside[name][0] == "raters"]
    lacking = _lacking(asked, formula, told, declared)
    if lacking:
        return _nothing(asked, formula, beside, responses, lacking, declared)
    if declared.first_seen:
        asked = _first_seen(asked)
    rows = _centred(asked.dropna(subset=list(formula.variables)).reset_index(drop=True), beside)
    _check_ratings(rows, declared)
    _check_family(rows, declared)
    fixed_part, dropped = without_domain(formula, rows, replicated=declared.replicated_domains)
    fixed = mixed.parse(fixed_part)
    if fixed.crosses("source", "domain"):
        _check_cells(rows, declared)
    order = domains_of(rows, responses)
    columns = _typed(rows, formula, {"source": declared.sources, "domain": order})
    sum_coded = [name for name in fixed.fixed_variables if name == "domain" or name in told and is_text(columns[name])]
    if declared.family == "ordinal":
        answers = [f"{rating:g}" for rating in sorted(columns.rating.unique())]
        columns = columns.assign(rating=pd.Categorical(columns.rating.map("{:g}".format), answers, ordered=True))
    data = mixed.to_r(columns, sum_coded=sum_coded, reference={"source": declared.base})
    matrix, aliased = mixed.fixed_design(fixed_part, data)
    if aliased:
        problem = f"the fixed effects follow from each other: {', '.join(aliased)} cannot be estimated"
        if told:
            return _nothing(asked, formula, beside, responses, problem, declared)
        raise declared.fault(problem, f"Take a term out of the formula {WHERE}")
    kept, unidentified = identified(formula.random, rows, matrix)
    return Design(
        fixed=fixed,
        random=kept,
        beside=beside,
        dropped=[*dropped, *unidentified],
        rows=rows[TOLD],
        dropped_rows=len(asked) - len(rows),
        columns=columns,
        data=data,
        domains=order if "domain" in sum_coded else [],
        sum_coded={name: list(columns[name].cat.categories) for name in sum_coded},
        crossed=fixed.crosses("source", "domain"),
    )


def _elsewhere(
    ratings: pd.DataFrame, responses: pd.DataFrame | None, raters: pd.DataFrame | None
) -> dict[str, tuple[str, str]]:
    """What the ratings lack and a formula may name all the same: where it is from, as (table, key)."""
    found = {} if raters is None else dict.fromkeys(raters, ("raters", "rater_id"))
    found |= {} if responses is None else {"n_words": ("responses", "response_id")}
    return {name: place for name, place in found.items() if name not in ratings}


def _with_columns(
    ratings: pd.DataFrame, beside: dict[str, tuple[str, str]], given: dict[str, pd.DataFrame | None]
) -> pd.DataFrame:
    """The ratings with columns of other tables, ages as the middle of their band."""
    for name, (table, key) in beside.items():
        values = ratings[key].map(given[table].drop_duplicates(key).set_index(key)[name])
        ratings = ratings.assign(**{name: values})
    if ages.among(beside):
        ratings = ratings.assign(**{ages.COLUMN: ages.middles(ratings[ages.COLUMN])})
    return ratings


def _centred(rows: pd.DataFrame, beside: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """Ages less their mean over the raters, of whom each counts once."""
    if not ages.among(beside):
        return rows
    told = rows[ages.COLUMN]
    return rows.assign(**{ages.COLUMN: told - told[~rows.rater_id.duplicated()].mean()})


def _lacking(rows: pd.DataFrame, formula: Formula, told: list[str], declared: Declared) -> str | None:
    """What the model asks for and is not told, or is alike of all raters; no fault of the config, as data may be so.

    told: what the fixed part takes from raters.csv.
    """
    empty = [name for name in formula.variables if len(rows) and rows[name].isna().all()]
    if empty:
        return f"no rating has a value of '{empty[0]}', which the formula names"
    if declared.first_seen and rows.position.isna().any():
        return f"`first_seen` needs the position of every rating, and {int(rows.position.isna().sum())} have none"
    complete = rows.dropna(subset=list(formula.variables)) if told else rows
    if complete.empty and len(rows):
        return "no rating has a value of every column that the formula names"
    alike = [name for name in told if complete[name].nunique() == 1]
    return f"all raters have the same value of '{alike[0]}', which the formula names" if alike else None


def _nothing(
    asked: pd.DataFrame,
    formula: Formula,
    beside: dict[str, tuple[str, str]],
    responses: pd.DataFrame | None,
    lacking: str,
    declared: Declared,
) -> Design:
    """The design of a model that cannot be fitted."""
    order = domains_of(asked, responses)
    return Design(
        fixed=formula,
        random=list(formula.random),
        beside=beside,
        dropped=[],
        rows=asked[TOLD],
        dropped_rows=0,
        columns=_typed(asked, formula, {"source": declared.sources, "domain": order}),
        data=None,
        domains=order if "domain" in formula.fixed_variables else [],
        sum_coded={},
        crossed=formula.crosses("source", "domain"),
        lacking=lacking,
    )


def _first_seen(rows: pd.DataFrame) -> pd.DataFrame:
    first = rows.sort_values("position", kind="stable").drop_duplicates(["rater_id", "post_id"]).index
    return rows[rows.index.isin(first)]


def _check_formula(formula: Formula, known: Sequence[str], declared: Declared) -> None:
    for name in formula.variables:
        if name not in known:
            near = difflib.get_close_matches(name, map(str, known), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"found: {', '.join(known)}"
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


def _typed(rows: pd.DataFrame, formula: Formula, levels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The columns of the formula as R is to see them: those named in `levels` with these, other texts sorted."""
    columns = {}
    for name in formula.variables:
        values = rows[name]
        if name in levels:
            columns[name] = pd.Categorical(values, categories=list(levels[name]))
        elif pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns[name] = values.astype(float)
        else:
            known = sorted(values.dropna().astype(str).unique())  # of a model that is not fitted some may be missing
            columns[name] = pd.Categorical(values.astype(str), categories=known)
    return pd.DataFrame(columns)


def is_text(values: pd.Series) -> bool:
    """Whether R sees a column as a factor."""
    return isinstance(values.dtype, pd.CategoricalDtype)
