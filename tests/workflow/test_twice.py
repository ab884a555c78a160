"""The smoke run made a second time, from an empty cache of records: the same bytes. Part of `make test-all` alone."""

import json

import pytest

from empathic.records import DETERMINING

MADE = {"text", "raw_text", "finish_reason", "prompt_tokens", "new_tokens", "padded_tokens", "error"}


def tables(checkout):
    """What a run says of the study, by path: all its tables and scripts."""
    folder = checkout.folder / "results/smoke"
    files = (file for kind in ("csv", "R", "json") for file in folder.rglob(f"*.{kind}"))
    made = {str(file.relative_to(folder)): file.read_bytes() for file in files if file.name != "provenance.json"}
    return {path: content for path, content in made.items() if not path.startswith("models/")}  # where weights lie


def texts(checkout):
    files = sorted((checkout.folder / "results/smoke").rglob("generations/*.jsonl"))
    records = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [{field: record[field] for field in (*DETERMINING["transformers"], *sorted(MADE))} for record in records]


@pytest.mark.slow
def test_two_runs_from_empty_caches_give_the_same_tables(smoke, new_checkout):
    again = new_checkout()
    again.snakemake()

    assert len(texts(smoke)) == 36 and texts(again) == texts(smoke)
    first, second = tables(smoke), tables(again)
    assert {"study1/ratings.csv", "study2/models/deciding/contrasts.csv", "claims.csv"} <= first.keys()
    assert [path for path in first.keys() | second.keys() if first.get(path) != second.get(path)] == []
