"""Tokens a second against a plain `model.generate` loop: python bench/generation.py, from the root, weights fetched.

Both answer posts of Study 2 with SmolLM2-135M, by the settings of config.yaml, on the same cores, side by side in one
run: the package by one one-thread job a core, the loop one post at a time with all cores, a few posts before and a few
after. Counted are the tokens of the texts alone, prefill included in the time, loading in neither.
"""

import argparse
import logging
import multiprocessing
import os
import platform
import queue
import statistics
import sys
import time
from datetime import date
from pathlib import Path

import pandas as pd
import torch
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from transformers.utils.logging import disable_progress_bar

from empathic import generation, prompts, settings, weights

disable_progress_bar()

SOURCE = "smollm2_nf4"


def arm(quantization: str, batch_size: int | None) -> generation.Arm:
    """The default run's arm, in a precision, with weights that were fetched before."""
    config = settings.read(yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8")))
    source = config["sources"][SOURCE] | {"quantization": quantization}
    if batch_size:
        source["batch_size"] = batch_size
    manifest = weights.there_already(source["model"], config["models"][source["model"]], Path(config["cache"]))
    if not manifest:
        sys.exit("no weights in the cache: snakemake --cores 1 --until fetch_model")
    return generation.Arm("study2", SOURCE, source, manifest, prompts.read(source["prompt"]), config["seed"])


def so_many(posts: int) -> pd.DataFrame:
    """The first posts of Study 2, where there are not as many from the start again under other ids."""
    table = pd.read_csv("data/study2/posts.csv")
    times = -(-posts // len(table))
    return pd.concat([table] * times).head(posts).assign(post_id=[f"p{n}" for n in range(posts)])


def requests(of: generation.Arm, posts: int) -> list[generation.Request]:
    """So many posts of Study 2, as the arm is asked to answer them."""
    return generation.request_all(so_many(posts), of, generation.tokenizer_of(of.manifest))


def package(of: generation.Arm, posts: int, shard: tuple[int, int], start, out) -> None:
    """One job of the package: tokens, seconds, row-steps, seconds in prefills and in decoding steps."""
    torch.set_num_threads(1)
    share = generation.share(requests(of, posts), *shard)
    model = generation.load(of.manifest, of.source)
    tokenizer = generation.tokenizer_of(of.manifest)
    decoder = generation.decoder_of(of, model, tokenizer, of.source["batch_size"])
    spent, began = {"prefill_s": 0.0, "step_s": 0.0}, [0.0]

    def before(module, args, given):
        began[0] = time.perf_counter()

    def after(module, args, given, result):
        spent["prefill_s" if given["input_ids"].shape[1] > 1 else "step_s"] += time.perf_counter() - began[0]
        spent["steps"] = spent.get("steps", 0) + (given["input_ids"].shape[1] == 1)

    model.register_forward_pre_hook(before, with_kwargs=True)
    model.register_forward_hook(after, with_kwargs=True)
    start.wait()
    clock = time.perf_counter()
    tokens = sum(len(text.tokens) for text in decoder.answer([request.prompt for request in share]))
    out.put({"tokens": tokens, "seconds": time.perf_counter() - clock, **spent})


def loop(of: generation.Arm, posts: int, threads: int, start, out) -> None:
    """The plain loop: transformers loads and generates, one post at a time."""
    torch.set_num_threads(threads)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # As the package does: a line at each product.
    options = {}
    if of.source["quantization"] != "none":
        options["quantization_config"] = generation.quantization_of(of.source)
    model = generation.AutoModelForCausalLM.from_pretrained(
        of.manifest["folder"], dtype=torch.float32, **options
    ).eval()
    asked = requests(of, posts)
    start.wait()
    clock, tokens = time.perf_counter(), 0
    for request in asked:
        ids = torch.tensor([request.tokens])
        made = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=True, **of.source["sampling"])
        tokens += made.shape[1] - ids.shape[1]
    out.put({"tokens": tokens, "seconds": time.perf_counter() - clock})


def together(target, calls: list[tuple]) -> list[dict]:
    """Run processes that begin their timed part at once."""
    context = multiprocessing.get_context("spawn")
    start, out = context.Barrier(len(calls)), context.Queue()
    running = [context.Process(target=target, args=(*call, start, out)) for call in calls]
    for process in running:
        process.start()
    results = []
    while len(results) < len(running):
        try:
            results.append(out.get(timeout=2))
        except queue.Empty:
            if any(process.exitcode for process in running):
                for process in running:
                    process.kill()
                sys.exit("a process of the benchmark failed: see above")
    return results


def compare(quantization: str, posts: int, few: int, cores: int, batch_size: int | None) -> dict[str, float]:
    """One line of the table."""
    of = arm(quantization, batch_size)
    loops = [together(loop, [(of, few, cores)])[0]]
    ours = together(package, [(of, posts, (n + 1, cores)) for n in range(cores)])
    loops += [together(loop, [(of, few, cores)])[0]]
    seconds = max(job["seconds"] for job in ours)
    plain = [job["tokens"] / job["seconds"] for job in loops]
    return {
        "loop tokens/s": statistics.mean(plain),
        "ours tokens/s": sum(job["tokens"] for job in ours) / seconds,
        "ratio": sum(job["tokens"] for job in ours) / seconds / statistics.mean(plain),
        "row-steps/s": sum(job["steps"] for job in ours) * of.source["batch_size"] / seconds,
        "rows used": sum(job["tokens"] for job in ours) / sum(job["steps"] for job in ours) / of.source["batch_size"],
        "prefill": sum(job["prefill_s"] for job in ours) / sum(job["seconds"] for job in ours),
        "steps": sum(job["step_s"] for job in ours) / sum(job["seconds"] for job in ours),
        "seconds": seconds,
    }


def main() -> None:
    """Print the table."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--posts", type=int, default=120)
    given.add_argument("--few", type=int, default=6, help="posts of the loop, before and after")
    given.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    given.add_argument("--batch-size", type=int)
    given.add_argument("quantizations", nargs="*", default=["nf4", "int8", "none"])
    asked = given.parse_args()
    print(f"{date.today()}, {platform.machine()}, {asked.cores} cores, torch {torch.__version__}, {asked.posts} posts")
    for name in asked.quantizations:
        row = compare(name, asked.posts, asked.few, asked.cores, asked.batch_size)
        print(pd.DataFrame({name: row}).T.round(2).to_string(), flush=True)


if __name__ == "__main__":
    main()
