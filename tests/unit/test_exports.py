from pathlib import Path

import pytest

from empathic import exports, settings
from empathic.errors import InputError
from empathic.instrument import Instrument

DATA = Path(__file__).parents[1] / "data" / "exports"
SURVEY = Instrument.model_validate(
    {
        "items": [
            {"name": "empathy", "wording": "How empathic?", "scale": {"min": 1, "max": 7}},
            {"name": "warm_empathy", "wording": "How warm?", "scale": {"min": 0, "max": 1, "step": 0.5}},
        ],
        "attention_checks": [
            {"name": "attention_1", "wording": "Choose 6.", "right_answer": 6},
            {"name": "attention_2", "wording": "Choose 2.", "right_answer": 2},
        ],
    }
)
RULES = settings.Ratings().model_dump()["exclusions"]
NO_RULES = []
COLUMNS = {"rater_id": "who", "post_id": "text_id", "source": "written_by", "rating": "answer"}


def read(file, *, columns=None, form="qualtrics", rules=RULES):
    described = {"file": str(file), "format": form, "columns": columns or {}, "origin": "observed"}
    return exports.read(described, SURVEY, "empathy", rules)


def message(file, **how):
    with pytest.raises(InputError) as error:
        read(file, **how)
    return str(error.value).removeprefix(str(file))


@pytest.fixture
def changed(tmp_path):
    """The hand-written export with one piece of text replaced."""

    def change(old, new, name="qualtrics.csv", count=1):
        text = (DATA / name).read_bytes().decode()
        assert old in text
        path = tmp_path / name
        path.write_bytes(text.replace(old, new, count).encode())
        return path

    return change


def with_raters(export):
    """The ratings, each with who gave it."""
    return export.ratings.join(export.raters[["platform_id", "submission"]], on="rater")


def test_a_hand_written_qualtrics_export_becomes_one_row_a_rating():
    export = read(DATA / "qualtrics.csv")

    complete = with_raters(export).query("platform_id == 'person-one'")
    assert complete[["row", "reference", "item", "rating", "position"]].values.tolist() == [
        [5, "00000000000000a1", "empathy", 5, 2],
        [5, "00000000000000b1", "empathy", 7, 1],
        [5, "00000000000000b2", "empathy", 3, 3],
    ]
    assert len(export.ratings) == 24
    assert export.empty_cells == 8 * 4 - 24
    assert export.identified_by == ("response_id", "label")


def test_a_hand_written_qualtrics_export_tells_of_each_rater_what_the_rules_ask():
    raters = read(DATA / "qualtrics.csv").raters

    assert raters["row"].tolist() == [4, 5, 6, 7, 8, 9, 10, 11]
    assert raters["preview"].tolist() == [True] + [False] * 7
    assert raters["finished"].tolist() == [True, True, False, True, True, True, True, True]
    assert raters["checks_failed"].tolist() == [0, 0, 1, 1, 0, 0, 0, 0], "a check not answered is failed"
    assert raters["duration_s"].tolist() == [99, 600, 250, 600, 179, 180, 600, 600]


def test_choice_texts_for_finished_are_understood(changed):
    path = changed("600,1,2031-05-02 10:10:02", "600,True,2031-05-02 10:10:02")

    assert read(path).raters["finished"][1]


def test_the_raters_ids_may_stand_in_another_column(changed):
    path = changed("PROLIFIC_PID", "workerId")

    assert "person-one" in read(path, columns={"rater_id": "workerId"}).raters["platform_id"].tolist()
    assert message(path) == (
        ", column 'PROLIFIC_PID': no such column (found: StartDate, EndDate, Status, IPAddress, Progress, Duration (in "
        "seconds), Finished, RecordedDate, ResponseId, LocationLatitude, DistributionChannel, UserLanguage and 13 "
        "more). Name the column with the raters' ids in the config, under exports > columns > rater_id."
    )


def test_an_item_whose_name_ends_like_another_is_told_apart(tmp_path):
    path = tmp_path / "export.csv"
    imported = '"{""ImportId"":""QID1""}"'
    path.write_text(f"PROLIFIC_PID,R_x_empathy,R_x_warm_empathy\na,b,c\n{','.join([imported] * 3)}\nann,7,0.5\n")

    ratings = read(path, rules=NO_RULES).ratings

    assert ratings[["reference", "item", "rating"]].values.tolist() == [["x", "empathy", 7], ["x", "warm_empathy", 0.5]]
    assert ratings["position"].isna().all()


def test_previews_are_told_by_code_and_by_any_label_that_says_so(tmp_path):
    path = tmp_path / "export.csv"
    imported = '"{""ImportId"":""QID1""}"'
    statuses = ["IP Address", "Survey Preview", "Offline Survey Preview", "17", "0", "Survey Test", "Imported"]
    rows = "".join(f"p{number},{status},5\n" for number, status in enumerate(statuses))
    path.write_text(f"PROLIFIC_PID,Status,R_x_empathy\na,b,c\n{','.join([imported] * 3)}\n{rows}")

    assert read(path, rules=NO_RULES).raters["preview"].tolist() == [False, True, True, True, False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            '"{""ImportId"":""startDate"",""timeZone"":""Europe/Berlin""}"',
            "Start",
            ", row 3, column 'StartDate': this is not the row of {\"ImportId\": ...} that Qualtrics writes third. "
            "Export from Qualtrics as CSV and leave its three header rows as they are.",
        ),
        (
            "6,5,2,7,1",
            "6,8,2,7,1",
            ", row 5, column 'R_00000000000000a1_empathy': '8' is no answer to the item 'empathy' (its scale: 1, 2, 3, "
            "4, 5, 6, 7). Correct the cell, or say what it stands for in the config, under exports > answers (null: no "
            "answer).",
        ),
        ("6,5,2,7,1", "6,4.5,2,7,1", ", row 5, column 'R_00000000000000a1_empathy': '4.5' is no answer to the item"),
        ("6,5,2,7,1", "6,-99,2,7,1", ", row 5, column 'R_00000000000000a1_empathy': '-99' is no answer to the item"),
        ("6,5,2,7,1", "6,5,2,Very,1", ", row 5, column 'R_00000000000000b1_empathy': 'Very' is no answer to the item"),
        (
            "6,5,2,7,1",
            "6,5,first,7,1",
            ", row 5, column 'R_00000000000000a1_DO': 'first' is not a place in a sequence (1, 2, ...). "
            "Correct the cell, or empty it where the place is not known.",
        ),
        ("6,5,2,7,1", "6,5,0,7,1", ", row 5, column 'R_00000000000000a1_DO': '0' is not a place in a sequence"),
        (
            ",person-five",
            ",",
            ", row 9, column 'PROLIFIC_PID': the rater's id is empty. Fill it in, or take the row out of the export.",
        ),
        (
            "600,1,2031-05-02 10:10:02",
            "600,maybe,2031-05-02 10:10:02",
            ", row 5, column 'Finished': 'maybe' is none of 1, 0, True, False. Correct the cell.",
        ),
        (
            "100,600,1,2031-05-02 10:10:02",
            "100,,1,2031-05-02 10:10:02",
            ", row 5, column 'Duration (in seconds)': the cell is empty. "
            "Every row needs one: fill it in, or take the row out.",
        ),
        (
            "100,600,1,2031-05-02 10:10:02",
            "100,long,1,2031-05-02 10:10:02",
            ", row 5, column 'Duration (in seconds)': 'long' is not a number from 0 on. "
            "Correct the cell, or empty it where the value is not known.",
        ),
        (
            "attention_2",
            "atention_2",
            ", column 'attention_2': no such column (did you mean 'atention_2'?). "
            "Name the file's own column in the config, under exports > columns.",
        ),
        (
            "R_00000000000000a2_empathy",
            "R_00000000000000a2_empaty",
            ", column 'R_00000000000000a2_empaty': by the pattern R_{response}_{item} the name ends in no item of the "
            "instrument (empathy, warm_empathy, attention_1, attention_2). Say in the config, under exports > items, "
            "which item it is (null: none), or add it to the instrument.",
        ),
    ],
)
def test_a_fault_in_a_qualtrics_export_is_named_with_its_place(changed, old, new, expected):
    assert message(changed(old, new)).startswith(expected)


def test_no_message_shows_who_a_rater_is_or_where(changed):
    for old, new in (("600,1,2031", "600,x,2031"), ("6,5,2,7,1", "6,8,2,7,1"), ("PROLIFIC_PID", "pid")):
        told = message(changed(old, new))
        assert not any(private in told for private in ("person-", "203.0.113", "52.5", "R_complete"))


def test_an_export_without_the_primary_item_is_refused(changed):
    path = changed("_empathy", "_warm_empathy", count=4)

    assert message(path) == (
        ": no column is named R_{response}_{item} with the item 'empathy' (the file has: StartDate, EndDate, Status, "
        "IPAddress, Progress, Duration (in seconds), Finished, RecordedDate, ResponseId, LocationLatitude, "
        "DistributionChannel, UserLanguage and 13 more). "
        "Say in the config, under exports > pattern (and items), how the questions about a response are called."
    )


def test_a_long_table_becomes_ratings_and_its_empty_cells_are_counted():
    columns = {**COLUMNS, "domain": "topic", "duration_s": "seconds", "position": "place", "session": "session"}

    export = read(DATA / "long.csv", form="long", columns=columns, rules=NO_RULES)

    told = with_raters(export)[["row", "platform_id", "post_id", "source", "domain", "sample", "item", "rating"]]
    assert told.values.tolist() == [
        [2, "ann", "p1", "human", "work", 0, "empathy", 4],
        [3, "ann", "p1", "bot_a", "work", 0, "empathy", 6],
        [5, "bob", "p2", "bot_a", "family", 0, "empathy", 7],
        [6, "bob", "p1", "bot_b", "work", 0, "empathy", 3],
        [7, "eve", "p2", "bot_b", "family", 0, "empathy", 2],
    ]
    assert export.ratings["position"].astype("object").fillna("none").tolist() == [1, 2, 1, 2, "none"]
    assert export.ratings["session"].tolist() == ["007", "007", "010", "010", "011"], "text is carried as text"
    assert (export.empty_cells, export.identified_by, export.carried) == (1, (), ("session",))
    assert export.raters["duration_s"].fillna(-1).tolist() == [200, -1, 90]


def test_a_rule_that_asks_for_what_a_long_table_does_not_name_stops_with_all_that_lacks():
    assert message(DATA / "long.csv", form="long", columns=COLUMNS) == (
        ": no column is named for finished, attention_1, attention_2, duration_s, which the exclusion rules ask for "
        "(unfinished, attention, too_fast). Name the file's columns in the config, under exports > columns, or take "
        "the rules out of the list under ratings > exclusions."
    )


def test_a_long_table_may_tell_of_checks_and_the_end(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("who,text_id,written_by,answer,end,c1,c2,t\na,p,x,1,1,6,2,200\na,q,x,2,1,6,2,200\nb,p,x,3,0,6,,9\n")
    columns = {**COLUMNS, "finished": "end", "attention_1": "c1", "attention_2": "c2", "duration_s": "t"}

    raters = read(path, form="long", columns=columns).raters

    assert raters[["row", "finished", "checks_failed", "duration_s"]].values.tolist() == [
        [2, True, 0, 200],
        [4, False, 1, 9],
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"rater_id": "who", "rating": "answer", "post_id": "text_id"},
            ": no column is named for 'response_id', nor for 'label', nor for 'post_id' and 'source' (the file has: "
            "who, text_id, written_by, answer, topic, seconds, place, session). "
            "Name it in the config, under exports > columns, as `our name: the file's column`.",
        ),
        ({}, ": no column is named for 'rater_id' (the file has: who, text_id"),
        (
            {**COLUMNS, "rating": "anwser"},
            ", column 'anwser': no such column (did you mean 'answer'?). "
            "Name the file's own column in the config, under exports > columns.",
        ),
        (
            {**COLUMNS, "name": "who"},
            ", column 'who': this column is not carried: it tells who a rater is. Take it out of exports > columns.",
        ),
        (
            {**COLUMNS, "reason": "topic"},
            ", column 'topic': this column is not carried: 'reason' is a column of the package's own. "
            "Give it another name in exports > columns.",
        ),
        (
            {**COLUMNS, "item": "topic"},
            ", row 2, column 'topic': 'work' is no item of the instrument (empathy, warm_empathy, attention_1, "
            "attention_2). Correct the cell, add the item to the instrument, or say in exports > items what it is "
            "(null: none).",
        ),
        (
            {**COLUMNS, "duration_s": "answer"},
            ", row 3, column 'answer': the cell differs from that of the same rater's first row. "
            "It tells of the rater: make it the same in all its rows.",
        ),
        ({**COLUMNS, "position": "topic"}, ", row 2, column 'topic': 'work' is not a place in a sequence (1, 2, ...)."),
        ({**COLUMNS, "source": "place"}, ", row 7, column 'place': the cell is empty. Every row needs one"),
    ],
)
def test_a_fault_in_a_column_map_is_named(columns, expected):
    told = message(DATA / "long.csv", form="long", columns=columns, rules=NO_RULES)

    assert told.startswith(expected)


@pytest.mark.parametrize("column", ["IPAddress", "LocationLatitude", "RecipientEmail", "PROLIFIC_PID", "workerId"])
def test_columns_that_tell_who_a_person_is_are_not_carried(tmp_path, column):
    path = tmp_path / "long.csv"
    path.write_text(f"who,text_id,written_by,answer,{column}\na,p,x,1,secret\n")

    told = message(path, form="long", columns={**COLUMNS, "extra": column}, rules=NO_RULES)

    assert told.startswith(f", column '{column}': this column is not carried: it tells who a rater is.")


def test_a_long_table_with_an_answer_off_the_scale_is_refused(changed):
    told = message(changed("human,4,work", "human,0,work", "long.csv"), form="long", columns=COLUMNS, rules=NO_RULES)

    assert told.startswith(", row 2, column 'answer': '0' is no answer to the item 'empathy'")


def written(tmp_path, names, *rows):
    """A Qualtrics export of these columns."""
    columns = range(names.count(",") + 1)
    imported = ",".join(f'"{{""ImportId"":""QID{column}""}}"' for column in columns)
    path = tmp_path / "export.csv"
    path.write_text("\n".join([names, names, imported, *rows]) + "\n")
    return path


def described(path, **how):
    entry = {"file": str(path), "format": "qualtrics", "columns": {}, "origin": "observed", **how}
    return exports.read(entry, SURVEY, "empathy", NO_RULES)


def test_one_display_order_column_an_element_gives_the_position(tmp_path):
    names = "PROLIFIC_PID,a_empathy,b_empathy,block_DO_a,block_DO_b,block_DO_intro"
    path = written(tmp_path, names, "ann,5,6,3,2,1", "bob,,4,,1,")

    ratings = described(path, pattern="{response}_{item}", position="block_DO_{response}").ratings

    assert ratings[["reference", "rating", "position"]].values.tolist() == [["a", 5, 3], ["b", 6, 2], ["b", 4, 1]]


def test_a_list_of_what_was_shown_may_call_questions_by_what_qualtrics_calls_them_inside(tmp_path):
    path = written(tmp_path, "PROLIFIC_PID,a_empathy,b_empathy,order", "ann,5,6,QID2|QID9|QID1", "bob,3,,", "eve,,2,b")

    ratings = described(path, pattern="{response}_{item}", position="order").ratings

    assert ratings["position"].astype(object).fillna("none").tolist() == [3, 1, "none", 1]


def test_a_pattern_may_name_post_source_and_sample(tmp_path):
    path = written(tmp_path, "PROLIFIC_PID,p1.human.0.empathy,p1.bot.1.empathy,topic", "ann,5,6,work")

    export = described(path, pattern="{post_id}.{source}.{sample}.{item}", columns={"domain": "topic"})

    assert export.ratings[["post_id", "source", "sample", "domain", "rating"]].values.tolist() == [
        ["p1", "human", 0, "work", 5],
        ["p1", "bot", 1, "work", 6],
    ]
    assert export.identified_by == ()


def test_without_a_word_for_the_item_the_primary_item_is_asked(tmp_path):
    path = written(tmp_path, "PROLIFIC_PID,1_Q3,2_Q3,response_1,response_2", "ann,5,,x,", "bob,6,7,y,x")

    export = described(path, pattern="{loop}_Q3", columns={"response_id": "response_{loop}"})

    assert export.ratings[["row", "reference", "item", "rating"]].values.tolist() == [
        [4, "x", "empathy", 5],
        [5, "y", "empathy", 6],
        [5, "x", "empathy", 7],
    ]
    assert export.identified_by == ("response_id",)


def test_two_submissions_of_one_participant_are_two_rows_for_the_duplicate_rule(changed):
    export = read(changed(",person-five", ",person-one"))

    twice = export.raters[export.raters["platform_id"] == "person-one"]
    assert twice["submission"].tolist() == ["R_complete0000001", "R_limit000000001"]
    assert twice["started"].is_monotonic_increasing
    by_submission = with_raters(export).query("platform_id == 'person-one'").groupby("submission").size()
    assert by_submission.to_dict() == {"R_complete0000001": 3, "R_limit000000001": 4}


def test_a_check_with_an_empty_display_order_column_was_not_shown(changed):
    path = changed("attention_2,Q40", "attention_2,attention_2_DO")
    content = path.read_text(encoding="utf-8-sig").replace(",,5,,person-three", ",,,,person-three")
    path.write_text(content)

    raters = read(path).raters

    asleep = raters[raters["platform_id"] == "person-three"]
    assert asleep[["checks_shown", "checks_failed"]].values.tolist() == [[1, 0]]


def test_keeping_the_first_finished_submission_asks_for_who_finished(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("who,text_id,written_by,answer,end\nann,p1,bot,3,0\nbob,p1,bot,4,1\n")
    rules = settings.Ratings(exclusions=[{"name": "duplicate", "keep": "first_finished"}]).model_dump()["exclusions"]

    told = read(path, form="long", columns=COLUMNS | {"finished": "end"}, rules=rules)

    assert told.raters["finished"].tolist() == [False, True]
    assert "no column is named for finished, which the exclusion rules ask for (duplicate)" in message(
        path, form="long", columns=COLUMNS, rules=rules
    )
