import pandas as pd
import pytest

from empathic import checks, prompts, quality, tables
from empathic.errors import InputError

PROMPT = "You are a kind friend who listens to people.\n\nPost:\n{post}\n\nWrite no more than three short sentences."
POST = "My sister has not spoken to me for three weeks now."
KIND = "That sounds so hard, and I hope that you can find some rest and a friend to talk to soon."
SPANISH = (
    "Siento mucho lo que te ha pasado. Debe de ser muy difícil para ti, y espero que puedas hablar con alguien de "
    "confianza en estos días."
)


def responses(*texts, source="arm", origin="observed"):
    return tables.RESPONSES.frame(
        {
            "response_id": f"{source}{number:012x}",
            "post_id": f"p{number}",
            "domain": "d",
            "source": source,
            "kind": "transformers",
            "sample": 0,
            "label": None,
            "writer_id": None,
            "text": text,
            "n_words": len(text.split()),
            "origin": origin,
        }
        for number, text in enumerate(texts)
    )


POSTS = tables.POSTS.frame(
    {"post_id": f"p{number}", "domain": "d", "text": POST, "origin": "observed"} for number in range(9)
)


def record(post, finish="stop", *, text="A text.", error=None, sample=0, template=PROMPT, of=POST):
    made = {"post_id": post, "sample": sample, "finish_reason": finish, "text": text, "error": error}
    return made | {"messages": prompts.messages(template, of)}


def checked(*texts, records=(), asked=None, language="en"):
    return quality.measure(responses(*texts), POSTS, {"arm": records}, asked_words=asked, language=language)


def one(text, **options):
    return checked(text, **options).iloc[0]


def test_both_ends_of_the_length_that_was_asked_for_are_inside():
    table = checked("one two", "one two three", "one two three four", "a b c d e", asked=[3, 4])

    assert table["too_short"].tolist() == [True, False, False, False]
    assert table["too_long"].tolist() == [False, False, False, True]
    assert table["n_words"].tolist() == [2, 3, 4, 5]
    assert table["flagged"].tolist() == [True, False, False, True]


def test_a_text_is_truncated_where_its_own_record_says_that_the_limit_ended_it():
    table = checked("a", "b", "c", records=[record("p1", "length"), record("p0", "stop"), record("p2", "eos")])

    assert table["truncated"].tolist() == [False, True, False]


def test_a_record_of_another_sample_or_source_says_nothing_of_a_text():
    table = responses("a")
    others = {"arm": [record("p0", "length", sample=1)], "other": [record("p0", "length")]}

    found = quality.measure(table, POSTS, others, asked_words=None, language="en")

    assert found["truncated"].isna().all()


def test_what_cannot_be_judged_is_empty_and_flags_nothing():
    row = one("I cannot help with that.", language="de")

    for name in ("too_short", "too_long", "truncated", "refusal", "says_ai", "prompt_leak", "other_language"):
        assert row[name] is pd.NA
    assert not row["flagged"]


def test_each_check_alone_flags_a_response():
    failing = {
        "too_short": one("Yes.", asked=[2, 9]),
        "too_long": one("Yes, my dear.", asked=[1, 2]),
        "truncated": one("Yes", records=[record("p0", "length")]),
        "refusal": one("I'm sorry, but I can't assist with that."),
        "says_ai": one("As an AI, I hear you."),
        "prompt_leak": one("A kind friend who listens to people!", records=[record("p0")]),
        "repetitive": one("I hear you so. I hear you so."),
        "other_language": one(SPANISH),
    }

    assert set(failing) == set(checks.NAMES)
    for name, row in failing.items():
        assert [check for check in checks.NAMES if row[check] is not pd.NA and row[check]] == [name]
        assert row["flagged"]


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        ("I am A KIND friend, who listens to... people", True),  # six words
        ("I am a kind friend who listens to all", True),  # `a kind friend who listens to` are six
        ("I am a kind friend who listens, always to people", False),  # five in a row
        ("kind friend who listens to", False),
        ("listens to people Post Write no more", False),  # the place of the post is no run
        ("listens to people post post write no more", False),
        ("Sure. [INST] That is hard. [/INST]", True),
        ("<|im_start|>assistant That is hard.", True),
        ("It takes no more than three short sentences.", True),
    ],
)
def test_six_words_in_a_row_of_the_template_are_a_leak(text, leaks):
    assert one(text, records=[record("p0")])["prompt_leak"] == leaks


def test_words_of_the_post_are_no_leak():
    assert POST in record("p0")["messages"][0]["content"]

    assert not one(f"You write: {POST} {KIND}", records=[record("p0")])["prompt_leak"]


def test_each_text_is_held_against_the_prompt_of_its_own_record():
    other = "Answer in the voice of an old sailor: {post}"
    records = [record("p0"), record("p1", template=other), record("p2")]
    records[2]["messages"].insert(0, {"role": "system", "content": "Be the voice of an old sailor."})

    table = checked(*["I am the voice of an old sailor."] * 3, records=records)

    assert table["prompt_leak"].tolist() == [False, True, True]


def test_a_prompt_shorter_than_a_run_cannot_leak():
    short = [record("p0", template="Answer this post now: {post}")]

    assert not one("Answer this post now: yes", records=short)["prompt_leak"]


def test_repeated_runs_are_counted_as_by_hand():
    # a b c d a b c d: runs abcd bcda cdab dabc abcd, five, four of them distinct.
    assert quality.repeated_share("a b c d a B, c d") == pytest.approx(1 / 5)
    assert quality.repeated_share("a b c d e") == 0
    assert quality.repeated_share("a b c d") == 0
    assert quality.repeated_share("a b c") is None
    assert quality.repeated_share("🙂") is None


def test_the_limit_of_repetition_is_above_a_tenth():
    at_limit = "a b c d a b c d e f g h i"  # ten runs, one of them again
    assert quality.repeated_share(at_limit) == checks.REPEATED_SHARE
    assert not one(at_limit)["repetitive"]
    assert one("a b c d e a b c d e f g h i")["repetitive"]


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("You are not alone.\n" + KIND + "\nYou are not alone!", True),
        ("You are right.\n" + KIND + "\nYou are right.", False),  # three words
        ("\n\n---\n\n" + KIND + "\n\n---\n\n", False),
    ],
)
def test_a_line_of_four_words_that_stands_twice_is_a_repetition(text, repeats):
    assert quality.repeats_a_line(text) == repeats


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (KIND + " Please take good care.", "en"),
        (SPANISH, "es"),
        ("听到这个消息我很难过。你一定很辛苦，希望你能找到一个可以倾诉的朋友，好好休息一下。", "zh"),
        ("Es tut mir leid, dass es dir so schlecht geht. Hoffentlich findest du jemanden, dem du das erzählst.", "de"),
        (f"<p style='color: rgb(0,0,0)'>{KIND}</p>\n\n**Take care**, [a link](https://example.org/ein/pfad)", "en"),
        ("🎉❤️ " * 60, None),
        ("I'm sorry to hear that.", None),
        ("对不起。", None),
        ("", None),
    ],
)
def test_the_language_of_a_text_is_told_where_it_is_long_enough(text, language):
    assert quality.language_of(text, "en") == language


def test_eighty_bytes_of_letters_are_enough_and_fewer_are_not():
    text = "my dear friend " * 6 + "again"
    assert len(text.replace(" ", "")) == 6 * 12 + 5
    assert quality.language_of(text + " 123 !?", "en") is None
    assert quality.language_of(text + " and", "en") == "en"


def test_a_text_that_changes_its_language_on_the_way_is_seen():
    assert quality.language_of("\n\n".join([KIND * 4, SPANISH, KIND * 4]), "en") == "es"
    assert quality.language_of("\n\n".join([SPANISH, KIND * 2]), "es") == "en"


def test_a_language_that_cannot_be_told_is_refused():
    with pytest.raises(InputError, match=r"config, studies > language: 'xx' is no language .*known: .*, de, .*, en, "):
        checked("a", language="xx")


def summary(tables_, records, asked=None, sources=None):
    everything = pd.concat(tables_, ignore_index=True)
    measured = quality.measure(everything, POSTS, records, asked_words=asked, language="en")
    kinds = sources or {"people": "human", "arm": "transformers"}
    return quality.summarise(measured, POSTS[:3], kinds, records, asked).set_index("source")


def test_what_was_asked_and_what_came_is_counted_by_source():
    records = {
        "arm": [
            record("p0", "length"),
            record("p0", "stop", sample=1),
            record("p1", "stop", text="", error="the model gave an empty answer"),
            record("p1", None, text="", error="no answer after 5 attempts", sample=1),
            record("p2", "content_filter", text="", error="filtered"),
            record("p1", "stop", text="That is", error="no whole answer", sample=2),
            record("p2", "stop", sample=1),
        ]
    }
    given = responses("Yes.", "I can't assist with that.", KIND).assign(sample=[0, 1, 1], post_id=["p0", "p0", "p2"])
    people = responses("Oh no, my dear.", "That is hard.", source="people", origin="stand_in")

    table = summary([given, people], records, asked=[2, 4])

    arm, person = table.loc["arm"], table.loc["people"]
    assert table.index.tolist() == ["people", "arm"]
    assert arm[["kind", "n_posts", "n_answered", "n_asked", "n_errors", "n_empty", "n_responses"]].tolist() == [
        *("transformers", 3, 2, 7, 4, 1, 3)
    ]
    assert arm[["n_below", "n_inside", "n_above", "n_truncated", "n_refusals"]].tolist() == [1, 0, 2, 1, 1]
    assert (arm["words_median"], arm["n_flagged"], arm["n_language"], arm["origin"]) == (5, 3, 0, "observed")
    assert person[["n_posts", "n_answered", "n_responses", "n_inside", "n_flagged"]].tolist() == [3, 2, 2, 2, 0]
    for name in ("n_asked", "n_errors", "n_empty", "n_truncated", "n_prompt_leaks", "n_other_language"):
        assert person[name] is pd.NA
    assert (person["words_median"], person["origin"]) == (3.5, "stand_in")


def test_without_a_length_asked_for_nothing_is_said_of_length():
    row = summary([responses("Yes.")], {"arm": [record("p0")]}).loc["arm"]

    assert all(row[name] is pd.NA for name in ("asked_low", "asked_high", "n_below", "n_inside", "n_above"))


def test_a_source_that_gave_nothing_has_its_row():
    row = summary([responses("Yes.")], {"arm": [record("p0")]}).loc["people"]

    assert row[["n_answered", "n_responses", "n_flagged"]].tolist() == [0, 0, 0]
    assert row["origin"] is pd.NA


def test_odd_texts_are_checked_and_both_tables_come_back_as_they_were_written(tmp_path):
    texts = [KIND, "🙏", '<b>bold</b> & "quoted"', "# Head\n\n- a\n- a\n", "مرحبا", "a\r\nb\rc", "." * 9]
    table = checked(*texts, records=[record(f"p{number}") for number in range(len(texts))], asked=[100, 150])
    counted = quality.summarise(table, POSTS, {"arm": "transformers"}, {}, [100, 150])

    tables.QUALITY_RESPONSES.write(table, tmp_path / "responses.csv")
    tables.QUALITY.write(counted, tmp_path / "sources.csv")

    pd.testing.assert_frame_equal(tables.QUALITY_RESPONSES.read(tmp_path / "responses.csv"), table)
    pd.testing.assert_frame_equal(tables.QUALITY.read(tmp_path / "sources.csv"), counted)
    assert table["repetitive"].tolist() == [False] * 7
