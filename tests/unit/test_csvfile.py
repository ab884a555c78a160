import io

import numpy as np
import pandas as pd
import pytest

from empathic import csvfile

TEXTS = ["plain", 'say "hi", you', "a\nb", "a,b", " x ", "", None, "é😀", "'", "=1", "NA", "1e3", "#x"]


def written(table):
    handle = io.BytesIO()
    csvfile.write(table, handle)
    return handle.getvalue().decode()


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(TEXTS, dtype="string"),
        pd.Series([1.0, 0.1, 1e-5, 1e22, -0.0, np.nan, np.inf, 123456789.123456, 1 / 3]),
        pd.Series([1, -2, None, 10**12], dtype="Int64"),
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series([1, 2, 3]),
        pd.Series(["a", None, 'b"'], dtype="object"),
    ],
)
def test_the_bytes_are_those_of_pandas(column):
    table = pd.DataFrame({"first": "x", "a, b": column, "last": column})

    assert written(table) == table.to_csv(index=False, lineterminator="\n")


def test_a_carriage_return_is_quoted_and_comes_back():
    table = pd.DataFrame({"text": pd.Series(["a\rb", "\r", "c"], dtype="string"), "n": [1, 2, 3]})

    assert written(table) == 'text,n\n"a\rb",1\n"\r",2\nc,3\n'


def test_a_table_without_rows_is_its_header():
    assert written(pd.DataFrame({"a": [], "b": []})) == "a,b\n"
