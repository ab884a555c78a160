"""Runs cut short, run twice, run without a network or in another order: no text is lost, and none changes."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
import yaml
from checkout import end, network_off, wait_for

pytestmark = pytest.mark.own_run

POSTS = 6


@pytest.fixture(scope="module")
def checkout(new_checkout):
    return new_checkout()


def config(checkout, run, **of_source):
    """A run of one study and one source that decodes post by post, with a cache of records of its own."""
    made = yaml.safe_load(checkout.read("configs/smoke.yaml"))
    study = made["studies"]["study1"]
    made["sources"] = {
        "smollm2_fp32": made["sources"]["smollm2_fp32"]
        | {"batch_size": 1, "sampling": {"max_new_tokens": 24}}
        | of_source
    }
    made["studies"] = {"study1": {"title": study["title"], "posts": study["posts"], "sources": ["smollm2_fp32"]}}
    made |= {"run": run, "claims": [], "cache": f"cache_{run}"}
    checkout.share_weights(f"cache_{run}")
    return checkout.write_config(run, made)


def target(run):
    return f"results/{run}/study1/generations/smollm2_fp32.jsonl"


def made_by(checkout, run):
    return {
        record["post_id"]: (record["text"], record["new_tokens"])
        for record in map(json.loads, checkout.read(target(run)).splitlines())
    }


def on_disk(checkout, run):
    """The whole lines of a run's records: a killed writer may leave half of one more."""
    files = (checkout.folder / f"cache_{run}" / "records").rglob("*.jsonl")
    return [
        line for file in sorted(files) for line in file.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"
    ]


@pytest.fixture(scope="module")
def uninterrupted(checkout):
    checkout.snakemake(target("whole"), config=config(checkout, "whole"))
    return made_by(checkout, "whole")


def scripts_of(process):
    return [child for child in psutil.Process(process.pid).children(recursive=True) if child.is_running()]


@pytest.mark.parametrize(
    ("run", "how", "group"),
    [
        ("kill9", signal.SIGKILL, False),
        ("sigint", signal.SIGINT, True),
        pytest.param("sigterm", signal.SIGTERM, False, marks=pytest.mark.slow),
    ],
)
def test_a_run_cut_short_is_started_again_and_ends_with_the_same_texts(checkout, uninterrupted, run, how, group):
    path = config(checkout, run)
    process = checkout.start(target(run), config=path)
    try:
        wait_for(lambda: len(on_disk(checkout, run)) >= 2, 900, "two records")
        scripts = scripts_of(process)
        end(process, how, group=group)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    wait_for(lambda: not any(script.is_running() for script in scripts), 180, "the scripts to end")
    assert scripts and process.returncode != 0
    saved = on_disk(checkout, run)
    # After SIGTERM Snakemake waits for its running jobs; the other two end them.
    assert 2 <= len(saved) < POSTS + (how == signal.SIGTERM)

    if how == signal.SIGKILL:  # Snakemake could not take its own lock away; after the others a second start is enough.
        assert "--unlock" in checkout.snakemake(target(run), config=path, fails=True)
        unlock = [sys.executable, "scripts/unlock.py", "--cache", f"cache_{run}", "--"]
        snakemake = [sys.executable, "-m", "snakemake", "--configfile", path]
        subprocess.run([*unlock, *snakemake], cwd=checkout.folder, check=True)
    checkout.snakemake(target(run), config=path)

    made = [line for line in on_disk(checkout, run) if line not in saved]
    assert len(made) == POSTS - len(saved), "what was saved is not made again"
    assert made_by(checkout, run) == uninterrupted


def test_shards_change_no_text_and_need_no_network_where_it_can_be_taken_away(checkout, uninterrupted):
    path = config(checkout, "sharded", shards=3)
    checkout.snakemake("--until", "fetch_model", config=path)

    checkout.snakemake(target("sharded"), config=path, before=network_off())

    assert made_by(checkout, "sharded") == uninterrupted
    assert len(list((checkout.folder / "cache_sharded/records/study1/smollm2_fp32").glob("*.jsonl"))) == 3


def test_texts_without_raters_give_a_report_that_awaits_ratings(checkout, uninterrupted):
    checkout.snakemake(config="configs/whole.yaml")

    assert "awaiting ratings" in checkout.read("results/whole/report/report.html").lower()


def test_a_record_that_has_gone_is_named_with_the_command_that_makes_it_again(checkout, uninterrupted):
    [file] = (checkout.folder / "cache_whole" / "records").rglob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[1:]))
    try:
        seen = checkout.snakemake(
            "--forcerun", "gather_generations", "--", target("whole"), config="configs/whole.yaml", fails=True
        )
    finally:
        file.write_bytes(b"".join(lines))

    assert "1 of 6 records are no longer there" in seen
    assert "snakemake --cores all --forcerun results/whole/study1/shards/smollm2_fp32.1of1.csv" in seen
