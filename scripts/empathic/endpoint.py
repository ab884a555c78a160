"""One answer of an OpenAI-compatible endpoint: asked for, asked for again where that may help, and what came of it.

The client's own retries are off: it gives up where the endpoint asks for more than two minutes' patience, sends its
retries past any limit on the rate, and does not say how often it asked.
"""

import email.utils
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import openai

from empathic.errors import InputError
from empathic.rule import Every

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
LONGEST_WORDS = 300  # characters of what an endpoint says of a fault; some send a page
FILTERED = {"content_filter", "content_policy_violation"}
UNKNOWN_MODEL = {"model_not_found", "DeploymentNotFound", "ModelDeprecated"}
NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
KEPT = "what was answered is kept"
EMPTY = "the model gave an empty answer"


class Stopped(Exception):
    """The job ends: a request that waits for its turn is not sent any more."""


class Pace:
    """When the next request may go: evenly spaced, and later where the endpoint asked all to wait."""

    def __init__(self, per_minute: int | None, stop: threading.Event) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._stop = stop
        self._next = 0.0
        self._lock = threading.Lock()

    def turn(self) -> None:
        """Wait for a turn. Raises Stopped."""
        while (left := self._take()) > 0:
            self.rest(left)
        self.rest(0)

    def hold(self, seconds: float) -> None:
        """Let nobody have a turn for so long."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def rest(self, seconds: float) -> None:
        """Wait so long. Raises Stopped."""
        if self._stop.wait(seconds):
            raise Stopped

    def _take(self) -> float:
        """Take a turn, or say how long there is none."""
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                return self._next - now
            self._next = now + self._gap
            return 0.0


class Endpoint:
    """An endpoint as a source describes it (settings.OpenAISource); its methods may be called from several threads."""

    def __init__(self, name: str, source: Mapping[str, Any], pace: Pace, say: Callable[[str], None]) -> None:
        """name: of the source. Raises InputError where the environment lacks the key, or has one that cannot be."""
        self._name, self._source, self._pace, self._say = name, source, pace, say
        self._key = _key(source["key_variable"])
        self._client = _client(source, self._key)
        self._due = Every()

    def ask(self, messages: Sequence[Mapping[str, str]], sampling: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for one answer.

        sampling: sent as it is.

        Returns what a record says of it. Where no answer can be had `error` says why, and `try_again` whether a later
        run should ask anew. Raises InputError for what every request would meet (a wrong key, an unknown model, an
        account without credit, a wait that is too long), and Stopped.
        """
        started = datetime.now(UTC).isoformat()
        attempt, outcome = 0, None
        while outcome is None:
            attempt += 1
            self._pace.turn()
            try:
                outcome = read_answer(
                    self._client.chat.completions.create(
                        model=_model(self._source), messages=list(messages), **sampling
                    )
                )
            except (openai.OpenAIError, ValueError) as error:
                self._refuse_for_all(error)
                outcome = self._without_answer(error, attempt)
        ended = datetime.now(UTC).isoformat()
        return {**outcome, "attempts": attempt, "started": started, "ended": ended}

    def _without_answer(self, error: Exception, attempt: int) -> dict[str, Any] | None:
        """What to record instead of an answer; None, after a wait, where another attempt may bring one."""
        words = self._words(error)
        status, code = _status(error), _code(error)
        if code in FILTERED:
            return no_answer(f"the endpoint's content filter refused the post ({words})", "content_filter", error)
        if code == "context_length_exceeded" or status == 413:
            return no_answer(f"the post is too long for the model ({words})", None, error)
        if not _may_pass(error) or attempt > self._source["retries"]:
            times = "once" if attempt == 1 else f"{attempt} times"
            return no_answer(f"no answer, asked {times} ({words})", None, error, try_again=True)
        self._wait(error, words, attempt)
        return None

    def _wait(self, error: Exception, words: str, attempt: int) -> None:
        asked = retry_after(_headers(error))
        if asked is not None and asked > self._source["longest_wait_s"]:
            raise InputError(
                f"source '{self._name}'",
                f"{_address(self._source)} asks to wait {asked:.0f} s ({words}), and longest_wait_s is "
                f"{self._source['longest_wait_s']:g}",
                f"Start the same command again after that time; {KEPT}",
            ) from None
        seconds = asked or backoff(attempt)
        if self._due:
            self._say(f"{self._name}: {words}; waiting {seconds:.0f} s")
        if asked is not None or _status(error) == 429:
            self._pace.hold(seconds)  # The limit is the account's: other requests would meet it, too.
        else:
            self._pace.rest(seconds)

    def _refuse_for_all(self, error: Exception) -> None:
        status, code = _status(error), _code(error)
        place, address, words = f"source '{self._name}'", _address(self._source), self._words(error)
        variable = self._source["key_variable"]
        if status == 401:
            # The endpoint's own words may repeat a part of the key.
            problem = f"refused the key that {variable} holds" if variable else "asks for a key"
            remedy = f"Put a valid key into {variable}" if variable else "Name the variable with the key: key_variable"
            raise InputError(
                place, f"{address} {problem} (401)", f"{remedy} and start the same command again; {KEPT}"
            ) from None
        if status == 403:
            raise InputError(
                place, f"{address} denies access ({words})", f"Ask for access, then start again; {KEPT}"
            ) from None
        if status in (404, 410) or code in UNKNOWN_MODEL:
            raise InputError(place, *self._unknown_model(address, words)) from None
        if code in NO_MONEY:
            raise InputError(
                place, f"the account at {address} has no credit left ({words})", f"Add some, then start again; {KEPT}"
            ) from None

    def _unknown_model(self, address: str, words: str) -> tuple[str, str]:
        model, retires_on = self._source["model"], self._source["retires_on"]
        problem = f"{address} does not know the model '{model}' ({words})"
        if retires_on and date.fromisoformat(retires_on) <= date.today():
            return f"{problem}; it was announced to retire on {retires_on}", (
                "Responses that it gave earlier, the paper's or another lab's, can take its place in this source: "
                "kind: archived. Another model is another source, and claims that name this one stay not testable"
            )
        names = "azure > endpoint and deployment" if self._source["azure"] else "base_url and model"
        return problem, f"Correct {names} of the source"

    def _words(self, error: Exception) -> str:
        """What went wrong, on one line, without the key."""
        if isinstance(error, openai.APITimeoutError):
            return f"no answer within {self._source['timeout_s']:g} s"
        if isinstance(error, openai.APIStatusError):
            told = error.body.get("message") if isinstance(error.body, dict) else error.response.text
            words = f"{error.status_code}: {told}" if told else f"{error.status_code}"
        elif isinstance(error, openai.APIConnectionError):
            words = f"connection lost: {error.__cause__ or error}"
        else:
            words = f"an answer that is no chat completion: {error}"
        if self._key:
            words = words.replace(self._key, "[the key]")
        words = " ".join(_sound(words).split())
        return words if len(words) <= LONGEST_WORDS else words[:LONGEST_WORDS] + " ..."


def read_answer(completion: Any) -> dict[str, Any]:
    """What a record says of a chat completion, None for what an endpoint leaves out. Raises ValueError for no text."""
    try:
        choice = completion.choices[0]
        raw = choice.message.content or ""
        raw.encode()  # Half a surrogate pair is no text.
    except (AttributeError, IndexError, TypeError):
        raise ValueError(f"{str(completion)[:100]!r}") from None
    cleaned, error = raw.strip(), None
    finish_reason, usage = _word(choice, "finish_reason"), getattr(completion, "usage", None)
    refusal = getattr(choice.message, "refusal", None)
    if finish_reason == "content_filter":
        error = "the endpoint's content filter removed the answer, or a part of it"
    elif not cleaned:
        error = f"the model declined: {_sound(str(refusal))}" if refusal else EMPTY
    return {
        "text": cleaned,
        "raw_text": raw if raw != cleaned else None,
        "finish_reason": finish_reason,
        "error": error,
        "try_again": False,
        "prompt_tokens": _number(usage, "prompt_tokens"),
        "new_tokens": _number(usage, "completion_tokens"),
        "model_returned": _word(completion, "model"),
        "system_fingerprint": _word(completion, "system_fingerprint"),
        "request_id": _word(completion, "_request_id") or _word(completion, "id"),
    }


def _word(thing: Any, name: str) -> str | None:
    """A text that an endpoint says; None where it says nothing, or something else: the client checks no types."""
    said = getattr(thing, name, None)
    return _sound(said) if isinstance(said, str) else None


def _sound(words: str) -> str:
    """Without halves of surrogate pairs, which JSON may hold and no file can."""
    return words.encode(errors="replace").decode()


def _number(thing: Any, name: str) -> int | None:
    """A count that an endpoint says; likewise."""
    said = getattr(thing, name, None)
    return said if type(said) is int and said >= 0 else None


def no_answer(words: str, finish_reason: str | None, error: Exception, *, try_again: bool = False) -> dict[str, Any]:
    """What a record says where there is no answer, for an error of the client."""
    return {
        "text": "",
        "raw_text": None,
        "finish_reason": finish_reason,
        "error": words,
        "try_again": try_again,
        "prompt_tokens": None,
        "new_tokens": None,
        "model_returned": None,
        "system_fingerprint": None,
        "request_id": getattr(error, "request_id", None),
    }


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an endpoint asks to wait: Retry-After in seconds or as a date, or Azure's retry-after-ms.

    None where it says nothing that can be read (RFC 9110, 10.2.3).
    """
    for name, in_a_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / in_a_second
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError):
        return None


def backoff(attempt: int) -> float:
    """Seconds to wait after an attempt (from 1) where the endpoint names no time: doubled, up to a minute, less up to
    a quarter by chance, so that several requests do not come back at once."""
    return min(FIRST_BACKOFF_S * 2 ** (attempt - 1), LONGEST_BACKOFF_S) * (1 - random.random() / 4)


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may go better."""
    if not isinstance(error, openai.APIStatusError):
        return True
    told = error.response.headers.get("x-should-retry")
    if told in ("true", "false"):
        return told == "true"
    return error.status_code in (408, 409, 429) or error.status_code >= 500


def _status(error: Exception) -> int | None:
    return error.status_code if isinstance(error, openai.APIStatusError) else None


def _code(error: Exception) -> str:
    """The endpoint's own code of what went wrong; endpoints differ in what they put there."""
    return str(getattr(error, "code", ""))


def _headers(error: Exception) -> Mapping[str, str]:
    return error.response.headers if isinstance(error, openai.APIStatusError) else {}


def _key(variable: str | None) -> str | None:
    """The key that a variable holds; None where the endpoint asks for none."""
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise InputError(
            f"environment variable {variable}",
            "it is not set, and a source of kind openai takes its key from there",
            f"Type `read -rs {variable} && export {variable}`, paste the key, and start the same command again",
        )
    # The client would raise an error that shows the whole key.
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise InputError(
            f"environment variable {variable}", "its content cannot be a key", "Set it to the key alone, on one line"
        )
    return key


def _client(source: Mapping[str, Any], key: str | None) -> openai.OpenAI:
    # All is given, so that the client's own variables for addresses and versions count for nothing.
    options: dict[str, Any] = {"api_key": key or "none", "timeout": source["timeout_s"], "max_retries": 0}
    azure = source["azure"]
    if azure:
        return openai.AzureOpenAI(
            azure_endpoint=azure["endpoint"],
            azure_deployment=azure["deployment"],
            api_version=azure["api_version"],
            **options,
        )
    return openai.OpenAI(base_url=source["base_url"], **options)


def _model(source: Mapping[str, Any]) -> str:
    """What a request calls the model."""
    return source["azure"]["deployment"] if source["azure"] else source["model"]


def _address(source: Mapping[str, Any]) -> str:
    return source["azure"]["endpoint"] if source["azure"] else source["base_url"]
