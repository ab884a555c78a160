from pathlib import Path

import pytest

from empathic import prompts
from empathic.errors import InputError

BASE = Path(__file__).resolve().parents[2] / "data" / "prompts" / "base.md"


@pytest.fixture
def prompt(tmp_path):
    def write(content):
        path = tmp_path / "prompt.md"
        path.write_bytes(content)
        return path

    return write


def test_a_post_takes_the_place_of_the_placeholder_and_nothing_else_changes():
    made = prompts.messages("Before {post} after.", "a {post} of {braces} and \\ $ %s")

    assert made == [{"role": "user", "content": "Before a {post} of {braces} and \\ $ %s after."}]


def test_what_stands_above_three_dashes_is_the_system_message_or_opens_the_user_s():
    template = "You listen.\n\n---\n\nRead this:\n{post}"

    assert prompts.messages(template, "A\n---\npost") == [
        {"role": "system", "content": "You listen."},
        {"role": "user", "content": "Read this:\nA\n---\npost"},
    ]
    assert prompts.messages(template, "A post", system_role=False) == [
        {"role": "user", "content": "You listen.\n\nRead this:\nA post"}
    ]


def test_a_template_is_the_same_with_any_editor_s_marks_and_line_ends(prompt):
    written = [b"Read:\n{post}", b"\n Read:\n{post}\n\n", b"Read:\r\n{post}\r\n", b"\xef\xbb\xbfRead:\n{post}\n"]

    assert {prompts.read(prompt(content)) for content in written} == {"Read:\n{post}"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Read: ", ": {post} stands 0 times. It must stand once: where the post goes."),
        (b"{post} {post}", ": {post} stands 2 times. It must stand once: where the post goes."),
        (b"{post} {name}", ": unknown placeholder {name}. A prompt may use {post} alone."),
        (b"{Post}", ": unknown placeholder {Post}. A prompt may use {post} alone."),
        (b"{post}\n---\nReply", ": {post} stands in the system message. Put it below the line of three dashes."),
        (
            b"a\n---\nb\n---\n{post}",
            ": a line of three dashes stands twice. It may stand once: below the system message.",
        ),
        (b"caf\xe9 {post}", ": the text is not UTF-8. Save it as UTF-8."),
    ],
)
def test_a_template_that_cannot_be_used_is_one_message(prompt, content, expected):
    path = prompt(content)

    with pytest.raises(InputError) as error:
        prompts.read(path)

    assert str(error.value) == f"{path}{expected}"


def test_the_base_prompt_asks_a_peer_supporter_for_100_to_150_words():
    asked = prompts.messages(prompts.read(BASE), "POST")[0]["content"]

    assert "peer supporter" in asked
    assert "100 to 150 words" in asked
    assert "\n\nPost:\nPOST\n\n" in asked
