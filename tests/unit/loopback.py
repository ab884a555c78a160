"""An endpoint of the tests' own, on the loopback device: it answers as it is told to, and keeps what it was asked."""

import contextlib
import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Loopback:
    """Answers each request by the next of `plan`, a function of the handler; where none is left, by an answer."""

    def __init__(self):
        self.asked = []  # path, headers, body and time of every request, in their order
        self.plan = deque()
        self.takes_s = 0.0
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()

    @property
    def posts(self):
        """What each request put to the model."""
        return [one["body"]["messages"][-1]["content"].removeprefix("Reply to: ") for one in self.asked]

    def _handler(loopback):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with loopback._lock:
                    one = {"path": self.path, "headers": self.headers, "body": body, "at": time.monotonic()}
                    loopback.asked.append(one)
                    loopback._at_once += 1
                    loopback.most_at_once = max(loopback.most_at_once, loopback._at_once)
                    reply = loopback.plan.popleft() if loopback.plan else answer()
                time.sleep(loopback.takes_s)
                with loopback._lock:
                    loopback._at_once -= 1
                with contextlib.suppress(ConnectionError):
                    reply(self)

            def log_message(self, *words):
                pass

        return Handler


def send(status, content, headers=None, kind="application/json"):
    """A reply with this status and content (a text, or what becomes JSON)."""

    def reply(handler):
        text = content if isinstance(content, str) else json.dumps(content)
        handler.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return reply


def completion(text="I am sorry to hear that.", finish_reason="stop", refusal=None, **changes):
    """The body of an answer, as OpenAI documents it."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-x-2026-01-01",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
        "usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42},
    } | changes


def answer(*given, **changes):
    """A reply that answers."""
    return send(200, completion(*given, **changes), {"x-request-id": "req_1"})


def fault(status, message="Something went wrong.", code=None, **headers):
    """A reply that refuses, as OpenAI documents it."""
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    return send(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def held(wait, reply):
    """The same reply, once `wait` returns."""

    def waited(handler):
        wait()
        reply(handler)

    return waited


def cut(handler):
    """A reply whose connection is lost in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "chatcmpl-1", "choi')
    handler.wfile.flush()
    handler.connection.close()
