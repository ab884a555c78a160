import csv
import random

import pandas as pd
import pytest

from empathic import plaincsv, sheets

PLAIN = [
    "a,b\n1,2\n",
    "a,b\r\n1,2\r\n3,\r\n",
    "\ufeffa,b\n1,2",
    'a,b\n"x ""q""",2\n"""",","\n"""""""",\n',
    'a,b\n"two\nlines","x,y"\nNA,"NULL"\n',
    "a,b\n,\n1,2\n",
    "a,b\n1,2\n\n3,4\n\n",
    "a,b\n é😀 , x \n",
    '"a","b"\n"",""\n"1",\n',
]
ODD = [
    'a,b\n1,x"y\n',
    'a,b\n1,"x"y\n',
    'a,b\n1,"x\n',
    'a,b\n1,x"\n',
    'a,b\n1, "x"\n',
    "a,b\n1\n",
    "a,b\n1,2,3\n",
    "a,b\n1,2\0\n",
    "a,a\n1,2\n",
    "a\n1\n",
    "a,b\n",
    "",
    "a,b\n1," + "x" * (csv.field_size_limit() + 1) + "\n",
]


def careful(path, header_rows=1):
    headers, cells = sheets._read_with_care(path, header_rows, recurring=False)
    return headers, cells


@pytest.mark.parametrize("recurring", [True, False])
@pytest.mark.parametrize("content", PLAIN)
def test_a_plain_file_is_read_as_with_care(written, content, recurring):
    path = written(content)
    headers, cells = plaincsv.read(path, 1, recurring)
    expected_headers, expected = careful(path)

    assert headers == expected_headers
    pd.testing.assert_frame_equal(cells.astype("string"), expected)
    assert all(isinstance(cells[name].dtype, pd.CategoricalDtype) == recurring for name in cells)


@pytest.mark.parametrize("content", ODD)
def test_a_file_with_something_odd_is_left_to_care(written, content):
    assert plaincsv.read(written(content), 1, True) is None


@pytest.mark.parametrize("recurring", [True, False])
def test_many_rows_that_lack_a_cell_are_plain(written, recurring):
    _, cells = plaincsv.read(written("a,b\n" + "1,\n" * 2 * csv.field_size_limit()), 1, recurring)

    assert cells.notna().sum().to_dict() == {"a": 2 * csv.field_size_limit(), "b": 0}


def test_bytes_that_are_not_utf8_are_left_to_care(written):
    assert plaincsv.read(written(b"a,b\n1,\xe9\n"), 1, True) is None
    assert plaincsv.read(written(b"a,\xe9\n1,2\n"), 1, True) is None


def test_header_rows_with_line_breaks_are_apart_from_the_rows(written):
    headers, cells = plaincsv.read(written('a,b\n"one\ntwo",x\n{},{}\n1,2\n3,4\n'), 3, True)

    assert headers == [["a", "b"], ["one\ntwo", "x"], ["{}", "{}"]]
    assert cells.astype("string").to_dict("index") == {4: {"a": "1", "b": "2"}, 5: {"a": "3", "b": "4"}}


def test_texts_of_all_kinds_come_back_whatever_the_block(written, monkeypatch):
    draw = random.Random(1)
    texts = ["".join(draw.choices('ab,"\n\r é', k=draw.randrange(8))) for _ in range(600)]
    path = written("")
    with open(path, "w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle, quoting=csv.QUOTE_ALL)
        rows.writerows([["n", "t"], *([number, text] for number, text in enumerate(texts))])
    expected = careful(path)[1]
    for block in (64, 129, 1 << 20):
        monkeypatch.setattr(plaincsv, "LOOKED_AT", block)
        monkeypatch.setattr(plaincsv, "PARSED", block)
        for recurring in (True, False):
            cells = plaincsv.read(path, 1, recurring)[1]
            pd.testing.assert_frame_equal(cells.astype("string"), expected)
    assert expected["t"].fillna("").tolist() == texts


def test_a_quote_at_fault_is_found_at_any_place_of_a_block(written, monkeypatch):
    monkeypatch.setattr(plaincsv, "LOOKED_AT", 8)
    for before in range(20):
        good = "a,b\n" + "x" * before + ',"q"\n'
        assert plaincsv.read(written(good), 1, False) is not None
        assert plaincsv.read(written(good.replace('"q"', '"q" ')), 1, False) is None
