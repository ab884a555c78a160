"""Simulated raters, read back through the importer as any export would be."""

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from empathic import exports, instrument, ratings, settings, simulate, survey_export, tables, truth
from empathic.errors import InputError

ROOT = Path(__file__).parents[2]
SURVEY = instrument.read(ROOT / "data" / "instrument.yaml", "empathy")
RULES = settings.Exclusions().model_dump()
NO_RULES = {"unfinished": False, "attention": None, "too_fast_s": None, "straight_lining": None}
NO_SDS = dict.fromkeys(("sd_rater", "sd_post", "sd_response", "sd_rater_source"), 0.0)


def texts(sizes, sources, text="a text"):
    """responses.csv of so many posts in each domain, answered by each source."""
    rows = []
    for domain, size in sizes.items():
        for number in range(size):
            for source in sources:
                post = f"{domain}{number:03d}"
                key = hashlib.sha256(f"{post} {source} {text}".encode()).hexdigest()[:16]
                rows.append(
                    {
                        "response_id": key,
                        "post_id": post,
                        "domain": domain,
                        "source": source,
                        "kind": "human",
                        "sample": 0,
                        "text": text,
                        "n_words": 2,
                        "origin": "observed",
                    }
                )
    return tables.RESPONSES.frame({"label": None, "writer_id": None} | row for row in rows)


def design(responses, *, rules=RULES, seed=1, effects=None, **asked):
    sources = sorted(set(responses["source"]), key=["human", "nf4", "fp32"].index)
    described = settings.Simulation(effects=effects or {}, **asked).model_dump()
    return simulate.Design("study1", seed, responses, sources, SURVEY, "empathy", described, rules)


def export(planned, path):
    survey_export.write(planned, simulate.simulate(planned), path)
    return path


def merge(planned, path):
    export(planned, path)
    described = {"file": str(path), "format": "qualtrics", "columns": {}, "origin": "simulated"}
    read = exports.read(described, SURVEY, "empathy", planned.rules)
    return ratings.merge(
        [read], planned.responses, sources=planned.sources, rules=planned.rules, private_key=lambda: "unused"
    )


def study1(**changed):
    posts = texts({"parenting": 5, "relationships": 5, "workplace": 5}, ["human", "nf4", "fp32"])
    return design(**{"responses": posts, "raters": 192, "posts_per_rater": 5} | changed)


def study2():
    domains = ["anger", "anxiety", "covid19_support", "parenting", "relationships", "workplace"]
    return design(texts(dict.fromkeys(domains, 20), ["nf4", "fp32"]), raters=202, posts_per_rater=6)


@pytest.mark.parametrize(("planned", "raters", "shown"), [(study1(), 192, 15), (study2(), 202, 12)])
def test_exactly_as_many_raters_remain_as_asked_each_with_all_that_it_was_shown(planned, raters, shown, tmp_path):
    merged = merge(planned, tmp_path / "export.csv")

    kept = merged.ratings.query("included")
    assert merged.flow.iloc[-1][["raters", "ratings"]].tolist() == [raters, raters * shown]
    assert (kept.groupby("rater_id").size() == shown).all()
    assert kept.groupby("response_id").size().agg(lambda used: used.max() - used.min()) <= 1
    assert kept["response_id"].nunique() == len(planned.responses)
    assert (kept.groupby("rater_id")["position"].apply(sorted).apply(lambda at: at == list(range(1, shown + 1)))).all()
    assert set(merged.ratings["origin"]) == {"simulated"}


def test_each_kind_of_rater_has_its_declared_share_of_all_and_its_own_rule_takes_it_out(tmp_path):
    planned = study1(careless=0.1, unfinished=0.2, hurried=0.05)
    simulation = simulate.simulate(planned)

    numbers = simulate.counts(simulation)
    merged = merge(planned, tmp_path / "export.csv")

    total = len(simulation.raters)
    assert numbers == {
        "attentive": 192,
        "careless": round(0.1 * total),
        "unfinished": round(0.2 * total),
        "hurried": round(0.05 * total),
    }
    left = merged.flow.set_index("reason")["raters"]
    assert left[["unfinished", "attention", "too_fast"]].tolist() == [
        numbers["unfinished"],
        numbers["careless"],
        numbers["hurried"],
    ]
    given = merged.flow.set_index("reason")["ratings"]
    assert 0 < given["unfinished"] < 15 * numbers["unfinished"], "they left before the end"
    assert given["too_fast"] == 15 * numbers["hurried"]
    assert merged.flow.set_index("reason").loc["straight_lining", "raters_any"] > 0, "some careless ones straight-line"


def test_kinds_that_no_rule_would_take_out_are_not_drawn():
    def kinds(**rules):
        return simulate.counts(simulate.simulate(study1(rules=RULES | rules)))

    assert kinds(too_fast_s=None)["hurried"] == kinds(too_fast_s=0)["hurried"] == 0
    assert kinds(unfinished=False)["unfinished"] == 0
    assert kinds(attention=None, straight_lining=None)["careless"] == 0
    assert kinds(attention=None)["careless"] > 0
    assert sum(kinds(**NO_RULES).values()) == 192


def test_careless_raters_whom_attention_checks_do_not_catch_straight_line(tmp_path):
    merged = merge(study1(rules=RULES | {"attention": {"failed": 3}}), tmp_path / "export.csv")

    left = merged.flow.set_index("reason")["raters"]
    assert left["attention"] == 0 and left["straight_lining"] == 8
    assert left.iloc[-1] == 192


def test_honest_raters_who_happen_to_straight_line_are_drawn_anew(tmp_path):
    planned = study1(rules=RULES | {"straight_lining": 3}, posts_per_rater=1)

    merged = merge(planned, tmp_path / "export.csv")

    assert truth.describe(planned, simulate.simulate(planned))["raters"]["redrawn"] > 0
    assert merged.flow.iloc[-1]["raters"] == 192


def test_effects_that_force_all_to_straight_line_stop():
    planned = study1(effects={"thresholds": [50, 51, 52, 53, 54, 55]}, raters=10)

    with pytest.raises(InputError) as error:
        simulate.simulate(planned)

    assert str(error.value) == (
        "config: studies > study1 > ratings > simulate: a rater meant to be attentive is excluded in each of 100 "
        "draws. Change the effects, or the rules under ratings > exclusions."
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"effects": {"thresholds": [0, 1, 2]}},
            " > effects > thresholds: [0.0, 1.0, 2.0] are not 6 rising numbers, one between each two of the 7 answers. "
            "Give so many, from low to high.",
        ),
        (
            {"effects": {"thresholds": [0, 1, 2, 2, 3, 4]}},
            " > effects > thresholds: [0.0, 1.0, 2.0, 2.0, 3.0, 4.0] are",
        ),
        (
            {"effects": {"domains": {"workplaces": 1}}},
            " > effects > domains: the posts have no domain 'workplaces'; did you mean 'workplace'?. "
            "Name some of: parenting, relationships, workplace.",
        ),
        ({"posts_per_rater": 16}, " > posts_per_rater: 16 is more than the 15 posts of the study. Give at most 15."),
    ],
)
def test_settings_that_do_not_fit_the_texts_or_the_instrument_stop(changed, expected):
    with pytest.raises(InputError) as error:
        simulate.simulate(study1(**changed))

    assert str(error.value).startswith(f"config: studies > study1 > ratings > simulate{expected}")


def test_the_export_is_the_same_byte_for_byte_in_whatever_order_the_responses_come(tmp_path):
    posts = study1().responses
    first = export(study1(), tmp_path / "1.csv").read_bytes()

    assert export(study1(responses=posts.iloc[::-1]), tmp_path / "2.csv").read_bytes() == first
    assert export(study1(seed=2), tmp_path / "3.csv").read_bytes() != first


def test_raters_answer_alike_where_the_texts_are_others(tmp_path):
    def answers(text):
        posts = texts({"parenting": 5, "workplace": 5}, ["human", "nf4"], text)
        merged = merge(study1(responses=posts), tmp_path / "export.csv")
        return merged.ratings.drop(columns="response_id").sort_values(["rater_id", "position"], ignore_index=True)

    pd.testing.assert_frame_equal(answers("a text"), answers("another text"))


def test_the_answers_have_the_shares_that_the_declared_model_gives_them():
    cuts = [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0]
    effects = {"thresholds": cuts, "sources": {"nf4": 0.7}, "domains": {"work": -0.4}, "sd_post": 0, "sd_response": 0}
    posts = texts({"family": 10, "work": 10}, ["human", "nf4"])
    planned = design(posts, raters=3000, posts_per_rater=2, effects=effects, rules=NO_RULES)

    given = answers_of(planned)

    # Independent of the package: drawn component by component.
    generator, n = np.random.default_rng(3), 400_000
    for (source, domain), part in given.groupby(["source", "domain"]):
        mean = 0.7 * (source == "nf4") - 0.4 * (domain == "work")
        latent = mean + generator.normal(0, 0.8, n) + generator.normal(0, 0.4, n) + generator.normal(0, 1, n)
        drawn = 1 + sum((latent > cut).astype(int) for cut in cuts)
        for answer in range(1, 8):
            expected = (drawn == answer).mean()
            # One rating a rater in each cell: independent draws.
            error = np.sqrt(expected * (1 - expected) / len(part))
            assert (part["rating"] == answer).mean() == pytest.approx(expected, abs=4 * error)


def test_the_truth_is_what_the_answers_come_to():
    effects = {"sources": {"nf4": 0.7}, "domains": {"work": -0.4}, "sd_post": 0, "sd_response": 0}
    posts = texts({"family": 10, "work": 10}, ["human", "nf4"])
    planned = design(posts, raters=3000, posts_per_rater=2, effects=effects, rules=NO_RULES)

    told = truth.describe(planned, simulate.simulate(planned))

    given = answers_of(planned)
    for source, expected in told["expected"]["source"].items():
        by_rater = given[given["source"] == source].groupby("rater")["rating"].mean()
        assert by_rater.mean() == pytest.approx(expected, abs=4 * by_rater.sem())
    wide = given.pivot_table(index="rater", columns=["source", "domain"], values="rating")
    differences = {(row["contrast"], row["by"]): row["difference"] for row in told["differences"]}
    assert list(differences) == [("human - nf4", None), ("human - nf4", "family"), ("human - nf4", "work")]
    for domain in ("family", "work"):
        seen = wide["human", domain] - wide["nf4", domain]
        assert seen.mean() == pytest.approx(differences["human - nf4", domain], abs=4 * seen.sem())
    by_domain = told["expected"]["domain"]
    assert differences["human - nf4", None] == pytest.approx(
        (
            by_domain["family"]["human"]
            + by_domain["work"]["human"]
            - by_domain["family"]["nf4"]
            - by_domain["work"]["nf4"]
        )
        / 2
    )


def test_the_truth_keeps_the_declared_effects_and_sums_their_variances():
    told = truth.describe(study1(), simulate.simulate(study1()))

    assert told["origin"] == "simulated"
    assert told["total_sd"] == pytest.approx(np.sqrt(1 + 0.64 + 0.09 + 0.09 + 0.16))
    assert told["effects"]["sd_rater"] == 0.8
    assert told["raters"] == {
        "take_part": 212,
        "attentive": 192,
        "careless": 8,
        "unfinished": 8,
        "hurried": 4,
        "redrawn": 0,
    }


@pytest.mark.parametrize(
    ("name", "same", "other"),
    [
        ("sd_rater", ("rater",), ("post_id",)),
        ("sd_post", ("post_id",), ("rater",)),
        ("sd_response", ("post_id", "source"), ("rater",)),
        ("sd_rater_source", ("rater", "source"), ("post_id",)),
    ],
)
def test_each_random_effect_is_shared_by_what_bears_its_name_and_by_nothing_else(name, same, other):
    """With one effect of SD 2 alone, the variance between those who share it is large, and elsewhere that of chance."""
    posts = texts({"all": 60}, ["human", "nf4"])
    effects = {"thresholds": [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], **NO_SDS, name: 2.0}
    given = answers_of(design(posts, raters=240, posts_per_rater=10, effects=effects, rules=NO_RULES))

    def share_between(groups):
        """Analysis of variance of one factor: the share of the variance that lies between its groups."""
        grouped = given.groupby(list(groups))["rating"]
        size = len(given) / grouped.ngroups
        between = size * grouped.mean().var()
        within = grouped.var().mean()
        return (between - within) / (between + (size - 1) * within)

    # Latent: 4 / (4 + 1) = .8; cut to seven answers it is a little less.
    assert share_between(same) > 0.65
    assert abs(share_between(other)) < 0.1
    if len(same) == 2:
        assert share_between(same[:1]) < 0.5, "those of one post or rater differ by source"


def answers_of(planned):
    """The answers of the simulated raters, one row each."""
    rows = [
        (rater.number, row, place, rating)
        for rater in simulate.simulate(planned).raters
        for place, (row, rating) in enumerate(zip(rater.shown, rater.ratings, strict=True), start=1)
    ]
    given = pd.DataFrame(rows, columns=["rater", "row", "place", "rating"])
    return given.join(planned.responses[["post_id", "domain", "source"]], on="row")


def test_the_order_of_a_raters_responses_is_random():
    planned = study1(rules=NO_RULES, raters=900)
    first = answers_of(planned).query("place == 1")

    counts = first["source"].value_counts()
    assert counts.between(300 - 60, 300 + 60).all(), "each source comes first in about a third of 900"
    assert first["post_id"].nunique() == 15


def test_the_export_looks_like_the_platforms(tmp_path):
    planned = study1()
    path = export(planned, tmp_path / "export.csv")

    assert path.read_bytes().startswith(
        b"\xef\xbb\xbfStartDate,EndDate,Status,IPAddress,Progress,Duration (in seconds)"
    )
    with open(path, encoding="utf-8-sig", newline="") as handle:
        names, wording, imported, *rows = csv.reader(handle)
    assert [json.loads(cell)["ImportId"] for cell in imported[:4]] == ["startDate", "endDate", "status", "ipAddress"]
    assert len({json.loads(cell)["ImportId"] for cell in imported}) == len(names) == 13 + 2 * 45
    response = planned.responses["response_id"][0]
    assert wording[names.index(f"R_{response}_empathy")] == SURVEY.item("empathy").wording
    table = pd.DataFrame(rows, columns=names)
    assert table["IPAddress"].str.fullmatch(r"192\.0\.2\.\d{1,3}").all(), "addresses kept for documentation"
    assert table["PROLIFIC_PID"].str.fullmatch("[0-9a-f]{24}").all() and table["PROLIFIC_PID"].is_unique
    assert table["ResponseId"].map(lambda key: bool(re.fullmatch(r"R_[a-zA-Z0-9]{15}", key))).all()
    unfinished = table[table["Finished"] == "0"]
    assert len(unfinished) == 8 and (unfinished["Progress"].astype(int) < 100).all()
    assert (table.loc[table["Finished"] == "1", "Progress"] == "100").all()
    times = pd.to_datetime(table["EndDate"]) - pd.to_datetime(table["StartDate"])
    assert times.dt.total_seconds().astype(int).tolist() == table["Duration (in seconds)"].astype(int).tolist()
