"""Whether an English answer is a refusal, or says that a machine wrote it.

A post about grief is rightly answered with "I'm sorry", and a kind person says "I can't imagine" or "I can't help but
smile". So each pattern asks for an act of declining: who (I), that it is not done (cannot, will not), and what (the
request, the conversation, the help that is needed).
"""

import re
import unicodedata

from empathic.checks import REFUSAL_WORDS

_APOSTROPHE = re.compile("[’ʼ‘´`＇]")
_MARKUP = re.compile(r"[*_#>~]+")
# Not where a text begins: a model may put its whole answer in quotation marks.
_QUOTED = re.compile(r'(?<=\S)\s["“”][^"“”]{1,400}["“”]')

_ADVERB = r"(?:(?:just|simply|unfortunately|currently|really|ethically|morally|legally|directly|personally) )?"
_NOT = (
    rf"\bi(?:'m| am)? (?:afraid (?:that )?i )?{_ADVERB}"
    r"(?:can't|cannot|can not|cant|won't|will not|could not|couldn't|(?:am )?(?:unable|not able|not allowed) to"
    rf"|(?:am )?not going to|do not have the ability to|don't have the ability to) {_ADVERB}"
)
_END = r"(?:[.,;!]|$)"
_TASK = (
    r"(?:this|that|your|the|such|these|those|an?) (?:[\w'-]+ ){0,3}?"
    r"(?:requests?|prompts?|tasks?|instructions?|posts?|messages?|quer(?:y|ies)|topics?|content|conversation|discussion"
    r"|repl(?:y|ies)|responses?|scenario|situation)\b"
)
_ANSWER = r"(?:answer|respond|reply|help|assist|write|engage|continue|discuss|provide)"
_AI = r"(?:ai|a\.i\.|artificial intelligence|language model|chatbot)\b"

_REFUSALS = (
    # I cannot help you with that request. / I'm not able to assist with this.
    rf"{_NOT}(?:help|assist|support)(?: you)? (?:with|in|on) (?:{_TASK}|your needs?|(?:this|that|it){_END})",
    # I can't assist you.
    rf"{_NOT}assist(?: you)?{_END}",
    # I cannot fulfil your request. / I won't comply.
    rf"{_NOT}(?:(?:fulfil|fulfill|complete|process|carry out|satisfy|accommodate|grant|honou?r) {_TASK}|comply\b)",
    # I cannot write a reply to this post. / I can't continue this conversation.
    rf"{_NOT}(?:answer|respond to|reply to|engage (?:with|in)|participate in|continue(?: with)?|discuss|write|create"
    rf"|generate|produce|provide|give|offer) (?:you )?(?:with )?{_TASK}",
    rf"{_NOT}answer (?:this|that|your) question(?! for you)",
    # I'm unable to provide the help that you need.
    rf"{_NOT}(?:provide|give|offer)(?: you)?(?: with)? (?:the |any )?(?:kind of |type of |sort of )?"
    r"(?:help|support|assistance|advice|guidance)(?: that| which)? you(?:'re| are)? (?:need|require|want|looking for"
    r"|seeking|asking for|deserve)",
    # As an AI language model, I cannot offer advice.
    rf"\bas an? (?:[\w-]+ ){{0,3}}?{_AI}[^.!?]{{0,60}}?{_NOT}(?:{_ANSWER}|offer|give|create|generate|diagnose)\b",
    # I must respectfully decline.
    r"\bi(?:'ll|'d| will| would)? (?:must|have to|need to) (?:(?:respectfully|politely|regretfully) )?decline"
    rf"(?:{_END}| this| that| your| to {_ANSWER})",
    # I'd prefer not to continue this conversation.
    rf"\bi(?:'d| would)? (?:prefer|rather) not (?:to )?{_ANSWER} (?:to |with )?(?:this|that)",
    # It goes against my content policy.
    r"\b(?:against|violates?|violating|outside) (?:of )?(?:my|openai's|anthropic's|meta's) (?:[\w-]+ ){0,3}?"
    r"(?:guidelines?|polic(?:y|ies)|programming|terms)\b",
)
_REFUSAL = re.compile("|".join(f"(?:{pattern})" for pattern in _REFUSALS))
# As an AI, ... / I'm just a language model. Not: such as an AI; as an AI researcher.
_SAYS_AI = re.compile(
    r"(?:(?:^|[^\w\s] |\b(?:but|and|that|so) )as|\bi am|\bi'm)(?: (?:just|only|merely|actually|simply))? an? "
    rf"(?:[\w-]+ ){{0,3}}?{_AI}(?!-| (?:researcher|engineer|developer|student|expert))"
)


def is_refusal(text: str) -> bool:
    """Whether an English text declines to answer, by the rule in checks.CHECKS."""
    # The limit keeps the patterns' time small; 40 letters a word are more than English has.
    start = _plain(text[: 40 * REFUSAL_WORDS]).split()[:REFUSAL_WORDS]
    return _REFUSAL.search(" ".join(start)) is not None


def says_ai(text: str) -> bool:
    """Whether an English text says in the first person that an AI wrote it, by the rule in checks.CHECKS."""
    return _SAYS_AI.search(" ".join(_plain(text).split())) is not None


def _plain(text: str) -> str:
    """Small letters, one kind of apostrophe, no Markdown, nothing that somebody else is quoted with."""
    text = _APOSTROPHE.sub("'", unicodedata.normalize("NFC", text))
    return _QUOTED.sub(" ", _MARKUP.sub("", text)).lower()
