"""Every feature of every response: counts, rates per 100 words, and means by source."""

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from empathic import features
from empathic.origin import weakest
from empathic.style import dictionaries, readability, sentiment, wordlists
from empathic.style.lexicon import Lexicon
from empathic.style.punctuation import layout, paragraphs, punctuation
from empathic.style.tokens import parse

IDS = ["response_id", "source", "origin"]
CHUNK = 250
FEW = 2_000  # responses that are not worth a second process


@dataclass(frozen=True)
class Instruments:
    """What texts are measured with: the word lists that ship, Empath, and a LIWC dictionary where there is one.

    liwc_names: the features that the dictionary gives, in its order.
    """

    lists: wordlists.Wordlists
    empath: Lexicon
    empath_names: Sequence[str]
    liwc: Lexicon | None = None
    liwc_names: Sequence[str] = ()

    @property
    def counted(self) -> list[str]:
        """The features that are counted, and given per 100 words."""
        own = [feature.name for feature in features.FEATURES if feature.unit == features.RATE]
        return [*own, *self.empath_names, *self.liwc_names]

    @property
    def names(self) -> list[str]:
        """All features, in the order of features.csv."""
        return [*features.NAMES, *self.empath_names, *self.liwc_names]


def instruments(
    lists: Sequence[Path | str], empath: Path | str, categories: Sequence[str], liwc: Path | str | None = None
) -> Instruments:
    """Read what texts are measured with.

    lists: the files of data/wordlists, empath: Empath's, of which these categories are taken, liwc: a .dic. Raises
    InputError where one of them is not what it should be.
    """
    names = [dictionaries.EMPATH + name for name in categories]
    dictionary, liwc_names = dictionaries.read_liwc(liwc) if liwc else (None, [])
    lexicon = dictionaries.read_empath(empath, categories)
    return Instruments(wordlists.read(lists), lexicon, names, dictionary, liwc_names)


def features_of(text: str, tools: Instruments) -> dict[str, float | None]:
    """Every feature of one text, those that are given per 100 words as counts."""
    parsed = parse(text)
    tokens = parsed.tokens
    n_sentences = len(parsed.sentences)
    n_words = len(text.split())
    found = {
        "n_words": n_words,
        "n_sentences": n_sentences,
        "words_per_sentence": n_words / n_sentences if n_sentences else None,
        "n_paragraphs": paragraphs(parsed),
        "n_characters": len(parsed.whole),
        **layout(parsed),
        **punctuation(parsed),
        **tools.lists.count(parsed.sentences, tokens),
        "questions": sum("?" in marks for marks in parsed.marks),
        **readability.readability(tokens, n_sentences),
        "mtld": readability.mtld(tokens),
        "sentiment": sentiment.sentiment(text),
    }
    found |= _counted(tools.empath.matches(tokens), tools.empath_names)
    if tools.liwc:
        # Emoticons stand in no sentence; of a dictionary's they are looked up by themselves.
        signs = [emoticon.lower() for emoticon in parsed.emoticons]
        found |= _counted([*tools.liwc.matches(tokens), *tools.liwc.matches(signs)], tools.liwc_names)
    return found


def _counted(matches: Iterable[tuple[int, int, str]], names: Sequence[str]) -> dict[str, int]:
    counts = dict.fromkeys(names, 0)
    for _, _, name in matches:
        counts[name] += 1
    return counts


def measure(responses: pd.DataFrame, tools: Instruments, *, processes: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure every feature of every response.

    responses: response_id, source, origin, text (responses.csv). processes: that share the work where it is large.
    Returns features.csv and counts.csv, in the order of the responses; a rate is missing where there are no words.
    """
    rows = np.vstack([np.empty((0, len(tools.names))), *_measured(responses.text.tolist(), tools, processes)])
    found = pd.DataFrame(rows, columns=tools.names, index=responses.index)
    per = 100 / found.n_words.where(found.n_words > 0)
    rates = found.assign(**{name: found[name] * per for name in tools.counted})
    ids = responses[IDS]
    counts = found[["n_words", *tools.counted]].astype("int64")
    return ids.join(rates), ids.join(counts)


def _measured(texts: list[str], tools: Instruments, processes: int) -> Iterator[np.ndarray]:
    parts = [texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK)]
    if processes < 2 or len(texts) < FEW:
        _prepare(tools)
        yield from map(_rows, parts)
        return
    # Forked, as Snakemake's scripts cannot be imported anew.
    with multiprocessing.get_context("fork").Pool(processes, _prepare, (tools,)) as pool:
        yield from pool.imap(_rows, parts)


_state: dict[str, Instruments] = {}


def _prepare(tools: Instruments) -> None:
    _state["tools"] = tools


def _rows(texts: list[str]) -> np.ndarray:
    """The features of some texts, a row each; NaN for one that a text lacks."""
    tools = _state["tools"]
    found = [features_of(text, tools) for text in texts]
    return np.array([[own[name] for name in tools.names] for own in found], dtype=float)


def summarise(table: pd.DataFrame, names: Sequence[str], sources: Sequence[str]) -> pd.DataFrame:
    """Mean and standard deviation of each feature over the responses of each source.

    table: as `measure` returns it, with these features. sources: in the order of the config. Returns the columns of
    style/summary.csv; n counts the responses that have a value, the standard deviation is the sample's (n - 1).
    """
    rows = []
    for source in sources:
        own = table[table.source == source]
        means, deviations, sizes = own[list(names)].mean(), own[list(names)].std(ddof=1), own[list(names)].count()
        rows += [
            {
                "source": source,
                "feature": name,
                "mean": means[name],
                "std_dev": deviations[name],
                "n": sizes[name],
                "origin": weakest(own.origin.unique()),
            }
            for name in names
        ]
    return pd.DataFrame(rows)
