"""From the report's source and a run's tables to one HTML page, by Quarto or without it, and to a PDF by Quarto.

Both roads start from the same document (expand.document), run its code with the same Python in a temporary copy of the
source, and end in one file that asks nothing of any network.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pypandoc
import yaml

from empathic import files
from empathic.errors import InputError
from empathic.report import cells, expand, loading

SCRIPTS = Path(__file__).parents[2]
OLDEST_QUARTO = (1, 4)  # the first with inline `{python}`
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FAILED = re.compile(r"^(?:Exception: )?(\w*(?:Error|Exception|Interrupt)): (.*)$", re.MULTILINE)
UNRESOLVED = re.compile(r"Unable to resolve crossref (\S+)|[Cc]iteproc: citation (\S+) not found")


def render(
    results: Path,
    simulated: Path,
    page: Path,
    *,
    engine: str,
    figures: Path | None = None,
    source: Path = Path("report"),
    say: Callable[[str], None],
) -> None:
    """Render the report on a run into one HTML file.

    results, simulated: the run's folders. engine: quarto, pandoc, or auto (Quarto where it is installed). figures: the
    folder that gets each figure as SVG and PDF with its data as CSV, if any. source: the folder with report.qmd. say:
    shows a line to who watches.

    Raises InputError where Quarto is asked for and missing, code of the report fails, or a reference leads nowhere.
    """
    quarto = find_quarto(engine)
    with tempfile.TemporaryDirectory(prefix="report-") as temporary:
        copy = Path(temporary) / "report"
        text = _prepare(source, copy, results, simulated)
        environment = _environment(Path(temporary), results, simulated)
        if quarto:
            say(f"by Quarto {version(quarto)}")
            _by_quarto(quarto, copy, environment, "html")
        else:
            say(f"by pandoc {pypandoc.get_pandoc_version()}, without Quarto")
            _by_pandoc(text, copy, Path(temporary), environment)
        content = (copy / "report.html").read_bytes()
        if figures:
            shutil.rmtree(figures, ignore_errors=True)
            shutil.copytree(copy / "figures", figures)
    with files.whole(page, "wb") as handle:
        handle.write(content)
    say(f"{page}, {len(content) / 1e6:.1f} MB")


def print_pdf(
    results: Path, simulated: Path, pdf: Path, *, source: Path = Path("report"), say: Callable[[str], None]
) -> None:
    """Make the same report a PDF, by the typst in Quarto. What the arguments are stands at `render`.

    Raises InputError where there is no Quarto, code of the report fails, or a reference leads nowhere.
    """
    quarto = find_quarto("auto")
    if quarto is None:
        raise InputError(
            "config, report > formats",
            "a PDF is made by Quarto, and none that can was found",
            "Install Quarto (https://quarto.org), or take pdf out of the formats",
        )
    say(f"by Quarto {version(quarto)}")
    with tempfile.TemporaryDirectory(prefix="report-") as temporary:
        copy = Path(temporary) / "report"
        _prepare(source, copy, results, simulated)
        _by_quarto(quarto, copy, _environment(Path(temporary), results, simulated), "typst")
        content = (copy / "report.pdf").read_bytes()
    with files.whole(pdf, "wb") as handle:
        handle.write(content)
    say(f"{pdf}, {len(content) / 1e6:.1f} MB")


def find_quarto(engine: str) -> Path | None:
    """The Quarto to render by, None for the other road.

    Quarto counts as installed where it is on PATH or, by its wheel, beside this Python, and answers.
    """
    if engine == "pandoc":
        return None
    beside = Path(sys.executable).parent / "quarto"
    found = shutil.which("quarto") or (str(beside) if beside.is_file() else None)
    old = "Quarto"
    if found:
        known = version(Path(found))
        if known and tuple(map(int, known.split(".")[:2])) >= OLDEST_QUARTO:
            return Path(found)
        old = f"{found} ({f'version {known}' if known else 'it does not answer'})"
    if engine == "auto":
        return None
    oldest = ".".join(map(str, OLDEST_QUARTO))
    raise InputError(
        "config, report > engine",
        f"it asks for quarto, and none from {oldest} on was found{f': {old}' if found else ' on PATH'}",
        "Install Quarto (https://quarto.org), or set the engine to pandoc, which needs no Quarto",
    )


def version(quarto: Path) -> str | None:
    """The version of a Quarto, None where it does not answer with one."""
    try:
        answer = subprocess.run([quarto, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"\d+\.\d+[.\d]*", answer.strip())
    return found[0] if found else None


def _prepare(source: Path, copy: Path, results: Path, simulated: Path) -> str:
    """Copy the source, write the run's own document into the copy, and return its text."""
    _copy(source, copy)
    text = expand.document(copy / "report.qmd", loading.load(results, simulated))
    (copy / "report.qmd").write_text(text, encoding="utf-8")
    return text


def _copy(source: Path, copy: Path) -> None:
    """Copy the files of a folder without their modes: a source that may not be written to has a copy that may."""
    for file in source.rglob("*"):
        if file.is_file():
            place = copy / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


def _environment(temporary: Path, results: Path, simulated: Path) -> dict[str, str]:
    """What the code of the report runs in: this Python, our modules, nothing of a user's own Jupyter and IPython."""
    jupyter = temporary / "jupyter"
    cells.write_kernel(jupyter)
    path = os.pathsep.join(filter(None, [str(SCRIPTS), os.environ.get("PYTHONPATH")]))
    return os.environ | {
        "EMPATHIC_RESULTS": str(results.absolute()),
        "EMPATHIC_SIMULATED": str(simulated.absolute()),
        "PYTHONPATH": path,
        "QUARTO_PYTHON": sys.executable,
        "JUPYTER_PATH": str(jupyter),
        "JUPYTER_CONFIG_DIR": str(jupyter),
        "JUPYTER_RUNTIME_DIR": str(jupyter),
        "IPYTHONDIR": str(jupyter),
    }


def _by_quarto(quarto: Path, copy: Path, environment: dict[str, str], form: str) -> None:
    # A daemon would keep a kernel alive after the end.
    command = [quarto, "render", "report.qmd", "--to", form, "--no-execute-daemon"]
    done = subprocess.run(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    heard = COLOUR.sub("", done.stdout)
    print(heard)
    if done.returncode:
        failures = FAILED.findall(heard)
        if not failures:
            raise InputError("report", f"Quarto failed with code {done.returncode}", cells.REMEDY)
        raise cells.failure(*failures[-1])
    _refuse_unresolved(heard)


def _by_pandoc(text: str, copy: Path, temporary: Path, environment: dict[str, str]) -> None:
    markdown = cells.run(text, copy, temporary / "jupyter" / "kernels", environment)
    (copy / "report.md").write_text(markdown, encoding="utf-8")
    header = yaml.safe_load(text.split("---\n")[1])
    page = header["format"]["html"]
    command = [
        pypandoc.get_pandoc_path(),
        "report.md",
        "--from",
        "markdown",
        "--to",
        "html5",
        "--output",
        "report.html",
    ]
    command += [
        "--standalone",
        "--embed-resources",
        "--toc",
        f"--toc-depth={header['toc-depth']}",
        "--css",
        page["css"],
    ]
    # The filter first: to citeproc, a reference to a figure is a citation that it does not know.
    command += ["--mathml", "--lua-filter", "filter.lua", "--citeproc", "--wrap=none"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    print(done.stderr)
    _refuse_unresolved(done.stderr)
    if done.returncode:
        raise InputError("report", f"pandoc failed with code {done.returncode}: {done.stderr.strip()}", cells.REMEDY)


def _refuse_unresolved(heard: str) -> None:
    unresolved = sorted({name for names in UNRESOLVED.findall(heard) for name in names if name})
    if unresolved:
        raise InputError(
            "report",
            f"no figure, table or reference for {', '.join(unresolved)}",
            "Mend the label or the reference to it",
        )
