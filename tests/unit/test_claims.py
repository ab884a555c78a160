import math
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
import yaml
from scipy import stats

from empathic import claimfile, claims, contrasts, settings, tables
from empathic.claims import Fit, Study
from empathic.errors import InputError
from empathic.files import write_json

ROOT = Path(__file__).parents[2]
ARMS = ["human", "gpt4_turbo", "llama2", "mistral"]
OBSERVED = dict.fromkeys([*ARMS, "a", "b", "c"], "observed")


def claim(**keys):
    """A claim, `greater` between a and b where nothing else is asked for."""
    given = {"id": "c", "study": "study1", "statement": "It is so.", "certainty": "summary", "family": "primary"}
    given |= {"test": "greater", "pairs": [["a", "b"]]} | keys
    return claimfile.Claim(**{key: value for key, value in given.items() if value is not None})


def fit(estimates, std_error=0.1, df=42.0, *, sesoi=0.25, **changed):
    """A model's contrasts over all domains, from the estimate of each, given as {"a - b": .5}."""
    table = pd.DataFrame({"contrast": list(estimates), "by": pd.NA, "estimate": list(estimates.values())})
    table = table.astype({"by": "string"}).assign(std_error=std_error, df=df)
    table = contrasts.compared(table, model="m", adjust="holm", sesoi=sesoi, sigma_total=1, scale_range=6)
    facts = {"converged": True, "dropped_rows": 0, "singular": False, "sesoi": sesoi} | changed
    return Fit(**facts, contrasts=table.set_index("contrast"))


def study(
    estimates=None,
    *,
    ratings="observed",
    responses=OBSERVED,
    sources=("a", "b", "c"),
    texts=None,
    style=None,
    **changed,
):
    fits = {"deciding": fit(estimates or {"a - b": 0.5}, **changed)} if ratings else {}
    return Study(list(sources), ratings, responses, fits, responses if texts is None else texts, style)


def styled(rows, std_error=0.1, sd=1.25):
    """Differences of style from {feature: {contrast: (estimate, p)}}; a fifth of the SD, delta, is .25."""
    found = [
        {"feature": feature, "contrast": contrast, "estimate": estimate, "std_error": std_error, "p_value": p, "sd": sd}
        | {"conf_low": estimate - 0.2, "conf_high": estimate + 0.3}
        for feature, own in rows.items()
        for contrast, (estimate, p) in own.items()
    ]
    return pd.DataFrame(found).set_index(["feature", "contrast"])


def decide(*asked, **studies):
    decided, _, _ = claims.decide({"f.yaml": asked}, studies or {"study1": study()})
    return decided.set_index("claim_id")


def test_a_claim_on_observed_data_gets_its_verdict_with_the_numbers_that_decided():
    row = decide(claim(reported={"estimate": 0.4, "low": 0.1, "high": 0.7, "scale": "1-7", "page": 66})).loc["c"]

    assert row.verdict == "replicated"
    assert pd.isna(row.demo_verdict)
    assert row.model == "deciding"
    assert row.origin == "observed"
    assert f"{row.p_for:.6f} {row.p_against:.6f}" == "0.000011 0.991795"
    assert (row.p_adjusted, row.p_against_adjusted) == (row.p_for, row.p_against)
    assert (row.estimate, row.conf_low) == (0.5, pytest.approx(0.5 - 0.1 * stats.t.ppf(0.975, 42)))
    assert (row.reported, row.reported_low, row.reported_high) == (0.4, 0.1, 0.7)
    assert (row.reported_scale, row.reported_page) == ("1-7", "66")
    assert row.why.startswith("a - b decided, with a difference of 0.500 (p for < .001, adjusted < .001); ")
    assert row.file == "f.yaml"


def test_a_contrast_stored_the_other_way_round_is_turned_with_its_interval():
    there = decide(claim(), study1=study({"a - b": 0.3})).loc["c"]
    back = decide(claim(), study1=study({"b - a": -0.3})).loc["c"]

    assert back.drop("why").equals(there.drop("why"))
    assert back.why == there.why
    lower_first = decide(claim(pairs=[["b", "a"]]), study1=study({"a - b": 0.3})).loc["c"]
    assert (lower_first.estimate, lower_first.p_for) == (-0.3, 1.0)
    assert lower_first.conf_low == pytest.approx(-there.conf_high)
    assert lower_first.verdict == "not replicated"


def test_an_equivalence_shows_the_90_percent_interval_and_what_no_significant_difference_would_have_said():
    row = decide(claim(test="equivalent"), study1=study({"b - a": -0.02})).loc["c"]

    half = 0.1 * stats.t.ppf(0.95, 42)
    assert row.verdict == "replicated"
    assert (row.conf_low, row.conf_high) == (pytest.approx(0.02 - half), pytest.approx(0.02 + half))
    assert row.why == (
        "a - b decided, with a difference of 0.020 (p for = .013, adjusted = .013); by the paper's own criterion "
        "of no significant difference, which decides nothing here, the claim would have held"
    )


def test_a_difference_that_is_significant_and_small_is_said_to_be_both():
    greater = decide(claim(), study1=study({"a - b": 0.1}, std_error=0.03)).loc["c"]
    alike = decide(claim(test="equivalent", certainty="own"), study1=study({"a - b": -0.1}, std_error=0.03)).loc["c"]

    assert greater.verdict == alike.verdict == "replicated"
    both = "is significant and smaller than the smallest effect size of interest"
    assert greater.why == (
        f"a - b decided, with a difference of 0.100 (p for = .002, adjusted = .002); a - b {both} (0.100, 0.250); "
        "both adjusted p, for and against, are small"
    )
    assert alike.why == (
        f"a - b decided, with a difference of -0.100 (p for < .001, adjusted < .001); a - b {both} (-0.100, 0.250); "
        "both adjusted p, for and against, are small; by the criterion of no significant difference, which decides "
        "nothing here, the claim would not have held"
    )


def test_the_component_that_decided_gives_estimate_and_reason():
    three = claim(pairs=[["a", "b"], ["a", "c"], ["b", "c"]])
    row = decide(three, study1=study({"a - b": 0.5, "a - c": 0.4, "b - c": -0.01})).loc["c"]

    assert row.verdict == "not replicated"
    assert f"{row.p_against:.6f}" == "0.019218"
    assert row.estimate == -0.01
    assert row.why == "b - c decided, with a difference of -0.010 (p against = .006, adjusted = .019)"


def test_a_singular_fit_keeps_its_verdict_and_is_flagged():
    row = decide(claim(), study1=study(singular=True)).loc["c"]

    assert row.verdict == "replicated"
    assert row.why.endswith("; the fit is singular")


def test_infinite_degrees_of_freedom_are_the_normal_distribution():
    row = decide(claim(), study1=study({"a - b": 0.196}, df=math.inf)).loc["c"]

    assert f"{row.p_for:.6f} {row.p_against:.6f} {row.verdict}" == "0.049996 0.294599 replicated"


@pytest.mark.parametrize(
    ("changed", "origins", "reasons"),
    [
        ({}, {"ratings": "simulated"}, "the ratings are simulated"),
        ({}, {"ratings": "stand_in"}, "the ratings are stand-ins, written for the package"),
        ({}, {"responses": OBSERVED | {"b": "stand_in"}}, "the responses of b are stand-ins, written for the package"),
        (
            {},
            {"ratings": "simulated", "responses": OBSERVED | {"a": "stand_in", "b": "stand_in", "c": "simulated"}},
            "the ratings are simulated; the responses of a and b are stand-ins, written for the package",
        ),
    ],
)
def test_what_nobody_observed_is_not_testable_and_has_a_demo_verdict_in_its_own_words(changed, origins, reasons):
    row = decide(claim(**changed), study1=study(**origins)).loc["c"]

    assert row.verdict == "not testable"
    assert row.demo_verdict == "recovered"
    assert (
        row.why
        == f"{reasons}; as a demonstration: a - b decided, with a difference of 0.500 (p for < .001, adjusted < .001)"
    )
    assert row.origin == ("simulated" if origins.get("ratings") == "simulated" else "stand_in")
    assert f"{row.p_for:.6f} {row.p_against:.6f}" == "0.000011 0.991795"


@pytest.mark.parametrize(("estimate", "word"), [(0.5, "recovered"), (0.1, "inconclusive"), (-0.5, "not recovered")])
def test_each_word_of_a_demonstration(estimate, word):
    assert decide(claim(), study1=study({"a - b": estimate}, ratings="simulated")).demo_verdict["c"] == word


@pytest.mark.parametrize(
    ("asked", "facts", "why"),
    [
        ({"study": "study9"}, {}, "study9 is not among this run's rated studies"),
        (
            {"pairs": [["gpt4_turbo", "b"]]},
            {},
            "gpt4_turbo is not in study1 of this run (a substitute never stands for the named one)",
        ),
        (
            {"pairs": [["gpt4_turbo", "human"], ["llama2", "a"]]},
            {},
            "gpt4_turbo, human and llama2 are not in study1 of this run (a substitute never stands for the named one)",
        ),
        ({"certainty": "conflicting"}, {}, "what the paper says of it is conflicting"),
        ({"certainty": "unknown"}, {}, "what the paper says of it is unknown"),
        ({}, {"converged": False}, "the fit of the model 'deciding' did not converge"),
        ({}, {"dropped_rows": 3}, "the model 'deciding' left out ratings (3)"),
        ({"pairs": [["a", "c"]]}, {}, "the model 'deciding' has no contrast of a and c"),
        (
            {"test": "equivalent"},
            {"estimates": {"a - b": 0.0}, "std_error": 0.0},
            "a - b has no p value (estimate and standard error allow none)",
        ),
        (
            {"test": "no interaction", "pairs": None, "sources": ["a", "b"]},
            {},
            "the model 'deciding' has no contrasts within domains",
        ),
        (
            {"test": "any difference", "pairs": None, "sources": ["a", "b"]},
            {},
            "the model 'deciding' has no omnibus test of source over a and b",
        ),
        (
            {"test": "same order", "pairs": None, "tiers": [["a"], ["mistral"]], "certainty": "conflicting"},
            {},
            "mistral is not in study1 of this run (a substitute never stands for the named one); what the paper says "
            "of it is conflicting",
        ),
        (
            {
                "test": "style difference",
                "family": "style",
                "pairs": None,
                "sources": ["a", "b"],
                "features": ["emojis", "liwc_posemo"],
            },
            {},
            "study1 has no texts; liwc_posemo needs LIWC, which is no part of this package (`style` in the config "
            "takes yours)",
        ),
    ],
)
@pytest.mark.parametrize("ratings", ["observed", "simulated"])
def test_what_the_rules_cannot_decide_is_not_testable_and_shows_no_number(asked, facts, why, ratings):
    row = decide(claim(**asked), study1=study(**facts, ratings=ratings)).loc["c"]

    assert row.verdict == "not testable"
    assert pd.isna(row.demo_verdict)
    assert row[["estimate", "conf_low", "conf_high", "p_for", "p_against", "p_adjusted"]].isna().all()
    rests_on_ratings = ratings == "simulated" and asked.get("study") != "study9"
    assert row.why == ("the ratings are simulated; " if rests_on_ratings else "") + why
    assert pd.isna(row.origin) if "study" in asked else row.origin in ("observed", ratings)


MEANT = {"a": ["gpt-4-1106-preview", "gpt-4-1106"], "b": ["people"]}


@pytest.mark.parametrize(
    "asked",
    [{}, {"test": "style difference", "family": "style", "pairs": None, "sources": ["a", "b"], "features": ["emojis"]}],
    ids=["ratings", "style"],
)
@pytest.mark.parametrize(
    ("written_by", "why"),
    [
        ({"a": ["gpt-4o"]}, "a is gpt-4o in study1 of this run, and the claim is about gpt-4-1106-preview"),
        (
            {"a": ["gpt-4-1106", "gpt-4o", "o1"], "b": ["people"]},
            "a is gpt-4o and o1 in study1 of this run, and the claim is about gpt-4-1106-preview",
        ),
        ({"a": ["people"]}, "a is people in study1 of this run, and the claim is about gpt-4-1106-preview"),
        ({"b": ["gpt-4-1106"]}, "b is gpt-4-1106 in study1 of this run, and the claim is about people"),
        ({"a": ["GPT-4-1106-Preview"], "b": ["people"], "c": ["gpt-4o"]}, None),
        ({"a": ["gpt-4-1106"]}, None),
        ({}, None),
    ],
)
def test_another_model_under_the_named_one_s_name_leaves_a_claim_not_testable(asked, written_by, why):
    one = study(style=styled({"emojis": {"a - b": (0.5, 0.001)}}))
    row = decide(claim(**asked, arms=MEANT), study1=claims.replace(one, written_by=written_by)).loc["c"]

    if why is None:
        assert row.verdict == "replicated"
    else:
        assert (row.verdict, row.why) == ("not testable", f"{why} (a substitute never stands for the named one)")
        assert pd.isna(row.estimate) and pd.isna(row.demo_verdict)
    by_name = decide(claim(**asked), study1=claims.replace(one, written_by=written_by)).loc["c"]
    assert by_name.verdict == "replicated"


def test_the_paper_s_claims_take_the_models_of_its_config_and_no_others():
    config = settings.read(yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8")))
    paper = read(ROOT / "data/claims/paper.yaml")

    def substituted(config):
        written_by = {name: [by] for name, by in settings.written_by(config["studies"]["study1"], config).items()}
        found = Study(ARMS, "observed", OBSERVED, {}, written_by=written_by)
        decided, _, _ = claims.decide({"f": paper}, {"study1": found})
        return decided.why[0].partition("study1 has no model")[0]

    assert substituted(config) == ""
    config["models"]["llama2_13b"]["repository"] = "meta-llama/Llama-2-7b-chat-hf"
    config["sources"]["gpt4_turbo"]["model"] = "gpt-4o"
    assert substituted(config).split("; ")[:-1] == [
        "gpt4_turbo is gpt-4o in study1 of this run, and the claim is about gpt-4-1106-preview (a substitute never "
        "stands for the named one)",
        "llama2 is meta-llama/Llama-2-7b-chat-hf in study1 of this run, and the claim is about "
        "meta-llama/Llama-2-13b-chat-hf (a substitute never stands for the named one)",
    ]


def test_a_study_without_texts_is_judged_by_its_ratings_alone():
    assert decide(claim(), study1=study(responses={})).verdict["c"] == "replicated"
    assert decide(claim(), study1=study(responses={}, ratings="simulated")).origin["c"] == "simulated"


def test_claims_are_adjusted_within_study_file_and_family_and_apart_from_what_is_not_observed():
    estimates = {"a - b": 0.3, "a - c": 0.25, "b - c": 0.28}
    origins = {"a": "observed", "b": "observed", "c": "stand_in"}
    mine = [claim(id=f"c{n}", pairs=[pair]) for n, pair in enumerate([["a", "b"], ["a", "c"], ["b", "c"]])]
    untestable = claim(id="c3", pairs=[["a", "human"]])
    elsewhere = [claim(id="d", study="study2"), claim(id="e", study="study2", pairs=[["a", "c"]])]
    given = {"one.yaml": [*mine, untestable, *elsewhere], "two.yaml": [claim(id="f")]}
    decided, components, _ = claims.decide(
        given, {"study1": study(estimates, responses=origins), "study2": study(estimates)}
    )
    rows = decided.set_index("claim_id")

    factor = (rows.p_adjusted / rows.p_for).round(9)
    # c0 stands alone among the observed ones, c1 and c2 are a demonstration of two; study2 and two.yaml are apart.
    assert factor.drop("c3").to_dict() == {"c0": 1, "c1": 1, "c2": 2, "d": 2, "e": 1, "f": 1}
    assert rows.verdict[["c0", "c1", "c2", "c3"]].tolist() == ["replicated", *["not testable"] * 3]
    assert rows.demo_verdict[["c1", "c2"]].tolist() == ["recovered", "recovered"]
    assert components.claim_id.tolist() == ["c0", "c1", "c2", "d", "e", "f"]
    assert rows.file.tolist() == ["one.yaml"] * 6 + ["two.yaml"]


def test_components_hold_each_difference_as_claimed():
    three = claim(pairs=[["b", "a"], ["a", "c"]])
    _, components, _ = claims.decide({"f": [three]}, {"study1": study({"a - b": -0.5, "a - c": 0.1})})

    assert components.component.tolist() == ["b - a", "a - c"]
    assert components.estimate.tolist() == [0.5, 0.1]
    assert components.sesoi.tolist() == [0.25, 0.25]
    assert components.p_for.round(6).tolist() == [0.000011, 0.323037]
    assert components.p_against.round(6).tolist() == [0.991795, 0.070547]


def test_another_model_is_asked_the_same_and_decides_nothing():
    both = study({"a - b": 0.5})
    both.fits["two_intercept"] = fit({"a - b": 0.1})
    both.fits["odd"] = fit({"a - b": 0.5}, converged=False)
    asked = [
        claim(),
        claim(id="d", pairs=[["a", "human"]]),
        claim(id="e", family="style", test="style difference", pairs=None, sources=["a", "b"], features=["emojis"]),
        claim(id="f", study="study2"),
    ]
    decided, _, by_model = claims.decide({"f": asked}, {"study1": both})

    assert decided.verdict.tolist() == ["replicated", *["not testable"] * 3]
    assert by_model[["claim_id", "model", "verdict"]].values.tolist() == [
        ["c", "two_intercept", "inconclusive"],
        ["c", "odd", "not testable"],
        ["d", "two_intercept", "not testable"],
        ["d", "odd", "not testable"],
    ]
    assert by_model.estimate[0] == 0.1
    assert f"{by_model.p_for[0]:.6f} {by_model.p_against[0]:.6f}" == "0.323037 0.070547"
    simulated = Study(both.sources, "simulated", both.responses, both.fits)
    _, _, demo = claims.decide({"f": [claim(test="equivalent")]}, {"study1": simulated})
    assert demo.verdict.tolist() == ["inconclusive", "not testable"]
    both.fits["two_intercept"] = fit({"a - b": 0.5})
    assert claims.decide({"f": [claim()]}, {"study1": simulated})[2].verdict[0] == "recovered"


def test_every_table_holds_to_its_schema(tmp_path):
    shipped = claimfile.read_all([ROOT / "data/claims/paper.yaml", ROOT / "data/claims/default.yaml"])
    arms = ["human", "smollm2_nf4", "smollm2_fp32"]
    estimates = {f"{a} - {b}": -0.5 if a == "human" else 0.0 for a, b in combinations(arms, 2)}
    texts = {"human": "stand_in", "smollm2_nf4": "observed", "smollm2_fp32": "observed"}
    one = study(estimates, sources=arms, ratings="simulated", responses=texts)
    two = study({"smollm2_nf4 - smollm2_fp32": 0.0}, sources=arms[1:], ratings="simulated", responses={})
    for study_ in (one, two):
        study_.fits["two_intercept"] = study_.fits["deciding"]
    decided, components, by_model = claims.decide(shipped, {"study1": one, "study2": two})

    for table, rows in ((tables.CLAIMS, decided), (tables.COMPONENTS, components), (tables.BY_MODEL, by_model)):
        table.write(rows, tmp_path / table.path)
        pd.testing.assert_frame_equal(table.read(tmp_path / table.path), rows, check_dtype=False)
    rows = decided.set_index("claim_id")
    assert set(rows.verdict) == {"not testable"}
    assert rows.demo_verdict.dropna().to_dict() == {
        "default_study1_models_above_human": "recovered",
        "default_study1_quantizations_alike": "recovered",
        "default_study2_quantizations_alike": "recovered",
    }
    assert rows.why["study1_llms_above_human"] == (
        "the ratings are simulated; the responses of human are stand-ins, written for the package; gpt4_turbo, llama2 "
        "and mistral are not in study1 of this run (a substitute never stands for the named one)"
    )
    assert rows.why["study2_llms_above_human"] == (
        "the ratings are simulated; gpt4_turbo, human, llama2 and mistral are not in study2 of this run (a substitute "
        "never stands for the named one); what the paper says of it is conflicting"
    )
    style = rows.loc["study1_style_emojis"]
    assert style.why.startswith("the ratings are simulated; the responses of human are stand-ins")
    assert style.origin == "simulated"
    nothing = claims.decide({"f": [claim(study="study9")]}, {"study1": one})
    for table, rows in zip((tables.CLAIMS, tables.COMPONENTS, tables.BY_MODEL), nothing, strict=True):
        table.write(rows, tmp_path / table.path)


def within(estimates, std_error=0.1, *, sesoi=0.25):
    """The contrasts of each domain, given as {"work": {"a - b": .5}}."""
    return {domain: fit(table, std_error, sesoi=sesoi).contrasts for domain, table in estimates.items()}


def crossed(estimates, apart=None, *, omnibus=None, std_error=0.1):
    """A study whose model crosses sources and domains."""
    found = study({"a - b": 0.5, "a - c": 0.5, "b - c": 0.0})
    inside = within(estimates, std_error)
    apart = within(apart or {domain: dict.fromkeys(rows, 0.0) for domain, rows in estimates.items()}, 0.05, sesoi=0.4)
    whole = {
        ("source", frozenset("abc")): 0.001,
        ("source", frozenset("ab")): 0.3,
        ("source:domain", frozenset("abc")): 0.6,
    }
    deciding = claims.replace(
        found.fits["deciding"], inside=inside, apart=apart, omnibus=whole | (omnibus or {}), sesoi_interaction=0.4
    )
    return Study(found.sources, found.ratings, found.responses, {"deciding": deciding})


EVERYWHERE = {
    "home": {"a - b": 0.5, "a - c": 0.6, "b - c": 0.0},
    "work": {"a - b": 0.4, "a - c": -0.01, "b - c": 0.0},
}
ORDER = {"test": "same order", "pairs": None, "tiers": [["a"], ["b", "c"]]}


def test_the_same_order_is_asked_of_every_pair_of_different_tiers_in_every_domain():
    asked = claim(**ORDER)
    decided, components, _ = claims.decide({"f": [asked]}, {"study1": crossed(EVERYWHERE)})

    assert components.component.tolist() == [
        "a - b in home",
        "a - c in home",
        "a - b in work",
        "a - c in work",
    ]
    row = decided.iloc[0]
    # By hand: four components; the smallest one-sided p against .25 is that of (-.01 - .25) / .1 at 42 df.
    assert row.p_against == pytest.approx(4 * stats.t.cdf(-2.6, 42))
    assert (row.verdict, row.p_for, row.estimate) == ("not replicated", 1.0, -0.01)
    assert row.why.startswith("a - c in work decided, with a difference of -0.010 (p against = .006, adjusted = .026)")
    everywhere = {domain: {"a - b": 0.5, "a - c": 0.4, "b - c": -3.0} for domain in EVERYWHERE}
    held = decide(asked, study1=crossed(everywhere)).loc["c"]
    assert held.verdict == "replicated" and held.p_for == pytest.approx(2 * stats.t.sf(4, 42))


def test_a_pair_missing_in_one_domain_makes_the_order_not_testable():
    found = crossed(EVERYWHERE | {"work": {"a - b": 0.4, "b - c": 0.1}})
    row = decide(claim(**ORDER), study1=found).loc["c"]
    assert (row.verdict, row.why) == ("not testable", "the model 'deciding' has no contrast of a and c in work")


def test_any_difference_is_decided_by_the_omnibus_test_for_and_by_all_equivalences_against():
    asked = {"test": "any difference", "pairs": None}
    row = decide(claim(**asked, sources=["a", "b", "c"]), study1=crossed(EVERYWHERE)).loc["c"]
    assert (row.verdict, row.p_for) == ("replicated", 0.001)
    assert row[["estimate", "conf_low", "conf_high"]].isna().all()
    assert row.why.startswith("the omnibus test decided (p for = .001, adjusted = .001)")

    alike = crossed(EVERYWHERE)
    small = claims.replace(alike.fits["deciding"], contrasts=fit({"a - b": 0.01}, 0.05).contrasts)
    row = decide(
        claim(**asked, sources=["a", "b"]), study1=Study(alike.sources, "observed", OBSERVED, {"deciding": small})
    ).loc["c"]
    assert (row.verdict, row.p_for, row.estimate) == ("not replicated", 0.3, 0.01)
    assert row.p_against == pytest.approx(stats.t.cdf((0.01 - 0.25) / 0.05, 42))


def test_no_interaction_is_decided_by_all_equivalences_for_and_by_the_omnibus_test_against():
    asked = claim(test="no interaction", pairs=None, sources=["a", "b", "c"])
    decided, components, _ = claims.decide({"f": [asked]}, {"study1": crossed(EVERYWHERE)})
    row = decided.iloc[0]
    assert components.component.tolist()[0] == "a - b in home, less its mean" and len(components) == 6
    assert set(components.sesoi) == {0.4} and components.p_against.isna().all()
    assert (row.verdict, row.p_against, row.estimate) == ("replicated", 0.6, 0.0)
    assert row.p_for == pytest.approx(stats.t.cdf(-8, 42))

    wide = {domain: dict.fromkeys(rows, 0.5) for domain, rows in EVERYWHERE.items()}
    found = crossed(EVERYWHERE, wide, omnibus={("source:domain", frozenset("abc")): 0.002})
    row = decide(asked, study1=found).loc["c"]
    assert (row.verdict, row.p_against) == ("not replicated", 0.002)
    assert pd.isna(row.estimate)
    assert row.why.startswith("the omnibus test decided (p against = .002, adjusted = .002)")


def test_where_the_papers_interval_was_entered_a_replication_has_a_prediction_interval():
    reported = {"estimate": 0.4, "low": 0.1, "high": 0.7}
    row = decide(claim(reported=reported)).loc["c"]
    half = stats.norm.ppf(0.975) * math.hypot(0.6 / (2 * stats.norm.ppf(0.975)), 0.1)
    assert (row.prediction_low, row.prediction_high) == (pytest.approx(0.4 - half), pytest.approx(0.4 + half))
    assert row.why.endswith("the estimate lies inside the 95% prediction interval of a replication, 0.042 to 0.758")
    far = decide(claim(reported={"estimate": 2.0, "low": 1.7, "high": 2.3})).loc["c"]
    assert "the estimate lies outside the 95% prediction interval" in far.why
    alone = decide(claim(reported={"estimate": 0.4})).loc["c"]
    assert pd.isna(alone.prediction_low)
    assert alone.why.endswith("no prediction interval: the paper's 95% interval was not entered beside its estimate")


def test_one_reported_figure_gives_no_prediction_for_several_differences_and_the_reason_is_said():
    reported = {"estimate": 0.4, "low": 0.1, "high": 0.7}
    estimates = {"a - b": 0.5, "a - c": 0.4, "b - c": -0.1}
    pairs = [["a", "b"], ["a", "c"]]
    row = decide(claim(pairs=pairs, reported=reported), study1=study(estimates)).loc["c"]
    assert row[["prediction_low", "prediction_high"]].isna().all() and row.reported == 0.4
    said = "no prediction interval: the claim names 2 differences, and nothing says of which the paper's figure is"
    assert row.why.endswith(said)

    # Whoever knows the figure of each pair enters it in a file of their own, which changes no p of the other file.
    single = [claim(id=f"own{n}", pairs=[pair], reported=reported) for n, pair in enumerate(pairs)]
    given = {"paper.yaml": [claim(pairs=pairs, reported=reported)], "pairs.yaml": single}
    both = claims.decide(given, {"study1": study(estimates)})[0].set_index("claim_id")
    assert both.p_adjusted["c"] == row.p_adjusted and both.why["c"] == row.why
    assert both.prediction_low[["own0", "own1"]].notna().all()
    assert both.why["own1"].endswith("inside the 95% prediction interval of a replication, 0.042 to 0.758")


def rating(response, included=True, origin="observed"):
    return {
        "rater_id": f"r{response}",
        "response_id": response,
        "post_id": "p",
        "domain": "d",
        "source": "s",
        "item": "empathy",
        "rating": 4,
        "included": included,
        "origin": origin,
    }


def response(response_id, source, origin):
    given = {"response_id": response_id, "source": source, "origin": origin, "post_id": "p", "domain": "d"}
    return given | {"kind": "human", "sample": 0, "text": "x", "n_words": 1}


def test_read_study_takes_the_origins_of_what_the_models_read(tmp_path):
    rows = [rating("1"), rating("2"), rating("3", included=False, origin="simulated")]
    tables.RATINGS.write(tables.RATINGS.frame(rows), tmp_path / "ratings.csv")
    texts = [response("1", "a", "observed"), response("2", "b", "stand_in"), response("9", "a", "stand_in")]
    tables.RESPONSES.write(tables.RESPONSES.frame(texts), tmp_path / "responses.csv")
    table = fit({"a - b": 0.5}).contrasts.reset_index().assign(origin="observed")
    inside = table.assign(by="d", estimate=9.0)
    tables.CONTRASTS.write(pd.concat([inside, table]), tmp_path / "models/deciding/contrasts.csv")
    difference = {"feature": "emojis", "contrast": "a - b", "estimate": 0.5, "n_posts": 3, "family_size": 1}
    styles = tables.STYLE_CONTRASTS.frame([difference | {"origin": "stand_in"}])
    tables.STYLE_CONTRASTS.write(styles, tmp_path / "style/contrasts.csv")
    facts = {"status": "converged", "dropped_rows": 2, "singular": True, "sesoi": 0.25}
    apart = inside.assign(estimate=0.1)[["contrast", "by", *tables.INTERACTIONS.names[2:]]]
    tables.INTERACTIONS.write(apart, tmp_path / "models/deciding/interactions.csv")
    whole = {"test": "source", "sources": "a, b", "statistic": 4.0, "df_num": 1, "df_den": 9.0, "p_value": 0.07}
    sets = tables.SETS.frame([whole | {"method": "F", "origin": "observed"}])
    tables.SETS.write(sets, tmp_path / "models/deciding/tests_of_sets.csv")
    facts = {"status": "converged", "dropped_rows": 2, "singular": True, "sesoi": 0.25, "sesoi_interaction": 0.375}
    write_json(tmp_path / "models/deciding/fit.json", facts)

    read = claims.read_study(tmp_path, ["a", "b"], ["deciding"], with_texts=True)

    assert (read.ratings, read.responses) == ("observed", {"a": "observed", "b": "stand_in"})
    assert read.texts == {"a": "stand_in", "b": "stand_in"}
    assert read.style.estimate["emojis", "a - b"] == 0.5
    unrated = claims.read_study(tmp_path, ["a", "b"], [], with_texts=True)
    assert (unrated.ratings, unrated.fits, unrated.texts) == (None, {}, read.texts)
    deciding = read.fits["deciding"]
    assert (deciding.converged, deciding.dropped_rows, deciding.singular, deciding.sesoi) == (True, 2, True, 0.25)
    assert deciding.contrasts.estimate.to_dict() == {"a - b": 0.5}
    assert deciding.inside["d"].estimate.to_dict() == {"a - b": 9.0}
    assert deciding.apart["d"].estimate.to_dict() == {"a - b": 0.1} and deciding.sesoi_interaction == 0.375
    assert deciding.omnibus == {("source", frozenset({"a", "b"})): 0.07}
    assert read.written_by == {}
    named = [texts[0] | {"model": "gpt-4"}, texts[1] | {"model": None}, texts[2] | {"model": "gpt-3"}]
    tables.RESPONSES.write(tables.RESPONSES.frame(named), tmp_path / "responses.csv")
    declared = {"written_by": {"b": "people"}}
    of_files = claims.read_study(tmp_path, ["a", "b"], ["deciding"], with_texts=True, **declared)
    assert of_files.written_by == {"a": ["gpt-3", "gpt-4"], "b": ["people"]}
    assert claims.read_study(tmp_path, ["a", "b"], ["deciding"], with_texts=False).responses == {}
    write_json(tmp_path / "models/deciding/fit.json", facts | {"status": "failed"})
    assert not claims.read_study(tmp_path, ["a", "b"], ["deciding"], with_texts=False).fits["deciding"].converged


# Style

STYLE = {"family": "style", "test": "style difference", "pairs": None, "sources": ["a", "b"], "features": ["emojis"]}
NEVER = (0.0, math.nan)


def test_a_difference_of_style_is_decided_by_the_permutation_test_and_bonferroni():
    rows = {"emojis": {"a - b": (0.02, 0.6)}, "commas": {"a - b": (-0.3, 0.02)}}
    asked = claim(**STYLE | {"features": ["emojis", "commas"]})
    row = decide(asked, study1=study(style=styled(rows))).loc["c"]

    assert (row.verdict, row.p_for, row.origin) == ("replicated", 0.04, "observed")
    assert f"{row.p_against:.6f}" == "0.691462"
    assert (row.estimate, row.conf_low, row.conf_high) == (-0.3, -0.5, pytest.approx(0.0))
    assert pd.isna(row.model)
    assert row.why == "commas: a - b decided, with a difference of -0.300 (p for = .020, adjusted = .040)"


def test_every_pair_of_the_sources_named_is_a_component_oriented_as_the_claim_names_them():
    rows = {"emojis": {"a - b": (0.1, 0.5), "a - c": (0.2, 0.5), "b - c": (0.3, 0.5)}}
    asked = claim(**STYLE | {"sources": ["c", "a", "b"]})
    decided, components, _ = claims.decide({"f": [asked]}, {"study1": study(style=styled(rows, 0.01))})

    assert components.component.tolist() == ["emojis: c - a", "emojis: c - b", "emojis: a - b"]
    assert components.estimate.tolist() == [-0.2, -0.3, 0.1]
    assert components.sesoi.tolist() == [0.25] * 3
    assert set(components.df) == {math.inf}
    assert components.p_for.tolist() == [0.5] * 3
    assert decided.p_against[0] == components.p_against.max()
    assert (decided.conf_low[0], decided.estimate[0]) == (pytest.approx(-0.5), -0.2)


def test_styles_that_are_alike_are_not_replicated_and_the_component_nearest_to_a_difference_is_named():
    rows = {"emojis": {"a - b": (0.01, 0.6)}, "commas": {"a - b": (0.08, 0.04)}}
    asked = claim(**STYLE | {"features": ["emojis", "commas"]})
    row = decide(asked, study1=study(style=styled(rows, 0.05))).loc["c"]

    assert row.verdict == "not replicated"
    assert row.why == (
        "commas: a - b decided, with a difference of 0.080 (p against < .001, adjusted < .001); 1 of 2 differences, "
        "each by itself, are significant and smaller than the smallest effect size of interest"
    )


def test_a_claim_of_a_feature_in_which_no_two_responses_differ_is_not_testable_and_names_it():
    rows = {"emojis": {"a - b": NEVER}, "commas": {"a - b": (0.5, 0.03)}}
    both = decide(claim(**STYLE | {"features": ["emojis", "commas"]}), study1=study(style=styled(rows))).loc["c"]

    assert (both.verdict, both.why) == ("not testable", "no two responses differ in emojis")
    assert pd.isna(both.p_for) and pd.isna(both.p_against)


def test_style_rests_on_texts_rated_or_not_and_is_testable_where_no_rating_of_the_study_is_simulated():
    rows = {"emojis": {"a - b": (0.5, 0.001)}}
    unrated = study(ratings=None, style=styled(rows))
    asked = [claim(**STYLE), claim(id="rated")]
    decided = decide(*asked, study1=unrated)

    assert decided.verdict.to_dict() == {"c": "replicated", "rated": "not testable"}
    assert decided.why["rated"] == "study1 is not among this run's rated studies"
    simulated = decide(claim(**STYLE), study1=study(ratings="simulated", style=styled(rows))).loc["c"]
    assert (simulated.verdict, simulated.demo_verdict, simulated.origin) == ("not testable", "recovered", "simulated")
    # Responses that nobody rated are measured, too.
    stand_in = study(style=styled(rows), texts=OBSERVED | {"b": "stand_in"})
    demo = decide(claim(**STYLE), study1=stand_in).loc["c"]
    assert (demo.verdict, demo.demo_verdict, demo.origin) == ("not testable", "recovered", "stand_in")
    assert demo.why.startswith("the responses of b are stand-ins, written for the package; as a demonstration: emojis")


def test_sources_that_share_no_post_and_a_component_without_a_p_are_not_testable():
    nothing = {"emojis": {"a - b": (math.nan, math.nan)}}
    row = decide(claim(**STYLE), study1=study(style=styled(nothing))).loc["c"]
    assert (row.verdict, row.why) == ("not testable", "a and b share no post")
    part = {"emojis": {"a - b": (0.1, 0.2), "a - c": (math.nan, math.nan), "b - c": (0.1, 0.3)}}
    part["commas"] = {name: (0.1, 0.2) for name in part["emojis"]}
    asked = claim(**STYLE | {"sources": ["a", "b", "c"], "features": ["commas", "emojis"]})
    row = decide(asked, study1=study(style=styled(part))).loc["c"]
    assert row.verdict == "not testable"
    assert row.why == "emojis: a - c has no p value (estimate and standard error allow none)"


def test_a_category_of_liwc_decides_once_a_replicator_brings_it():
    rows = {"liwc_posemo": {"a - b": (0.5, 0.001)}, "empath_positive_emotion": {"a - b": (0.5, 0.001)}}
    asked = claim(**STYLE | {"features": ["liwc_posemo"]})

    assert decide(asked, study1=study(style=styled(rows))).verdict["c"] == "replicated"
    without = decide(asked, study1=study(style=styled({"emojis": {"a - b": (0.5, 0.001)}}))).loc["c"]
    assert (without.verdict, without.why) == (
        "not testable",
        "liwc_posemo needs LIWC, which is no part of this package (`style` in the config takes yours)",
    )


# Files of claims

YAML = """paper: lee2024
claims:
  - id: one
    study: study1
    statement: A is above B.
    certainty: summary
    family: primary
    test: greater
    pairs: [[a, b]]
"""


@pytest.fixture
def file(tmp_path):
    def write(text, name="claims.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def read(path):
    """The claims of one file."""
    return claimfile.read_all([path])[str(path)]


def test_a_file_of_claims_is_read_in_its_order(file):
    more = YAML + YAML.split("claims:\n")[1].replace("one", "two")
    (one, two) = read(file(more))

    assert (one.id, two.id, one.pairs, one.named) == ("one", "two", (("a", "b"),), ["a", "b"])
    assert one.reported == claimfile.Reported()


def test_the_arms_of_a_file_are_those_of_its_claims_unless_a_claim_has_its_own(file):
    other = YAML.split("claims:\n")[1].replace("one", "two").replace("[[a, b]]", "[[a, c]]\n    arms: {a: [y]}")
    one, two = read(file("arms: {a: [x, X], b: [people]}\n" + YAML + other))

    assert (one.arms, two.arms) == ({"a": ("x", "X"), "b": ("people",)}, {"a": ("y",)})


def test_the_shipped_claims_are_those_that_are_known_of_the_paper():
    files = claimfile.read_all([ROOT / "data/claims/paper.yaml", ROOT / "data/claims/default.yaml"])
    paper, own = files.values()

    assert [(c.study, c.test, c.certainty) for c in paper if c.family == "primary"] == [
        ("study1", "greater", "summary"),
        ("study1", "equivalent", "summary"),
        ("study1", "greater", "summary"),
        ("study1", "same order", "inferred"),
        ("study2", "greater", "conflicting"),
        ("study2", "same order", "summary"),
        ("study2", "no interaction", "inferred"),
    ]
    assert [c.study for c in paper if c.family == "style"] == ["study1"] * 4 + ["study2"] * 4
    assert {c.certainty for c in own} == {"own"}
    assert all(c.reported == claimfile.Reported() for c in paper)
    assert all("human" not in c.named for c in paper if c.study == "study2" and c.certainty != "conflicting")
    assert {source for c in paper for source in c.named} == set(ARMS)
    assert all(set(c.arms) == set(c.named) for c in paper) and not any(c.arms for c in own)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("certainty: summary", "certanity: summary", "certanity: no such key; did you mean 'certainty'?"),
        ("    study: study1\n", "", "study: this key is missing"),
        ("test: greater", "test: grater", "test: 'grater' is none of"),
        ("test: greater", "test: grater", "did you mean 'greater'?"),
        ("certainty: summary", "certainty: summry", "did you mean 'summary'?"),
        ("study: study1", "study: Study 1", "study: String should match pattern '^[a-z0-9_]+$' (found: 'Study 1')"),
        ("pairs: [[a, b]]", "pairs: [[a, a]]", "named twice: a"),
        ("pairs: [[a, b]]", "pairs: [[a, b], [b, a]]", "named twice: a and b"),
        ("pairs: [[a, b]]", "pairs: [[a, b, c]]", "pairs > 0"),
        ("    pairs: [[a, b]]\n", "", "the test 'greater' needs `pairs`"),
        ("pairs: [[a, b]]", "pairs: [[a, b]]\n    sources: [a, b]", "the test 'greater' has no use for `sources`"),
        ("test: greater\n    pairs: [[a, b]]", "test: no interaction\n    sources: [a]", "nothing to compare with"),
        ("test: greater\n    pairs: [[a, b]]", "test: same order\n    tiers: [[a], [b, a]]", "named twice: a"),
        ("family: primary", "family: style", "the test 'greater' belongs to the family primary, not style"),
        (
            "family: primary\n    test: greater\n    pairs: [[a, b]]",
            "family: style\n    test: style difference\n    sources: [a, b]\n    features: [emoji]",
            "unknown feature 'emoji'; did you mean 'emojis'?",
        ),
        (
            "pairs: [[a, b]]",
            "pairs: [[a, b]]\n    reported: {estimate: .5, low: .6}",
            "reported: low, estimate and high are not in this order: 0.6, 0.5",
        ),
    ],
)
def test_a_mistake_is_named_with_its_claim_its_key_and_what_to_do(file, old, new, problem):
    assert old in YAML
    path = file(YAML.replace(old, new))

    with pytest.raises(InputError) as error:
        read(path)

    assert str(error.value).startswith(f"{path}: claim 1 (one)")
    assert problem in str(error.value)
    assert str(error.value).endswith(". Correct it; data/claims/paper.yaml is an example.")


def test_the_whole_message_of_two_mistakes(file):
    path = file(YAML.replace("test: greater", "test: greater\n    page: 3").replace("pairs: [[a, b]]", "pairs: 3"))

    with pytest.raises(InputError) as error:
        read(path)

    assert str(error.value) == (
        f"{path}: claim 1 (one) > pairs: Input should be a valid tuple (found: 3); claim 1 (one) > page: no such key. "
        "Correct it; data/claims/paper.yaml is an example."
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("claims: [", "line 1, column 10: "),
        ("", "Input should be a valid dictionary"),
        ("claims: []", "there are no claims under `claims`"),
        ("- a", "Input should be a valid dictionary"),
        ("claims: [3]", "claim 1: "),
        ("claim: []", "claim: no such key; did you mean 'claims'?"),
        ("arms: {aa: [x]}\n" + YAML, "arms: no claim names the source 'aa'; did you mean 'a'?"),
        ("arms: {a: []}\n" + YAML, "arms > a: Tuple should have at least 1 item"),
        ("arms: {a: x}\n" + YAML, "arms > a: Input should be a valid tuple"),
        (
            YAML + "    reported: {page: 1}\n    reported: {page: 2}",
            "line 11, column 5: the key 'reported' stands twice",
        ),
    ],
)
def test_a_file_of_another_shape_is_refused(file, text, problem):
    with pytest.raises(InputError) as error:
        read(file(text))

    assert problem in str(error.value)


def test_a_file_says_whose_claims_it_holds_and_each_claim_of_a_paper_carries_it(file):
    cited = YAML.replace("paper: lee2024", "paper: A. Body (2020), Title")
    own = (
        YAML.replace("paper: lee2024", "").replace("certainty: summary", "certainty: own").replace("id: one", "id: two")
    )
    paths = [file(cited), file(own, "own.yaml")]
    files, papers = claimfile.read_cited(paths)

    decided = claims.decide(files, {"study1": study({"a - b": 0.5})}, papers)[0].set_index("claim_id")

    assert papers == {str(paths[0]): "A. Body (2020), Title", str(paths[1]): None}
    assert files == claimfile.read_all(paths)
    assert decided.paper["one"] == "A. Body (2020), Title" and pd.isna(decided.paper["two"])
    shipped = claimfile.read_cited([ROOT / "data/claims/paper.yaml", ROOT / "data/claims/default.yaml"])[1]
    assert list(shipped.values()) == ["lee2024", None]
    with pytest.raises(
        InputError, match="claims of a paper need `paper:` above `claims:`, lee2024 or another's citation"
    ):
        read(file(YAML.replace("paper: lee2024", "")))


def test_an_id_stands_once_in_all_files(file):
    twice = file(YAML + YAML.split("claims:\n")[1])
    with pytest.raises(InputError) as error:
        claimfile.read_all([twice])
    assert str(error.value) == f"{twice}: two claims have the id 'one', the other in this file. Rename one."

    first, second = file(YAML, "first.yaml"), file(YAML, "second.yaml")
    with pytest.raises(InputError) as error:
        claimfile.read_all([first, second])
    assert str(error.value) == f"{second}: two claims have the id 'one', the other in {first}. Rename one."


def test_a_file_that_is_missing_or_no_utf_8_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.yaml: there is no such file\. Correct the path in the config"):
        read(tmp_path / "nothing.yaml")
    (tmp_path / "latin.yaml").write_bytes("claims: [é]".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.yaml: line 1: byte 9 is not UTF-8\. Save the file as UTF-8\."):
        read(tmp_path / "latin.yaml")
