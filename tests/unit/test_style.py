import math
from pathlib import Path

import pandas as pd
import pytest

from empathic import features, style, tables

PROSE = (
    "I'm so sorry you're going through this... It isn't your fault! Dr. Lee says 3.5 hours is fine (really), "
    "doesn't she? We'll see - you and I - how it goes 😊"
)


def count(feature, text):
    """A feature of a text as a count: the rate times the words."""
    measured = style.features_of(text)
    value = measured[feature]
    return value if feature.startswith("n_") else round(value * measured["n_words"] / 100, 9)


def test_a_text_of_every_kind_gives_the_counts_made_by_hand():
    measured = style.features_of(PROSE)

    assert measured["n_words"] == 32
    counts = {name: count(name, PROSE) for name in features.NAMES if name != "words_per_sentence"}
    assert {name: value for name, value in counts.items() if value} == {
        "n_words": 32,
        "n_sentences": 4,
        "commas": 1,
        "exclamation_marks": 1,
        "question_marks": 1,
        "ellipses": 1,
        "dashes": 2,
        "parentheses": 1,
        "emojis": 1,
        "pronouns_i": 2,
        "pronouns_we": 1,
        "pronouns_you": 3,
        "pronouns_third_sg": 1,
        "pronouns_it": 2,
        "apologies": 1,
    }
    assert measured["words_per_sentence"] == 8
    assert measured["pronouns_you"] == pytest.approx(100 * 3 / 32)


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [
        ("", 0, 0),
        (" \n\t ", 0, 0),
        ("Sorry", 1, 1),
        ("😊", 1, 0),
        ("?!", 1, 0),
        ("I'm here.", 2, 1),
        ("I’m here. You’re not.", 4, 2),
        ("It took 3.5 hours and 1,000.50 euros.", 7, 1),
        ("Version 2. Then 3.", 4, 2),
        ("See https://a.example/b.c?d=e!f. Then rest.", 4, 2),
        ("See www.example.org/x. Write to me@a.b.org. Or example.co.uk!", 7, 3),
        ("Well... I mean… you know", 5, 1),
        ("Well... You know. . . They left…", 7, 3),
        ("Wait. . . . Then go.", 6, 2),
        ("What?! No!! Yes.", 3, 3),
        ('He said "Why?" and left. “Go.” She went.', 8, 3),
        ("It helps (really!) to talk.", 5, 1),
        ("Dr. Lee and Mrs. Roy met at 5 a.m. She slept.", 11, 2),
        ("Bring food, e.g. Pasta, etc. and water. Use tea etc. Then rest.", 12, 3),
        ("She lives in the U.S. near us.", 7, 1),
        ("That is great.You did it.", 5, 2),
        ("Node.js is hard.", 3, 1),
        ("Dear you,\nI hear you\n\nTake care", 7, 3),
        ("Try this:\n1. Breathe.\n2) Sleep.\n- Walk\n", 8, 4),
        ("So happy 😊 Take care", 5, 1),
        ("a.b", 1, 1),
        ("One.\r\nTwo.\rThree.", 3, 3),
    ],
)
def test_words_and_sentences(text, words, sentences):
    assert (count("n_words", text), count("n_sentences", text)) == (words, sentences)


@pytest.mark.parametrize(
    ("feature", "text", "expected"),
    [
        ("periods", "One. Two.", 2),
        ("periods", "3.5 and 1.000.000.", 1),
        ("periods", "https://a.example/b.c. See a.b@c.org. And example.com", 2),
        ("periods", "Well... no…. yes.. right . . . so", 0),
        ("periods", "Dr. Lee, e.g. at 5 p.m. or etc., i.e. now", 0),
        ("periods", "1. Breathe\n2. Sleep", 0),
        ("periods", "I left at 5 p.m.", 1),
        ("ellipses", "Well... no… yes.... right . . . so.. …", 6),
        ("ellipses", "One. Two. Three.", 0),
        ("ellipses", "What...?", 1),
        ("commas", "1,000 people, and 2,5 more,", 2),
        ("colons", "At 10:30: rest. See https://a.example :) and :-/ but this: yes", 2),
        ("semicolons", "Rest; sleep ;) and go;", 2),
        ("exclamation_marks", "No!! Yes! ‼ ！", 6),
        ("question_marks", "What?! Really?? ？ ⁉", 5),
        ("dashes", "well-being is hard - very hard – so — we go -- and on", 4),
        ("dashes", "- one\n- two\n---\n* three - four\n|---|---|", 1),
        ("dashes", "from 5–10 years, wait--no, yes —— no", 2),
        ("quotes", "\"one\" “two” „three‟ «four» 'five' ‘six’ it’s", 8),
        ("parentheses", "(one) (two :)) three :-) 1) four", 2),
        ("emojis", "😊", 1),
        ("emojis", "👨‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️ 1️⃣ 🏳️‍🌈", 6),
        ("emojis", "😊😊😊", 3),
        ("emojis", "© 2024 Foo™ ® ‼ ⁉ ℹ 1 # *", 0),
        ("emojis", "©️ ‼️", 2),
        ("emojis", ":) <3 café “x” – …", 0),
        ("pronouns_i", "I'm here, I’ve me, my, mine and myself; i did. im", 8),
        ("pronouns_i", "i.e. the A.I. is in it; l ill id", 0),
        ("pronouns_we", "We're us, our, ours, ourselves. Let's go; let’s", 7),
        ("pronouns_we", "The US and the U.S. let us", 1),
        ("pronouns_you", "You'd your yours yourself yourselves u ur Y'all y’all", 9),
        ("pronouns_you", "a U-turn, the U.S, posted by u/someone in r/Anger", 0),
        ("pronouns_third_sg", "He's him, his, himself, she'll, her, hers, herself, s/he", 9),
        ("pronouns_third_sg", "the shed, here, it", 0),
        ("pronouns_it", "It's its itself, it; IT'S a know-it-all", 5),
        ("pronouns_third_pl", "They're them, their, theirs, themselves; then there", 5),
        ("apologies", "I'm sorry, so SORRY. My apologies! I apologise, apologize, apologized.", 6),
        ("apologies", "Forgive me, pardon me, my bad", 3),
        ("apologies", "don't feel sorry for him; a sorrysight; forgive them", 0),
    ],
)
def test_each_counter_on_its_hard_cases(feature, text, expected):
    assert count(feature, text) == expected


def test_composed_and_decomposed_letters_count_alike():
    # Taken apart, the second would be an I and a u with marks beside them.
    assert style.features_of("\u00ed, \u00fa") == style.features_of("i\u0301, u\u0301")


@pytest.mark.parametrize(
    "text",
    [
        "word, " * 175_000,
        "a." * 150_000,
        "a@" * 150_000,
        "x" + " " * 300_000 + "-",
        ":" + ")" * 300_000 + "x",
        "-" * 300_000,
        ". " * 150_000,
        '."' * 150_000,
        "😊" * 10_000,
        "\u200d" * 100_000,
        "".join(map(chr, range(32))) * 10_000,
    ],
    ids=[
        "a megabyte",
        "initials",
        "mail",
        "blanks",
        "emoticon",
        "hyphens",
        "stops",
        "quotes",
        "emojis",
        "joiners",
        "control",
    ],
)
def test_a_long_text_of_anything_is_measured(text):
    # A pattern of quadratic time would take hours here.
    assert style.features_of(text)["n_words"] == len(text.split())


def responses(rows):
    frame = pd.DataFrame(rows, columns=["response_id", "source", "text", "origin"])
    return frame.astype("string")


def test_measure_keeps_the_order_and_origin_and_leaves_rates_without_words_empty(tmp_path):
    measured = style.measure(responses([("b", "human", "I am.", "stand_in"), ("a", "bot", "...\u00a0", "observed")]))

    assert list(measured) == ["response_id", "source", "origin", *features.NAMES]
    assert measured.response_id.tolist() == ["b", "a"]
    assert measured.origin.tolist() == ["stand_in", "observed"]
    assert measured.pronouns_i.tolist() == [50.0, 0.0]
    assert math.isnan(measured.words_per_sentence[1])
    tables.FEATURES.write(measured, tmp_path / "features.csv")
    pd.testing.assert_frame_equal(tables.FEATURES.read(tmp_path / "features.csv"), measured)


def test_summarise_gives_mean_and_sample_sd_by_source_in_the_order_given(tmp_path):
    measured = style.measure(
        responses(
            [
                ("1", "bot", "You you", "observed"),
                ("2", "human", "Hello!", "stand_in"),
                ("3", "bot", "you are all here", "observed"),
                ("4", "bot", "", "observed"),
            ]
        )
    )
    summary = style.summarise(measured, ["human", "bot"])

    assert summary.source.unique().tolist() == ["human", "bot"]
    assert summary.feature[: len(features.NAMES)].tolist() == list(features.NAMES)
    rows = summary.set_index(["source", "feature"])
    assert rows.loc[("bot", "pronouns_you"), ["mean", "n", "origin"]].tolist() == [62.5, 2, "observed"]
    assert rows.loc[("bot", "pronouns_you"), "std_dev"] == pytest.approx(75 / math.sqrt(2))
    assert rows.loc[("bot", "n_words"), ["mean", "n"]].tolist() == [2, 3]
    assert rows.loc[("human", "exclamation_marks"), ["mean", "origin"]].tolist() == [100.0, "stand_in"]
    assert math.isnan(rows.loc[("human", "exclamation_marks"), "std_dev"])
    tables.STYLE_SUMMARY.write(summary, tmp_path / "summary.csv")


def real_study():
    root = Path(__file__).parents[2]
    for folder in (root / "data/external/welivita2024", root.parent / "shared/data/welivita2024"):
        if folder.is_dir():
            return folder
    pytest.skip("the study of Welivita and Pu (2024) is not in data/external/welivita2024")


def test_on_a_real_study_the_words_are_those_that_were_published():
    folder = real_study()
    published = pd.read_csv(folder / "welivita_ratings_long.csv")
    texts = pd.read_csv(folder / "welivita_responses.csv", keep_default_na=False)
    both = texts.merge(published, on=["post_id", "source"]).head(1500)

    measured = both.response_text.map(style.features_of)

    assert len(both) == 1500
    assert measured.map(lambda row: row["n_words"]).tolist() == both.n_words.tolist()
    plain = both.response_text.str.count("!") == measured.map(
        lambda row: round(row["exclamation_marks"] * row["n_words"] / 100)
    )
    assert plain.all()
