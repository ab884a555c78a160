import re
from pathlib import Path

import hypothesis
import pandas as pd
import pytest
from hypothesis import strategies as st

from empathic.errors import InputError
from empathic.style import dictionaries, measure
from empathic.style.lexicon import Entry, Lexicon
from empathic.style.tokens import is_word, parse

# Made up for this test, in the form of LIWC's own files.
DIC = """%
1\tfunct
2\tpronoun
125\taffect (Affect)
126\tposemo
131\tcogmech
464\tfiller
%
happy\t125\t126
happi*\t125\t126
thank*\t125\t126
thank you\t125
i\t1\t2
i'm\t1\t2
you\t1\t2
kind\t<of>131/125
kind of\t464
sort\t<of>131/125
like\t(02 131)125/464\t(02)126\t1
"""


def counted(tmp_path, text, dic=DIC):
    path = tmp_path / "own.dic"
    path.write_text(dic, encoding="utf-8")
    lexicon, names = dictionaries.read_liwc(path)
    counts = dict.fromkeys(names, 0)
    for _, _, name in lexicon.matches(parse(text).tokens):
        counts[name] += 1
    return {name.removeprefix("liwc_"): n for name, n in counts.items() if n}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Happy, HAPPY!", {"affect": 2, "posemo": 2}),
        ("happier happiness unhappy happ", {"affect": 2, "posemo": 2}),
        ("thanks thankful", {"affect": 2, "posemo": 2}),
        # The phrase stands in the place of its words: neither thank* nor you counts.
        ("Thank you.", {"affect": 1}),
        ("I thank him, you too", {"funct": 2, "pronoun": 2, "affect": 1, "posemo": 1}),
        ("I’m here; I'd go", {"funct": 1, "pronoun": 1}),
        ("He is kind.", {"affect": 1}),
        ("kind of", {"filler": 1}),
        ("a sort of day, a sort, of it", {"cogmech": 2}),
        ("You like it", {"funct": 2, "pronoun": 1, "affect": 1, "posemo": 1}),
        ("It was like this", {"funct": 1, "filler": 1}),
        ("Like", {"funct": 1, "filler": 1}),
        ("", {}),
    ],
)
def test_words_beginnings_phrases_and_conditions_of_a_dic_count_as_liwc_counts(tmp_path, text, expected):
    assert counted(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("%\nhappy", "happy"), "two lines of % were expected, around the categories"),
        (("464\tfiller", "filler"), "row 7: 'filler' is no category"),
        (("happy\t125\t126", "happy\t125\t9"), "row 9: 'happy' has the category '9', which is none"),
        (("happy\t125\t126", "happy"), "row 9: 'happy' has no category"),
        (("happi*", "ha*pi"), "row 10: 'ha*pi' has an asterisk inside a word"),
        (("126\tposemo", "126\tfunct"), "two categories are called funct"),
        (
            ("happi*\t", "(^^)\t"),
            "row 10: '(^^)' is no word, and no emoticon that is found in texts, so it would never",
        ),
        (("happi*\t", "happy :)\t"), "row 10: 'happy :)' is no word, and no emoticon that is found in texts"),
        (("happi*\t", "*\t"), "row 10: '*' is no word, and no emoticon that is found in texts"),
        (("<of>131/125\nkind of", "<of>131/999\nkind of"), "'kind' has the category '<of>131/999', which is none"),
    ],
)
def test_a_dic_that_is_none_is_refused_with_its_place(tmp_path, change, problem):
    with pytest.raises(InputError, match=re.escape(problem)):
        counted(tmp_path, "x", DIC.replace(*change))


@pytest.mark.parametrize("entry", ["a$$", "a.m.", "w/o", "b&b*", "feel a$$ you", "'tis", "snow_ball", "-ish"])
def test_an_entry_that_no_text_can_have_is_refused_with_all_others_of_its_kind(tmp_path, entry):
    dic = DIC.replace("happi*\t", f"{entry}\t").replace("kind of\t", "w/\t").replace("i'm\t", "(^^)\t")

    with pytest.raises(InputError) as error:
        counted(tmp_path, "x", dic)

    assert str(error.value) == (
        f"{tmp_path / 'own.dic'}, row 10: '{entry}' is no word, and no emoticon that is found in texts, so it would "
        "never count (nor would those of the rows 14, 17). Write it as texts are read (letters and digits, with ' or - "
        "between them: am for a.m.), or take the line out."
    )


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("o'clock", "Six o’clock."),
        ("well-being", "My well-being"),
        ("co-*", "co-worker"),
        ("don’*", "I don't"),
        ("cafe\u0301", "a caf\u00e9"),
        ("am", "at 6 a.m. sharp"),
        ("1st", "the 1st"),
    ],
)
def test_an_entry_that_a_text_may_have_counts_there(tmp_path, entry, text):
    assert counted(tmp_path, text, DIC.replace("happi*\t125\t126", f"{entry}\t464")).get("filler") == 1


@hypothesis.given(st.text() | st.text("aIİéẞ'’-‑.1$ _:D"))
def test_every_token_of_a_text_and_every_beginning_of_one_may_stand_in_a_dic(text):
    for token in map(str.lower, parse(text).tokens):
        assert is_word(token)
        assert all(is_word(token[:length], begins=True) for length in range(1, len(token)))


def test_a_dic_of_another_encoding_or_none_is_refused(tmp_path):
    (tmp_path / "latin.dic").write_bytes(DIC.replace("happy", "naïve").encode("latin-1"))

    with pytest.raises(InputError, match="is not UTF-8"):
        dictionaries.read_liwc(tmp_path / "latin.dic")
    with pytest.raises(InputError, match="there is no such file"):
        dictionaries.read_liwc(tmp_path / "none.dic")


def test_separate_lists_count_a_word_for_each_and_the_longest_entry_once_in_its_own():
    entries = [
        Entry(("thank", "you"), ("thanks",)),
        Entry(("thank*",), ("thanks",)),
        Entry(("you",), ("pronouns",)),
        Entry(("feel", "sorry"), ("apologies",), counted=False),
        Entry(("sorry",), ("apologies",)),
    ]
    lexicon = Lexicon(entries, together=False, contractions=True)
    tokens = ["thank", "you", "i", "feel", "sorry", "you're", "sorry", "thankful"]

    assert lexicon.matches(tokens) == [
        (0, 2, "thanks"),
        (1, 1, "pronouns"),
        (5, 1, "pronouns"),
        (6, 1, "apologies"),
        (7, 1, "thanks"),
    ]


def results(tmp_path, table):
    table.to_csv(tmp_path / "liwc22.csv", index=False)
    return tmp_path / "liwc22.csv"


def test_results_of_liwc22_are_joined_by_response_whatever_their_order(tmp_path):
    table = pd.DataFrame(
        {"Row ID": ["b", "a"], "Segment": 1, "WC": [3, 4], "emotion": [1.5, 0], "emo_pos": [1, 2], "note": "x"}
    )
    joined = dictionaries.join_liwc22(results(tmp_path, table), {"a", "b"})

    assert list(joined) == ["liwc_emotion", "liwc_emo_pos"]
    assert joined.loc["a"].tolist() == [0.0, 2.0]
    named = table.rename(columns={"Row ID": "response_id"})[["Segment", "emotion", "response_id"]]
    assert dictionaries.join_liwc22(results(tmp_path, named), {"a", "b"}).loc["b"].tolist() == [1.5]


@pytest.mark.parametrize(
    ("ids", "known", "problem"),
    [
        (["a", "x"], {"a", "b"}, "row 3, column 'Row ID': 'x' is no response of this study"),
        (["a", "a"], {"a", "b"}, "row 3, column 'Row ID': 'a' stands twice"),
        (["a"], {"a", "b", "c"}, "2 responses have no row, the first of them b"),
    ],
)
def test_results_of_other_texts_are_refused(tmp_path, ids, known, problem):
    path = results(tmp_path, pd.DataFrame({"Row ID": ids, "emotion": 1.0}))

    with pytest.raises(InputError, match=re.escape(problem)):
        dictionaries.join_liwc22(path, known)


def test_an_unknown_category_of_empath_is_refused_with_the_nearest(tmp_path):
    (tmp_path / "empath.tsv").write_text("sympathy\tpity\tso_sad\nanger\trage\n")

    lexicon = dictionaries.read_empath(tmp_path / "empath.tsv", ["sympathy"])
    assert lexicon.matches(["rage", "pity", "so", "sad"]) == [(1, 1, "empath_sympathy"), (2, 2, "empath_sympathy")]
    with pytest.raises(InputError, match="Empath has no category 'sympaty'; did you mean 'sympathy'?"):
        dictionaries.read_empath(tmp_path / "empath.tsv", ["sympaty"])


def test_emoticons_of_a_dic_count_where_texts_have_them(tmp_path):
    (tmp_path / "own.dic").write_text("%\n1\tjoy\n2\tfunct\n%\n:)*\t1\n:D\t1\nxd\t1\nyou\t2\n", encoding="utf-8")
    folder = Path(__file__).parents[2] / "data/wordlists"
    tools = measure.instruments(sorted(folder.glob("*.txt")), folder / "empath.tsv", [], tmp_path / "own.dic")

    found = measure.features_of("Thanks:) you :))) :D XD :( 10:30", tools)

    assert {name: found[name] for name in tools.liwc_names} == {"liwc_joy": 4, "liwc_funct": 1}
    assert found["emoticons"] == 5


def test_categories_of_several_words_keep_their_whole_name(tmp_path):
    dic = "%\n1 Personal Pronouns\n2\tPersonal  Concerns (Work)\n3\t(Affect)\n%\ni\t1\njob\t2\nsad\t3\n"

    assert counted(tmp_path, "I, sad, a job", dic) == {"personal_pronouns": 1, "personal_concerns": 1, "affect": 1}
