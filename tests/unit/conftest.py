"""What several tests share: the pages of the report, of one hostile run rendered once by each road; files to read."""

import os
import shutil
from pathlib import Path

import pytest
from hostile_run import write_hostile
from made_up_run import ROOT
from xdist.scheduler import LoadScopeScheduling

from empathic.report import render

SHARING = {"test_report_render", "test_report_browser", "test_report_pdf"}


class OneRender(LoadScopeScheduling):
    """Gives one process all files that take the shared pages, and every other scope to whichever is free."""

    def _split_scope(self, nodeid):
        return "report" if Path(nodeid.partition("::")[0]).stem in SHARING else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """How `pytest -n` spreads these tests."""
    return OneRender(config, log)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """The run whose texts would each do something if anything read them."""
    return write_hostile(tmp_path_factory.mktemp("hostile"))


def _rendered(made, folder, engine):
    page = folder / f"{engine}.html"
    figures = folder / f"{engine}_figures"
    render.render(made.results, made.simulated, page, engine=engine, figures=figures, source=ROOT / "report", say=print)
    return page


@pytest.fixture(scope="session")
def without_quarto(hostile, tmp_path_factory):
    """Its page, made without Quarto."""
    return _rendered(hostile, tmp_path_factory.mktemp("page"), "pandoc")


@pytest.fixture(scope="session")
def saved_figures(without_quarto):
    """The folder of the figures that were saved with it."""
    return without_quarto.parent / "pandoc_figures"


@pytest.fixture(scope="session")
def quarto_folder():
    """Where a Quarto lies."""
    found = shutil.which("quarto") or shutil.which("quarto", path=str(ROOT / "cache" / "quarto" / "bin"))
    if not found:
        pytest.skip("no Quarto on PATH or in cache/quarto: the page was rendered without it alone")
    return str(Path(found).parent)


@pytest.fixture
def quarto(quarto_folder, monkeypatch):
    """A Quarto on PATH for one test."""
    monkeypatch.setenv("PATH", quarto_folder, prepend=os.pathsep)


@pytest.fixture(scope="session")
def by_quarto(hostile, tmp_path_factory, quarto_folder):
    """Its page, made by Quarto."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", quarto_folder, prepend=os.pathsep)
        return _rendered(hostile, tmp_path_factory.mktemp("page"), "quarto")


@pytest.fixture
def written(tmp_path):
    """Writes a text, or bytes, as export.csv and gives its path."""

    def write(content):
        path = tmp_path / "export.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
