"""`snakemake power` and `snakemake recovery`: as many jobs as there are cells, and what a small one makes."""

import pytest
import yaml

CLAIM = """
claims:
  - {id: above, study: study1, statement: above, certainty: own, family: primary, test: greater, pairs: [[b, a]]}
  - {id: alike, study: study1, statement: alike, certainty: own, family: primary, test: equivalent, pairs: [[b, c]]}
"""
PLANNING = {
    "raters": [12, 16],
    "posts": [6, 8, 10],
    "posts_per_rater": 4,
    "domains": 2,
    "studies": 3,
    "recovery": {"raters": 12, "posts": 6, "data_sets": 5, "ordinal_data_sets": 2, "jobs": 3},
}


@pytest.fixture(scope="module")
def planned(new_checkout):
    """A study that awaits its raters, with a small grid."""
    checkout = new_checkout()
    (checkout.folder / "claims.yaml").write_text(CLAIM)
    written = {"study1": {"file": "data/study1/human_responses.csv", "origin": "stand_in", "rights": "CC0 1.0"}}
    config = {
        "run": "planned",
        "sources": {name: {"kind": "human", "title": name, "responses": written} for name in "abc"},
        "studies": {
            "study1": {"title": "Study 1", "sources": ["a", "b", "c"], "planning": PLANNING},
            "alone": {"title": "One source", "sources": ["a"]},
        },
        "claims": ["claims.yaml"],
    }
    checkout.config = checkout.write_config("planned", config)
    return checkout


def test_each_cell_of_the_grid_is_a_job_and_each_share_of_the_data_sets(planned):
    power = planned.would_run("--", "power", config=planned.config)
    recovery = planned.would_run("--", "recovery", config=planned.config)

    assert power == {"simulate_power": 2 * 3, "gather_power": 1, "power": 1}
    # Three jobs each for normal ratings and for answers, and two for two data sets of the ordinal model.
    assert recovery == {"simulate_recovery": 3 + 3 + 2, "gather_recovery": 1, "recovery": 1}
    assert planned.would_run("--", "power", config="config.yaml") == {
        "simulate_power": 3 * 3 + 3 * 1,
        "gather_power": 2,
        "power": 1,
    }


@pytest.mark.slow
def test_a_small_grid_gives_the_probability_of_each_verdict(planned):
    planned.snakemake("power", config=planned.config)

    table = planned.table("results/planned/study1/power.csv")
    assert len(table) == 6 * 2 * 4 and set(table["origin"]) == {"simulated"}
    assert table.groupby(["raters", "posts", "claim_id"])["n"].sum().eq(3).all()
    changed = yaml.safe_load(planned.read(planned.config))
    changed["studies"]["study1"]["planning"] |= {"raters": [12, 16, 20]}
    more = planned.write_config("more", changed)
    assert planned.would_run("--", "power", config=more) == {"simulate_power": 3, "gather_power": 1, "power": 1}


@pytest.mark.slow
def test_recovery_takes_every_data_set_once(planned):
    sets = [f"results/planned/study1/recovery/numbers.{job}of3.csv" for job in (1, 2, 3)]
    planned.snakemake(*sets, config=planned.config)

    numbers = [sorted(set(planned.table(path)["data_set"])) for path in sets]
    assert numbers == [[1, 4], [2, 5], [3]]


def test_without_a_claim_the_study_is_named_and_what_to_do(planned):
    config = yaml.safe_load(planned.read(planned.config)) | {"claims": []}
    seen = planned.snakemake("power", config=planned.write_config("unclaimed", config), fails=True)

    assert "no claim is about the ratings of study1 and of its sources (a, b, c)" in seen
    assert "Add a file with such claims to the config, under `claims`" in seen
