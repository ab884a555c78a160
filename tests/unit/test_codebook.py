from pathlib import Path

from empathic import codebook, features, style, tables


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
    assert list(style.features_of("Hello")) == [feature.name for feature in features.FEATURES]
    for name in style.features_of("Hello"):
        assert f"\n| {name} | " in text.split("## Features")[1]


def test_no_cell_breaks_its_table():
    rows = [line for line in codebook.codebook().splitlines() if line.startswith("| ")]

    assert {line.count("|") for line in rows} == {4, 5}
