"""Texts are frozen, fielded, and rated: whatever changes in between, they do not."""

import copy
import json
import os
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import yaml

pytestmark = pytest.mark.own_run

FROZEN = "data/frozen/smoke"
STUDIES = ("study1", "study2")
PARTS = ("posts.csv", "responses.csv", "generations/smollm2_nf4.jsonl", "generations/smollm2_fp32.jsonl")
MADE_HERE = {"fetch_model", "generate_responses", "gather_generations", "prepare_posts", "gather_responses"}


@pytest.fixture(scope="module")
def frozen(smoke, tmp_path_factory):
    """A copy of the smoke run, whose texts are then frozen."""
    checkout = copy.copy(smoke)
    checkout.folder = tmp_path_factory.mktemp("frozen") / "checkout"
    shutil.copytree(smoke.folder, checkout.folder, symlinks=True)
    checkout.planned = checkout.would_run("--", "freeze")
    checkout.seen = checkout.snakemake("freeze")
    checkout.bytes = contents(checkout)
    return checkout


def contents(checkout):
    files = (file for file in (checkout.folder / FROZEN).rglob("*") if file.is_file())
    return {str(file.relative_to(checkout.folder)): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


@pytest.fixture(scope="module")
def no_torch(tmp_path_factory):
    """What stands before a command on a machine that lacks torch."""
    folder = tmp_path_factory.mktemp("no_torch")
    (folder / "torch.py").write_text('raise ImportError("this machine has no torch")\n')
    return [shutil.which("env"), f"PYTHONPATH={folder}"]


def fielded_config(checkout):
    """The smoke run's config once its survey is over: study 1 has ratings, study 2 awaits them."""
    config = yaml.safe_load(checkout.read("configs/smoke.yaml")) | {"run": "fielded"}
    export = {"file": "data/given.csv", "format": "long", "origin": "observed", "rights": "made up"}
    export["columns"] = {name: name for name in ("rater_id", "response_id", "rating")}
    asked = [{"name": "straight_lining", "at_least": 12}]
    for study in STUDIES:
        config["studies"][study]["frozen"] = f"{FROZEN}/{study}"
        config["studies"][study].pop("style", None)  # an encoder of texts needs torch, wherever they come from
    config["studies"]["study1"]["ratings"] = {"exports": [export], "exclusions": asked}
    del config["studies"]["study2"]["ratings"], config["studies"]["study2"]["posts"]
    return config


def fielded_ratings(checkout):
    """Twelve people, of four levels, who rate all responses of study 1, by response_id."""
    draw = np.random.default_rng(5)
    responses = checkout.table(f"{FROZEN}/study1/responses.csv")
    rows = [
        (f"person {person}", response_id, int(np.clip(round(2.5 + person % 4 + draw.normal()), 1, 7)))
        for person in range(12)
        for response_id in responses["response_id"]
    ]
    return pd.DataFrame(rows, columns=["rater_id", "response_id", "rating"])


@pytest.fixture(scope="module")
def fielded(frozen, no_torch):
    """A run on the frozen texts, on a machine without torch."""
    frozen.ratings = fielded_ratings(frozen)
    frozen.ratings.to_csv(frozen.folder / "data" / "given.csv", index=False)
    frozen.config = frozen.write_config("fielded", fielded_config(frozen))
    frozen.planned = frozen.would_run(config=frozen.config)
    frozen.said = frozen.snakemake(config=frozen.config, before=no_torch)
    return frozen


def test_freezing_copies_the_texts_and_their_records_and_makes_none(frozen):
    assert frozen.planned == {"freeze_texts": 2, "freeze": 1}
    assert f"study1: 18 responses to 6 posts are frozen in {FROZEN}/study1" in frozen.seen
    for study in STUDIES:
        folder = frozen.folder / FROZEN / study
        for part in PARTS:
            assert (folder / part).read_bytes() == (frozen.folder / "results/smoke" / study / part).read_bytes()
        found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
        assert found == {*PARTS, "plan.json", "SHA256SUMS"}
        assert not any(file.stat().st_mode & 0o222 for file in folder.rglob("*") if file.is_file())
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
        receipt = json.loads(frozen.read(f"results/smoke/{study}/freeze_receipt.json"))
        assert receipt["folder"] == f"{FROZEN}/{study}" and set(receipt["sha256"]) == found


def test_a_run_on_frozen_texts_generates_nothing_and_needs_no_torch(fielded):
    assert not MADE_HERE & set(fielded.planned)
    assert fielded.planned["thaw_texts"] == 2 and fielded.planned["thaw_records"] == 4
    for study in STUDIES:
        for part in PARTS:
            made = fielded.folder / "results/fielded" / study / part
            assert made.read_bytes() == fielded.bytes[f"{FROZEN}/{study}/{part}"][0]
    assert f"study1: texts as frozen in {FROZEN}/study1" in fielded.said


def test_ratings_by_response_id_meet_the_frozen_texts(fielded):
    merged = fielded.table("results/fielded/study1/ratings.csv")
    responses = fielded.table(f"{FROZEN}/study1/responses.csv")

    assert len(merged) == len(fielded.ratings) and set(merged["response_id"]) == set(responses["response_id"])
    assert (
        merged.groupby("response_id")["rating"]
        .sum()
        .equals(fielded.ratings.groupby("response_id")["rating"].sum().astype(float))
    )


def test_the_provenance_lists_every_frozen_file_with_its_hash(fielded):
    from empathic.files import sha256_file

    inputs = json.loads(fielded.read("results/fielded/provenance.json"))["inputs"]

    assert {path for path in inputs if path.startswith("data/frozen/")} == set(fielded.bytes)
    for path in fielded.bytes:
        assert inputs[path] == sha256_file(fielded.folder / path)


def test_the_report_lists_what_was_declared_otherwise_at_freezing(fielded):
    known = json.loads(fielded.read("results/fielded/provenance.json"))["frozen"]
    page = fielded.read("results/fielded/report/report.html")

    changes = {change["what"]: (change["was"], change["now"]) for change in known["study1"]["changes"]}
    assert changes == {
        "exclusions > unfinished": ("{}", "not declared"),
        "exclusions > attention": ('{"failed": 1}', "not declared"),
        "exclusions > too_fast": ('{"seconds": 180.0, "share_of_median": null}', "not declared"),
        "exclusions > straight_lining > at_least": ("10", "12"),
    }
    assert {change["what"] for change in known["study2"]["changes"]} == {"item", "exclusions", "instrument"}
    assert "Frozen texts, and what was changed since" in page and "straight&#95;lining" in page.replace("_", "&#95;")
    assert "wait" in page.lower()


def test_changes_of_code_environment_and_config_move_no_frozen_text(fielded, no_torch):
    edits = {
        "scripts/empathic/generation.py": ("SAMPLER_VERSION = ", "SAMPLER_VERSION = 999 + "),
        "scripts/empathic/decoding.py": ('"""', '"""Edited. '),
        "scripts/empathic/freezing.py": ('"""', '"""Edited. '),
        "scripts/empathic/responses.py": ('"""', '"""Edited. '),
        "envs/generation.yaml": ("dependencies:", "# edited\ndependencies:"),
        "envs/posts.yaml": ("dependencies:", "# edited\ndependencies:"),
        "data/instrument.yaml": ("items:", "# edited\nitems:"),
    }
    config = fielded_config(fielded) | {"seed": 1, "title": "Another", "cache": "another_cache"}
    config["sources"]["smollm2_nf4"] |= {"title": "Another name", "shards": 3}
    config["studies"]["study1"]["sources"].reverse()
    config["studies"]["study1"]["models"] = {"deciding": {"formula": "rating ~ source + (1 | rater_id)"}}
    path = fielded.write_config("changed", config)
    kept = {name: fielded.read(name) for name in edits}
    made = [f"results/fielded/{study}/{part}" for study in STUDIES for part in PARTS]
    elsewhere = [*no_torch, "LC_ALL=C", "TZ=Asia/Tokyo", "OMP_NUM_THREADS=2"]
    try:
        for name, (before, after) in edits.items():
            assert before in kept[name]
            (fielded.folder / name).write_text(kept[name].replace(before, after, 1))
        planned = fielded.would_run("--", *made, config=path)
        fielded.snakemake("--forcerun", "thaw_texts", "thaw_records", "--", *made, config=path, before=elsewhere)
    finally:
        for name, text in kept.items():
            (fielded.folder / name).write_text(text)

    assert planned["thaw_texts"] == 2 and not MADE_HERE & set(planned)
    assert contents(fielded) == fielded.bytes
    for study in STUDIES:
        for part in PARTS:
            made = fielded.folder / "results/fielded" / study / part
            assert made.read_bytes() == fielded.bytes[f"{FROZEN}/{study}/{part}"][0]


def test_a_config_that_contradicts_the_frozen_texts_stops_and_says_what_was(fielded):
    config = fielded_config(fielded)
    config["sources"]["smollm2_nf4"]["sampling"]["temperature"] = 0.9
    config["studies"]["study1"]["posts"]["per_domain"] = 1
    path = fielded.write_config("contradicting", config)

    seen = fielded.snakemake("results/fielded/study1/posts.csv", config=path, fails=True)

    assert f"thaw_texts: {FROZEN}/study1: the config says otherwise of these frozen texts: " in seen
    assert "sources > smollm2_nf4 > sampling > temperature was 0.2 at freezing, is 0.9 now" in seen
    assert "posts > per_domain was 2 at freezing, is 1 now" in seen
    assert contents(fielded) == fielded.bytes


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("responses.csv", b"others", "responses.csv was changed: SHA-256 was {}, is "),
        ("generations/smollm2_nf4.jsonl", None, "generations/smollm2_nf4.jsonl is missing (SHA-256 {})"),
        ("notes.txt", b"abc", "notes.txt was not there at freezing (SHA-256 ba7816bf8f01cfea414140de5dae2223b00361a3"),
    ],
)
def test_a_frozen_file_that_is_not_what_it_was_stops_the_run_and_is_named_with_its_hash(fielded, name, content, said):
    file = fielded.folder / FROZEN / "study1" / name
    kept = fielded.bytes.get(f"{FROZEN}/study1/{name}")
    sums = dict(line.split("  ")[::-1] for line in fielded.read(f"{FROZEN}/study1/SHA256SUMS").splitlines())
    try:
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        seen = fielded.snakemake("--until", "thaw_texts", config=fielded.config, fails=True)
    finally:
        file.unlink(missing_ok=True)
        if kept:
            file.write_bytes(kept[0])
            file.chmod(0o444)
            os.utime(file, ns=(kept[1], kept[1]))

    assert f"thaw_texts: {FROZEN}/study1: {said.format(sums.get(name))}" in seen
    assert "Traceback" not in seen and contents(fielded) == fielded.bytes


def test_make_clean_spares_what_was_frozen(frozen, tmp_path):
    shutil.copy(frozen.folder / "Makefile", tmp_path)
    shutil.copytree(frozen.folder / FROZEN, tmp_path / FROZEN)
    (tmp_path / "results").mkdir()

    subprocess.run(["make", "--directory", tmp_path, "clean"], check=True, capture_output=True)

    assert not (tmp_path / "results").exists()
    assert {str(file.relative_to(tmp_path)) for file in (tmp_path / FROZEN).rglob("*") if file.is_file()} == set(
        frozen.bytes
    )


def test_a_second_freeze_after_an_upstream_change_says_no_and_leaves_every_byte_as_root_too(frozen):
    given = frozen.folder / "data/study1/human_responses.csv"
    table = pd.read_csv(given)
    table.loc[0, "text"] = "This is another answer than the one that was frozen, and nobody has rated it."
    table.to_csv(given, index=False)
    before = contents(frozen)

    first = frozen.snakemake("freeze", fails=True)
    again = frozen.snakemake("freeze", fails=True)

    assert "another answer than the one" in frozen.read("results/smoke/study1/responses.csv")
    said = "texts are frozen here already, and stay as they are; those of this run are others (responses.csv)"
    assert f"freeze_texts: {FROZEN}/study1: {said}" in first and f"freeze_texts: {FROZEN}/study1: {said}" in again
    assert contents(frozen) == before
    assert not (frozen.folder / "results/smoke/study1/freeze_receipt.json").exists()
