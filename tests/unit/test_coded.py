import numpy as np
import pandas as pd
import pytest

from empathic import coded


def column(*texts):
    return coded.encoded(pd.Series(texts, dtype="string"))


def test_a_column_is_its_texts_again():
    texts = pd.Series(["b", None, "a", "b"], index=[3, 4, 5, 6], name="x", dtype="string")

    pd.testing.assert_series_equal(coded.texts(coded.encoded(texts)), texts)


def test_texts_that_stand_twice_are_one():
    made = coded.of(np.array([0, 1, 2, -1]), ["a", "b", "a"])

    assert list(made.categories) == ["a", "b"]
    assert pd.Series(made).astype("string").fillna("NONE").tolist() == ["a", "b", "a", "NONE"]


def test_frames_of_different_texts_are_put_one_below_the_other():
    whole = coded.concat(
        [pd.DataFrame({"t": column("a", "b"), "n": 1}), pd.DataFrame({"t": column("c", None), "n": 2})]
    )

    assert isinstance(whole["t"].dtype, pd.CategoricalDtype)
    assert whole["t"].astype("string").fillna("NONE").tolist() == ["a", "b", "c", "NONE"]
    assert whole["n"].tolist() == [1, 1, 2, 2]
    assert whole.index.tolist() == [0, 1, 2, 3]


def test_a_column_that_a_frame_lacks_is_missing_there():
    whole = coded.concat([pd.DataFrame({"n": [1]}), pd.DataFrame({"n": [2], "t": column("a")})])

    assert whole["t"].astype("string").fillna("NONE").tolist() == ["NONE", "a"]


def test_numbers_sort_as_the_rows_do():
    draw = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "t": pd.Series(draw.choice(["b", "B", "é", "aa", "a"], 500), dtype="string"),
            "n": pd.Series(draw.integers(0, 4, 500)).astype("Int64").mask(draw.random(500) < 0.2),
            "row": range(500),
        }
    )
    numbers = coded.numbered([coded.encoded(table["t"]), table["n"]], in_order=True)

    expected = table.sort_values(["t", "n"], kind="stable")["row"].tolist()
    assert np.argsort(numbers, kind="stable").tolist() == expected


@pytest.mark.parametrize(
    "whole",
    [
        pd.Series([7, -2, 7, 0], dtype="int64"),
        pd.Series([3, None, 1, 3], index=[9, 8, 7, 6], dtype="Int64"),
        pd.Series([2**62, -(2**62), 0], dtype="int64"),
        pd.Series([None, None], dtype="Int64"),
        pd.Series([], dtype="int64"),
    ],
)
def test_whole_numbers_are_their_parts_again(whole):
    codes, known = coded.parts(whole)

    assert [None if code < 0 else known[code] for code in codes] == [None if pd.isna(n) else n for n in whole]
    assert len(set(known)) == len(known) <= len(whole)


@pytest.mark.parametrize("in_order", [True, False])
def test_numbers_are_equal_where_the_rows_are(in_order):
    draw = np.random.default_rng(2)
    table = pd.DataFrame({name: pd.Series(draw.choice(["a", "b", None], 300), dtype="string") for name in "uvw"})
    numbers = coded.numbered((table[name] for name in table), in_order=in_order)

    assert pd.Series(numbers).duplicated().tolist() == table.duplicated().tolist()


def test_rows_recur_where_all_their_values_do_what_is_missing_among_them():
    table = pd.DataFrame({"t": column("a", "b", None, "a"), "n": pd.Series([1, 2, 3, 3], dtype="Int64")})

    assert not coded.recur(table[name] for name in table)
    for again in range(4):
        longer = coded.concat([table, table.iloc[[again]]])
        assert coded.recur(longer[name] for name in longer)


def test_numbers_of_columns_with_more_pairs_than_an_integer_has_do_not_run_over():
    many = [pd.Series(np.arange(5000)[:: 1 if at % 2 else -1].copy()) for at in range(8)]
    numbers = coded.numbered(many, in_order=True)

    assert np.argsort(numbers).tolist() == list(range(4999, -1, -1))
    assert len(np.unique(numbers)) == 5000
