"""From a text to its sentences and words, free of what only looks like words or punctuation. For English texts.

Every pattern takes time linear in the text's length, so that no text, however long or odd, holds up a run.
"""

import re
import unicodedata
from dataclasses import dataclass

import emoji

# Signs that `emoji` knows and that are text without the variation selector; some are punctuation, some bullets.
_TEXT_SIGN = re.compile(r"([©®™ℹ‼⁉▪▫])(?!\ufe0f)")
_MAYBE_EMOJI = re.compile("[\u2190-\U0010ffff]")
_SIGN_AS_TEXT = {"‼": "!!", "⁉": "!?"}
# A pattern that opens with a sign, and looks behind from there, is found many times faster than one that looks first.
_APOSTROPHE = re.compile(r"[’ʼ‘´`＇′](?<=\w.)(?=\w)")
# Addresses are rare and their pattern is slow, hence the quick look for one before.
# Of countries' endings those alone that are no words, in small letters: `here.AI can` and `so.in a way` lack a space.
# A possessive quantifier (`++`) never gives back, and a look-behind lets each run be tried once: linear on any text.
_MAYBE_ADDRESS = re.compile(r"[/@]|\.\w")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S++"
    r"|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+"
    r"|(?<![\w.-])(?:[a-z0-9-]++\.)+"
    r"(?:(?:com|org|net|edu|gov)(?-i:\.[a-z]{2})?|(?:ac|co)\.[a-z]{2}|[a-z]{2,3}\.uk"
    r"|(?-i:io|ai|app|info|int|uk|ca|au|nz|ie|eu|de))(?![\w-])"
    r"(?:/\S*+)?"
    r"|(?<![\w/])/?[ru]/\w++",
    re.IGNORECASE,
)
_AFTER_ADDRESS = ".,;:!?…)]}>\"'”’*_"
# Straight behind a letter only the plainest: `Thanks:)`, but `no:D`.
_EMOTICON = re.compile(
    r"[:;=<xX](?:(?<!\w.)(?:(?<=[:;=])[-o^']?[)(\]\[DPpOo/\\|*3]+|(?<=<)3+|(?<=[xX])D+)|(?<=[^\W\d_][:;])-?[)(]+)(?!\w)"
)
_LIST_NUMBER = re.compile(r"^[ \t]*(?:\d{1,3}|[a-z]|[ivx]{2,4})[.)](?=\s)", re.MULTILINE)
_INSIDE_NUMBER = re.compile(r"[.,:–](?:(?<=\d.)|(?<![^\s($]\.)(?<=\.))(?=\d)")
_INITIALS = re.compile(r"(?<![\w.])[^\W\d_](?:\.[^\W\d_])+(?!\w)\.?")
_NEVER_LAST = ("eg", "ie")
# Behind these a capital is often a name's (`U.S. Army`): they end a sentence before words alone that often begin one.
_SELDOM_LAST = ("us", "uk")
_BEGINS = re.compile(
    r"[ \t]*(?:I|He|She|It|They|We|You|The|This|That|There|These|Those|My|Your|His|Her|Our|Their|But|And|So|If|When|"
    r"What|How|Why|As|In|At|On|For|Not|No|Yes|Please|Maybe|Do|Does|Is|Are|Take|Try)\b"
)
_SHORTENED = re.compile(r"\b(?:(Mr|Mrs|Ms|Mx|Dr|Prof|St|vs)\.(?=\s)|(etc)\.(?=[ \t]+[a-z]|[,;:)]))")
_MAYBE_SHORTENED = ("Mr.", "Mrs.", "Ms.", "Mx.", "Dr.", "Prof.", "St.", "vs.", "etc.")
ELLIPSIS = re.compile(r"(?:…|\.{2,}|\.[ \t\u00a0]\.[ \t\u00a0]\.)[.…]*")
_BEGINNINGS = ("…", "..", ". .", ".\t.", ".\u00a0.")
# No possessive star around the group: before 3.11.5 Python lets it keep a sign that nothing follows (`long-`).
_TOKEN = re.compile(r"[^\W_]++(?:['‑-][^\W_]++)*")
_STOP = re.compile(r"([.!?…]+)([\"”’»)\]*_']*)|\n")


@dataclass(frozen=True)
class Text:
    """A text in parts.

    whole: in NFC, with line feeds alone. bare: one form of every sign, without emojis, emoticons, list numbers and the
    points of abbreviations. sentences: the words of each sentence, as written; marks: what ended each, empty for the
    end of a line. emojis: how many were taken out; emoticons: those taken out, as written.
    """

    whole: str
    bare: str
    sentences: list[list[str]]
    marks: list[str]
    emojis: int
    emoticons: list[str]

    @property
    def tokens(self) -> list[str]:
        """Its words in small letters, contractions whole; but `US` in capitals stays, as the country is no pronoun."""
        return [word if word == "US" else word.lower() for words in self.sentences for word in words]


def parse(text: str) -> Text:
    """Take a text apart."""
    whole = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    bare, emojis, emoticons = _bare(whole)
    return Text(whole, bare, *_sentences(bare), emojis, emoticons)


def is_emoticon(word: str) -> bool:
    """Whether a word is an emoticon that is taken out of texts."""
    return bool(_EMOTICON.fullmatch(word))


def is_word(word: str, *, begins: bool = False) -> bool:
    """Whether a word, in small letters, may be one of a text's tokens; begins: or the beginning of one."""
    plain = word.replace("i\u0307", "i")  # Two characters, what a capital I with a dot becomes in small letters.
    return bool(plain) and bool(_TOKEN.fullmatch(plain + "a" * begins))


def has_ellipsis(bare: str) -> bool:
    """Whether a text may hold an ellipsis: most do not, and a look for one takes far less than ELLIPSIS."""
    return any(beginning in bare for beginning in _BEGINNINGS)


def _bare(text: str) -> tuple[str, int, list[str]]:
    """The text with one form of every sign; its emojis and emoticons, which are taken out."""
    emojis = 0
    if not text.isascii():
        text = _TEXT_SIGN.sub(lambda sign: _SIGN_AS_TEXT.get(sign[1], " "), text)
        text = text.translate({ord("！"): "!", ord("？"): "?"})
    if _MAYBE_EMOJI.search(text):
        found = list(emoji.analyze(text, non_emoji=True, join_emoji=True))
        emojis = sum(not isinstance(token.value, str) for token in found)
        text = "".join(token.chars if isinstance(token.value, str) else " " for token in found)
    text = _APOSTROPHE.sub("'", text)
    dotted = _MAYBE_ADDRESS.search(text)
    if dotted:
        text = _ADDRESS.sub(_without_address, text)
    emoticons = _EMOTICON.findall(text)
    if emoticons:
        text = _EMOTICON.sub(" ", text)
    text = _LIST_NUMBER.sub(" ", text)
    text = _INSIDE_NUMBER.sub("", text)
    if dotted:
        text = _INITIALS.sub(_without_initials, text)
    if any(short in text for short in _MAYBE_SHORTENED):
        text = _SHORTENED.sub(r"\1\2", text)
    return text, emojis, emoticons


def _without_address(address: re.Match[str]) -> str:
    """One plain word, and the punctuation that followed the address."""
    whole = address[0]
    return "address" + whole[len(whole.rstrip(_AFTER_ADDRESS)) :]


def _without_initials(initials: re.Match[str]) -> str:
    """Initials as one word; the last full stop stays where a sentence can end (`a.m. She`, end of a line)."""
    word = initials[0].replace(".", "")
    ahead, lower = _ahead(initials), word.lower()
    ends = ahead in ("", "\n") or (ahead.isupper() and lower not in _NEVER_LAST)
    if lower in _SELDOM_LAST and ahead.isupper():
        ends = bool(_BEGINS.match(initials.string, initials.end()))
    return word + "." * (ends and initials[0].endswith("."))


def _ahead(match: re.Match[str]) -> str:
    """The first character after a match that is no blank; a line's end counts, a text's end gives an empty one."""
    return match.string[match.end() : match.end() + 80].lstrip(" \t")[:1]


def _sentences(bare: str) -> tuple[list[list[str]], list[str]]:
    bare = ELLIPSIS.sub("…", bare) if has_ellipsis(bare) else bare
    sentences, marks, start = [], [], 0
    for stop in _STOP.finditer(bare):
        if _ends_sentence(stop):
            words = _TOKEN.findall(bare, start, stop.start())
            if words:
                sentences.append(words)
                marks.append(stop[1] or "")
            start = stop.end()
    words = _TOKEN.findall(bare, start)
    return ([*sentences, words], [*marks, ""]) if words else (sentences, marks)


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
