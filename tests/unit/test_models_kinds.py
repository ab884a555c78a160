"""Models of every family, df, coding and choice of contrasts, against plain R and by hand."""

import functools
import json

import numpy as np
import pandas as pd
import plain_numbers
import pytest
from made_up_ratings import R, declared, plain_r, ratings
from made_up_ratings import row as rating_row
from scipy import stats

from empathic import claims, models, settings, tables
from empathic.claimfile import Claim
from empathic.declared import Declared
from empathic.errors import InputError

KINDS = {
    "small_ordinal": {
        "formula": "rating ~ source + domain + (1 | rater_id) + (1 | post_id)",
        "family": "ordinal",
        "link": "probit",
    },
    "binomial": {"formula": "rating ~ source + (1 | rater_id)", "family": "binomial", "link": "logit"},
    "poisson": {"formula": "rating ~ source + (1 | rater_id)", "family": "poisson", "link": "log"},
    "kenward_roger": {"formula": "rating ~ source + (1 | rater_id) + (1 | post_id)", "df": "kenward-roger"},
}


@pytest.fixture(scope="module")
def small():
    return ratings(raters=24, posts_per_domain=2, posts_per_rater=4, seed=7)


def asked(kind):
    other = {"reml": False, "df": "asymptotic"} if kind != "kenward_roger" else {}
    return declared(**(other | KINDS[kind]))


@pytest.fixture(scope="module")
def of_kind(small):
    """The ratings of a kind, and its fit: made when first asked for."""
    # clmm takes seconds a fit, by the number of ratings.
    given = dict.fromkeys(KINDS, small) | {
        "small_ordinal": ratings(raters=12, posts_per_domain=2, posts_per_rater=3, seed=7),
        "binomial": small.assign(rating=(small.rating > 4).astype(float)),
    }
    return functools.cache(lambda kind: (given[kind], models.fit(given[kind], None, asked(kind))))


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_every_table_equals_plain_r(of_kind, kind, tmp_path):
    table, fitted = of_kind(kind)
    tables.RATINGS.write(table, tmp_path / "ratings.csv")
    compared = plain_numbers.check(*plain_numbers.of_fitted(fitted), tmp_path / "ratings.csv", kind, tmp_path)
    assert compared > (200 if kind == "small_ordinal" else 1_000)
    methods = {"small_ordinal": {"Wald"}, "kenward_roger": {"F", "likelihood ratio"}}
    assert set(fitted.tests.method) == methods.get(kind, {"Wald", "likelihood ratio"})


@pytest.mark.parametrize("kind", ["small_ordinal", "binomial", "poisson"])
def test_a_model_of_another_family_is_on_the_scale_of_its_link(of_kind, kind):
    _, fitted = of_kind(kind)
    assert "Residual" not in set(fitted.random.group)
    assert set(fitted.contrasts.df) == {np.inf} and fitted.contrasts.percent_of_range.isna().all()
    assert (fitted.fit["reml"], fitted.fit["df_method"]) == (False, "asymptotic")


@pytest.mark.parametrize("kind", KINDS)
def test_model_r_runs_alone_and_gives_the_tables(of_kind, kind, tmp_path):
    table, fitted = of_kind(kind)
    tables.RATINGS.write(table, tmp_path / "ratings.csv")
    (tmp_path / "model.R").write_text(fitted.script, encoding="utf-8")
    plain_r(tmp_path / "model.R", tmp_path / "ratings.csv", tmp_path, found=lambda: None)
    plain_numbers.check_alone(fitted, tmp_path, relative=1e-5)


def test_an_ordinal_model_has_random_effects_and_no_residuals(of_kind, tmp_path):
    table, fitted = of_kind("small_ordinal")
    assert fitted.residuals.empty and len(fitted.random_effects) == table.rater_id.nunique() + table.post_id.nunique()
    tables.RESIDUALS.write(fitted.residuals, tmp_path / "residuals.csv")
    tables.RANDOM_EFFECTS.write(fitted.random_effects, tmp_path / "random_effects.csv")
    tables.INTERACTIONS.write(fitted.interactions, tmp_path / "interactions.csv")
    tables.SETS.write(fitted.sets, tmp_path / "tests_of_sets.csv")
    assert fitted.sets.test.tolist() == ["source"] * 4 and set(fitted.sets.method) == {"Wald"}


TWO = "rating ~ source + (1 | rater_id)"


@pytest.fixture(scope="module")
def plain(small):
    return models.fit(small, None, declared(formula=TWO))


def test_residuals_and_fitted_values_add_up_to_the_ratings(small, plain):
    table = plain.residuals
    assert (table.fitted + table.residual).tolist() == pytest.approx(small.rating.tolist())
    assert table.normal_quantile.sum() == pytest.approx(0, abs=1e-9)
    assert table.residual.corr(table.normal_quantile) > 0.95
    assert table.rater_id.tolist() == small.rater_id.tolist()


def test_random_effects_have_a_row_for_each_rater(small, plain):
    effects = plain.random_effects
    assert set(effects.level) == set(small.rater_id) and set(effects.group) == {"rater_id"}
    # By hand, in a balanced design: the rater's mean residual, shrunk.
    rest = small.rating - small.groupby("source").rating.transform("mean")
    mean = rest.groupby(small.rater_id).mean()
    variance = plain.random.set_index("group").variance
    shrunk = mean * variance["rater_id"] / (variance["rater_id"] + variance["Residual"] / 12)
    assert effects.set_index("level").estimate.to_dict() == pytest.approx(shrunk.to_dict(), abs=1e-6)


def test_another_reference_changes_the_fixed_effects_and_no_contrast(small, plain):
    other = models.fit(small, None, declared(formula=TWO, reference="fp32"))
    assert other.fixed.term.tolist() == ["(Intercept)", "sourcehuman", "sourcenf4"]
    assert other.fit["reference"] == "fp32" and other.contrasts.contrast.tolist() == plain.contrasts.contrast.tolist()
    assert other.contrasts.estimate.tolist() == pytest.approx(plain.contrasts.estimate.tolist())
    assert other.fixed.estimate[1] == pytest.approx(plain.contrasts.estimate[1])


@pytest.mark.parametrize(
    ("contrasts", "expected"),
    [
        ("reference", ["human - nf4", "human - fp32"]),
        ([["fp32", "nf4"]], ["nf4 - fp32"]),
    ],
)
def test_contrasts_against_the_reference_or_by_name_make_a_family_of_their_own(small, plain, contrasts, expected):
    found = models.fit(small, None, declared(formula=TWO, contrasts=contrasts)).contrasts
    assert found.contrast.tolist() == expected and set(found.family_size) == {len(expected)}
    same = plain.contrasts.set_index("contrast").p_value[expected]
    assert found.p_value.tolist() == pytest.approx(same.tolist())
    assert found.p_adjusted.max() <= min(1, len(expected) * found.p_value.max())


def test_tukeys_adjustment_is_that_of_the_studentized_range(small):
    found = models.fit(small, None, declared(formula=TWO, adjust="tukey")).contrasts
    for row in found.itertuples():
        expected = stats.studentized_range.sf(abs(row.statistic) * np.sqrt(2), 3, row.df)
        assert row.p_adjusted == pytest.approx(expected, rel=1e-8)
    assert (found.p_adjusted >= found.p_value).all() and set(found.adjust) == {"tukey"}


def test_without_by_there_are_no_contrasts_within_domains_and_the_interaction_is_tested_all_the_same(small):
    found = models.fit(small, None, declared(formula="rating ~ source * domain + (1 | rater_id)", by_domain=False))
    assert found.contrasts["by"].isna().all() and found.means.domain.isna().all()
    assert "source:domain" in set(found.tests.test) and len(found.interactions) == 9


def test_a_difference_in_a_domain_less_its_mean_is_what_the_contrasts_say(small):
    found = models.fit(small, None, declared(formula="rating ~ source * domain + (1 | rater_id)"))
    inside = found.contrasts.dropna(subset="by")
    mean = inside.groupby("contrast").estimate.transform("mean")
    expected = (inside.estimate - mean).reset_index(drop=True)
    assert found.interactions.estimate.tolist() == pytest.approx(expected.tolist())
    assert found.interactions["by"].tolist() == inside["by"].tolist()
    assert set(found.interactions.sesoi.round(12)) == {round(0.3 * found.fit["sigma_total"], 12)}
    # Raters rate every source of a post, so that differences of two domains are independent: by hand.
    squared = (inside.std_error**2).reset_index(drop=True)
    by_hand = squared / 3 + squared.groupby(inside.contrast.reset_index(drop=True)).transform("sum") / 9
    assert (found.interactions.std_error**2).tolist() == pytest.approx(by_hand.tolist(), rel=1e-6)


def test_omnibus_tests_of_sets_hold_every_set_and_agree_with_the_whole(small):
    found = models.fit(small, None, declared(formula="rating ~ source * domain + (1 | rater_id)"))
    sets = found.sets.set_index(["test", "sources"])
    assert len(sets) == 8
    whole = found.tests.set_index(["test", "method"])
    for test in ("source", "source:domain"):
        assert sets.p_value[(test, "human, nf4, fp32")] == pytest.approx(whole.p_value[(test, "F")])
    pair = found.contrasts.iloc[0]
    assert sets.p_value[("source", "human, nf4")] == pytest.approx(pair.p_value)


def test_delta_in_units_of_the_rating_gives_the_same_numbers_where_it_is_the_same(small, tmp_path):
    formula = "rating ~ source * domain + (1 | rater_id)"
    one = models.fit(small, None, declared(formula=formula))
    sigma = one.fit["sigma_total"]
    given = {"sesoi": 0.2 * sigma, "sesoi_interaction": 0.3 * sigma, "sesoi_units": "rating"}
    two = models.fit(small, None, declared(formula=formula, **given))
    for ours, theirs in ((one.contrasts, two.contrasts), (one.interactions, two.interactions)):
        assert theirs.sesoi.tolist() == pytest.approx(ours.sesoi.tolist())
        assert theirs.p_equivalence.tolist() == pytest.approx(ours.p_equivalence.tolist(), abs=1e-12)
    assert (one.fit["sesoi_units"], two.fit["sesoi_units"]) == ("total_sd", "rating")
    assert two.fit["sesoi"] == pytest.approx(one.fit["sesoi"]) and two.fit["sesoi_declared"] == 0.2 * sigma
    tables.RATINGS.write(small, tmp_path / "ratings.csv")
    (tmp_path / "model.R").write_text(two.script, encoding="utf-8")
    plain_r(tmp_path / "model.R", tmp_path / "ratings.csv", tmp_path, found=lambda: None)
    plain = pd.read_csv(tmp_path / "contrasts.csv")
    assert plain.p_equivalence.tolist() == pytest.approx(two.contrasts.p_equivalence.tolist(), abs=1e-6)
    assert plain.sesoi.tolist() == pytest.approx([0.2 * sigma] * len(plain))
    # The scale of a link has no units of the rating.
    assert np.isnan(declared(family="ordinal", link="probit", sesoi_units="rating").delta(0.2, 1.5))


def test_a_set_that_a_claim_names_is_tested_where_the_usual_sets_leave_it_out(small):
    formula = "rating ~ source * domain + (1 | rater_id)"
    asked = declared(formula=formula, df="kenward-roger", sets=[["fp32", "human"]])
    found = models.fit(small, None, asked).sets.set_index(["test", "sources"])
    assert sorted(set(found.index.get_level_values("sources"))) == ["human, fp32", "human, nf4, fp32"]
    many = [f"s{number}" for number in range(9)]
    sets = declared(sources=many, sets=[["s8", "s0", "s4"], ["s1", "s0"]]).every_set
    assert len(sets) == 36 + 1 + 1 and sets[-1] == ("s0", "s4", "s8")


def test_a_singular_fit_walks_the_ladder_and_lists_each_step(small):
    flat = small.assign(rating=small.groupby("rater_id").cumcount() % 5 + 1.0)
    formula = "rating ~ source + (1 | rater_id) + (1 | post_id)"
    fitted = models.fit(flat, None, declared(formula=formula))
    assert all(notes == {"singular"} for notes in plain_numbers.notes(fitted).values())
    kept = fitted.fit
    assert kept["singular"] and kept["formula_fitted"] == formula and kept["left_out_as_singular"] == []
    found = models.fit(flat, None, declared(formula=formula, simplify=["1|rater_id", "(1 | post_id)"])).fit
    steps = found["left_out_as_singular"]
    assert steps[0]["left_out"] == "(1 | rater_id)" and steps[0]["why"] == "the fit with it was singular"
    assert found["formula"] == formula and "rater_id" not in found["formula_fitted"]
    with pytest.raises(InputError, match="the ladder names '1 | writer_id', which is no random term of"):
        models.fit(flat, None, declared(formula=formula, simplify=["1 | writer_id"]))


def test_the_first_seen_response_of_each_rater_and_post(small, tmp_path):
    shuffled = small.sample(frac=1, random_state=3)
    placed = small.assign(position=shuffled.groupby("rater_id").cumcount() + 1)
    found = models.fit(placed, None, declared(formula=TWO, first_seen=True))
    first = placed.sort_values("position").groupby(["rater_id", "post_id"]).head(1)
    assert found.fit["n"] == len(first) == 24 * 4
    assert set(zip(found.residuals.rater_id, found.residuals.response_id, strict=True)) == set(
        zip(first.rater_id, first.response_id, strict=True)
    )
    # An export may not tell positions: that is no fault that stops a run, but a fit that says so.
    holes = placed.assign(position=placed.position.mask(placed.position == 1))
    unfitted = models.fit(holes, None, declared(formula=TWO, first_seen=True)).fit
    assert unfitted["failure"] == "`first_seen` needs the position of every rating, and 24 have none"
    assert unfitted["status"] == "failed"


BANDS = {"below 18": 12.5, "18-24": 21.0, "25-34": 29.5, "35-44": 39.5, "65 or older": 69.5}


def people(table, **columns):
    """raters.csv of all who rated: every third of them 25 to 34 years old, the others of the other bands in turn."""
    ids = sorted(table.rater_id.unique())
    others = [band for band in BANDS if band != "25-34"]
    ages = ["25-34" if number % 3 == 0 else others[number % 4] for number in range(len(ids))]
    sexes = ["Male" if number % 5 < 2 else "Female" for number in range(len(ids))]
    known = {"rater_id": ids, "included": True, "reason": pd.NA, "duration_s": 1.0, "origin": "simulated"}
    return pd.DataFrame(known | {"age": ages, "sex": sexes} | columns).astype({"age": "string", "sex": "string"})


def written(fitted, table, raters, folder):
    """A study's tables and model.R, which then runs alone."""
    tables.RATINGS.write(table, folder / "ratings.csv")
    tables.RATERS.write(raters, folder / "raters.csv")
    (folder / "model.R").write_text(fitted.script, encoding="utf-8")
    plain_r(folder / "model.R", folder / "ratings.csv", folder, found=lambda: None)


def test_demographics_enter_centred_ages_as_the_middle_of_their_band(small, tmp_path):
    # Who is 25 to 34 rated less, so that the ratings' mean age is not the raters'. One rater is excluded, and one does
    # not tell the age.
    raters = people(small)
    young = small.rater_id.isin(raters.rater_id[raters.age == "25-34"])
    few = small[~(young & (small.post_id < "p003"))]
    out = few.rater_id == "r023"
    few = few.assign(included=~out, reason=pd.Series("attention", few.index).where(out))
    raters.loc[raters.rater_id == "r023", ["included", "reason"]] = [False, "attention"]
    raters.loc[raters.rater_id == "r022", "age"] = pd.NA
    found = models.fit(few, None, declared(formula="rating ~ source + age + sex + (1 | rater_id)"), raters)
    assert found.fit["dropped_rows"] == (few.rater_id == "r022").sum() > 0
    assert found.fit["sum_coded"] == {"sex": ["Female", "Male"]}
    assert found.fixed.term.tolist()[-2:] == ["age", "sex1"]

    written(found, few, raters, tmp_path)
    plain_numbers.check_alone(found, tmp_path, relative=1e-6)
    plain_r(R / "demographics.R", tmp_path / "ratings.csv", tmp_path / "raters.csv", tmp_path / "out.csv", found=None)
    theirs = pd.read_csv(tmp_path / "out.csv")
    assert theirs.term.tolist() == found.fixed.term.tolist()
    for column in ("estimate", "std_error", "df"):
        np.testing.assert_allclose(found.fixed[column], theirs[column], rtol=1e-6, err_msg=column)


def test_what_all_raters_share_or_none_tells_is_a_failed_fit_that_names_it(small):
    def failure(formula, **columns):
        found = models.fit(small, None, declared(formula=formula), people(small, **columns))
        assert (found.fit["status"], len(found.contrasts)) == ("failed", 3)
        return found.fit["failure"]

    formula = "rating ~ source + age + sex + (1 | rater_id)"
    assert failure(formula, sex="Female") == "all raters have the same value of 'sex', which the formula names"
    assert failure(formula, age="25-34") == "all raters have the same value of 'age', which the formula names"
    assert failure(formula, age=pd.NA) == "no rating has a value of 'age', which the formula names"
    one_of_both = {"age": ["25-34", pd.NA] * 12, "sex": [pd.NA, "Male"] * 12}
    assert failure(formula, **one_of_both) == "no rating has a value of every column that the formula names"
    same = failure(formula.replace("sex", "sex + gender"), gender=people(small).sex)
    assert same == "the fixed effects follow from each other: gender1 cannot be estimated"
    with pytest.raises(InputError, match=r"raters.csv, column 'age': '31' is no band of ages\. It was changed after"):
        failure(formula, age="31")


def test_a_formula_may_name_words_of_the_response_and_columns_of_raters(small, tmp_path):
    responses = small[["response_id", "post_id", "domain", "source", "origin"]].drop_duplicates("response_id")
    words = np.random.default_rng(1).integers(80, 160, len(responses))
    responses = responses.assign(n_words=words, kind="human", sample=0, text="x", label=pd.NA, writer_id=pd.NA)
    formula = "rating ~ source + log(n_words) + scale(age) + (1 | rater_id) + (1 | sex)"
    found = models.fit(small, responses, declared(formula=formula), people(small))
    assert found.fixed.term.tolist()[-2:] == ["log(n_words)", "scale(age)"] and found.fit["sum_coded"] == {}
    tables.RESPONSES.write(responses, tmp_path / "responses.csv")
    written(found, small, people(small), tmp_path)
    plain_numbers.check_alone(found, tmp_path, relative=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (KINDS["binomial"] | {"reml": False}, "a binomial model takes 0 and 1 alone"),
        ({"df": "kenward-roger", "kr_max_rows": 100}, "Kenward-Roger for 288 ratings (allowed: 100)"),
    ],
)
def test_what_a_family_or_df_cannot_bear_is_refused_with_study_and_model(small, changes, message):
    with pytest.raises(InputError) as error:
        models.fit(small, None, declared(**changes))
    assert "study 'study1', model 'deciding'" in str(error.value) and message in str(error.value)
    half = small.assign(rating=small.rating + 0.5)
    with pytest.raises(InputError, match="a poisson model takes whole numbers from 0 alone"):
        models.fit(half, None, declared(**KINDS["poisson"], reml=False))


def test_a_model_of_a_config_has_its_defaults_filled_in():
    def from_config(**said):
        return Declared.from_config(
            settings.MixedModel(formula=TWO, **said).model_dump(mode="json"),
            settings.Inference(sesoi=0.1).model_dump(mode="json"),
            "empathy",
            study="s",
            model="m",
            file="ratings.csv",
            sources=["a", "b", "c"],
            scale_range=6.0,
        )

    usual = from_config()
    assert (usual.model, usual.df, usual.reml, usual.link, usual.adjust) == (
        "m",
        "satterthwaite",
        True,
        "identity",
        "holm",
    )
    assert (usual.base, usual.item, usual.sesoi, usual.kr_max_rows, usual.simplify) == ("a", "empathy", 0.1, 1500, ())
    other = from_config(family="ordinal", link="logit", item="warmth", reference="b", contrasts="reference", by=None)
    assert (other.df, other.reml, other.link, other.item, other.by_domain) == (
        "asymptotic",
        False,
        "logit",
        "warmth",
        False,
    )
    assert other.pairs == [("a", "b"), ("b", "c")]
    assert from_config(on_singular="simplify", ladder=["1 | rater_id"]).simplify == ["1 | rater_id"]


def alike(raters=6, posts=4):
    """Everybody gives a source the same answer to every post."""
    answers = {"human": 2, "nf4": 4, "fp32": 5}
    return tables.RATINGS.frame(
        rating_row(f"r{rater:02d}", f"p{post}", "all", source, answer)
        for rater in range(raters)
        for post in range(posts)
        for source, answer in answers.items()
    )


@pytest.fixture(scope="module")
def given_up():
    formula = "rating ~ source + (1 | rater_id) + (1 | post_id)"
    return models.fit(alike(), None, declared(formula=formula, family="ordinal", link="probit", df="asymptotic"))


def test_an_ordinal_fit_without_standard_errors_is_a_failed_fit_that_says_so(given_up, tmp_path):
    fit = given_up.fit
    assert (fit["status"], fit["n"], fit["family"]) == ("failed", 72, "ordinal")
    assert "Cannot compute vcov" in fit["failure"] and fit["warnings"][-1] == f"R gave the fit up: {fit['failure']}"
    assert fit["sigma_total"] is fit["AIC"] is fit["sesoi"] is None and fit["logLik"] < 0
    json.dumps(fit, allow_nan=False)
    for name, rows in {"means": 3, "contrasts": 3, "fixed": 0, "random": 0, "tests": 0, "random_effects": 0}.items():
        table = getattr(given_up, name)
        getattr(tables, name.upper()).write(table, tmp_path / f"{name}.csv")
        assert len(table) == rows, name
    tables.INTERACTIONS.write(given_up.interactions, tmp_path / "interactions.csv")
    tables.SETS.write(given_up.sets, tmp_path / "tests_of_sets.csv")
    tables.RESIDUALS.write(given_up.residuals, tmp_path / "residuals.csv")
    assert given_up.means.source.tolist() == ["human", "nf4", "fp32"]
    numbers = ["estimate", "std_error", "df", "statistic", "p_value", "p_adjusted", "p_equivalence", "sesoi", "d"]
    assert given_up.contrasts[numbers].isna().all(axis=None)
    assert set(given_up.contrasts.family_size) == {3} and "clmm(rating ~ source" in given_up.script


def test_a_claim_on_a_fit_that_r_gave_up_is_not_testable_and_says_why(given_up):
    fit = claims.fit_of(given_up.fit, given_up.contrasts, given_up.interactions, given_up.sets)
    study = claims.Study(["human", "nf4", "fp32"], "observed", {}, {"deciding": fit})
    claim = Claim(
        id="c",
        study="study1",
        statement="s",
        certainty="own",
        family="primary",
        test="greater",
        pairs=[("nf4", "human")],
    )
    decided, components, _ = claims.decide({"claims.yaml": [claim]}, {"study1": study})
    assert (decided.verdict[0], len(components)) == ("not testable", 0)
    assert decided.why[0].startswith("the fit of the model 'deciding' did not converge")


def test_a_fit_that_r_refuses_fails_with_rs_words_in_each_domain_too(small):
    formula = "rating ~ source * domain + (1 | rater_id) + (1 + source * domain * rater_id | post_id)"
    found = models.fit(small, None, declared(formula=formula))
    assert found.fit["status"] == "failed" and found.fit["optimizer"] is None
    assert "number of observations" in found.fit["failure"]
    assert len(found.contrasts) == len(found.means) == 12 and len(found.interactions) == 9
    assert found.contrasts.estimate.isna().all() and found.interactions.p_value.isna().all()
    brief = models.brief(small, declared(formula=formula), [("human", "nf4")], within=True)
    assert brief.fit["status"] == "failed" and brief.contrasts.estimate.isna().all() and brief.sets.empty


def test_an_ordinal_model_gives_the_mean_answer_of_each_source_as_its_data_have_it(of_kind, tmp_path):
    table, fitted = of_kind("small_ordinal")
    means = fitted.means
    tables.MEANS.write(means, tmp_path / "means.csv")
    seen = table.groupby("source").rating.mean()
    # A source's answers have about the mean that the model expects of it: its raters and posts are those of the others.
    assert means.expected.tolist() == pytest.approx([seen[source] for source in means.source], abs=0.15)
    half = stats.norm.ppf(0.975) * means.expected_std_error
    assert (means.expected + half).tolist() == pytest.approx(means.expected_conf_high.tolist())
    assert means.expected_std_error.between(0.05, 1).all()
    assert "expected" not in fitted.contrasts


def test_only_ordinal_models_have_expected_answers_beside_their_means(plain):
    assert "expected" not in plain.means
