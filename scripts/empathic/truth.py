"""What the ratings of simulated raters are expected to be: the truth that an estimate is held against."""

from itertools import combinations
from math import sqrt
from statistics import NormalDist
from typing import Any

import pandas as pd

from empathic.simulate import Design, Simulation, counts

DIGITS = 9  # Beyond these, the error function of one C library is not that of another.


def expected_rating(points: list[float], thresholds: list[float], mean: float, total_sd: float) -> float:
    """The mean answer to an ordinal item, in units of its scale, over all that the latent model draws.

    The latent answer is normal with this mean and SD, and the answer is points[k] between the k-th and the next
    threshold: E = points[0] + sum over k of (points[k + 1] - points[k]) * P(latent > threshold[k]).
    """
    normal = NormalDist()
    steps = zip(points[:-1], points[1:], thresholds, strict=True)
    return points[0] + sum((high - low) * normal.cdf((mean - cut) / total_sd) for low, high, cut in steps)


def describe(design: Design, simulation: Simulation) -> dict[str, Any]:
    """The content of SIMULATED_truth.json.

    `effects` as declared (latent scale, residual SD 1); `total_sd` of the latent answer; `expected`: the mean rating of
    each source over domains of equal weight (`source`), and within each domain (`domain`), in units of the item's
    scale, over all posts, responses and raters that could be drawn: what a linear model of the ratings estimates;
    `differences`: those of two sources, `a - b` in the config's order, `by` null over all domains; `raters`: how many
    of each kind take part, how many further submissions there are (`doubled`), and how many were drawn anew.
    """
    effects = design.effects
    spread = ("sd_rater", "sd_post", "sd_response", "sd_rater_source")
    total_sd = sqrt(1 + sum(effects[name] ** 2 for name in spread))
    means = _expected(design, total_sd)
    domains = [None, *dict.fromkeys(design.responses["domain"])]
    return {
        "origin": "simulated",
        "study": design.study,
        "seed": design.seed,
        "item": design.item,
        "scale": design.asked.scale.model_dump(),
        "effects": effects,
        "total_sd": round(total_sd, DIGITS),
        "expected": {
            "source": {source: round(means[source, None], DIGITS) for source in design.sources},
            "domain": {
                domain: {source: round(means[source, domain], DIGITS) for source in design.sources}
                for domain in domains[1:]
            },
        },
        "differences": [
            {"contrast": f"{a} - {b}", "by": domain, "difference": round(means[a, domain] - means[b, domain], DIGITS)}
            for domain in domains
            for a, b in combinations(design.sources, 2)
        ],
        "raters": {
            "take_part": len({rater.platform_id for rater in simulation.raters}),
            **counts(simulation),
            "redrawn": simulation.redrawn,
        },
    }


def _expected(design: Design, total_sd: float) -> dict[tuple[str, str | None], float]:
    effects, points = design.effects, design.asked.scale.points
    domains = list(pd.unique(design.responses["domain"]))
    means: dict[tuple[str, str | None], float] = {}
    for source in design.sources:
        for domain in domains:
            mean = effects["sources"].get(source, 0.0) + effects["domains"].get(domain, 0.0)
            means[source, domain] = expected_rating(points, effects["thresholds"], mean, total_sd)
        means[source, None] = sum(means[source, domain] for domain in domains) / len(domains)
    return means
