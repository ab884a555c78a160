"""How hard a text is to read, how varied its words are, and how positive it sounds."""

import functools
import re
from collections.abc import Mapping, Sequence
from string import punctuation

import pyphen
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

MTLD_RATIO = 0.72
MTLD_LEAST = 10  # tokens
_LONG = 40  # letters of a word whose syllables are looked up
# VADER takes time that grows with the square of a piece, and spells emojis out: pieces are kept short.
_PIECE = re.compile(r"(?<=[.!?…])\s+|\n+")
_PART = re.compile("[\u2190-\U0010ffff]|[^\\s\u2190-\U0010ffff]{1,100}")
_PARTS = 80


@functools.cache
def _tools() -> tuple[pyphen.Pyphen, SentimentIntensityAnalyzer]:
    return pyphen.Pyphen(lang="en_US"), SentimentIntensityAnalyzer()


@functools.lru_cache(maxsize=200_000)
def syllables(word: str) -> int:
    """Syllables of a word: one more than the places where pyphen's American English patterns would hyphenate it."""
    return 1 + len(_tools()[0].positions(word[:_LONG]))


def readability(tokens: Sequence[str], n_sentences: int) -> dict[str, float | None]:
    """Syllables per word, Flesch's reading ease (1948) and Flesch and Kincaid's grade (1975).

    Of the tokens that hold a letter; missing where there are none.
    """
    words = [token for token in tokens if token[0].isalpha()]
    if not words:
        return dict.fromkeys(("syllables_per_word", "flesch_reading_ease", "flesch_kincaid_grade"))
    per_word = sum(map(syllables, words)) / len(words)
    per_sentence = len(words) / n_sentences
    return {
        "syllables_per_word": per_word,
        "flesch_reading_ease": 206.835 - 1.015 * per_sentence - 84.6 * per_word,
        "flesch_kincaid_grade": 0.39 * per_sentence + 11.8 * per_word - 15.59,
    }


def mtld(tokens: Sequence[str]) -> float | None:
    """The measure of textual lexical diversity (P. M. McCarthy and S. Jarvis 2010): the mean of both directions.

    A factor ends where the ratio of types to tokens falls below .72; what remains counts in part. Missing for fewer
    than 10 tokens; a text in which no token ever repeats has the number of its tokens.
    """
    if len(tokens) < MTLD_LEAST:
        return None
    return (_one_way(tokens) + _one_way(tokens[::-1])) / 2


def _one_way(tokens: Sequence[str]) -> float:
    factors, types, length = 0.0, set(), 0
    for token in tokens:
        length += 1
        types.add(token)
        if len(types) < MTLD_RATIO * length:
            factors, types, length = factors + 1, set(), 0
    if length:
        factors += (1 - len(types) / length) / (1 - MTLD_RATIO)
    return len(tokens) / factors if factors else float(len(tokens))


def sentiment(text: str) -> float | None:
    """VADER's compound score (C. Hutto and E. Gilbert 2014), from -1 to 1: the mean over sentences.

    A sentence ends at `.`, `!`, `?`, `…` before white space, or with its line; one of over 80 words or emojis is taken
    in pieces. Missing for an empty text.
    """
    vader = _tools()[1]
    scores = [
        vader.polarity_scores(piece)["compound"] if _may_feel(piece, vader.lexicon) else 0.0 for piece in _pieces(text)
    ]
    return sum(scores) / len(scores) if scores else None


def _may_feel(piece: str, lexicon: Mapping[str, float]) -> bool:
    """Whether VADER has anything to weigh: a word of its lexicon, or an emoji. Else its score is 0, and takes long."""
    words = piece.lower().split()
    return not piece.isascii() or any(word in lexicon or word.strip(punctuation) in lexicon for word in words)


def _pieces(text: str) -> list[str]:
    pieces = []
    for sentence in _PIECE.split(text):
        parts = _PART.findall(sentence) if len(sentence) > 2 * _PARTS or not sentence.isascii() else ()
        if len(parts) > _PARTS:
            pieces += [" ".join(parts[start : start + _PARTS]) for start in range(0, len(parts), _PARTS)]
        elif not sentence.isspace() and sentence:
            pieces.append(sentence)
    return pieces
