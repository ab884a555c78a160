import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from made_up_ratings import ORDERINGS, R, declared, plain_r, ratings, row

from empathic import models, tables

TOLERANCE = {"estimate": 1e-8, "std_error": 1e-8, "logLik": 1e-8}  # relative; 1e-6 for all else


@pytest.fixture(scope="module")
def default_size():
    return ratings()


@pytest.fixture(scope="module")
def fitted(default_size):
    return models.fit(default_size, None, declared())


@pytest.fixture(scope="module")
def by_hand(default_size, fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("by_hand")
    tables.RATINGS.write(default_size, folder / "ratings.csv")
    out = folder / "out.csv"

    def read():
        return pd.read_csv(out, index_col="name").value

    plain_r(
        R / "deciding.R",
        folder / "ratings.csv",
        "human,nf4,fp32",
        out,
        ordering=ORDERINGS[fitted.fit["cholesky_ordering"]],
        found=lambda: read()["ordering"],
    )
    return read()


def same(ours, theirs, kind):
    assert ours == pytest.approx(theirs, rel=TOLERANCE.get(kind, 1e-6), abs=1e-10), kind


@pytest.mark.parametrize("kind", ["estimate", "std_error", "df", "p_value"])
def test_contrasts_and_means_equal_plain_r(fitted, by_hand, kind):
    for contrast in fitted.contrasts.fillna({"by": ""}).itertuples():
        same(getattr(contrast, kind), by_hand[f"contrast {contrast.contrast} {contrast.by} {kind}"], kind)
    if kind != "p_value":
        for mean in fitted.means.fillna({"domain": ""}).itertuples():
            same(getattr(mean, kind), by_hand[f"mean {mean.source} {mean.domain} {kind}"], kind)
    assert len(fitted.contrasts) == len(fitted.means) == 12


@pytest.mark.parametrize("kind", ["estimate", "std_error", "df", "p_value"])
def test_fixed_effects_equal_plain_r(fitted, by_hand, kind):
    assert fitted.fixed.term.tolist()[:4] == ["(Intercept)", "sourcenf4", "sourcefp32", "domain1"]
    for number, value in enumerate(fitted.fixed[kind], start=1):
        same(value, by_hand[f"fixed {number} {kind}"], kind)


def test_omnibus_tests_equal_plain_r(fitted, by_hand):
    assert fitted.tests.test.tolist() == ["source", "domain", "source:domain"]
    for test in fitted.tests.itertuples():
        for kind in ("statistic", "df_num", "df_den", "p_value"):
            same(getattr(test, kind), by_hand[f"{test.test} {kind}"], kind)


def test_variances_and_fit_equal_plain_r(fitted, by_hand):
    for component in fitted.random.itertuples():
        same(component.variance, by_hand[f"variance {component.group}"], "variance")
    for kind in ("n", "logLik", "AIC", "BIC", "r2_marginal", "r2_conditional", "icc"):
        same(fitted.fit[kind], by_hand[kind], kind)
    variances = [by_hand[f"variance {name}"] for name in ("rater_id", "post_id", "response_id", "rater_id:source")]
    same(fitted.fit["sigma_total"], np.sqrt(sum(variances) + by_hand["variance Residual"]), "sigma")
    assert fitted.fit["sesoi"] == pytest.approx(0.2 * fitted.fit["sigma_total"], rel=1e-14)
    assert sum(fitted.fit["icc_by_group"].values()) == pytest.approx(fitted.fit["icc"], rel=1e-12)


def test_the_fit_says_what_was_fitted_and_how_it_ended(fitted):
    fit = fitted.fit
    assert fit["formula_fitted"] == fit["formula"] and fit["terms_dropped"] == []
    assert (fit["status"], fit["optimizer_code"], fit["singular"], fit["dropped_rows"]) == ("converged", 0, False, 0)
    assert 0 <= fit["gradient"] < 0.002
    assert (fit["family"], fit["link"], fit["reml"], fit["df_method"]) == (
        "gaussian",
        "identity",
        True,
        "satterthwaite",
    )
    assert fit["reference"] == "human" and fit["domains"] == ["parenting", "relationships", "workplace"]
    assert {"R", "lme4", "lmerTest", "emmeans", "empathic"} <= set(fit["versions"])
    json.dumps(fit, allow_nan=False)


def test_model_r_runs_alone_and_gives_the_tables(default_size, fitted, tmp_path):
    check_script(default_size, fitted, tmp_path)


def check_script(table, fitted, tmp_path):
    """model.R, in its place below ratings.csv, against the tables to 1e-8."""
    folder = tmp_path / "a study" / "models" / "deciding"
    folder.mkdir(parents=True)
    tables.RATINGS.write(table, folder.parents[1] / "ratings.csv")
    (folder / "model.R").write_text(fitted.script, encoding="utf-8")

    def read(name):
        return pd.read_csv(folder / f"{name}.csv", dtype={"by": "string", "domain": "string"})

    def ordering():
        return read("fit").ordering[0]

    file = folder.parents[1] / "ratings.csv"
    plain_r(folder / "model.R", file, folder, ordering=fitted.fit["cholesky_ordering"], found=ordering)
    for name in ("fixed", "tests", "means", "contrasts"):
        theirs = read(name)
        ours = getattr(fitted, name)[list(theirs)]
        assert len(theirs) == len(ours)
        for column in theirs:
            if column in ("term", "test", "source", "domain", "contrast", "by"):
                assert theirs[column].fillna("").tolist() == ours[column].fillna("").tolist()
            else:
                np.testing.assert_allclose(theirs[column], ours[column], rtol=1e-8, atol=1e-10, err_msg=column)
    for number in ("n", "logLik", "AIC", "BIC", "sigma_total"):
        same(read("fit")[number][0], fitted.fit[number], "logLik")
    np.testing.assert_allclose(read("random").vcov, fitted.random.variance, rtol=1e-8)
