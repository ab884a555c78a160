"""A published study, from its ratings and texts to the report, with the shipped config, held against what is published.

The data are not the package's to pass on: without them these tests are skipped.
"""

import json
import re

import browser
import numpy as np
import plain_numbers
import pytest
import real_study

RUN = "results/welivita2024"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(new_checkout):
    folder, checkout = real_study.folder(), new_checkout()
    (checkout.folder / "data" / "external").mkdir(exist_ok=True)
    (checkout.folder / "data" / "external" / "welivita2024").symlink_to(folder)
    checkout.snakemake(config="configs/welivita2024.yaml")
    return checkout


def test_every_rating_is_joined_to_its_text_and_none_is_left_out(run):
    flow = run.table(f"{RUN}/all_six/flow.csv").query("raters > 0")
    ratings = run.table(f"{RUN}/all_six/ratings.csv")
    responses = run.table(f"{RUN}/all_six/responses.csv")

    assert flow[["step", "raters", "ratings"]].values.tolist() == [
        ["entered", 1200, 12000],
        ["remaining", 1200, 12000],
    ]
    assert ratings["included"].all() and len(ratings) == 12000
    assert sorted(ratings["response_id"]) == sorted(responses["response_id"]), "each response was rated once"


def test_as_many_responses_were_rated_good_as_is_published(run):
    ratings = run.table(f"{RUN}/all_six/ratings.csv")

    assert ratings[ratings["rating"] == 3].groupby("source").size().drop("gpt4_plain").to_dict() == {
        "human": 986,
        "gpt4_empathy": 1295,
        "llama2_empathy": 1219,
        "mixtral_empathy": 1192,
        "gemini_empathy": 1081,
    }


def test_the_twelve_published_chi_squared_values_are_those_of_the_tables(run):
    tests = run.table(f"{RUN}/five/count_tests.csv")

    assert real_study.counted(tests) == real_study.PUBLISHED
    assert (tests.loc[tests["contrast"].str.startswith("human - "), "n_top_a"].max(), *set(tests["note"])) == (
        986,
        "ignores clustering",
    )


def test_a_source_that_the_study_leaves_out_is_a_step_of_the_flow(run):
    flow = run.table(f"{RUN}/five/flow.csv", keep_default_na=False).query("raters > 0")

    assert flow[["step", "reason", "raters", "ratings"]].values.tolist() == [
        ["entered", "", 1200, 12000],
        ["excluded", "source not in this study", 200, 2000],
        ["remaining", "", 1000, 10000],
    ]


def test_the_additive_model_has_the_numbers_of_lme4(run):
    """Its estimates in R 4.2.2 with lme4 1.1-31, fitted without this package (REML; Holm over ten pairs)."""
    folder = f"{RUN}/five/models/additive"
    fixed = run.table(f"{folder}/fixed.csv", index_col="term")
    spread = run.table(f"{folder}/random.csv", index_col="group")["std_dev"]
    contrasts = run.table(f"{folder}/contrasts.csv", index_col="contrast")
    fit = json.loads(run.read(f"{folder}/fit.json"))

    np.testing.assert_allclose(fixed["estimate"], [2.3220, 0.2545, 0.2005, 0.1715, 0.0945], atol=5e-5)
    np.testing.assert_allclose(fixed["std_error"], [0.02386, *[0.03333] * 4], atol=5e-6)
    # The residual's is .600635, between two roundings: the ordering that R takes by chance moves the next digit.
    np.testing.assert_allclose(spread[["rater_id", "post_id", "Residual"]], [0.27383, 0.16697, 0.60064], atol=1e-5)
    assert round(fit["logLik"], 3) == -9971.362
    adjusted = contrasts["p_adjusted"]
    assert round(contrasts.loc["gpt4_empathy - llama2_empathy", "statistic"], 3) == 1.620
    assert round(adjusted["gpt4_empathy - llama2_empathy"], 4) == 0.2110
    assert round(adjusted["llama2_empathy - mixtral_empathy"], 4) == 0.3844
    assert round(adjusted["human - gemini_empathy"], 4) == 0.0234


def test_the_deciding_model_drops_what_the_design_cannot_tell(run):
    fit = json.loads(run.read(f"{RUN}/all_six/models/deciding/fit.json"))

    assert fit["status"] == "converged" and fit["n"] == 12000
    assert [dropped["term"] for dropped in fit["terms_dropped"]] == ["(1 | response_id)", "(1 | rater_id:source)"]
    assert fit["formula_fitted"] == "rating ~ source * domain + (1 | rater_id) + (1 | post_id)"


@pytest.mark.parametrize(
    ("study", "model", "fitted"),
    [
        ("all_six", "deciding", "two_intercept"),
        ("all_six", "two_intercept", "two_intercept"),
        ("five", "deciding", "two_intercept"),
        ("five", "additive", "additive"),
    ],
)
def test_every_number_of_every_table_is_that_of_r_written_by_hand(run, study, model, fitted, tmp_path):
    """fitted: what is left of the model once the terms are dropped that the design cannot tell."""
    folder = run.folder / RUN / study

    ours = plain_numbers.of_folder(folder / "models" / model)
    posts = folder / "posts.csv" if study == "all_six" else None
    assert plain_numbers.check(*ours, folder / "ratings.csv", fitted, tmp_path, posts=posts) > 30_000


def test_the_report_shows_both_studies_as_observed(run):
    page = run.read(f"{RUN}/report/report.html")

    assert "All six sources, with their texts" in page and "The five sources of the published table" in page
    assert "simulated" not in page.lower()
    assert not re.search(r"\bLee\b", page), "it is a report on another study"


def test_nothing_is_wrong_with_the_page_in_a_browser(run):
    if reason := browser.missing():
        pytest.skip(reason)
    with browser.opened() as chromium:
        faults = chromium.faults(
            run.folder / RUN / "report/report.html", browser.ROOT / "logs" / "test_report_browser" / "welivita2024"
        )

    assert faults == []
