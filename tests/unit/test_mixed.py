from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up_ratings import ORDERINGS, R, plain_r

from empathic import mixed, rsession
from empathic.formula import RandomTerm


@pytest.fixture(scope="module")
def sleepstudy(tmp_path_factory):
    """lme4's own example, fitted here, and what plain R says of it."""
    out = tmp_path_factory.mktemp("sleepstudy") / "out.csv"

    def read():
        return pd.read_csv(out, index_col="name").value

    plain_r(R / "sleepstudy.R", out, found=lambda: read()["ordering"])
    data = pd.read_csv(out.with_name("out_data.csv"), dtype={"Subject": str, "Days": float})
    fitted = mixed.fit("Reaction ~ Days + (Days | Subject)", mixed.to_r(data.astype({"Subject": "category"})))
    plain_r(R / "sleepstudy.R", out, ordering=ORDERINGS[fitted.state.ordering], found=lambda: read()["ordering"])
    return fitted, read()


def test_sleepstudy_gives_what_lme4_prints(sleepstudy):
    fitted, r = sleepstudy
    fixed = mixed.fixed_effects(fitted).set_index("term")
    for term in ("(Intercept)", "Days"):
        assert fixed.estimate[term] == pytest.approx(r[f"estimate.{term}"], rel=1e-8)
        assert fixed.std_error[term] == pytest.approx(r[f"std_error.{term}"], rel=1e-8)
        assert fixed.df[term] == pytest.approx(r[f"df.{term}"], rel=1e-6)
    # As lme4's documentation prints them.
    assert fixed.estimate.round(3).tolist() == [251.405, 10.467]
    assert fixed.std_error.round(3).tolist() == [6.825, 1.546]


def test_sleepstudy_has_two_variances_a_covariance_and_a_residual(sleepstudy):
    fitted, r = sleepstudy
    table = mixed.components(fitted)
    assert table.group.tolist() == ["Subject", "Subject", "Subject", "Residual"]
    expected = [r["variance.(Intercept)"], r["covariance"], r["variance.Days"], r["residual"]]
    assert table.variance.tolist() == pytest.approx(expected, rel=1e-6)
    assert table.correlation[1] == pytest.approx(0.066, abs=5e-4) and table.correlation.isna().tolist()[0]
    assert table.n_levels.tolist()[:3] == [18, 18, 18]


def test_sleepstudy_has_lme4s_log_likelihood_and_has_converged(sleepstudy):
    fitted, r = sleepstudy
    summaries = mixed.summaries(fitted)
    for name, theirs in (("log_likelihood", "logLik"), ("aic", "aic"), ("bic", "bic")):
        assert summaries[name] == pytest.approx(r[theirs], rel=1e-8)
    assert summaries["n"] == 180
    assert fitted.converged and fitted.state.code == 0 and fitted.state.gradient <= mixed.GRADIENT
    assert mixed.settle(fitted, np.eye(2)) is fitted


@pytest.mark.slow
def test_insteval_has_the_estimates_and_log_likelihoods_that_lme4_prints(tmp_path):
    out = tmp_path / "out.csv"
    data = rsession.robjects().r("transform(lme4::InstEval, y = as.numeric(y))")
    fitted, by_ml = (mixed.fit("y ~ service + (1 | s) + (1 | d)", data, reml=reml) for reml in (True, False))
    plain_r(
        R / "insteval.R",
        out,
        ordering=ORDERINGS[fitted.state.ordering],
        found=lambda: pd.read_csv(out, index_col="name").value["ordering"],
    )
    r = pd.read_csv(out, index_col="name").value
    assert mixed.summaries(fitted)["n"] == 73_421
    for ours, theirs in ((fitted, "estimate"), (by_ml, "estimate_ml")):
        fixed = mixed.fixed_effects(ours).set_index("term").estimate
        assert fixed["(Intercept)"] == pytest.approx(r[f"{theirs}.(Intercept)"], rel=1e-8)
        assert fixed["service1"] == pytest.approx(r[f"{theirs}.service1"], rel=1e-8)
    assert mixed.fixed_effects(fitted).std_error.tolist() == pytest.approx(
        [r["std_error.(Intercept)"], r["std_error.service1"]], rel=1e-8
    )
    assert mixed.summaries(fitted)["log_likelihood"] == pytest.approx(r["logLik"], rel=1e-8)
    assert mixed.summaries(by_ml)["log_likelihood"] == pytest.approx(r["logLik_ml"], rel=1e-8)
    table = mixed.components(fitted).set_index("group")
    assert table.n_levels.to_dict()["s"] == 2_972 and table.n_levels.to_dict()["d"] == 1_128
    for group in ("s", "d", "Residual"):
        assert table.variance[group] == pytest.approx(r[f"variance.{group}"], rel=1e-6)


def test_a_formula_is_taken_apart_with_bars_and_slashes_expanded():
    formula = mixed.parse("rating ~ 0 + source * domain + log(position) + (1 + position || rater_id) + (1 | a/b)")
    assert formula.response == ("rating",) and not formula.intercept
    assert formula.fixed == "rating ~ 0 + source * domain + log(position)"
    assert list(formula.fixed_terms) == ["source", "domain", "log(position)", "source:domain"]
    assert formula.random == (
        RandomTerm("1 | rater_id", ("rater_id",)),
        RandomTerm("0 + position | rater_id", ("rater_id",)),
        RandomTerm("1 | b:a", ("b", "a")),
        RandomTerm("1 | a", ("a",)),
    )
    assert formula.crosses("source", "domain") and not formula.crosses("source", "position")


@pytest.mark.parametrize("text", ["rating ~ source + (1 | rater_id", "~ source", "rating ~ ."])
def test_what_r_cannot_read_is_an_error_with_rs_message(text):
    with pytest.raises(rsession.RError) as error:
        mixed.parse(text)
    assert str(error.value)


def plain():
    draw = np.random.default_rng(3)
    group = pd.Categorical([*"aabbcc"] * 5)
    return pd.DataFrame({"y": draw.normal(size=30) + group.codes, "g": group, "x": draw.normal(size=30)})


def test_without_a_random_term_it_is_a_linear_model():
    data = plain()
    fitted = mixed.fit("y ~ g", mixed.to_r(data))
    assert not fitted.mixed and fitted.converged
    means, pairs = mixed.marginal(fitted, "g")
    assert means.table.estimate.tolist() == pytest.approx(data.groupby("g", observed=True).y.mean().tolist())
    within = data.y - data.groupby("g", observed=True).y.transform("mean")
    residual = (within**2).sum() / 27
    assert pairs.table.std_error.tolist() == pytest.approx([np.sqrt(residual * 2 / 10)] * 3)
    assert set(pairs.table.df) == {27}
    assert mixed.components(fitted).variance.tolist() == pytest.approx([residual])
    # One-way analysis of variance, by hand.
    between = 10 * ((data.groupby("g", observed=True).y.mean() - data.y.mean()) ** 2).sum() / 2
    test = mixed.joint_test(fitted, pairs.rows)
    assert test["statistic"] == pytest.approx(between / residual)
    assert (test["df_num"], test["df_den"]) == (2, 27)


def test_fixed_effects_that_follow_from_others_are_named():
    data = plain().assign(x=lambda rows: rows.g.cat.codes.astype(float))
    matrix, aliased = mixed.fixed_design("y ~ g + x", mixed.to_r(data))
    assert matrix.shape == (30, 4) and aliased == ["x"]


def test_a_sum_coded_factor_has_sum_coded_columns():
    matrix, _ = mixed.fixed_design("y ~ g", mixed.to_r(plain(), sum_coded=["g"]))
    assert np.unique(matrix, axis=0).tolist() == [[1, -1, -1], [1, 0, 1], [1, 1, 0]]


def state(log_likelihood, fixed, *, optimizer="bobyqa", code=0, gradient=1e-5):
    return mixed.State(optimizer, code, gradient, False, log_likelihood, np.array(fixed), "AMD")


@pytest.mark.parametrize(
    "code, gradient, well", [(0, 0.002, True), (0, 0.0021, False), (1, 1e-6, False), (0, None, False)]
)
def test_one_optimizer_has_converged_by_its_code_and_gradient(code, gradient, well):
    assert mixed.settled(state(-10.0, [0.0], code=code, gradient=gradient)) is well


def test_the_first_optimizers_result_is_among_those_that_must_agree():
    fitted = mixed.fit("y ~ x + (1 | g)", mixed.to_r(plain()))
    short, rows = replace(fitted.state, code=1), np.eye(2)
    settled = mixed.settle(replace(fitted, state=short, converged=False), rows)
    assert settled.converged and settled.state.log_likelihood == pytest.approx(short.log_likelihood)
    # Nobody comes near what the first one says it has found.
    likelier = replace(short, log_likelihood=short.log_likelihood + 1)
    alone = mixed.settle(replace(fitted, state=likelier, converged=False), rows)
    assert not alone.converged and alone.state is likelier and len(alone.refits) == len(mixed.OPTIMIZERS) - 1


def test_what_r_says_after_a_fit_is_heard_once_and_the_expected_note_of_emmeans_is_not_said():
    data = plain().assign(h=[*"uv"] * 15)
    data["h"] = data["h"].astype("category")
    fitted = mixed.fit("y ~ g * h", mixed.to_r(data))
    with mixed.heard() as said:
        mixed.marginal(fitted, "g")
        assert said == []
        r = rsession.robjects().r
        r('fitted.warns <- residuals.warns <- function(object, ...) { warning("a word"); 1 }')
        mixed.residuals(replace(fitted, model=r('structure(list(), class = "warns")')))
    assert said == ["a word"]


def test_the_threads_of_blas_are_recorded():
    assert mixed.versions()["BLAS_threads"].isdigit()


def test_two_optimizers_must_agree_on_the_likeliest_result():
    rows = np.array([[0.0, 1.0]])  # the intercept is no contrast
    best = state(-10.0, [5.0, 1.0])
    assert mixed.agreed([state(-12.0, [5.0, 1.0]), best, state(-10.00009, [7.0, 1.0009])], rows) is best
    assert mixed.agreed([best, state(-10.00011, [5.0, 1.0])], rows) is None
    assert mixed.agreed([best, state(-10.0, [5.0, 1.0011])], rows) is None
    assert mixed.agreed([best], rows) is None
    assert mixed.agreed([], rows) is None
