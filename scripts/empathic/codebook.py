"""docs/CODEBOOK.md: every table and every feature, from the schemas that check them.

`cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md`
"""

from empathic import features, tables

HEAD = """\
# Codebook

Made by `cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md` from the schemas in
`scripts/empathic/tables.py` and `scripts/empathic/features.py`: do not edit.

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
    return "\n".join([*lines, *_features()]) + "\n"


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
