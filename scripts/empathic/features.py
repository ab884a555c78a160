"""The features of style: their names, what each counts, and their units.

empathic.style measures them; claims name them, and the codebook lists them. Those of dictionaries (empath_NAME,
liwc_NAME) are not listed: their categories are the dictionaries' own.
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
        "by the end of the line; decimals, web addresses, initials within a sentence, titles, and a quoted mark before "
        "a small letter end none",
        "count",
    ),
    Feature("words_per_sentence", "n_words / n_sentences", "words"),
    Feature("n_paragraphs", "blocks of text between empty lines", "count"),
    Feature("n_characters", "characters (code points in NFC), white space included", "count"),
    Feature(
        "list_items",
        "lines that open with a bullet (`-`, `*`, `+`, `•`, `▪`, `–` and their like) or a number and a point",
    ),
    Feature("headings", "lines that open with `#` to `######`, Markdown's headings"),
    Feature(
        "bold", "spans between `**` or `__`, Markdown's bold, of at most 200 characters; `__` inside a word is none"
    ),
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
        "emojis as the library `emoji` finds them, a sequence (family, flag, skin tone) once; © ® ™ ℹ ‼ ⁉ ▪ ▫ only "
        "where a variation selector makes emojis of them",
    ),
    Feature("emoticons", "emoticons such as `:-)`, `;)`, `<3` and `xD`"),
    Feature("capitals", "words of two letters or more that are all capitals"),
    Feature("pronouns_i", "first person singular: I, me, my, mine, myself, with their contractions"),
    Feature("pronouns_we", "first person plural: we, us, our, ours, ourselves, let's; not `US` in capitals"),
    Feature("pronouns_you", "second person, of either number: you, your, yours, yourself, yourselves, u, ur, y'all"),
    Feature("pronouns_third_sg", "third person singular, of people: he, him, his, himself, she, her, hers, herself"),
    Feature("pronouns_it", "it, its, itself, apart because `it` often stands for nothing (`it sounds like`)"),
    Feature("pronouns_third_pl", "they, them, their, theirs, themselves; singular `they` is among them"),
    Feature(
        "apologies",
        "sorry, apology, apologize (and its forms, also with s), forgive me, pardon me, my bad; not `feel sorry`. "
        "By word, not by meaning: sympathy (`I'm sorry to hear`) is among them",
    ),
    Feature("thanks", "thanks and gratitude said to somebody"),
    Feature(
        "hedges",
        "words that soften how sure a statement is: maybe, might, I think, kind of; not the month of May in a date",
    ),
    Feature("negations", "no, not, never, none, without and their like, and every word in n't"),
    Feature("positive_emotion", "words for positive emotion; negated ones are among them"),
    Feature("negative_emotion", "words for negative emotion; negated ones are among them"),
    Feature("advice", "what the reader should or could do: you should, have you tried, it might help"),
    Feature(
        "imperatives", "sentences that open with a bare verb, or with please, just, don't, do not or never and one"
    ),
    Feature("validation", "the reader's feelings are seen or make sense: that sounds, I hear you, you're not alone"),
    Feature("greetings", "greetings that open the text"),
    Feature("sign_offs", "good wishes and closings, begun in the last 12 words"),
    Feature(
        "self_disclosure",
        "the writer tells of their own life: I've been there, when I was, my husband; not `take care, my friend`",
    ),
    Feature(
        "machine_stance",
        "a machine speaks of itself: as an AI, I'm a language model, I was trained on, my training data",
    ),
    Feature("questions", "sentences that a question mark ends"),
    Feature(
        "syllables_per_word",
        "syllables by pyphen's American English patterns (places to hyphenate + 1), over words that open with a letter",
        "syllables",
    ),
    Feature(
        "flesch_reading_ease",
        "206.835 - 1.015 words per sentence - 84.6 syllables per word (R. Flesch 1948); higher is easier",
        "score",
    ),
    Feature(
        "flesch_kincaid_grade",
        "0.39 words per sentence + 11.8 syllables per word - 15.59 (J. P. Kincaid et al. 1975), a school grade",
        "score",
    ),
    Feature(
        "mtld",
        "measure of textual lexical diversity (P. M. McCarthy and S. Jarvis 2010), at a ratio of types to tokens of "
        ".72, mean of both directions; missing below 10 words",
        "words",
    ),
    Feature(
        "sentiment",
        "VADER's compound score, from -1 to 1 (C. Hutto and E. Gilbert 2014), mean over sentences",
        "score",
    ),
)
NAMES = tuple(feature.name for feature in FEATURES)
# Those that say how long a text is, or grow with its length by themselves.
LENGTH = ("n_words", "n_sentences", "words_per_sentence", "n_paragraphs", "n_characters", "mtld")
