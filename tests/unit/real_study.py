"""Where the data of Welivita and Pu (2024) lie, which the package does not ship (docs/ratings.md: how to get them)."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = (ROOT / "data" / "external" / "welivita2024", ROOT.parent / "shared" / "data" / "welivita2024")


def folder():
    """The folder of the real study; the test is skipped where there is none."""
    for place in PLACES:
        if place.is_dir():
            return place
    pytest.skip("the real study is not in data/external/welivita2024")
