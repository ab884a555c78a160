"""docs/CODEBOOK.md: every table, every feature and every field of a record, from the schemas that check them.

`cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md`
"""

from pathlib import Path

from empathic import features, files, tables

RECORDS = Path(__file__).with_name("records_schema.json")
HEAD = """\
# Codebook

Made by `cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md` from the schemas in
`scripts/empathic/tables.py`, `features.py` and `records_schema.json` there: do not edit.

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
    return "\n".join([*lines, *_features(), *_records()]) + "\n"


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


def _records() -> list[str]:
    schema = files.read_json(RECORDS)
    lines = ["", "## {study}/generations/{source}.jsonl", "", schema["description"], ""]
    lines += ["| field | of sources of kind | may be null | meaning |", "|---|---|---|---|"]
    parts = [("all", schema["properties"])]
    parts += [
        (kind["title"], {name: kind["properties"][name] for name in kind["required"]}) for kind in schema["oneOf"]
    ]
    for kind, fields in parts:
        for name, field in fields.items():
            null = "yes" if "null" in field.get("type", ()) else "no"
            values = f" ({' / '.join(field['enum'])})" if "enum" in field else ""
            lines.append(f"| {name} | {kind} | {null} | {field['description']}{values} |")
    return lines


if __name__ == "__main__":
    print(codebook(), end="")
