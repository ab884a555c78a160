"""A hundred kills of generation jobs, half of them in a write: python bench/kills.py, from the root.

The job is a tiny model's, of a second. Half of the kills come at random moments, so that they meet it anywhere: before
it holds the lock, in a decoding step. As these miss writes, which take a fraction of a millisecond, the other half come
when the file of records is seen to grow, by records of a megabyte. What must be 0 is 0, and some kill has met a write,
or the command fails.
"""

import platform
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests/unit"))

import killing
import torch
from transformers.utils import logging

KILLS = 100


def main() -> None:
    """Print what became of the campaign."""
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(f"{date.today()}, {platform.platform()}, torch {torch.__version__}")
    for when, in_writes in (("at random moments", False), ("while a record is written", True)):
        with tempfile.TemporaryDirectory() as folder:
            seen = killing.campaign(Path(folder), KILLS // 2, in_writes=in_writes)
        print(f"{when}: {asdict(seen)}", flush=True)
        if seen.differing or seen.lost or seen.twice:
            sys.exit("records were lost, made twice, or say something else")
    if not seen.half_lines:
        sys.exit("no kill met a write")


if __name__ == "__main__":
    main()
