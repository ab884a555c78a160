"""Ratings-only studies for tests, drawn here and not by the package's simulator; and plain R to check against."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

from empathic import tables
from empathic.declared import Declared
from empathic.settings import DECIDING

R = Path(__file__).parents[1] / "R"
ORDERINGS = {"natural": 0, "AMD": 2, "postordered": 6}


def ratings(
    *,
    raters=192,
    domains=("workplace", "parenting", "relationships"),
    posts_per_domain=5,
    sources=("human", "nf4", "fp32"),
    posts_per_rater=5,
    seed=1,
):
    """Rounded and cut normal ratings; every rater sees some posts with every source of each.

    domains: in the order of the posts, which is not the alphabet's.
    """
    draw = np.random.default_rng(seed)
    posts = len(domains) * posts_per_domain
    of_rater, of_post = draw.normal(0, 0.8, raters), draw.normal(0, 0.3, posts)
    of_response = draw.normal(0, 0.3, (posts, len(sources)))
    of_rater_source = draw.normal(0, 0.4, (raters, len(sources)))
    rows = []
    for rater in range(raters):
        for post in draw.choice(posts, posts_per_rater, replace=False):
            for number, source in enumerate(sources):
                latent = 4 + 0.6 * (number > 0) + of_rater[rater] + of_post[post] + of_response[post, number]
                latent += of_rater_source[rater, number] + draw.normal()
                rows.append(
                    row(
                        f"r{rater:03d}",
                        f"p{post:03d}",
                        domains[post % len(domains)],
                        source,
                        min(7, max(1, round(latent))),
                    )
                )
    return tables.RATINGS.frame(rows)


def row(rater, post, domain, source, rating, **more):
    """One included rating."""
    return {
        "rater_id": rater,
        "response_id": f"{post}{source}",
        "post_id": post,
        "domain": domain,
        "source": source,
        "item": "empathy",
        "rating": rating,
        "position": pd.NA,
        "included": True,
        "reason": pd.NA,
        "origin": "simulated",
    } | more


def declared(**changes):
    """The deciding model of a Study 1."""
    return Declared(
        **{
            "study": "study1",
            "model": "deciding",
            "file": "results/run/study1/ratings.csv",
            "formula": DECIDING,
            "reml": True,
            "replicated_domains": True,
            "sources": ["human", "nf4", "fp32"],
            "item": "empathy",
            "scale_range": 6.0,
            "sesoi": 0.2,
            "adjust": "holm",
        }
        | changes
    )


def plain_r(script, *arguments, ordering=None, found):
    """Run an R script until CHOLMOD orders the random effects as in the fit to compare with.

    With Debian 12's packages each start of R takes one of two orderings by chance, which moves late digits.
    found: reads the ordering that the script reports (None: of no concern).
    """
    steady = ["setarch", "--addr-no-randomize"]  # then every start takes the same one, where it is allowed
    if not shutil.which("setarch") or subprocess.run([*steady, "true"], capture_output=True).returncode:
        steady = []
    for _ in range(15):
        done = subprocess.run([*steady, "Rscript", str(script), *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        if ordering is None or found() == ordering:
            return done.stdout
    raise AssertionError(f"15 starts of R, none with the ordering {ordering}")
