import contextlib
import json
import os
import socket
import subprocess
import sys
import time

import pandas as pd
import pytest
from small_disk import fill, small_disk

import unlock
from empathic import records
from empathic.errors import InputError


def record(post="p1", text="Hello.", ended="2026-01-02T00:00:00+00:00", **fields):
    """A whole record, as generation makes them; its determining fields are the names of the fields themselves."""
    made = {name: f"{name} of {post}" for name in records.DETERMINING["transformers"]} | fields
    described = {"post_id": post, "sample": 0, "text": text, "finish_reason": "stop", "error": None, "ended": ended}
    return {"key": records.key(made), **described, **made}


def append(file, *made):
    with records.Writer(file) as out:
        for one in made:
            out.append(one)


def look_up(folder):
    warnings = []
    found = records.look_up(folder, warnings.append)
    return {key: entry["text"] for key, entry in found.items()}, warnings


def holder(**fields):
    return {"host": socket.gethostname(), "process": os.getpid(), "heartbeat": time.time()} | fields


def refusal(file):
    with pytest.raises(InputError) as error, records.Writer(file):
        pass
    return str(error.value)


# What a record is found by


def test_a_record_comes_back_as_it_was_written(tmp_path):
    made = record(
        text="Na\u00efve \u2028 \U0001f642\nline", messages=[{"role": "user", "content": "x"}], seed=2**63 - 1
    )

    append(tmp_path / "a.jsonl", made)

    assert records.look_up(tmp_path, pytest.fail) == {made["key"]: made}


@pytest.mark.parametrize("field", records.DETERMINING["transformers"])
def test_every_determining_field_changes_the_key(field):
    assert records.key(record(**{field: "other"})) != records.key(record())


def test_a_field_that_only_describes_a_record_changes_nothing():
    assert records.key(record(text="other", ended="later") | {"threads": 2, "host": "b"}) == records.key(record())


def test_a_record_that_lacks_a_determining_field_has_no_key():
    made = record()
    del made["seed"]

    with pytest.raises(KeyError, match="seed"):
        records.key(made)


@pytest.mark.parametrize("field", ["text", "finish_reason", "error", "key"])
def test_a_fingerprint_covers_what_a_record_says_of_its_text(field):
    made = record()

    assert records.fingerprint(made | {field: "other"}) != records.fingerprint(made)
    assert records.fingerprint(made | {"ended": "other", "threads": 2}) == records.fingerprint(made)


# Damage


@pytest.mark.parametrize("cut", [1, 30])
def test_a_half_written_last_line_is_mended_on_restart_and_costs_that_record_at_most(tmp_path, cut):
    file = tmp_path / "a.jsonl"
    whole, last, new = record("p1"), record("p2"), record("p3")
    append(file, whole, last)
    file.write_bytes(file.read_bytes()[:-cut])

    append(file, new)

    found, warnings = look_up(tmp_path)
    assert set(found) == {whole["key"], new["key"]} | ({last["key"]} if cut == 1 else set())
    assert warnings == [] and file.read_bytes().count(b"\n") == len(found)


def edited(made, **changes):
    return json.dumps(made | changes).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        edited(record("p2"), seed="tampered with"),
        edited(record("p2"), key="0" * 64),
        json.dumps({name: value for name, value in record("p2").items() if name != "ended"}).encode(),
    ],
)
def test_a_line_that_is_no_record_is_warned_of_and_counts_as_missing(tmp_path, line):
    file = tmp_path / "a.jsonl"
    first, last = record("p1"), record("p3")
    append(file, first)
    with open(file, "ab") as handle:
        handle.write(line + b"\n\n")
    append(file, last)

    found, warnings = look_up(tmp_path)

    assert set(found) == {first["key"], last["key"]}
    assert warnings == [f"{file}: line 2 is no whole record; it counts as missing and is made again"]


@pytest.mark.parametrize(
    ("was", "is_now"), [(b"Hello.", b"Hallo."), (b'"stop"', b'"stap"'), (b"2026-01-02", b"2026-01-01")]
)
def test_a_line_in_which_one_byte_was_changed_counts_as_missing_even_if_it_can_be_read(tmp_path, was, is_now):
    file = tmp_path / "a.jsonl"
    append(file, record("p1"), record("p2"))
    first, second = file.read_bytes().splitlines(keepends=True)
    assert second.count(was) == 1
    file.write_bytes(first + second.replace(was, is_now))

    found, warnings = look_up(tmp_path)

    assert set(found) == {record("p1")["key"]}
    assert warnings == [f"{file}: line 2 is no whole record; it counts as missing and is made again"]


def test_a_line_that_lost_its_seal_is_no_record(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(record()) + "\n")
    told = []

    assert records.look_up(tmp_path, told.append) == {}
    assert "line 1 is no whole record" in told[0]


def test_there_are_no_records_where_there_is_no_folder(tmp_path):
    assert look_up(tmp_path / "none") == ({}, [])


# Two records for one key


@pytest.mark.parametrize("files", [("a", "b"), ("b", "a")])
def test_of_two_texts_for_one_key_the_one_that_ended_first_counts_and_it_is_said(tmp_path, files):
    early, late = record(text="early", ended="2026-01-01T09:00:00+00:00"), record(text="late")
    append(tmp_path / f"{files[0]}.jsonl", early)
    append(tmp_path / f"{files[1]}.jsonl", late)

    found, warnings = look_up(tmp_path)

    assert found == {early["key"]: "early"}
    assert warnings == [f"{tmp_path}/b.jsonl: two texts for one record (post p1); that of {files[0]}.jsonl counts"]


def test_of_two_that_ended_together_the_first_file_by_name_counts(tmp_path):
    append(tmp_path / "b.jsonl", record(text="in b"))
    append(tmp_path / "a.jsonl", record(text="in a"))

    found, warnings = look_up(tmp_path)

    assert list(found.values()) == ["in a"]
    assert len(warnings) == 1


def test_two_records_that_agree_are_no_disagreement(tmp_path):
    append(tmp_path / "a.jsonl", record(ended="2026-01-03T00:00:00+00:00"))
    append(tmp_path / "b.jsonl", record(ended="2026-01-02T00:00:00+00:00"))

    found = records.look_up(tmp_path, pytest.fail)

    assert [entry["ended"] for entry in found.values()] == ["2026-01-02T00:00:00+00:00"]


def test_a_time_with_and_one_without_microseconds_compare_rightly(tmp_path):
    append(tmp_path / "a.jsonl", record(text="later", ended="2026-01-02T00:00:00.000001+00:00"))
    append(tmp_path / "b.jsonl", record(text="earlier", ended="2026-01-02T00:00:00+00:00"))

    assert list(look_up(tmp_path)[0].values()) == ["earlier"]


# Records that stand for a failure


@pytest.mark.parametrize("files", [("a", "b"), ("b", "a")])
def test_one_to_be_tried_again_yields_to_any_other_without_a_word(tmp_path, files):
    failed = record(text="", ended="2026-01-01T00:00:00+00:00") | {"error": "no answer", "try_again": True}
    append(tmp_path / f"{files[0]}.jsonl", failed)
    append(tmp_path / f"{files[1]}.jsonl", record(text="later"))

    assert list(look_up(tmp_path)[0].values()) == ["later"]
    assert look_up(tmp_path)[1] == []


def test_one_to_be_tried_again_is_given_where_there_is_no_other(tmp_path):
    failed = record(text="") | {"error": "no answer", "try_again": True}
    append(tmp_path / "a.jsonl", failed, failed | {"error": "another"})

    assert [entry["error"] for entry in records.look_up(tmp_path, pytest.fail).values()] == ["no answer"]
    assert records.to_try_again(failed) and not records.to_try_again(record())


def test_of_several_to_be_tried_again_the_one_that_got_furthest_and_then_the_last_is_given(tmp_path):
    failed = record(text="") | {"error": "first", "try_again": True, "redrawn": []}
    later = failed | {"ended": "2026-01-03T00:00:00+00:00", "error": "later"}
    drafted = failed | {"ended": "2026-01-01T00:00:00+00:00", "error": "drafted", "redrawn": [{"text": "a"}]}
    append(tmp_path / "b.jsonl", failed, later)
    assert [entry["error"] for entry in records.look_up(tmp_path, pytest.fail).values()] == ["later"]

    append(tmp_path / "a.jsonl", drafted, failed)

    assert [entry["error"] for entry in records.look_up(tmp_path, pytest.fail).values()] == ["drafted"]


# Gathering


def test_records_are_given_in_the_order_asked_for():
    found = {made["key"]: made for made in (record("p1"), record("p2"))}
    asked = list(reversed(found))

    assert [made["post_id"] for made in records.in_order(asked, found, "make them")] == ["p2", "p1"]


def test_a_record_that_has_gone_is_counted_with_the_command_that_makes_it_again():
    made = record()

    with pytest.raises(InputError) as error:
        records.in_order([made["key"], "gone", "too"], {made["key"]: made}, "snakemake --forcerun x")

    assert str(error.value) == (
        "cache/records: 2 of 3 records are no longer there. Make them again: snakemake --forcerun x."
    )


# The lock


def test_a_writer_holds_a_lock_that_names_host_process_and_heartbeat_and_gives_it_back(tmp_path):
    file, lock = tmp_path / "a.jsonl", tmp_path / "a.lock"

    with records.Writer(file):
        held = json.loads(lock.read_text())
        assert held == holder(heartbeat=held["heartbeat"])
        assert abs(held["heartbeat"] - time.time()) < 5
        assert unlock.alive(lock)  # What decides whether a killed run may be unlocked reads the same lock.

    assert sorted(os.listdir(tmp_path)) == ["a.jsonl"]


def test_a_writer_that_fails_gives_its_lock_back(tmp_path):
    with contextlib.suppress(RuntimeError), records.Writer(tmp_path / "a.jsonl"):
        raise RuntimeError

    assert sorted(os.listdir(tmp_path)) == ["a.jsonl"]


def test_a_heart_that_beats_while_the_lock_is_given_back_does_not_put_it_back(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "HEARTBEAT_S", 1e-4)

    for _ in range(50):
        with records.Writer(tmp_path / "a.jsonl"):
            time.sleep(0.001)
        assert sorted(os.listdir(tmp_path)) == ["a.jsonl"]


def test_the_heart_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "HEARTBEAT_S", 0.01)

    with records.Writer(tmp_path / "a.jsonl"):
        before = json.loads((tmp_path / "a.lock").read_text())["heartbeat"]
        time.sleep(0.2)
        assert json.loads((tmp_path / "a.lock").read_text())["heartbeat"] > before


@pytest.fixture
def another_writer(tmp_path):
    """A second process that holds the lock of a.jsonl."""
    code = "import sys\nfrom pathlib import Path\nfrom empathic import records\n"
    code += f"with records.Writer(Path({str(tmp_path / 'a.jsonl')!r})):\n    print('held', flush=True)\n    input()\n"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_while_the_first_lives(tmp_path, another_writer):
    assert refusal(tmp_path / "a.jsonl") == (
        f"{tmp_path}/a.lock: process {another_writer.pid} on {socket.gethostname()} is writing these records. "
        "Wait for it, or end it, and start again."
    )
    with records.Writer(tmp_path / "b.jsonl"):
        pass  # Another file is free.

    another_writer.communicate("\n")
    with records.Writer(tmp_path / "a.jsonl"):
        pass


def test_the_lock_of_a_killed_process_is_taken_over_at_once_even_before_its_parent_has_noticed(
    tmp_path, another_writer
):
    another_writer.kill()
    os.waitid(os.P_PID, another_writer.pid, os.WEXITED | os.WNOWAIT)  # It is a zombie now.

    append(tmp_path / "a.jsonl", record())

    assert len(look_up(tmp_path)[0]) == 1
    assert sorted(os.listdir(tmp_path)) == ["a.jsonl"]


@pytest.mark.parametrize(
    ("fields", "free"),
    [
        ({"heartbeat": -50}, False),
        ({"heartbeat": -61}, True),  # Silent too long, though its process is there.
        ({"heartbeat": -50, "host": "another-node"}, False),
        ({"heartbeat": -50, "host": "another-node", "process": 2**22 + 1}, False),
        ({"heartbeat": -61, "host": "another-node"}, True),
        ({"heartbeat": 0, "process": 2**22 + 1}, True),  # No process has such a number.
    ],
)
def test_a_lock_is_taken_over_from_the_dead_and_the_long_silent_alone(tmp_path, fields, free):
    lock = tmp_path / "a.lock"
    found = holder(**fields | {"heartbeat": time.time() + fields["heartbeat"]})
    lock.write_text(json.dumps(found))

    if free:
        append(tmp_path / "a.jsonl", record())
        assert sorted(os.listdir(tmp_path)) == ["a.jsonl"]
    else:
        assert f"process {found['process']} on {found['host']} is writing" in refusal(tmp_path / "a.jsonl")
        assert json.loads(lock.read_text()) == found


@pytest.mark.parametrize("content", ["", "\0\0\0", "{}", "[1]", '{"host": "a"', '{"host": "a", "process": "x"}'])
def test_a_lock_that_names_nobody_as_after_a_power_cut_is_taken_over(tmp_path, content):
    (tmp_path / "a.lock").write_text(content)

    append(tmp_path / "a.jsonl", record())

    assert sorted(os.listdir(tmp_path)) == ["a.jsonl"]


def test_a_writer_whose_lock_was_taken_over_writes_no_more_and_leaves_the_new_holder_s_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "HEARTBEAT_S", 0.01)
    theirs = json.dumps(holder(host="another-node"))

    with pytest.raises(InputError) as error, records.Writer(tmp_path / "a.jsonl") as out:
        out.append(record("p1"))
        while (tmp_path / "a.lock").read_text() != theirs:
            # In one step, as a successor does, and again where a beat under way has just undone it.
            (tmp_path / "theirs").write_text(theirs)
            os.replace(tmp_path / "theirs", tmp_path / "a.lock")
            time.sleep(0.2)
        out.append(record("p2"))

    assert str(error.value) == (
        f"{tmp_path}/a.lock: another process took this lock over. Start again when it has ended."
    )
    assert (tmp_path / "a.lock").read_text() == theirs
    assert list(look_up(tmp_path)[0]) == [record("p1")["key"]]


# A full disk


def test_on_a_full_disk_the_records_before_stay_whole_and_a_later_run_goes_on(tmp_path):
    with small_disk(tmp_path / "disk", 64) as disk:
        file = disk / "a.jsonl"
        append(file, record("p1"))

        with pytest.raises(OSError) as error, records.Writer(file) as out:
            filler = fill(disk)
            out.append(record("p2", text="x" * 10_000))

        assert (error.value.errno, error.value.filename) == (28, str(file))
        assert look_up(disk) == ({record("p1")["key"]: "Hello."}, [])
        assert sorted(os.listdir(disk)) == ["a.jsonl", "filler"]

        filler.unlink()
        append(file, record("p2"))
        assert look_up(disk) == ({record("p1")["key"]: "Hello.", record("p2")["key"]: "Hello."}, [])


def test_a_lock_that_finds_no_room_leaves_nothing_behind(tmp_path):
    with small_disk(tmp_path / "disk", 64) as disk:
        fill(disk)

        with pytest.raises(OSError) as error, records.Writer(disk / "a.jsonl"):
            pass

        assert error.value.errno == 28
        assert sorted(os.listdir(disk)) == ["filler"]


def test_a_listing_is_read_as_it_was_written_whatever_posts_are_called(tmp_path):
    called = ["NA", "None", "null", "nan", "", "007", "1.0", "a,b", "-"]
    listed = pd.DataFrame({"key": "1e5", "post_id": called, "sample": range(9), "sha256": "0" * 64})
    records.write_listing(listed, tmp_path / "listing.csv")

    assert records.read_listing(tmp_path / "listing.csv").to_dict("list") == listed.to_dict("list")
