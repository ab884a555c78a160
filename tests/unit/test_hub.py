"""The hub's own client against a hub on this machine, which has one small model and the ways in which a hub refuses."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tiny_model import save

from empathic import weights
from empathic.errors import InputError

COMMIT = "a" * 40
TOKEN = "hf_of_somebody_who_agreed"
MODEL = {
    "kind": "hub",
    "title": "Tiny",
    "licence": "MIT",
    "repository": "lab/tiny",
    "revision": COMMIT,
    "token_variable": "LAB_TOKEN",
    "note": "",
}


class Hub(BaseHTTPRequestHandler):
    """Answers what the client asks: what a commit holds, and each file; `asked` keeps the paths."""

    def log_message(self, *args):
        pass

    def refuse(self, status, code):
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def give(self, content, **headers):
        self.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def do_GET(self):
        hub = self.server
        hub.asked.append(self.path)
        if "/gone/" in self.path:
            return self.refuse(404, "RepoNotFound")
        if COMMIT not in self.path:
            return self.refuse(404, "RevisionNotFound")
        if self.path.startswith("/api/"):
            answer = json.dumps(hub.tree() if "/tree/" in self.path else {"id": "lab/tiny", "sha": COMMIT}).encode()
            return self.give(answer, **{"Content-Type": "application/json"})
        if hub.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.refuse(403, "GatedRepo")
        content = hub.files[self.path.rpartition(f"/resolve/{COMMIT}/")[2]]
        etag = hashlib.sha256(content).hexdigest()
        self.give(content, **{"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    do_HEAD = do_GET


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    save(folder)
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    twice = {"consolidated.safetensors": b"again", "original/model.safetensors": b"again"}
    return (
        files
        | twice
        | {"pytorch_model.bin": b"pickled", "modeling_tiny.py": b"raise SystemExit", "README.md": b"# Tiny"}
    )


def tree(files):
    return [
        {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
        for name, content in sorted(files.items())
    ]


@pytest.fixture
def hub(files, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.files, server.gated, server.asked = dict(files), False, []
    server.tree = lambda: tree(server.files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.delenv("LAB_TOKEN", raising=False)
    yield server
    server.shutdown()
    server.server_close()


def fetch(cache, **changes):
    return weights.fetch("tiny", MODEL | changes, cache, lambda line: None)


def refusal(cache, **changes):
    with pytest.raises(InputError) as error:
        fetch(cache, **changes)
    assert not list((cache / "models").glob("*"))
    return str(error.value)


def test_weights_and_tokenizer_come_from_the_commit_and_neither_pickles_nor_code(hub, files, tmp_path):
    manifest = fetch(tmp_path)

    kept = {"model.safetensors"} | {name for name in files if name.endswith((".json", ".jinja"))}
    assert set(manifest["files"]) == kept
    assert manifest["files"]["model.safetensors"]["sha256"] == hashlib.sha256(files["model.safetensors"]).hexdigest()
    assert weights.verify(manifest).is_dir()
    assert not [path for path in hub.asked if re.search("bin|[.]py|original|consolidated", path)]


def test_a_second_run_asks_the_hub_for_nothing(hub, tmp_path):
    first = fetch(tmp_path)
    hub.asked.clear()

    assert fetch(tmp_path) == first
    assert hub.asked == []


def test_a_gated_model_says_where_to_agree_and_which_variable_holds_the_token(hub, tmp_path, monkeypatch):
    hub.gated = True

    expected = (
        "model 'tiny': lab/tiny@aaaaaaaa is gated: its owner asks for an agreement. Accept the terms on "
        "https://huggingface.co/lab/tiny, and put a read token of the same account into the environment variable "
        "LAB_TOKEN ({}).".format
    )
    assert refusal(tmp_path) == expected("it is not set")
    monkeypatch.setenv("LAB_TOKEN", "hf_of_somebody_else")
    assert refusal(tmp_path) == expected("the token in it has no access yet")
    monkeypatch.setenv("LAB_TOKEN", TOKEN)
    assert fetch(tmp_path)["title"] == "Tiny"


def test_what_the_hub_does_not_have_is_named(hub, tmp_path):
    assert refusal(tmp_path, revision="b" * 40) == (
        f"model 'tiny': https://huggingface.co/lab/tiny has no commit {'b' * 40}. Correct revision."
    )
    assert refusal(tmp_path, repository="gone/tiny") == (
        "model 'tiny': the hub knows no gone/tiny, or shows it to nobody without a token. "
        "Correct repository, or put a token that may read it into the environment variable LAB_TOKEN."
    )


def test_weights_that_are_pickled_alone_are_refused(hub, tmp_path):
    del hub.files["model.safetensors"]

    assert refusal(tmp_path) == (
        "model 'tiny': lab/tiny@aaaaaaaa has no weights as safetensors. "
        "Take a commit that has, as weights that are pickled can run code."
    )


def test_without_a_network_the_message_says_that_this_step_alone_needs_one(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # Nothing listens there.

    message = refusal(tmp_path)

    assert message.startswith("model 'tiny': lab/tiny@aaaaaaaa could not be fetched (")
    assert "snakemake --cores 1 --until fetch_model" in message
