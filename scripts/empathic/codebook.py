"""docs/CODEBOOK.md: every table and every feature, from the schemas that check them.

`cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md`
"""

import json
from pathlib import Path
from typing import Any

from empathic import checks, features, tables

HEAD = """\
# Codebook

Made by `cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md` from the schemas in
`scripts/empathic/tables.py`, `features.py`, `checks.py` and `records_schema.json`: do not edit.

All tables lie under `results/{run}/`: UTF-8 CSV, one header row, an empty cell is a missing value. Further columns may
follow those listed."""


def codebook() -> str:
    """The text of docs/CODEBOOK.md."""
    lines = [HEAD]
    for table in tables.ALL:
        lines += ["", f"## {table.path}", "", f"A row is {table.row}.", ""]
        lines += ["| column | kind | may be empty | meaning |", "|---|---|---|---|"]
        for column in table.columns:
            values = f" ({' / '.join(column.allowed)})" if column.allowed else ""
            empty = "yes" if column.missing else "no"
            lines.append(f"| {column.name} | {column.kind} | {empty} | {column.meaning}{values} |")
    return "\n".join([*lines, *_records(), *_checks(), *_features()]) + "\n"


def _records() -> list[str]:
    schema = json.loads((Path(__file__).parent / "records_schema.json").read_text(encoding="utf-8"))
    lines = [
        "",
        "## {study}/generations/{source}.jsonl",
        "",
        "A line is a record: one response that was generated, or could not be, as a JSON object. Its JSON schema is",
        "`scripts/empathic/records_schema.json`.",
        *_fields(schema),
    ]
    for kind in schema.get("oneOf", ()):
        lines += ["", f"Where the source is of kind `{kind['title']}`, also:", *_fields(kind)]
    return lines


def _fields(schema: dict[str, Any]) -> list[str]:
    """The fields that a part of the schema describes; one that it only narrows is described before."""
    lines = ["", "| field | kind | may be null | meaning |", "|---|---|---|---|"]
    for name, field in schema["properties"].items():
        if "description" in field:
            of = field.get("type", "string")
            kinds = [of] if isinstance(of, str) else of
            kind = " or ".join(kind for kind in kinds if kind != "null")
            lines.append(f"| {name} | {kind} | {'yes' if 'null' in kinds else 'no'} | {field['description']} |")
    return lines


def _checks() -> list[str]:
    lines = [
        "",
        "## Checks",
        "",
        "What each response is checked for: columns of `{study}/quality_responses.csv`, and of `{study}/quality.csv`,",
        "which counts those that fail. A response that fails is kept, and flagged.",
        "",
        "`repeated_4grams` is seq-rep-4 of S. Welleck et al. (2020, arXiv:1908.04319), over words: 1 - distinct runs",
        "of four words / all such runs. `language` is told by py3langid (its own model, no network) of the text and of",
        f"each of its lines that has {checks.LANGUAGE_BYTES} bytes of letters in UTF-8 or more (our limit: some 20",
        "English words, or 27 Chinese characters); the first that is not the study's counts, so that a text that",
        "changes its language is seen.",
        "",
        "| check | counted in | a response fails it where |",
        "|---|---|---|",
    ]
    return lines + [f"| {check.name} | {check.counted} | {check.rule} |" for check in checks.CHECKS]


def _features() -> list[str]:
    lines = [
        "",
        "## Features",
        "",
        "The features of style, for English texts: further columns of `{study}/style/features.csv`, and the values of",
        "`feature` in `{study}/style/summary.csv`. Rates are empty where a response has no words.",
        "",
        "| feature | unit | what is counted |",
        "|---|---|---|",
    ]
    return lines + [f"| {feature.name} | {feature.unit} | {feature.rule} |" for feature in features.FEATURES]


if __name__ == "__main__":
    print(codebook(), end="")
