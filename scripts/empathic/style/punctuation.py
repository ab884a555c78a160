"""Punctuation by kind, and what Markdown lays out. Patterns take linear time (empathic.style.tokens)."""

import re

from empathic.style.tokens import ELLIPSIS, Text, has_ellipsis

_DASH = re.compile(r"[–—―]+|(?<=[^\s|-])[ \t]*-{2,}|(?<=[^\s|-])[ \t]+-[ \t]+(?=\S)")
# What looks like a dash: a bullet, and between two numbers what tells a range.
_NO_DASH = re.compile(r"^[ \t]*–(?=[ \t])|[-–](?<=\d[ \t].)(?=[ \t][$€£]?\d)", re.MULTILINE)
_QUOTE = re.compile(r'["“”„‟«»＂]')
_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*+•‣◦▪▫●○■□–·⁃]|\d{1,3}[.)])[ \t]+(?=\S)", re.MULTILINE)
_HEADING = re.compile(r"^[ ]{0,3}#{1,6}[ \t]+(?=\S)", re.MULTILINE)
# The text between the marks is short, so that marks without a partner do not make the pattern look far. Inside a word
# `__` is no mark.
_BOLD = re.compile(
    r"\*\*(?=[^\s*])(?:[^\n*]|\*(?!\*)){1,200}(?<=[^\s*])\*\*"
    r"|(?<!\w)__(?=[^\s_])(?:[^\n_]|_(?!_)){1,200}(?<=[^\s_])__(?!\w)"
)


def punctuation(text: Text) -> dict[str, int]:
    """Counts of each kind of punctuation, of emojis, of emoticons, and of words in capitals."""
    bare = text.bare
    ellipses = len(ELLIPSIS.findall(bare)) if has_ellipsis(bare) else 0
    rest = ELLIPSIS.sub(" ", bare) if ellipses else bare
    return {
        "periods": rest.count("."),
        "commas": rest.count(","),
        "colons": rest.count(":"),
        "semicolons": rest.count(";"),
        "exclamation_marks": rest.count("!"),
        "question_marks": rest.count("?"),
        "ellipses": ellipses,
        # A look for a rare sign takes far less than its pattern.
        "dashes": len(_DASH.findall(_NO_DASH.sub(" ", rest))) if any(dash in rest for dash in "-–—―") else 0,
        "quotes": rest.count('"') if rest.isascii() else len(_QUOTE.findall(rest)),
        "parentheses": rest.count("("),
        "emojis": text.emojis,
        "emoticons": len(text.emoticons),
        "capitals": sum(len([word for word in words if word.isupper() and len(word) > 1]) for words in text.sentences),
    }


def layout(text: Text) -> dict[str, int]:
    """Counts of list items, headings and bold spans, as Markdown marks them."""
    whole = text.whole
    return {
        "list_items": len(_LIST_ITEM.findall(whole)),
        "headings": len(_HEADING.findall(whole)) if "#" in whole else 0,
        "bold": len(_BOLD.findall(whole)) if "**" in whole or "__" in whole else 0,
    }


def paragraphs(text: Text) -> int:
    """Blocks of text between empty lines."""
    if "\n" not in text.whole:
        return int(bool(text.whole.strip()))
    blocks, inside = 0, False
    for line in text.whole.split("\n"):
        full = bool(line.strip())
        blocks += full and not inside
        inside = full
    return blocks
