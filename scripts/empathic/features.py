"""The features of style: their names, what each counts, and their units.

style.py measures them; claims name them, and the codebook lists them.
"""

from dataclasses import dataclass

RATE = "per 100 words"


@dataclass(frozen=True)
class Feature:
    """A feature of one response: a column of features.csv."""

    name: str
    rule: str
    unit: str = RATE


FEATURES = (
    Feature("n_words", "words: runs of characters between white space, as in responses.csv", "count"),
    Feature(
        "n_sentences",
        "sentences, of at least one letter or digit: ended by `.` `?` `!`, by an ellipsis before a capital letter, or "
        "by the end of the line; decimals, web addresses, initials, titles, and a quoted mark before a small letter "
        "end none",
        "count",
    ),
    Feature("words_per_sentence", "n_words / n_sentences", "words"),
    Feature("periods", "full stops; not those of decimals, web addresses, abbreviations, list numbers or ellipses"),
    Feature("commas", "commas; not those inside numbers"),
    Feature("colons", "colons; not those of times, web addresses or emoticons"),
    Feature("semicolons", "semicolons; not those of emoticons"),
    Feature("exclamation_marks", "exclamation marks, each of a run"),
    Feature("question_marks", "question marks, each of a run"),
    Feature("ellipses", "`…`, or two or more full stops in a row, also spaced: each run once"),
    Feature(
        "dashes",
        "`–`, `—`, two or more hyphens in a row, or a hyphen between spaces, each run once; not bullets, rules and "
        "ranges of numbers",
    ),
    Feature("quotes", "double quotation marks of any form, each; single ones cannot be told from apostrophes"),
    Feature("parentheses", "opening round brackets; not those of emoticons"),
    Feature(
        "emojis",
        "emojis as the library `emoji` finds them, a sequence (family, flag, skin tone) once; © ® ™ ℹ ‼ ⁉ only where a "
        "variation selector makes emojis of them",
    ),
    Feature("pronouns_i", "first person singular: I, me, my, mine, myself, with their contractions"),
    Feature("pronouns_we", "first person plural: we, us, our, ours, ourselves, let's; not `US` in capitals"),
    Feature("pronouns_you", "second person, of either number: you, your, yours, yourself, yourselves, u, ur, y'all"),
    Feature("pronouns_third_sg", "third person singular, of people: he, him, his, himself, she, her, hers, herself"),
    Feature("pronouns_it", "it, its, itself, apart because `it` often stands for nothing (`it sounds like`)"),
    Feature("pronouns_third_pl", "they, them, their, theirs, themselves; singular `they` is among them"),
    Feature(
        "apologies",
        "sorry, apology, apologies, apologize (and its forms, also spelt with s), forgive me, pardon me, my bad; not "
        "`feel sorry`. By word, not by meaning: sympathy (`I'm sorry to hear`) is among them",
    ),
)
NAMES = tuple(feature.name for feature in FEATURES)
