import html as unescape

import pandas as pd
import pytest

from empathic.report import words

HOSTILE = "<script>'\"&{{< x >}} `{python} 1` $x$ @fig-a #h *b* [l](u) ![i](u) \\n ~ ^ | --- ... 1. é 😀 \u202e"


def test_html_leaves_no_character_that_html_quarto_or_pandoc_reads_as_markup():
    escaped = words.html(HOSTILE)

    assert not set("<>\"'{}$@`") & set(escaped)
    assert unescape.unescape(escaped) == HOSTILE


def test_prose_leaves_no_ascii_punctuation_but_that_of_its_references_and_no_line_end():
    escaped = words.prose(HOSTILE + "\n\n    code")

    assert unescape.unescape(escaped) == HOSTILE + " code"
    assert all(char.isalnum() or char in " &#;" or ord(char) > 127 for char in escaped)


def test_control_characters_become_visible_and_line_ends_one_kind():
    assert words.printable("a\x00b\x1b[0m\x85c\r\nd\re\tf") == "a�b�[0m�c\nd\ne\tf"


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.126, 2, "0.13"),
        (-0.126, 2, "−0.13"),
        (-0.001, 2, "0.00"),
        (12345.6, 1, "12,345.6"),
        (float("inf"), 1, "∞"),
        (float("-inf"), 1, "−∞"),
        (float("nan"), 2, "–"),
        (pd.NA, 2, "–"),
        (None, 2, "–"),
        (3, 0, "3"),
    ],
)
def test_numbers_have_a_true_minus_no_negative_zero_and_a_dash_where_missing(value, digits, shown):
    assert words.number(value, digits) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0009999, "< .001"), (0.001, ".001"), (0.0496, ".050"), (0.5, ".500"), (1.0, "1.000"), (None, "–")],
)
def test_p_values_lose_their_zero_and_stop_at_a_thousandth(value, shown):
    assert words.p_value(value) == shown


def test_small_words():
    assert words.interval(-0.5, 0.25) == "[−0.50, 0.25]"
    assert words.interval(None, 1) == "–"
    assert words.share(1, 8) == "12.5%"
    assert words.share(0, 0) == "–"
    assert words.counted(1, "rater") == "1 rater"
    assert words.counted(2880, "rating") == "2,880 ratings"
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.listing(["a", "b"], "or") == "a or b"


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (["Llama, 13B", "human"], "Llama, 13B; and human"),
        ([words.prose("Llama, 13B"), "human", "GPT"], "Llama&#44; 13B; human; and GPT"),
        (["a 4.10 [4.00, 4.20]", "b 4.30 [4.10, 4.50]"], "a 4.10 [4.00, 4.20]; and b 4.30 [4.10, 4.50]"),
        (["Llama 2, chat"], "Llama 2, chat"),
        (["1,920 ratings", words.prose("2,880 ratings")], "1,920 ratings and 2&#44;880 ratings"),
        ([], ""),
    ],
)
def test_a_list_in_which_an_item_holds_a_comma_is_set_apart_by_semicolons(items, said):
    assert words.listing(items) == said


def test_a_row_of_items_takes_the_same_marks():
    assert words.in_row(["a 4.10", "b 1,234.50"]) == "a 4.10, b 1,234.50"
    assert words.in_row(["Llama, 13B 4.10", "b 3.90"]) == "Llama, 13B 4.10; b 3.90"


def test_a_word_longer_than_any_line_may_break_in_a_cell_and_nowhere_else():
    assert words.cell("a" * 40) == "a" * 40
    assert words.cell("a" * 41 + " b<i>") == "a" * 40 + "<wbr>a b&#60;i&#62;"
    assert words.cell("&" * 81) == ("&#38;" * 40 + "<wbr>") * 2 + "&#38;"
    assert words.cell(3.5) == "3.5"
