"""Which rater sees which responses."""

from collections import Counter

import numpy as np
import pandas as pd


def assign(
    responses: pd.DataFrame, raters: int, posts_per_rater: int, generator: np.random.Generator
) -> list[list[int]]:
    """Plan which responses each rater sees: whole posts, with one response of every source that answered them.

    A rater's posts are spread over the domains as evenly as they can be. Among the raters, the posts of a domain are
    used equally often (to within one), and where a domain has one post more than others in a rater's share, it is the
    domain whose posts were used least; of several samples of a source, the one used least. Ties fall at random.

    responses: post_id, domain, source, sample. Returns for each rater the row numbers of its responses.
    """
    rows = responses.reset_index(drop=True)
    domains = {name: list(dict.fromkeys(posts)) for name, posts in rows.groupby("domain", sort=False)["post_id"]}
    answers = {key: list(at) for key, at in rows.groupby(["post_id", "source"], sort=False).indices.items()}
    answered_by: dict[str, list[str]] = {}
    for post, source in answers:
        answered_by.setdefault(post, []).append(source)
    used: Counter = Counter()
    plan = []
    for _ in range(raters):
        posts = _choose_posts(domains, used, posts_per_rater, generator)
        seen = [
            _least_used(answers[post, source], used, 1, generator)[0] for post in posts for source in answered_by[post]
        ]
        used.update(posts)
        used.update(seen)
        plan.append([int(row) for row in seen])
    return plan


def _choose_posts(
    domains: dict[str, list[str]], used: Counter, number: int, generator: np.random.Generator
) -> list[str]:
    use = {domain: sum(used[post] for post in posts) / len(posts) for domain, posts in domains.items()}
    share: Counter = Counter()
    for _ in range(number):
        open_ones = [domain for domain, posts in domains.items() if share[domain] < len(posts)]
        share[min(open_ones, key=lambda domain: (share[domain], use[domain]))] += 1
    chosen = (_least_used(posts, used, share[domain], generator) for domain, posts in domains.items())
    return [post for posts in chosen for post in posts]


def _least_used(choices: list, used: Counter, number: int, generator: np.random.Generator) -> list:
    if len(choices) == number:
        return choices
    ties = generator.permutation(len(choices))
    order = sorted(range(len(choices)), key=lambda at: (used[choices[at]], ties[at]))
    return [choices[at] for at in order[:number]]
