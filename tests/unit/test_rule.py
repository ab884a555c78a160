"""How a script runs inside a rule, seen from outside: real processes, whose screen and log are read."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
from small_disk import fill, small_disk

from empathic import rule

START = """
import os, subprocess, sys
from types import SimpleNamespace
from empathic.errors import InputError
from empathic.rule import end_with_parent, running
wildcards = dict(study="study1", model="deciding")
snakemake = SimpleNamespace(rule="make_thing", log=[{log!r}], threads=3, wildcards=wildcards)
"""


def script(log, body):
    """A process that runs a script's body as a rule of Snakemake would."""
    return [sys.executable, "-c", START.format(log=str(log)) + textwrap.dedent(body)]


def run(folder, body, log=None):
    log = log or folder / "rule.log"
    env = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
    done = subprocess.run(
        script(log, body), cwd=folder, env=env | {"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True
    )
    return done, log.read_text(encoding="utf-8")


def test_all_that_is_printed_goes_to_the_log_that_of_child_processes_and_bare_descriptors_too(tmp_path):
    done, log = run(
        tmp_path,
        """
        with running(snakemake):
            print("from print", flush=True)
            print("from stderr", file=sys.stderr)
            os.write(1, b"from descriptor 1\\n")
            os.write(2, b"from descriptor 2\\n")
            subprocess.run(["sh", "-c", "echo from a child; echo its stderr >&2"])
            print("at the very end")
        """,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert log.splitlines() == [
        "from print",
        "from stderr",
        "from descriptor 1",
        "from descriptor 2",
        "from a child",
        "its stderr",
        "at the very end",
    ]


def test_what_is_said_stands_on_the_screen_and_in_the_log(tmp_path):
    done, log = run(tmp_path, "with running(snakemake) as rule: rule.say(f'{rule.threads} of 9 é')")

    assert done.stderr == log == "make_thing: 3 of 9 é\n"


def test_bad_input_is_one_line_on_the_screen_and_in_the_log_without_a_traceback(tmp_path):
    done, log = run(
        tmp_path, "with running(snakemake): raise InputError('a.csv', 'it is empty', 'Fill it', row=2, column='x')"
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == log == "make_thing: a.csv, row 2, column 'x': it is empty. Fill it.\n"


def test_any_other_error_keeps_its_traceback_in_the_log_and_leaves_one_line_on_the_screen(tmp_path):
    done, log = run(
        tmp_path,
        """
        def deep():
            return {}["key"]
        with running(snakemake):
            deep()
        """,
    )

    line = f"make_thing: stopped by KeyError: 'key'; the traceback is in {tmp_path}/rule.log\n"
    assert (done.returncode, done.stderr) == (1, line)
    assert log.startswith(line + "Traceback (most recent call last):")
    assert "in deep" in log
    assert log.endswith("KeyError: 'key'\n")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("raise OSError(28, 'No space left on device', 'table.csv')", "table.csv"),
        ("raise OSError(122, 'Disk quota exceeded')", "a file of this rule"),
        # As safetensors says it, whose errors have no number.
        ("raise Exception('Error while serializing: I/O error: No space left on device (os error 28)')", None),
    ],
)
def test_a_full_disk_is_one_line_that_says_what_to_do(tmp_path, body, place):
    done, log = run(tmp_path, f"with running(snakemake): {body}")

    assert done.returncode == 1
    assert (
        done.stderr
        == log
        == (
            f"make_thing: {place or 'a file of this rule'}: no space left on the disk. "
            "Free some space, then start the same command again; nothing is lost.\n"
        )
    )


def test_a_disk_that_is_full_for_the_log_as_well_still_says_so_on_the_screen(tmp_path):
    with small_disk(tmp_path / "disk", 64) as disk:
        (disk / "rule.log").touch()
        fill(disk)

        done, log = run(
            tmp_path,
            f"""
            from empathic import files
            with running(snakemake):
                files.write_text({str(disk / "table.csv")!r}, "x" * 10_000)
            """,
            disk / "rule.log",
        )

    assert done.returncode == 1
    assert done.stderr == (
        f"make_thing: {tmp_path}/disk/table.csv: no space left on the disk. "
        "Free some space, then start the same command again; nothing is lost.\n"
    )


def test_a_closed_screen_stops_no_work(tmp_path):
    process = subprocess.Popen(
        script(
            tmp_path / "rule.log",
            """
            sys.stdin.readline()
            with running(snakemake) as rule:
                rule.say("half")
                print("done")
            """,
        ),
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stderr.close()
    process.communicate(b"go\n")

    assert process.returncode == 0
    assert (tmp_path / "rule.log").read_text() == "make_thing: half\ndone\n"


@pytest.mark.parametrize(("network", "offline"), [("False", "1"), ("True", "None")])
def test_only_the_fetch_rule_may_reach_a_hub_and_threads_are_those_of_the_rule(tmp_path, network, offline):
    _, log = run(
        tmp_path,
        f"""
        with running(snakemake, network={network}):
            print(os.environ.get("HF_HUB_OFFLINE"), os.environ["OMP_NUM_THREADS"])
        """,
    )

    assert log == f"{offline} 3\n"


def test_a_line_passes_at_most_once_in_so_many_seconds():
    often, seldom = rule.Every(0), rule.Every(3600)

    assert [bool(often), bool(often)] == [True, True]
    assert [bool(seldom), bool(seldom)] == [False, False]

    every = rule.Every(0.2)
    time.sleep(0.25)
    assert [bool(every), bool(every)] == [True, False]


@pytest.mark.parametrize(("apart", "asks"), [(False, "end_with_parent()"), (True, "")])
def test_a_script_ends_within_seconds_when_its_parent_is_killed(tmp_path, apart, asks):
    body = f"""
    with running(snakemake, apart={apart}):
        {asks}
        open({str(tmp_path / "child")!r}, "w").write(str(os.getpid()))
        import time
        time.sleep(600)
    """
    env = os.environ | {"PYTHONPATH": ":".join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; subprocess.run({script(tmp_path / 'rule.log', body)!r})"], env=env
    )
    wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    child = int((tmp_path / "child").read_text())
    assert alive(child)

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    wait_until(lambda: not alive(child))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("SIGKILL", "this job was killed (SIGKILL), most likely by the system, for want of memory. "),
        ("SIGSEGV", "this job died (SIGSEGV); what it printed last is in the log. "),
    ],
)
def test_a_script_apart_that_dies_is_one_message_that_names_study_and_model(tmp_path, number, words):
    done, log = run(
        tmp_path,
        f"""
        import signal
        with running(snakemake, apart=True) as rule:
            print("fitting", flush=True)
            os.kill(os.getpid(), signal.{number})
        """,
    )

    assert done.returncode == 128 + getattr(signal, number)
    assert done.stderr.startswith(f"make_thing: study 'study1', model 'deciding': {words}")
    assert done.stderr.count("\n") == 1 and log == "fitting\n" + done.stderr


def test_a_script_apart_that_lives_ends_as_any_other_does(tmp_path):
    done, log = run(tmp_path, "with running(snakemake, apart=True) as rule: print('done')")
    assert (done.returncode, done.stderr, log) == (0, "", "done\n")

    done, log = run(
        tmp_path, "with running(snakemake, apart=True): raise InputError('a.csv', 'it is empty', 'Fill it')"
    )
    assert (done.returncode, done.stderr) == (1, "make_thing: a.csv: it is empty. Fill it.\n") and log == done.stderr


def test_a_script_apart_ends_when_it_is_stopped_and_nothing_is_said_of_memory(tmp_path):
    body = f"""
    with running(snakemake, apart=True):
        open({str(tmp_path / "child")!r}, "w").write(str(os.getpid()))
        import time
        time.sleep(600)
    """
    env = os.environ | {"PYTHONPATH": ":".join(sys.path)}
    process = subprocess.Popen(script(tmp_path / "rule.log", body), env=env, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    child = int((tmp_path / "child").read_text())
    assert child != process.pid

    process.terminate()
    assert process.wait() == -signal.SIGTERM and process.stderr.read() == ""
    wait_until(lambda: not alive(child))


def alive(process):
    """Whether a process runs; an orphan that nobody waits for may stay behind as a zombie."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
