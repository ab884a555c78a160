"""The texts that ship: written for the package, all different, with nothing that identifies a person."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

DATA = Path(__file__).resolve().parents[2] / "data"
STUDY1 = ["parenting", "relationships", "workplace"]
STUDY2 = [*STUDY1, "anger", "anxiety", "covid19_support"]


def read(path):
    return pd.read_csv(DATA / path, dtype="string", keep_default_na=False)


@pytest.fixture(scope="module")
def texts():
    tables = {path: read(path) for path in ("study1/posts.csv", "study1/human_responses.csv", "study2/posts.csv")}
    return {(path, row.post_id): row.text for path, table in tables.items() for row in table.itertuples()}


def runs_of_words(text, length):
    words = re.findall(r"[^\W_]+", re.sub("['’]", "", text.lower()))
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def shared_runs(texts, length):
    first, shared = {}, []
    for name, text in texts.items():
        for run in runs_of_words(text, length):
            if first.setdefault(run, name) != name:
                shared.append((first[run], name, " ".join(run)))
    return shared


def test_no_two_texts_share_eight_words_in_a_row(texts):
    assert len(texts) == 150
    assert shared_runs(texts, 8) == []


def test_a_shared_run_of_eight_words_would_be_seen():
    copied = {"a": "I said: one two three four five six seven eight.", "b": "One, two three FOUR five six seven eight!"}

    assert shared_runs(copied, 8) == [("a", "b", "one two three four five six seven eight")]
    assert shared_runs(copied | {"b": "one two three four five six seven nine"}, 8) == []


@pytest.mark.parametrize(("study", "domains", "each"), [("study1", STUDY1, 5), ("study2", STUDY2, 20)])
def test_every_domain_has_as_many_posts(study, domains, each):
    posts = read(f"{study}/posts.csv")

    assert posts["domain"].value_counts(sort=False).to_dict() == dict.fromkeys(domains, each)
    assert posts["post_id"].is_unique


def test_every_post_of_study_1_has_one_stand_in_response():
    responses = read("study1/human_responses.csv")

    assert responses["post_id"].tolist() == read("study1/posts.csv")["post_id"].tolist()
    assert set(responses["source"]) == {"human"}


def test_posts_have_60_to_150_words_and_responses_100_to_150(texts):
    lengths = {name: len(text.split()) for name, text in texts.items()}

    for (path, post), words in lengths.items():
        least = 100 if "responses" in path else 60
        assert least <= words <= 150, (path, post, words)


@pytest.mark.parametrize(
    "pattern",
    [r"@", r"https?:|www\.|\.(com|org|net|co|io)\b", r"\b[ur]/\w", r"#\w", r"\d{5,}", r"\d[\d -]{7,}\d", r"[<>{}`$]"],
)
def test_no_text_holds_a_handle_a_link_a_number_of_a_person_or_markup(texts, pattern):
    assert [name for name, text in texts.items() if re.search(pattern, text)] == []


def test_texts_are_trimmed_and_have_no_stray_characters(texts):
    for name, text in texts.items():
        assert text == text.strip(), name
        assert re.fullmatch(r"[\x20-\x7e\n£€é’‘“”–—…]+", text), (name, set(re.findall(r"[^\x20-\x7e\n]", text)))


def test_the_default_config_calls_them_stand_ins_and_the_human_source_no_person():
    config = yaml.safe_load((DATA.parent / "config.yaml").read_text(encoding="utf-8"))

    assert config["sources"]["human"]["title"] == "human (stand-in, not by a person)"
    assert config["sources"]["human"]["responses"]["study1"]["origin"] == "stand_in"
    assert {study["posts"]["origin"] for study in config["studies"].values()} == {"stand_in"}
