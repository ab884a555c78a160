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
    ours = [file for file in given if not file.startswith("data/external/")]  # What is there a user brings.
    for file in ours if path.name != "template.yaml" else ():
        assert (ROOT / file).is_file(), file


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([150, 100], "asked_words needs the least and the most words, as in [100, 150]"),
        ([0, 100], "asked_words needs the least and the most words, as in [100, 150]"),
    ],
)
def test_a_length_that_was_asked_for_is_a_range(given, said):
    assert mistakes(changed("studies", "s", "asked_words", to=given)) == [f"config: studies > s: {said}"]


def test_redraws_need_a_length_that_was_asked_for():
    given = copy.deepcopy(MINIMAL)
    given["studies"]["s"]["asked_words"] = None
    [source] = [name for name, one in given["sources"].items() if one["kind"] == "transformers"]
    given["sources"][source]["redraws"] = 2

    assert mistakes(given) == [f"config: sources > {source} > redraws: studies > s asks for no number of words"]
    of_api = with_api(redraws=1)
    of_api["studies"]["s"]["asked_words"] = None
    assert mistakes(of_api) == ["config: sources > gpt > redraws: studies > s asks for no number of words"]


def test_a_length_and_a_language_are_asked_for_unless_a_config_says_otherwise():
    assert settings.read(MINIMAL)["studies"]["s"]["asked_words"] == [100, 150]
    assert settings.read(MINIMAL)["studies"]["s"]["language"] == "en"
    (said,) = mistakes(changed("studies", "s", "language", to="English"))
    assert said.startswith("config: studies > s > language: ")
    null = copy.deepcopy(MINIMAL)
    null["studies"]["s"]["asked_words"] = None
    assert settings.read(null)["studies"]["s"]["asked_words"] is None


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
        "redraws": 0,
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
        "ordinal": "rating ~ source + domain + (1 | rater_id) + (1 | post_id) + (1 | response_id) "
        "+ (1 | rater_id:source)",
    }


def test_a_file_is_not_shared_unless_the_config_says_so():
    assert settings.read(MINIMAL)["studies"]["s"]["posts"]["share"] is False


def test_raters_are_simulated_only_where_a_config_asks_for_it_by_name():
    with_exports = changed("studies", "s", "ratings", to={"exports": [FILE]})

    assert settings.read(with_exports)["studies"]["s"]["ratings"]["simulate"] is None


def test_a_read_config_reads_the_same_again():
    once = settings.read(changed("studies", "s", "ratings", to={"simulate": {"raters": 9, "posts_per_rater": 1}}))

    assert settings.read(once) == once


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_config_less_its_defaults_is_short_and_reads_as_the_whole(path):
    whole = settings.read(yaml.safe_load(path.read_text(encoding="utf-8")))

    said = settings.less_defaults(whole)

    assert settings.read(said) == whole
    assert len(yaml.safe_dump(said)) < len(yaml.safe_dump(whole)) / 2


def test_of_a_config_less_its_defaults_what_is_told_is_what_the_config_says():
    rules = ["unfinished", {"name": "too_fast", "seconds": 90}]
    config = changed("studies", "s", "ratings", to={"exclusions": rules}) | {"seed": 20240327}
    config["report"] = {"include": ["robustness"]}

    said = settings.less_defaults(settings.read(config))

    assert said["studies"]["s"]["ratings"]["exclusions"] == [
        *({"name": name} for name in ("revoked_consent", "preview", "duplicate", "unfinished")),
        {"name": "too_fast", "seconds": 90.0},
    ]
    assert said["report"] == {"include": ["robustness"]}
    assert "seed" not in said and "robustness" not in said["studies"]["s"], "both are the default, in force or said"


def test_a_study_without_posts_keeps_its_ratings():
    config = changed("studies", "s", "posts", to=None)
    config["studies"]["s"]["ratings"] = {"exports": [FILE]}

    assert settings.read(config)["studies"]["s"]["posts"] is None


def test_a_delta_in_units_of_the_rating_needs_a_deciding_model_in_these_units():
    config = changed("studies", "s", "inference", to={"sesoi_units": "rating", "sesoi": 0.5})
    assert settings.read(config)["studies"]["s"]["inference"]["sesoi_units"] == "rating"
    ordinal = {"formula": "rating ~ source + (1 | rater_id)", "family": "ordinal", "link": "probit"}
    config["studies"]["s"]["models"] = {"deciding": ordinal}
    (mistake,) = mistakes(config)
    assert "sesoi_units: rating is for a gaussian deciding model" in mistake


def test_who_is_no_rater_at_all_is_told_before_any_other_rule():
    def mistake(*listed):
        (found,) = mistakes(changed("studies", "s", "ratings", to={"exclusions": list(listed)}))
        return found

    assert "preview comes before unfinished: a preview is no rater" in mistake("unfinished", "preview")
    assert "revoked_consent comes first" in mistake("unfinished", "revoked_consent")
    settings.read(changed("studies", "s", "ratings", to={"exclusions": ["duplicate", "preview", "unfinished"]}))


def test_a_study_may_declare_what_is_asked_before_there_are_ratings():
    study = settings.read(changed("studies", "s", "ratings", to={"exclusions": [{"name": "too_fast", "seconds": 60}]}))[
        "studies"
    ]["s"]
    simulated = changed("studies", "s", "ratings", to={"simulate": {"raters": 2, "posts_per_rater": 1}})

    assert study["ratings"]["exclusions"][-1]["seconds"] == 60 and not settings.is_rated(study)
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
            "config: studies > s > ratings > simulate: the shares of raters who leave must together be below 1: "
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
            "config: sources > arm > kind: unknown kind 'transformer'; "
            "known: 'human', 'archived', 'transformers', 'openai'",
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


# Sources behind an API


API = {"kind": "openai", "title": "GPT", "model": "gpt-x", "licence": "its terms"}


def with_api(may_leave=True, **source):
    config = changed("sources", "gpt", to=API | source)
    config["studies"]["s"] |= {"sources": ["human", "gpt"], "posts_may_leave": may_leave}
    return config


def test_what_an_api_source_leaves_out_is_openai_s_own_and_sends_no_sampling():
    assert settings.read(with_api())["sources"]["gpt"] == API | {
        "base_url": "https://api.openai.com/v1",
        "azure": None,
        "key_variable": "OPENAI_API_KEY",
        "prompt": "data/prompts/base.md",
        "samples": 1,
        "redraws": 0,
        "sampling": dict.fromkeys(
            [
                "temperature",
                "top_p",
                "frequency_penalty",
                "presence_penalty",
                "max_tokens",
                "max_completion_tokens",
                "seed",
            ]
        ),
        "concurrency": 4,
        "requests_per_minute": 60,
        "max_tokens_total": None,
        "retries": 6,
        "timeout_s": 120,
        "longest_wait_s": 900,
        "price_per_million": None,
        "retires_on": None,
    }


AZURE = {"endpoint": "https://lab.openai.azure.com/", "deployment": "d", "api_version": "2024-10-21"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "OPENAI_API_KEY"),
        ({"azure": AZURE}, "AZURE_OPENAI_API_KEY"),
        ({"azure": AZURE, "key_variable": "LAB_KEY"}, "LAB_KEY"),
        ({"key_variable": None}, None),
    ],
)
def test_the_variable_with_the_key_follows_the_endpoint_unless_it_is_named(given, expected):
    config = settings.read(with_api(**given))

    assert config["sources"]["gpt"]["key_variable"] == expected
    assert settings.read(config) == config


def test_posts_go_to_an_api_only_where_the_study_says_so():
    assert mistakes(with_api(may_leave=False)) == [
        "config: studies > s: source 'gpt' sends the posts to an API; where their rights and your ethics approval "
        "allow that, set posts_may_leave: true"
    ]
    assert settings.read(MINIMAL)["studies"]["s"]["posts_may_leave"] is False


def test_a_study_without_posts_has_none_that_could_leave():
    config = with_api(may_leave=False)
    del config["studies"]["s"]["posts"]
    config["studies"]["s"]["ratings"] = {"exports": [FILE]}

    assert settings.read(config)["studies"]["s"]["sources"] == ["human", "gpt"]


@pytest.mark.parametrize(
    "given",
    [
        {"key_variable": "sk-secret"},
        {"key_variable": "0123secret"},
        {"base_url": "https://user:secret@api.example.org/v1"},
        {"base_url": "https://api.example.org/v1?key=secret"},
        {"azure": AZURE | {"endpoint": "https://lab.openai.azure.com/?api-key=secret"}},
        {"api_key": "sk-secret"},
    ],
)
def test_a_key_in_a_config_is_refused_and_not_repeated(given):
    (line,) = mistakes(with_api(**given))

    assert line.startswith("config: sources > gpt > ") and "secret" not in line


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"sampling": {"max_tokens": 9, "max_completion_tokens": 9}},
            "sampling: max_tokens and max_completion_tokens are the same limit: set one of them",
        ),
        ({"sampling": {"temperature": 2.1}}, "sampling > temperature: Input should be less than or equal to 2"),
        ({"sampling": {"seed": 5}}, "sampling > seed: Input should be 'derived' (found: 5)"),
        ({"sampling": {"max_new_tokens": 5}}, "sampling > max_new_tokens: no such key; did you mean 'max_tokens'?"),
        ({"licence": ""}, "licence: String should have at least 1 character"),
        ({"retires_on": "soon"}, "retires_on: Input should be a valid date"),
        (
            {"base_url": "api.example.org"},
            "base_url: this must be an address like https://api.example.org/v1, without user, password and query",
        ),
        ({"requests_per_minute": 0}, "requests_per_minute: Input should be greater than or equal to 1 (found: 0)"),
    ],
)
def test_a_mistake_in_an_api_source_is_named(given, expected):
    (line,) = mistakes(with_api(**given))

    assert line.startswith(f"config: sources > gpt > {expected}")


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        ({"format": "long", "pattern": "x"}, "pattern is for the format qualtrics alone"),
        ({"pattern": "R_{respons}_{item}"}, "pattern: unknown word 'respons'; did you mean 'response'?"),
        ({"position": "{rater}_DO"}, "position: unknown word 'rater'; known: response, post_id, source, sample, loop"),
        (
            {"format": "prolific", "answers": {"x": 1}},
            "of the format prolific only columns > rater_id and demographics",
        ),
        ({"format": "prolific"}, "exports hold demographics alone: name the file of the ratings, too"),
        ({"answers": {True: 1}}, "Input should be a valid string (found: True)"),
    ],
)
def test_what_a_config_says_of_an_export_is_checked(export, expected):
    entry = {"file": "x.csv", "origin": "observed", "rights": "ours", **export}
    config = {
        "run": "x",
        "sources": {"human": {"kind": "human", "title": "h"}},
        "studies": {"main": {"title": "t", "sources": ["human"], "ratings": {"exports": [entry]}}},
    }

    with pytest.raises(ValueError) as error:
        settings.read(config)

    assert expected in str(error.value)


def test_numbers_as_keys_of_answers_are_the_texts_of_cells():
    entry = {"file": "x.csv", "origin": "observed", "rights": "ours", "answers": {-99: None, 0: 1, "No": 2.5}}
    config = {
        "run": "x",
        "sources": {"human": {"kind": "human", "title": "h"}},
        "studies": {"main": {"title": "t", "sources": ["human"], "ratings": {"exports": [entry]}}},
    }

    (export,) = settings.read(config)["studies"]["main"]["ratings"]["exports"]

    assert export["answers"] == {"-99": None, "0": 1, "No": 2.5}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"embeddings": "n"}, "config: studies > s > style > embeddings: unknown model 'n'; known: m"),
        (
            {"liwc_dictionary": "own.dic", "liwc_results": "liwc22.csv"},
            "config: studies > s > style: style has liwc_dictionary or liwc_results, and not both",
        ),
        ({"permutation": 5}, "config: studies > s > style > permutation: no such key; did you mean 'permutations'?"),
        (
            {"count_models": ["liwc_affect", "emoji"]},
            "config: studies > s > style: count_models: unknown feature 'emoji'; did you mean 'emojis'?",
        ),
    ],
)
def test_a_style_that_cannot_be_measured_is_refused(given, said):
    (mistake,) = mistakes(changed("studies", "s", "style", to=given))

    assert mistake.removeprefix("config: ") == said.removeprefix("config: ")


@pytest.mark.parametrize(
    ("ratings", "real"),
    [
        (None, False),
        ({}, False),
        ({"simulate": {"raters": 4, "posts_per_rater": 1}}, False),
        ({"exports": [FILE]}, True),
        ({"exports": [FILE, FILE | {"origin": "simulated"}]}, False),
    ],
)
def test_features_are_set_against_ratings_of_people_alone(ratings, real):
    config = settings.read(changed("studies", "s", "ratings", to=ratings) if ratings is not None else MINIMAL)

    assert settings.has_real_ratings(config["studies"]["s"]) is real


DECIDES = {"formula": "rating ~ source"}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"family": "ordinal"}, "an ordinal model needs a link: probit or logit"),
        ({"link": "logit"}, "a gaussian model has no choice of link: leave it out"),
        ({"family": "poisson", "link": "logit"}, "a poisson model has no choice of link: leave it out"),
        (
            {"family": "binomial", "reml": True},
            "REML is for gaussian models; a model of family binomial is fitted by ML",
        ),
        (
            {"family": "ordinal", "link": "probit", "df": "kenward-roger"},
            "kenward-roger degrees of freedom are for gaussian models; one of family ordinal has z tests",
        ),
        (
            {"family": "ordinal", "link": "probit", "df": "satterthwaite"},
            "satterthwaite degrees of freedom are for gaussian models; one of family ordinal has z tests",
        ),
        ({"df": "kenward-roger", "reml": False}, "Kenward-Roger degrees of freedom are defined for REML fits alone"),
        ({"on_singular": "simplify"}, "`on_singular: simplify` needs a `ladder` of random terms"),
        ({"ladder": ["1 | post_id"]}, "`on_singular: simplify` needs a `ladder` of random terms"),
        ({"adjust": "tukey", "contrasts": "reference"}, "Tukey's adjustment is for all pairs of sources"),
        ({"reference": "humans"}, "studies > s > models > deciding: unknown source 'humans'; did you mean 'human'?"),
        ({"contrasts": [["human", "him"]]}, "studies > s > models > deciding: unknown source 'him'"),
    ],
)
def test_a_model_that_cannot_be_is_refused_before_anything_runs(model, message):
    with pytest.raises(ValueError) as error:
        settings.read(changed("studies", "s", "models", to={"deciding": DECIDES | model}))
    assert message in str(error.value)


def test_what_wrote_a_source_is_known_by_the_name_that_others_know_it_by():
    config = yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8"))
    weights = {"kind": "wheel", "title": "W", "licence": "x", "requirement": "w==1", "sha256": "0" * 64, "member": "w"}
    config["models"] |= {"w": weights, "f": {"kind": "folder", "title": "F of ours", "licence": "x", "folder": "f"}}
    config["sources"]["llama2"]["model"], config["sources"]["mistral"]["model"] = "w", "f"
    archived = {"kind": "archived", "title": "A", "licence": "x"}
    archived["responses"] = {"study1": config["sources"]["human"]["responses"]["study1"]}
    config["sources"]["old"] = archived
    config["studies"]["study1"]["sources"].append("old")
    filled = settings.read(config)

    assert settings.written_by(filled["studies"]["study1"], filled) == {
        "human": "people",
        "gpt4_turbo": "gpt-4-1106-preview",
        "llama2": "w==1",
        "mistral": "F of ours",
    }
