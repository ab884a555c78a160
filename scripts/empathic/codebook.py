"""docs/CODEBOOK.md: every table, feature, check and field of a record, from the schemas that check them.

`cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md`
"""

from pathlib import Path

from empathic import checks, features, files, tables

RECORDS = Path(__file__).with_name("records_schema.json")
HEAD = """\
# Codebook

Made by `cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md` from the schemas
`tables.py`, `features.py`, `checks.py` and `records_schema.json` in `scripts/empathic/`: do not edit.

All tables lie under `results/{run}/`: UTF-8 CSV, one header row, an empty cell is a missing value. Further columns may
follow those listed."""


def codebook() -> str:
    """The text of docs/CODEBOOK.md."""
    lines = [HEAD]
    for table in tables.ALL:
        lines += ["", f"## {table.path}", "", f"A row is {table.row}.", ""]
        lines += ["| column | kind | may be empty | meaning |", "|---|---|---|---|"]
        for column in (*table.columns, *table.further):
            values = f" ({' / '.join(column.allowed)})" if column.allowed else ""
            empty = "yes" if column.missing else "no"
            lines.append(f"| {column.name} | {column.kind} | {empty} | {column.meaning}{values} |")
        if table.further:
            names = [column.name for column in table.further]
            lines += ["", f"{', '.join(names[:-1])} and {names[-1]} follow only where a file has them."]
    return "\n".join([*lines, *_records(), *_checks(), *_features()]) + "\n"


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
        "`feature` in the other tables of `{study}/style/`. Rates are empty where a response has no words.",
        "",
        "Where a feature is a list of words, that is `data/wordlists/NAME.txt`, with its source and licence; it is",
        "matched on words in small letters; a contraction also matches by its first word (`you're` as `you`).",
        "`empath_NAME` is a category of Empath's open dictionary (E. Fast, B. Chen and M. Bernstein 2016; MIT;",
        "`data/wordlists/empath.tsv`), `liwc_NAME` one of a LIWC dictionary or of LIWC-22's results that a replicator",
        "brings: both per 100 words. No `empath_` feature stands for one of LIWC's in any claim.",
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
