"""The quality of responses, before anybody rates them: what was asked and came, and what each check says of it.

The checks, their limits and where they come from stand in checks.py. Nothing is left out here: who wants a response
that fails a check out of a study says so before raters see it.
"""

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from empathic import checks, tables
from empathic.errors import InputError
from empathic.origin import weakest
from empathic.refusals import is_refusal, says_ai

Record = Mapping[str, Any]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CHAT_MARKUP = re.compile(r"<\|\w+\|>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>", re.IGNORECASE)
_NO_LANGUAGE = re.compile(r"<[^<>]{1,200}>|https?://\S+|[\d_]+")


def measure(
    responses: pd.DataFrame,
    posts: pd.DataFrame,
    records: Mapping[str, Sequence[Record]],
    *,
    asked_words: Sequence[int] | None,
    language: str,
) -> pd.DataFrame:
    """Check every response.

    responses: tables.RESPONSES. posts: tables.POSTS. records: of each source whose responses were generated.
    asked_words: the least and the most words that were asked for; None: no length was. language: the study's, by ISO
    639.

    Returns tables.QUALITY_RESPONSES, in the order of the responses; a check that cannot be made is missing.
    Raises InputError for a language that cannot be told.
    """
    _require(language)
    text_of = dict(zip(posts["post_id"], posts["text"], strict=True))
    made = {(source, record["post_id"], record["sample"]): record for source, its in records.items() for record in its}
    low, high = asked_words or (None, None)
    rows = []
    for row in responses.itertuples():
        record = made.get((row.source, row.post_id, row.sample))
        repeated = repeated_share(row.text)
        found = language_of(row.text, language)
        failed = {
            "too_short": None if low is None else row.n_words < low,
            "too_long": None if high is None else row.n_words > high,
            "truncated": None if record is None else record["finish_reason"] == "length",
            "refusal": is_refusal(row.text) if language == checks.REFUSALS_IN else None,
            "says_ai": says_ai(row.text) if language == checks.REFUSALS_IN else None,
            "prompt_leak": None if record is None else leaks_prompt(row.text, record, text_of[row.post_id]),
            "repetitive": (repeated or 0) > checks.REPEATED_SHARE or repeats_a_line(row.text),
            "other_language": None if found is None else found != language,
        }
        rows.append(
            {name: getattr(row, name) for name in ("response_id", "post_id", "source", "sample", "n_words")}
            | failed
            | {"repeated_4grams": repeated, "language": found, "flagged": any(failed.values()), "origin": row.origin}
        )
    return tables.QUALITY_RESPONSES.frame(rows)


def summarise(
    checked: pd.DataFrame,
    posts: pd.DataFrame,
    sources: Mapping[str, str],
    records: Mapping[str, Sequence[Record]],
    asked_words: Sequence[int] | None,
) -> pd.DataFrame:
    """What each source was asked and gave, and how many of its responses fail each check.

    checked: as `measure` returns it. posts: tables.POSTS. sources: name and kind of each, in the config's order.

    Returns tables.QUALITY. A count is missing where the check was made of none of the source's responses, and what is
    known from records alone where there are none.
    """
    low, high = asked_words or (None, None)
    rows = []
    for source, kind in sources.items():
        own = checked[checked["source"] == source]
        rows.append(
            {"source": source, "kind": kind, "n_posts": len(posts), "n_answered": own["post_id"].nunique()}
            | _of_records(records.get(source))
            | {
                "n_responses": len(own),
                "asked_low": low,
                "asked_high": high,
                "words_median": own["n_words"].astype(float).median(),
            }
            | {"n_inside": None if low is None else int((own["n_words"].between(low, high)).sum())}
            | {check.counted: own[check.name].sum(min_count=1) for check in checks.CHECKS}
            | {"n_language": int(own["language"].notna().sum()), "n_flagged": int(own["flagged"].sum())}
            | {"origin": weakest(own["origin"]) if len(own) else None}
        )
    return tables.QUALITY.frame(rows)


def _of_records(records: Sequence[Record] | None) -> dict[str, int | None]:
    """Responses asked for, those that could not be had, and those of them that came back empty."""
    if records is None:
        return {"n_asked": None, "n_errors": None, "n_empty": None}
    failed = [record for record in records if record["error"]]
    empty = [record for record in failed if not record["text"] and record["finish_reason"] in ("stop", "length")]
    return {"n_asked": len(records), "n_errors": len(failed), "n_empty": len(empty)}


def leaks_prompt(text: str, record: Record, post: str) -> bool:
    """Whether a text shares a run of words with its prompt, the post taken out, or holds markup of a chat template."""
    prompt = tuple(part for message in record["messages"] for part in message["content"].split(post))
    return bool(_CHAT_MARKUP.search(text)) or not _runs_of(prompt).isdisjoint(_runs(_words(text), checks.LEAKED_WORDS))


@functools.cache
def _runs_of(prompt: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """The runs of words of a prompt's parts, one for all posts; none goes across the place of the post."""
    return frozenset(run for part in prompt for run in _runs(_words(part), checks.LEAKED_WORDS))


def repeated_share(text: str) -> float | None:
    """The share of a text's runs of four words that repeat an earlier one; None below four words.

    This is seq-rep-4 of S. Welleck et al. (2020, arXiv:1908.04319), over words: 1 - distinct runs / runs.
    """
    runs = _runs(_words(text), 4)
    return (len(runs) - len(set(runs))) / len(runs) if runs else None


def repeats_a_line(text: str) -> bool:
    """Whether a line of some words stands twice."""
    lines = Counter(tuple(_words(line)) for line in text.splitlines())
    return any(times > 1 and len(line) >= checks.REPEATED_LINE_WORDS for line, times in lines.items())


def language_of(text: str, expected: str) -> str | None:
    """The language of a text, by ISO 639; None where it is too short to tell.

    Told of the whole and of each line that is long enough: the first that is not the expected one counts, so that a
    text that changes its language is seen.
    """
    pieces = dict.fromkeys([text, *text.splitlines()])
    found = [_told(piece) for piece in pieces if _letters(piece) >= checks.LANGUAGE_BYTES]
    return next((language for language in found if language != expected), found[0] if found else None)


def _told(text: str) -> str:
    return _identifier().classify(_NO_LANGUAGE.sub(" ", text))[0]


def _letters(text: str) -> int:
    """How many bytes of UTF-8 a text's letters take: what the model of languages has to go by."""
    return len("".join(filter(str.isalpha, _NO_LANGUAGE.sub(" ", text))).encode())


def _require(language: str) -> None:
    known = sorted(_identifier().labels)
    if language not in known:
        raise InputError(
            "config, studies > language",
            f"'{language}' is no language that py3langid can tell (known: {', '.join(known)})",
            "Give one of these codes",
        )


@functools.cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _words(text: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def _runs(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + length]) for start in range(len(words) - length + 1)]
