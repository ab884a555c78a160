"""How hard a text is to read, and how varied its words are."""

import functools
from collections.abc import Sequence

import pyphen

MTLD_RATIO = 0.72
MTLD_LEAST = 10  # tokens
_LONG = 40  # letters of a word whose syllables are looked up


@functools.cache
def _patterns() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")


@functools.lru_cache(maxsize=200_000)
def syllables(word: str) -> int:
    """Syllables of a word: one more than the places where pyphen's American English patterns would hyphenate it."""
    return 1 + len(_patterns().positions(word[:_LONG]))


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
        if token not in types:  # which cannot bring the ratio down
            types.add(token)
        elif len(types) < MTLD_RATIO * length:
            factors, types, length = factors + 1, set(), 0
    if length:
        factors += (1 - len(types) / length) / (1 - MTLD_RATIO)
    return len(tokens) / factors if factors else float(len(tokens))
