"""scripts/unlock.py, with real processes: Snakemake started and killed, locks written by hand."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import unlock

SNAKEMAKE = [sys.executable, "-m", "snakemake"]
UNLOCK = [sys.executable, unlock.__file__]

needs_proc = pytest.mark.skipif(not unlock.PROC.is_dir(), reason="asks /proc which processes run where")


@pytest.fixture
def folder(tmp_path):
    """A workflow of one rule, whose script sleeps until the file `go` is there, or its parent is not."""
    (tmp_path / "Snakefile").write_text('rule all:\n    output: "done.txt"\n    script: "wait.py"\n')
    (tmp_path / "wait.py").write_text(
        "import os, pathlib, time\n"
        "parent = os.getppid()\n"
        "pathlib.Path('started').touch()\n"
        "while not pathlib.Path('go').exists():\n"
        "    if os.getppid() != parent and not pathlib.Path('stubborn').exists():\n"
        "        time.sleep(2)\n"
        "        raise SystemExit('parent gone')\n"
        "    time.sleep(0.1)\n"
        "pathlib.Path(snakemake.output[0]).touch()\n"
    )
    return tmp_path


@pytest.fixture
def start(folder):
    """Starts the workflow, returns its process once the script is at work; ends all of it after the test."""
    started = []

    def begin():
        process = subprocess.Popen([*SNAKEMAKE, "--cores", "1", "--quiet"], cwd=folder, stderr=subprocess.DEVNULL)
        started.append(process)
        until((folder / "started").exists)
        return process

    yield begin
    (folder / "go").touch()
    for process in started:
        process.kill()
        process.wait()
    until(lambda: unlock.running(folder) == ([], []))


def until(condition, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def run_unlock(folder, *options):
    return subprocess.run(
        [*UNLOCK, *options, "--", *SNAKEMAKE], cwd=folder, text=True, capture_output=True, check=False, timeout=120
    )


def a_dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_lock(folder):
    """Snakemake's lock, of a run of which nothing else is left."""
    locks = folder / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("done.txt\n")


def record_lock(cache, **fields):
    path = cache / "records" / "study1" / "a" / "default.1of1.jsonl.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = {"host": socket.gethostname(), "process": os.getpid(), "heartbeat": time.time()}
    path.write_text(json.dumps(holder | fields))
    return path


def test_nothing_is_said_or_done_where_no_lock_lies(folder):
    result = run_unlock(folder)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@needs_proc
def test_a_killed_run_is_unlocked_and_can_be_started_again(folder, start):
    start().send_signal(signal.SIGKILL)

    result = run_unlock(folder)

    assert "waiting for its last jobs to end" in result.stderr
    assert "A killed run left its lock, nothing of it is alive" in result.stderr
    assert not unlock.locked(folder)
    (folder / "go").touch()
    subprocess.run([*SNAKEMAKE, "--cores", "1", "--quiet", "--rerun-incomplete"], cwd=folder, check=True)
    assert (folder / "done.txt").exists()


@needs_proc
def test_a_live_snakemake_keeps_its_lock(folder, start):
    process = start()

    result = run_unlock(folder)

    assert result.stderr == f"Snakemake's lock lies here and stays: Snakemake runs here (process {process.pid}).\n"
    assert unlock.locked(folder)


@needs_proc
def test_a_job_that_outlives_its_snakemake_keeps_the_lock_and_is_named(folder, start):
    (folder / "stubborn").touch()
    start().send_signal(signal.SIGKILL)
    _, (job,) = unlock.running(folder)

    result = run_unlock(folder, "--wait", "1")

    assert f"a job of that run is still at work (process {job}): wait for it, or end it by" in result.stderr
    assert unlock.locked(folder)


@needs_proc
def test_records_that_are_being_written_keep_the_lock(folder):
    left_lock(folder)
    lock = record_lock(folder / "elsewhere", host="another-node")

    result = run_unlock(folder, "--cache", "elsewhere")

    assert f"stays: records are being written ({lock.relative_to(folder)})." in result.stderr
    assert unlock.locked(folder)


def test_a_lock_is_alive_while_its_process_here_lives_and_its_heart_beats(tmp_path):
    assert unlock.alive(record_lock(tmp_path))
    assert unlock.alive(record_lock(tmp_path, heartbeat=time.time() - 50))


def test_a_lock_is_dead_when_its_heart_has_not_beaten_for_60_s(tmp_path):
    assert not unlock.alive(record_lock(tmp_path, heartbeat=time.time() - 61))
    assert not unlock.alive(record_lock(tmp_path, host="another-node", heartbeat=time.time() - 61))


def test_a_lock_of_a_process_that_is_dead_here_is_dead_at_once_but_one_of_another_host_is_not(tmp_path):
    dead = a_dead_process()

    assert not unlock.alive(record_lock(tmp_path, process=dead))
    assert unlock.alive(record_lock(tmp_path, process=dead, host="another-node"))


@needs_proc
def test_a_process_that_has_ended_unnoticed_is_dead(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    lock = record_lock(tmp_path, process=process.pid)

    until(lambda: not unlock.alive(lock))
    process.wait()


def test_a_half_written_lock_counts_by_its_age_and_a_vanished_one_is_dead(tmp_path):
    lock = record_lock(tmp_path)
    lock.write_text('{"host": "ano')
    assert unlock.alive(lock)

    os.utime(lock, (time.time() - 61,) * 2)
    assert not unlock.alive(lock)

    lock.unlink()
    assert not unlock.alive(lock)


def test_without_proc_the_lock_stays_and_the_command_is_named(folder, monkeypatch, capsys):
    left_lock(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(unlock, "PROC", Path("/no/such/proc"))

    assert unlock.main(["--", "snakemake"]) == 0
    assert "type: snakemake --unlock" in capsys.readouterr().err
    assert unlock.locked(folder)
