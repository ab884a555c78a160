import hashlib
import json

import pytest
from small_disk import fill, small_disk

from empathic import files


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "table.csv"

    with files.whole(path) as handle:
        handle.write("half")
        handle.flush()
        assert not path.exists()

    assert path.read_bytes() == b"half"
    assert [file.name for file in path.parent.iterdir()] == ["table.csv"]


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")

    with pytest.raises(RuntimeError), files.whole(path) as handle:
        handle.write("after")
        raise RuntimeError

    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_lines_end_alike_on_every_system_and_bytes_stay_bytes(tmp_path):
    files.write_text(tmp_path / "text", "é\n\r\n")
    with files.whole(tmp_path / "bytes", "wb") as handle:
        handle.write(b"\xff\r\n")

    assert (tmp_path / "text").read_bytes() == b"\xc3\xa9\n\r\n"
    assert (tmp_path / "bytes").read_bytes() == b"\xff\r\n"


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_what_was_there(tmp_path):
    with small_disk(tmp_path / "disk", 64) as disk:
        path = disk / "table.csv"
        path.write_text("before")
        fill(disk)

        with pytest.raises(OSError) as error:
            files.write_text(path, "x" * 10_000)

        assert error.value.filename == str(path)
        assert path.read_text() == "before"
        assert sorted(file.name for file in disk.iterdir()) == ["filler", "table.csv"]


def test_json_keeps_the_order_of_its_keys_and_refuses_nan(tmp_path):
    files.write_json(tmp_path / "a.json", {"b": "é", "a": [0.1]})

    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "b": "é",\n  "a": [\n    0.1\n  ]\n}\n'
    assert files.read_json(tmp_path / "a.json") == {"b": "é", "a": [0.1]}
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "b.json", float("nan"))
    assert not (tmp_path / "b.json").exists()


def test_one_value_has_one_canonical_spelling():
    assert files.canonical({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'
    assert files.canonical({"a": None, "b": [1, "é"]}) == files.canonical({"b": [1, "é"], "a": None})
    assert files.canonical(1.0) != files.canonical(1)
    with pytest.raises(ValueError):
        files.canonical(float("inf"))


def test_hashes_are_those_of_the_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")

    # The test vector of FIPS 180.
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256_text("abc") == files.sha256_file(tmp_path / "abc") == known
    assert files.sha256_text("é") == hashlib.sha256(b"\xc3\xa9").hexdigest()
    assert json.loads(files.canonical("\u2028")) == "\u2028"


def test_a_copy_has_the_same_bytes_and_lines_of_json_come_back_in_their_order(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"b": "\xc3\xa9"}\n[1]\r\n')

    files.copy(tmp_path / "a.jsonl", tmp_path / "new" / "b.jsonl")

    assert (tmp_path / "new" / "b.jsonl").read_bytes() == b'{"b": "\xc3\xa9"}\n[1]\r\n'
    assert files.read_json_lines(tmp_path / "new" / "b.jsonl") == [{"b": "é"}, [1]]
