"""An export with a fault, in a run: one message, an exit that is not zero, and nothing written half."""

import pytest

TABLES = [f"results/examples/ratings_only/{name}.csv" for name in ("ratings", "raters", "flow")]


@pytest.fixture(scope="module")
def checkout(new_checkout):
    return new_checkout()


def test_a_fault_stops_the_run_with_one_message_and_leaves_no_table(checkout):
    file = checkout.folder / "data/examples/long.csv"
    file.write_text(file.read_text().replace("empathy,7,400", "empathy,9,400"))

    seen = checkout.snakemake(TABLES[0], config="configs/examples.yaml", fails=True)

    log = checkout.read("logs/examples/merge_ratings/ratings_only.log")
    for told in (seen, log):
        assert "data/examples/long.csv, row 5, column 'answer': '9' is no answer to the item 'empathy'" in told
        assert "Traceback" not in told
    assert not any((checkout.folder / table).exists() for table in TABLES)


def test_mended_it_runs_and_what_was_carried_is_safe_for_a_spreadsheet(checkout):
    file = checkout.folder / "data/examples/long.csv"
    file.write_text(file.read_text().replace("empathy,9,400", "empathy,7,400"))

    checkout.snakemake(TABLES[0], config="configs/examples.yaml")

    notes = checkout.table(TABLES[0], dtype="string")["note"].dropna().tolist()
    assert sorted(notes) == ["'+1 from me", "'=1+1", "'@colleague: see this", "-3"]
