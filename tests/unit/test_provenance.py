import json
import os
import platform
from pathlib import Path

import pytest
from made_up_run import config_of

from empathic import provenance, settings

# SHA-256 of the three bytes `abc`, as FIPS 180-2 gives it.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


NOTHING = {"commit": "c0ffee", "dirty": False, "given": [], "made": [], "benchmarks": Path("none")}


@pytest.fixture
def config():
    return settings.read(config_of())


def record(config, **changes):
    return provenance.record(config, **NOTHING | changes)


def test_inputs_and_outputs_are_listed_with_the_sha256_of_their_bytes(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("posts.csv", "table.csv"):
        Path(name).write_bytes(b"abc")
    monkeypatch.setattr(provenance, "shown", lambda config: {})

    found = record(config, given=[Path("posts.csv")], made=[Path("table.csv")])

    assert (found["inputs"], found["outputs"]) == ({"posts.csv": ABC}, {"table.csv": ABC})


def test_files_of_one_name_in_two_places_are_both_listed(config, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "posts.csv").write_bytes(b"abc")

    found = record(config, given=[tmp_path / "a" / "posts.csv", tmp_path / "b" / "posts.csv"])

    assert found["inputs"] == {".../posts.csv": ABC, ".../posts.csv (2)": ABC}


def test_no_host_user_or_home_is_named_wherever_the_files_lie(config, tmp_path):
    config["cache"] = str(Path.home() / "shared" / "cache")
    config["sources"]["human"]["responses"]["study1"]["file"] = "~/private/responses.csv"
    given = tmp_path / "posts.csv"
    given.write_bytes(b"abc")

    found = record(config, given=[given])

    assert found["config"]["cache"] == ".../cache"
    assert found["config"]["sources"]["human"]["responses"]["study1"]["file"] == ".../responses.csv"
    assert found["inputs"] == {".../posts.csv": ABC}
    text = json.dumps(found)
    assert platform.node() not in text
    assert str(Path.home()) + "/" not in text
    assert "user" not in found["machine"] and os.environ.get("USER", "nobody-at-all") not in found["machine"].values()


def test_without_git_commit_and_dirty_are_unknown_and_not_clean(config):
    found = record(config, commit=None, dirty=None)

    assert found["commit"] is None
    assert found["dirty"] is None


def test_fits_and_texts_bring_the_versions_they_were_made_with_each_set_once(config, tmp_path):
    fit = tmp_path / "study1" / "models" / "deciding" / "fit.json"
    fit.parent.mkdir(parents=True)
    fit.write_text(json.dumps({"versions": {"lme4": "1.1-31"}}), encoding="utf-8")
    texts = tmp_path / "study1" / "generations" / "arm.jsonl"
    texts.parent.mkdir()
    sets = [{"torch": "2.13.0"}, {"torch": "2.12.0"}, {"torch": "2.13.0"}, {}]
    texts.write_text("".join(json.dumps({"versions": made_with}) + "\n" for made_with in sets), encoding="utf-8")

    found = record(config, made=[fit, texts])["versions"]

    assert found["fits"] == {"study1/deciding": {"lme4": "1.1-31"}}
    assert found["texts"] == {"study1/arm": [{"torch": "2.12.0"}, {"torch": "2.13.0"}]}
    assert found["python"] == platform.python_version()
    assert found["packages"]["pandas"] == __import__("pandas").__version__


def test_prompts_and_instruments_are_kept_in_full(config):
    shown = record(config)["shown"]

    assert sorted(shown) == ["data/instrument.yaml", "data/prompts/base.md"]
    assert shown["data/prompts/base.md"] == Path("data/prompts/base.md").read_text(encoding="utf-8")


def test_the_record_holds_config_and_seed_and_is_plain_json(config):
    found = record(config)

    assert json.loads(json.dumps(found)) == found
    assert found["config"]["studies"]["study1"]["sources"] == ["human", "smollm2_nf4", "smollm2_fp32"]
    assert found["seeds"]["seed"] == 20240327
    assert found["recorded_at"].endswith("+00:00")


def test_runtimes_are_summed_over_the_jobs_of_a_rule(config, tmp_path):
    head = "s\th:m:s\tmax_rss\n"
    (tmp_path / "fit_model").mkdir()
    (tmp_path / "fit_model" / "study1.deciding.tsv").write_text(f"{head}10.5\t0:00:10\t300.0\n")
    (tmp_path / "fit_model" / "study2.deciding.tsv").write_text(f"{head}4.25\t0:00:04\t512.5\n")
    (tmp_path / "list_rules.tsv").write_text(f"{head}0.1\t0:00:00\t-\n")

    assert record(config, benchmarks=tmp_path)["runtimes"] == {
        "fit_model": {"jobs": 2, "seconds": 14.8, "longest": 10.5, "memory_mb": 512.5},
        "list_rules": {"jobs": 1, "seconds": 0.1, "longest": 0.1, "memory_mb": None},
    }


def test_a_run_without_benchmarks_has_no_runtimes(config):
    assert record(config)["runtimes"] == {}
