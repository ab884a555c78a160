"""What is said of a record in records_schema.json, held against records that a real, tiny model made."""

import hashlib
import json

import jsonschema
import pytest
from tiny_model import save

from empathic import codebook, files, generation, ids, records, settings, tables

POSTS = tables.POSTS.frame([{"post_id": "p0", "domain": "d", "text": "I am sad.", "origin": "observed"}])


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A record as a job wrote it."""
    folder = tmp_path_factory.mktemp("tiny")
    given = {"kind": "transformers", "title": "Tiny", "model": "tiny", "quantization": "none", "batch_size": 1}
    given |= {"context": 128, "sampling": {"max_new_tokens": 4}}
    source = settings.TransformersSource.model_validate(given).model_dump(mode="json")
    manifest = save(folder / "weights")
    arm = generation.Arm(study="s", name="a", source=source, manifest=manifest, template="Hi: {post}", seed=7)
    generation.answer(POSTS, arm, folder, "run.1of1", (1, 1), print)
    (made,) = records.look_up(arm.records_in(folder), pytest.fail).values()
    return made


def problems(record):
    validator = jsonschema.Draft202012Validator(files.read_json(codebook.RECORDS))
    return [error.message for error in validator.iter_errors(record)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(files.read_json(codebook.RECORDS))


def test_a_record_as_gathered_fits_and_each_of_its_fields_is_needed(record):
    whole = records.gathered(record, "I am sad.")

    assert problems(whole) == []
    for field in whole:
        assert problems({name: value for name, value in whole.items() if name != field}), field


def test_a_field_that_the_schema_does_not_know_is_found(record):
    assert problems(records.gathered(record, "I am sad.") | {"unheard_of": 1})


def test_a_gathered_record_names_its_response_as_responses_csv_does(record):
    whole = records.gathered(record, "I am sad.")

    assert list(whole)[0] == "response_id"
    assert whole["response_id"] == ids.response_id("p0", "I am sad.", "a", 0, record["text"])
    assert records.gathered(record | {"error": "none came"}, "I am sad.")["response_id"] is None


def test_a_record_from_before_there_were_kinds_is_found_as_it_was_and_gathered_whole(record):
    old = {name: value for name, value in record.items() if name not in ("kind", "attempts")}
    determining = {name: old[name] for name in records.DETERMINING["transformers"]}
    spelt = json.dumps(determining, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    assert records.key(old) == record["key"] == hashlib.sha256(spelt.encode()).hexdigest()
    assert "kind" not in determining
    assert records.gathered(old, "I am sad.") == records.gathered(record, "I am sad.")


def test_a_record_from_before_stop_tokens_counted_is_whole_and_stands_for_no_text_of_now(record):
    old = {name: value for name, value in record.items() if name != "stop_tokens"}

    assert records.key(old) != record["key"]
    with pytest.raises(KeyError):
        records.key({name: value for name, value in old.items() if name != "seed"})


def test_every_field_of_a_record_determines_it_or_changes_no_key(record):
    fields = set(record) - {"kind"}  # It says which list counts.
    told_apart = {field for field in fields if records.key(record | {field: "other"}) != record["key"]}

    assert told_apart == set(records.DETERMINING["transformers"])
    assert len(set(record) - told_apart) > 20


def test_every_determining_field_is_described():
    schema = files.read_json(codebook.RECORDS)

    for kind in schema["oneOf"]:
        described = schema["properties"].keys() | kind["properties"].keys()
        assert set(records.DETERMINING[kind["title"]]) <= described
    assert {kind["title"] for kind in schema["oneOf"]} == records.DETERMINING.keys()
