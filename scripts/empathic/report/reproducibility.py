"""What another person needs to make the same run: versions, seeds, config, hashes."""

import yaml

from empathic.report import blocks
from empathic.report.loading import Run
from empathic.report.words import Prose, counted, listing, prose


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
    """The config as filled in, folded."""
    text = yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True, width=100)
    return blocks.raw(blocks.folded("The config, with all defaults filled in", blocks.listing(text, "config")))
