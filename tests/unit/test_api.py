"""Sources behind an API, against an endpoint on the loopback device: what is sent, what is kept, and every fault."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path

import jsonschema
import pytest
from loopback import Loopback, answer, completion, cut, fault, held, send

from empathic import api, codebook, endpoint, files, ids, records, settings, tables
from empathic.errors import InputError

KEY = "sk-test-0123456789abcdefghij"
POSTS = tables.POSTS.frame(
    {"post_id": f"p{n}", "domain": "d", "text": f"post {n}", "origin": "observed"} for n in range(6)
)
ALL = [f"post {n}" for n in range(6)]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(endpoint, "FIRST_BACKOFF_S", 0.01)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with Loopback() as loopback:
        yield loopback


def arm(server, *, seed=7, template="Reply to: {post}", study="s", name="gpt", redraw=None, **source):
    given = {"kind": "openai", "title": "GPT", "model": "gpt-x", "licence": "its terms", "requests_per_minute": None}
    given |= {"base_url": f"{server.address}/v1", "retries": 2} | source
    read = settings.OpenAISource.model_validate(given).model_dump(mode="json")
    return api.Arm(study=study, name=name, source=read, template=template, seed=seed, redraw=redraw)


def ask(arm, cache, posts=POSTS, said=None):
    """Has the arm answer. Returns its records in the order of what the job listed."""
    listed = api.answer(posts, arm, cache, "run.1of1", (said if said is not None else []).append)
    found = records.look_up(arm.records_in(cache), pytest.fail)
    return [found[key] for key in listed["key"]]


def refusal(arm, cache, posts=POSTS):
    with pytest.raises(InputError) as error:
        ask(arm, cache, posts)
    return str(error.value)


def kept(arm, cache):
    """The posts that have an answer, or a final reason why there is none."""
    found = records.look_up(arm.records_in(cache), pytest.fail).values()
    return sorted(record["post_id"] for record in found if not records.to_try_again(record))


def problems(record):
    """What the schema finds wrong with a record as gathered."""
    validator = jsonschema.Draft202012Validator(files.read_json(codebook.RECORDS))
    return [error.message for error in validator.iter_errors(record)]


# What is sent, and what is kept


def test_a_record_says_what_was_asked_and_what_came_of_it(server, tmp_path):
    server.plan.append(answer(" I am sorry.\n", "length"))

    (record,) = ask(arm(server, sampling={"temperature": 0.7, "max_tokens": 320}), tmp_path, POSTS[:1])

    started, ended = (datetime.fromisoformat(record.pop(name)) for name in ("started", "ended"))
    assert started <= ended and started.utcoffset() == ended.utcoffset() == timedelta(0)
    assert record.pop("versions").keys() == {"openai"}
    assert record == {
        "key": records.key(record),
        "kind": "openai",
        "study": "s",
        "source": "gpt",
        "post_id": "p0",
        "sample": 0,
        "endpoint": f"{server.address}/v1",
        "deployment": None,
        "api_version": None,
        "model": "gpt-x",
        "prompt_sha256": files.sha256_text("Reply to: {post}"),
        "messages": [{"role": "user", "content": "Reply to: post 0"}],
        "sampling": {"temperature": 0.7, "max_tokens": 320},
        "seed": None,
        "redraw": None,
        "redrawn": [],
        "prompt_file": "data/prompts/base.md",
        "licence": "its terms",
        "text": "I am sorry.",
        "raw_text": " I am sorry.\n",
        "finish_reason": "length",
        "error": None,
        "try_again": False,
        "prompt_tokens": 30,
        "new_tokens": 12,
        "model_returned": "gpt-x-2026-01-01",
        "system_fingerprint": "fp_44709d6fcb",
        "request_id": "req_1",
        "attempts": 1,
    }


@pytest.mark.parametrize(
    "sampling",
    [
        {},
        {"temperature": 0.0, "top_p": 0.5, "max_tokens": 99},
        {"max_completion_tokens": 99, "frequency_penalty": -1.0, "presence_penalty": 0.0},
    ],
)
def test_what_the_config_sets_is_sent_by_its_name_and_nothing_else_is(server, tmp_path, sampling):
    ask(arm(server, sampling=sampling), tmp_path, POSTS[:1])

    (one,) = server.asked
    assert one["body"] == {
        "model": "gpt-x",
        "messages": [{"role": "user", "content": "Reply to: post 0"}],
        **sampling,
    }
    assert one["path"] == "/v1/chat/completions"
    assert one["headers"]["Authorization"] == f"Bearer {KEY}"


def test_a_derived_seed_differs_by_post_and_sample_and_is_the_same_every_time(server, tmp_path):
    made = ask(arm(server, sampling={"seed": "derived"}, samples=2), tmp_path, POSTS[:2])

    expected = [ids.seed(7, "s", "gpt", post, sample) % 2**31 for post in ("p0", "p1") for sample in (0, 1)]
    assert [record["seed"] for record in made] == expected
    assert len(set(expected)) == 4
    assert sorted(one["body"]["seed"] for one in server.asked) == sorted(expected)
    assert not any("seed" in record["sampling"] for record in made)


def test_azure_is_asked_at_its_deployment_with_its_version_and_its_own_key(server, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    azure = {"endpoint": f"{server.address}/", "deployment": "our-gpt4", "api_version": "2024-10-21"}

    (record,) = ask(arm(server, azure=azure), tmp_path, POSTS[:1])

    (one,) = server.asked
    assert one["path"] == "/openai/deployments/our-gpt4/chat/completions?api-version=2024-10-21"
    assert one["headers"]["api-key"] == KEY
    assert (record["endpoint"], record["deployment"], record["api_version"], record["model"]) == (
        server.address,
        "our-gpt4",
        "2024-10-21",
        "gpt-x",
    )


def test_variables_of_the_client_itself_change_nothing(server, tmp_path, monkeypatch):
    for variable in ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9/elsewhere")
    monkeypatch.setenv("OPENAI_API_VERSION", "1999-01-01")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    azure = {"endpoint": server.address, "deployment": "d", "api_version": "2024-10-21"}

    ask(arm(server), tmp_path, POSTS[:1])
    ask(arm(server, azure=azure), tmp_path, POSTS[:1])

    assert [one["path"] for one in server.asked] == [
        "/v1/chat/completions",
        "/openai/deployments/d/chat/completions?api-version=2024-10-21",
    ]


def test_an_endpoint_without_keys_is_asked_without_one(server, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")

    assert len(ask(arm(server, key_variable=None), tmp_path)) == 6


def test_a_variable_of_the_config_s_choice_holds_the_key(server, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_KEY", " other-key\n")

    ask(arm(server, key_variable="LAB_KEY"), tmp_path, POSTS[:1])

    assert server.asked[0]["headers"]["Authorization"] == "Bearer other-key"


def test_the_listing_has_the_order_of_posts_and_samples_whatever_order_answers_came_in(server, tmp_path):
    posts = POSTS.iloc[[3, 0]]

    listed = api.answer(posts, arm(server, samples=2), tmp_path, "run.1of1", lambda line: None)

    assert listed[["post_id", "sample"]].to_dict("split")["data"] == [["p3", 0], ["p3", 1], ["p0", 0], ["p0", 1]]
    found = records.look_up(tmp_path / "records" / "s" / "gpt", pytest.fail)
    assert listed["sha256"].tolist() == [records.fingerprint(found[key]) for key in listed["key"]]


# The schema


@pytest.mark.parametrize(
    "reply", [answer(), answer(""), fault(400, code="content_filter"), fault(500), answer(usage=None)]
)
def test_every_record_fits_the_schema(server, tmp_path, reply):
    server.plan.extend([reply] * 3)

    made = ask(arm(server), tmp_path, POSTS[:2])

    assert [problems(records.gathered(record, "a post")) for record in made] == [[], []]


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": 1},
        {"quantization": "nf4"},  # a field of another kind
        {"kind": "other"},
        {"seed": -1},
        {"ended": None},
        {"key": "short"},
        {"strange": 1},
        {"error": ""},
        {"messages": [{"role": "user"}]},
    ],
)
def test_the_schema_finds_what_is_wrong(server, tmp_path, change):
    (record,) = ask(arm(server), tmp_path, POSTS[:1])

    assert problems(records.gathered(record, "a post") | change)


def test_the_schema_misses_every_field_that_is_not_there(server, tmp_path):
    (record,) = ask(arm(server), tmp_path, POSTS[:1])
    whole = records.gathered(record, "a post")

    for field in whole:
        assert problems({name: value for name, value in whole.items() if name != field}), field


# What a record is found by


CHANGES = {
    "endpoint": {"base_url": "http://127.0.0.1:9/v2"},
    "model": {"model": "gpt-y"},
    "azure": {"azure": {"endpoint": "http://127.0.0.1:9", "deployment": "d", "api_version": "1"}},
    "sampling": {"sampling": {"temperature": 0.5}},
    "seed": {"sampling": {"seed": "derived"}},
    "redraw": {"redraw": {"words": [100, 150], "draws": 1}},
    "number of draws": {"redraw": {"words": [100, 150], "draws": 2}},
}


@pytest.mark.parametrize("field", records.DETERMINING["openai"])
def test_every_determining_field_changes_the_key(server, field):
    (record, *_) = api.request_all(POSTS, arm(server))

    changed = record | {field: "transformers" if field == "kind" else "other"}
    if field == "kind":
        with pytest.raises(KeyError):
            records.key(changed)
    else:
        assert records.key(changed) != record["key"]


def test_every_other_field_changes_no_key(server, tmp_path):
    (record,) = ask(arm(server), tmp_path, POSTS[:1])
    describing = set(record) - set(records.DETERMINING["openai"])

    assert {records.key(record | {field: "other"}) for field in describing} == {record["key"]}
    assert len(describing) > 15


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_setting_that_determines_the_answer_asks_anew(server, change):
    before, after = (api.request_all(POSTS, one) for one in (arm(server), arm(server, **change)))

    assert not {record["key"] for record in before} & {record["key"] for record in after}


@pytest.mark.parametrize(
    "change",
    [
        {"title": "other"},
        {"licence": "other"},
        {"concurrency": 1},
        {"requests_per_minute": 600},
        {"retries": 0},
        {"timeout_s": 9},
        {"max_tokens_total": 9_999},
        {"retires_on": "2026-10-23"},
        {"price_per_million": {"input": 1, "output": 2}},
    ],
)
def test_a_setting_that_only_says_how_to_ask_asks_nothing_anew(server, tmp_path, change):
    ask(arm(server), tmp_path)

    ask(arm(server, **change), tmp_path)

    assert len(server.asked) == 6


def test_two_posts_of_one_text_are_asked_apart(server, tmp_path):
    twins = POSTS[:2].assign(text="the same")

    made = ask(arm(server), tmp_path, twins)

    assert [record["post_id"] for record in made] == ["p0", "p1"] and len(server.asked) == 2


def test_a_second_call_asks_nothing_and_needs_neither_key_nor_network(server, tmp_path, monkeypatch):
    first = ask(arm(server), tmp_path)
    one = arm(server)
    server.__exit__()
    monkeypatch.delenv("OPENAI_API_KEY")
    said = []

    assert ask(one, tmp_path, said=said) == first
    assert said == ["s, gpt: 6 of 6 responses are there already"]


# Faults that pass


@pytest.mark.parametrize("reply", [*(fault(status) for status in (408, 409, 429, 500, 502, 503, 529)), cut])
def test_a_fault_that_may_pass_is_followed_by_another_attempt(server, tmp_path, reply):
    server.plan.extend([answer(), reply, reply])

    made = ask(arm(server, concurrency=1), tmp_path, POSTS[:3])

    assert [record["attempts"] for record in made] == [1, 3, 1]
    assert [record["error"] for record in made] == [None] * 3
    assert server.posts == ["post 0", "post 1", "post 1", "post 1", "post 2"]


@pytest.mark.parametrize(
    "reply",
    [
        send(200, "<html>Sign in</html>", kind="text/html"),
        send(200, "{", kind="application/json"),
        send(200, {"choices": []}),
        send(200, {"choices": None}),
        send(200, {"choices": [{"message": None}]}),
        send(200, [1]),
        send(200, "null"),
        send(200, json.dumps(completion("half a pair: \ud83d"))),
    ],
)
def test_an_answer_that_is_none_is_asked_for_again(server, tmp_path, reply):
    server.plan.append(reply)

    (record,) = ask(arm(server), tmp_path, POSTS[:1])

    assert (record["attempts"], record["text"]) == (2, "I am sorry to hear that.")


@pytest.mark.parametrize("usage", [{}, {"usage": {}}, {"usage": {"total_tokens": 5}}])
def test_an_endpoint_that_says_little_beside_the_text_is_taken_at_its_word(server, tmp_path, usage):
    server.plan.append(send(200, {"choices": [{"message": {"content": "Hi."}}]} | usage))

    (record,) = ask(arm(server), tmp_path, POSTS[:1])

    assert (record["text"], record["error"], record["attempts"]) == ("Hi.", None, 1)
    unsaid = ("finish_reason", "prompt_tokens", "new_tokens", "model_returned", "system_fingerprint", "request_id")
    assert [record[name] for name in unsaid] == [None] * 6
    assert problems(records.gathered(record, "post 0")) == []


@pytest.mark.parametrize("count", ["thirty", 30.5, -1, [30]])
def test_a_count_that_is_none_is_not_taken_for_one(server, tmp_path, count):
    server.plan.append(answer(usage={"prompt_tokens": count, "completion_tokens": 12, "total_tokens": 1}))

    (record,) = ask(arm(server), tmp_path, POSTS[:1])

    assert (record["prompt_tokens"], record["new_tokens"]) == (None, 12)
    assert problems(records.gathered(record, "a post")) == []


def test_what_an_endpoint_says_beside_the_text_in_another_type_than_words_is_left_out(server, tmp_path):
    odd = {"id": 7, "model": {"name": "x"}, "system_fingerprint": 3}
    server.plan.append(send(200, completion(finish_reason=["stop"], **odd)))

    (record,) = ask(arm(server), tmp_path, POSTS[:1])

    assert problems(records.gathered(record, "a post")) == []
    assert record["text"] == "I am sorry to hear that."


HALF = "\ud83d"  # of a surrogate pair: JSON may spell it, and no file can hold it


@pytest.mark.parametrize(
    "reply",
    [
        answer(None, refusal=f"No {HALF}"),
        answer(model=f"gpt{HALF}", id=HALF, system_fingerprint=HALF),
        answer(finish_reason=f"stop{HALF}"),
        fault(400, f"Filtered {HALF}", "content_filter"),
        fault(400, f"Bad {HALF}"),
    ],
)
def test_half_a_character_in_what_an_endpoint_says_costs_no_answer(server, tmp_path, reply):
    server.plan.extend([answer(), reply])

    made = ask(arm(server, concurrency=1), tmp_path, POSTS[:3])

    assert len(made) == 3 and made[2]["error"] is None


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(server, tmp_path):
    server.takes_s = 0.5
    one = arm(server, timeout_s=0.1, retries=1)

    message = refusal(one, tmp_path, POSTS[:1])

    assert message == (
        "source 'gpt': no post got an answer: no answer, asked 2 times (no answer within 0.1 s). Start again later."
    )


def test_retry_after_is_honoured_and_all_requests_wait(server, tmp_path):
    server.plan.extend([answer(), fault(429, retry_after="1")])

    made = ask(arm(server, concurrency=2), tmp_path)

    times = [one["at"] for one in server.asked]
    refused = times[1]
    assert not [at for at in times[3:] if at < refused + 1]  # One more was under way beside the refused one.
    assert max(times) > refused + 1
    assert sorted(record["attempts"] for record in made) == [1, 1, 1, 1, 1, 2]


def test_a_server_that_names_no_time_is_asked_again_at_growing_intervals(server, tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint, "FIRST_BACKOFF_S", 0.1)
    server.plan.extend([fault(429)] * 3)

    ask(arm(server, retries=3), tmp_path, POSTS[:1])

    times = [one["at"] for one in server.asked]
    gaps = [later - before for before, later in zip(times[:-1], times[1:], strict=True)]
    assert all(gap >= 0.075 * factor for gap, factor in zip(gaps, (1, 2, 4), strict=True))


@pytest.mark.parametrize("attempt", range(1, 12))
def test_waits_double_up_to_a_minute_less_a_quarter_at_most(attempt):
    full = min(2 ** (attempt - 1), 60)

    assert all(0.75 * full <= endpoint.backoff(attempt) <= full for _ in range(50))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "20"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "20"}, 20),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_retry_after_is_read_in_every_form(headers, seconds):
    assert endpoint.retry_after(headers) == seconds


def test_retry_after_as_a_date_is_the_time_left():
    then = datetime.now(UTC) + timedelta(seconds=90)

    assert 88 <= endpoint.retry_after({"retry-after": format_datetime(then, usegmt=True)}) <= 90


def test_where_the_endpoint_asks_for_too_long_a_wait_the_run_stops_and_keeps_what_it_has(server, tmp_path):
    server.plan.extend([answer(), fault(429, "Daily limit.", retry_after="86400")])
    one = arm(server, concurrency=1)

    message = refusal(one, tmp_path)

    assert message == (
        f"source 'gpt': {server.address}/v1 asks to wait 86400 s (429: Daily limit.), and longest_wait_s is 900. "
        "Start the same command again after that time; what was answered is kept."
    )
    assert kept(one, tmp_path) == ["p0"]


# Answers that cannot be had


def test_after_its_retries_a_post_has_a_record_with_the_error_the_run_goes_on_and_the_next_call_asks_again(
    server, tmp_path
):
    server.plan.extend([answer(), *[fault(500, "Overloaded.")] * 3])
    one, said = arm(server, concurrency=1), []

    made = ask(one, tmp_path, said=said)

    assert [record["error"] for record in made] == [
        None, "no answer, asked 3 times (500: Overloaded.)", None, None, None, None,
    ]  # fmt: skip
    assert made[1]["attempts"] == 3 and made[1]["text"] == ""
    assert said[-1] == (
        "s, gpt: 1 of 6 responses could not be had; the run goes on without them. "
        "To ask again: snakemake --cores all --forcerun request_responses"
    )
    before = len(server.asked)

    again = ask(one, tmp_path)

    assert server.posts[before:] == ["post 1"]
    assert again[1]["error"] is None and again[:1] + again[2:] == made[:1] + made[2:]


FINAL = {
    "filtered post": (
        send(
            400,
            {
                "error": {
                    "message": "The response was filtered.",
                    "type": None,
                    "param": "prompt",
                    "code": "content_filter",
                    "status": 400,
                    "innererror": {"code": "ResponsibleAIPolicyViolation"},
                }
            },
        ),
        "the endpoint's content filter refused the post (400: The response was filtered.)",
    ),
    "filtered answer": (
        answer("It is", "content_filter"),
        "the endpoint's content filter removed the answer, or a part of it",
    ),
    "empty": (answer(" \n"), "the model gave an empty answer"),
    "none": (answer(None), "the model gave an empty answer"),
    "declined": (answer(None, refusal="I cannot help."), "the model declined: I cannot help."),
    "too long": (
        fault(400, "Too many tokens.", "context_length_exceeded"),
        "the post is too long for the model (400: Too many tokens.)",
    ),
}


@pytest.mark.parametrize(("reply", "error"), FINAL.values(), ids=FINAL)
def test_what_the_model_or_its_filter_decided_is_final(server, tmp_path, reply, error):
    server.plan.extend([answer(), reply])
    one = arm(server, concurrency=1)

    made = ask(one, tmp_path)

    assert [record["error"] for record in made] == [None, error, None, None, None, None]
    assert made[1]["attempts"] == 1
    assert ask(one, tmp_path) == made and len(server.asked) == 6


def test_a_setting_that_the_endpoint_refuses_stops_the_run_after_three_posts(server, tmp_path):
    server.plan.extend([fault(400, "Unknown parameter: 'seed'.", "unknown_parameter")] * 6)

    message = refusal(arm(server), tmp_path)

    assert message == (
        "source 'gpt': 3 posts in a row got no answer; the last: no answer, asked once (400: Unknown parameter: "
        "'seed'.). See that the endpoint works, then start the same command again; what was answered is kept."
    )
    assert len(server.asked) == 3


def test_three_failures_that_are_not_in_a_row_do_not_stop_it(server, tmp_path):
    bad = fault(400)
    server.plan.extend([bad, bad, answer(), bad, bad, answer()])

    made = ask(arm(server, concurrency=1), tmp_path)

    assert [record["error"] is None for record in made] == [False, False, True, False, False, True]


def test_an_endpoint_that_is_not_there_is_said_to_be_so(server, tmp_path):
    one = arm(server, base_url="http://127.0.0.1:9/v1", retries=0)

    assert refusal(one, tmp_path) == (
        "source 'gpt': 3 posts in a row got no answer; the last: no answer, asked once (connection lost: [Errno 111] "
        "Connection refused). See that the endpoint works, then start the same command again; what was answered is "
        "kept."
    )


# What would meet every post


@pytest.mark.parametrize("debug", [False, True])
def test_a_wrong_key_is_one_message_without_the_key_and_nothing_is_lost(tmp_path, server, debug):
    one = arm(server)
    ask(one, tmp_path, POSTS[:2])
    code = (
        "import sys, json\nfrom pathlib import Path\nfrom empathic import api, tables\n"
        "posts = tables.POSTS.frame(json.loads(sys.argv[1]))\n"
        "api.answer(posts, api.Arm(**json.loads(sys.argv[2])), Path(sys.argv[3]), 'run.1of1', print)\n"
    )
    server.plan.extend([fault(401, f"Incorrect API key provided: {KEY}.", "invalid_api_key")] * 9)
    arguments = [json.dumps(POSTS.to_dict("records")), json.dumps(vars(one)), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": ":".join(sys.path)} | ({"OPENAI_LOG": "debug"} if debug else {})

    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)

    assert (
        f"InputError: source 'gpt': {server.address}/v1 refused the key that OPENAI_API_KEY holds (401). Put a valid "
        "key into OPENAI_API_KEY and start the same command again; what was answered is kept." in done.stderr
    )
    assert ("HTTP Request" in done.stderr) == debug
    written = "".join(file.read_text() for file in tmp_path.rglob("*") if file.is_file())
    assert not [text for text in (done.stdout, done.stderr, written) if KEY in text or KEY[3:] in text]
    assert len(server.asked) == 2 + 1
    assert kept(one, tmp_path) == ["p0", "p1"]


def test_a_key_that_an_endpoint_repeats_in_a_fault_is_not_kept(server, tmp_path):
    server.plan.extend([answer(), *[fault(500, f"Cannot route\n  Bearer {KEY} " + "x" * 400)] * 3])
    one = arm(server, concurrency=1)

    made = ask(one, tmp_path)

    assert made[1]["error"].startswith("no answer, asked 3 times (500: Cannot route Bearer [the key] xxx")
    assert len(made[1]["error"]) < 350
    assert not [file for file in tmp_path.rglob("*.jsonl") if KEY in file.read_text()]


@pytest.mark.parametrize("content", ["two words", "caf\u00e9", "new\nline", "sk-\x07"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(server, tmp_path, monkeypatch, content):
    monkeypatch.setenv("OPENAI_API_KEY", content)

    message = refusal(arm(server), tmp_path)

    assert message == (
        "environment variable OPENAI_API_KEY: its content cannot be a key. Set it to the key alone, on one line."
    )
    assert server.asked == []


@pytest.mark.parametrize("content", [None, "", "  "])
def test_a_key_that_is_not_there_is_asked_for_by_its_variable(server, tmp_path, monkeypatch, content):
    monkeypatch.delenv("OPENAI_API_KEY")
    if content is not None:
        monkeypatch.setenv("OPENAI_API_KEY", content)

    assert refusal(arm(server), tmp_path) == (
        "environment variable OPENAI_API_KEY: it is not set, and a source of kind openai takes its key from there. "
        "Type `read -rs OPENAI_API_KEY && export OPENAI_API_KEY`, paste the key, and start the same command again."
    )


def test_an_endpoint_that_asks_for_a_key_where_the_config_says_none_is_told_of(server, tmp_path):
    server.plan.append(fault(401))

    assert refusal(arm(server, key_variable=None), tmp_path) == (
        f"source 'gpt': {server.address}/v1 asks for a key (401). Name the variable with the key: key_variable and "
        "start the same command again; what was answered is kept."
    )


def test_a_key_without_access_is_told_in_the_endpoint_s_words(server, tmp_path):
    server.plan.append(fault(403, "Project has no access to the model."))

    assert refusal(arm(server), tmp_path) == (
        f"source 'gpt': {server.address}/v1 denies access (403: Project has no access to the model.). Ask for access, "
        "then start again; what was answered is kept."
    )
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [402, 429])
def test_an_account_without_credit_stops_at_once(server, tmp_path, status):
    server.plan.append(fault(status, "You exceeded your quota.", "insufficient_quota"))

    assert refusal(arm(server), tmp_path) == (
        f"source 'gpt': the account at {server.address}/v1 has no credit left ({status}: You exceeded your quota.). "
        "Add some, then start again; what was answered is kept."
    )
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("retires_on", [None, "2999-01-01"])
def test_an_unknown_model_is_one_message(server, tmp_path, status, retires_on):
    server.plan.append(fault(status, "The model `gpt-x` does not exist."))

    assert refusal(arm(server, retires_on=retires_on), tmp_path) == (
        f"source 'gpt': {server.address}/v1 does not know the model 'gpt-x' ({status}: The model `gpt-x` does not "
        "exist.). Correct base_url and model of the source."
    )
    assert len(server.asked) == 1


def test_a_model_that_has_retired_is_said_to_have_and_what_can_stand_in_its_place(server, tmp_path):
    today = datetime.now().date().isoformat()
    server.plan.append(fault(404, "The model has been deprecated.", "model_not_found"))

    assert refusal(arm(server, retires_on=today), tmp_path) == (
        f"source 'gpt': {server.address}/v1 does not know the model 'gpt-x' (404: The model has been deprecated.); it "
        f"was announced to retire on {today}. Responses that it gave earlier, the paper's or another lab's, can take "
        "its place in this source: kind: archived. Another model is another source, and claims that name this one "
        "stay not testable."
    )


def test_an_unknown_deployment_at_azure_is_told_by_azure_s_settings(server, tmp_path, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    server.plan.append(fault(404, "No such deployment.", "DeploymentNotFound"))
    azure = {"endpoint": server.address, "deployment": "d", "api_version": "1"}

    assert refusal(arm(server, azure=azure), tmp_path).endswith(
        "(404: No such deployment.). Correct azure > endpoint and deployment of the source."
    )


# Answers outside the words asked for


TWO_TO_FOUR = {"words": [2, 4], "draws": 2}


def said(*words):
    """A reply of so many words, of 10 tokens to read and one a word to write."""
    return [
        answer("word " * n, usage={"prompt_tokens": 10, "completion_tokens": n, "total_tokens": 10 + n}) for n in words
    ]


def test_an_answer_outside_the_words_is_asked_for_again_by_a_seed_of_its_own_and_the_last_one_stands(server, tmp_path):
    server.plan.extend(said(2, 1, 4, 5, 0, 6))
    one = arm(server, concurrency=1, sampling={"seed": "derived"}, redraw=TWO_TO_FOUR)

    made = ask(one, tmp_path, POSTS[:3])

    assert [len(record["text"].split()) for record in made] == [2, 4, 6]
    assert [record["attempts"] for record in made] == [1, 2, 3]
    assert [[len(draft["text"].split()) for draft in record["redrawn"]] for record in made] == [[], [1], [5, 0]]
    assert made[2]["redrawn"][0] == {
        "text": "word word word word word",
        "finish_reason": "stop",
        "prompt_tokens": 10,
        "new_tokens": 5,
        "request_id": "req_1",
        "attempts": 1,
    }
    assert all(record["error"] is None and not record["try_again"] for record in made)
    seeds = [one["body"]["seed"] for one in server.asked]
    of_third = made[2]["seed"]
    assert seeds[3:] == [of_third, *(ids.seed(of_third, draw) % 2**31 for draw in (1, 2))] and len(set(seeds)) == 6
    assert [problems(records.gathered(record, "a post")) for record in made] == [[], [], []]
    assert ask(one, tmp_path, POSTS[:3]) == made and len(server.asked) == 6


def test_an_answer_that_a_filter_or_the_model_refused_is_not_asked_for_again(server, tmp_path):
    server.plan.extend([answer("It is", "content_filter"), answer(None, refusal="No."), *said(3)])

    made = ask(arm(server, concurrency=1, redraw={"words": [3, 3], "draws": 2}), tmp_path, POSTS[:3])

    assert len(server.asked) == 3 and [record["error"] is None for record in made] == [False, False, True]


def test_drafts_count_against_the_limit_on_spend_are_kept_and_gone_on_from(server, tmp_path):
    server.plan.extend(said(9, 1, 3))
    short = arm(server, concurrency=1, max_tokens_total=30, redraw=TWO_TO_FOUR)

    message = refusal(short, tmp_path, POSTS[:1])

    assert message.startswith("source 'gpt': 19 tokens are spent, and one more answer (up to 19 so far) could pass")
    assert f"To go on raise it, to {19 + 3 * 19} for all of them" in message
    assert refusal(short, tmp_path, POSTS[:1]) == message and len(server.asked) == 1
    long = arm(server, concurrency=1, max_tokens_total=49, redraw=TWO_TO_FOUR)
    (record,) = ask(long, tmp_path, POSTS[:1])
    assert [draft["new_tokens"] for draft in record["redrawn"]] == [9, 1] and record["new_tokens"] == 3
    assert len(server.asked) == 3 and record["attempts"] == 3
    # 19 + 11 + 13 = 43 are spent: none of another post is left.
    assert refusal(long, tmp_path).startswith("source 'gpt': 43 tokens are spent")


def test_a_draw_that_could_not_be_had_is_made_up_for_by_the_next_call(server, tmp_path):
    server.plan.extend([*said(1), *[fault(500, "Overloaded.")] * 3, *said(3, 1, 2)])
    one = arm(server, concurrency=1, redraw=TWO_TO_FOUR)

    first = ask(one, tmp_path, POSTS[:2])
    assert [record["error"] for record in first] == ["no answer, asked 3 times (500: Overloaded.)", None]
    assert first[0]["attempts"] == 4 and len(first[0]["redrawn"]) == 1

    second = ask(one, tmp_path, POSTS[:2])

    assert [draft["new_tokens"] for draft in second[0]["redrawn"]] == [1, 1] and second[0]["new_tokens"] == 2
    assert second[1] == first[1] and server.posts[5:] == ["post 0", "post 0"]


def test_after_a_kill_in_mid_draw_no_draft_is_asked_for_again(server, tmp_path):
    server.plan.extend(said(1, 1))
    server.takes_s = 0.4
    one = arm(server, concurrency=1, redraw=TWO_TO_FOUR)
    process = start(one, tmp_path)
    wait_until(lambda: len(server.asked) == 2)  # The first draft is on the disk.
    process.kill()
    process.wait()
    server.takes_s = 0
    time.sleep(0.5)
    server.plan.extend(said(1, 3))

    (record,) = ask(one, tmp_path, POSTS[:1])

    assert len(record["redrawn"]) == 2 and record["new_tokens"] == 3
    assert len(server.asked) == 4


# Limits


def test_at_the_limit_on_spend_it_stops_keeps_what_it_has_and_goes_on_when_it_is_raised(server, tmp_path):
    one = arm(server, max_tokens_total=150)  # an answer takes 42

    message = refusal(one, tmp_path)

    assert message == (
        "source 'gpt': 126 tokens are spent, and one more answer (up to 42 so far) could pass the limit, "
        "max_tokens_total: 150; 3 responses are missing, the others are kept. "
        "To go on raise it, to 252 for all of them, and start the same command again."
    )
    assert len(server.asked) == len(kept(one, tmp_path)) == 3
    assert refusal(one, tmp_path) == message and len(server.asked) == 3  # What was spent before counts.

    assert len(ask(arm(server, max_tokens_total=252), tmp_path)) == 6
    assert len(server.asked) == 6


def test_an_answer_dearer_than_those_before_is_the_last_where_it_reaches_the_limit(server, tmp_path):
    server.plan.extend([answer(), answer(usage={"prompt_tokens": 100, "completion_tokens": 60, "total_tokens": 160})])
    one = arm(server, max_tokens_total=300, concurrency=1)

    message = refusal(one, tmp_path)

    assert "202 tokens are spent, and one more answer (up to 160 so far)" in message
    assert len(server.asked) == 2


def test_a_limit_on_spend_is_refused_where_the_endpoint_counts_no_tokens(server, tmp_path):
    server.plan.extend([answer(usage=None)] * 6)
    one = arm(server, max_tokens_total=1000)

    assert refusal(one, tmp_path) == (
        "source 'gpt': the endpoint does not say how many tokens an answer took, so max_tokens_total cannot be kept. "
        "Take that limit out, and use one that the endpoint offers; what was answered is kept."
    )
    assert kept(one, tmp_path) == ["p0"]


@pytest.mark.parametrize("at_once", [1, 3])
def test_no_more_requests_are_under_way_than_allowed_and_the_first_goes_alone(server, tmp_path, at_once):
    server.takes_s = 0.2

    ask(arm(server, concurrency=at_once), tmp_path)

    assert server.most_at_once == at_once
    assert server.asked[1]["at"] - server.asked[0]["at"] >= 0.2


def test_requests_are_spaced_by_the_rate_and_retries_count(server, tmp_path):
    server.plan.extend([answer(), fault(500), fault(503)])

    ask(arm(server, requests_per_minute=600, concurrency=6), tmp_path)

    after = [one["at"] - server.asked[0]["at"] for one in server.asked]
    assert len(after) == 8
    assert all(passed > 0.1 * place - 0.1 for place, passed in enumerate(after))  # The first may arrive a little late.


# Cut short


def start(one, cache):
    """The same job in a process of its own."""
    code = (
        "import sys, json\nfrom pathlib import Path\nfrom empathic import api, tables\n"
        "posts = tables.POSTS.frame(json.loads(sys.argv[1]))\n"
        "api.answer(posts, api.Arm(**json.loads(sys.argv[2])), Path(sys.argv[3]), 'run.1of1', print)\n"
    )
    arguments = [json.dumps(POSTS.to_dict("records")), json.dumps(vars(one)), str(cache)]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_after_a_kill_only_what_is_missing_is_asked_for(server, tmp_path):
    server.takes_s = 0.3
    one = arm(server, concurrency=2)
    process = start(one, tmp_path)
    wait_until(lambda: len(server.asked) >= 4)
    process.kill()
    process.wait()
    there = kept(one, tmp_path)
    server.takes_s = 0
    time.sleep(0.4)  # What the killed one had sent is answered to nobody.
    before = len(server.asked)

    made = ask(one, tmp_path)

    assert 1 <= len(there) <= 4
    assert sorted(server.posts[before:]) == [f"post {n}" for n in range(6) if f"p{n}" not in there]
    assert [record["post_id"] for record in made] == list(POSTS["post_id"])


def test_ctrl_c_waits_for_the_answers_under_way_and_keeps_them(server, tmp_path):
    server.takes_s = 1.0
    one = arm(server, concurrency=3)
    process = start(one, tmp_path)
    wait_until(lambda: len(server.asked) == 4)  # the first alone, then three
    process.send_signal(signal.SIGINT)

    process.wait(timeout=30)

    assert process.returncode != 0
    assert len(kept(one, tmp_path)) == len(server.asked) < 6


def test_a_fault_that_stops_the_run_waits_for_the_answers_under_way_and_keeps_them(server, tmp_path):
    all_asked = partial(wait_until, lambda: len(server.asked) == 4)  # the first alone, then three
    last = partial(time.sleep, 1.5)
    server.plan.extend([answer(), held(all_asked, fault(403)), held(last, answer()), held(last, answer())])
    one = arm(server, concurrency=3)

    refusal(one, tmp_path)

    assert len(server.asked) == 4
    assert len(kept(one, tmp_path)) == 3


def test_an_arm_keeps_its_records_where_gathering_looks_for_them(server):
    assert arm(server, study="study1").records_in(Path("cache")) == Path("cache/records/study1/gpt")
