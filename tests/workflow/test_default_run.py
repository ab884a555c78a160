"""The default run, whole. It takes minutes: part of `make test-all` alone."""

import json

import browser
import plain_numbers
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def default(new_checkout):
    checkout = new_checkout()
    checkout.snakemake(config=None)
    return checkout


def test_both_arms_answer_every_post_and_few_texts_are_cut(default):
    made = [
        json.loads(line)
        for file in (default.folder / "results/default").rglob("generations/*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]

    assert len(made) == 2 * 135
    assert sum(record["finish_reason"] == "length" for record in made) < 0.05 * len(made)
    assert not [record for record in made if record["error"]]


@pytest.mark.parametrize(("study", "raters"), [("study1", 192), ("study2", 202)])
def test_the_paper_s_numbers_of_raters_remain_and_their_effects_are_recovered(default, study, raters):
    ratings = default.table(f"results/default/{study}/ratings.csv").query("included")
    truth = json.loads(default.read(f"simulated/default/{study}/SIMULATED_truth.json"))
    contrasts = default.table(f"results/default/{study}/models/deciding/contrasts.csv")
    overall = contrasts[contrasts["by"].isna()].set_index("contrast")

    assert ratings["rater_id"].nunique() == raters
    for entry in truth["differences"]:
        if not entry["by"]:
            row = overall.loc[entry["contrast"]]
            assert abs(row["estimate"] - entry["difference"]) < 4 * row["std_error"]


@pytest.mark.parametrize("study", ["study1", "study2"])
@pytest.mark.parametrize("model", ["deciding", "two_intercept", "ordinal"])
def test_every_number_of_every_table_is_that_of_r_written_by_hand(default, study, model, tmp_path):
    folder = default.folder / "results/default" / study

    ours = plain_numbers.of_folder(folder / "models" / model)
    assert plain_numbers.check(*ours, folder / "ratings.csv", model, tmp_path, posts=folder / "posts.csv") > 500


def test_no_peak_of_memory_reaches_3_gb(default):
    peaks = {
        file.name: default.table(str(file.relative_to(default.folder)), sep="\t")["max_rss"].max()
        for file in (default.folder / "benchmarks/default").rglob("*.tsv")
    }

    assert len(peaks) >= 20 and max(peaks.values()) < 3000, peaks


def test_the_report_is_one_small_file(default):
    page = default.folder / "results/default/report/report.html"

    assert 100_000 < page.stat().st_size < 6_000_000


def test_nothing_is_wrong_with_the_page_in_a_browser(default):
    if reason := browser.missing():
        pytest.skip(reason)
    with browser.opened() as chromium:
        faults = chromium.faults(
            default.folder / "results/default/report/report.html",
            browser.ROOT / "logs" / "test_report_browser" / "default",
        )

    assert faults == []
