"""What a run was made of and made by: versions, commit, config, seeds, hashes.

Nothing here names a person or a machine: no host name, no user name, no path outside the checkout.
"""

import csv
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from empathic import files, freezing

# The packages that results, texts or pages depend on; what an environment lacks is left out.
PACKAGES = (
    *("snakemake", "pydantic", "pyyaml", "numpy", "pandas", "scipy"),
    *("torch", "transformers", "tokenizers", "accelerate", "bitsandbytes", "safetensors", "gguf", "openai"),
    *("rpy2", "rpy2-rinterface", "emoji"),
    *("matplotlib", "great-tables", "jinja2", "jupytext", "nbclient", "ipykernel", "pypandoc-binary", "quarto-cli"),
)
SEEDS = "each draw has its own seed: the first 8 bytes of SHA-256 over a JSON array that begins with `seed`"


def record(
    config: dict[str, Any],
    *,
    commit: str | None,
    dirty: bool | None,
    given: Iterable[Path],
    made: Iterable[Path],
    benchmarks: Path,
) -> dict[str, Any]:
    """All that provenance.json holds, in its order.

    config: as filled in by settings.read. commit, dirty: of the checkout, None where unknown. given: the files that a
    person put in. made: the tables and texts of the run, from which versions of other environments are read, too.
    benchmarks: the folder of Snakemake's own benchmarks of the run.
    """
    given, made = list(given), list(made)
    return {
        "run": config["run"],
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "dirty": dirty,
        "versions": portable(versions(made)),
        "machine": machine(),
        "runtimes": runtimes(benchmarks),
        "seeds": {"seed": config["seed"], "rule": SEEDS},
        "config": portable(config),
        "shown": shown(config),
        "frozen": frozen(config),
        "inputs": hashes(given),
        "outputs": hashes(made),
    }


def versions(made: Iterable[Path]) -> dict[str, Any]:
    """Versions of Python and its packages here, and those that fits and generated texts carry with them.

    Stages may run in environments of their own, so what fit.json and the generation records say counts for them.
    """
    found: dict[str, Any] = {"python": platform.python_version(), "packages": _packages(), "fits": {}, "texts": {}}
    for file in made:
        if file.name == "fit.json":
            found["fits"][f"{file.parents[2].name}/{file.parent.name}"] = files.read_json(file).get("versions", {})
        elif file.suffix == ".jsonl":
            found["texts"][f"{file.parents[1].name}/{file.stem}"] = _versions_of_records(file)
    return found


def machine() -> dict[str, Any]:
    """System, processor and memory (GB) of the machine that recorded this; no name of it."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": _system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(pages / 1e9, 1),
    }


def runtimes(benchmarks: Path) -> dict[str, dict[str, float | None]]:
    """For each rule that has ended: jobs, seconds in all, seconds of the longest, most resident memory (MB) of a job.

    From Snakemake's benchmark files, {rule}.tsv or {rule}/....tsv; memory is None where a job was too short to be seen.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for file in sorted(benchmarks.rglob("*.tsv")):
        rule = file.relative_to(benchmarks).with_suffix("").parts[0]
        with open(file, encoding="utf-8", newline="") as lines:
            found.setdefault(rule, []).extend(csv.DictReader(lines, delimiter="\t"))
    return {rule: _of_jobs(jobs) for rule, jobs in found.items() if jobs}


def _of_jobs(jobs: list[dict[str, str]]) -> dict[str, float | None]:
    seconds = [float(job["s"]) for job in jobs]
    memory = [float(job["max_rss"]) for job in jobs if job["max_rss"] not in ("-", "NA")]
    return {
        "jobs": len(jobs),
        "seconds": round(sum(seconds), 1),
        "longest": max(seconds),
        "memory_mb": max(memory, default=None),
    }


def portable(value: Any) -> Any:
    """The same value, where absolute paths keep their last part alone: the rest may name a person or a machine."""
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [portable(item) for item in value]
    if isinstance(value, str) and value.startswith(("/", "~")):
        return f".../{Path(value).name}"
    return value


def hashes(listed: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each file by its portable path; of several that come down to one path, the later ones are counted."""
    found: dict[str, str] = {}
    for file in listed:
        path, number = portable(str(file)), 2
        while path in found:
            path, number = f"{portable(str(file))} ({number})", number + 1
        found[path] = files.sha256_file(file)
    return found


def shown(config: dict[str, Any]) -> dict[str, str]:
    """The texts that a report shows in full, by path: every prompt and every instrument."""
    prompts = [source["prompt"] for source in config["sources"].values() if "prompt" in source]
    instruments = [study["ratings"]["instrument"] for study in config["studies"].values() if study["ratings"]]
    return {portable(file): Path(file).read_text(encoding="utf-8") for file in sorted({*prompts, *instruments})}


def frozen(config: dict[str, Any]) -> dict[str, Any]:
    """For each frozen study: its folder, which run froze it and when, and what the config declares otherwise now."""
    found = {}
    for name, study in config["studies"].items():
        if study["frozen"]:
            plan = files.read_json(Path(study["frozen"]) / freezing.PLAN)
            changes = freezing.changes(name, plan, freezing.declared(study, config["claims"]))
            found[name] = {
                "folder": portable(study["frozen"]),
                "run": plan["run"],
                "study": plan["study"],
                "frozen_at": plan["frozen_at"],
                "changes": [asdict(change) for change in changes],
            }
    return found


def _packages() -> dict[str, str]:
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def _versions_of_records(file: Path) -> list[dict[str, Any]]:
    """Each set of versions that the texts of a file were made with, once; a resumed run may have several."""
    sets: dict[str, dict[str, Any]] = {}
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            made_with = json.loads(line).get("versions") or {}
            sets.setdefault(files.canonical(made_with), made_with)
    return [sets[key] for key in sorted(sets) if sets[key]]


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}"


def _processor() -> str | None:
    """The processor's model; platform.processor() is empty on most Linux systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or None
