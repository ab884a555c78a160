import math
import os
import random
import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from empathic import features, settings, tables
from empathic.errors import InputError
from empathic.style import distinctive, likeness, measure, sentiment, tokens, wordlists

PROSE = (
    "I'm so sorry you're going through this... It isn't your fault! Dr. Lee says 3.5 hours is fine (really), "
    "doesn't she? We'll see - you and I - how it goes 😊"
)


ROOT = Path(__file__).parents[2]
LISTS = sorted((ROOT / "data/wordlists").glob("*.txt"))
TOOLS = measure.instruments(LISTS, ROOT / "data/wordlists/empath.tsv", settings.EMPATH)


def count(feature, text):
    """A feature of a text, as it is counted."""
    return measure.features_of(text, TOOLS)[feature]


def test_a_text_of_every_kind_gives_the_counts_made_by_hand():
    measured = measure.features_of(PROSE, TOOLS)

    scores = ("words_per_sentence", "syllables_per_word", "flesch_reading_ease", "flesch_kincaid_grade", "mtld")
    counts = {name: measured[name] for name in features.NAMES if name not in (*scores, "sentiment")}
    assert {name: value for name, value in counts.items() if value} == {
        "n_words": 32,
        "n_sentences": 4,
        "n_paragraphs": 1,
        "n_characters": 154,
        "questions": 1,
        "negations": 2,
        "validation": 1,
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
        ("He lives in the U.S. He is ok.", 8, 2),
        ("He left the U.K. The U.S. Army called, i.e. Sam.", 10, 2),
        ("See foo.io or beyondblue.org.au. Call lifeline.ca today.", 7, 2),
        ("I'm here.AI can help.Me too", 5, 3),
        ("Take .5 mg. Then ($.25).", 5, 2),
        ("One.\r\nTwo.\rThree.", 3, 3),
    ],
)
def test_words_and_sentences(text, words, sentences):
    assert (count("n_words", text), count("n_sentences", text)) == (words, sentences)


def test_a_sign_that_no_letter_follows_is_no_part_of_a_word():
    assert tokens.parse("long- and short-term, don't- a-b- 0-:").tokens == [
        "long",
        "and",
        "short-term",
        "don't",
        "a-b",
        "0",
    ]


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
        ("periods", "Take .5 mg. Then rest.", 2),
        ("periods", "beyondblue.org.au foo.io lifeline.ca 988lifeline.org who.int/x nhs.uk", 0),
        ("periods", "He lives in the U.S. He is ok.", 2),
        ("periods", "Well.Me too. It was so.in a way", 3),
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
        ("dashes", "5 - 10 years, 5 – 10, $5 - $10 and 3 - maybe", 1),
        ("dashes", "– four\n  – five – no\n— six", 2),
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
        ("emoticons", ":) ;-) :-( <3 xD no:one", 5),
        ("emoticons", "Thanks:) I'm ok:( or so;-)", 3),
        ("emoticons", "things:(a, b) as in 1:) or 2:( no:D x:p", 0),
        ("colons", "Thanks:) I'm ok:( things:(a)", 1),
        ("emoticons", "at 10:30 (see p.8) a:b", 0),
        ("capitals", "I am SO TIRED of NASA. A b C", 3),
        ("list_items", "To do:\n- one\n* two\n1. three\n2) four\n• five\nnot - six\n-seven", 5),
        ("list_items", "▪ one\n▪ two\n● three\n– four\n· five\n— not", 5),
        ("emojis", "▪ one\n▫ two", 0),
        ("emojis", "▪️ one", 1),
        ("headings", "# One\n## Two\n#three\nno # four\n####### seven", 2),
        ("bold", "**One** and __two__ and * three * and ** four ** and **five\nsix**", 2),
        ("bold", "**Take *small* steps** and **do_it**, __so *so* do_it__ and ***all***", 4),
        ("bold", "my__init__file and __init__file, 2 ** 3 ** 4", 0),
        ("n_paragraphs", "One.\n\n\nTwo\nstill two.\n \nThree.\n", 3),
        ("n_paragraphs", "\n \n", 0),
        ("n_characters", "café 😊", 6),
        ("questions", "Why? Really?! Yes. What if I said no?", 3),
        ("thanks", "Thank you so much. Thanks! I appreciate it. No thanks to him, thanks to her.", 3),
        ("hedges", "Maybe it's kind of hard; what kind of day? I think you might be a bit tired.", 5),
        ("negations", "I can’t, don't and won't; no, not never. No one knows nothing. A knot.", 8),
        ("negations", "no-one cares. Don′t", 2),
        ("hedges", "in May I was ill, since May 3 and until may 2020; it may help, this may not", 2),
        ("positive_emotion", "Happy, so glad! I hope you loved it. Hopeless.", 4),
        ("negative_emotion", "Sad and frustrated, overwhelming grief. Griefless? Not angry.", 5),
        ("advice", "You should rest. Have you tried tea? You must be tired. It might help to talk.", 3),
        ("imperatives", "Take a break. Please try it. Don't worry, be kind. You take it. Do you know? Talk to her!", 4),
        ("imperatives", "Just breathe.\n- Walk outside\n1. Sleep well", 3),
        ("validation", "That sounds hard. I hear you. You're not alone, and it’s okay to cry. She sounds nice.", 4),
        ("greetings", "Hi there, hello again. Hey!", 1),
        ("greetings", "I said hello.", 0),
        ("sign_offs", "Take care of her first. " + "And then " * 12 + "take care, best wishes", 2),
        ("self_disclosure", "I've been there. When I was young my mom left me. For me too.", 4),
        ("machine_stance", "As an AI, I don't have feelings. As an ai assistant, I was trained on it.", 4),
        ("machine_stance", "The AI said so.", 0),
        ("machine_stance", "I was trained as a nurse. I'm not a person who judges. As an assistant manager", 0),
        ("machine_stance", "As an AI-based helper, I'm AI. I'm just a bot. I'm not a person. As an assistant, I", 5),
        ("self_disclosure", "Take care, my friend. Hang in there, my friend!", 0),
        ("self_disclosure", "My friend left me. Take care of my friend.", 2),
        ("empath_sympathy", "compassion and condolence", 2),
        ("pronouns_you", "you're you’ll your", 3),
    ],
)
def test_each_counter_on_its_hard_cases(feature, text, expected):
    assert count(feature, text) == expected


def test_composed_and_decomposed_letters_count_alike():
    # Taken apart, the second would be an I and a u with marks beside them.
    assert measure.features_of("\u00ed, \u00fa", TOOLS) == measure.features_of("i\u0301, u\u0301", TOOLS)


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
        "happy sad but not very good " * 20_000,
        "a" * 1_000_000,
        "**a" * 200_000,
        "#" * 300_000,
        "please don't " * 50_000,
        "- " * 200_000,
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
        "sentiment",
        "one word",
        "bold",
        "headings",
        "phrases",
        "bullets",
    ],
)
def test_a_long_text_of_anything_is_measured(text):
    # A pattern of quadratic time would take hours here.
    assert count("n_words", text) == len(text.split())
    parsed = tokens.parse(text)
    by_source, origins = {"a": [parsed, parsed], "b": [tokens.parse("I hear you.")]}, {"a": "observed", "b": "observed"}
    told, said_again = distinctive.distinctive(by_source, origins), distinctive.repeated(by_source, origins)
    runs = likeness.runs([parsed, parsed, *by_source["b"]])
    assert told.empty or set(told.source) <= {"a", "b"}
    assert said_again.empty or set(said_again.n) == {2}
    alike = runs[0].multiply(runs[1]).sum()
    assert alike == pytest.approx(1 if len(parsed.tokens) >= 3 and runs[0].sum() else 0)


def responses(rows):
    frame = pd.DataFrame(rows, columns=["response_id", "source", "text", "origin"])
    return frame.astype("string")


def test_measure_keeps_the_order_and_origin_gives_rates_per_100_words_and_leaves_them_empty_without_words(tmp_path):
    given = responses(
        [("b", "human", "I am.", "stand_in"), ("a", "bot", "...\u00a0", "observed"), ("c", "bot", "", "observed")]
    )
    measured, counts = measure.measure(given, TOOLS)

    empath = [f"empath_{name}" for name in settings.EMPATH]
    assert list(measured) == ["response_id", "source", "origin", *features.NAMES, *empath]
    assert measured.response_id.tolist() == ["b", "a", "c"]
    assert measured.origin.tolist() == ["stand_in", "observed", "observed"]
    assert measured.pronouns_i.tolist()[:2] == [50.0, 0.0]
    assert measured.n_words.tolist() == [2, 1, 0]
    assert math.isnan(measured.words_per_sentence[1])
    assert math.isnan(measured.pronouns_i[2]) and math.isnan(measured.mtld[0]) and math.isnan(measured.sentiment[2])
    assert counts.pronouns_i.tolist() == [1, 0, 0]
    for table, rows in ((tables.FEATURES, measured), (tables.STYLE_COUNTS, counts)):
        table.write(rows, tmp_path / "table.csv")
        pd.testing.assert_frame_equal(table.read(tmp_path / "table.csv"), rows, check_dtype=False)


def test_two_processes_measure_what_one_does():
    given = responses([(f"{n}", "bot", f"I hear you, friend {n}. Take care!", "observed") for n in range(measure.FEW)])

    for one, two in zip(measure.measure(given, TOOLS), measure.measure(given, TOOLS, processes=2), strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_summarise_gives_mean_and_sample_sd_by_source_in_the_order_given(tmp_path):
    measured, _ = measure.measure(
        responses(
            [
                ("1", "bot", "You you", "observed"),
                ("2", "human", "Hello!", "stand_in"),
                ("3", "bot", "you are all here", "observed"),
                ("4", "bot", "", "observed"),
            ]
        ),
        TOOLS,
    )
    summary = measure.summarise(measured, features.NAMES, ["human", "bot"])

    assert summary.source.unique().tolist() == ["human", "bot"]
    assert summary.feature[: len(features.NAMES)].tolist() == list(features.NAMES)
    rows = summary.set_index(["source", "feature"])
    assert rows.loc[("bot", "pronouns_you"), ["mean", "n", "origin"]].tolist() == [62.5, 2, "observed"]
    assert rows.loc[("bot", "pronouns_you"), "std_dev"] == pytest.approx(75 / math.sqrt(2))
    assert rows.loc[("bot", "n_words"), ["mean", "n"]].tolist() == [2, 3]
    assert rows.loc[("human", "exclamation_marks"), ["mean", "origin"]].tolist() == [100.0, "stand_in"]
    assert math.isnan(rows.loc[("human", "exclamation_marks"), "std_dev"])
    tables.STYLE_SUMMARY.write(summary, tmp_path / "summary.csv")


def test_readability_is_that_of_a_hand_count():
    # 9 words, 2 sentences; syllables 1 1 1 1 2 1 1 2 3.
    text = "The cat is on the\u00a0table. She was happy yesterday."
    words = text.split()
    measured = measure.features_of(text, TOOLS)

    assert len(words) == 10
    syllables = measured["syllables_per_word"] * 10
    assert syllables == pytest.approx(14)
    assert measured["flesch_reading_ease"] == pytest.approx(206.835 - 1.015 * 5 - 84.6 * 1.4)
    assert measured["flesch_kincaid_grade"] == pytest.approx(0.39 * 5 + 11.8 * 1.4 - 15.59)


def test_mtld_by_hand():
    # Forward: a b c d a has 4 types in 5 (.8), with the sixth token 4 in 6, below .72: one factor. Then e f g h, all
    # different, no part of one: 10 tokens / 1. Backward: h g f e a a d c b a has 8 types in 10 at its end and never
    # falls below .72: (1 - .8) / .28 of a factor.
    text = "a b c d a a e f g h"

    assert count("mtld", text) == pytest.approx((10 / 1 + 10 / (0.2 / 0.28)) / 2)
    assert count("mtld", "one two three four five six seven eight nine ten") == 10
    assert count("mtld", "one two three four five six seven eight nine") is None


def test_sentiment_is_the_mean_of_vader_over_sentences():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    pieces = ["I love it!", "But it is horrible :(", "Table"]
    expected = sum(vader.polarity_scores(piece)["compound"] for piece in pieces) / 3

    assert count("sentiment", " ".join(pieces[:2]) + "\n" + pieces[2]) == pytest.approx(expected)
    assert count("sentiment", "I love it! 😊") > 0.5
    for plain in ("Very so but not a table!!", "It is :) or xD", "kind of", "NO", "well-being, 'great'?", "-happy-"):
        assert count("sentiment", plain) == vader.polarity_scores(plain)["compound"], plain
    assert count("sentiment", "") is None


ODD_PIECES = (
    "I was not very HAPPY with the kind of help, to say the least, yeah right!!! no good nor bad",
    "no no happy or great, never so good; without doubt the shit, at least happy, least happy",
    "AWFUL kind of kind people but LOVE love, good",
    "that was for them the kiss of death by far",
    "kiss of death to die for the bomb very very least good?? ?! ???? !!!!!",
    "very, :) :( ok -- GOOD 😊😊love“hate”’happy’ 💔",
    "\x1c\t happy\u00a0sad\u2003never this good, isn't so great \x00 great",
)


def test_a_piece_is_weighed_as_vader_weighs_it_as_a_whole():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    words = " ".join(ODD_PIECES).split()
    draw = random.Random(7)
    drawn = [" ".join(draw.choices(words, k=draw.randint(1, 12))) for _ in range(2_000)]

    for piece in (*ODD_PIECES, *drawn):
        assert sentiment.compound(piece) == vader.polarity_scores(piece)["compound"], piece


def test_every_list_that_ships_is_a_feature_with_source_and_licence_and_every_listed_feature_has_one():
    lists = {path.stem for path in LISTS}

    assert lists < set(features.NAMES)
    assert set(wordlists.read(LISTS).where) == lists
    assert {"apologies", "thanks", "hedges", "negations", "advice", "imperatives", "validation"} <= lists
    for path in LISTS:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[1:3] == ["# source: written for this package", "# licence: CC0 1.0"]
        entries = [line for line in lines if not line.startswith("#")]
        assert len(entries) == len(set(entries)), path
        assert all(line == line.strip().lower() for line in entries), path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# source: x\nword\n", "the list does not tell its licence. Add a line like: # licence: ..."),
        ("# source: x\n# licence: y\n# where: middle\nword\n", "unknown place 'middle'"),
        ("# source: x\n# licence: y\nwo*rd\n", "row 3: 'wo*rd' is no entry"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_place(tmp_path, text, problem):
    (tmp_path / "list.txt").write_text(text)

    with pytest.raises(InputError, match=re.escape(problem)):
        wordlists.read([tmp_path / "list.txt"])


def real_study():
    root = Path(__file__).parents[2]
    for folder in (root / "data/external/welivita2024", root.parent / "shared/data/welivita2024"):
        if folder.is_dir():
            return folder
    pytest.skip("the study of Welivita and Pu (2024) is not in data/external/welivita2024")


def words_by_wc(texts, folder):
    """How many words GNU wc counts in each text, in a UTF-8 locale; skips where there is no such wc."""
    known = (
        subprocess.run(["wc", "--version"], capture_output=True, text=True, check=False) if shutil.which("wc") else None
    )
    if known is None or "GNU coreutils" not in known.stdout:
        pytest.skip("no wc of GNU coreutils on PATH: no word count was held against it")
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    names = "\0".join(str(folder / f"{number}.txt") for number in range(len(texts)))
    counted = subprocess.run(
        ["wc", "-w", "--files0-from=-"],
        input=names,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line.split()[0]) for line in counted.stdout.splitlines()[: len(texts)]]


def test_on_every_text_of_a_real_study_the_words_are_those_of_wc(tmp_path):
    texts = pd.read_csv(real_study() / "welivita_responses.csv", keep_default_na=False).response_text

    assert len(texts) == 12_000
    counted = words_by_wc(texts, tmp_path)
    ours = [len(text.split()) for text in texts]
    assert [place for place, (wc, own) in enumerate(zip(counted, ours, strict=True)) if wc != own] == []
    # And that is the feature: of every tenth, as all of it is measured at once.
    assert [count("n_words", text) for text in texts[::10]] == ours[::10]


def test_on_a_real_study_marks_are_the_characters_that_are_there():
    texts = pd.read_csv(real_study() / "welivita_responses.csv", keep_default_na=False).response_text[::10]

    for text in texts:
        signs = Counter(unicodedata.name(char, "") for char in text)
        measured = measure.features_of(text, TOOLS)
        assert measured["exclamation_marks"] == signs["EXCLAMATION MARK"], text
        assert measured["semicolons"] <= signs["SEMICOLON"], text
        assert measured["question_marks"] == signs["QUESTION MARK"], text


def test_on_a_real_study_the_weights_are_vaders():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    table = pd.read_csv(real_study() / "welivita_responses.csv", keep_default_na=False)

    for text in table.response_text[::10]:
        assert sentiment.compound(text) == vader.polarity_scores(text)["compound"], text
