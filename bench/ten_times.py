"""Ten times the posts, how much longer and larger: python bench/ten_times.py, from the root, weights fetched.

One job of the default run's NF4 arm answers some posts of Study 2, then ten times as many, then the few again, each in
a process of its own, with 64 new tokens at most. Timed is the answering, loading apart; the memory is the most that the
process ever held.
"""

import argparse
import platform
import resource
import statistics
import time
from dataclasses import replace
from datetime import date

import generation as bench


def job(posts: int, start, out) -> None:
    """Answer so many posts. Puts the texts' tokens, seconds, and the peak of memory in MB."""
    bench.torch.set_num_threads(1)
    of = bench.arm("nf4", None)
    of = replace(of, source=of.source | {"sampling": of.source["sampling"] | {"max_new_tokens": 64}})
    asked = [request.prompt for request in bench.requests(of, posts)]
    model = bench.generation.load(of.manifest, of.source)
    tokenizer = bench.generation.tokenizer_of(of.manifest)
    decoder = bench.generation.decoder_of(of, model, tokenizer, of.source["batch_size"])
    start.wait()
    clock = time.perf_counter()
    tokens = sum(len(text.tokens) for text in decoder.answer(asked))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.put({"tokens": tokens, "seconds": time.perf_counter() - clock, "peak_mb": peak})


def main() -> None:
    """Print both and their ratios."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--posts", type=int, default=24)
    posts = given.parse_args().posts
    before, many, after = (bench.together(job, [(n,)])[0] for n in (posts, 10 * posts, posts))
    few = statistics.mean([before["seconds"], after["seconds"]])
    print(f"{date.today()}, {platform.machine()}, one core, NF4")
    for name, seen in ((posts, before), (10 * posts, many), (posts, after)):
        print(f"{name} posts: {seen['seconds']:.0f} s, {seen['tokens']} tokens, at most {seen['peak_mb']:.0f} MB")
    print(f"time x {many['seconds'] / few:.2f}, memory x {many['peak_mb'] / after['peak_mb']:.3f}")


if __name__ == "__main__":
    main()
