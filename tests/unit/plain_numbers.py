"""All numbers of a model's tables against those of a plain R script (tests/R/every_number.R) on the same ratings."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from made_up_ratings import ORDERINGS, R, plain_r

from empathic import tables

BY = {
    "random": ["group"],
    "tests": ["test", "method"],
    "sets": ["test", "sources"],
    "means": ["source", "domain"],
    "contrasts": ["contrast", "by"],
    "interactions": ["contrast", "by"],
    "random_effects": ["group", "level"],
}  # the others in the order of their rows
OF_FIT = [
    *("n", "logLik", "AIC", "BIC", "r2_marginal", "r2_conditional", "icc"),
    *("sigma_total", "sesoi", "sesoi_interaction"),
]
RELATIVE = 1e-8
LATE = 1e-6  # variances and what comes of them, df, p
LATE_COLUMNS = {
    *("variance", "std_dev", "df", "df_den", "p_value", "p_adjusted", "p_equivalence", "sesoi", "d"),
    *("sesoi_interaction", "sigma_total", "r2_marginal", "r2_conditional", "icc"),
}
NEAR_ZERO = 1e-10


def of_fitted(fitted):
    """The tables and fit.json of a fit in this process."""
    return {name: getattr(fitted, name) for name in tables.OF_A_FIT}, fitted.fit


def of_folder(folder):
    """The tables and fit.json that a run wrote."""
    found = {name: schema.read(folder / Path(schema.path).name) for name, schema in tables.OF_A_FIT.items()}
    return found, json.loads((folder / "fit.json").read_text(encoding="utf-8"))


def check(ours, fit, ratings, model, folder, *, posts=None, slack=1):
    """Assert that every number is that of R. ratings: the file; model: as the script names it.

    posts: the file whose order is that of the domains; None: there are no posts. slack: by how much the tolerances are
    multiplied. Returns how many numbers were compared.
    """
    theirs = by_r(fit, ratings, model, folder, posts)
    compared = 0
    for name, schema in tables.OF_A_FIT.items():
        numbers = [column.name for column in schema.columns if column.kind in ("number", "integer")]
        compared += _same_table(name, ours[name], theirs[name], numbers, slack)
    for number in OF_FIT:
        tolerance = slack * (LATE if number in LATE_COLUMNS else RELATIVE)
        np.testing.assert_allclose(fit[number], float(theirs["fit"][number][0]), tolerance, NEAR_ZERO, err_msg=number)
    return compared + len(OF_FIT)


def by_r(fit, ratings, model, folder, posts=None):
    """What the script gives: tables by name."""

    def read(name):
        file = folder / f"{name}.csv"
        return pd.read_csv(file, keep_default_na=False, na_values=["NA"]) if file.stat().st_size > 3 else pd.DataFrame()

    of_sources, of_range = ",".join(fit["sources"]), repr(fit["scale_range"])
    plain_r(
        R / "every_number.R",
        *(ratings, fit["item"], model, of_sources, of_range, folder, *([posts] if posts else [])),
        ordering=ORDERINGS[fit["cholesky_ordering"]] if fit["cholesky_ordering"] else None,
        found=lambda: read("fit")["ordering"][0],
    )
    return {name: read(name) for name in [*tables.OF_A_FIT, "fit"]}


def check_alone(fitted, folder, *, relative=RELATIVE):
    """Assert that what model.R wrote into a folder are all numbers of the tables beside it, in their order."""
    for name, schema in tables.OF_A_FIT.items():
        ours = getattr(fitted, name)
        texts = [column.name for column in schema.columns if column.kind == "text"]
        theirs = pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(texts, "string"))
        assert len(theirs) == len(ours), name
        for column in (*schema.columns, *schema.further) if len(ours) else ():
            if column.kind == "text":
                if column.name in theirs:
                    assert theirs[column.name].fillna("").tolist() == ours[column.name].fillna("").tolist()
            elif column.name in ours:
                numbers = (table[column.name].astype(float) for table in (theirs, ours))
                np.testing.assert_allclose(*numbers, relative, NEAR_ZERO, err_msg=f"{name}: {column.name}")


def notes(fitted):
    """What the tables of a fit say of it: each table's notes, by name."""
    noted = [name for name, schema in tables.OF_A_FIT.items() if tables.FIT_NOTE in schema.further]
    return {name: set(getattr(fitted, name).fit_note.fillna("")) for name in noted if len(getattr(fitted, name))}


def _same_table(name, ours, theirs, numbers, slack):
    assert len(ours) == len(theirs), name
    if not len(theirs):
        return 0
    if name in BY:
        ours, theirs = (_keyed(table, BY[name]) for table in (ours, theirs))
        assert set(ours.index) == set(theirs.index), name
        theirs = theirs.loc[ours.index]
    for column in numbers:
        if column not in theirs:  # the correlation of two terms and the mean answer: none in these models
            assert column not in ours or ours[column].isna().all(), f"{name}: R has no {column}"
            continue
        tolerance = slack * (LATE if column in LATE_COLUMNS or name == "random" else RELATIVE)
        of_ours, of_theirs = (table[column].astype(float).to_numpy() for table in (ours, theirs))
        np.testing.assert_allclose(of_ours, of_theirs, tolerance, NEAR_ZERO, err_msg=f"{name}: {column}")
    return len(numbers) * len(ours)


def _keyed(table, keys):
    return table.set_index([table[key].astype(object).fillna("").rename(key) for key in keys])
