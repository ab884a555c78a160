"""The runs that the workflow tests share."""

import os
from pathlib import Path

import pytest
from checkout import Checkout, network_off
from xdist.scheduler import LoadScopeScheduling

SHARING = {"test_embedded", "test_freeze", "test_inputs", "test_reruns", "test_smoke", "test_twice"}


class OneSmokeRun(LoadScopeScheduling):
    """Gives one process all files that take the smoke run, and every other file to whichever is free."""

    def _split_scope(self, nodeid):
        file = Path(nodeid.partition("::")[0]).stem
        return "smoke" if file in SHARING else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """How `pytest -n` spreads these tests."""
    return OneSmokeRun(config, log)


@pytest.fixture(scope="session")
def new_checkout(tmp_path_factory):
    """Make a fresh copy of the checkout."""
    return lambda: Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def smoke(new_checkout):
    """The one smoke run that the tests share. Tests that change the copy put it back.

    Weights are fetched first, and all else runs without a network, where the machine lets it be taken away.
    """
    checkout = new_checkout()
    checkout.fetched = checkout.snakemake("--until", "fetch_model")
    checkout.seen = checkout.snakemake(before=network_off())
    return checkout


@pytest.fixture
def edited(smoke):
    """Edit a file of the shared copy for the time of a test: edited(path, before, after)."""
    kept = {}

    def edit(path: str, before: str, after: str) -> None:
        file = smoke.folder / path
        kept.setdefault(file, (file.read_bytes(), file.stat()))
        text = file.read_text(encoding="utf-8")
        assert before in text
        file.write_text(text.replace(before, after, 1), encoding="utf-8")

    yield edit
    for file, (content, stat) in kept.items():
        file.write_bytes(content)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
