"""The style of responses: how long, with which punctuation, emojis, pronouns and apologies. For English texts.

Every pattern takes time linear in the text's length, so that no text, however long or odd, holds up a run.
"""

import re
import unicodedata
from collections import Counter

import emoji
import pandas as pd

from empathic.features import NAMES
from empathic.origin import weakest

_PRONOUNS = {
    "pronouns_i": "i me my mine myself im ive",
    "pronouns_we": "we us our ours ourselves ourself let's",
    "pronouns_you": "you your yours yourself yourselves u ur youre youve y'all d'you",
    "pronouns_third_sg": "he him his himself she her hers herself",
    "pronouns_it": "it its itself",
    "pronouns_third_pl": "they them their theirs themselves themself theyre theyve",
}
_FEATURE_OF = {word: feature for feature, words in _PRONOUNS.items() for word in words.split()}

# Signs that `emoji` knows and that are text without the variation selector; two of them are plain punctuation.
_TEXT_SIGN = re.compile(r"([©®™ℹ‼⁉])(?!\ufe0f)")
_MAYBE_EMOJI = re.compile("[\u2190-\U0010ffff]")
_SIGN_AS_TEXT = {"‼": "!!", "⁉": "!?"}
_APOSTROPHE = re.compile(r"(?<=\w)[’ʼ‘´`＇](?=\w)")
# Addresses are rare and their pattern is slow, hence the quick look for one before.
# A possessive quantifier (`++`) never gives back, and a look-behind lets each run be tried once: linear on any text.
_MAYBE_ADDRESS = re.compile(r"[/@]|\.\w")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S++"
    r"|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+"
    r"|(?<![\w.-])(?:[a-z0-9-]++\.)+(?:com|org|net|edu|gov|[a-z]{2,3}\.uk)(?![\w-])(?:/\S*+)?"
    r"|(?<![\w/])/?[ru]/\w++",
    re.IGNORECASE,
)
_AFTER_ADDRESS = ".,;:!?…)]}>\"'”’*_"
_EMOTICON = re.compile(r"(?<!\w)(?:[:;=][-o^']?[)(\]\[DPpOo/\\|*3]+|<3+|[xX]D+)(?!\w)")
_LIST_NUMBER = re.compile(r"^[ \t]*(?:\d{1,3}|[a-z]|[ivx]{2,4})[.)](?=\s)", re.MULTILINE)
_INSIDE_NUMBER = re.compile(r"(?<=\d)[.,:–](?=\d)")
_INITIALS = re.compile(r"(?<![\w.])[^\W\d_](?:\.[^\W\d_])+(?!\w)\.?")
_NEVER_LAST = ("eg", "ie", "us", "uk")
_SHORTENED = re.compile(r"\b(?:(Mr|Mrs|Ms|Mx|Dr|Prof|St|vs)\.(?=\s)|(etc)\.(?=[ \t]+[a-z]|[,;:)]))")
_ELLIPSIS = re.compile(r"(?:…|\.{2,}|\.[ \t\u00a0]\.[ \t\u00a0]\.)[.…]*")
_DASH = re.compile(r"[–—―]+|(?<=[^\s|-])[ \t]*-{2,}|(?<=[^\s|-])[ \t]+-[ \t]+(?=\S)")
_QUOTE = re.compile(r'["“”„‟«»＂]')
_TOKEN = re.compile(r"[^\W_]+(?:['‑-][^\W_]+)*")
_STOP = re.compile(r"([.!?…]+)([\"”’»)\]*_']*)|\n")
_APOLOGY = re.compile(
    r"\bsorry\b(?<!feel sorry)(?<!feels sorry)(?<!felt sorry)(?<!feeling sorry)"
    r"|\bapolog(?:y|ies|i[sz](?:e|es|ed|ing))\b|\b(?:forgive|pardon) me\b|\bmy bad\b"
)


def measure(responses: pd.DataFrame) -> pd.DataFrame:
    """Measure every feature of every response.

    responses: response_id, source, origin, text (responses.csv). Returns response_id, source, origin and one column a
    feature (features.FEATURES), in the order of the responses; a rate is missing where there are no words.
    """
    features = pd.DataFrame([features_of(text) for text in responses.text], columns=list(NAMES), index=responses.index)
    return responses[["response_id", "source", "origin"]].join(features)


def summarise(features: pd.DataFrame, sources: list[str]) -> pd.DataFrame:
    """Mean and standard deviation of each feature over the responses of each source.

    features: as `measure` returns them. sources: in the order of the config. Returns the columns of style/summary.csv;
    n counts the responses that have a value, the standard deviation is the sample's (n - 1).
    """
    rows = []
    for source in sources:
        own = features[features.source == source]
        for name in NAMES:
            values = own[name].dropna()
            rows.append(
                {
                    "source": source,
                    "feature": name,
                    "mean": values.mean(),
                    "std_dev": values.std(ddof=1),
                    "n": len(values),
                    "origin": weakest(own.origin),
                }
            )
    return pd.DataFrame(rows)


def features_of(text: str) -> dict[str, float]:
    """Every feature of one text: counts and words per sentence as they are, the others per 100 words."""
    n_words = len(text.split())
    bare, emojis = _bare(text)
    n_sentences = _sentences(bare)
    counts = {**_punctuation(bare), "emojis": emojis, **_words(bare)}
    sizes = {
        "n_words": n_words,
        "n_sentences": n_sentences,
        "words_per_sentence": n_words / n_sentences if n_sentences else None,
    }
    return sizes | {name: 100 * count / n_words if n_words else None for name, count in counts.items()}


def _bare(text: str) -> tuple[str, int]:
    """The text with one form of every sign, and without what only looks like words or punctuation; its emojis."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    emojis = 0
    if not text.isascii():
        text = _TEXT_SIGN.sub(lambda sign: _SIGN_AS_TEXT.get(sign[1], " "), text)
        text = text.translate({ord("！"): "!", ord("？"): "?"})
    if _MAYBE_EMOJI.search(text):
        found = list(emoji.analyze(text, non_emoji=True, join_emoji=True))
        emojis = sum(not isinstance(token.value, str) for token in found)
        text = "".join(token.chars if isinstance(token.value, str) else " " for token in found)
    text = _APOSTROPHE.sub("'", text)
    if _MAYBE_ADDRESS.search(text):
        text = _ADDRESS.sub(_without_address, text)
    text = _EMOTICON.sub(" ", text)
    text = _LIST_NUMBER.sub(" ", text)
    text = _INSIDE_NUMBER.sub("", text)
    text = _INITIALS.sub(_without_initials, text)
    return _SHORTENED.sub(r"\1\2", text), emojis


def _without_address(address: re.Match[str]) -> str:
    """One plain word, and the punctuation that followed the address."""
    whole = address[0]
    return "address" + whole[len(whole.rstrip(_AFTER_ADDRESS)) :]


def _without_initials(initials: re.Match[str]) -> str:
    """Initials as one word; the last full stop stays where a sentence can end (`a.m. She`, end of a line)."""
    word = initials[0].replace(".", "")
    ahead = _ahead(initials)
    ends = ahead in ("", "\n") or (ahead.isupper() and word.lower() not in _NEVER_LAST)
    return word + "." * (ends and initials[0].endswith("."))


def _ahead(match: re.Match[str]) -> str:
    """The first character after a match that is no blank; a line's end counts, a text's end gives an empty one."""
    return match.string[match.end() : match.end() + 80].lstrip(" \t")[:1]


def _punctuation(bare: str) -> dict[str, int]:
    ellipses = len(_ELLIPSIS.findall(bare))
    rest = _ELLIPSIS.sub(" ", bare) if ellipses else bare
    return {
        "periods": rest.count("."),
        "commas": rest.count(","),
        "colons": rest.count(":"),
        "semicolons": rest.count(";"),
        "exclamation_marks": rest.count("!"),
        "question_marks": rest.count("?"),
        "ellipses": ellipses,
        "dashes": len(_DASH.findall(rest)),
        "quotes": len(_QUOTE.findall(rest)),
        "parentheses": rest.count("("),
    }


def _words(bare: str) -> dict[str, int]:
    # The country is no pronoun.
    tokens = [token.lower() for token in _TOKEN.findall(bare) if token != "US"]
    found = Counter(_FEATURE_OF.get(token) or _FEATURE_OF.get(token.partition("'")[0]) for token in tokens)
    counts = {feature: found[feature] for feature in _PRONOUNS}
    return counts | {"apologies": len(_APOLOGY.findall(" ".join(tokens)))}


def _sentences(bare: str) -> int:
    bare = _ELLIPSIS.sub("…", bare)
    count, start = 0, 0
    for stop in _STOP.finditer(bare):
        if _ends_sentence(stop):
            count += _TOKEN.search(bare, start, stop.start()) is not None
            start = stop.end()
    return count + (_TOKEN.search(bare, start) is not None)


def _ends_sentence(stop: re.Match[str]) -> bool:
    marks, closing = stop.groups()
    after = stop.string[stop.end() : stop.end() + 1]
    if marks is None or after in ("", "\n"):
        return True
    ahead = _ahead(stop)
    if not after.isspace():
        # `great.You`: a space was forgotten; `Node.js` or `what?!x`: no sentence ends.
        return ahead.isupper() and not closing and stop.string[stop.start() - 1 : stop.start()].islower()
    if marks == "…":
        # `I... I mean`: the pronoun's capital says nothing.
        return ahead.isupper() and not re.match(r"\s*I\b", stop.string[stop.end() : stop.end() + 80])
    return not (closing and ahead.islower())
