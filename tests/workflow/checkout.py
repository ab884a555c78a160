"""Whole runs in a copy of the checkout: real weights, real R, real renders, never the checkout itself."""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = [sys.executable, str(Path(__file__).with_name("offline.py"))]  # in a network of its own, which leads nowhere
ENVIRONMENT = dict(os.environ)  # as it was before any test: R, started in this process by others, changes it


class Checkout:
    """A copy of the checkout under git, with results of its own and the weights of the real one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self.share_weights("cache")
        self.git("init", "--quiet")
        self.commit("as copied")

    def share_weights(self, cache: str) -> None:
        """Let a cache of this copy use the weights of the real checkout, so that they are fetched once."""
        (ROOT / "cache" / "models").mkdir(parents=True, exist_ok=True)
        (self.folder / cache).mkdir(exist_ok=True)
        (self.folder / cache / "models").symlink_to(ROOT / "cache" / "models")

    def git(self, *words: str) -> None:
        """Run git as somebody."""
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        """Commit all that the copy holds."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def command(self, *words: str, config: str | None = "configs/smoke.yaml") -> list[str]:
        """A snakemake command line, with this Python's snakemake and all cores."""
        given = [f"--configfile={config}"] if config else []  # with `=`, as it would take what follows for configs, too
        return [sys.executable, "-m", "snakemake", "--cores", "all", *given, *words]

    def snakemake(self, *words: str, config: str | None = "configs/smoke.yaml", before=(), fails: bool = False) -> str:
        """Run snakemake. Returns all that a person sees; `before` stands before the command."""
        done = subprocess.run(
            [*before, *self.command(*words, config=config)],
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
        )
        seen = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, seen
        return seen

    def make_report(self, args: str) -> str:
        """Run `make report` of the smoke run, with further words for snakemake. Returns all that a person sees."""
        made = ("MAKE", "MFLAGS", "CONFIG", "CORES", "ACCEL", "ARGS")  # of a `make test` that runs this
        env = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(made)}
        command = ["make", "report", "CONFIG=configs/smoke.yaml", f"ARGS={args}"]
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *words: str, config: str) -> subprocess.Popen:
        """Start snakemake as a terminal does: in a process group of its own."""
        return subprocess.Popen(
            self.command(*words, config=config),
            cwd=self.folder,
            env=ENVIRONMENT,
            start_new_session=True,
            # A shell that starts the tests in the background has them ignore Ctrl-C, and all that they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def would_run(self, *words: str, config: str = "configs/smoke.yaml") -> Counter:
        """The jobs of a dry run, by rule."""
        seen = self.snakemake("--dry-run", "--quiet", "reason", *words, config=config)
        stats = seen.partition("Job stats:")[2].partition("total")[0]
        return Counter({rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", stats, re.M) if rule != "all"})

    def table(self, path: str, **options) -> pd.DataFrame:
        """A table of the copy."""
        return pd.read_csv(self.folder / path, **options)

    def read(self, path: str) -> str:
        """A text of the copy."""
        return (self.folder / path).read_text(encoding="utf-8")

    def give_ratings(self, given: pd.DataFrame) -> dict:
        """Write ratings without texts as a long CSV with one item; returns what a study's `ratings` say of them."""
        given.to_csv(self.folder / "data" / "given.csv", index=False)
        item = {"name": "empathy", "wording": "How empathic?", "scale": {"min": 1, "max": 7, "step": 1}}
        (self.folder / "data" / "one_item.yaml").write_text(yaml.safe_dump({"items": [item]}))
        export = {"file": "data/given.csv", "format": "long", "origin": "observed", "rights": "made up"}
        export["columns"] = {name: name for name in given}
        return {"exports": [export], "exclusions": [], "instrument": "data/one_item.yaml"}

    def write_config(self, name: str, config: dict) -> str:
        """Write a config, and give its path."""
        (self.folder / "configs" / f"{name}.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        return f"configs/{name}.yaml"


@functools.cache
def network_off() -> tuple[str, ...]:
    """What, before a command, takes the network from it; nothing where this machine lets nobody do so."""
    for unshare in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):  # as root, and as anybody
        before = (*unshare, *OFFLINE)
        if shutil.which("unshare") and subprocess.run([*before, "true"], capture_output=True).returncode == 0:
            return before
    return ()


def wait_for(condition, seconds: float, what: str) -> None:
    """Wait until something holds; fail, saying what was waited for, if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def end(process: subprocess.Popen, how: signal.Signals, *, group: bool) -> None:
    """Send a signal to a process, or to its whole group as Ctrl-C does, and wait for its end."""
    (os.killpg if group else os.kill)(process.pid, how)
    process.wait(timeout=600)
