"""The checks that every response goes through: their names, their rules and limits.

quality.py applies them; the report names them, and the codebook lists them.
"""

from dataclasses import dataclass

from empathic.tables import CHECKED

LEAKED_WORDS = 6
REPEATED_SHARE = 0.1
REPEATED_LINE_WORDS = 4
REFUSAL_WORDS = 60
LANGUAGE_BYTES = 80
REFUSALS_IN = "en"


@dataclass(frozen=True)
class Check:
    """A check of one response: a column of quality_responses.csv.

    head: the column's head in the report. said: what a sentence says of the responses that fail it.
    """

    name: str
    head: str
    said: str
    rule: str

    @property
    def counted(self) -> str:
        """The column of quality.csv that counts the responses that fail it."""
        return CHECKED[self.name]


CHECKS = (
    Check(
        "too_short",
        "Below",
        "shorter than was asked",
        "n_words is below the study's `asked_words`; not judged where no length was asked",
    ),
    Check(
        "too_long",
        "Above",
        "longer than was asked",
        "n_words is above the study's `asked_words`; likewise",
    ),
    Check(
        "truncated",
        "Cut",
        "cut by the limit of new tokens",
        "its record says finish_reason `length`: the limit of new tokens came before the model had ended its text. Not "
        "judged where no record tells how the text ended, as with people's and archived responses",
    ),
    Check(
        "refusal",
        "Refusal",
        "refusals to answer",
        f"within its first {REFUSAL_WORDS} words, and outside quotation marks, it says in the first person that it "
        "cannot or will not do what was asked: help or assist with it, answer, continue, comply, fulfil or decline a "
        "request, give the help that the person needs; or it names guidelines or policies of its own. An apology alone "
        "is none: lists of phrases that hold `I'm sorry` (as of A. Zou et al. 2023, arXiv:2307.15043) would take "
        "sympathy for refusals. The patterns are ours, aimed at what P. Röttger et al. (2024, arXiv:2308.01263) call "
        f"full refusals, and English: not judged in a study of another language than `{REFUSALS_IN}`",
    ),
    Check(
        "says_ai",
        "Says AI",
        "by their own words a machine's",
        "it says in the first person that it is an AI or a language model, which tells raters who wrote it; our "
        "addition. English, as above",
    ),
    Check(
        "prompt_leak",
        "Prompt",
        "in part copied from the prompt",
        f"it shares {LEAKED_WORDS} words in a row with the prompt in its record (the post taken out), whatever their "
        "case and punctuation, or holds markup of chat templates (such as `[INST]`). The number is ours. Not judged "
        "where there is no record",
    ),
    Check(
        "repetitive",
        "Repeats",
        "repetitive",
        f"repeated_4grams is above {REPEATED_SHARE:g}, or a line of {REPEATED_LINE_WORDS} words or more stands twice. "
        "Both limits are ours",
    ),
    Check(
        "other_language",
        "Language",
        "in another language than the study's",
        "the language found is not the study's (`language` in the config). Not judged where none was looked for",
    ),
)
NAMES = tuple(check.name for check in CHECKS)
