"""How many texts depend on `batch_size`: python bench/batch_sizes.py, from the root, weights fetched.

The same posts of Study 2 are answered with 8, 16 and 32 rows in each precision, one job a batch size, with the default
run's seeds and settings but 64 new tokens at most. Within one batch size nothing but the settings changes a text;
between two, quantized kernels may round otherwise. Printed is the share of texts that differ between each two sizes.
"""

import argparse
import itertools
import platform
from dataclasses import replace
from datetime import date

import generation as bench
import pandas as pd

SIZES = (8, 16, 32)


def job(quantization: str, posts: int, rows: int, start, out) -> None:
    """Answer the posts with so many rows. Puts the rows and the tokens of each text by its key."""
    bench.torch.set_num_threads(1)
    of = bench.arm(quantization, None)
    asked = [request.prompt for request in bench.requests(of, posts)]
    of = replace(of, source=of.source | {"sampling": of.source["sampling"] | {"max_new_tokens": 64}})
    model = bench.generation.load(of.manifest, of.source)
    decoder = bench.generation.decoder_of(of, model, bench.generation.tokenizer_of(of.manifest), rows)
    start.wait()
    out.put({"rows": rows, "texts": {text.prompt.seed: text.tokens for text in decoder.answer(asked)}})


def differing(quantization: str, posts: int) -> dict[str, float]:
    """Share of texts that differ, between each two sizes."""
    made = {}
    for rows in SIZES:
        (seen,) = bench.together(job, [(quantization, posts, rows)])
        made[rows] = seen["texts"]
    return {
        f"{few} and {many} rows": sum(made[few][key] != made[many][key] for key in made[few]) / posts
        for few, many in itertools.combinations(SIZES, 2)
    }


def main() -> None:
    """Print the table."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--posts", type=int, default=32)
    posts = given.parse_args().posts
    table = pd.DataFrame({name: differing(name, posts) for name in ("nf4", "int8", "none")}).T
    print(f"{date.today()}, {platform.machine()}, torch {bench.torch.__version__}, {posts} posts")
    print(table.map("{:.0%}".format).to_string())


if __name__ == "__main__":
    main()
