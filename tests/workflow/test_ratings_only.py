"""A study of default size with ratings and no texts, from a long CSV to the report, held against plain R."""

import json
import re

import numpy as np
import pages
import pandas as pd
import plain_numbers
import pytest
import yaml
from made_up_ratings import plain_r, ratings

STUDY = "results/ratings_only/study1"
SOURCES = ["human", "nf4", "fp32"]


@pytest.fixture(scope="module")
def run(new_checkout):
    checkout = new_checkout()
    given = ratings()[["rater_id", "post_id", "domain", "source", "rating"]]
    checkout.config = checkout.write_config(
        "ratings_only",
        {
            "run": "ratings_only",
            "sources": {name: {"kind": "human", "title": name} for name in SOURCES},
            "studies": {
                "study1": {
                    "title": "A study without texts",
                    "sources": SOURCES,
                    "multiverse": {"treatments": ["gaussian", "centred"], "structures": {"raters": "(1 | rater_id)"}},
                    "ratings": checkout.give_ratings(given),
                }
            },
        },
    )
    checkout.given = given
    checkout.snakemake(config=checkout.config)
    return checkout


def test_every_rating_given_is_in_the_table_and_no_rater_is_named(run):
    merged = run.table(f"{STUDY}/ratings.csv")

    assert len(merged) == len(run.given) == 192 * 15 and merged["included"].all()
    assert merged.groupby("source")["rating"].mean().to_dict() == run.given.groupby("source")["rating"].mean().to_dict()
    assert not set(merged["rater_id"]) & set(run.given["rater_id"])


def test_what_has_no_texts_is_left_out_and_said(run):
    made = {file.name for folder in (STUDY, "results/ratings_only") for file in (run.folder / folder).iterdir()}
    page = run.read("results/ratings_only/report/report.html").lower()

    assert "ratings.csv" in made and not made & {"posts.csv", "responses.csv", "style", "generations", "claims.csv"}
    assert "a study without texts" in page and "simulated" not in page
    assert "lee, suh" not in page


@pytest.mark.parametrize("model", ["deciding", "two_intercept"])
def test_every_number_of_every_table_is_that_of_r_written_by_hand(run, model, tmp_path):
    ours = plain_numbers.of_folder(run.folder / STUDY / "models" / model)
    compared = plain_numbers.check(*ours, run.folder / STUDY / "ratings.csv", model, tmp_path)

    assert compared > 9_000 and ours[1]["n"] == 192 * 15
    assert len(ours[0]["contrasts"]) == 3 * 4


def test_the_script_beside_the_tables_gives_their_numbers_alone(run, tmp_path):
    folder = run.folder / STUDY / "models" / "two_intercept"
    fit = json.loads((folder / "fit.json").read_text())

    def read(name):
        return pd.read_csv(tmp_path / f"{name}.csv", keep_default_na=False)

    plain_r(
        folder / "model.R",
        run.folder / STUDY / "ratings.csv",
        tmp_path,
        ordering=fit["cholesky_ordering"],
        found=lambda: read("fit")["ordering"][0],
    )
    theirs, ours = read("contrasts"), pd.read_csv(folder / "contrasts.csv", keep_default_na=False)
    assert theirs["contrast"].tolist() == ours["contrast"].tolist() and theirs["by"].tolist() == ours["by"].tolist()
    for column in ("estimate", "std_error", "df", "conf_low", "conf_high"):
        np.testing.assert_allclose(theirs[column], ours[column], rtol=1e-8, err_msg=column)


def test_the_ordinal_model_stands_beside_the_deciding_one(run):
    fit = json.loads(run.read(f"{STUDY}/models/ordinal/fit.json"))
    page = run.read("results/ratings_only/report/report.html")

    assert (fit["status"], fit["family"], fit["link"], fit["dropped_rows"]) == ("converged", "ordinal", "probit", 0)
    assert "as a cumulative model with probit link, on whose scale its estimates are" in page
    counted = run.table(f"{STUDY}/counts.csv")
    assert counted[counted["split_by"].isna()]["n"].sum() == len(run.given)
    assert counted[counted["split_by"] == "domain"]["n"].sum() == len(run.given)


def test_robustness_adds_its_models_and_the_fits_without_each_post_and_domain(run):
    planned = run.snakemake("robustness", "--dry-run", config=run.config)
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", planned.partition("Job stats:")[2].partition("total")[0], re.M))

    # Without positions and texts: an ordinal interaction, slopes, rater by post.
    assert jobs == {"fit_model": "3", "leave_one_out": "1", "fit_multiverse": "1", "robustness": "1"}
    asked = [f"{STUDY}/{file}" for file in ("models/rater_by_post/fit.json", "leave_one_out.csv", "multiverse.csv")]
    run.snakemake(*asked, config=run.config)
    assert len(run.table(f"{STUDY}/multiverse.csv")) == 2 * 2 * 1 * 3
    fit = json.loads(run.read(f"{STUDY}/models/rater_by_post/fit.json"))
    assert fit["formula_fitted"].endswith("(1 | rater_id:post_id)") and fit["terms_dropped"] == []
    table = run.table(f"{STUDY}/leave_one_out.csv")
    assert len(table) == 3 * (15 + 3) and set(table["status"]) == {"converged"}


PLANNING = {
    "raters": [12],
    "posts": [6],
    "posts_per_rater": 4,
    "domains": 2,
    "studies": 2,
    "recovery": {"raters": 12, "posts": 6, "data_sets": 2, "ordinal_data_sets": 2, "jobs": 1},
}
CLAIM = """claims:
  - {id: above, study: study1, statement: above, certainty: own, family: primary, test: greater, pairs: [[nf4, human]]}
"""


@pytest.mark.slow
def test_a_report_may_include_all_that_is_made_on_demand(run):
    (run.folder / "claims.yaml").write_text(CLAIM)
    config = yaml.safe_load((run.folder / run.config).read_text())
    config["studies"]["study1"]["planning"] = PLANNING
    config |= {"claims": ["claims.yaml"], "report": {"include": ["robustness", "power", "recovery"]}}
    run.snakemake(config=run.write_config("everything", config))

    page = pages.read(run.folder / "results/ratings_only/report/report.html")
    for said in (
        "contrasts by 4 ways of analysing the same ratings",
        "fitted without each post and without each domain",
        "how probable each verdict is",
        "what the models find in simulated data",
    ):
        assert [said in caption for caption in page.captions].count(True) == 1, said
    assert "not in this report" not in page.text
    for model in ("ordinal_interaction", "source_slopes", "rater_by_post"):
        assert run.read(f"{STUDY}/models/{model}/fit.json") and model in page.text
