"""From posts to records with a real, tiny model: nothing is made twice, and what determines a text is its key."""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
import torch
from tiny_model import END, TEMPLATE, make_tokenizer, manifest, save
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from empathic import generation, ids, records, settings, tables
from empathic.errors import InputError

ROOT = Path(__file__).parents[2]
POSTS = tables.POSTS.frame(
    {"post_id": f"p{n}", "domain": "d", "text": "I am sad. " * (1 + 2 * n), "origin": "observed"} for n in range(5)
)
PROMPT = "Reply to: {post}"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of weights, and its manifest."""
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    return folder, save(folder)


@pytest.fixture
def own(tmp_path):
    """Weights of its own for a test that spoils them."""
    return tmp_path / "tiny", save(tmp_path / "tiny")


def arm(manifest, *, seed=7, template=PROMPT, study="s", name="a", redraw=None, **source):
    given = {"kind": "transformers", "title": "Tiny", "model": "tiny", "quantization": "none", "batch_size": 4}
    given |= {"context": 320, "sampling": {"max_new_tokens": 8, "temperature": 0.9}} | source
    read = settings.TransformersSource.model_validate(given).model_dump(mode="json")
    return generation.Arm(study, name, read, manifest, template, seed, redraw)


def answer(arm, cache, shard=(1, 1), posts=POSTS, writer=None, said=None):
    """Returns the table and the texts, by post and sample, of what a job listed."""
    say = said.append if said is not None else (lambda line: None)
    listed = generation.answer(posts, arm, cache, writer or f"run.{shard[0]}of{shard[1]}", shard, say)
    found = records.look_up(arm.records_in(cache), pytest.fail)
    return listed, {(found[key]["post_id"], found[key]["sample"]): found[key]["text"] for key in listed["key"]}


def lines(arm, cache):
    """All records of an arm, as they lie on the disk."""
    files = sorted(arm.records_in(cache).glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def refusal(arm, cache, posts=POSTS):
    with pytest.raises(InputError) as error:
        answer(arm, cache, posts=posts)
    return str(error.value)


def test_a_record_says_what_was_asked_how_and_what_came_of_it(made, tmp_path):
    folder, weights = made
    one = arm(weights)

    answer(one, tmp_path, posts=POSTS[:1])

    (record,) = lines(one, tmp_path)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    rendered = "<|im_start|>user\nReply to: I am sad. <|im_end|>\n<|im_start|>assistant\n"
    tokens = tokenizer(rendered)["input_ids"]
    opening = len(tokenizer("<|im_start|>user\nReply to: ")["input_ids"])
    expected = {
        "key": records.key(record),
        "kind": "transformers",
        "attempts": 1,
        "study": "s",
        "source": "a",
        "post_id": "p0",
        "sample": 0,
        "weights_sha256": weights["weights_sha256"],
        "stop_tokens": [END],
        "messages": [{"role": "user", "content": "Reply to: I am sad. "}],
        "sampling": one.source["sampling"],
        "quantization": "none",
        "double_quantization": None,
        "compute_dtype": "float32",
        "device": "cpu",
        "batch_size": 4,
        "context": 320,
        "pad_to": 64,
        "seed": ids.seed(7, "s", "a", "p0", 0),
        "sampler_version": generation.SAMPLER_VERSION,
        "error": None,
        "prompt_file": "data/prompts/base.md",
        "model": "tiny",
        "model_title": "Tiny",
        "model_id": "tiny",
        "revision": None,
        "licence": "none",
        "threads": 1,
        "batch_size_run": 4,
        "prompt_tokens": len(tokens),
        "opening_tokens": opening,
        "padded_tokens": 64 * -(-(len(tokens) - opening) // 64),
    }
    assert {name: record[name] for name in expected} == expected
    assert record["text"] == (record["raw_text"] or record["text"]).strip() != ""
    assert record["finish_reason"] in ("stop", "length")
    assert 1 <= record["new_tokens"] <= 8
    assert record["versions"]["torch"] == torch.__version__
    assert record["host"] and record["device_name"]
    started, ended = (datetime.fromisoformat(record[name]) for name in ("started", "ended"))
    assert started <= ended
    assert started.utcoffset().total_seconds() == 0
    assert set(records.DETERMINING["transformers"]) <= set(record)


def test_the_table_lists_the_records_in_the_order_of_posts_and_samples(made, tmp_path):
    posts = POSTS.iloc[[3, 0, 4]]

    listed, texts = answer(arm(made[1], samples=2), tmp_path, posts=posts)

    assert listed[["post_id", "sample"]].to_dict("split")["data"] == [
        ["p3", 0], ["p3", 1], ["p0", 0], ["p0", 1], ["p4", 0], ["p4", 1],
    ]  # fmt: skip
    found = records.look_up(tmp_path / "records" / "s" / "a", pytest.fail)
    assert listed["sha256"].tolist() == [records.fingerprint(found[key]) for key in listed["key"]]
    assert texts["p3", 0] != texts["p3", 1]


def test_a_second_call_loads_no_model_and_writes_nothing(own, tmp_path):
    folder, weights = own
    first, texts = answer(arm(weights), tmp_path)
    before = lines(arm(weights), tmp_path)
    (folder / "model.safetensors").unlink()  # Nothing can be loaded any more.
    said = []

    second, again = answer(arm(weights), tmp_path, said=said)

    assert again == texts
    assert second.equals(first)
    assert said == ["s, a: 5 of 5 responses are there already"]
    assert lines(arm(weights), tmp_path) == before
    with pytest.raises(InputError, match="model.safetensors: this file of the weights is gone"):
        answer(arm(weights, seed=8), tmp_path)


@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_one_job_or_three_write_the_same_texts_and_each_finds_the_others_work(made, tmp_path, quantization):
    one = arm(made[1], quantization=quantization)
    _, texts = answer(one, tmp_path / "one")

    parts = [answer(one, tmp_path / "three", (k, 3))[1] for k in (3, 1, 2)]

    assert sorted(len(part) for part in parts) == [1, 2, 2]
    assert {post: text for part in parts for post, text in part.items()} == texts
    said = []
    assert answer(one, tmp_path / "three", said=said)[1] == texts
    assert said == ["s, a: 5 of 5 responses are there already"]


def test_in_eight_bits_the_log_is_not_filled_with_a_warning_at_every_product(made, tmp_path, caplog):
    answer(arm(made[1], quantization="int8"), tmp_path)

    assert "will be cast" not in caplog.text


def test_a_job_without_a_share_lists_nothing_and_needs_no_model(made, tmp_path):
    listed, _ = answer(arm(made[1]), tmp_path, (1, 9), posts=POSTS[:2])

    assert list(listed) == ["key", "post_id", "sample", "sha256"]
    assert len(listed) == 0
    assert not (tmp_path / "records").exists()


@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_a_record_that_was_deleted_is_made_again_alone_with_the_same_text(made, tmp_path, quantization):
    one = arm(made[1], quantization=quantization)
    _, texts = answer(one, tmp_path)
    (file,) = one.records_in(tmp_path).glob("*.jsonl")
    kept = file.read_text(encoding="utf-8").splitlines(keepends=True)
    gone = json.loads(kept.pop(2))
    file.write_text("".join(kept), encoding="utf-8")
    said = []

    assert answer(one, tmp_path, said=said)[1] == texts

    assert said[0] == "s, a: 4 of 5 responses are there already"
    assert [record["key"] for record in lines(one, tmp_path)][4:] == [gone["key"]]
    assert "".join(kept) in file.read_text(encoding="utf-8")


def test_a_changed_post_is_answered_anew_and_no_other(made, tmp_path):
    _, texts = answer(arm(made[1]), tmp_path)
    posts = POSTS.copy()
    posts.loc[1, "text"] = "I am glad. "

    said = []
    _, after = answer(arm(made[1]), tmp_path, posts=posts, said=said)

    assert said[0] == "s, a: 4 of 5 responses are there already"
    assert {post for post in texts if after[post] != texts[post]} <= {("p1", 0)}
    assert {post for post in texts if after[post] == texts[post]} >= {(f"p{n}", 0) for n in (0, 2, 3, 4)}


def keys(arm):
    """The keys that a record of each post would have."""
    tokenizer = make_tokenizer()
    return [request.record["key"] for request in generation.request_all(POSTS, arm, tokenizer)]


# Every setting of a source: another value, and whether a text depends on it.
SETTINGS = {
    "title": ("Other", False),
    "model": ("other", False),  # The weights' own hash counts, not what a config calls them.
    "prompt": ("other.md", False),  # What it holds counts, not where it lies.
    "shards": (3, False),
    "quantization": ("nf4", True),
    "compute_dtype": ("bfloat16", True),
    "device": ("cuda", True),
    "batch_size": (5, True),
    "context": (384, True),
    "redraws": (2, False),  # What the rule makes of it and of the words asked for counts: see the test below.
}
SAMPLING = {"max_new_tokens": 9, "temperature": 0.8, "top_p": 0.5, "top_k": 3, "repetition_penalty": 1.2}


@pytest.mark.parametrize(("name", "value", "counts"), [(name, *entry) for name, entry in SETTINGS.items()])
def test_a_setting_makes_the_records_stale_if_a_text_depends_on_it(made, name, value, counts):
    assert (keys(arm(made[1], **{name: value})) != keys(arm(made[1]))) == counts


@pytest.mark.parametrize(("name", "value"), SAMPLING.items())
def test_every_setting_of_sampling_makes_the_records_stale(made, name, value):
    sampling = {"max_new_tokens": 8, "temperature": 0.9}

    assert keys(arm(made[1], sampling=sampling | {name: value})) != keys(arm(made[1], sampling=sampling))


def test_quantized_constants_count_in_four_bit_alone(made):
    def with_constants(kind, double):
        return keys(arm(made[1], quantization=kind, double_quantization=double))

    assert with_constants("nf4", True) != with_constants("nf4", False)
    assert with_constants("int8", True) == with_constants("int8", False)
    assert with_constants("none", True) == with_constants("none", False)


def test_redraws_and_the_words_asked_for_make_the_records_stale(made):
    asked = [None, {"words": [1, 5], "draws": 2}, {"words": [1, 6], "draws": 2}, {"words": [1, 5], "draws": 3}]

    assert len({tuple(keys(arm(made[1], redraw=redraw))) for redraw in asked}) == 4


def test_a_response_outside_the_words_asked_for_is_drawn_again_by_seeds_of_its_own(made, tmp_path):
    def words(redraw, folder):
        _, texts = answer(arm(made[1], redraw=redraw), tmp_path / folder, posts=POSTS)
        found = {record["post_id"]: record for record in lines(arm(made[1]), tmp_path / folder)}
        return {post: len(text.split()) for (post, _), text in texts.items()}, found

    first, _ = words(None, "first")
    short = min(first.values())
    within, found = words({"words": [short, short], "draws": 3}, "within")

    for post, record in found.items():
        # The first draw that fits stands; else the last.
        assert record["attempts"] == 1 if first[post] == short else 2 <= record["attempts"] <= 4
        assert within[post] == short or record["attempts"] == 4
    assert any(record["attempts"] > 1 for record in found.values())
    alone, of_it = answer(
        arm(made[1], redraw={"words": [short, short], "draws": 3}), tmp_path / "alone", posts=POSTS[3:4]
    )
    assert of_it["p3", 0] == found["p3"]["text"]
    never, found = words({"words": [900, 901], "draws": 2}, "never")
    assert {record["attempts"] for record in found.values()} == {3}


FOUR_BITS = {"quantization": "fp4", "double_quantization": True, "compute_dtype": "bfloat16"}


@pytest.mark.parametrize(
    "otherwise",
    [
        {"quantization": "nf4"},
        {"quantization": "int8"},
        {"quantization": "none"},
        {"double_quantization": False},
        {"compute_dtype": "float32"},
    ],
    ids=str,
)
def test_each_setting_of_precision_is_at_work_and_stands_in_the_record(made, tmp_path, otherwise):
    def logits(settings):
        one = arm(made[1], **settings)
        model = generation.load(made[1], one.source)
        return one, model(torch.arange(40)[None]).logits[0, -1].float()

    one, usual = logits(FOUR_BITS)
    _, other = logits(FOUR_BITS | otherwise)

    assert usual.isfinite().all() and not torch.equal(usual, other)
    answer(one, tmp_path, posts=POSTS[:1])
    (record,) = lines(one, tmp_path)
    assert {name: record[name] for name in FOUR_BITS} == FOUR_BITS
    assert record["kernel"] == "torch, bfloat16" and record["text"]


def test_with_top_k_of_one_texts_are_greedy_whatever_the_seed(made, tmp_path):
    greedy, drawn = ({"max_new_tokens": 8, "temperature": 5.0, "top_p": 1.0, "top_k": k} for k in (1, 0))

    texts = [answer(arm(made[1], seed=n, sampling=greedy), tmp_path / f"g{n}")[1] for n in (1, 2)]
    others = [answer(arm(made[1], seed=n, sampling=drawn), tmp_path / f"d{n}")[1] for n in (1, 2)]

    assert texts[0] == texts[1] and others[0] != others[1]


def test_two_sources_with_two_prompts_are_asked_in_their_own_words_and_their_records_name_them(made, tmp_path):
    base = arm(made[1], name="base", prompt="data/prompts/base.md")
    warm = arm(made[1], name="warm", prompt="data/prompts/warm.md", template="Be warm.\n---\n{post}")

    for one in (base, warm):
        answer(one, tmp_path, posts=POSTS[:1])

    (of_base,), (of_warm,) = (lines(one, tmp_path) for one in (base, warm))
    assert (of_base["prompt_file"], of_warm["prompt_file"]) == ("data/prompts/base.md", "data/prompts/warm.md")
    assert of_base["prompt_sha256"] == hashlib.sha256(b"Reply to: {post}").hexdigest() != of_warm["prompt_sha256"]
    assert [message["content"] for message in of_base["messages"]] == ["Reply to: I am sad. "]
    assert [message["content"] for message in of_warm["messages"]] == ["Be warm.", "I am sad. "]


def test_more_samples_leave_the_first_as_they_were(made):
    assert set(keys(arm(made[1]))) < set(keys(arm(made[1], samples=3)))


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"template": "Answer: {post}"}, {"study": "t"}, {"name": "b"}], ids=str
)
def test_seed_prompt_study_and_source_make_the_records_stale(made, change):
    assert not set(keys(arm(made[1], **change))) & set(keys(arm(made[1])))


REFUSES = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('Only user and assistant') }}{% endif %}" + TEMPLATE
)
LEAVES_OUT = TEMPLATE.replace(
    "{% for message in messages %}", "{% for message in messages if message.role != 'system' %}"
)


@pytest.mark.parametrize(
    ("template", "roles", "first"),
    [
        (TEMPLATE, ["system", "user"], "You listen."),
        (REFUSES, ["user"], "You listen.\n\nRead: I am sad. "),
        (LEAVES_OUT, ["user"], "You listen.\n\nRead: I am sad. "),
    ],
    ids=["takes it", "refuses it", "leaves it out"],
)
def test_a_model_without_a_system_role_reads_the_system_message_in_the_user_s_turn(made, template, roles, first):
    tokenizer = make_tokenizer()
    tokenizer.chat_template = template
    one = arm(made[1], template="You listen.\n---\nRead: {post}")

    request = generation.request_all(POSTS[:1], one, tokenizer)[0]

    assert [message["role"] for message in request.record["messages"]] == roles
    assert request.record["messages"][0]["content"] == first
    assert "You listen." in tokenizer.decode(request.tokens) and "I am sad." in tokenizer.decode(request.tokens)


def test_the_opening_is_what_all_posts_share_and_does_not_depend_on_them(made):
    one = arm(made[1])
    alike = POSTS.assign(text="I am sad, as they all are. " + POSTS["text"])

    all_alike, one_of_them, others = (
        {request.opening for request in generation.request_all(posts, one, make_tokenizer())}
        for posts in (alike, alike[:1], POSTS)
    )

    assert all_alike == one_of_them == others == {len(make_tokenizer()("<|im_start|>user\nReply to: ")["input_ids"])}


def test_other_weights_another_chat_template_and_another_sampler_make_the_records_stale(made, tmp_path, monkeypatch):
    before = keys(arm(made[1]))
    folder = shutil.copytree(made[0], tmp_path / "x")
    described = {"name": "x", "title": "x", "licence": "x", "note": "x", "model_id": "x", "revision": "x"}
    described |= {"folder": str(folder), "files": {}}

    assert keys(arm(made[1] | described)) == before
    assert keys(arm(made[1] | {"weights_sha256": "0" * 64})) != before
    tokenizer = make_tokenizer()
    tokenizer.chat_template = TEMPLATE.replace("assistant\n", "assistant:\n")
    other = [request.record["key"] for request in generation.request_all(POSTS, arm(made[1]), tokenizer)]
    assert not set(other) & set(before)
    monkeypatch.setattr(generation, "SAMPLER_VERSION", generation.SAMPLER_VERSION + 1)
    assert not set(keys(arm(made[1]))) & set(before)


def test_every_setting_of_a_source_was_tried():
    tried = {*SETTINGS, "kind", "sampling", "double_quantization", "samples"}

    assert tried == set(settings.TransformersSource.model_fields)
    assert set(SAMPLING) == set(settings.Sampling.model_fields)


def test_stale_records_stay_and_new_ones_are_made_beside_them(made, tmp_path):
    answer(arm(made[1]), tmp_path)
    answer(arm(made[1], sampling={"max_new_tokens": 9}), tmp_path)
    said = []

    answer(arm(made[1]), tmp_path, said=said)

    assert said == ["s, a: 5 of 5 responses are there already"]
    assert len(lines(arm(made[1]), tmp_path)) == 10


def test_changed_weights_are_refused_before_anything_is_written(own, tmp_path):
    folder, weights = own
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)

    message = refusal(arm(weights), tmp_path)

    assert message.startswith(f"{folder}/model.safetensors: this file of the weights has SHA-256 ")
    assert weights["files"]["model.safetensors"]["sha256"] in message
    assert lines(arm(weights), tmp_path) == []


@pytest.mark.parametrize("file", ["config.json", "generation_config.json", "tokenizer.json", "vocab.json"])
def test_another_config_or_tokenizer_in_a_lab_s_own_folder_makes_the_records_stale(own, file):
    folder, weights = own
    before = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    (folder / file).write_text(json.dumps(before | {"note": "edited"}))

    assert not set(keys(arm(manifest(folder)))) & set(keys(arm(weights)))


def test_weights_that_are_gone_are_one_message(made, tmp_path):
    message = refusal(arm(made[1] | {"folder": str(tmp_path / "gone")}), tmp_path)

    assert message == (
        f"{tmp_path}/gone: the weights of Tiny are gone. "
        "Fetch them again: snakemake --cores 1 --forcerun fetch_model (model tiny)."
    )


def test_a_model_without_a_chat_template_is_refused(own, tmp_path):
    folder, _ = own
    tokenizer = make_tokenizer()
    tokenizer.chat_template = None
    (folder / "chat_template.jinja").unlink()
    tokenizer.save_pretrained(folder)

    assert refusal(arm(manifest(folder)), tmp_path) == (
        f"{folder}: the model has no chat template. Take an instruct or chat model."
    )


def test_a_context_that_is_too_small_names_the_post_and_what_it_needs(made, tmp_path):
    tokens = max(len(request.tokens) for request in generation.request_all(POSTS, arm(made[1]), make_tokenizer()))
    generation.request_all(POSTS, arm(made[1], context=tokens + 8), make_tokenizer())

    assert refusal(arm(made[1], context=tokens + 7), tmp_path) == (
        f"source 'a': post 'p4' of s needs a context of {tokens + 8} tokens ({tokens} of prompt, and max_new_tokens), "
        f"the source has {tokens + 7}. "
        "Raise `context` of the source, which makes all its texts anew, or shorten the post."
    )
    assert not (tmp_path / "records").exists()


def test_a_context_beyond_what_the_model_was_made_for_is_refused_before_it_is_loaded(own, tmp_path):
    folder, weights = own
    answer(arm(weights, context=1024), tmp_path, posts=POSTS[:1])
    (folder / "model.safetensors").write_bytes(b"none")

    assert refusal(arm(weights, context=1025), tmp_path) == (
        "source 'a': its context is 1025 tokens, and Tiny was made for 1024 (max_position_embeddings). "
        "Set `context` to 1024 or less."
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is visible here")
def test_a_gpu_that_is_not_there_is_one_message(made, tmp_path):
    assert refusal(arm(made[1], device="cuda"), tmp_path) == (
        "device: cuda: no GPU is visible to this job. Set device: cpu, or run where nvidia-smi lists one."
    )


def test_a_model_whose_attention_slides_is_refused(own, tmp_path):
    folder, _ = own
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mistral", "architectures": ["MistralForCausalLM"], "sliding_window": 32}
    (folder / "config.json").write_text(json.dumps(config))

    assert f"{folder}: its attention slides over windows of 32 tokens" in refusal(arm(manifest(folder)), tmp_path)


def test_weights_that_are_pickled_are_not_loaded(own, tmp_path):
    folder, _ = own
    torch.save(LlamaForCausalLM.from_pretrained(folder).state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").rename(folder / "adapter.safetensors")

    with pytest.raises(OSError, match="safetensors"):
        answer(arm(manifest(folder)), tmp_path)


@pytest.mark.parametrize(
    ("says", "finish", "raw"), [("<|im_end|>", "stop", None), (" ", "length", " " * 8)], ids=["nothing", "blanks"]
)
def test_an_empty_answer_is_a_record_with_an_error_and_the_run_goes_on(own, tmp_path, says, finish, raw):
    folder, _ = own
    model = LlamaForCausalLM.from_pretrained(folder)
    token = END if says == "<|im_end|>" else make_tokenizer()(says)["input_ids"][0]
    with torch.no_grad():
        # The last layer's output counts for nothing; the head is the same for all that was read.
        model.model.norm.weight.zero_()
        model.model.norm.weight[0] = 1.0
        model.lm_head.weight.zero_()
        for layer in model.model.layers:
            layer.mlp.down_proj.weight.zero_()
            layer.self_attn.o_proj.weight.zero_()
        model.model.embed_tokens.weight[:, 0] = 5.0
        model.lm_head.weight[token, 0] = 100.0
    model.save_pretrained(folder)
    one = arm(manifest(folder), sampling={"max_new_tokens": 8, "repetition_penalty": 1.0})

    listed, _ = answer(one, tmp_path)

    found = lines(one, tmp_path)
    assert len(listed) == len(found) == 5
    for record in found:
        assert (record["text"], record["raw_text"], record["finish_reason"]) == ("", raw, finish)
        assert record["error"] == "the model gave an empty answer"
    said = []
    answer(one, tmp_path, said=said)
    assert said == ["s, a: 5 of 5 responses are there already"]  # It would say the same again.


def test_a_package_that_brings_kernels_of_its_own_is_said_and_stands_in_the_records(made, tmp_path, monkeypatch):
    said = []
    answer(arm(made[1]), tmp_path / "without", said=said)
    assert not any("kernels" in line for line in said)

    installed = tmp_path / "installed"
    (installed / "kernels").mkdir(parents=True)
    (installed / "kernels" / "__init__.py").touch()
    (installed / "kernels-9.8.dist-info").mkdir()
    (installed / "kernels-9.8.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: kernels\nVersion: 9.8\n"
    )
    monkeypatch.syspath_prepend(str(installed))
    answer(arm(made[1]), tmp_path / "with", said=said)

    assert [line for line in said if "kernels" in line] == [
        "s, a: the package `kernels` (9.8) is installed, which may bring kernels of its own: texts may differ from "
        "those made without it. Each record names it"
    ]
    assert {record["kernels"] for record in lines(arm(made[1]), tmp_path / "with")} == {"9.8"}


def test_who_watches_is_told_how_far_it_is(made, tmp_path):
    said = []

    answer(arm(made[1]), tmp_path, said=said)

    assert said[:2] == ["s, a: 0 of 5 responses are there already", "s, a: loading Tiny (none)"]
    assert re.fullmatch(r"s, a: 5 of 5 responses, \d+ tokens/s, about 0 s left", said[-1])


def test_progress_is_told_every_ten_seconds_with_rate_and_time_left(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    said = []
    progress = generation.Progress("s, a", 4, said.append)

    for second in range(1, 26):
        clock[0] = second
        progress.step(30)
        if second == 12:
            progress.done()

    assert said == [
        "s, a: 0 of 4 responses, 30 tokens/s",
        "s, a: 1 of 4 responses, 30 tokens/s, about 60 s left",
    ]


@pytest.mark.parametrize(("says", "ends"), [([4, 3], [3, 4, END]), (5, [5, END]), (None, [END])], ids=str)
@pytest.mark.parametrize("file", ["generation_config.json", "config.json"])
def test_a_stop_token_of_the_model_or_of_the_tokenizer_ends_a_text(own, file, says, ends):
    folder, weights = own
    said = json.loads((folder / file).read_text())
    if file == "config.json":
        (folder / "generation_config.json").unlink()  # Then the model's own config counts.
    (folder / file).write_text(json.dumps(said | {"eos_token_id": says}))

    assert generation.stop_tokens(weights, make_tokenizer()) == ends
    model = generation.load(manifest(folder), arm(weights).source)
    decoder = generation.decoder_of(arm(weights), model, make_tokenizer(), 1)
    assert decoder._stop == set(ends)


def test_other_stop_tokens_alone_make_the_records_stale(own):
    folder, weights = own
    before = keys(arm(weights))
    said = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(said | {"eos_token_id": [3, END]}))

    assert not set(keys(arm(weights))) & set(before)  # with the hash of the weights as it was


def test_a_folder_without_a_tokenizer_is_one_message(own, tmp_path):
    folder, _ = own
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).unlink()

    message = refusal(arm(manifest(folder)), tmp_path)

    assert message.startswith(f"{folder}: it holds no tokenizer that transformers can read (")
    assert message.endswith(
        "). Put the tokenizer's files beside the weights, as its save_pretrained writes them (tokenizer.json, "
        "tokenizer_config.json)."
    )
    assert "\n" not in message


def test_shares_are_alike_in_size_hold_all_and_keep_like_lengths_together(made):
    requests = generation.request_all(POSTS, arm(made[1], samples=3), make_tokenizer())

    shares = [generation.share(reversed(requests), k, 4) for k in (1, 2, 3, 4)]

    assert [len(share) for share in shares] == [3, 4, 4, 4]
    assert {request.record["key"] for share in shares for request in share} == {r.record["key"] for r in requests}
    lengths = [len(request.tokens) for share in shares for request in share]
    assert lengths == sorted(lengths, reverse=True)


def test_an_arm_keeps_its_records_apart_from_those_of_others(made, tmp_path):
    one = arm(made[1], study="study1", name="tiny_nf4")

    assert one.records_in(tmp_path) == tmp_path / "records" / "study1" / "tiny_nf4"
    assert dataclasses.replace(one, name="b").records_in(tmp_path) != one.records_in(tmp_path)


SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
from test_generation import POSTS, arm, generation
from tiny_model import save

manifest = save(Path(sys.argv[1]) / "tiny", positions=8_000_000)
warm = arm(manifest, batch_size=2)
generation.answer(POSTS[:1], warm, Path(sys.argv[1]) / "warm", "run", (1, 1), print)  # what is loaded once is loaded
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (400 << 20),) * 2)
one = arm(manifest, batch_size=int(sys.argv[2]), context=int(sys.argv[3]))
generation.answer(POSTS, one, Path(sys.argv[1]), "run", (1, 1), print)
"""


def in_a_process(program, *given):
    paths = f"{ROOT / 'scripts'}:{ROOT / 'tests/unit'}"
    command = [sys.executable, "-c", program, *map(str, given)]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True)


def short_of_memory(folder, rows, context):
    return in_a_process(SHORT_OF_MEMORY, folder, rows, context)


def test_where_memory_is_short_rows_are_halved_and_the_records_say_so(tmp_path):
    # A row of this context takes 4 MB in two layers of keys and values: 64 rows are too many, some part of them not.
    done = short_of_memory(tmp_path, 64, 16384)

    assert done.returncode == 0, done.stderr
    assert "s, a: out of memory; going on with 32 rows for 64." in done.stdout
    made = lines(arm(save(tmp_path / "again")), tmp_path)
    assert len(made) == 5 and {record["batch_size"] for record in made} == {64}
    assert {record["batch_size_run"] for record in made} <= {32, 16, 8, 4}


def test_where_one_row_is_too_much_that_is_said(tmp_path):
    done = short_of_memory(tmp_path, 2, 4_000_000)

    assert done.returncode
    assert "the memory is too small for one row and a context of 4000000 tokens. Lower `context`" in done.stderr


TOO_LARGE = """
import resource, sys
from pathlib import Path
from test_generation import POSTS, arm, generation
from tiny_model import save

place = Path(sys.argv[1])
large = save(place / "large", hidden=1024, layers=4)
generation.answer(POSTS[:1], arm(save(place / "tiny")), place / "warm", "run", (1, 1), print)
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (60 << 20),) * 2)
generation.answer(POSTS, arm(large), place, "run", (1, 1), print)
"""


def test_where_even_the_weights_are_too_large_that_is_said_with_the_device(tmp_path):
    done = in_a_process(TOO_LARGE, tmp_path)

    assert done.stderr.splitlines()[-1] == (
        "empathic.errors.InputError: source 'a': the memory is too small for the weights of Tiny (device: cpu, "
        "quantization: none, compute_dtype: float32). Take a smaller quantization (int8, nf4), a smaller model, "
        "another device, or more memory (mem_mb on a cluster); each but the last makes the source's texts anew."
    )


@contextlib.contextmanager
def steps(fault):
    """Call `fault` with the number of each decoding step, from 1, and its rows: it raises what a lack of memory would.

    The tokens of a step come in one a row; a prompt that is read is one row of many tokens.
    """
    count = 0

    def before(module, given):
        nonlocal count
        if isinstance(module, torch.nn.Embedding) and given[0].shape[1] == 1:
            count += 1
            fault(count, given[0].shape[0])

    handle = torch.nn.modules.module.register_module_forward_pre_hook(before)
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["torch", "python", "cpu", "cublas"],
)
def test_any_lack_of_memory_halves_the_rows(made, tmp_path, error):
    def fault(number, rows):
        if rows > 2:
            raise error

    said = []
    with steps(fault):
        _, texts = answer(arm(made[1]), tmp_path / "short", said=said)

    assert [line for line in said if "out of memory" in line] == [
        "s, a: out of memory; going on with 2 rows for 4. These texts may differ from those that batch_size gives: the "
        "report counts them"
    ]
    assert {record["batch_size_run"] for record in lines(arm(made[1]), tmp_path / "short")} == {2}
    assert texts == answer(arm(made[1]), tmp_path / "usual")[1]


def test_another_error_in_a_step_is_no_lack_of_memory(made, tmp_path):
    def fault(number, rows):
        raise RuntimeError("shapes cannot be multiplied")

    with steps(fault), pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        answer(arm(made[1]), tmp_path)


def test_a_text_that_ended_before_memory_was_short_is_kept_and_the_others_begin_anew(own, tmp_path):
    folder, weights = own
    greedy = {"max_new_tokens": 8, "top_k": 1, "repetition_penalty": 1.0}
    one = arm(weights, batch_size=5, sampling=greedy)
    tokenizer = make_tokenizer()
    requests = generation.request_all(POSTS, one, tokenizer)
    model = generation.load(weights, one.source)
    texts = generation.decoder_of(one, model, tokenizer, 5).answer([request.prompt for request in requests])
    begins = {text.prompt.key: text.tokens[0] for text in texts}
    firsts = [begins[request.record["key"]] for request in requests]
    end = next(token for token in firsts if firsts.count(token) < len(firsts))
    said = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(said | {"eos_token_id": [end]}))
    early = {f"p{n}" for n, token in enumerate(firsts) if token == end}

    def fault(number, rows):
        if rows > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    one = arm(manifest(folder), batch_size=5, sampling=greedy)
    with steps(fault):
        answer(one, tmp_path)

    found = {record["post_id"]: record for record in lines(one, tmp_path)}
    assert len(lines(one, tmp_path)) == len(found) == 5
    assert {post: record["batch_size_run"] for post, record in found.items()} == {
        f"p{n}": 5 if f"p{n}" in early else 2 for n in range(5)
    }


def test_a_text_that_is_drawn_again_after_memory_was_short_has_the_attempts_and_seeds_of_one_that_was_not(
    made, tmp_path
):
    one = arm(made[1], redraw={"words": [900, 901], "draws": 2})

    def fault(number, rows):
        if rows > 2 and number == 12:  # when the first draws, of 8 tokens each at most, have ended
            raise torch.OutOfMemoryError("CUDA out of memory")

    with steps(fault):
        _, texts = answer(one, tmp_path / "short")

    assert {record["batch_size_run"] for record in lines(one, tmp_path / "short")} == {2}
    assert {record["attempts"] for record in lines(one, tmp_path / "short")} == {3}
    assert texts == answer(one, tmp_path / "usual")[1]


LONG_JOB = """
import sys
from pathlib import Path
from test_generation import POSTS, arm, generation
from tiny_model import manifest

one = arm(manifest(Path(sys.argv[1])), context=1024, sampling={"max_new_tokens": 600})
generation.answer(POSTS, one, Path(sys.argv[2]), "run.1of1", (1, 1), lambda line: None)
"""


def test_a_second_job_on_the_same_records_is_refused_with_host_and_process_of_the_first(made, tmp_path):
    paths = f"{ROOT / 'scripts'}:{ROOT / 'tests/unit'}"
    command = [sys.executable, "-c", LONG_JOB, str(made[0]), str(tmp_path)]
    one = arm(made[1], context=1024, sampling={"max_new_tokens": 600})
    lock = one.records_in(tmp_path) / "run.1of1.lock"
    first = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": paths})
    try:
        deadline = time.monotonic() + 300
        while not lock.exists():
            assert first.poll() is None and time.monotonic() < deadline, "the first job never took its lock"
            time.sleep(0.05)
        first.send_signal(signal.SIGSTOP)  # It lives, and gets no further while the second one tries.

        message = refusal(one, tmp_path)
        kept = lines(one, tmp_path)
        first.send_signal(signal.SIGCONT)

        assert message == (
            f"{lock}: process {first.pid} on {socket.gethostname()} is writing these records. Wait for it, or end it, "
            "and start again."
        )
        assert first.wait(timeout=300) == 0 and not lock.exists()
        assert len(lines(one, tmp_path)) == 5 > len(kept)
    finally:
        first.kill()
        first.wait()
