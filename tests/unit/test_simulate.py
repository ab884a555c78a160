"""Simulated raters, read back through the importer as any export would be."""

import csv
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from empathic import exports, instrument, pseudonyms, ratings, settings, simulate, survey_export, tables, truth
from empathic.errors import InputError

ROOT = Path(__file__).parents[2]
SURVEY = instrument.read(ROOT / "data" / "instrument.yaml", "empathy")
RULES = settings.Ratings().model_dump()["exclusions"]
NO_RULES = settings.Ratings(exclusions=[]).model_dump()["exclusions"]
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


def changed_rules(**changes):
    """The default rules with some of them changed; None: taken out."""
    changed = [rule | changes[rule["name"]] if changes.get(rule["name"]) else rule for rule in RULES]
    return [rule for rule in changed if changes.get(rule["name"], {}) is not None]


def export(planned, path):
    survey_export.write(planned, simulate.simulate(planned), path)
    return path


def described(file, form):
    """An export as a config describes it."""
    return settings.Export(file=file, format=form, origin="simulated", rights="none").model_dump(mode="json")


def merge(planned, path):
    export(planned, path)
    people = path.with_name("demographics.csv")
    survey_export.write_demographics(planned, simulate.simulate(planned), people)
    given = [described(path, "qualtrics"), described(people, "prolific")]
    read = exports.read_all(given, SURVEY, "empathy", planned.rules)
    asked = ratings.Asked(SURVEY, planned.sources, planned.rules, ["age", "sex", "student_status"], [18, 40])
    return ratings.merge(read, planned.responses, asked, private_key=lambda: "unused")


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
    planned = study1(careless=0.1, failed_checks=0.05, unfinished=0.2, hurried=0.05, revoked=0.03, doubled=0.1)
    simulation = simulate.simulate(planned)

    numbers = simulate.counts(simulation)
    merged = merge(planned, tmp_path / "export.csv")

    total = sum(numbers.values()) - numbers["doubled"]
    assert numbers == {
        "attentive": 192,
        "careless": round(0.1 * total),
        "failed_checks": round(0.05 * total),
        "unfinished": round(0.2 * total),
        "hurried": round(0.05 * total),
        "revoked": round(0.03 * total),
        "doubled": round(0.1 * total),
    }
    left = merged.flow.set_index("reason")["raters"]
    assert left["attention"] + left["straight_lining"] == numbers["careless"] + numbers["failed_checks"]
    assert left[["revoked_consent", "preview", "duplicate", "unfinished", "too_fast"]].tolist() == [
        numbers["revoked"],
        0,
        numbers["doubled"],
        numbers["unfinished"],
        numbers["hurried"],
    ]
    assert left.iloc[0] == total + numbers["doubled"]
    given = merged.flow.set_index("reason")["ratings"]
    assert 0 < given["unfinished"] < 15 * numbers["unfinished"], "they left before the end"
    assert given["too_fast"] == 15 * numbers["hurried"]
    assert merged.flow.set_index("reason").loc["straight_lining", "raters_any"] > 0, "some careless ones straight-line"


def test_kinds_that_no_rule_would_take_out_are_not_drawn():
    def kinds(**rules):
        return simulate.counts(simulate.simulate(study1(rules=changed_rules(**rules))))

    assert kinds(too_fast=None)["hurried"] == kinds(too_fast={"seconds": 0})["hurried"] == 0
    assert kinds(unfinished=None)["unfinished"] == 0
    assert kinds(attention=None, straight_lining=None)["careless"] == 0
    assert kinds(attention=None)["careless"] > 0 == kinds(attention=None)["failed_checks"]
    alone = simulate.counts(simulate.simulate(study1(rules=NO_RULES)))
    assert {kind for kind, number in alone.items() if number} == {"attentive", "revoked", "doubled"}


@pytest.mark.parametrize("keep", ["first", "last", "first_finished"])
def test_of_those_who_take_part_twice_the_rules_keep_the_submission_of_the_attentive_rater(keep, tmp_path):
    planned = study1(rules=changed_rules(duplicate={"keep": keep}), doubled=0.2)

    merged = merge(planned, tmp_path / "export.csv")

    people = [rater for rater in simulate.simulate(planned).raters if rater.kind != "doubled"]
    answers = {rater.platform_id: rater.ratings for rater in people}
    names = pseudonyms.pseudonyms(pd.Series(list(answers), dtype="string"), pseudonyms.PUBLIC_KEY)
    meant = dict(zip(names, answers.values(), strict=True))
    kept = merged.ratings.query("included").groupby("rater_id")["rating"].apply(list)
    assert len(kept) == 192 and all(kept[rater] == meant[rater] for rater in kept.index)
    assert merged.raters["rater_id"].str.endswith(".2").sum() == simulate.counts(simulate.simulate(planned))["doubled"]


def test_raters_may_be_too_fast_by_a_share_of_the_median(tmp_path):
    planned = study1(rules=changed_rules(too_fast={"seconds": None, "share_of_median": 0.3}), hurried=0.1)

    merged = merge(planned, tmp_path / "export.csv")

    left = merged.flow.set_index("reason")["raters"]
    assert left["too_fast"] == simulate.counts(simulate.simulate(planned))["hurried"] > 15 and left.iloc[-1] == 192


def test_careless_raters_whom_attention_checks_do_not_catch_straight_line(tmp_path):
    merged = merge(study1(rules=changed_rules(attention={"failed": 3})), tmp_path / "export.csv")

    left = merged.flow.set_index("reason")["raters"]
    assert left["attention"] == 0 and left["straight_lining"] == 6
    assert left.iloc[-1] == 192


def test_honest_raters_who_happen_to_straight_line_are_drawn_anew(tmp_path):
    planned = study1(rules=changed_rules(straight_lining={"at_least": 3}), posts_per_rater=1)

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
        "take_part": 215,
        "attentive": 192,
        "careless": 6,
        "failed_checks": 2,
        "unfinished": 9,
        "hurried": 4,
        "revoked": 2,
        "doubled": 4,
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
    assert table["PROLIFIC_PID"].str.fullmatch("[0-9a-f]{24}").all() and table["PROLIFIC_PID"].duplicated().sum() == 4
    assert table["ResponseId"].map(lambda key: bool(re.fullmatch(r"R_[a-zA-Z0-9]{15}", key))).all()
    unfinished = table[table["Finished"] == "0"]
    assert len(unfinished) == 9 and (unfinished["Progress"].astype(int) < 100).all()
    assert (table.loc[table["Finished"] == "1", "Progress"] == "100").all()
    times = pd.to_datetime(table["EndDate"]) - pd.to_datetime(table["StartDate"])
    assert times.dt.total_seconds().astype(int).tolist() == table["Duration (in seconds)"].astype(int).tolist()


def test_the_demographics_are_what_prolific_exports_a_row_a_participant(tmp_path):
    planned = study1(revoked=0.1, doubled=0.1)
    simulation = simulate.simulate(planned)
    path = tmp_path / "demographics.csv"

    survey_export.write_demographics(planned, simulation, path)

    table = pd.read_csv(path, dtype="string", keep_default_na=False)
    assert list(table)[:3] == ["Submission id", "Participant id", "Status"] and list(table)[-1] == "Employment status"
    assert len(list(table)) == 20
    assert set(table["Participant id"]) == {rater.platform_id for rater in simulation.raters}
    assert table["Participant id"].is_unique and table["Submission id"].is_unique
    gone = {rater.platform_id for rater in simulation.raters if rater.kind == "revoked"}
    assert set(table.loc[table["Age"] == "CONSENT_REVOKED", "Participant id"]) == gone and len(gone) > 15
    assert 0 < (table["Age"] == "DATA_EXPIRED").sum() < 40
    told = table.loc[~table["Age"].isin(["CONSENT_REVOKED", "DATA_EXPIRED"]), "Age"].astype(int)
    assert told.between(18, 79).all()


def test_simulated_raters_come_with_the_demographics_that_the_config_allows(tmp_path):
    merged = merge(study1(), tmp_path / "export.csv")

    assert list(merged.raters)[-3:] == ["age", "sex", "student_status"]
    assert set(merged.raters["age"].dropna()) == {"18-39", "40 or older"}
    assert set(merged.raters["sex"].dropna()) == {"Female", "Male"}
    assert 0 < merged.raters["age"].isna().sum() < 40, "data of some have expired"


def test_the_average_of_several_items_is_not_simulated():
    items = [{"name": name, "wording": "?", "scale": {"min": 1, "max": 7}} for name in ("warm", "kind")]
    survey = instrument.Instrument.model_validate(
        {"items": items, "scales": [{"name": "empathy", "items": ["warm", "kind"]}]}
    )

    with pytest.raises(InputError, match="'empathy' averages several items, and simulated raters answer one"):
        simulate.simulate(replace(study1(), survey=survey))
