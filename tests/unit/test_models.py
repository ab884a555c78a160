import json

import numpy as np
import pandas as pd
import plain_numbers
import pytest
import real_study
from made_up_ratings import declared, plain_r, ratings, row

from empathic import mixed, models, tables
from empathic.errors import InputError
from empathic.settings import TWO_INTERCEPTS


@pytest.fixture(scope="module")
def default_size():
    return ratings()


@pytest.fixture(scope="module")
def fitted(default_size):
    return models.fit(default_size, None, declared())


@pytest.mark.parametrize("model", ["deciding", "two_intercept"])
def test_every_number_of_every_table_equals_plain_r(default_size, fitted, model, tmp_path):
    if model == "two_intercept":
        fitted = models.fit(default_size, None, declared(formula=TWO_INTERCEPTS))
    tables.RATINGS.write(default_size, tmp_path / "ratings.csv")
    compared = plain_numbers.check(*plain_numbers.of_fitted(fitted), tmp_path / "ratings.csv", model, tmp_path)
    assert compared > 9_000
    assert fitted.fixed.term.tolist()[:4] == ["(Intercept)", "sourcenf4", "sourcefp32", "domain1"]
    assert len(fitted.contrasts) == len(fitted.means) == 12


def in_order(fitted):
    """The domains as a fit has them in its tables, which must all be of one mind."""
    (order,) = {
        tuple(fitted.fit["domains"]),
        tuple(fitted.fit["sum_coded"]["domain"]),
        tuple(fitted.means.domain.dropna().unique()),
        tuple(fitted.contrasts["by"].dropna().unique()),
        tuple(fitted.interactions["by"].unique()),
    }
    return list(order)


CROSSED = "rating ~ source * domain + (1 | rater_id)"


def test_domains_stand_in_the_order_of_the_posts_and_neither_of_the_alphabet_nor_of_the_ratings(small, tmp_path):
    by_post = models.fit(small, None, declared(formula=CROSSED))
    assert in_order(by_post) == ["workplace", "parenting", "relationships"]
    # Whoever comes first: the rows in reverse.
    assert in_order(models.fit(small[::-1], None, declared(formula=CROSSED))) == in_order(by_post)
    # Posts whose file has them in another order than that of their ids, and one that nobody was shown.
    texts = responses(small, human="observed", nf4="observed", fp32="observed").sort_values("post_id", ascending=False)
    texts = pd.concat([texts.iloc[-1:].assign(response_id="unseen", domain="home"), texts])
    found = models.fit(small, texts, declared(formula=CROSSED))
    assert in_order(found) == ["relationships", "parenting", "workplace"]

    # A domain's term is its difference from the mean of all, for the reference source.
    for one in (by_post, found):
        inside = one.means[one.means.source == "human"].dropna(subset="domain").estimate
        terms = one.fixed.set_index("term").estimate[["domain1", "domain2"]]
        assert terms.tolist() == pytest.approx((inside - inside.mean()).tolist()[:2])
    overall = [one.contrasts[one.contrasts["by"].isna()].estimate.tolist() for one in (by_post, found)]
    assert overall[0] == pytest.approx(overall[1])
    check_script(small, found, tmp_path)


def test_the_fit_says_what_was_fitted_and_how_it_ended(fitted):
    fit, noted = fitted.fit, plain_numbers.notes(fitted)
    assert len(noted) == 7 and all(notes == {""} for notes in noted.values())
    assert fit["formula_fitted"] == fit["formula"] and fit["terms_dropped"] == []
    assert (fit["status"], fit["optimizer_code"], fit["singular"], fit["dropped_rows"]) == ("converged", 0, False, 0)
    assert 0 <= fit["gradient"] < 0.002
    assert (fit["family"], fit["link"], fit["reml"], fit["df_method"]) == (
        "gaussian",
        "identity",
        True,
        "satterthwaite",
    )
    assert fit["reference"] == "human" and fit["domains"] == ["workplace", "parenting", "relationships"]
    assert {"R", "lme4", "lmerTest", "emmeans", "empathic"} <= set(fit["versions"])
    json.dumps(fit, allow_nan=False)


def test_model_r_runs_alone_and_gives_the_tables(default_size, fitted, tmp_path):
    check_script(default_size, fitted, tmp_path)
    # Its work is the package's: the fit, and for two likelihood-ratio tests three by maximum likelihood without df.
    assert [fitted.script.count(f"{fit}lmer(rating") for fit in ("<- ", "<- lme4::")] == [1, 3]
    assert fitted.script.count("REML = TRUE") == 1


def check_script(table, fitted, tmp_path):
    """model.R, in its place below ratings.csv, against the tables to 1e-8."""
    folder = tmp_path / "a study" / "models" / "deciding"
    folder.mkdir(parents=True)
    tables.RATINGS.write(table, folder.parents[1] / "ratings.csv")
    (folder / "model.R").write_text(fitted.script, encoding="utf-8")

    def read(name):
        return pd.read_csv(folder / f"{name}.csv")

    def ordering():
        return read("fit").ordering[0]

    file = folder.parents[1] / "ratings.csv"
    plain_r(folder / "model.R", file, folder, ordering=fitted.fit["cholesky_ordering"], found=ordering)
    plain_numbers.check_alone(fitted, folder)
    for number in ("n", "logLik", "AIC", "BIC", "sigma_total"):
        assert read("fit")[number][0] == pytest.approx(fitted.fit[number], rel=1e-8), number


def balanced(raters=8, posts=6, sources=("a", "b", "c")):
    """Every rater rates every response of every post once."""
    draw = np.random.default_rng(11)
    of_rater, of_post = draw.normal(0, 1, raters), draw.normal(0, 1, posts)
    of_both, of_response = draw.normal(0, 1, (raters, len(sources))), draw.normal(0, 1, (posts, len(sources)))
    return tables.RATINGS.frame(
        row(
            f"r{i}",
            f"p{j}",
            "all",
            source,
            of_rater[i] + of_post[j] + of_both[i, k] + of_response[j, k] + draw.normal(),
        )
        for i in range(raters)
        for j in range(posts)
        for k, source in enumerate(sources)
    )


def test_a_balanced_design_gives_what_its_analysis_of_variance_gives_by_hand():
    table = balanced()
    found = models.fit(table, None, declared(sources=["a", "b", "c"]))
    y = table.rating.to_numpy().reshape(8, 6, 3)  # rater, post, source

    # Mean squares of rater x source, post x source, rater x post and the residual, which are one term each but the last
    # two: the model has no rater x post, so both are its residual.
    grand, rater, post, source = y.mean(), y.mean((1, 2)), y.mean((0, 2)), y.mean((0, 1))
    of_rater_source = y.mean(1) - rater[:, None] - source[None] + grand
    of_post_source = y.mean(0) - post[:, None] - source[None] + grand
    square_rs = 6 * (of_rater_source**2).sum() / (7 * 2)
    square_ps = 8 * (of_post_source**2).sum() / (5 * 2)
    left = y - y.mean(1)[:, None] - y.mean(0)[None] + source
    square_e = (left**2).sum() / (8 * 6 * 3 - 8 * 3 - 6 * 3 + 3)
    assert square_rs > square_e and square_ps > square_e  # else a variance would be 0, and the fit no ANOVA
    std_error = np.sqrt(2 * (square_rs + square_ps - square_e) / (8 * 6))

    pairs = found.contrasts
    expected = [source[0] - source[1], source[0] - source[2], source[1] - source[2]]
    assert pairs.estimate.tolist() == pytest.approx(expected, rel=1e-8)
    assert pairs.std_error.tolist() == pytest.approx([std_error] * 3, rel=1e-4)
    # Satterthwaite, by hand, from three independent mean squares.
    total = square_rs + square_ps - square_e
    df = total**2 / (square_rs**2 / 14 + square_ps**2 / 10 + square_e**2 / 105)
    assert pairs.df.tolist() == pytest.approx([df] * 3, rel=1e-3)
    variance = found.random.set_index("group").variance
    assert variance["Residual"] == pytest.approx(square_e, rel=1e-4)
    assert variance["rater_id:source"] == pytest.approx((square_rs - square_e) / 6, rel=1e-3)
    assert variance["response_id"] == pytest.approx((square_ps - square_e) / 8, rel=1e-3)


def test_one_rating_a_rater_gives_the_plain_linear_model_and_says_so(tmp_path):
    draw = np.random.default_rng(5)
    table = tables.RATINGS.frame(
        row(f"r{n}", f"p{n}", "ab"[n % 2], ("human", "nf4", "fp32")[n % 3], float(draw.integers(1, 8)))
        for n in range(90)
    )
    found = models.fit(table, None, declared())
    assert found.fit["formula_fitted"] == "rating ~ source * domain"
    assert [dropped["term"] for dropped in found.fit["terms_dropped"]] == [
        "(1 | rater_id)",
        "(1 | post_id)",
        "(1 | response_id)",
        "(1 | rater_id:source)",
    ]
    assert (found.fit["df_method"], found.fit["reml"], found.fit["optimizer_code"]) == ("residual", False, None)
    assert set(found.contrasts.df) == {84}
    cells = table.groupby(["source", "domain"]).rating
    means = cells.mean().groupby("source").mean()
    assert found.means.estimate.tolist()[:3] == pytest.approx([means["human"], means["nf4"], means["fp32"]])
    sigma = np.sqrt(((table.rating - cells.transform("mean")) ** 2).sum() / 84)
    assert found.fit["sigma_total"] == pytest.approx(sigma)
    check_script(table, found, tmp_path)


@pytest.fixture(scope="module")
def one_post_a_domain():
    return ratings(raters=40, domains=tuple("abcdef"), posts_per_domain=1, posts_per_rater=4)


def test_one_post_a_domain_drops_post_and_response_where_the_config_spells_out_domain(one_post_a_domain):
    found = models.fit(one_post_a_domain, None, declared(replicated_domains=False)).fit
    assert found["formula_fitted"] == "rating ~ source * domain + (1 | rater_id) + (1 | rater_id:source)"
    assert [dropped["term"] for dropped in found["terms_dropped"]] == ["(1 | post_id)", "(1 | response_id)"]
    assert all("cannot be told from the fixed effects" in dropped["why"] for dropped in found["terms_dropped"])


def test_one_post_a_domain_drops_domain_from_the_default_model(one_post_a_domain):
    found = models.fit(one_post_a_domain, None, declared())
    assert found.fit["formula_fitted"].startswith("rating ~ source + (1 | rater_id) + (1 | post_id)")
    assert [dropped["term"] for dropped in found.fit["terms_dropped"]] == ["domain", "source:domain"]
    assert found.contrasts["by"].isna().all() and found.means.domain.isna().all()
    assert set(found.tests.test) == {"source"}


STUDY = "results/run/study1/ratings.csv: study 'study1', model 'deciding': "


@pytest.fixture(scope="module")
def small():
    return ratings(raters=12, posts_per_domain=2, posts_per_rater=4)


def faulty(table, **changes):
    with pytest.raises(InputError) as error:
        models.fit(table, None, declared(**changes))
    return str(error.value)


def test_an_unknown_column_is_named_with_the_nearest_one(small):
    assert faulty(small, formula="rating ~ source + (1 | rater)") == (
        STUDY + "the formula names 'rater', which is no column of the ratings (did you mean 'rater_id'?). "
        "Correct the formula in the config, under studies > models."
    )


def test_a_formula_that_r_cannot_parse_is_refused_with_rs_words(small):
    message = faulty(small, formula="rating ~ source + (1 | rater_id")
    assert message.startswith(STUDY + "R refuses the formula 'rating ~ source + (1 | rater_id' (<text>:")
    assert "unexpected end of input" in message


@pytest.mark.parametrize("formula", ["rating ~ domain + (1 | rater_id)", "position ~ source + (1 | rater_id)"])
def test_a_formula_that_compares_no_ratings_of_sources_is_refused(small, formula):
    assert faulty(small, formula=formula).startswith(STUDY + f"the formula '{formula}' does not compare the ratings")


def test_a_source_without_ratings_is_named(small):
    assert faulty(small[small.source != "nf4"]).startswith(STUDY + "no ratings of nf4. ")


def test_a_source_that_the_study_does_not_list_is_named(small):
    assert faulty(small, sources=["human", "nf4"]).startswith(STUDY + "ratings of a source not listed: fp32. ")


def test_a_single_source_has_nothing_to_be_compared_with(small):
    message = faulty(small[small.source == "human"], sources=["human"])
    assert message.startswith(STUDY + "the study has a single source (human), so there is nothing to compare. ")


def test_ratings_that_are_all_equal_are_refused(small):
    message = faulty(small.assign(rating=4.0))
    assert message.startswith(STUDY + "all 144 ratings are 4, so there is nothing to estimate. ")


def test_an_empty_cell_of_source_by_domain_is_named(small):
    holes = small[~((small.source == "nf4") & (small.domain == "workplace"))]
    assert faulty(holes).startswith(
        STUDY + "no ratings of nf4 in workplace, so source by domain cannot be estimated. Write `source + domain`"
    )
    additive = models.fit(holes, None, declared(formula="rating ~ source + domain + (1 | rater_id)"))
    assert additive.contrasts["by"].isna().all() and set(additive.tests.test) == {"source", "domain"}


def test_an_item_without_ratings_is_named(small):
    assert faulty(small, item="warmth").startswith(STUDY + "no ratings of the item 'warmth' are left to fit. ")


def test_fixed_effects_that_follow_from_each_other_are_named(small):
    message = faulty(small.assign(arm=small.source), formula="rating ~ source + arm + (1 | rater_id)")
    assert message.startswith(STUDY + "the fixed effects follow from each other: arm")


def test_excluded_ratings_and_other_items_are_not_fitted(small):
    more = small.iloc[:5].assign(rating=7.0, rater_id="excluded", included=False)
    other = small.assign(rating=1.0, item="warmth")
    found = models.fit(pd.concat([other, more, small], ignore_index=True), None, declared())
    pd.testing.assert_frame_equal(found.contrasts, models.fit(small, None, declared()).contrasts)
    assert (found.fit["n"], found.fit["dropped_rows"]) == (len(small), 0)


def test_ratings_that_lack_a_covariate_are_counted_and_named(small):
    gaps = small.assign(position=pd.array([1, 2, 3, 4] * 36, dtype="Int64"))
    gaps.loc[gaps.index[:4], "position"] = pd.NA
    fitted = models.fit(gaps, None, declared(formula="rating ~ source + position + (1 | rater_id)"))
    found = fitted.fit
    assert (found["n"], found["dropped_rows"]) == (140, 4)
    assert found["warnings"][-1] == "4 ratings lack a value of a column of the formula and were left out"
    noted = plain_numbers.notes(fitted)
    assert set(noted) == {"fixed", "random", "tests", "sets", "means", "contrasts"}
    assert all(notes == {"4 ratings left out"} for notes in noted.values())


def test_two_sources_make_a_family_of_one(small):
    two = small[small.source != "fp32"]
    found = models.fit(two, None, declared(sources=["nf4", "human"]))
    assert found.contrasts.contrast.unique().tolist() == ["nf4 - human"]
    assert set(found.contrasts.family_size) == {1}
    assert found.contrasts.p_adjusted.tolist() == found.contrasts.p_value.tolist()
    assert found.tests.statistic[0] == pytest.approx(found.contrasts.statistic[0] ** 2, rel=1e-8)


def responses(table, **origins):
    """Texts of the responses, by source of the origin given, and one that nobody rated."""
    rated = table.drop_duplicates("response_id")
    texts = rated[["response_id", "post_id", "domain", "source"]].assign(origin=rated.source.map(origins))
    unrated = pd.DataFrame([{"response_id": "unrated", "source": "nf4", "origin": "simulated"}])
    return pd.concat([texts, unrated], ignore_index=True)


def test_a_contrast_has_the_weakest_origin_of_its_ratings_and_its_two_sources(small):
    observed = small.assign(origin="observed")
    texts = responses(observed, human="stand_in", nf4="observed", fp32="observed")
    found = models.fit(observed, texts, declared())
    overall = found.contrasts[found.contrasts["by"].isna()].set_index("contrast").origin
    assert overall.to_dict() == {"human - nf4": "stand_in", "human - fp32": "stand_in", "nf4 - fp32": "observed"}
    assert found.means.origin.tolist()[:3] == ["stand_in", "observed", "observed"]
    assert found.fit["origin"] == "stand_in" and set(found.fixed.origin) == set(found.tests.origin) == {"stand_in"}


def test_one_simulated_rating_makes_every_result_simulated(small):
    mixture = small.assign(origin=["simulated", *["observed"] * (len(small) - 1)])
    texts = responses(mixture, human="observed", nf4="observed", fp32="observed")
    assert set(models.fit(mixture, texts, declared()).contrasts.origin) == {"simulated"}


def hard(scale, seed):
    """Slopes over a badly scaled, skewed covariate, on few raters."""
    table = ratings(raters=20, posts_per_domain=2, posts_per_rater=4, seed=seed)
    minutes = np.random.default_rng(seed).exponential(1, len(table)) ** 3 * scale
    return table.assign(minutes=minutes)


HARD = "rating ~ source + (minutes | rater_id)"


def test_where_the_first_optimizer_fails_and_two_others_agree_the_fit_stands(tmp_path):
    table = hard(scale=1, seed=1)
    found = models.fit(table, None, declared(formula=HARD))
    assert found.fit["status"] == "converged" and found.fit["optimizer"] != "nloptwrap"
    likelihoods = sorted((refit["logLik"] for refit in found.fit["refits"]), reverse=True)
    assert found.fit["logLik"] == likelihoods[0] and likelihoods[0] - likelihoods[1] < 1e-4
    check_script(table, found, tmp_path)


def test_where_no_two_optimizers_agree_the_fit_has_failed_and_says_so():
    found = models.fit(hard(scale=1e5, seed=0), None, declared(formula=HARD))
    assert found.fit["status"] == "failed" and len(found.fit["refits"]) == 5
    assert all("failed" in note for notes in plain_numbers.notes(found).values() for note in notes)
    likelihoods = sorted((refit["logLik"] for refit in found.fit["refits"]), reverse=True)
    assert likelihoods[0] - likelihoods[1] > 1e-4
    assert len(found.contrasts) == 3


SINGULAR = "boundary (singular) fit: see help('isSingular')"


def test_what_r_says_of_the_fits_behind_a_likelihood_ratio_test_stands_in_fit_json_and_in_the_log(capsys):
    table = ratings(raters=12, domains=("all",), posts_per_domain=2, posts_per_rater=2, seed=3)
    formula = "rating ~ source + (1 | rater_id) + (1 | response_id)"
    # By maximum likelihood variances are smaller, and of few responses' that may be none: beside the fit itself, which
    # is not singular, the larger of the two that the test compares is, and not the smaller.
    data = mixed.to_r(table[["rating", "source", "rater_id", "response_id"]].astype({"source": "category"}))
    larger, smaller = (mixed.fit(text, data, reml=False) for text in (formula, formula.replace("source", "1", 1)))
    assert larger.state.singular and not smaller.state.singular
    capsys.readouterr()

    found = models.fit(table, None, declared(formula=formula))
    assert (found.fit["status"], found.fit["singular"]) == ("converged", False)
    note = f"likelihood-ratio test of source, rating ~ source: {SINGULAR}"
    assert found.fit["warnings"] == [note]
    log = capsys.readouterr().out.splitlines()
    assert f"R's message: {SINGULAR}" in log and f"study 'study1', model 'deciding': {note}" in log
    assert found.tests.set_index("method").p_value["likelihood ratio"] < 1


def test_a_likelihood_ratio_test_of_a_fit_that_did_not_converge_has_no_p_and_says_so(capsys):
    found = models.fit(hard(scale=1e3, seed=1), None, declared(formula=HARD))
    assert found.fit["status"] == "converged"
    why = "no likelihood-ratio test of source: a fit by maximum likelihood did not converge"
    assert why in found.fit["warnings"] and why in capsys.readouterr().out
    assert found.tests.set_index("method").p_value.isna().to_dict() == {"F": False, "likelihood ratio": True}


ARMS = ["human", "gpt4_empathy", "llama2_empathy", "mixtral_empathy", "gemini_empathy"]


@pytest.fixture(scope="module")
def published():
    """Rows of the five sources of the published table."""
    long = pd.read_csv(real_study.folder() / "welivita_ratings_long.csv")
    long = long[long.source.isin(ARMS)]
    columns = zip(long.rater_id, long.post_id, long.source, long.rating, strict=True)
    return tables.RATINGS.frame(
        row(rater, post, "all", source, float(rating), origin="observed") for rater, post, source, rating in columns
    )


def test_a_published_study_with_asymptotic_df_gives_the_published_z(published):
    formula = "rating ~ source + (1 | rater_id) + (1 | post_id)"
    found = models.fit(published, None, declared(sources=ARMS, scale_range=2.0, formula=formula, df="asymptotic"))
    rows = found.contrasts.set_index("contrast")
    assert round(rows.statistic["gpt4_empathy - llama2_empathy"], 3) == 1.620
    assert round(rows.p_adjusted["gpt4_empathy - llama2_empathy"], 4) == 0.2103
    assert round(rows.p_adjusted["llama2_empathy - mixtral_empathy"], 4) == 0.3842
    assert round(rows.p_adjusted["human - gemini_empathy"], 4) == 0.0229
    assert set(found.tests.method) == {"Wald", "likelihood ratio"} and set(rows.df) == {np.inf}
    assert len(found.sets) == 26  # every set of two sources or more of five


@pytest.fixture(scope="module")
def of_published(published):
    return models.fit(published, None, declared(sources=ARMS, scale_range=2.0))


def test_every_number_of_a_published_study_equals_plain_r(published, of_published, tmp_path):
    tables.RATINGS.write(published, tmp_path / "ratings.csv")
    ours = plain_numbers.of_fitted(of_published)
    assert plain_numbers.check(*ours, tmp_path / "ratings.csv", "additive", tmp_path) > 30_000


def test_a_published_study_gives_the_figures_that_lme4_gives(of_published):
    found = of_published

    assert found.fit["formula_fitted"] == "rating ~ source + (1 | rater_id) + (1 | post_id)"
    assert [dropped["term"] for dropped in found.fit["terms_dropped"]] == [
        "domain",
        "source:domain",
        "(1 | response_id)",
        "(1 | rater_id:source)",
    ]
    assert found.fixed.estimate.round(4).tolist() == [2.3220, 0.2545, 0.2005, 0.1715, 0.0945]
    assert found.fixed.std_error.round(5).tolist() == [0.02386, 0.03333, 0.03333, 0.03333, 0.03333]
    deviations = found.random.set_index("group").std_dev
    assert deviations.round(5).to_dict() == {"rater_id": 0.27383, "post_id": 0.16697, "Residual": 0.60064}
    assert round(found.fit["logLik"], 3) == -9971.362
    adjusted = found.contrasts.set_index("contrast").p_adjusted.round(4)
    assert adjusted["gpt4_empathy - llama2_empathy"] == 0.2110
    assert adjusted["llama2_empathy - mixtral_empathy"] == 0.3844
    assert adjusted["human - gemini_empathy"] == 0.0234


def test_a_rater_with_one_rating_is_fitted_like_any_other(small):
    lonely = row("single", "p000", "workplace", "human", 5.0)
    table = pd.concat([small, tables.RATINGS.frame([lonely])], ignore_index=True)
    found = models.fit(table, None, declared(formula="rating ~ source + (1 | rater_id)"))
    assert found.fit["n"] == len(small) + 1 and found.fit["terms_dropped"] == []
    assert "single" in set(found.random_effects.level)
