"""How positive a text sounds, by VADER (C. Hutto and E. Gilbert 2014).

VADER looks at every word of a text again for each word that it weighs. What a word weighs hangs on three words before
it and two behind it, so VADER is asked about these alone: the same numbers, several times faster.
"""

import functools
import re
from dataclasses import dataclass

from vaderSentiment.vaderSentiment import BOOSTER_DICT, SentimentIntensityAnalyzer, SentiText

# VADER takes time that grows with the square of a piece, and spells emojis out: pieces are kept short.
_PIECE = re.compile(r"\s(?:(?<=[.!?…]\s)\s*|(?<=\n)\n*)")
_PART = re.compile("[\u2190-\U0010ffff]|[^\\s\u2190-\U0010ffff]{1,100}")
_PARTS = 80
_BEFORE, _BEHIND = 3, 2  # words that VADER looks at beside the one that it weighs


@dataclass(frozen=True)
class _Near:
    """A word's neighbours, itself among them, under the names by which VADER looks for them in a SentiText."""

    words_and_emoticons: list[str]
    is_cap_diff: bool


@functools.cache
def _vader() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


def sentiment(text: str) -> float | None:
    """VADER's compound score, from -1 to 1: the mean over sentences.

    A sentence ends at `.`, `!`, `?`, `…` before white space, or with its line; one of over 80 words or emojis is taken
    in pieces. Missing for an empty text.
    """
    scores = [compound(piece) for piece in _pieces(text)]
    return sum(scores) / len(scores) if scores else None


def compound(piece: str) -> float:
    """What VADER's polarity_scores(piece)["compound"] is: VADER's own weights of the words that have one, summed up."""
    vader = _vader()
    if not piece.isascii() and not vader.emojis.keys().isdisjoint(piece):
        return vader.polarity_scores(piece)["compound"]
    text = piece.strip()
    said = SentiText(text)
    words = said.words_and_emoticons
    small = [word.lower() for word in words]
    weighed = [place for place, word in enumerate(small) if word in vader.lexicon and word not in BOOSTER_DICT]
    weights = [_weight(said, place) for place in weighed if small[place : place + 2] != ["kind", "of"]]
    if "but" in small and weights:
        return vader.polarity_scores(piece)["compound"]
    return vader.score_valence(weights, text)["compound"] if weights else 0.0


def _weight(said: SentiText, place: int) -> float:
    first = max(place - _BEFORE, 0)
    words = said.words_and_emoticons[first : place + _BEHIND + 1]
    near = _Near(words, said.is_cap_diff)
    return _vader().sentiment_valence(0, near, words[place - first], place - first, [])[0]


def _pieces(text: str) -> list[str]:
    pieces = []
    for sentence in _PIECE.split(text):
        parts = _PART.findall(sentence) if len(sentence) > 2 * _PARTS or not sentence.isascii() else ()
        if len(parts) > _PARTS:
            pieces += [" ".join(parts[start : start + _PARTS]) for start in range(0, len(parts), _PARTS)]
        elif not sentence.isspace() and sentence:
            pieces.append(sentence)
    return pieces
