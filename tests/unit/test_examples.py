"""Each example export, from the shipped config to the tables: what a person counts in the files by hand."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from empathic import exports, instrument, posts, ratings, responses, settings
from empathic.exports import prolific

ROOT = Path(__file__).parents[2]
KEY = "0" * 64
ALL = 7  # of the empathy scale


@pytest.fixture(scope="module")
def config():
    return settings.read(yaml.safe_load((ROOT / "configs" / "examples.yaml").read_text()))


@pytest.fixture
def read(config, monkeypatch):
    """The exports of a study, read as the shipped config says."""
    monkeypatch.chdir(ROOT)

    def of(study):
        given = config["studies"][study]["ratings"]
        survey = instrument.read(given["instrument"], given["item"])
        return exports.read_all(given["exports"], survey, given["item"], given["exclusions"])

    return of


@pytest.fixture
def merge(config, read):
    """The tables that they become."""

    def of(study):
        declared = config["studies"][study]
        texts = None
        if declared["posts"]:
            table = posts.read(declared["posts"]["file"], origin="stand_in")
            parts = []
            for source in declared["sources"]:
                described = config["sources"][source]["responses"][study]["file"], source
                kind = config["sources"][source]["kind"]
                parts.append(responses.from_file(*described, kind, "stand_in", set(table["post_id"])))
            texts = responses.gather(table, parts)
        given = declared["ratings"]
        survey = instrument.read(given["instrument"], given["item"])
        asked = ratings.Asked(
            survey, declared["sources"], given["exclusions"], given["demographics"], given["age_bands"]
        )
        return ratings.merge(read(study), texts, asked, private_key=lambda: KEY)

    return of


def told(table, *columns):
    return table[list(columns)].astype(object).where(table[list(columns)].notna(), None).values.tolist()


def told_of_ratings(export, *columns):
    return told(export.ratings.join(export.raters["platform_id"], on="rater"), *columns)


def test_the_qualtrics_example_is_read_as_it_stands(read):
    (export,) = read("qualtrics")

    assert len(export.ratings) == 8 + 8 + 5 + 2 + 8, "of the preview, and of raters 1 to 4"
    assert export.empty_cells == 5 * 8 - 31, "cells for a rating that are empty or -99, the row told again not counted"
    second = export.ratings[export.ratings["row"] == 6]
    assert told(second, "reference", "item", "rating", "position", "condition") == [
        ["h1", "empathy", 2, 1, "short"],
        ["h1", "warmth", 2, 1, "short"],
        ["m1", "empathy", 5, 3, "short"],
        ["m1", "warmth", 4, 3, "short"],
        ["m2", "warmth", 3, 2, "short"],
    ]
    assert told(export.raters, "row", "preview", "finished", "checks_shown", "checks_failed", "duration_s") == [
        [4, True, True, 1, 0, 180],
        [5, False, True, 1, 0, 420],
        [6, False, True, 1, 1, 360],
        [7, False, False, 1, 1, 150],
        [9, False, True, 1, 0, 300],
    ]
    assert export.raters["started"].iloc[1] == pd.Timestamp("2031-06-01 09:00:00", tz="UTC")


def test_the_prolific_example_tells_of_the_raters_and_counts_the_others(read):
    (export,) = read("qualtrics")

    assert told(export.demographics, "platform_id", "Status", "Age", "Sex", "Country of residence") == [
        ["5e000000000000000000aa01", "APPROVED", "34", "Female", "France"],
        ["5e000000000000000000aa02", "APPROVED", None, "Male", "France"],
        ["5e000000000000000000aa03", "RETURNED", None, None, None],
        ["5e000000000000000000aa04", "AWAITING REVIEW", "58", "Male", "United Kingdom"],
    ]
    assert export.consent_revoked == {"5e000000000000000000aa03"}
    assert export.repeated == (1, 5), "a row that stands twice, with its ratings"
    assert export.told == {
        "participants with DATA_EXPIRED": 1,
        "participants without a submission": 1,
    }
    assert "Submission id" not in export.demographics


def test_submissions_of_one_participant_are_joined_and_one_that_took_the_consent_back_counts(tmp_path):
    lines = (ROOT / "data/examples/prolific.csv").read_text(encoding="utf-8").splitlines()
    again = lines[1].replace("bb01", "bb09").replace("APPROVED", "RETURNED").replace("420,C1ABC,120", ",,121")
    revoked = lines[2].replace("bb02", "bb08").replace("APPROVED", "CONSENT_REVOKED")
    path = tmp_path / "prolific.csv"
    path.write_text("\n".join([lines[0], again, *lines[1:], revoked]), encoding="utf-8")

    found = prolific.read({"file": str(path), "columns": {}})

    assert len(found.people) == 5 and found.people["platform_id"].is_unique
    assert told(found.people.iloc[:1], "Age", "Status", "Time taken", "Sex") == [["34", "RETURNED", "420", "Female"]]
    assert found.revoked == {"5e000000000000000000aa02", "5e000000000000000000aa03"}
    assert found.told == {"further rows of a participant, joined": 2, "participants with DATA_EXPIRED": 1}


def test_the_example_with_loops_is_read_by_what_each_loop_showed(read):
    (export,) = read("loops")

    assert told(export.ratings, "row", "column", "reference", "item", "rating", "position") == [
        [4, "1_Q3", "h1", "empathy", 4, 1],
        [4, "1_Q4", "h1", "warmth", 3, 1],
        [4, "2_Q3", "m1", "empathy", 4, 2],
        [4, "2_Q4", "m1", "warmth", 3, 2],
        [5, "1_Q3", "h1", "empathy", 5, 2],
        [5, "1_Q4", "h1", "warmth", 5, 2],
        [5, "2_Q3", "m2", "empathy", 7, 1],
        [5, "2_Q4", "m2", "warmth", 4, 1],
        [6, "1_Q3", "m1", "empathy", 1, 1],
        [6, "1_Q4", "m1", "warmth", 1, 1],
        [6, "2_Q3", "h2", "empathy", 3, 2],
        [6, "2_Q4", "h2", "warmth", 2, 2],
        [7, "1_Q3", "m2", "empathy", 6, 1],
        [7, "1_Q4", "m2", "warmth", 4, 1],
    ]
    assert export.identified_by == ("label",) and export.empty_cells == 2
    assert export.raters["preview"].tolist() == [True, False, False, False]
    assert export.raters["checks_failed"].tolist() == [0, 0, 1, 0], "the check is labelled, too: Very is 6"
    assert told(export.demographics, "platform_id", "age") == [["A1FIN", "41"], ["A2GUS", "29"], ["A3HAL", None]]


def test_the_jspsych_example_in_csv_is_read_trial_by_trial(read):
    export, _ = read("jspsych")

    assert told_of_ratings(export, "platform_id", "row", "reference", "item", "rating", "position") == [
        ["ivy", 3, "h1", "empathy", 5, 1],
        ["ivy", 4, "m1", "empathy", 6, 2],
        ["ivy", 6, "h2", "empathy", 3, 3],
        ["jon", 9, "m2", "empathy", ALL, 1],
        ["jon", 12, "h1", "empathy", 1, 3],
    ]
    assert told(export.raters, "platform_id", "checks_shown", "checks_failed", "duration_s", "finished") == [
        ["ivy", 1, 0, 200.5, None],
        ["jon", 1, 1, 190.2, None],
    ]
    assert export.empty_cells == 1 and export.told == {"rows that are no rating": 3}, "two welcomes and a comment"


def test_the_jspsych_example_in_json_is_read_answer_by_answer(read):
    _, export = read("jspsych")

    assert told_of_ratings(export, "platform_id", "row", "reference", "item", "rating", "position") == [
        ["kai", 2, "m2", "empathy", 5, 1],
        ["kai", 2, "m2", "warmth", 3, 1],
        ["kai", 3, "h2", "empathy", 4, 2],
        ["kai", 3, "h2", "warmth", 5, 2],
        ["lea", 7, "h1", "empathy", 7, 1],
        ["lea", 7, "h1", "warmth", 4, 1],
        ["lea", 9, "m1", "empathy", 3, 2],
        ["lea", 9, "m1", "warmth", 2, 2],
    ]
    assert told(export.raters, "platform_id", "row", "checks_shown", "checks_failed", "duration_s") == [
        ["kai", 1, 1, 0, 240.25],
        ["lea", 6, 1, 1, 195.83],
    ], "a check shown and not answered is failed"
    assert export.told == {"rows that are no rating": 3}


def test_the_long_example_is_read_row_by_row_and_its_notes_are_made_safe(read):
    (export,) = read("ratings_only")

    assert told_of_ratings(export, "platform_id", "row", "post_id", "source", "domain", "item", "rating", "note") == [
        ["mia", 2, "p1", "human", "work", "empathy", 5, "'+1 from me"],
        ["mia", 3, "p1", "human", "work", "warmth", 4, None],
        ["mia", 4, "p1", "model", "work", "empathy", 6, "'@colleague: see this"],
        ["mia", 5, "p2", "model", "family", "empathy", 7, "-3"],
        ["ned", 6, "p1", "human", "work", "empathy", 3, "'=1+1"],
        ["ned", 8, "p2", "model", "family", "empathy", 2, None],
        ["ned", 9, "p2", "other_model", "family", "empathy", 4, None],
    ]
    assert export.empty_cells == 1 and export.raters["duration_s"].tolist() == [400, 250]


@pytest.mark.parametrize(
    ("study", "included", "sums"),
    [
        ("qualtrics", 16, {("human", "empathy"): 12, ("human", "warmth"): 10, ("model", "empathy"): 19}),
        ("loops", 10 - 4, {("human", "empathy"): 5, ("human", "warmth"): 5, ("model", "empathy"): 13}),
        ("jspsych", 3 + 4, {("human", "empathy"): 8 + 4, ("model", "empathy"): 6 + 5, ("model", "warmth"): 3}),
        ("ratings_only", 6, {("human", "empathy"): 8, ("human", "warmth"): 4, ("model", "empathy"): 15}),
    ],
)
def test_the_examples_come_to_the_tables_with_the_sums_counted_by_hand(merge, study, included, sums):
    merged = merge(study)

    kept = merged.ratings[merged.ratings["included"].astype(bool)]
    found = kept.groupby(["source", "item"])["rating"].sum().to_dict()
    assert len(kept) == included and {key: found[key] for key in sums} == sums
    entered, *excluded, remaining = merged.flow["ratings"]
    assert entered == sum(excluded) + remaining and remaining == included


def test_the_flow_of_the_qualtrics_example_is_that_counted_by_hand(merge):
    merged = merge("qualtrics")

    assert told(merged.flow[merged.flow["ratings"] > 0], "step", "reason", "raters", "ratings") == [
        ["entered", None, 6, 36],
        ["excluded", "identical row", 1, 5],
        ["excluded", "revoked_consent", 1, 2],
        ["excluded", "preview", 1, 8],
        ["excluded", "attention", 1, 5],
        ["remaining", None, 2, 16],
    ]
    kept = merged.raters[merged.raters["included"].astype(bool)].sort_values("duration_s")
    assert told(kept, "duration_s", "age", "sex") == [[300, "55-64", "Male"], [420, "25-34", "Female"]]
    assert len(merged.raters) == 4, "who took the consent back has no row"
