"""A hundred kills of generation jobs at random moments: python bench/kills.py, from the root.

The job is a tiny model's, of a second, so that a kill may meet it anywhere: before it holds the lock, in a decoding
step, in the middle of a write. What must be 0 is 0 or the command fails.
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
    with tempfile.TemporaryDirectory() as folder:
        seen = killing.campaign(Path(folder), KILLS)
    print(f"{date.today()}, {platform.platform()}, torch {torch.__version__}: {asdict(seen)}")
    if seen.differing or seen.lost or seen.twice:
        sys.exit("records were lost, made twice, or say something else")


if __name__ == "__main__":
    main()
