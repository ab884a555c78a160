import pandas as pd
import pytest

from empathic import sheets
from empathic.errors import InputError


def message(path, **how):
    with pytest.raises(InputError) as error:
        sheets.read(path, **how)
    return str(error.value).removeprefix(str(path))


def test_cells_stay_text_as_they_are_and_rows_are_counted_as_a_spreadsheet_does(written):
    sheet, headers = sheets.read(written('\ufeffid,note\r\n007,"two\r\nlines"\r\n\r\n008,NA\r\n,\r\n010,\r\n'))

    assert headers == [["id", "note"]]
    assert sheet.cells["id"].to_dict() == {2: "007", 4: "008", 6: "010"}
    assert sheet.cells["note"].fillna("EMPTY").tolist() == ["two\r\nlines", "NA", "EMPTY"]


def test_header_rows_with_line_breaks_do_not_shift_the_rows(written):
    sheet, headers = sheets.read(written('a,b\n"one\ntwo",x\n{},{}\n1,2\n'), header_rows=3)

    assert headers[1] == ["one\ntwo", "x"]
    assert sheet.cells.to_dict("index") == {4: {"a": "1", "b": "2"}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ": the file is empty. Export it again, or take it out of the config."),
        (
            "a,b\n,\n\n",
            ": the file has no row of answers below its header. Export it again, or take it out of the config.",
        ),
        (
            "a;b\n1;2\n",
            ": its columns are separated by semicolons. Export it as CSV with commas (in Excel: CSV UTF-8).",
        ),
        ("a\tb\n1\t2\n", ": its columns are separated by tabs. Export it as CSV with commas (in Excel: CSV UTF-8)."),
        ("a,b,a\n1,2,3\n", ", row 1, column 'a': two columns bear this name. Rename one of them."),
        (
            "a,b\n1,2\n3\n",
            ", row 3: 1 cells where the header has 2. "
            "The row is cut off or broken by a comma that is not quoted: export the file again.",
        ),
        (
            "a,b\n1,2,3\n",
            ", row 2: 3 cells where the header has 2. "
            "The row is cut off or broken by a comma that is not quoted: export the file again.",
        ),
        (
            "a,b\n1,2\n3,caf\u00e9\n".encode("latin-1"),
            ": the text is not UTF-8 (byte 0xe9 on line 3). Save or export it as CSV in UTF-8.",
        ),
        (
            "a,b\n1,2\n".encode("utf-16"),
            ": the text is not UTF-8 (byte 0xff on line 1). Save or export it as CSV in UTF-8.",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_message(written, content, expected):
    assert message(written(content)) == expected


def test_a_fault_of_encoding_far_into_a_file_is_found_on_its_line(written):
    content = b"a,b\n" + b"1,2\n" * 50_000 + b"1,\xe9\n"

    assert message(written(content)).startswith(": the text is not UTF-8 (byte 0xe9 on line 50002)")


def test_a_missing_column_is_named_with_its_nearest(written):
    sheet, _ = sheets.read(written("rater,rating\n1,2\n"))

    with pytest.raises(InputError) as error:
        sheet.column("raters", "Do this")

    assert str(error.value) == f"{sheet.path}, column 'raters': no such column (did you mean 'rater'?). Do this."


def test_numbers_are_missing_where_empty_and_refused_where_none(written):
    sheet, _ = sheets.read(written("a,b,c\n1,5,1.5\n,five,2\n"))

    assert sheet.numbers("a", "", whole=True).fillna(-1).tolist() == [1, -1]
    with pytest.raises(InputError, match="row 3, column 'b': 'five' is not a number from 0 on"):
        sheet.numbers("b", "")
    with pytest.raises(InputError, match="row 2, column 'c': '1.5' is not a whole number from 0 on"):
        sheet.numbers("c", "", whole=True)
    with pytest.raises(InputError, match="row 2, column 'c': '1.5' is not a number from 2 on"):
        sheet.numbers("c", "", least=2)


def test_many_names_are_shortened():
    assert sheets.shorten("abcd", 3) == "a, b, c and 1 more"
    assert sheets.shorten("abc", 3) == "a, b, c"


def test_columns_are_called_by_our_names_where_a_config_says_how(written):
    sheet, _ = sheets.read(written("who,said,text\n1,2,3\n"))

    assert list(sheet.renamed({"rater": "who", "text": "text"}).cells) == ["rater", "said", "text"]
    assert sheet.renamed({"text": "said", "other": "text"}).cells.iloc[0].to_dict() == {
        "who": "1",
        "text": "2",
        "other": "3",
    }
    with pytest.raises(
        InputError, match="column 'said': the config calls this column 'text', and the file has another"
    ):
        sheet.renamed({"text": "said"})
    with pytest.raises(InputError, match="column 'sad': no such column .did you mean 'said'"):
        sheet.renamed({"text": "sad"})


def test_a_text_that_a_spreadsheet_would_take_for_a_formula_is_made_safe_and_a_number_is_not():
    cells = pd.Series(["=1+1", "+1 from me", "-", "@you", "\tx", "\rx", "-3", "+4.5", "a=b", "", None], dtype="string")

    assert sheets.made_safe(cells).fillna("NONE").tolist() == [
        *("'=1+1", "'+1 from me", "'-", "'@you", "'\tx", "'\rx"),
        *("-3", "+4.5", "a=b", "", "NONE"),
    ]


def test_a_file_with_fewer_rows_than_its_headers_is_refused(written):
    for content in ("a,b\n", "a,b\nc,d\n", "a,b\nc,d\n{},{}\n"):
        assert message(written(content), header_rows=3).startswith(": the file has no row of answers below its header.")


def test_a_quote_that_is_not_closed_is_refused(written):
    assert message(written('a,b\n1,2\n3,"four\n5,6\n')).startswith(": no CSV (a quote that opens is not closed")
