"""The smoke run: every rule of the default run, judged by the numbers and texts that it makes."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from checkout import ENVIRONMENT, ROOT, network_off

from empathic import ids

SMOKE = "configs/smoke.yaml"
REACH = [sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 5)"]  # of no machine

STUDIES = {"study1": (6, 192, 3, 5), "study2": (12, 202, 2, 6)}  # posts, raters, sources, posts a rater


def records(checkout, study, source):
    lines = checkout.read(f"results/smoke/{study}/generations/{source}.jsonl").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("source", ["smollm2_nf4", "smollm2_fp32"])
def test_every_post_is_answered_in_words_by_the_model_that_the_record_names(smoke, study, source):
    made = records(smoke, study, source)
    posts = smoke.table(f"results/smoke/{study}/posts.csv")

    assert [record["post_id"] for record in made] == posts["post_id"].tolist()
    for record, post in zip(made, posts["text"], strict=True):
        assert post in record["messages"][0]["content"]
        assert re.search(r"[a-z]{3,} [a-z]", record["text"])
        assert 1 <= record["new_tokens"] <= 24
        assert (record["finish_reason"] == "length") == (record["new_tokens"] == 24)
        assert record["quantization"] == {"smollm2_nf4": "nf4", "smollm2_fp32": "none"}[source]
    assert len({record["text"] for record in made}) > len(made) / 2


@pytest.mark.parametrize("study", STUDIES)
def test_the_quality_of_every_response_is_told_and_counted_as_the_records_have_it(smoke, study):
    posts, _, sources, _ = STUDIES[study]
    checked = smoke.table(f"results/smoke/{study}/quality_responses.csv")
    counted = smoke.table(f"results/smoke/{study}/quality.csv").set_index("source")

    assert set(checked["response_id"]) == set(smoke.table(f"results/smoke/{study}/responses.csv")["response_id"])
    assert len(checked) == posts * sources and counted["n_responses"].tolist() == [posts] * sources
    for source in ("smollm2_nf4", "smollm2_fp32"):
        cut = [record["finish_reason"] == "length" for record in records(smoke, study, source)]
        row = counted.loc[source]
        assert (row["n_truncated"], row["n_asked"], row["n_errors"]) == (sum(cut), posts, 0)
        assert row["n_below"] == posts  # of at most 24 tokens each, where 100 words are asked for
    if "human" in counted.index:
        assert counted.loc["human", ["n_truncated", "n_asked", "n_prompt_leaks"]].isna().all()


def test_the_two_precisions_write_different_texts(smoke):
    nf4, fp32 = (records(smoke, "study2", source) for source in ("smollm2_nf4", "smollm2_fp32"))

    assert sum(a["text"] != b["text"] for a, b in zip(nf4, fp32, strict=True)) >= 6


@pytest.mark.parametrize("study", STUDIES)
def test_response_ids_name_the_very_texts_that_were_rated(smoke, study):
    posts = smoke.table(f"results/smoke/{study}/posts.csv").set_index("post_id")["text"]
    responses = smoke.table(f"results/smoke/{study}/responses.csv")
    ratings = smoke.table(f"results/smoke/{study}/ratings.csv")

    for row in responses.itertuples():
        assert row.response_id == ids.response_id(row.post_id, posts[row.post_id], row.source, row.sample, row.text)
    joined = ratings.merge(responses, on="response_id", how="left", suffixes=("", "_of_text"))
    assert joined["source"].equals(joined["source_of_text"]) and joined["post_id"].equals(joined["post_id_of_text"])


@pytest.mark.parametrize("study", STUDIES)
def test_the_raters_asked_for_remain_and_the_flow_adds_up(smoke, study):
    _, raters, sources, posts_per_rater = STUDIES[study]
    flow = smoke.table(f"results/smoke/{study}/flow.csv")
    ratings = smoke.table(f"results/smoke/{study}/ratings.csv")
    steps = flow.groupby("step")[["raters", "ratings"]].sum()

    assert steps.loc["remaining"].tolist() == [raters, raters * sources * posts_per_rater]
    assert (steps.loc["entered"] - steps.loc["excluded"]).tolist() == steps.loc["remaining"].tolist()
    revoked = flow.loc[flow["reason"] == "revoked_consent", "ratings"].item()
    assert revoked > 0, "those who took their consent back are counted, and nothing of them is kept"
    assert steps.loc["entered", "ratings"] == len(ratings) + revoked
    assert ratings["included"].sum() == steps.loc["remaining", "ratings"]
    assert set(ratings["origin"]) == {"simulated"}


@pytest.mark.parametrize("study", STUDIES)
def test_the_models_recover_what_the_raters_were_simulated_from(smoke, study):
    truth = json.loads(smoke.read(f"simulated/smoke/{study}/SIMULATED_truth.json"))
    expected = {entry["contrast"]: entry["difference"] for entry in truth["differences"] if not entry["by"]}
    contrasts = smoke.table(f"results/smoke/{study}/models/deciding/contrasts.csv")
    overall = contrasts[contrasts["by"].isna()].set_index("contrast")

    assert set(overall.index) == set(expected)
    off = (overall["estimate"] - pd.Series(expected)) / overall["std_error"]
    assert (off.abs() < 4).all(), off
    assert (overall["std_error"] > 0.02).all()


def test_every_claim_is_not_testable_and_says_why(smoke):
    claims = smoke.table("results/smoke/claims.csv")
    own = claims[claims["certainty"] == "own"].set_index("claim_id")

    assert set(claims["verdict"]) == {"not testable"}
    assert claims["why"].str.len().gt(20).all()
    assert claims[claims["certainty"] != "own"]["demo_verdict"].isna().all()
    assert own["demo_verdict"].isin(["recovered", "not recovered", "inconclusive"]).all(), own["why"].tolist()
    assert set(own["test"]) == {"greater", "equivalent", "no interaction", "style difference"}


def test_the_report_shows_the_numbers_of_the_tables_and_says_what_is_simulated(smoke):
    page = smoke.read("results/smoke/report/report.html")
    text = re.sub(r"<[^>]+>", " ", page).replace("\u2212", "-")
    contrasts = smoke.table("results/smoke/study1/models/deciding/contrasts.csv")

    for estimate in contrasts[contrasts["by"].isna()]["estimate"]:
        assert f"{abs(estimate):.2f}" in text
    assert "simulated" in text[: len(text) // 4].lower()
    assert "human (stand-in, not by a person)" in text
    assert "?@" not in text
    outside = re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+["']""", re.sub(r"<a [^>]*>", "", page))
    assert not outside


def test_likeness_by_meaning_is_measured_where_a_study_names_an_encoder(smoke):
    by_study = {study: set(smoke.table(f"results/smoke/{study}/style/likeness.csv")["measure"]) for study in STUDIES}

    assert by_study == {"study1": {"embeddings", "runs of words"}, "study2": {"runs of words"}}


def test_all_that_was_made_has_its_hash_in_the_provenance(smoke):
    from empathic.files import sha256_file

    provenance = json.loads(smoke.read("results/smoke/provenance.json"))
    outputs = provenance["outputs"]

    assert "results/smoke/study1/ratings.csv" in outputs and "results/smoke/claims.csv" in outputs
    for path, digest in outputs.items():
        assert digest == sha256_file(smoke.folder / path)
    assert provenance["config"]["run"] == "smoke"


def test_who_watches_sees_progress_and_where_the_report_lies(smoke):
    assert re.search(r"study2, smollm2_nf4: 12 of 12 responses, \d+ tokens/s", smoke.seen)
    assert "The report lies at results/smoke/report/report.html" in smoke.seen


@pytest.mark.skipif(not (ROOT / ".venv" / ".ready").exists(), reason="set-up has not made .venv")
def test_make_report_says_once_where_the_report_lies_also_when_there_was_nothing_to_do(smoke):
    (smoke.folder / ".git/info/exclude").write_text(".venv\n", encoding="utf-8")  # provenance asks git what changed
    (smoke.folder / ".venv").symlink_to(ROOT / ".venv")
    where = ["The report: results/smoke/report/report.html"]

    of_work, of_none = (smoke.make_report(args) for args in ("--forcerun render_report", ""))
    (smoke.folder / ".venv").unlink()

    assert [line for line in of_work.splitlines() if line.startswith("The report")] == where
    assert "Rendering" in of_work and "Nothing to be done" in of_none
    assert [line for line in of_none.splitlines() if line.startswith("The report")] == where


def test_all_but_the_fetching_of_models_ran_without_a_network(smoke):
    if not network_off():
        pytest.skip("this machine lets nobody take the network from a process (unshare --net), so it was not taken")

    assert "fetching the weights" in smoke.fetched and "fetching the weights" not in smoke.seen
    taken = subprocess.run([*network_off(), *REACH], env=ENVIRONMENT, capture_output=True, text=True)
    assert "unreachable" in taken.stderr


def test_the_smoke_run_has_the_rules_of_the_default_run(smoke):
    smoke_run, default = (set(smoke.would_run("--forceall", config=config)) for config in (SMOKE, "config.yaml"))

    assert smoke_run == default and len(default) > 15


def test_ratings_do_not_name_a_platform_id(smoke):
    export = smoke.read("simulated/smoke/study1/SIMULATED_export.csv")
    ids_given = set(re.findall(r"\b[0-9a-f]{24}\b", export)) | set(re.findall(r"192\.0\.2\.\d+", export))
    made = [file for folder in ("results", "logs") for file in (smoke.folder / folder).rglob("*") if file.is_file()]
    text = "".join(file.read_text(encoding="utf-8", errors="replace") for file in made)

    assert len(ids_given) > 200 and len(made) > 50
    assert not ids_given & set(re.findall(r"\b[0-9a-f]{24}\b|192\.0\.2\.\d+", text))


def test_estimated_means_lie_where_the_raw_means_lie(smoke):
    ratings = smoke.table("results/smoke/study1/ratings.csv").query("included")
    means = smoke.table("results/smoke/study1/models/deciding/means.csv")
    overall = means[means["domain"].isna()].set_index("source")["estimate"]
    raw = ratings.groupby(["source", "domain"])["rating"].mean().groupby("source").mean()

    assert np.allclose(overall, raw[overall.index], atol=0.1)


@pytest.mark.parametrize("study", ["study1", "study2"])
def test_features_are_set_against_no_rating_that_is_simulated(smoke, study):
    made = {path.name for path in (smoke.folder / f"results/smoke/{study}/style").iterdir()}

    assert "contrasts.csv" in made and "ratings.csv" not in made
    page = smoke.read("results/smoke/report/report.html")
    assert page.count("the ratings are simulated, and simulated raters do not read") == 2
