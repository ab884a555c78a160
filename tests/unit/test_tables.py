import math
import warnings

import numpy as np
import pandas as pd
import pytest

from empathic import tables
from empathic.errors import InputError

THING = tables.Table(
    "{study}/things.csv",
    "a thing",
    (
        tables.text("name", "its name"),
        tables.text("note", "a note", missing=True),
        tables.integer("count", "how many", missing=True),
        tables.number("size", "how large", missing=True),
        tables.boolean("good", "whether it is"),
        tables.text("colour", "its colour", allowed=("red", "blue")),
    ),
    key=("name", "note"),
)
ROW = {"name": "a", "note": None, "count": 1, "size": 0.1, "good": True, "colour": "red"}


def round_trip(table, tmp_path):
    THING.write(table, tmp_path / "things.csv")
    return THING.read(tmp_path / "things.csv")


def things(**columns):
    rows = max(len(values) for values in columns.values())
    whole = {name: [value] * rows for name, value in ROW.items()} | {"name": [f"n{row}" for row in range(rows)]}
    return pd.DataFrame(whole | columns)


def test_floats_come_back_exactly_to_the_last_bit(tmp_path):
    random = np.random.default_rng(0)
    sizes = np.concatenate(
        [
            random.normal(size=5_000),
            np.exp(random.normal(size=5_000) * 100),
            [0.1 + 0.2, 1 / 3, 5e-324, np.finfo(float).max, np.inf, -np.inf, -0.0, 2.0**53 + 2],
        ]
    )

    with warnings.catch_warnings(action="error"):
        read = round_trip(things(size=sizes), tmp_path)["size"].to_numpy()

    assert np.array_equal(read, sizes)
    assert math.copysign(1, read[-2]) == -1


TEXTS = ["NA", "null", "nan", "007", "1e3", "True", " x ", 'say "hi", you', "a\nb", "a\r\nb", "a\rb", "\r", "'", "\\n"]
TEXTS += ["\ufeffx", "a\u2028b\x85c", "\x00", "\U0001f642", "#x", "-", "=1+1"]


def test_texts_come_back_exactly_whatever_stands_in_them(tmp_path):
    read = round_trip(things(note=TEXTS), tmp_path)

    assert read["note"].tolist() == TEXTS


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back_exactly_when_it_stands_alone(tmp_path, text):
    table = things(note=[text]).assign(further=text)

    read = round_trip(table, tmp_path)

    assert read["note"].tolist() == [text]


def test_missing_cells_are_empty_and_come_back_missing(tmp_path):
    read = round_trip(things(note=[None, "x"], count=[pd.NA, 10**15 + 1], size=[float("nan"), 2]), tmp_path)

    content = (tmp_path / "things.csv").read_text(encoding="utf-8")
    assert content == ("name,note,count,size,good,colour\nn0,,,,True,red\nn1,x,1000000000000001,2.0,True,red\n")
    assert read.isna().to_numpy().tolist() == [[False, True, True, True, False, False], [False] * 6]
    assert read["count"][1] == 10**15 + 1
    assert read.dtypes.astype(str).tolist() == ["string", "string", "Int64", "float64", "boolean", "string"]


def test_a_table_without_rows_keeps_its_columns_and_types(tmp_path):
    read = round_trip(THING.frame([]), tmp_path)

    assert len(read) == 0
    assert read.dtypes.astype(str).tolist() == ["string", "string", "Int64", "float64", "boolean", "string"]


def test_the_contract_s_columns_come_first_and_further_ones_follow(tmp_path):
    table = things(size=[1]).assign(more=["x"])[["more", "size", "colour", "good", "count", "note", "name"]]

    assert list(round_trip(table, tmp_path)) == [*THING.names, "more"]


def test_a_table_from_records_keeps_every_further_column_of_every_record():
    table = THING.frame([ROW, ROW | {"name": "b", "age": 40}])

    assert list(table) == [*THING.names, "age"]
    assert table["age"].tolist()[1] == 40


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": [None, "b"]}, "column 'name' has 1 empty cells"),
        ({"name": ["", "b"]}, "column 'name' has 1 empty cells"),
        ({"good": [None, None]}, "column 'good' has 2 empty cells"),
        ({"colour": ["green", "red"]}, "column 'colour' holds ['green'], allowed: red, blue"),
        ({"name": ["a", "a"]}, "rows that share (name, note)"),
        ({"count": [1.5, 2]}, "column 'count' is not all integer"),
        ({"size": ["x", 2]}, "column 'size' is not all number"),
    ],
)
def test_a_table_that_breaks_its_schema_is_not_written(tmp_path, change, fault):
    with pytest.raises(ValueError) as error:
        THING.write(things(**change), tmp_path / "things.csv")

    assert fault in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_lacks_a_column_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="no column 'size'"):
        THING.write(things(size=[1]).drop(columns="size"), tmp_path / "things.csv")


HEADER = "name,note,count,size,good,colour\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "No columns to parse from file"),
        ("name,note,count,good,colour\na,,1,True,red\n", "no column 'size'"),
        (HEADER + "a,,1.5,1,True,red\n", "column 'count' is not all integer"),
        (HEADER + "a,,one,1,True,red\n", "column 'count' is not all integer"),
        (HEADER + "a,,1,large,True,red\n", "column 'size' is not all number"),
        (HEADER + "a,,1,1,perhaps,red\n", "column 'good' is not all boolean"),
        (HEADER + "a,,1,1,True,red\n,,1,1,True,red\n", "column 'name' has 1 empty cells"),
        (HEADER + "a,,1,1,True,red\na,,1,1,True,blue\n", "rows that share (name, note)"),
        (HEADER + "a,,1,1,True,re", "column 'colour' holds ['re'], allowed: red, blue"),
        (HEADER + "a,,1,1,True", "column 'colour' has 1 empty cells"),
        (HEADER + 'a,"cut in the middle of a te', "EOF inside string"),
        (HEADER.encode() + b"\xff,,1,1,True,red\n", "codec can't decode"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong_and_what_to_do(tmp_path, content, fault):
    path = tmp_path / "things.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(InputError) as error:
        THING.read(path)

    assert str(error.value).startswith(f"{path}: ")
    assert fault in str(error.value)
    assert str(error.value).endswith("It was changed after the package wrote it: delete it and start again.")


def test_every_table_has_its_own_path_a_key_of_its_columns_and_words_for_each_column():
    assert len({table.path for table in tables.ALL}) == len(tables.ALL)
    for table in tables.ALL:
        assert len(set(table.names)) == len(table.names), table.path
        assert set(table.key) <= set(table.names), table.path
        assert all(column.meaning and column.kind in tables.DTYPES for column in table.columns), table.path
        assert table.row, table.path


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("POSTS", "post_id, domain, text, origin"),
        (
            "RESPONSES",
            "response_id, post_id, domain, source, kind, sample, label, writer_id, text, n_words, origin",
        ),
        (
            "RATINGS",
            "rater_id, response_id, post_id, domain, source, item, rating, position, included, reason, origin",
        ),
        ("FLOW", "step, reason, raters, ratings, raters_any, ratings_any"),
        ("FIXED", "term, estimate, std_error, df, statistic, p_value, conf_low, conf_high, origin"),
        (
            "CONTRASTS",
            "contrast, by, estimate, std_error, df, statistic, p_value, p_adjusted, conf_low, conf_high, conf_low_90, "
            "conf_high_90, conf_low_adj, conf_high_adj, p_equivalence, sesoi, d, percent_of_range, family, "
            "family_size, adjust, origin",
        ),
        (
            "CLAIMS",
            "claim_id, study, statement, certainty, family, test, model, estimate, conf_low, conf_high, p_for, "
            "p_against, p_adjusted, p_against_adjusted, verdict, demo_verdict, origin, reported, reported_low, "
            "reported_high, reported_scale, reported_page, prediction_low, prediction_high, why",
        ),
    ],
)
def test_the_columns_that_others_read_stay_in_their_order(table, columns):
    assert getattr(tables, table).names == columns.split(", ")


def test_a_further_column_that_has_a_schema_is_checked_and_typed_where_it_is_there(tmp_path):
    table = tables.Table(
        "t.csv", "a thing", (tables.text("name", ""),), further=(tables.text("day", "", missing=True),)
    )
    table.write(pd.DataFrame({"name": ["a"]}), tmp_path / "without.csv")
    table.write(pd.DataFrame({"name": ["a", "b"], "day": ["007", None]}), tmp_path / "with.csv")
    strict = tables.Table("t.csv", "a thing", (tables.text("name", ""),), further=(tables.text("day", ""),))

    assert list(table.read(tmp_path / "without.csv")) == ["name"]
    read = table.read(tmp_path / "with.csv")
    assert read["day"].dtype == "string" and read["day"].tolist()[0] == "007"
    with pytest.raises(ValueError, match="column 'day' has 1 empty cells"):
        strict.write(read, tmp_path / "strict.csv")
