import json
from pathlib import Path

from empathic import checks, codebook, features, tables
from empathic.style import measure


def test_the_codebook_that_ships_is_the_one_that_the_schemas_give():
    shipped = Path(__file__).parents[2] / "docs/CODEBOOK.md"

    assert shipped.read_text(encoding="utf-8") == codebook.codebook(), (
        "docs/CODEBOOK.md is out of date: cd scripts && python -m empathic.codebook > ../docs/CODEBOOK.md"
    )


def test_every_column_and_every_measured_feature_has_its_line():
    text = codebook.codebook()

    for table in tables.ALL:
        part = text.split(f"## {table.path}\n")[1].split("\n## ")[0]
        names = [line.split(" | ")[0] for line in part.splitlines()[5:] if line.startswith("|")]
        assert names == [f"| {name}" for name in [*table.names, *(column.name for column in table.further)]]
    root = Path(__file__).parents[2] / "data/wordlists"
    measured = measure.features_of("Hello", measure.instruments(sorted(root.glob("*.txt")), root / "empath.tsv", []))
    assert sorted(measured) == sorted(features.NAMES)
    for name in measured:
        assert f"\n| {name} | " in text.split("## Features")[1]


def test_no_cell_breaks_its_table():
    rows = [line for line in codebook.codebook().splitlines() if line.startswith("| ")]

    assert {line.count("|") for line in rows} == {4, 5}


def test_every_field_of_a_record_has_its_line_with_what_its_kind_of_source_adds():
    text = codebook.codebook()
    schema = json.loads((Path(codebook.__file__).parent / "records_schema.json").read_text(encoding="utf-8"))
    parts = [schema, *schema.get("oneOf", ())]
    named = {name for part in parts for name, field in part["properties"].items() if "description" in field}

    part = text.split("## {study}/generations/{source}.jsonl\n")[1].split("\n## ")[0]

    assert {line.split(" | ")[0][2:] for line in part.splitlines() if line.startswith("| ")} == named | {"field"}


def test_every_check_has_its_rule_and_its_columns():
    part = codebook.codebook().split("## Checks\n")[1].split("\n## ")[0]

    assert tuple(tables.CHECKED) == checks.NAMES
    for check in checks.CHECKS:
        assert f"\n| {check.name} | {check.counted} | {check.rule} |" in part
        assert check.name in tables.QUALITY_RESPONSES.names
        assert check.counted in tables.QUALITY.names
