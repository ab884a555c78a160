"""The runs that the workflow tests share."""

import os

import pytest
from checkout import Checkout


@pytest.hookimpl(tryfirst=True)  # before the plugin reads the groups
def pytest_collection_modifyitems(items):
    """Keep in one process what shares a run: all that takes the smoke run, else the tests of one file."""
    for item in items:
        group = "smoke" if "smoke" in item.fixturenames else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def new_checkout(tmp_path_factory):
    """Make a fresh copy of the checkout."""
    return lambda: Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def smoke(new_checkout):
    """The one smoke run that the tests share. Tests that change the copy put it back."""
    checkout = new_checkout()
    checkout.seen = checkout.snakemake()
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
