"""Faults as real exports have them, each one message: file, row, column, value, what to do. The examples, changed."""

from pathlib import Path

import pytest
import yaml

from empathic import exports, instrument, settings
from empathic.errors import InputError

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "data" / "examples"
CONFIG = settings.read(yaml.safe_load((ROOT / "configs" / "examples.yaml").read_text()))
STUDY = {"qualtrics.csv": "qualtrics", "prolific.csv": "qualtrics", "qualtrics_loops.csv": "loops"}
STUDY |= {"jspsych.csv": "jspsych", "jspsych.json": "jspsych", "long.csv": "ratings_only"}


@pytest.fixture
def message(tmp_path):
    """The message for an example whose bytes were changed, or that is described otherwise, without its path."""

    def of(name, change=lambda content: content, **described):
        return str(refused(name, change, described).value).replace(str(tmp_path) + "/", "")

    def refused(name, change, described):
        (tmp_path / name).write_bytes(change((EXAMPLES / name).read_bytes()))
        given = CONFIG["studies"][STUDY[name]]["ratings"]
        survey = instrument.read(ROOT / given["instrument"], "empathy")
        entries = [one | {"file": str(ROOT / one["file"])} for one in given["exports"]]
        for one in entries:
            if one["file"].endswith(f"/{name}"):
                one |= {"file": str(tmp_path / name)} | described
        with pytest.raises(InputError) as error:
            exports.read_all(entries, survey, "empathy", given["exclusions"])
        return error

    return of


def replace(old, new, count=1):
    def change(content):
        assert old.encode() in content
        return content.replace(old.encode(), new.encode(), count)

    return change


def without_row(number):
    return lambda content: b"\n".join(content.split(b"\n")[: number - 1] + content.split(b"\n")[number:])


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        # Header rows
        (
            "qualtrics_loops.csv",
            without_row(3),
            "qualtrics_loops.csv, row 3, column 'StartDate': this is not the row of",
        ),
        (
            "qualtrics_loops.csv",
            without_row(1),
            "qualtrics_loops.csv, row 1, column '${lm://Field/1} - How empathic is",
        ),
        (
            "qualtrics_loops.csv",
            replace('{""ImportId"":""1_QID3""}', "{}"),
            "qualtrics_loops.csv, row 3, column '1_Q3'",
        ),
        # Cells
        (
            "qualtrics.csv",
            replace("EN,1,5,4,2", "EN,1,Rather so,4,2"),
            "qualtrics.csv, row 5, column 'R_h1_empathy': 'Rather so' is no answer to the item 'empathy' (its scale: "
            "1, 2, 3, 4, 5, 6, 7). Correct the cell, or say what it stands for in the config, under exports > answers "
            "(null: no answer).",
        ),
        (
            "qualtrics.csv",
            replace("EN,1,5,4,2", "EN,1,8,4,2"),
            "qualtrics.csv, row 5, column 'R_h1_empathy': '8' is no",
        ),
        (
            "qualtrics.csv",
            replace("EN,1,5,4,2", "EN,1,5,4.5,2"),
            "qualtrics.csv, row 5, column 'R_h1_warmth': '4.5' is",
        ),
        (
            "qualtrics.csv",
            replace("EN,1,5,4,2", "EN,1,5,4,x"),
            "qualtrics.csv, row 5, column 'R_h1_DO': 'x' is not a p",
        ),
        (
            "qualtrics.csv",
            replace("2031-06-01 09:00:00,2031", "01.06.2031 09:00,2031"),
            "qualtrics.csv, row 5, column 'StartDate': '01.06.2031 09:00' is not a time like 2031-05-02 09:00:01. "
            "Export the file again, and do not save it in a spreadsheet, which rewrites times.",
        ),
        (
            "qualtrics.csv",
            replace("short\n2031-06-01 11", "long\n2031-06-01 11"),
            "qualtrics.csv, row 8, column 'ResponseId': the ResponseId of this row is that of row 6, and the two "
            "differ (first in the column 'condition'). One of them was changed after the export: export again.",
        ),
        (
            "qualtrics.csv",
            replace("preview,EN,1,4", "preview,EN,1,9"),
            "qualtrics.csv, row 4, column 'R_h1_empathy': '9'",
        ),
        (
            "qualtrics_loops.csv",
            replace("h1,m2,A1FIN", "h1,,A1FIN"),
            "qualtrics_loops.csv, row 5, column 'shown_2': the",
        ),
        (
            "qualtrics_loops.csv",
            replace("A1FIN,2|1", "A1FIN,2|3"),
            "qualtrics_loops.csv, row 5, column 'loops_DO': the r",
        ),
        (
            "qualtrics_loops.csv",
            replace("A1FIN,2|1", "A1FIN,1|2|1"),
            "qualtrics_loops.csv, row 5, column 'loops_DO': the",
        ),
        (
            "qualtrics_loops.csv",
            replace("Very,41", "Purple,41"),
            "qualtrics_loops.csv, row 5, column 'Q6': 'Purple' is n",
        ),
        (
            "jspsych.csv",
            replace('"4","html', '"seven","html'),
            "jspsych.csv, row 3, column 'response': 'seven' is no ans",
        ),
        ("jspsych.csv", replace('"rate","h1"', '"rate",""'), "jspsych.csv, row 3, column 'label': the cell is empty."),
        (
            "jspsych.json",
            replace('"empathy": 5', '"empathy": 8'),
            "jspsych.json, row 2, column 'response': '8' is no an",
        ),
        (
            "jspsych.json",
            replace('"warmth": 3', '"kindness": 3'),
            "jspsych.json, row 2, column 'response': the answer has the key 'kindness', which is no item of the "
            "instrument (empathy, warmth, attention_1). Say in the config, under exports > items, which item it is "
            "(null: none).",
        ),
        (
            "long.csv",
            replace("empathy,7,400", "empathy,seven,400"),
            "long.csv, row 5, column 'answer': 'seven' is no ans",
        ),
        (
            "long.csv",
            replace("empathy,7,400", "kindness,7,400"),
            "long.csv, row 5, column 'question': 'kindness' is no",
        ),
        # Files
        (
            "long.csv",
            lambda content: b"",
            "long.csv: the file is empty. Export it again, or take it out of the config.",
        ),
        ("jspsych.json", lambda content: b"", "jspsych.json: the file has no trial. Export it again, or take it out"),
        ("jspsych.json", lambda content: b"[[], []]", "jspsych.json: the file has no trial."),
        ("jspsych.json", lambda content: content[:700], "jspsych.json: no JSON ("),
        ("jspsych.json", replace('"kai"', '"\\ud800"'), "jspsych.json: a text holds half a character (surrogates not"),
        (
            "long.csv",
            lambda content: content.split(b"\n")[0],
            "long.csv: the file has no row of answers below its header.",
        ),
        (
            "qualtrics_loops.csv",
            lambda content: b"\n".join(content.split(b"\n")[:3]),
            "qualtrics_loops.csv: the file has",
        ),
        ("long.csv", lambda content: content.replace(b",", b";"), "long.csv: its columns are separated by semicolons."),
        (
            "long.csv",
            replace("from me", "fr\0m me"),
            "long.csv: a byte of zero is on line 2, and no text in UTF-8 holds one",
        ),
        (
            "long.csv",
            lambda content: content + b'ned,p2,human,"family',
            "long.csv, row 10: 4 cells where the header has",
        ),
        (
            "long.csv",
            lambda content: content.replace(b"colleague", b"coll\xe8gue"),
            "long.csv: the text is not UTF-8 (byte",
        ),
        (
            "jspsych.json",
            lambda content: content.replace(b"ivy", b"\xe9").replace(b"kai", b"\xe9"),
            "jspsych.json: the tex",
        ),
        # Demographics
        (
            "prolific.csv",
            replace("5e0000", "7e0000", 5),
            "prolific.csv: none of its 5 participants is among the 4 raters of",
        ),
        (
            "prolific.csv",
            replace("aa02,APPROVED", "aa01,APPROVED"),
            "prolific.csv, row 3, column 'Participant id': this p",
        ),
        (
            "prolific.csv",
            lambda content: content + content.splitlines()[1].replace(b"Female", b"Male"),
            "prolific.csv, row 7, column 'Participant id': this participant has a row above that says something else",
        ),
        (
            "prolific.csv",
            replace("Participant id", "Participant"),
            "prolific.csv, column 'Participant id': no such column",
        ),
    ],
)
def test_a_fault_is_one_message_with_its_place(message, name, change, expected):
    assert message(name, change).startswith(expected)


@pytest.mark.parametrize(
    ("name", "described", "expected"),
    [
        (
            "qualtrics.csv",
            {"pattern": "T_{response}_{item}"},
            "qualtrics.csv: no column is named T_{response}_{item} with the item 'empathy' (the file has: StartDate, ",
        ),
        (
            "qualtrics_loops.csv",
            {"items": {"Q3": "empathy", "Q4": "empathy", "Q5": None}},
            "qualtrics_loops.csv, column '1_Q4': it asks for the item 'empathy' of the same response as the column "
            "'1_Q3'. Mend exports > pattern or items, so that one of them is read.",
        ),
        (
            "qualtrics_loops.csv",
            {"items": {"Q3": "empathy", "Q4": "warmth"}},
            "qualtrics_loops.csv, column '1_Q5': by the pattern {loop}_{item} the name ends in no item of the",
        ),
        (
            "qualtrics_loops.csv",
            {"items": {"Q3": "kindness"}},
            "qualtrics_loops.csv: exports > items > Q3 names 'kindness', which the instrument has not (empathy, ",
        ),
        (
            "qualtrics_loops.csv",
            {"columns": {"rater_id": "workerId", "attention_1": "Q6"}},
            "qualtrics_loops.csv: nothing tells which response a rating is of.",
        ),
        (
            "qualtrics_loops.csv",
            {"position": "loops_DO_{loop}"},
            "qualtrics_loops.csv: no column is named loops_DO_{loop} (the first would be 'loops_DO_1').",
        ),
        (
            "qualtrics_loops.csv",
            {"demographics": {"address": "IPAddress"}},
            "qualtrics_loops.csv, column 'IPAddress': this column is not carried: it tells who a rater is. "
            "Take it out of exports > demographics.",
        ),
        (
            "qualtrics_loops.csv",
            {"columns": {"rater_id": "workerId", "label": "shown_{loop}", "attention_1": "Q6", "rater": "Q6"}},
            "qualtrics_loops.csv, column 'Q6': this column is not carried: 'rater' is a column of the package's own. "
            "Give it another name in exports > columns.",
        ),
        (
            "jspsych.csv",
            {"items": {"rates": "empathy"}},
            "jspsych.csv, column 'task': no row is a rating. Say in the config, under exports > items, which",
        ),
    ],
)
def test_a_fault_in_what_the_config_says_of_an_export_is_named(message, name, described, expected):
    assert message(name, **described).startswith(expected)


def test_two_exports_that_overlap_are_refused(tmp_path):
    first, second = EXAMPLES / "qualtrics.csv", tmp_path / "later.csv"
    second.write_bytes(first.read_bytes())
    given = CONFIG["studies"]["qualtrics"]["ratings"]
    survey = instrument.read(ROOT / given["instrument"], "empathy")
    entries = [given["exports"][0] | {"file": str(file)} for file in (first, second)]

    with pytest.raises(InputError) as error:
        exports.read_all(entries, survey, "empathy", given["exclusions"])

    assert str(error.value) == (
        f"{second}, row 4: this submission is also in {first}, row 4: the two exports overlap. "
        "Take one of them out of the config, or export the study anew in one file."
    )


def test_no_message_shows_who_a_rater_is(message):
    changes = [
        ("qualtrics.csv", replace("short\n2031-06-01 11", "long\n2031-06-01 11")),
        ("prolific.csv", replace("aa02,APPROVED", "aa01,APPROVED")),
        ("prolific.csv", replace("5e0000", "7e0000", 5)),
        ("jspsych.csv", replace('"rate","h1"', '"rate",""')),
    ]
    for name, change in changes:
        told = message(name, change)
        assert not any(private in told for private in ("5e00", "7e00", "R_3bea", "192.0.2", "ivy", "6f00"))
