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


# Rated Good of 2,000; chi-squared against human over all, positive and negative emotions.
PUBLISHED = {
    "gpt4_empathy": (1295, 96.77, 64.10, 36.78),
    "llama2_empathy": (1219, 54.40, 38.40, 19.00),
    "mixtral_empathy": (1192, 42.36, 29.21, 15.15),
    "gemini_empathy": (1081, 8.85, 1.54, 8.02),
}


def counted(tests):
    """The numbers of PUBLISHED as a count_tests.csv, split by the posts' domain, has them."""
    found = tests.set_index([tests.part.fillna("all").str.lower(), "contrast"])
    return {
        source: (
            found.n_top_b[("all", f"human - {source}")],
            *(round(found.chi_squared[(part, f"human - {source}")], 2) for part in ("all", "positive", "negative")),
        )
        for source in PUBLISHED
    }
