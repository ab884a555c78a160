"""Simulated studies: what is drawn, what is true of it, and what becomes of it."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from made_up_ratings import declared
from test_settings import changed, mistakes

from empathic import models, planning, settings, tables
from empathic.claimfile import Claim
from empathic.errors import InputError
from empathic.settings import ORDINAL, Planning

NONE = {"rater": 0.0, "post": 0.0, "response": 0.0, "rater_source": 0.0, "residual": 0.0}
SDS = {"rater": 0.8, "post": 0.3, "response": 0.3, "rater_source": 0.4, "residual": 1.0}
SOURCES = ("human", "nf4", "fp32")


def plan(**changes):
    return planning.Plan(
        **{
            "raters": 300,
            "posts": 300,
            "posts_per_rater": 6,
            "domains": 3,
            "effects": dict.fromkeys(SOURCES, 0.0),
            "sds": SDS,
        }
        | changes
    )


def drawn(number=0, **changes):
    return planning.draw(plan(**changes), "empathy", planning.generator_of(1, number))


def said(**changes):
    return Planning(
        **{"seed": 1, "posts": [6], "posts_per_rater": 4, "domains": 2, "studies": 4} | changes
    ).model_dump()


def claim(name, test, **named):
    known = {"study": "study1", "statement": name, "certainty": "own", "family": "primary"}
    return Claim(id=name, test=test, **known | named)


@pytest.mark.parametrize(
    ("part", "grouping", "groups"),
    [
        ("rater", ["rater_id"], 300),
        ("post", ["post_id"], 300),
        ("response", ["post_id", "source"], 900),
        ("rater_source", ["rater_id", "source"], 900),
        ("residual", ["rater_id", "post_id", "source"], 5400),
    ],
)
def test_each_part_of_a_rating_has_its_sd_and_is_shared_by_all_of_its_group(part, grouping, groups):
    by_group = drawn(sds=NONE | {part: 0.5}).groupby(grouping).rating
    means = by_group.mean()

    assert by_group.nunique().max() == 1 and len(means) == groups == means.nunique()
    assert means.std() == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(2 * groups))
    assert abs(means.mean()) < 3 * 0.5 / np.sqrt(groups)


def test_each_rater_sees_whole_posts_spread_evenly_over_domains_and_posts():
    ratings = drawn(raters=30, posts=12)

    assert ratings.groupby("rater_id").size().eq(18).all() and not ratings.duplicated(["rater_id", "response_id"]).any()
    assert ratings.groupby(["rater_id", "domain"]).post_id.nunique().eq(2).all()
    assert ratings.groupby("response_id").size().between(14, 16).all()
    assert ratings.groupby("response_id")[["post_id", "source"]].nunique().eq(1).all(axis=None)
    tables.RATINGS._typed(ratings)


def test_effects_are_those_of_the_sources():
    ratings = drawn(sds=NONE, effects={"human": 0.0, "nf4": 0.25, "fp32": -1.0})
    assert ratings.groupby("source").rating.unique().map(list).to_dict() == {"human": [0], "nf4": [0.25], "fp32": [-1]}


def test_the_same_seed_gives_the_same_data_and_any_other_name_gives_others():
    first = drawn()
    pd.testing.assert_frame_equal(first, drawn())
    assert not np.intersect1d(first.rating, drawn(number=1).rating).size
    draws = {planning.generator_of(*parts).standard_normal() for parts in [(1, "s", 15), (1, "s", 16), (2, "s", 15)]}
    assert len(draws) == 3


def test_the_truth_of_answers_is_the_expected_rating():
    effects = {"human": 0.0, "nf4": 0.5, "fp32": -0.5}
    two = plan(effects=effects, thresholds=[0.0], sds=SDS | {"residual": 2.0})
    total = np.sqrt(0.64 + 0.09 + 0.09 + 0.16 + 4)
    assert two.total_sd == pytest.approx(total)
    assert two.difference("nf4", "human", "answers") == pytest.approx(NormalDist().cdf(0.5 / total) - 0.5)
    assert two.difference("nf4", "human", "latent") == 0.25
    assert two.difference("nf4", "human", "numbers") == 0.5

    cuts = {"effects": effects, "thresholds": settings.Effects().thresholds}
    ratings = pd.concat([drawn(number, **cuts) for number in range(6)])
    means = ratings.groupby("source").rating.mean()
    assert sorted(ratings.rating.unique()) == [1, 2, 3, 4, 5, 6, 7]
    for a, b in (("nf4", "human"), ("nf4", "fp32")):
        truth = plan(**cuts).difference(a, b, "answers")
        assert means[a] - means[b] == pytest.approx(truth, abs=0.05)
        assert truth != pytest.approx(plan(**cuts).difference(a, b, "latent"), abs=0.01)


def test_effects_are_the_smallest_by_which_all_claims_are_true():
    above = claim("above", "greater", pairs=[("nf4", "human"), ("fp32", "human")])
    alike = claim("alike", "equivalent", pairs=[("nf4", "fp32")])
    order = claim("order", "same order", tiers=[("fp32",), ("nf4",), ("human",)])
    differ = claim("differ", "any difference", sources=SOURCES)
    same = claim("same", "no interaction", sources=SOURCES)

    def effects(*claims):
        return list(planning.true_effects(claims, declared(), 0.25).values())

    assert effects(above, alike) == effects(alike, differ, above) == [0, 0.25, 0.25]
    assert effects(order) == effects(order, above, differ) == [0, 0.25, 0.5]
    assert effects(alike, same) == [0, 0, 0]
    assert effects(differ) == effects(differ, alike) == [0.25, 0, 0]
    with pytest.raises(InputError, match="the claims order, alike cannot all be true"):
        effects(order, alike)
    with pytest.raises(InputError, match="cannot all be true"):
        effects(above, claim("below", "greater", pairs=[("human", "nf4")]))
    with pytest.raises(InputError, match="cannot all be true"):
        effects(differ, alike, claim("all", "equivalent", pairs=[("human", "nf4")]))


def test_power_is_that_of_the_claims_that_could_be_tested():
    pairs = {"pairs": [("nf4", "human")]}
    others = [
        claim("elsewhere", "greater", study="study2", **pairs),
        claim("unsure", "greater", certainty="conflicting", **pairs),
        claim("absent", "greater", pairs=[("nf4", "mistral")]),
    ]
    mine = claim("mine", "greater", **pairs)
    assert planning.plannable({"a": [*others, mine], "b": others}, declared()) == {"a": [mine]}
    with pytest.raises(InputError, match=r"no claim is about the ratings of study1 and of its sources \(human"):
        planning.plannable({"a": others}, declared())


def test_what_claims_ask_of_a_model_is_what_the_whole_fit_says():
    ratings = drawn(raters=16, posts=6, posts_per_rater=4, domains=2)
    whole = models.fit(ratings, None, declared())
    # The notes of what became of the fit are for those who read a table alone.
    noted = ("contrasts", "interactions", "sets")
    whole = replace(whole, **{name: getattr(whole, name).drop(columns="fit_note") for name in noted})
    brief = models.brief(ratings, declared(), [SOURCES], within=True)

    pd.testing.assert_frame_equal(brief.contrasts, whole.contrasts)
    pd.testing.assert_frame_equal(brief.interactions, whole.interactions)
    every = whole.sets[whole.sets.sources == "human, nf4, fp32"].reset_index(drop=True)
    pd.testing.assert_frame_equal(brief.sets, every)
    assert brief.fit == {key: whole.fit[key] for key in brief.fit} and len(brief.fit) == 5
    less = models.brief(ratings, declared(), within=False)
    pd.testing.assert_frame_equal(less.contrasts, whole.contrasts[whole.contrasts["by"].isna()])
    assert less.interactions.empty and less.sets.empty


CLAIMS = {
    "a": [
        claim("above", "greater", pairs=[("nf4", "human")]),
        claim("alike", "equivalent", pairs=[("nf4", "fp32")]),
        claim("same", "no interaction", sources=SOURCES),
    ]
}


def test_the_probabilities_of_the_verdicts_on_a_claim_add_up_to_one(tmp_path):
    found = planning.power(CLAIMS, declared(), said(), (20, 6), print)

    assert found.groupby("claim_id").verdict.apply(list).map(tuple).unique().tolist() == [tables.VERDICTS]
    assert found.groupby("claim_id").n.sum().tolist() == [4, 4, 4] and set(found.studies) == {4}
    assert found.groupby("claim_id").probability.sum().tolist() == pytest.approx([1, 1, 1])
    assert (found.conf_low <= found.probability + 1e-12).all() and (found.probability <= found.conf_high + 1e-12).all()
    truths = found.drop_duplicates("claim_id").set_index("claim_id").true_difference
    assert truths["above"] == pytest.approx(0.2 * np.sqrt(1.98)) and truths["alike"] == 0
    # human lies below the others, in every domain alike: nothing interacts.
    assert truths["same"] == 0
    tables.POWER.write(found, tmp_path / "power.csv")


def test_a_verdict_is_the_one_that_its_data_call_for():
    clear = {"raters": 40, "posts": 12, "sds": NONE | {"residual": 0.3}}
    lenient = declared(sesoi=1.0, sesoi_interaction=1.0)

    ratings = drawn(effects={"human": 0.0, "nf4": 1.5, "fp32": 1.5}, **clear)
    assert planning.verdicts_of(ratings, lenient, CLAIMS) == dict.fromkeys(["above", "alike", "same"], "replicated")
    ratings = drawn(effects={"human": 1.5, "nf4": 0.0, "fp32": 1.5}, **clear)
    found = planning.verdicts_of(ratings, lenient, CLAIMS)
    assert found == {"above": "not replicated", "alike": "not replicated", "same": "replicated"}


def test_a_share_has_wilsons_interval():
    found = planning.share(8, 10)
    assert (found["n"], found["studies"], found["probability"]) == (8, 10, 0.8)
    # By hand: centre (p + z2/2n) / (1 + z2/n), half z sqrt(p q / n + z2 / 4n2) / (1 + z2/n), z = 1.959964.
    assert (found["conf_low"], found["conf_high"]) == (
        pytest.approx(0.490162, abs=1e-6),
        pytest.approx(0.943318, abs=1e-6),
    )


def test_bias_and_coverage_are_those_of_the_fits_that_converged():
    rows = pd.DataFrame({"estimate": [0.1, 0.3, 0.2, 0.6, np.nan], "conf_low": [0.0, 0.25, 0.1, 0.5, np.nan]})
    rows["conf_high"] = rows.conf_low + 0.2
    rows = rows.assign(kind="numbers", contrast="a - b", truth=0.2, std_error=0.05, data_set=range(5))
    rows["status"] = ["converged"] * 4 + ["R refuses"]
    row = planning.recovered(rows).iloc[0]
    assert (row.data_sets, row.failed, row.coverage) == (4, 1, 0.5)
    assert row.bias == pytest.approx(0.1) and row.sd_of_estimates == pytest.approx(np.sqrt(0.14 / 3))
    assert row.bias_mc_error == pytest.approx(np.sqrt(0.14 / 3) / 2)
    assert row.coverage_mc_error == pytest.approx(np.sqrt(0.0475 / 4)) and not row.within
    assert planning.recovered(rows.assign(conf_low=0.0, conf_high=1.0)).within.all()
    assert not planning.recovered(rows.assign(status="failed")).within.any()
    assert planning.recovered(rows).small_bias.isna().all()
    assert not planning.recovered(rows.assign(kind="latent")).small_bias[0]
    small = planning.recovered(rows.assign(kind="latent", truth=0.26))
    assert small.bias[0] == pytest.approx(0.04) and small.small_bias[0]


@pytest.mark.parametrize("kind", ["numbers", "answers"])
def test_the_deciding_model_recovers_what_was_put_in(kind, tmp_path):
    small = said(posts=[8], recovery={"raters": 24, "posts": 8})
    sets = planning.recovery_sets(kind, declared(), small, range(24), print)
    tables.RECOVERY_SETS.write(sets, tmp_path / "sets.csv")
    found = planning.recovered(tables.RECOVERY_SETS.read(tmp_path / "sets.csv"))
    tables.RECOVERY.write(found, tmp_path / "recovery.csv")

    assert found.within.all() and found.failed.sum() == 0 and found.data_sets.eq(24).all()
    truths = found.set_index("contrast").truth
    assert truths["human - fp32"] == pytest.approx(truths["human - nf4"] + truths["nf4 - fp32"])
    assert (truths["human - nf4"] == pytest.approx(-0.2 * np.sqrt(1.98))) == (kind == "numbers")
    wrong = planning.recovered(sets.assign(truth=sets.truth + 1))
    assert not wrong.within.any()


def test_an_ordinal_model_recovers_the_latent_effects_in_residual_sds(tmp_path):
    # Raters and residual alone, and a formula of these, which takes a second a fit; the residual SD is not 1.
    model = {"formula": "rating ~ source + (1 | rater_id)", "family": "ordinal", "link": "probit"}
    ordinal = declared(**model, df="asymptotic", reml=False)
    sds = NONE | {"rater": 1.0, "residual": 2.0}
    small = said(posts=[8], sds=sds, thresholds=[-2.0, 0.0, 2.0], recovery={"raters": 40, "posts": 8})
    sets = planning.recovery_sets("latent", ordinal, small, range(3), print)
    tables.RECOVERY_SETS.write(sets, tmp_path / "sets.csv")
    found = planning.recovered(tables.RECOVERY_SETS.read(tmp_path / "sets.csv")).set_index("contrast")

    # A source is a smallest effect size of interest, .2 of the total SD, above the one before it.
    step = 0.2 * np.sqrt(1 + 4) / 2
    assert found.truth.to_dict() == pytest.approx(
        {"human - nf4": -step, "human - fp32": -2 * step, "nf4 - fp32": -step}
    )
    assert set(sets.status) == {"converged"} and set(sets.df) == {np.inf} and len(sets) == 9
    assert (abs(sets.estimate - sets.truth) < 4 * sets.std_error).all() and sets.std_error.between(0.05, 0.3).all()
    for contrast, rows in sets.groupby("contrast"):
        row = found.loc[contrast]
        assert row.bias == pytest.approx(rows.estimate.mean() - row.truth)
        inside = [low <= row.truth <= high for low, high in zip(rows.conf_low, rows.conf_high, strict=True)]
        assert row.coverage == sum(inside) / 3 and row.data_sets == 3
        assert row.small_bias == (abs(row.bias) <= 0.05)
    # In units of the latent answer the truth would be twice as large: such estimates lie far from it.
    assert planning.recovered(sets.assign(truth=2 * sets.truth)).bias.abs().max() > found.bias.abs().max()


@pytest.mark.slow
def test_an_ordinal_fit_is_not_cut_short_by_the_optimizers_own_limit():
    # A data set of bench/recovery.py, with all random terms, that takes nlminb more than its own 150 iterations.
    model = {"formula": ORDINAL, "family": "ordinal", "link": "probit", "df": "asymptotic", "reml": False}
    ordinal = declared(**model, study="simulated", item="simulated", sources=("s1", "s2", "s3"))
    sets = planning.recovery_sets("latent", ordinal, Planning(seed=20240327).model_dump(), [97], print)
    assert set(sets.status) == {"converged"}


def test_data_sets_are_the_same_however_they_are_shared():
    small = said(recovery={"raters": 12, "posts": 6})
    together = planning.recovery_sets("numbers", declared(), small, [1, 2], print)
    alone = planning.recovery_sets("numbers", declared(), small, [2], print)
    pd.testing.assert_frame_equal(together[together.data_set == 2].reset_index(drop=True), alone)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"raters": [100, 100]}, "raters lists a number twice: [100, 100]"),
        ({"raters": []}, "raters: "),
        ({"posts": [4], "posts_per_rater": 5}, "posts: 4 are fewer than a rater sees (posts_per_rater: 5)"),
        ({"domains": 20, "posts": [60]}, "posts: 15 are fewer than there are domains (domains: 20)"),
        ({"thresholds": [1, 0]}, "thresholds must be rising numbers, not [1.0, 0.0]"),
        ({"studies": 0}, "studies: "),
        ({"sds": {"residual": 0}}, "sds > residual: "),
        ({"rater": [100]}, "rater: no such key; did you mean 'raters'?"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(given, problem):
    (mistake,) = mistakes(changed("studies", "s", "planning", to=given))
    assert mistake.startswith("config: studies > s > planning") and problem in mistake


def test_the_seed_is_the_runs_unless_the_study_has_its_own():
    study = settings.read(changed("studies", "s", "planning", to={"studies": 5}))["studies"]["s"]
    assert settings.planning(study, 7)["seed"] == 7
    assert settings.planning(study | {"planning": study["planning"] | {"seed": 0}}, 7)["seed"] == 0


def test_what_is_recovered_follows_from_the_models_of_the_study():
    numbers = {"deciding": {"family": "gaussian"}, "a": {"family": "binomial"}}
    ordinal = {"family": "ordinal"}
    both = {"numbers": "deciding", "answers": "deciding"}
    assert settings.recovered({"models": numbers}) == both
    assert settings.recovered({"models": numbers | {"b": ordinal, "c": ordinal}}) == both | {"latent": "b"}
    assert settings.recovered({"models": {"deciding": ordinal}}) == {"latent": "deciding"}
