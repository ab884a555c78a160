"""What a change runs again, and what it must leave alone."""

import json


def texts(checkout, study, source, run="smoke"):
    lines = checkout.read(f"results/{run}/{study}/generations/{source}.jsonl").splitlines()
    return {record["post_id"]: record["text"] for record in map(json.loads, lines)}


def test_a_run_with_nothing_changed_does_nothing(smoke):
    assert "Nothing to be done" in smoke.snakemake()


def test_a_changed_formula_refits_that_model_and_what_follows_from_it(smoke, edited):
    edited(
        "configs/smoke.yaml",
        "    models: {deciding: *deciding, two_intercept: *two_intercept}\n",
        "    models:\n"
        "      two_intercept: *two_intercept\n"
        '      deciding: {formula: "rating ~ source * domain + (1 | rater_id) + (1 | response_id)"}\n',
    )

    assert smoke.would_run() == {
        "fit_model": 1,
        "decide_claims": 1,
        "list_rules": 1,
        "record_provenance": 1,
        "render_report": 1,
    }


def test_an_edited_module_of_the_report_renders_again_and_no_more(smoke, edited):
    edited("scripts/empathic/report/figures.py", '"""', '"""Edited. ')

    assert smoke.would_run() == {"record_provenance": 1, "render_report": 1}


def test_an_edited_module_reruns_the_rules_whose_scripts_import_it(smoke, edited):
    edited("scripts/empathic/style/measure.py", '"""', '"""Edited. ')

    assert smoke.would_run() == {
        "measure_style": 2,
        "contrast_style": 2,
        "decide_claims": 1,
        "record_provenance": 1,
        "render_report": 1,
    }


def test_another_limit_of_a_check_checks_the_responses_again_and_no_more(smoke, edited):
    edited("scripts/empathic/checks.py", "LEAKED_WORDS = 6", "LEAKED_WORDS = 8")

    assert smoke.would_run() == {"measure_quality": 2, "record_provenance": 1, "render_report": 1}


def test_a_new_commit_renders_again_and_no_more(smoke):
    try:
        smoke.git("commit", "--quiet", "--allow-empty", "--message", "another")
        assert smoke.would_run() == {"record_provenance": 1, "render_report": 1}
    finally:
        smoke.git("reset", "--quiet", "--soft", "HEAD~1")


def test_a_changed_title_of_a_source_generates_and_fits_nothing(smoke, edited):
    edited("configs/smoke.yaml", "SmolLM2-135M in NF4", "SmolLM2-135M in four bits")

    assert smoke.would_run() == {"list_rules": 1, "record_provenance": 1, "render_report": 1}


def test_one_changed_post_makes_its_own_responses_anew_and_no_other_text(smoke, edited):
    before = {source: texts(smoke, "study1", source) for source in ("smollm2_nf4", "smollm2_fp32")}
    first, text = smoke.table("data/study1/posts.csv").loc[0, ["post_id", "text"]]
    edited("data/study1/posts.csv", text[:30], f"This morning it came to a head. {text[:30]}")
    made = [f"results/smoke/study1/generations/{source}.jsonl" for source in before]
    try:
        smoke.snakemake(*made)
        after = {source: texts(smoke, "study1", source) for source in before}
        logs = [smoke.read(f"logs/smoke/generate_responses/study1.{source}.1of1.log") for source in before]
    finally:
        edited("data/study1/posts.csv", "This morning it came to a head. ", "")
        # These alone: their texts are what they were, so that nothing else has to be made again.
        smoke.snakemake(*made)
        assert "Nothing to be done" in smoke.snakemake()

    for source, log in zip(before, logs, strict=True):
        # A short text may come out the same by chance; the log shows that it was made anew.
        assert {post for post in before[source] if before[source][post] != after[source][post]} <= {first}
        assert "5 of 6 responses are there already" in log
    assert {source: texts(smoke, "study1", source) for source in before} == before
