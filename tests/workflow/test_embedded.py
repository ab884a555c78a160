"""The default model in each precision: no text depends on what else is answered. Part of `make test-all` alone."""

import json
import random
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from empathic import generation, prompts, records, settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def posts(smoke):
    return pd.read_csv(smoke.folder / "data/study2/posts.csv").groupby("domain").head(1)


@pytest.fixture(scope="module")
def requests_of(smoke, posts):
    """The arm of the smoke run in another precision, and what it is asked: six posts of Study 2."""
    torch.set_num_threads(1)
    config = settings.read(yaml.safe_load(smoke.read("configs/smoke.yaml")))
    manifest = json.loads(smoke.read("results/smoke/models/smollm2.json"))
    manifest["folder"] = str(smoke.folder / manifest["folder"])

    def of(quantization):
        source = config["sources"]["smollm2_nf4"] | {"quantization": quantization, "batch_size": 4}
        template = prompts.read(Path(smoke.folder, source["prompt"]))
        arm = generation.Arm("study2", "smollm2", source, manifest, template, config["seed"])
        return arm, generation.request_all(posts, arm, generation.tokenizer_of(manifest))

    return of


@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_shards_and_an_interruption_change_no_text_of_the_default_model(requests_of, posts, tmp_path, quantization):
    arm, _ = requests_of(quantization)

    def texts(cache, shard=(1, 1)):
        listed = generation.answer(posts, arm, cache, f"run.{shard[0]}of{shard[1]}", shard, lambda line: None)
        found = records.look_up(arm.records_in(cache), pytest.fail)
        return {found[key]["post_id"]: found[key]["text"] for key in listed["key"]}

    whole = texts(tmp_path)
    assert texts(tmp_path / "two", (2, 2)) | texts(tmp_path / "two", (1, 2)) == whole
    # As a kill in mid-write leaves it.
    [file] = arm.records_in(tmp_path).glob("*.jsonl")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert texts(tmp_path) == whole


@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_order_neighbours_and_solitude_change_no_text_of_the_default_model(requests_of, quantization):
    arm, asked = requests_of(quantization)
    model = generation.load(arm.manifest, arm.source)
    tokenizer = generation.tokenizer_of(arm.manifest)

    def tokens(prompts):
        decoder = generation.decoder_of(arm, model, tokenizer, arm.source["batch_size"])
        return {text.prompt.key: text.tokens for text in decoder.answer(prompts)}

    together = tokens([request.prompt for request in asked])

    assert len(together) == 6 and len({tuple(text) for text in together.values()}) == 6
    assert tokens([request.prompt for request in random.Random(3).sample(asked, 6)]) == together
    for request in asked[:2]:
        assert tokens([request.prompt]) == {request.record["key"]: together[request.record["key"]]}
