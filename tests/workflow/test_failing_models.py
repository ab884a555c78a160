"""Models that fail, each in its own way, beside others that do not: what the run makes of them."""

import json

import pytest
import yaml
from made_up_ratings import ratings

pytestmark = pytest.mark.own_run

SOURCES = ["human", "nf4", "fp32"]
STUDY = "results/failing/study1"
TWO = "rating ~ source + (1 | rater_id) + (1 | post_id)"
# More slopes by post than ratings: lme4 refuses while it fits.
TOO_MUCH = "rating ~ source + (1 + source * domain * rater_id | post_id)"
CLAIM = {"id": "higher", "study": "study1", "statement": "nf4 is rated above human.", "certainty": "own"}
CLAIM |= {"family": "primary", "test": "greater", "pairs": [["nf4", "human"]]}


@pytest.fixture(scope="module")
def checkout(new_checkout):
    checkout = new_checkout()
    given = ratings(raters=24, posts_per_domain=2, posts_per_rater=4)
    given = given[["rater_id", "post_id", "domain", "source", "rating"]]
    checkout.rated = checkout.give_ratings(given)
    (checkout.folder / "data" / "claims" / "own.yaml").write_text(yaml.safe_dump({"claims": [CLAIM]}))
    return checkout


def config(checkout, **models):
    study = {"title": "A study", "sources": SOURCES, "ratings": checkout.rated}
    study["models"] = {name: {"formula": formula} for name, formula in models.items()}
    return checkout.write_config(
        "failing",
        {
            "run": "failing",
            "sources": {name: {"kind": "human", "title": name} for name in SOURCES},
            "studies": {"study1": study},
            "claims": ["data/claims/own.yaml"],
        },
    )


def test_a_refused_model_is_one_message_that_names_it_and_the_other_models_are_fitted(checkout):
    asked = config(checkout, deciding=TWO, typo=TWO.replace("rater_id", "rater"), unread=TWO + " +")

    seen = checkout.snakemake(config=asked, fails=True)

    named = "fit_model: results/failing/study1/ratings.csv: study 'study1', model"
    assert f"{named} 'typo': the formula names 'rater', which is no column of the ratings" in seen
    assert f"{named} 'unread': R refuses the formula" in seen and "Traceback" not in seen
    assert json.loads(checkout.read(f"{STUDY}/models/deciding/fit.json"))["status"] == "converged"
    assert not (checkout.folder / STUDY / "models" / "typo" / "fit.json").exists()


@pytest.mark.slow
def test_a_model_that_r_gives_up_is_a_failed_fit_and_claims_and_report_go_on(checkout):
    asked = config(checkout, deciding=TWO, too_much=TOO_MUCH)

    seen = checkout.snakemake(config=asked)

    assert "study 'study1', model 'too_much': the fit failed (number of observations" in seen
    fit = json.loads(checkout.read(f"{STUDY}/models/too_much/fit.json"))
    assert fit["status"] == "failed" and fit["failure"] in fit["warnings"][-1]
    by_model = checkout.table("results/failing/claims_by_model.csv").set_index("model")
    assert by_model.verdict["too_much"] == "not testable"
    assert checkout.table("results/failing/claims.csv").verdict[0] in ("replicated", "inconclusive")
    page = checkout.read("results/failing/report/report.html")
    assert "It did not converge: no claim may rest on it." in page and "R gave the fit up" in page


def test_a_deciding_model_that_r_gives_up_leaves_its_claims_untested_and_a_report_that_says_so(checkout):
    asked = config(checkout, deciding=TOO_MUCH, two=TWO)

    checkout.snakemake(config=asked)

    claim = checkout.table("results/failing/claims.csv").iloc[0]
    assert claim.verdict == "not testable" and "the fit of the model 'deciding' did not converge" in claim.why
    assert "no claim may rest on it" in checkout.read("results/failing/report/report.html")
