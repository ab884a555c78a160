"""envs/setup.sh and the Makefile: what they say and do on machines that lack this or that."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = 65534
NOT_SHOWN = ("R", "Rscript", "apt-get", "conda", "mamba", "micromamba", "python", "pip", "pyenv")

needs_setup = pytest.mark.skipif(not (ROOT / ".venv" / ".ready").exists(), reason="set-up has not made .venv")


@pytest.fixture
def machine():
    """A checkout and a PATH with a system's usual tools, for one who is not root; R, apt and conda are to be added."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)  # pytest's own folders are closed to others
    (folder / "bin").mkdir()
    for place in ("/usr/bin", "/bin"):
        for tool in Path(place).iterdir():
            link = folder / "bin" / tool.name
            if not tool.name.startswith(NOT_SHOWN) and not link.exists() and not link.is_symlink():
                link.symlink_to(tool)
    (folder / "checkout").mkdir()
    shutil.copytree(ROOT / "envs", folder / "checkout" / "envs")
    if os.getuid() == 0:
        os.chown(folder / "checkout", NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def add_tool(machine, name, script="exit 0"):
    tool = machine / "bin" / name
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


def set_up(machine, **env):
    """Runs set-up on that machine. Returns its exit code and what it wrote to standard error."""
    command = ["bash", "envs/setup.sh"]
    if os.getuid() == 0:
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    result = subprocess.run(
        command,
        cwd=machine / "checkout",
        env={"PATH": str(machine / "bin"), "HOME": str(machine), "R_LIBS_USER": "/nonexistent"} | env,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )
    return result.returncode, result.stderr


def in_setup(code, cwd=ROOT, **env):
    """Runs code among the functions of setup.sh. Returns its exit code and all it wrote."""
    result = subprocess.run(
        ["bash", "-c", f"source {ROOT}/envs/setup.sh; {code}"],
        cwd=cwd,
        env=os.environ | env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=120,
    )
    return result.returncode, result.stdout


# ---- A machine on which nobody is root


def test_without_root_and_r_a_debian_user_is_told_the_apt_command_and_a_conda_one(machine):
    add_tool(machine, "apt-get")

    assert set_up(machine) == (
        1,
        "\nset-up: R with lme4 and what goes with it is needed; missing:"
        " R lme4 lmerTest emmeans pbkrtest ordinal performance.\n"
        "Type this, then make again:\n"
        "    sudo apt-get install --no-install-recommends r-base-core r-cran-lme4 r-cran-lmertest r-cran-emmeans"
        " r-cran-pbkrtest r-cran-ordinal r-cran-performance\n"
        "or, where nobody will do that for you, in a conda of your own:\n"
        "    conda create --name empathic --channel conda-forge r-base r-lme4 r-lmertest r-emmeans r-pbkrtest r-ordinal"
        " r-performance && conda activate empathic\n",
    )


def test_without_root_r_and_apt_the_command_is_condas(machine):
    code, message = set_up(machine)

    assert code == 1
    assert message.endswith(
        "Type this, then make again (mamba and micromamba do as well):\n"
        "    conda create --name empathic --channel conda-forge r-base r-lme4 r-lmertest r-emmeans r-pbkrtest r-ordinal"
        " r-performance && conda activate empathic\n"
    )


def test_where_r_is_there_without_its_packages_the_command_is_rs_own(machine):
    for name in ("R", "Rscript"):
        (machine / "bin" / name).symlink_to(shutil.which(name))

    code, message = set_up(machine, R_LIBS_SITE="/nonexistent", R_LIBS="/nonexistent")

    assert code == 1
    assert message == (
        "\nset-up: R with lme4 and what goes with it is needed; missing:"
        " lme4 lmerTest emmeans pbkrtest ordinal performance.\n"
        "Type this, then make again:\n"
        '    Rscript -e \'install.packages(c("lme4", "lmerTest", "emmeans", "pbkrtest", "ordinal", "performance"),'
        ' repos = "https://cloud.r-project.org")\'\n'
    )


def test_an_active_conda_is_asked_for_r(machine):
    """The conda here is a script that notes how it was called and puts R there."""
    links = "".join(f'ln -s {shutil.which(name)} "{machine}/checkout/found/{name}"\n' for name in ("R", "Rscript"))
    add_tool(machine, "mamba", f'echo "$@" >asked.txt; mkdir -p found\n{links}')

    path = f"{machine}/bin:{machine}/checkout/found"
    code, message = set_up(machine, CONDA_PREFIX="/opt/my-env", PATH=path)

    assert (machine / "checkout" / "asked.txt").read_text() == (
        "install --yes --prefix /opt/my-env --channel conda-forge"
        " r-base r-lme4 r-lmertest r-emmeans r-pbkrtest r-ordinal r-performance\n"
    )
    # With R there, it goes on to Python, which this machine has none of.
    assert code == 1
    assert "needs a Python from 3.11 to 3.14, and none is on the PATH" in message


def test_a_python_that_is_too_old_is_not_taken(machine):
    for name in ("R", "Rscript"):
        (machine / "bin" / name).symlink_to(shutil.which(name))
    add_tool(machine, "python3", "exit 1  # what an older one answers to the question for its version")

    code, message = set_up(machine)

    assert code == 1
    assert "needs a Python from 3.11 to 3.14" in message


def test_accel_takes_two_values(machine):
    assert set_up(machine, ACCEL="gpu") == (1, "\nset-up: ACCEL is cpu or cuda, not 'gpu'.\n")


# ---- Choices


@pytest.mark.parametrize(
    ("r", "lock"),
    [("4.2.2", "r-below-4.5"), ("4.4.3", "r-below-4.5"), ("4.5.0", "r-4.5"), ("4.10.1", "r-4.5"), ("5.0.0", "r-4.5")],
)
def test_the_lock_follows_rs_version(r, lock):
    assert in_setup(f"lock_for {r}") == (0, f"envs/requirements-{lock}.txt\n")


def test_rs_version_is_read_from_r_itself():
    code, version = in_setup("r_version")
    said = subprocess.run(["R", "--version"], text=True, capture_output=True, check=True).stdout

    assert code == 0
    assert said.startswith(f"R version {version.strip()} ")


def test_what_will_be_installed_is_listed_with_the_reason():
    code, listed = in_setup("list_pins envs/requirements-r-below-4.5.txt")

    assert code == 0
    assert "  rpy2==3.6.4                 R in-process, for lme4\n" in listed
    assert "rpy2==3.6.9" not in listed
    assert all(len(line.split(maxsplit=1)) == 2 for line in listed.splitlines())


CHOOSE = 'choose_torch cpu; echo "options: ${index[*]-}; $size"'


@pytest.fixture(scope="module")
def empty_venv(tmp_path_factory):
    """A folder whose .venv has pip and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    return folder


def test_torchs_cpu_index_is_used_where_it_can_be_reached(tmp_path, empty_venv):
    (tmp_path / "torch").mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        index = f"http://127.0.0.1:{server.server_port}"
        code, said = in_setup(CHOOSE, empty_venv, CPU_INDEX=index, no_proxy="*")
        server.shutdown()

    assert (code, said) == (0, f"options: --extra-index-url {index}; 0.5 GB to download, 2 GB on the disk\n")


@pytest.mark.parametrize(
    ("offered", "said"),
    [
        ("torch-2.13.0+cpu", "  where pip looks on this machine there is a CPU build of it, too.\noptions: ; 0.5 GB"),
        ("torch-2.13.0", "brings CUDA's libraries along and runs on a CPU as well.\noptions: ; 3 GB to download"),
    ],
)
def test_where_the_cpu_index_is_out_of_reach_that_and_the_size_are_said(tmp_path, empty_venv, offered, said):
    (tmp_path / f"{offered}-py3-none-any.whl").touch()
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    code, all_said = in_setup(CHOOSE, empty_venv, CPU_INDEX="http://127.0.0.1:9", no_proxy="*", **pip)

    assert code == 0
    assert "torch's CPU index (http://127.0.0.1:9) is out of reach;\n" in all_said
    assert said in all_said


# ---- Failures


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Failed to establish a new connection: Temporary failure in name resolution", "pip could not reach its index"),
        ("error: something else", "that failed; its end stands above"),
    ],
)
def test_a_failure_shows_the_end_of_the_log_and_what_to_do(tmp_path, line, advice):
    log = tmp_path / "setup.log"
    log.write_text("early\n" + "middle\n" * 20 + line + "\n")

    code, said = in_setup(f"LOG={log}; advise")

    assert code == 1
    assert "early" not in said
    assert line in said
    assert f"set-up: {advice}" in said
    assert "ake again" in said


def test_a_command_that_fails_is_noticed_and_its_output_is_in_the_log(tmp_path):
    log = tmp_path / "logs" / "setup.log"

    code, said = in_setup(f"LOG={log}; run_logged sh -c 'echo out; echo err >&2; exit 7' || echo code $?")

    assert (code, said) == (0, "code 7\n")
    assert log.read_text().endswith("\nout\nerr\n")


# ---- The second call, and make


@needs_setup
def test_a_second_call_says_nothing_and_does_nothing():
    _, recipe = in_setup('r=$(r_version); recipe "$(lock_for "$r")" "$(sed -n s/^ACCEL=//p "$READY")" "$r"')
    if recipe != (ROOT / ".venv" / ".ready").read_text():
        pytest.skip("requirements have changed since set-up")
    before = (ROOT / ".venv" / ".ready").stat().st_mtime_ns
    result = make("setup")

    assert result.stdout + result.stderr == ""
    assert (ROOT / ".venv" / ".ready").stat().st_mtime_ns == before


def make(*arguments, cwd=ROOT):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    env = {name: value for name, value in env.items() if name not in ("CONFIG", "CORES", "ACCEL", "ARGS")}
    return subprocess.run(["make", *arguments], cwd=cwd, env=env, text=True, capture_output=True, check=False)


def test_bare_make_lists_the_commands():
    result = make()

    assert result.returncode == 0
    assert {"report", "plan", "test", "test-runs", "test-all", "lint", "setup", "clean", "locks"} == {
        line.split()[1] for line in result.stdout.splitlines()
    }


def test_a_config_that_is_not_there_is_named_before_anything_is_installed():
    result = make("report", "CONFIG=configs/no_such.yaml")

    assert result.returncode == 2
    assert "No such file: configs/no_such.yaml. There are: configs/" in result.stderr


@needs_setup
def test_make_report_fails_where_snakemake_does_and_names_no_report(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("run: broken\n")

    result = make("report", f"CONFIG={config}")

    assert result.returncode == 2
    assert "The report:" not in result.stdout


@needs_setup
@pytest.mark.parametrize("command", ["report", "plan"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'run: mine\ntitle: "no end\n', "line 3, column 1: found unexpected end of stream. Correct the YAML there."),
        (b"run: mine\nrun: yours\n", "line 2, column 1: the key 'run' stands twice. Correct the YAML there."),
        (b"", "it is empty. Write keys like `run:` into it; configs/template.yaml has them all."),
        (
            b"- run\n",
            "it holds a list where keys are expected. Write keys like `run:` into it; configs/template.yaml has them "
            "all.",
        ),
        (
            "run: mine\ntitle: Empathie für alle\n".encode("latin-1"),
            "line 2: byte 27 is not UTF-8. Save the file as UTF-8.",
        ),
    ],
    ids=["no YAML", "a key twice", "empty", "a list", "Latin-1"],
)
def test_a_config_that_cannot_be_read_is_one_message_and_nothing_is_run(tmp_path, command, content, problem):
    config = tmp_path / "config.yaml"
    config.write_bytes(content)

    result = make(command, f"CONFIG={config}")

    said, failed = result.stderr.splitlines()
    assert (result.returncode, result.stdout, said) == (2, "", f"{config}: {problem}")
    assert failed.startswith("make: ***")


def test_clean_removes_what_runs_made_and_spares_the_rest(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    made, spared = ["results", "logs", "benchmarks", "simulated", ".snakemake"], ["cache", "private", "data", ".venv"]
    for name in made + spared:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()

    assert make("clean", cwd=tmp_path).returncode == 0
    assert [name for name in made + spared if (tmp_path / name).exists()] == spared
