"""What `snakemake robustness` makes, and how its models enter a run."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from made_up_ratings import declared, ratings
from test_settings import FILE, MINIMAL, changed

from empathic import ages, models, multiverse, settings, tables

ROOT = Path(__file__).parents[2]

TWO = "rating ~ source + (1 | rater_id)"
LONG = FILE | {"format": "long", "columns": {"rater_id": "who", "response_id": "r", "rating": "x"}}


def robustness(config):
    return settings.read(config)["studies"]["s"]["robustness"]


def test_the_usual_models_are_those_that_the_study_can_bear():
    assert list(robustness(MINIMAL)) == [
        "ordinal_interaction",
        "source_slopes",
        "rater_by_post",
        "position",
        "first_seen",
        "log_words",
    ]
    alone = MINIMAL | {"studies": {"s": {"title": "S", "sources": ["human"], "ratings": {"exports": [LONG]}}}}
    alone["sources"] = {"human": {"kind": "human", "title": "people"}}
    assert list(robustness(alone)) == ["ordinal_interaction", "source_slopes", "rater_by_post"]
    placed = LONG | {"columns": LONG["columns"] | {"position": "place"}}
    alone["studies"]["s"]["ratings"] = {"exports": [placed]}
    assert "position" in robustness(alone) and "first_seen" in robustness(alone)
    beside = FILE | {"format": "prolific"}
    of_trials = FILE | {"format": "jspsych", "columns": {"rater_id": "who", "label": "shown"}}
    for exports in ([placed, beside], [FILE | {"format": "qualtrics"}, beside], [of_trials]):
        alone["studies"]["s"]["ratings"] = {"exports": exports}
        assert "position" in robustness(alone) and "first_seen" in robustness(alone), exports
    alone["studies"]["s"]["ratings"] = {"exports": [placed, LONG]}
    assert "position" not in robustness(alone)


def test_the_demographics_that_a_config_allows_make_one_of_the_usual_models():
    told = changed("studies", "s", "ratings", to={"exports": [FILE | {"format": "prolific"}, LONG]})
    told["studies"]["s"]["ratings"]["demographics"] = ["age", "sex"]
    assert robustness(told)["demographics"]["formula"] == (
        "rating ~ source * domain + age + sex + (1 | rater_id) + (1 | post_id) + (1 | response_id) + "
        "(1 | rater_id:source)"
    )
    told["studies"]["s"]["ratings"]["demographics"] = []
    assert "demographics" not in robustness(told)


def test_the_model_of_ages_in_the_template_is_one_that_its_ratings_can_bear(small):
    text = (ROOT / "configs/template.yaml").read_text(encoding="utf-8")
    for key in ("demographics", "models", "  deciding", "  with_age"):
        text = re.sub(rf"^( +)# {key}:", rf"\g<1>{key}:", text, flags=re.M)
    study = settings.read(yaml.safe_load(text))["studies"]["main"]
    assert set(study["models"]) == {"deciding", "with_age"} and study["ratings"]["demographics"] == ["age", "sex"]
    assert study["ratings"]["exports"][0]["demographics"].keys() == {"age", "sex"}
    asked = declared(formula=study["models"]["with_age"]["formula"], contrasts="reference")
    bands = ages.labels(study["ratings"]["age_bands"])
    raters = pd.DataFrame({"rater_id": sorted(small.rater_id.unique()), "age": (bands * 3)[:16]})
    assert "age" in models.fit(small, None, asked, raters).fixed.term.tolist()


def test_they_enter_the_report_and_the_claims_only_where_the_config_includes_them():
    assert "rater_by_post" not in settings.read(MINIMAL)["studies"]["s"]["models"]
    included = settings.read(MINIMAL | {"report": {"include": ["robustness"]}})
    assert {"deciding", "two_intercept", "ordinal", "rater_by_post"} <= set(included["studies"]["s"]["models"])
    assert settings.read(included) == included


def test_a_config_may_declare_its_own_and_not_under_the_name_of_another():
    own = changed("studies", "s", "robustness", to={"age": {"formula": TWO + " + scale(age)"}})
    assert list(robustness(own)) == ["age"]
    with pytest.raises(ValueError, match="robustness > ordinal: models have one of this name, too"):
        settings.read(changed("studies", "s", "robustness", to={"ordinal": {"formula": TWO}}))


@pytest.fixture(scope="module")
def small():
    return ratings(raters=16, domains=("work", "home"), posts_per_domain=2, posts_per_rater=4)


def test_each_post_and_each_domain_is_left_out_in_turn(small, tmp_path):
    found = models.without_each(small, None, declared(formula=TWO))
    assert found.groupby("left").left_out.unique().map(list).to_dict() == {
        "domain": ["work", "home"],
        "post": ["p000", "p001", "p002", "p003"],
    }
    assert len(found) == 6 * 3 and set(found.status) == {"converged"}
    row = found[(found.left_out == "p002") & (found.contrast == "human - nf4")].iloc[0]
    alone = models.fit(small[small.post_id != "p002"], None, declared(formula=TWO)).contrasts.iloc[0]
    assert (row.estimate, row.std_error, row.df) == (alone.estimate, alone.std_error, alone.df)
    tables.LEAVE_ONE_OUT.write(found, tmp_path / "table.csv")


def test_what_cannot_be_fitted_says_why_and_the_others_stand(small, tmp_path):
    holes = small[~((small.domain == "home") & (small.source == "nf4"))]
    found = models.without_each(holes, None, declared(formula=TWO))
    broken = found[found.left_out == "work"]
    assert broken.estimate.isna().all() and broken.status.str.contains("no ratings of nf4").all()
    assert found[found.left_out == "home"].estimate.notna().all()
    tables.LEAVE_ONE_OUT.write(found, tmp_path / "table.csv")
    assert len(pd.read_csv(tmp_path / "table.csv")) == len(found)
    ways = {"exclusions": ["none"], "treatments": ["gaussian", "binomial"], "structures": {"rater": "(1 | rater_id)"}}
    every = multiverse.fit(holes, None, declared(), middle=4.0, **ways)
    assert every.status.str.contains("no ratings of nf4 in home").all()
    tables.MULTIVERSE.write(every, tmp_path / "multiverse.csv")


def test_without_exclusions_are_all_raters_and_neither_previews_nor_further_submissions_nor_other_sources(small):
    ids = small.rater_id.replace({"r002": "r001.2"})
    reason = ids.map({"r000": "preview", "r001.2": "unfinished", "r003": "attention"}).astype("string")
    left = small.assign(rater_id=ids, reason=reason, included=reason.isna())
    outside = (small.source == "fp32") & left.included
    left.loc[outside, ["included", "reason"]] = [False, "source not in this study"]
    ways = {"treatments": ["gaussian"], "structures": {"rater": "(1 | rater_id)"}}
    two = declared(sources=["human", "nf4"])
    found = multiverse.fit(left, None, two, middle=4.0, exclusions=["declared", "none"], **ways)
    assert found.status.tolist() == ["converged"] * 2
    # Four posts with a response of each of two sources: all but the three above; all but the two that are no raters.
    assert found.n.tolist() == [13 * 8, 14 * 8]


def test_a_model_of_a_column_that_is_empty_is_a_failed_fit_that_names_it(small, tmp_path):
    crossed = "rating ~ source * domain + position + (1 | rater_id)"
    reasons = {
        "position": (declared(formula=crossed), "no rating has a value of 'position', which the formula names"),
        "first_seen": (
            declared(formula="rating ~ source * domain + (1 | rater_id)", first_seen=True),
            f"`first_seen` needs the position of every rating, and {len(small)} have none",
        ),
    }
    for asked, reason in reasons.values():
        found = models.fit(small, None, asked)
        assert (found.fit["status"], found.fit["failure"], found.fit["n"]) == ("failed", reason, 0)
        assert found.fit["warnings"] == [f"not fitted: {reason}"]
        assert found.contrasts.estimate.isna().all() and len(found.contrasts) == len(found.means) == 9
        for name, schema in tables.OF_A_FIT.items():
            schema.write(getattr(found, name), tmp_path / f"{name}.csv")
        assert models.overall(small, None, asked).status.str.contains(reason.split(",")[0], regex=False).all()


def test_random_terms_of_the_multiverse_may_name_what_is_told_of_raters(small):
    told = pd.DataFrame({"rater_id": sorted(small.rater_id.unique()), "region": ["north", "south", "east", "west"] * 4})
    ways = {"exclusions": ["declared"], "treatments": ["gaussian"], "structures": {"region": "(1 | region)"}}
    found = multiverse.fit(small, None, declared(), told, middle=4.0, **ways)
    assert set(found.status) == {"converged"}
    beside = small.assign(region=small.rater_id.map(told.set_index("rater_id").region))
    plain = models.fit(beside, None, declared(formula="rating ~ source * domain + (1 | region)")).contrasts
    assert found.estimate.tolist() == plain.estimate[:3].tolist()
    assert found.std_error.tolist() == plain.std_error[:3].tolist()
    untold = multiverse.fit(small, None, declared(), middle=4.0, **ways)
    assert untold.status.str.contains("the formula names 'region', which is no column of the ratings").all()


def test_with_one_post_and_one_domain_there_is_none_to_leave_out(small, tmp_path):
    found = models.without_each(small[small.post_id == "p000"], None, declared(formula=TWO))
    assert found.empty
    tables.LEAVE_ONE_OUT.write(found, tmp_path / "table.csv")
    assert list(tables.LEAVE_ONE_OUT.read(tmp_path / "table.csv")) == tables.LEAVE_ONE_OUT.names


ONE = {"rater": "(1 | rater_id)", "post": "(1 | post_id)"}


def test_the_multiverse_holds_every_combination_and_each_is_the_model_it_names(small, tmp_path):
    left = small.assign(included=~small.rater_id.isin(["r000", "r001"]))
    declared_ = declared(formula="rating ~ source")
    found = multiverse.fit(
        left,
        None,
        declared_,
        middle=4.0,
        exclusions=["declared", "none"],
        treatments=["gaussian", "centred", "ordinal", "binomial"],
        structures=ONE,
    )
    tables.MULTIVERSE.write(found, tmp_path / "table.csv")
    assert len(found) == 2 * 4 * 2 * 3
    assert found.groupby("exclusions").n.unique().map(list).to_dict() == {"declared": [14 * 12], "none": [16 * 12]}

    def row(excluded, treatment, structure):
        one = (found.exclusions == excluded) & (found.treatment == treatment) & (found.structure == structure)
        return found[one].set_index("contrast").loc["human - nf4"]

    crossed = "rating ~ source * domain + (1 | rater_id)"
    plain = models.fit(left, None, declared(formula=crossed)).contrasts.iloc[0]
    mine = row("declared", "gaussian", "rater")
    assert (mine.estimate, mine.d, mine.formula_fitted) == (plain.estimate, plain.d, crossed)
    assert (mine.d_conf_low, mine.d_conf_high) == pytest.approx(
        (mine.conf_low * mine.d / mine.estimate, mine.conf_high * mine.d / mine.estimate)
    )
    assert {"conf_low", "d", "status"} <= set(found) and (found.d_conf_low < found.d).all()
    # Balanced over raters: centring takes out what a rater's intercept takes out.
    assert row("none", "centred", "post").estimate == pytest.approx(row("none", "gaussian", "post").estimate, abs=0.2)
    high = small.assign(rating=(small.rating > 4).astype(float)).groupby(["source", "domain"]).rating.mean()
    assert (row("none", "binomial", "post").estimate < 0) == (high["human"].mean() < high["nf4"].mean())
    assert row("none", "ordinal", "rater").formula_fitted == "rating ~ source + domain + (1 | rater_id)"
