"""What another person needs to make the same run: versions, seeds, config, hashes."""

from typing import Any

import yaml

from empathic import settings
from empathic.report import blocks, head, rule_figure
from empathic.report.loading import Run
from empathic.report.words import Prose, count, counted, listing, number, prose


def rules(run: Run) -> str:
    """Figure: the rules of the run and which feeds which."""
    names = list(dict.fromkeys(run.rules.rule))
    caption = (
        f"The {counted(len(names), 'rule')} of this run. An arrow leads from a rule to one that reads what it made; "
        "where a chain of arrows says so already, there is none."
    )
    order = rule_figure.levels(run.rules)
    said = listing(prose(name.replace("_", " ")) for name in sorted(names, key=order.__getitem__))
    alt = f"Boxes and arrows, from the first rules to the last: {said}."
    return blocks.figure("rules", caption, rule_figure.rules(run.rules), alt, run.rules)


def runtimes_table(run: Run) -> str:
    """Table: how long the jobs of each rule took, and the memory of the largest."""
    found = run.provenance["runtimes"]
    if not found:
        return "Snakemake's benchmarks of this run are not here, so nothing is said of its times and its memory."
    rows = sorted(found.items(), key=lambda item: -item[1]["seconds"])
    columns = [
        blocks.words("Rule", [name.replace("_", " ") for name, _ in rows]),
        blocks.numbers("Jobs", [count(known["jobs"]) for _, known in rows]),
        blocks.numbers("Seconds in all", [number(known["seconds"], 1) for _, known in rows]),
        blocks.numbers("Longest job (s)", [number(known["longest"], 1) for _, known in rows]),
        blocks.numbers("Memory of the largest (MB)", [number(known["memory_mb"], 0) for _, known in rows]),
    ]
    caption = (
        "Time on the clock and resident memory by rule, from Snakemake's benchmarks of the jobs that had ended when "
        "the run was recorded; a dash where a job was too short to be measured. Texts that a cache held were not made "
        "anew."
    )
    return blocks.table("runtimes", caption, columns)


def versions_table(run: Run) -> str:
    """Versions of all that the run was made with, and what for."""
    found = run.provenance["versions"]
    rows = [("Python", found["python"], "workflow")]
    rows += [(name, version, "workflow") for name, version in found["packages"].items()]
    rows += _gathered(found["fits"].values(), "models")
    rows += _gathered([record for records in found["texts"].values() for record in records], "generated texts")
    columns = [
        blocks.words("Software", [name for name, _, _ in rows]),
        blocks.words("Version", [version for _, version, _ in rows]),
        blocks.words("As recorded by", [where for _, _, where in rows]),
    ]
    return blocks.table("versions", "Software versions.", columns)


def _gathered(sets, where: str) -> list[tuple[str, str, str]]:
    names: dict[str, list[str]] = {}
    for versions in sets:
        for name, version in versions.items():
            names.setdefault(name, [])
            if str(version) not in names[name]:
                names[name].append(str(version))
    return [(name, " and ".join(found), where) for name, found in names.items()]


def machine(run: Run) -> Prose:
    """The machine that recorded the run."""
    known = run.provenance["machine"]
    parts = [known["system"], known["processor"] or known["architecture"], counted(known["cores"], "core")]
    return listing(prose(part) for part in [*parts, f"{known['memory_gb']:g} GB of memory"])


def seeds(run: Run) -> Prose:
    """The seed and how draws follow from it."""
    return Prose(f"The seed is {prose(run.provenance['seeds']['seed'])}; {prose(run.provenance['seeds']['rule'])}.")


def hashes(run: Run) -> str:
    """SHA-256 of what was given and what was made, folded."""
    parts = []
    for title, key in (("Files given", "inputs"), ("Files made", "outputs")):
        digests = run.provenance[key]
        lines = "\n".join(f"{digest}  {path}" for path, digest in digests.items())
        summary = f"{title}: SHA-256 of {counted(len(digests), 'file')}"
        parts.append(blocks.folded(summary, blocks.listing(lines, title)))
    return blocks.raw("\n".join(parts))


def config(run: Run) -> str:
    """The config without what it leaves to defaults; on a page, where it folds, also the whole."""
    said = blocks.folded("The config, less what is the default", _yaml(settings.less_defaults(run.config)))
    whole = blocks.folded("The config, with all defaults filled in", _yaml(run.config))
    return blocks.raw(f"{said}\n{blocks.on_page(whole)}")


def _yaml(config: dict[str, Any]) -> str:
    return blocks.listing(yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100), "config")


def citation(run: Run) -> Prose:
    """What to cite a number of this report by."""
    known = run.provenance["commit"]
    state = f"commit {prose(known[:12])}" if known else "commit unknown"
    return Prose(
        f"“{prose(head.title(run))}”, run {prose(run.config['run'])}, recorded "
        f"{prose(run.provenance['recorded_at'][:10])}, {state}"
    )
