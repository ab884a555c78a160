"""Remove the lock that Snakemake leaves when it is killed outright, if nothing of that run can be alive.

Usage, from the checkout's root: unlock.py [--cache DIR] -- snakemake [--configfile FILE]

It never fails a run: where it may not unlock it says why, and Snakemake itself decides what is in the way.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

HEARTBEAT_S = 60
JOBS_END_S = 30  # jobs whose Snakemake is dead notice and end; so long are they waited for
PROC = Path("/proc")


def locked(folder: Path) -> bool:
    """Does Snakemake's lock lie in this folder?"""
    return any((folder / ".snakemake" / "locks").glob("*.lock"))


def running(folder: Path) -> tuple[list[int], list[int]]:
    """Processes of this host that work in the folder: those of Snakemake itself, and those of its jobs."""
    schedulers, jobs = [], []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            inside = (entry / "cwd").samefile(folder)
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # ended meanwhile, or another user's: see `theirs`
            continue
        if not inside:
            continue
        if any("/.snakemake/scripts/" in word for word in words) or "--mode" in words:
            jobs.append(int(entry.name))
        elif any(Path(word).name == "snakemake" for word in words[:3]):
            schedulers.append(int(entry.name))
    return schedulers, jobs


def wait_for_jobs(folder: Path, seconds: float) -> None:
    """Wait while jobs are alive whose Snakemake is dead."""
    deadline = time.monotonic() + seconds
    told = False
    while PROC.is_dir() and time.monotonic() < deadline:
        schedulers, jobs = running(folder)
        if schedulers or not jobs:
            return
        if not told:
            print("An earlier run was killed; waiting for its last jobs to end.", file=sys.stderr, flush=True)
            told = True
        time.sleep(0.5)


def theirs(folder: Path) -> bool:
    """Is the lock another user's, whose processes cannot be seen?"""
    return (folder / ".snakemake" / "locks").stat().st_uid != os.getuid() != 0


def alive(lock: Path) -> bool:
    """May the holder of this lock of a record file be alive? Not if it is dead on this host, or long silent."""
    try:
        holder = json.loads(lock.read_text(encoding="utf-8"))
        host, process, heartbeat = holder["host"], int(holder["process"]), float(holder["heartbeat"])
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError):  # half-written
        return time.time() - lock.stat().st_mtime < HEARTBEAT_S
    if host == socket.gethostname() and not _lives(process):
        return False
    return time.time() - heartbeat < HEARTBEAT_S


def _lives(process: int) -> bool:
    """One that has ended and waits for its parent to notice does not live."""
    try:
        os.kill(process, 0)
        return (PROC / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:  # another user's, or no /proc
        return True


def obstacle(folder: Path, cache: Path) -> str:
    """Why the folder must not be unlocked now; empty when it may."""
    if not PROC.is_dir():
        return "this system does not tell which processes run here. If none does, type: snakemake --unlock"
    if theirs(folder):
        return "it is another user's"
    schedulers, jobs = running(folder)
    if schedulers:
        return f"Snakemake runs here (process {_list(schedulers)})"
    if jobs:
        return f"a job of that run is still at work (process {_list(jobs)}): wait for it, or end it by `kill {jobs[0]}`"
    for lock in sorted(cache.glob("records/**/*.lock")):
        if alive(lock):
            return f"records are being written ({lock})"
    return ""


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def main(arguments: list[str]) -> int:
    """Returns the exit code of `snakemake --unlock`, or 0 where there was nothing to do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path("cache"))
    parser.add_argument("--wait", type=float, default=JOBS_END_S, help="seconds to wait for jobs to end")
    parser.add_argument("snakemake", nargs="+", help="the command to which --unlock is added")
    asked = parser.parse_args(arguments)
    folder = Path.cwd()
    if not locked(folder):
        return 0

    wait_for_jobs(folder, asked.wait)
    if why := obstacle(folder, asked.cache):
        print(f"Snakemake's lock lies here and stays: {why}.", file=sys.stderr)
        return 0
    print("A killed run left its lock, nothing of it is alive: unlocking.", file=sys.stderr, flush=True)
    return subprocess.run([*asked.snakemake, "--unlock"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
