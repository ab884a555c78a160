from pathlib import Path

import pytest

from empathic import instrument
from empathic.errors import InputError
from empathic.instrument import Scale

ROOT = Path(__file__).parents[2]
REMEDY = "Correct it there; data/instrument.yaml of this package shows the shape."
GOOD = """
items:
  - name: empathy
    wording: How empathic?
    scale: {min: 1, max: 7}
    anchors: {1: not, 7: very}
attention_checks:
  - {name: attention_1, wording: Choose 6., right_answer: 6}
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "instrument.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_shipped_instrument_has_the_default_item_on_seven_points_and_two_checks():
    shipped = instrument.read(ROOT / "data" / "instrument.yaml", "empathy")

    assert shipped.item("empathy").scale.points == [1, 2, 3, 4, 5, 6, 7]
    assert shipped.item("empathy").scale.range == 6
    assert {check.name: check.right_answer for check in shipped.attention_checks} == {
        "attention_1": 6,
        "attention_2": 2,
    }


def test_a_scale_allows_its_points_and_nothing_between_or_beyond():
    halves = Scale(min=-1, max=1, step=0.5)

    assert halves.points == [-1, -0.5, 0, 0.5, 1]
    assert [answer for answer in (-1.5, -1, -0.75, 0, 0.5, 1, 1.5, float("nan")) if halves.allows(answer)] == [
        -1,
        0,
        0.5,
        1,
    ]


def test_a_scale_is_spelt_out_where_it_is_short():
    assert str(Scale(min=1, max=3)) == "1, 2, 3"
    assert str(Scale(min=0, max=100)) == "0 to 100 in steps of 1"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("max: 7", "max: 1"), "items > 1 > scale: max (1) is not above min (1)"),
        (("max: 7", "max: 7, step: 4"), "items > 1 > scale: steps of 4 do not lead from 1 to 7"),
        (("7: very", "8: very"), "items > 1: the anchor at 8 is not on the scale (1, 2, 3, 4, 5, 6, 7)"),
        (("wording: How", "words: How"), "items > 1 > wording: this key is missing; items > 1 > words: no such key"),
        (("attention_1", "empathy"), "the whole: the name 'empathy' stands twice"),
        (("right_answer: 6", "right_answer: six"), "right_answer: Input should be a valid number, unable to parse"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_place(written, change, problem):
    path = written(GOOD.replace(*change))

    with pytest.raises(InputError) as error:
        instrument.read(path, "empathy")

    assert str(error.value).startswith(f"{path}: ")
    assert problem in str(error.value)
    assert str(error.value).endswith(REMEDY)


SCALES = """
items:
  - {name: warm, wording: How warm, scale: {min: 1, max: 7}}
  - {name: kind, wording: How kind, scale: {min: 1, max: 7}}
  - {name: odd, wording: How odd, scale: {min: 0, max: 100}}
scales:
  - {name: empathy, items: [warm, kind]}
"""


def test_several_items_are_averaged_into_one_that_is_asked_for_like_an_item(written):
    found = instrument.read(written(SCALES), "empathy")

    average = found.item("empathy")
    assert (average.scale.min, average.scale.max, average.scale.step) == (1, 7, 0.5)
    assert average.wording == "the mean of warm, kind"
    assert found.scales[0].least == 2, "all of them, where nothing else is said"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[warm, kind]", "[warm, mild]"), "the whole: the scale 'empathy' names 'mild', which is no item"),
        (("[warm, kind]", "[warm, warm]"), "the whole: the scale 'empathy' names an item twice"),
        (("[warm, kind]", "[warm]"), "scales > 1 > items"),
        (
            ("[warm, kind]", "[warm, odd]"),
            "the items of the scale 'empathy' are not answered on one and the same scale",
        ),
        (("kind]", "kind], least_items: 3"), "the whole: the scale 'empathy' has fewer items than least_items"),
        (("name: empathy", "name: kind"), "the whole: the name 'kind' stands twice"),
    ],
)
def test_a_scale_that_makes_no_sense_is_named(written, change, problem):
    with pytest.raises(InputError) as error:
        instrument.read(written(SCALES.replace(*change)), "warm")

    assert problem in str(error.value)


def test_an_item_that_the_instrument_lacks_is_refused_with_those_it_has(written):
    path = written(GOOD)

    with pytest.raises(InputError) as error:
        instrument.read(path, "warmth")

    assert str(error.value) == (
        f"{path}: no item 'warmth' (found: empathy). "
        "Name one of them in the config, under ratings > item, or add the item to the instrument."
    )


@pytest.mark.parametrize("text", ["items: [", "- just\n- a list\n", ""])
def test_a_file_that_is_no_instrument_is_one_message(written, text):
    with pytest.raises(InputError, match="data/instrument.yaml of this package shows the shape"):
        instrument.read(written(text), "empathy")


def test_a_file_in_latin_1_is_one_message(tmp_path):
    path = tmp_path / "instrument.yaml"
    path.write_bytes(GOOD.replace("How", "Wie f\u00fchlt").encode("latin-1"))

    with pytest.raises(InputError, match="no YAML in UTF-8"):
        instrument.read(path, "empathy")
