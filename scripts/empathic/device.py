"""The kind of device that a model runs on: as the config says, or as this machine has it.

The kind determines a text, so that a record names the one that was used, and `auto` never stands in one.
"""

import functools
import importlib.metadata
import os
import subprocess
from collections.abc import Mapping
from typing import Any

AUTO = "auto"


def settled(source: Mapping[str, Any]) -> dict[str, Any]:
    """A source's settings (settings.TransformersSource) with the device that it runs on here."""
    return {**source, "device": here() if source["device"] == AUTO else source["device"]}


@functools.cache
def here() -> str:
    """cuda where PyTorch is built for it and this process may use a GPU of this machine, else cpu.

    Neither PyTorch nor a GPU is touched, as this is asked whenever a run is planned.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return "cuda" if _built_for_it() and not hidden and _gpus() else "cpu"


def _built_for_it() -> bool:
    try:
        return not importlib.metadata.version("torch").endswith("+cpu")
    except importlib.metadata.PackageNotFoundError:
        return True  # It is in an environment of the job's own.


def _gpus() -> bool:
    """Whether the driver's own tool lists a GPU."""
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and listed.stdout.startswith("GPU ")
