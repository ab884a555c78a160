import copy
from pathlib import Path

import pytest
import yaml

from empathic import settings

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted([ROOT / "config.yaml", *(ROOT / "configs").glob("*.yaml")])

FILE = {"file": "f.csv", "origin": "observed", "rights": "CC0"}
MINIMAL = {
    "run": "tiny",
    "models": {"m": {"kind": "folder", "title": "M", "licence": "MIT", "folder": "weights"}},
    "sources": {
        "human": {"kind": "human", "title": "people", "responses": {"s": FILE}},
        "arm": {"kind": "transformers", "title": "an arm", "model": "m"},
    },
    "studies": {"s": {"title": "S", "posts": FILE, "sources": ["human", "arm"]}},
}


def changed(*path, to):
    """MINIMAL with one key set; None takes it out."""
    config = copy.deepcopy(MINIMAL)
    place = config
    for key in path[:-1]:
        place = place[key]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return config


def mistakes(config):
    with pytest.raises(ValueError) as error:
        settings.read(config)
    return str(error.value).splitlines()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_each_shipped_config_is_valid(path):
    config = settings.read(yaml.safe_load(path.read_text(encoding="utf-8")))

    given = [study["posts"]["file"] for study in config["studies"].values() if study["posts"]] + config["claims"]
    for file in given if path.name != "template.yaml" else ():
        assert (ROOT / file).is_file(), file


def test_no_two_shipped_configs_share_a_folder_of_results():
    runs = [yaml.safe_load(path.read_text(encoding="utf-8"))["run"] for path in SHIPPED]

    assert len(set(runs)) == len(runs) > 1
    assert runs[SHIPPED.index(ROOT / "config.yaml")] == "default"


def test_what_a_config_leaves_out_comes_from_the_typed_defaults_alone():
    config = settings.read(MINIMAL)

    assert config["seed"] == 20240327
    assert config["cache"] == "cache"
    assert config["claims"] == []
    assert config["studies"]["s"]["ratings"] is None
    assert config["sources"]["arm"] == {
        "kind": "transformers",
        "title": "an arm",
        "model": "m",
        "prompt": "data/prompts/base.md",
        "quantization": "nf4",
        "double_quantization": False,
        "compute_dtype": "float32",
        "device": "cpu",
        "batch_size": 32,
        "context": 1024,
        "shards": 1,
        "samples": 1,
        "sampling": {
            "max_new_tokens": 320,
            "temperature": 0.2,
            "top_p": 0.9,
            "top_k": 0,
            "repetition_penalty": 1.1,
        },
    }
    assert {name: model["formula"] for name, model in config["studies"]["s"]["models"].items()} == {
        "deciding": "rating ~ source * domain + (1 | rater_id) + (1 | post_id) + (1 | response_id) "
        "+ (1 | rater_id:source)",
        "two_intercept": "rating ~ source * domain + (1 | rater_id) + (1 | post_id)",
    }


def test_a_file_is_not_shared_unless_the_config_says_so():
    assert settings.read(MINIMAL)["studies"]["s"]["posts"]["share"] is False


def test_raters_are_simulated_only_where_a_config_asks_for_it_by_name():
    with_exports = changed("studies", "s", "ratings", to={"exports": [FILE]})

    assert settings.read(with_exports)["studies"]["s"]["ratings"]["simulate"] is None


def test_a_read_config_reads_the_same_again():
    once = settings.read(changed("studies", "s", "ratings", to={"simulate": {"raters": 9, "posts_per_rater": 1}}))

    assert settings.read(once) == once


def test_a_study_without_posts_keeps_its_ratings():
    config = changed("studies", "s", "posts", to=None)
    config["studies"]["s"]["ratings"] = {"exports": [FILE]}

    assert settings.read(config)["studies"]["s"]["posts"] is None


def test_a_study_may_declare_what_is_asked_before_there_are_ratings():
    study = settings.read(changed("studies", "s", "ratings", to={"exclusions": {"too_fast_s": 60}}))["studies"]["s"]
    simulated = changed("studies", "s", "ratings", to={"simulate": {"raters": 2, "posts_per_rater": 1}})

    assert study["ratings"]["exclusions"]["too_fast_s"] == 60 and not settings.is_rated(study)
    assert not settings.is_rated(settings.read(MINIMAL)["studies"]["s"])
    for given in (simulated, changed("studies", "s", "ratings", to={"exports": [FILE]})):
        assert settings.is_rated(settings.read(given)["studies"]["s"])


@pytest.mark.parametrize("posts", [FILE, None])
def test_a_frozen_study_has_texts_and_needs_no_file_of_posts_or_responses(posts):
    config = changed("studies", "s", "posts", to=posts)
    config["sources"]["human"].pop("responses")
    config["studies"]["s"]["frozen"] = "data/frozen/earlier/s"

    assert settings.has_texts(settings.read(config)["studies"]["s"])


def test_an_archived_source_names_a_licence_and_for_each_study_a_file():
    config = changed("sources", "human", to={"kind": "archived", "title": "an archive", "responses": {"s": FILE}})

    assert mistakes(config) == ["config: sources > human > licence: this key is missing"]
    config["sources"]["human"] |= {"licence": "theirs", "responses": {}}
    assert mistakes(config) == ["config: sources > human > responses: no file for s, which lists this source"]
    config["sources"]["human"]["responses"] = {"t": FILE}
    assert mistakes(config) == ["config: sources > human > responses: unknown study 't'; known: s"]


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        (["sead"], 1, "config: sead: no such key; did you mean 'seed'?"),
        (["model"], {}, "config: model: no such key; did you mean 'models'?"),
        (["sources", "arm", "quantisation"], "nf4", "no such key; did you mean 'quantization'?"),
        (["studies", "s", "post"], FILE, "config: studies > s > post: no such key; did you mean 'posts'?"),
        (["studies", "s", "zzz"], 1, "config: studies > s > zzz: no such key"),
        (["sources", "arm", "sampling"], {"topp": 0.9}, "sampling > topp: no such key; did you mean 'top_p'?"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(path, to, expected):
    (line,) = mistakes(changed(*path, to=to))

    assert line.startswith("config: " + " > ".join(path[:2]).removesuffix(path[-1]).removesuffix(" > "))
    assert line.endswith(expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["run"], "config: run: this key is missing"),
        (["studies"], "config: studies: this key is missing"),
        (["studies", "s", "sources"], "config: studies > s > sources: this key is missing"),
        (["sources", "arm", "model"], "config: sources > arm > model: this key is missing"),
        (["sources", "arm", "kind"], "config: sources > arm > kind: this key is missing"),
        (["models", "m", "kind"], "config: models > m > kind: this key is missing"),
        (["models", "m", "folder"], "config: models > m > folder: this key is missing"),
    ],
)
def test_a_missing_key_is_named(path, expected):
    assert mistakes(changed(*path, to=None)) == [expected]


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        (
            ["sources", "arm", "model"],
            "llama",
            "config: sources > arm: unknown model 'llama'; known: m",
        ),
        (
            ["studies", "s", "sources"],
            ["humans"],
            "config: studies > s: unknown source 'humans'; did you mean 'human'?",
        ),
        (
            ["studies", "s", "sources"],
            ["arm", "arm"],
            "config: studies > s > sources: a source is listed twice",
        ),
        (
            ["sources", "human", "responses"],
            {},
            "config: sources > human > responses: no file for s, which lists this source",
        ),
        (
            ["sources", "human", "responses"],
            {"s": FILE, "study": FILE},
            "config: sources > human > responses: unknown study 'study'; known: s",
        ),
        (
            ["studies", "s", "ratings"],
            {"exports": [FILE], "simulate": {"raters": 2, "posts_per_rater": 1}},
            "config: studies > s > ratings: ratings have `exports` or `simulate`, and not both; neither: what is asked "
            "is declared, and the ratings are awaited",
        ),
        (
            ["studies", "s", "ratings"],
            {"simulate": {"raters": 2, "posts_per_rater": 1, "careless": 0.5, "unfinished": 0.5, "hurried": 0}},
            "config: studies > s > ratings > simulate: careless, unfinished and hurried together must be below 1: "
            "raters must remain",
        ),
        (
            ["studies", "s", "ratings"],
            {"simulate": {"raters": 2, "posts_per_rater": 1, "effects": {"sources": {"arms": 1}}}},
            "config: studies > s > ratings > simulate > effects > sources: unknown source 'arms'; did you mean 'arm'?",
        ),
        (
            ["studies", "s", "models"],
            {"other": {"formula": "rating ~ source"}},
            "config: studies > s: models need one called `deciding`",
        ),
        (
            ["sources", "arm", "kind"],
            "transformer",
            "config: sources > arm > kind: unknown kind 'transformer'; known: 'human', 'archived', 'transformers'",
        ),
        (["run"], "My run", "config: run: String should match pattern '^[a-z0-9_]+$' (found: 'My run')"),
        (["run"], "a\n", "config: run: String should match pattern '^[a-z0-9_]+$' (found: 'a\\n')"),
        (
            ["sources", "arm", "batch_size"],
            0,
            "config: sources > arm > batch_size: Input should be greater than or equal to 1 (found: 0)",
        ),
        (
            ["sources", "arm", "sampling"],
            {"temperature": float("inf")},
            "config: sources > arm > sampling > temperature: Input should be a finite number (found: inf)",
        ),
        (
            ["studies", "s", "posts"],
            FILE | {"origin": "real"},
            "config: studies > s > posts > origin: Input should be 'observed', 'stand_in' or 'simulated' "
            "(found: 'real')",
        ),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_place(path, to, expected):
    (line,) = mistakes(changed(*path, to=to))

    assert line.startswith(expected)


def test_simulated_raters_need_texts():
    config = changed("studies", "s", "posts", to=None)
    config["studies"]["s"]["ratings"] = {"simulate": {"raters": 2, "posts_per_rater": 1}}

    assert mistakes(config) == ["config: studies > s: simulated raters need posts to rate responses to"]


def test_each_mistake_has_a_line_of_its_own():
    config = changed("run", to=None) | {"seed": -1, "titel": "x"}

    assert mistakes(config) == [
        "config: run: this key is missing",
        "config: seed: Input should be greater than or equal to 0 (found: -1)",
        "config: titel: no such key; did you mean 'title'?",
    ]


def test_an_empty_config_is_told_what_it_needs():
    assert mistakes({}) == [f"config: {key}: this key is missing" for key in ("run", "sources", "studies")]
