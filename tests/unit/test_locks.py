"""One file sets the versions; the locks, the conda files, the scripts and what is installed agree with it."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import lock
import pytest
import yaml

ROOT = Path(lock.ENVS).parent
PINS = lock.direct_pins((lock.ENVS / "requirements.in").read_text(encoding="utf-8"))
LOCKS = [pytest.param(r, (lock.ENVS / name).read_text(encoding="utf-8"), id=r) for r, name in lock.LOCKS.items()]
CONDA_FILES = sorted(lock.ENVS.glob("*.yaml"))

# Distributions whose import has another name, and imports that come with a direct pin.
IMPORTS = {
    "yaml": "pyyaml",
    "vaderSentiment": "vadersentiment",
    "pypandoc": "pypandoc-binary",
    "huggingface_hub": "huggingface-hub",
    "great_tables": "great-tables",
    "xdist": "pytest-xdist",
    "IPython": "ipykernel",
    "nbformat": "nbclient",
    "jupyter_client": "nbclient",
}
GIVEN = {"empathic", "snakemake", "lock", "unlock", "conftest"}


def locked(text):
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(line.split(" ;")[0].split("==") for line in lines)


@pytest.mark.parametrize(("r", "text"), LOCKS)
def test_a_lock_holds_every_direct_pin_of_its_r(r, text):
    wanted = {pin.name: pin.version for pin in lock.pins_for(PINS, r)}

    assert wanted.items() <= locked(text).items()


@pytest.mark.parametrize(("r", "text"), LOCKS)
def test_a_lock_holds_at_any_index(r, text):
    for line in text.splitlines()[2:]:
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*( ; .+)?", line), line
        assert not line.startswith(("nvidia", "cuda", "triton")), line
    assert not re.search(r"\+|--hash|@|://|--", text.split("\n", 2)[2])


@pytest.mark.parametrize(("r", "text"), LOCKS)
def test_a_lock_says_what_made_it(r, text):
    assert text.startswith(f"# For {r}, Python {lock.PYTHON} or newer. Made by `make locks` (uv {lock.UV})")


def test_rpy2_follows_r():
    below, above = (locked((lock.ENVS / name).read_text(encoding="utf-8")) for name in lock.LOCKS.values())

    assert (below["rpy2"], below["rpy2-rinterface"]) == ("3.6.4", "3.6.5")
    assert above["rpy2-rinterface"] > "3.6.5"
    assert {k: v for k, v in below.items() if "rpy2" not in k} == {k: v for k, v in above.items() if "rpy2" not in k}


@pytest.mark.parametrize("line", ["pandas", "pandas>=3  # tables", "pandas==3.1.1", "torch==2.13.0+cpu  # models"])
def test_a_line_that_is_no_pin_or_gives_no_reason_is_refused(line):
    with pytest.raises(ValueError, match="not of the form `name==1.2.3  # why`"):
        lock.direct_pins(line)


def test_lines_for_one_r_alone_are_read():
    pins = lock.direct_pins("rpy2==3.6.4  # R  [R < 4.5]\nrpy2==3.6.9  # R  [R >= 4.5]\nemoji==2.16.0  # style\n")

    assert [pin.version for pin in lock.pins_for(pins, "R < 4.5")] == ["3.6.4", "2.16.0"]
    assert [pin.version for pin in lock.pins_for(pins, "R >= 4.5")] == ["3.6.9", "2.16.0"]


def test_cudas_packages_are_left_out_and_nothing_else():
    resolved = "cuda-toolkit==13.0.3.0\nnumpy==2.4.6\nnvidia-cublas==13.1 ; sys_platform == 'linux'\ntriton==3.7.1\n"

    assert lock.without_cuda(resolved) == "numpy==2.4.6\n"


@pytest.mark.parametrize("path", CONDA_FILES, ids=lambda path: path.stem)
def test_a_conda_file_has_the_pins_of_requirements_in(path):
    conda = yaml.safe_load(path.read_text(encoding="utf-8"))
    pins = {lock.CONDA_NAMES.get(p.name, p.name): p.version for p in lock.pins_for(PINS, lock.CONDA_R)}
    pinned = [dependency.split(" =") for dependency in conda["dependencies"] if " =" in dependency]

    assert conda["channels"] == ["conda-forge", "nodefaults"]
    assert all(isinstance(dependency, str) for dependency in conda["dependencies"])
    assert {name: version for name, version in pinned if name not in ("python", "r-base")}.items() <= pins.items()
    assert {d.split()[0] for d in conda["dependencies"]} & pins.keys() <= {name for name, _ in pinned}


def test_the_conda_files_are_those_that_make_locks_writes():
    assert {path.stem for path in CONDA_FILES} == lock.STAGES.keys()
    for path in CONDA_FILES:
        assert path.read_text(encoding="utf-8") == lock.conda_file(path.stem, lock.pins_for(PINS, lock.CONDA_R))


def rules():
    """(rule, script, conda file's name) of every rule that has both."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^\s*rule ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            script, conda = re.search(r"scripts/(\w+\.py)", block), re.search(r"envs/(\w+)\.yaml", block)
            if script and conda:
                yield pytest.param(script[1], conda[1], id=re.match(r"\w+", block)[0])


def imported(path):
    """The third-party packages that a file of ours imports, directly or through other modules of ours."""
    found, todo, seen = set(), [path], set()
    while todo:
        file = todo.pop()
        if file in seen or not file.exists():
            continue
        seen.add(file)
        names = []
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{file}: a relative import, which this does not follow"
                names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            ours = ROOT / "scripts" / name.replace(".", "/")
            todo += [ours.with_suffix(".py"), ours / "__init__.py"]
        found |= {name.split(".")[0] for name in names}
    return {IMPORTS.get(name, name) for name in found - sys.stdlib_module_names - GIVEN}


@pytest.mark.parametrize(("script", "conda"), list(rules()))
def test_a_rules_conda_file_has_what_its_script_imports(script, conda):
    assert imported(ROOT / "scripts" / script) <= set(lock.STAGES[conda])


def test_the_reports_conda_file_has_what_its_cells_import():
    cells = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "report").rglob("*.qmd"))
    names = set(re.findall(r"^(?:import|from) (\w+)", cells, flags=re.M)) - sys.stdlib_module_names - GIVEN

    assert {IMPORTS.get(name, name) for name in names} <= set(lock.STAGES["report"])


def test_everything_that_is_imported_is_pinned_directly():
    files = [file for folder in ("scripts", "tests", "bench") for file in (ROOT / folder).rglob("*.py")]
    ours = {file.stem for file in files}

    assert set().union(*map(imported, files)) - ours <= {pin.name for pin in PINS}


@pytest.mark.skipif(not (ROOT / ".venv" / ".ready").exists(), reason="not an environment that set-up made")
def test_what_set_up_installed_is_what_the_lock_says():
    r = "R < 4.5" if importlib.metadata.version("rpy2") == "3.6.4" else "R >= 4.5"

    for pin in lock.pins_for(PINS, r):
        assert importlib.metadata.version(pin.name).split("+")[0] == pin.version, pin.name
