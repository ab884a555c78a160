"""The benchmark that needs a GPU, where there is none."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def gpu(*words):
    return subprocess.run(
        [sys.executable, "bench/gpu.py", *words],
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_without_a_gpu_it_says_so_and_measures_nothing():
    assert gpu() == "No GPU that PyTorch can use is here, so nothing was measured.\n"


def test_a_tiny_model_writes_every_token_asked_for_whatever_the_rows():
    printed = gpu("--tiny", "--posts", "5", "--tokens", "8", "1", "4")
    lines = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \|", printed, re.M)

    assert lines == [("1", "5", "40"), ("4", "5", "40")]
