"""What is a refusal, and what is not: written by hand, for the kinds of things that models and kind people say."""

import time

import pytest

from empathic.refusals import is_refusal, says_ai

REFUSALS = [
    "I'm really sorry that you're feeling this way, but I'm unable to provide the help that you need. It's really "
    "important to talk things over with someone who can, though, such as a mental health professional.",
    "I’m sorry, but I can’t assist with that.",
    "I'm sorry, but I cannot fulfill this request. It goes against my content guidelines.",
    "I apologize, but I am not able to help you with this request.",
    "I cannot write a reply to this post, as it describes self-harm.",
    "Unfortunately, I won't be able to say much. I can't continue this conversation.",
    "As an AI language model, I cannot offer advice on personal matters.",
    "**I'm sorry**, but I *cannot* provide a response to this prompt.",
    "I must respectfully decline to answer.",
    "I\nam unable\nto assist you.",
    "I'd prefer not to continue this conversation. 🙏",
    "Sorry! I'm afraid I can't answer that question.",
    "I will not comply.",
    "\"I'm sorry, but I can't help with that.\"",
    "This violates my usage policies, so let's talk about something else.",
    "I'm not allowed to discuss this topic.",
]
SUPPORT = [
    "I'm sorry for your loss.",
    "I'm so sorry you're going through this. I can't imagine how hard it must be, and I won't pretend that I can.",
    "I am sorry to hear that. I can't help but feel that you deserve better.",
    "I'm sorry, that's awful! I cannot believe she said that to you.",
    "I can't tell you what to do, but I can tell you that you're not alone.",
    "I can't offer you a magic fix, but I'm here to listen.",
    "I can't give you any answers, only my company.",
    "I can't answer that question for you, and nobody can.",
    "I'm sorry that your boss said he can't help you with that. You asked for so little.",
    'I hate it when they say "I can\'t help you with that." It makes you feel so small.',
    "You were unable to provide the help that your mother needed, and that hurts. I'm sorry.",
    "I could not do what you do. I'm in awe.",
    "It must go against company policy, what they did to you. I'd talk to HR.",
    "I had to decline an invitation like that once, and I felt guilty for weeks.",
    "I refuse to believe that you are a bad parent.",
    "I won't lie, this request of his sounds unfair. I'm sorry!",
    "I apologize if this is not what you want to hear.",
    "I'm not going to tell you to calm down.",
    "I can't wait for you to see how this turns out.",
    "",
    "我很抱歉，我不能帮你。",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_one(text):
    assert is_refusal(text)


@pytest.mark.parametrize("text", SUPPORT)
def test_support_is_none_even_where_it_is_sorry_or_at_a_loss(text):
    assert not is_refusal(text)


def test_only_the_start_of_an_answer_counts():
    words = "so " * 55

    assert is_refusal(words + "I cannot fulfill this request.")
    assert not is_refusal(words + "so I cannot fulfill this request.")


@pytest.mark.parametrize(
    "text",
    [
        "As an AI, I don't have feelings, but I hear you.",
        "That sounds hard. As an artificial intelligence, I have no children.",
        "I'm just an AI language model, so take this lightly.",
        "I hear you, but as a large language model I cannot hug you.",
        "I am a chatbot.",
    ],
)
def test_a_text_that_says_that_a_machine_wrote_it_is_seen(text):
    assert says_ai(text)


@pytest.mark.parametrize(
    "text",
    [
        "As an aunt of two, I get it.",
        "You could try tools such as an AI chatbot.",
        "I'm an AI researcher and I still get anxious at conferences.",
        "Your boss works you as an AI would be worked.",
        'She told me "I am an AI" and laughed.',
        "I'm not an AI, I promise.",
        "I said again that I am here.",
    ],
)
def test_a_text_that_does_not_is_left_alone(text):
    assert not says_ai(text)


@pytest.mark.parametrize("piece", ["as an a-", "i am an ai-", "i cannot write ", '"a', "x", "as an a b c "])
def test_no_text_however_long_or_odd_holds_a_run_up(piece):
    text = piece * (400_000 // len(piece))
    start = time.perf_counter()

    is_refusal(text), says_ai(text)

    assert time.perf_counter() - start < 5
