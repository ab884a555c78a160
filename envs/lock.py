"""`make locks`: resolve requirements.in into the locks that set-up installs, write its pins into the conda files.

The locks are uv's, universal: one file holds for Linux and macOS and every Python from 3.11 on. Lines are dropped from
its answer (CUDA's packages), never added or changed.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ENVS = Path(__file__).parent
UV = "0.13.9"
PYTHON = "3.11"
LOCKS = {"R < 4.5": "requirements-r-below-4.5.txt", "R >= 4.5": "requirements-r-4.5.txt"}
CONDA_R = "R < 4.5"  # the pins of rpy2 that the conda files take; R_PACKAGES has the R that goes with them
HEADER = """\
# For {r}, Python {python} or newer. Made by `make locks` (uv {uv}) from requirements.in: do not edit.
# CUDA's packages are left out: where a build of torch asks for them, pip finds the ones it asks for.
"""
CUDA = ("nvidia-", "cuda-", "triton")

R_PACKAGES = ["r-base =4.4", "r-lme4", "r-lmertest", "r-emmeans", "r-pbkrtest", "r-ordinal", "r-performance"]
COMMON = ["pandas", "pyarrow", "numpy", "pydantic", "pyyaml"]
STAGES = {
    "posts": COMMON,
    "generation": [
        *COMMON,
        "torch",
        "transformers",
        "accelerate",
        "bitsandbytes",
        "safetensors",
        "gguf",
        "huggingface-hub",
        "jinja2",
        "openai",
        "psutil",
    ],
    "quality": [*COMMON, "py3langid"],
    "ratings": [*COMMON, "scipy", "krippendorff"],
    "models": [*COMMON, "scipy", "rpy2", *R_PACKAGES],
    "style": [
        *COMMON,
        *("scipy", "emoji", "pyphen", "vadersentiment", "torch", "transformers", "safetensors", "huggingface-hub"),
    ],
    "claims": [*COMMON, "scipy"],
    "report": [
        *COMMON,
        *("matplotlib", "great-tables", "jinja2", "jupytext", "nbclient", "ipykernel", "pypandoc-binary"),
        *("pandoc >=3", "quarto"),
    ],
}
CONDA_NAMES = {"torch": "pytorch", "pypandoc-binary": "pypandoc", "matplotlib": "matplotlib-base"}


class Pin(NamedTuple):
    """A direct pin: `only` names the R that it is for, empty for any."""

    name: str
    version: str
    why: str
    only: str


def direct_pins(text: str) -> list[Pin]:
    """The pins of requirements.in, in its order. Raises ValueError on a line that is none, or that gives no reason."""
    pins = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            continue
        found = re.fullmatch(r"([a-z0-9-]+)==([0-9.]+)\s+# (.+?)(?:  \[(R (?:<|>=) 4\.5)\])?", line)
        if not found:
            raise ValueError(f"requirements.in: not of the form `name==1.2.3  # why` (and `  [R < 4.5]`): {line}")
        name, version, why, only = found.groups(default="")
        pins.append(Pin(name, version, why, only))
    return pins


def pins_for(pins: list[Pin], r: str) -> list[Pin]:
    """Those that hold for one R: `R < 4.5` or `R >= 4.5`."""
    return [pin for pin in pins if pin.only in ("", r)]


def without_cuda(resolved: str) -> str:
    """A resolved set less the packages that only a CUDA build of torch needs; pip finds those where they are needed."""
    return "".join(line for line in resolved.splitlines(keepends=True) if not line.startswith(CUDA))


def resolve(pins: list[Pin], uv: Path) -> str:
    """The full set that uv finds for these pins, one `name==version ; marker` a line."""
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", PYTHON, "--fork-strategy", "fewest"]
    command += ["--no-config", "--no-header", "--no-annotate", "-"]
    requirements = "".join(f"{pin.name}=={pin.version}\n" for pin in pins)
    return subprocess.run(command, input=requirements, text=True, check=True, stdout=subprocess.PIPE).stdout


def conda_file(stage: str, pins: list[Pin]) -> str:
    """The conda file of a stage."""
    versions = {pin.name: pin.version for pin in pins}
    lines = [
        f"# What the rules of rules/{stage}.smk import. Pins by `make locks`, from requirements.in: do not edit.",
        "# Untested: no conda solver has been run on this file.",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        "  - python =3.12",
    ]
    for package in STAGES[stage]:
        name = CONDA_NAMES.get(package, package)
        lines.append(f"  - {name} ={versions[package]}" if package in versions else f"  - {package}")
    return "\n".join(lines) + "\n"


def main() -> None:
    pins = direct_pins((ENVS / "requirements.in").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, f"uv=={UV}"]
        subprocess.run(pip, check=True)
        for r, lock in LOCKS.items():
            found = without_cuda(resolve(pins_for(pins, r), Path(folder, "bin", "uv")))
            header = HEADER.format(r=r, python=PYTHON, uv=UV)
            (ENVS / lock).write_text(header + found, encoding="utf-8")
            print(f"envs/{lock}: {len(found.splitlines())} packages")
    for stage in STAGES:
        (ENVS / f"{stage}.yaml").write_text(conda_file(stage, pins_for(pins, CONDA_R)), encoding="utf-8")
    print("envs/*.yaml: pins written")


if __name__ == "__main__":
    main()
