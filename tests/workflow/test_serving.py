"""A run whose texts come from an endpoint: the embedded model behind `transformers serve`, asked by the real client.

Part of `make test-all` alone.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import jsonschema
import pytest
import yaml
from checkout import ENVIRONMENT
from transformers import AutoTokenizer

pytestmark = pytest.mark.slow

KEY = "sk-of-nobody-0123456789"
WITH_KEY = ["env", f"SERVED_KEY={KEY}"]
RECORDS = "results/served/main/generations/served.jsonl"
MAX_TOKENS = 24


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address):
    """Whether the server is up."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def checkout(new_checkout):
    return new_checkout()


@pytest.fixture(scope="module")
def weights(checkout):
    """The folder of the embedded model's weights."""
    checkout.snakemake("results/smoke/models/smollm2.json")
    return checkout.folder / json.loads(checkout.read("results/smoke/models/smollm2.json"))["folder"]


@pytest.fixture(scope="module")
def address(weights, tmp_path_factory):
    """Where `transformers serve` answers."""
    port = free_port()
    log = tmp_path_factory.mktemp("served") / "log"
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(weights), "--port", str(port)]
    with open(log, "w") as out:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--device", "cpu"],
            env=ENVIRONMENT | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            stdout=out,
            stderr=out,
        )
    try:
        deadline = time.monotonic() + 180
        while not answers(f"http://127.0.0.1:{port}"):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=60)


@pytest.fixture(scope="module")
def config(checkout, weights, address):
    posts = {"file": "data/study1/posts.csv", "per_domain": 1, "origin": "stand_in", "rights": "CC0 1.0"}
    source = {
        "kind": "openai",
        "title": "SmolLM2 behind an endpoint",
        "model": str(weights),
        "licence": "Apache-2.0",
        "base_url": address,
        "key_variable": "SERVED_KEY",
        "samples": 2,
        "sampling": {"temperature": 0.7, "max_tokens": MAX_TOKENS, "seed": "derived"},
        "concurrency": 2,
        "requests_per_minute": 600,
        "max_tokens_total": 10_000,
    }
    study = {"title": "Main", "posts": posts, "posts_may_leave": True, "sources": ["served"]}
    return checkout.write_config("served", {"run": "served", "sources": {"served": source}, "studies": {"main": study}})


@pytest.fixture(scope="module")
def run(checkout, config):
    """The whole run, to its report. Returns what a person saw."""
    return checkout.snakemake(config=config, before=WITH_KEY)


def records(checkout):
    return [json.loads(line) for line in checkout.read(RECORDS).splitlines()]


def test_every_post_and_sample_has_an_answer_and_the_run_its_report(checkout, run):
    made = records(checkout)
    responses = checkout.table("results/served/main/responses.csv")

    assert len(made) == 3 * 2 and not [record for record in made if record["error"]]
    assert [(record["post_id"], record["sample"], record["response_id"]) for record in made] == list(
        responses[["post_id", "sample", "response_id"]].itertuples(index=False, name=None)
    )
    assert set(responses["kind"]) == {"openai"} and set(responses["origin"]) == {"observed"}
    page = checkout.read("results/served/report/report.html")
    assert "asked through an API" in page and "licence: Apache-2.0" in page
    assert "temperature 0.7, max_tokens 24, seed derived, 2 responses a post" in page
    assert "main, served: 6 of 6 requests" in run


def test_tokens_are_counted_as_the_model_s_own_tokenizer_counts_them(checkout, weights, run):
    tokenizer = AutoTokenizer.from_pretrained(weights)

    for record in records(checkout):
        asked = tokenizer.apply_chat_template(record["messages"], add_generation_prompt=True, return_dict=False)
        said = tokenizer(record["raw_text"] or record["text"], add_special_tokens=False)["input_ids"]
        assert record["prompt_tokens"] == len(asked)
        assert (record["finish_reason"], record["new_tokens"]) == ("length", MAX_TOKENS)
        assert len(said) == MAX_TOKENS


def test_the_records_fit_the_schema(checkout, run):
    schema = json.loads(checkout.read("scripts/empathic/records_schema.json"))
    for record in records(checkout):
        jsonschema.Draft202012Validator(schema).validate(record)


def test_made_again_from_its_records_it_asks_nothing_and_needs_no_key(checkout, config, run):
    before = checkout.read(RECORDS)

    checkout.snakemake("--forcerun", "request_responses", "--", RECORDS, config=config)

    assert checkout.read(RECORDS) == before
    log = checkout.read("logs/served/request_responses/main.served.log")
    assert "6 of 6 responses are there already" in log


def test_the_key_is_in_no_file_and_was_not_shown(checkout, run):
    places = ("results", "logs", "benchmarks", "cache/records", ".snakemake")
    written = [file for place in places for file in (checkout.folder / place).rglob("*") if file.is_file()]

    assert len(written) > 20
    assert not [file for file in written if KEY.encode() in file.read_bytes()]
    assert KEY not in run


def test_posts_do_not_leave_where_the_study_does_not_say_so(checkout, config):
    kept = yaml.safe_load(checkout.read(config))
    kept["studies"]["main"]["posts_may_leave"] = False

    seen = checkout.snakemake(config=checkout.write_config("kept", kept), fails=True)

    assert "studies > main: source 'served' sends the posts to an API" in seen and "Traceback" not in seen


def test_without_its_key_the_run_stops_with_one_message(checkout, config):
    fresh = yaml.safe_load(checkout.read(config)) | {"run": "fresh", "cache": "fresh_cache"}

    seen = checkout.snakemake(config=checkout.write_config("fresh", fresh), fails=True)

    assert "request_responses: environment variable SERVED_KEY: it is not set" in seen and "Traceback" not in seen


def test_two_kinds_in_one_study_are_generated_each_by_its_own_rule(checkout):
    both = yaml.safe_load(checkout.read("configs/smoke.yaml")) | {"run": "both"}
    both["sources"]["gpt"] = {"kind": "openai", "title": "GPT", "model": "gpt-x", "licence": "its terms"}
    both["studies"]["study2"] |= {"sources": ["smollm2_nf4", "gpt"], "posts_may_leave": True}

    jobs = checkout.would_run("--", "results/both/study2/responses.csv", config=checkout.write_config("both", both))

    assert jobs == {
        "prepare_posts": 1,
        "fetch_model": 1,
        "generate_responses": 1,
        "request_responses": 1,
        "gather_generations": 2,
        "gather_responses": 1,
    }
