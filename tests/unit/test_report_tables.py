"""Tables as a page has them: whatever stands in them as it was written, and each cell knowing its heads."""

import re

import pages
import pytest

from empathic.report import blocks
from empathic.report.words import number

HOSTILE = (
    "</td></table><style>*{} <b>&amp; &#123; {{< x >}} {{km^2}} `{python} 1/0` $x$ @fig-a **b** [l](u) NA \u202eback"
)


def table(*columns, label="study1-means"):
    return blocks.table(label, "A caption.", columns)


def test_every_text_is_escaped_once_in_heads_of_rows_heads_of_columns_and_cells():
    shown = table(
        blocks.words(HOSTILE, [HOSTILE, "a"]),
        blocks.words(HOSTILE, [HOSTILE, ""]),
        blocks.numbers(HOSTILE, ["1", HOSTILE]),
    )

    assert pages.rows_of(shown) == [[HOSTILE] * 3, [HOSTILE, HOSTILE, "1"], ["a", "", HOSTILE]]
    content = shown[shown.index("<thead>") : shown.index("</table>")]
    written = re.sub(r"<[^>]*>", "", content)  # with no tag left, none of it may be any reader's markup
    assert not set("<>{}$@`") & set(written)
    assert shown.count("</table>") == 1


def test_a_word_longer_than_any_line_may_break_in_a_head_of_a_row_and_in_a_cell():
    shown = table(blocks.words("a", ["x" * 90]), blocks.words("b", ["y" * 50]))

    assert shown.count("<wbr>") == 3
    assert pages.rows_of(shown)[1] == ["x" * 90, "y" * 50]


def test_each_cell_names_the_heads_of_its_row_and_of_its_column():
    rows = [["Kim", "4.20", "a"], ["Lou", "3.90", "b"], ["Kim", "4.10", "c"]]
    source, mean, note = zip(*rows, strict=True)
    shown = table(blocks.words("Source", source), blocks.numbers("Mean", mean), blocks.words("Note", note))

    said = dict(re.findall(r'<th[^>]* id="([^"]+)"[^>]*>([^<]*)</th>', shown))
    cells = re.findall(r'<td headers="([^"]+)"[^>]*>([^<]*)</td>', shown)
    assert [([said[head] for head in heads.split()], text) for heads, text in cells] == [
        ([row[0], head], text) for row in rows for head, text in zip(("Mean", "Note"), row[1:], strict=True)
    ]
    assert re.findall(r'scope="(\w+)"', shown) == ["col"] * 3 + ["row"] * 3


def test_no_two_tables_of_a_page_share_an_id():
    column = blocks.words("c1", ["a", "a"])  # as great_tables might call a column of its own
    ids = re.findall(r' id="([^"]+)"', table(column, column) + table(column, column, label="study1-models"))

    assert len(ids) == len(set(ids)) == 8


@pytest.mark.parametrize("heads", [("without", "without"), ("", "")])
def test_columns_that_are_called_alike_or_nothing_both_stand(heads):
    shown = table(blocks.words("Contrast", ["x"]), *(blocks.words(head, [head + "!"]) for head in heads))

    assert pages.rows_of(shown) == [["Contrast", *heads], ["x", *(head + "!" for head in heads)]]


def test_a_table_without_rows_has_its_heads():
    assert pages.rows_of(table(blocks.words("Term", []), blocks.numbers("Estimate", []))) == [["Term", "Estimate"]]


def test_what_is_missing_is_a_dash_and_what_is_empty_is_empty():
    shown = table(
        blocks.words("a", ["x", "NA"]), blocks.numbers("b", [number(None), ""]), blocks.words("c", [3.5, "nan"])
    )

    assert pages.rows_of(shown)[1:] == [["x", "–", "3.5"], ["NA", "", "nan"]]


def test_a_table_stands_in_one_box_that_scrolls_and_brings_no_style_of_its_own():
    shown = table(blocks.words("a", ["x"]), blocks.words("b", ["y"]))

    assert re.findall(r"<(?:div|style)[^>]*>", shown) == [
        '<div class="scroll" tabindex="0" role="group" aria-label="table">'
    ]
    assert "style=" not in shown


def test_columns_of_unlike_length_are_refused():
    with pytest.raises(ValueError, match="same length"):
        table(blocks.words("a", ["x", "y"]), blocks.words("b", ["z"]))
