"""What a source says more often than the others: distinctive words and phrases, repeated openings and sentences."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from empathic.style.tokens import Text

PRIOR = 500.0  # words that the prior weighs as much as
LONGEST = 3  # words of a phrase
TOP = 25  # words and phrases kept of each source, of each length
OPENING = 4  # words
MOST_REPEATED = 10
SHORTEST_SENTENCE = 3  # words


def log_odds(own: np.ndarray, others: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Difference of log-odds of each word between two corpora, with an informative Dirichlet prior, and its z.

    own, others: counts of each word; prior: its pseudo-counts. B. L. Monroe, M. P. Colaresi and K. M. Quinn (2008),
    Fightin' Words, Political Analysis 16, equations 16, 20 and 22 (variance 1 / (y1 + a) + 1 / (y2 + a)).
    """
    first, second = own + prior, others + prior
    delta = np.log(first / (first.sum() - first)) - np.log(second / (second.sum() - second))
    return delta, delta / np.sqrt(1 / first + 1 / second)


def distinctive(texts: Mapping[str, Sequence[Text]], origins: Mapping[str, str]) -> pd.DataFrame:
    """Words and phrases of up to three words that each source uses more than all the others together.

    texts: of each source. The prior is the distribution over all sources, weighing as much as 500 words. Returns the
    columns of style/distinctive.csv: of each source and length the 25 of the largest z, where it is above 0.
    """
    rows = []
    for length in range(1, LONGEST + 1):
        counts = {source: Counter(_phrases(own, length)) for source, own in texts.items()}
        total = Counter()
        for own in counts.values():
            total.update(own)
        if len(texts) < 2 or len(total) < 2:
            continue
        phrases = sorted(total)
        everywhere = np.array([total[phrase] for phrase in phrases], float)
        prior = PRIOR * everywhere / everywhere.sum()
        for source, own in counts.items():
            mine = np.array([own[phrase] for phrase in phrases], float)
            delta, z = log_odds(mine, everywhere - mine, prior)
            for place in np.argsort(-z, kind="stable")[:TOP]:
                if z[place] > 0:
                    rows.append(
                        {"source": source, "length": length, "phrase": phrases[place], "n": int(mine[place])}
                        | {"n_others": int(everywhere[place] - mine[place]), "log_odds": delta[place], "z": z[place]}
                        | {"origin": origins[source]}
                    )
    return pd.DataFrame(rows)


def _phrases(texts: Iterable[Text], length: int) -> Iterable[str]:
    for text in texts:
        for sentence in text.sentences:
            words = [word.lower() for word in sentence]
            for start in range(len(words) - length + 1):
                yield " ".join(words[start : start + length])


def repeated(texts: Mapping[str, Sequence[Text]], origins: Mapping[str, str]) -> pd.DataFrame:
    """The openings (first four words) and sentences (of three words or more) that a source repeats most.

    texts: of each source. Returns the columns of style/repeated.csv: of each source and kind the ten that most
    responses share, where two or more do.
    """
    rows = []
    for source, own in texts.items():
        openings = Counter(" ".join(text.tokens[:OPENING]) for text in own if len(text.tokens) >= OPENING)
        sentences: Counter[str] = Counter()
        for text in own:
            sentences.update({" ".join(words).lower() for words in text.sentences if len(words) >= SHORTEST_SENTENCE})
        for kind, counts in (("opening", openings), ("sentence", sentences)):
            for phrase, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_REPEATED]:
                if n > 1:
                    rows.append(
                        {"source": source, "kind": kind, "phrase": phrase, "n": n, "share": n / len(own)}
                        | {"origin": origins[source]}
                    )
    return pd.DataFrame(rows)
