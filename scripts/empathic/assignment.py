"""Which rater sees which responses: as planned for simulated raters, and as found in the ratings of any."""

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


def by_position(ratings: pd.DataFrame, sources: list[str]) -> pd.DataFrame:
    """Make tables.POSITIONS: how often each source stood in each place; nothing where no place is known.

    ratings: tables.RATINGS. A response that a rater rated on several items counts once.
    """
    seen = _seen(ratings[ratings["position"].notna()])
    table = _counted(seen, ["source", "position"]).reset_index()
    order = {source: place for place, source in enumerate(sources)}
    return table.sort_values(
        ["source", "position"], key=lambda keys: keys.map(order) if keys.name == "source" else keys
    )


def by_response(ratings: pd.DataFrame, responses: pd.DataFrame | None) -> pd.DataFrame:
    """Make tables.RATED: how many raters rated each response, those that nobody rated included.

    responses: tables.RESPONSES; None for a study without texts, which knows those alone that were rated.
    """
    names = ["response_id", "post_id", "domain", "source"]
    seen = _seen(ratings)
    known = (seen if responses is None else responses)[names].drop_duplicates("response_id")
    others = seen[names].drop_duplicates("response_id")
    known = pd.concat([known, others[~others["response_id"].isin(known["response_id"])]])
    counted = _counted(seen, ["response_id"])
    return known.join(counted, on="response_id").fillna({"entered": 0, "remaining": 0}).sort_values("response_id")


def by_rater(ratings: pd.DataFrame) -> pd.DataFrame:
    """Make tables.SEEN: how many responses of each source in each domain each rater rated."""
    return _counted(_seen(ratings), ["rater_id", "source", "domain"]).reset_index()


def _seen(ratings: pd.DataFrame) -> pd.DataFrame:
    """One row a rater and response."""
    return ratings.drop_duplicates(["rater_id", "response_id"])


def _counted(seen: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    grouped = seen.groupby(by, sort=True)["included"]
    return pd.DataFrame({"entered": grouped.size(), "remaining": grouped.sum()})
