"""Reports on studies that lack a part, or have far more of it than the shipped ones."""

import html
from dataclasses import replace

import pages
import pandas as pd
import pytest
from made_up_run import ROOT, config_of, write, write_many

from empathic import checks, tables
from empathic.notes import of_ratio
from empathic.report import (
    diagnostics,
    expand,
    figures,
    head,
    loading,
    methods,
    outcomes,
    raters,
    render,
    robustness,
    styles,
)

EXPORT = {"file": "ratings.csv", "origin": "observed", "rights": "CC BY 4.0", "format": "long"}


def odd_config():
    """One study with texts of one source and no ratings, one with ratings alone; no claims."""
    config = config_of("configs/smoke.yaml")
    config["claims"] = []
    config["sources"]["human"]["responses"] = {}
    texts, alone = config["studies"]["study2"], config["studies"]["study1"]
    del texts["ratings"], alone["posts"]
    texts["sources"] = ["smollm2_nf4"]
    alone["ratings"] = {"exports": [EXPORT]}
    config["studies"] = {"texts": texts | {"title": "Texts"}, "alone": alone | {"title": "Ratings"}}
    return config


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    made = write(tmp_path_factory.mktemp("odd"), odd_config(), fit={"status": "failed", "singular": True})
    return made, loading.load(made.results, made.simulated)


@pytest.fixture(scope="module")
def usual_tables(tmp_path_factory):
    return write(tmp_path_factory.mktemp("usual"))


@pytest.fixture
def usual(usual_tables):
    return loading.load(usual_tables.results, usual_tables.simulated)


@pytest.fixture
def chdir(tmp_path, monkeypatch):
    """A folder to draw into."""
    monkeypatch.chdir(tmp_path)


def rendered(made, path):
    render.render(made.results, made.simulated, path, engine="pandoc", source=ROOT / "report", say=lambda line: None)
    return pages.read(path)


def test_texts_without_ratings_and_ratings_without_texts_make_one_report_that_says_what_it_leaves_out(odd, tmp_path):
    made, _ = odd

    page = rendered(made, tmp_path / "page.html")

    assert "Awaiting ratings: Texts." in page.text
    assert "Texts awaits ratings: 12 responses to 12 posts are ready." in page.text
    assert "This study awaits ratings: there are no means, contrasts or models yet." in page.text
    assert "This study has ratings and no texts, so there are no example responses." in page.text
    assert "Ratings has no texts, and so no style." in page.text
    assert "Claims: the config names no claims" in page.text
    assert "It did not converge: no claim may rest on it." in page.text
    assert "The fit is singular: a variance is estimated as zero." in page.text
    # It names no claim of the paper and is no replication of it; only the references may be anything's.
    assert "Lee" not in page.text
    assert "No two sources of this study can be compared in style" in page.text
    assert [caption.split(":")[0] for caption in page.captions if "Figure" in caption] == [
        "Figure 1",
        "Figure 2",
        "Figure 3",
        "Figure 4",
        "Figure 5",
        "Figure 6",
        "Figure 7",
        "Figure 8",
        "Figure 9",
    ]


@pytest.mark.slow
def test_eight_sources_and_twelve_domains_make_a_report_that_is_small(tmp_path):
    page = rendered(write_many(tmp_path), tmp_path / "page.html")

    assert "Drawn are the 7 contrasts with the reference, of 28; the table has all." in page.text
    assert "A model of number 6" in page.text
    assert (tmp_path / "page.html").stat().st_size < 6e6


def test_the_warning_below_the_title_names_the_weakest_origin_first_and_what_is_awaited(odd, usual):
    assert head.warning(usual) == (
        "Simulated ratings, so nothing here is a finding about people; "
        "stand-ins in place of observed posts or responses"
    )
    assert head.warning(odd[1]) == "Stand-ins in place of observed posts or responses; awaiting ratings"


def test_origins_are_listed_by_study_from_the_tables_and_not_from_the_config(odd, usual):
    first, second, last = head.origins(usual).splitlines()

    assert first == (
        "- **Study 1:** **the ratings are simulated**; no person gave them, and every model below was fitted to them. "
        "The posts are stand-ins, written for this package. The responses of SmolLM2&#45;135M in NF4 &#40;from "
        "Q4&#95;1&#41; and SmolLM2&#45;135M in float32 &#40;from Q4&#95;1&#41; are what these sources wrote. The "
        "responses of human &#40;stand&#45;in&#44; not by a person&#41; are stand-ins, written for this package."
    )
    assert "human" not in second
    assert last == "- **No number below that rests on simulated ratings or stand-in texts is a finding.**"
    assert head.origins(odd[1]).splitlines()[1] == (
        "- **Ratings:** the ratings are observed. There are no texts, only ratings."
    )


def test_claims_and_what_the_rules_would_say_are_counted_apart(usual):
    line = head.summary(usual).splitlines()[-1]

    assert line == (
        "- **Claims:** of 6 claims, 0 replicated, 0 not replicated, 0 inconclusive and 6 not testable. Were the data "
        "of 4 of them observed, the same rules would have said: 2 recovered, 0 not recovered and 2 inconclusive."
    )
    assert "recovered" not in head.claims_table(usual)
    assert "replicated" not in head.demo_table(usual)


def test_reported_figures_are_not_entered_till_someone_does(usual):
    table = head.claims_table(usual)
    assert table.count("not entered") == 2

    usual.claims.loc[0, ["reported", "reported_low", "reported_high", "reported_scale", "reported_page"]] = [
        0.5,
        0.1,
        0.9,
        "1-5",
        "66",
    ]
    assert 'data-head="Reported">0.50 [0.10, 0.90] (1-5) (66)</td>' in head.claims_table(usual)


def test_a_study_without_humans_says_why_nothing_is_said_of_them(usual):
    left_out = head.left_out(usual)

    assert "**Study 2:** no source is human. So nothing is said of humans here" in left_out
    assert "**Study 1:** no source is human" not in left_out
    assert "**Study 1:** the model *two&#95;intercept* is fitted without" in left_out


def row_of(table, named):
    """The cells of the table's row that is headed by this."""
    return next(row for row in pages.rows_of(table) if row[0] == named)


def test_how_many_fail_each_check_stands_in_the_table_with_their_share_of_those_judged(usual):
    study = usual.studies["study1"]
    arm = dict.fromkeys(("n_below", "n_say_ai", "n_repetitive"), 0)
    arm |= {"n_posts": 6, "n_answered": 5, "n_responses": 8, "n_errors": 2, "n_empty": 1, "words_median": 70.5}
    arm |= {"n_above": 1, "n_truncated": 4, "n_refusals": pd.NA, "n_prompt_leaks": 2, "n_other_language": 1}
    study.quality.loc[1, list(arm | {"n_language": 4})] = [*arm.values(), 4]
    study.quality.loc[0, ["n_truncated", "n_errors"]] = pd.NA

    table = methods.quality_table(study)

    assert row_of(table, "SmolLM2-135M in NF4 (from Q4_1)") == [
        *("SmolLM2-135M in NF4 (from Q4_1)", "5 of 6", "8", "2", "70.5", "0 (0.0%)", "1 (12.5%)", "4 (50.0%)"),
        *("–", "0 (0.0%)", "2 (25.0%)", "0 (0.0%)", "1 (25.0%)"),
    ]
    people = row_of(table, "human (stand-in, not by a person)")
    assert (people[3], people[7]) == ("–", "–")
    assert "the 100 to 150 words asked for" in table
    study.settings["asked_words"] = None
    assert "No length was asked for." in methods.quality_table(study)


def test_what_stands_out_is_said_in_words_and_nothing_else(usual):
    study = usual.studies["study1"]
    counts = [check.counted for check in checks.CHECKS]
    study.quality[counts] = 0
    study.quality[["n_posts", "n_answered", "n_responses", "n_language"]] = 20
    study.quality[["n_errors", "n_flagged"]] = 0
    in_all = "- In all, 0 of 60 texts fail at least one check. None is left out for it.\n"

    assert methods.quality_notes(study) == (
        "- Every post has its answers, and no check is failed by more than 5% of a source's texts.\n" + in_all
    )

    study.quality["n_truncated"] = [pd.NA, 1, 2]  # 5% do not stand out, 10% do
    study.quality.loc[2, ["n_other_language", "n_language"]] = [2, 10]
    study.quality.loc[0, "n_answered"] = 19
    study.quality.loc[1, ["n_errors", "n_empty"]] = [1, 0]
    assert methods.quality_notes(study) == (
        "- **human &#40;stand&#45;in&#44; not by a person&#41;:** 1 of 20 posts got no answer.\n"
        "- **SmolLM2&#45;135M in NF4 &#40;from Q4&#95;1&#41;:** 1 response could not be had (0 came back empty).\n"
        "- **SmolLM2&#45;135M in float32 &#40;from Q4&#95;1&#41;:** of 20 texts, 10.0% are cut by the limit of new "
        "tokens and 20.0% are in another language than the study's.\n" + in_all
    )


def test_texts_that_were_made_with_fewer_rows_than_asked_for_are_counted(usual):
    study = usual.studies["study2"]
    source = list(study.generations)[0]
    records = study.generations[source] = study.generations[source].assign(batch_size=32, batch_size_run=32)
    before = methods.quality_notes(study)

    records.loc[records.index[:3], "batch_size_run"] = 16

    assert "came from fewer rows" not in before
    assert "3 texts came from fewer rows than batch_size asks for, as memory was short" in methods.quality_notes(study)


def test_the_sources_name_the_device_that_the_records_name_where_the_config_leaves_it_open(usual):
    source = usual.studies["study1"].declared["smollm2_nf4"]
    assert "computing in float32 on cpu" in methods.sources_table(usual)
    source |= {"device": "auto", "redraws": 2}
    for study in usual.studies.values():
        study.generations["smollm2_nf4"]["device"] = "cuda"

    table = methods.sources_table(usual)

    assert "NF4, 4 bit, computing in float32 on cuda" in table and "auto" not in table
    assert "up to 2 new draws of a response outside the words asked for" in table


def test_each_prompt_is_shown_in_full_with_the_sources_that_name_it(usual):
    usual.studies["study1"].declared["smollm2_fp32"]["prompt"] = "data/prompts/warm.md"
    usual.studies["study2"].declared["smollm2_fp32"]["prompt"] = "data/prompts/warm.md"
    usual.provenance["shown"]["data/prompts/warm.md"] = "Be warm: {post}\n"

    shown = html.unescape(methods.prompts(usual))

    base, warm = shown.split("data/prompts/warm.md, given to SmolLM2-135M in float32 (from Q4_1):")
    assert base.startswith("data/prompts/base.md, given to SmolLM2-135M in NF4 (from Q4_1):")
    assert "You are a peer supporter" in base and "float32" not in base and "Be warm: {post}" in warm


def test_a_fit_is_told_as_fit_json_has_it(usual):
    model = usual.studies["study1"].deciding
    sentence = outcomes.fit_sentence(model)
    assert (
        "was fitted to 576 ratings by REML (Satterthwaite&#39;s df). It converged (relative gradient 0.00010)."
        in sentence
    )

    model.fit.update(refits=[{"optimizer": "bobyqa"}], warnings=["max|grad|"], df_method="residual", gradient=None)
    sentence = outcomes.fit_sentence(model)
    assert "by least squares (residual df). Its first optimizer stopped short; two agree on the likeliest" in sentence
    assert sentence.endswith("On the way R warned: max&#124;grad&#124;.")

    singular, other = "boundary (singular) fit: see help('isSingular')", "Model failed to converge: degenerate"
    fixed = "rating ~ source + domain + source:domain"
    of_several = [
        singular,
        of_ratio("source:domain", fixed, singular),
        of_ratio("source", fixed, f"bobyqa: {singular}"),
    ]
    model.fit["warnings"] = [*of_several, f"bobyqa: {other}", f"bobyqa: {other}"]
    said = html.unescape(outcomes.fit_sentence(model))
    assert said.endswith(f"On the way R warned: {singular} (of several fits); bobyqa: {other}.")

    model.fit["status"] = "failed"
    assert "**It did not converge: no claim may rest on it.**" in outcomes.fit_sentence(model)


def test_a_study_whose_model_has_no_domains_says_so_and_is_still_drawn(usual):
    study = usual.studies["study1"]
    study.models["deciding"] = replace(study.deciding, contrasts=study.deciding.overall)
    study.deciding.fit["sum_coded"] = {}

    assert outcomes.domain_table(study) == "The deciding model of this study has no contrasts by domain."
    assert [label.get_text() for label in figures.contrasts(study).axes[0].get_yticklabels()] == ["all domains"]
    assert "sum to zero" not in outcomes.fixed_table(study)


def test_each_adjustment_is_named_under_the_contrasts(usual):
    study = usual.studies["study1"]
    for adjust, words in {"holm": "are Holm's", "tukey": "are Tukey's, of all pairs", "none": "not adjusted"}.items():
        contrasts = study.deciding.contrasts.assign(adjust=adjust)
        study.models["deciding"] = replace(study.deciding, contrasts=contrasts)
        assert words in html.unescape(outcomes.contrasts_table(study)), adjust
        assert words in html.unescape(outcomes.domain_table(study)), adjust


def test_a_fit_that_r_gave_up_is_told_and_drawn_without_numbers(usual, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a report draws into figures/
    study = usual.studies["study1"]
    numbers = ["estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "d", "sesoi", "p_adjusted"]
    numbers += ["conf_low_90", "conf_high_90", "conf_low_adj", "conf_high_adj", "p_equivalence", "percent_of_range"]
    means, contrasts = (
        table.assign(**dict.fromkeys(set(numbers) & set(table), float("nan")))
        for table in (study.deciding.means, study.deciding.contrasts)
    )
    fixed, random, tests = (
        table.iloc[:0] for table in (study.deciding.fixed, study.deciding.random, study.deciding.tests)
    )
    study.models["deciding"] = replace(
        study.deciding, means=means, contrasts=contrasts, fixed=fixed, random=random, tests=tests
    )
    nothing = dict.fromkeys(["gradient", "r2_marginal", "r2_conditional", "sigma_total", "sesoi", "logLik", "AIC"])
    study.deciding.fit.update(status="failed", warnings=["R gave the fit up: Cannot compute vcov"], **nothing)

    told = outcomes.fit_sentence(study.deciding)
    assert "**It did not converge: no claim may rest on it.**" in told and "Cannot compute vcov" in told
    for part in (
        outcomes.means,
        outcomes.contrasts,
        outcomes.means_table,
        outcomes.contrasts_table,
        outcomes.domain_table,
        outcomes.tests_table,
        outcomes.fixed_table,
        outcomes.random_table,
        outcomes.models_table,
        outcomes.truth_table,
    ):
        assert "nan" not in part(study), part
    for drawing in (figures.means, figures.contrasts):
        figures.save(drawing(study), tmp_path / "figure.svg")


def test_sum_coded_terms_are_given_their_domains_and_what_is_told_of_raters(usual):
    study = usual.studies["study1"]
    said = (
        "Domains are coded to sum to zero: domain1 is parenting and domain2 is relationships, and workplace is minus "
        "their sum."
    )
    assert said in outcomes.fixed_table(study)
    study.deciding.fit["sum_coded"]["sex"] = ["Female", "Male"]
    of_sex = "The effects of sex are coded to sum to zero: sex1 is Female, and Male is minus their sum."
    assert f"{said} {of_sex}" in outcomes.fixed_table(study)


def test_examples_are_the_first_post_of_each_domain(usual):
    study = usual.studies["study2"]
    first = [rows.post_id.iloc[0] for _, rows in study.posts.groupby("domain", sort=False)]

    shown = outcomes.examples(study)

    assert [post for post in study.posts.post_id if f"Post {post}<" in shown] == first


def every_way(study):
    """The ratings of a study analysed one way, of each contrast."""
    known = {
        "exclusions": "none",
        "treatment": "gaussian",
        "structure": "deciding",
        "d": -0.2,
        "p_value": 0.01,
        "origin": study.deciding.fit["origin"],
    }
    return pd.DataFrame([known | {"contrast": name} for name in study.deciding.overall.contrast])


@pytest.mark.parametrize(
    "drawing",
    [
        figures.distribution,
        figures.means,
        figures.contrasts,
        figures.overall,
        figures.by_domain,
        diagnostics._residuals,
        diagnostics._random_effects,
        lambda study: robustness._multiverse(study, every_way(study), figures.drawn_contrasts(study)),
    ],
    ids=["ratings", "means", "contrasts", "overall", "by domain", "residuals", "random effects", "multiverse"],
)
def test_every_drawing_of_simulated_ratings_says_so_inside(usual, drawing):
    assert drawing(usual.studies["study1"]).get_suptitle() == "SIMULATED RATINGS: no finding"


def test_a_drawing_of_stand_in_texts_says_so_inside_and_one_of_observed_data_says_nothing(odd, usual):
    assert figures.style(usual.studies["study1"]).get_suptitle() == "STAND-IN TEXTS: no finding"
    assert figures.style(usual.studies["study2"]).get_suptitle() == ""
    assert figures.means(odd[1].studies["alone"]).get_suptitle() == ""


def test_a_drawing_of_the_same_data_is_the_same_file_and_takes_no_dollar_for_mathematics(usual, tmp_path):
    study = usual.studies["study1"]
    study.declared["human"]["title"] = "a $5 and $x^{ source"
    for name in ("one", "two"):
        figures.save(figures.means(study), tmp_path / f"{name}.svg")

    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_means_are_drawn_where_the_table_has_them_with_the_truth_beside(usual):
    study = usual.studies["study2"]
    table = study.deciding.means[study.deciding.means.domain.isna()].set_index("source")

    axes = figures.means(study).axes[0]

    points = axes.collections[2].get_offsets()
    assert [tuple(point) for point in points] == [
        (table.estimate["smollm2_nf4"], 1),
        (table.estimate["smollm2_fp32"], 0),
    ]
    assert list(axes.lines[0].get_xdata()) == [4.1, 4.5]


FROZEN = {"folder": "data/frozen/r/study1", "run": "r", "study": "study1", "frozen_at": "2026-03-01T10:00:00+00:00"}


def test_of_a_frozen_study_it_is_said_where_and_when_and_each_later_change_is_listed(usual):
    changes = [{"what": "exclusions > too_fast > seconds", "was": "180.0", "now": "60.0 {x} <b>"}]
    known = {"study1": FROZEN | {"changes": changes}, "study2": FROZEN | {"changes": []}}
    run = replace(usual, provenance=usual.provenance | {"frozen": known})

    shown = methods.frozen(run)
    said = html.unescape(shown)

    assert "- Study 1: frozen on 2026-03-01 by the run r (data/frozen/r/study1); 1 later change of" in said
    assert "- Study 2: frozen on 2026-03-01 by the run r (data/frozen/r/study1); no later change of" in said
    assert row_of(shown, "Study 1") == ["Study 1", "exclusions > too_fast > seconds", "180.0", "60.0 {x} <b>"]
    assert "<b>" not in shown and "{x}" not in shown
    assert "<table" not in methods.frozen(
        replace(run, provenance=usual.provenance | {"frozen": {"study2": known["study2"]}})
    )


def test_only_a_report_on_frozen_texts_has_a_section_on_them(usual):
    frozen = replace(usual, provenance=usual.provenance | {"frozen": {"study1": FROZEN | {"changes": []}}})
    source = ROOT / "report" / "report.qmd"

    assert "## Frozen texts" in expand.document(source, frozen)
    assert "## Frozen texts" not in expand.document(source, usual)


def test_an_archived_source_is_shown_with_the_models_that_its_file_names_and_its_licence(usual):
    study = usual.studies["study1"]
    study.declared["human"] |= {"kind": "archived", "licence": "their terms"}
    rows = study.responses.source == "human"
    study.responses["model"] = study.responses.source.where(~rows, "gpt-4-1106-preview").where(rows)

    study.responses["origin"] = "observed"

    shown = methods.sources_table(usual)

    archived = row_of(shown, "human (stand-in, not by a person)")
    assert archived[1:3] == ["an archive", "gpt-4-1106-preview; licence: their terms"]


def test_ratings_that_are_declared_and_awaited_are_no_ratings(tmp_path):
    config = config_of("configs/smoke.yaml")
    for study in config["studies"].values():
        study["ratings"] = {"exclusions": ["unfinished"]}
    config["claims"] = []
    made = write(tmp_path, config)

    run = loading.load(made.results, made.simulated)

    assert [study.name for study in run.awaiting] == ["study1", "study2"] and not run.rated
    assert "awaiting ratings" in head.warning(run)


def test_style_says_what_was_compared_and_what_is_left_out(usual):
    study = usual.studies["study1"]
    page = {name: str(getattr(styles, name)(study)) for name in ("contrasts_table", "classifier")}
    page["likeness_table"] = styles.likeness_table(usual, study)

    tests = int(study.style_tables["contrasts"].p_value.notna().sum())
    assert tests == 21
    assert f"of all {tests} tests of the study" in page["contrasts_table"]
    assert "**Stand-in texts.**" in page["contrasts_table"]
    whole = study.style_tables["classifier"].iloc[0]
    assert f"{100 * whole.accuracy:.1f}% of the responses are told right" in page["classifier"]
    assert "Likeness by meaning is left out: the config names no encoder" in page["likeness_table"]
    why = "the ratings are simulated, and simulated raters do not read."
    assert styles.ratings_table(study) == f"Which features go with higher ratings is left out: {why}"


def test_counts_by_a_mixed_model_stand_as_rate_ratios_and_a_fit_that_is_missing_says_why(usual):
    study = usual.studies["study1"]
    row = dict.fromkeys(tables.COUNT_MODELS.names) | {"n": 18, "family_size": 1, "origin": "stand_in"}
    fitted = {"feature": "apologies", "contrast": "human - smollm2_nf4", "status": "converged", "rate_ratio": 1.5}
    fitted |= {"estimate": 0.405, "conf_low": -0.105, "conf_high": 0.916, "p_value": 0.12, "p_adjusted": 0.12}
    missing = {"feature": "emojis", "contrast": "human - smollm2_nf4", "status": "left out", "why": "human has none"}
    found = tables.COUNT_MODELS.frame([row | fitted, row | missing])
    study = replace(study, style_tables=study.style_tables | {"count_models": found})

    table = html.unescape(styles.count_models_table(study))

    assert "1.50" in table and "[0.90, 2.50]" in table and ".120" in table
    assert "left out: human has none" in table
    assert "adjusted over 1 test " in table and "**Stand-in texts.**" in table


def test_without_models_of_counts_nothing_is_said_of_them(usual):
    assert "count_models" not in usual.studies["study1"].style_tables
    assert styles.count_models_table(usual.studies["study1"]) == ""


def test_ratings_of_people_stand_beside_features(tmp_path):
    config = config_of("configs/smoke.yaml")
    config["claims"] = []
    del config["studies"]["study2"]
    config["studies"]["study1"]["ratings"] = {"exports": [EXPORT]}
    made = write(tmp_path, config)
    study = loading.load(made.results, made.simulated).studies["study1"]

    table = str(styles.ratings_table(study))

    assert "r within sources" in table and "rest on 3 sources, and test nothing." in table
    assert figures.style(study).get_suptitle() == "STAND-IN TEXTS: no finding"


def test_features_that_no_response_has_are_named_once_and_have_no_row(usual):
    study = usual.studies["study1"]
    without = study.style.assign(mean=study.style["mean"].where(study.style.feature != "emojis", 0.0))

    table = str(styles.features_table(replace(study, style=without)))

    assert "Left out, as no response has any: emojis." in table
    features = [row[0] for row in pages.rows_of(table)[1:]]
    assert "emojis" not in features and "apologies" in features


def test_an_arm_that_is_not_the_paper_s_says_so_in_the_table_of_sources(tmp_path):
    config = config_of("configs/paper.yaml")
    del config["sources"]["gpt4_turbo"]
    for study in config["studies"].values():
        study["sources"].remove("gpt4_turbo")
    config["claims"] = []
    made = write(tmp_path, config)

    table = methods.sources_table(loading.load(made.results, made.simulated))

    for title in ("Llama2 13B Chat in NF4", "Mistral 7B Instruct in NF4"):
        assert "not the same arm as the paper's, which was reached by API" in row_of(table, title)[2]


def on_a_link(study, family, link, **columns):
    """The study with a deciding model whose estimates are on the scale of a link, and further columns of its means."""
    model = study.deciding
    means = model.means.assign(estimate=0.01, conf_low=-0.2, conf_high=0.22, **columns)
    contrasts = model.contrasts.assign(percent_of_range=float("nan"))
    fit = model.fit | {"family": family, "link": link}
    return replace(study, models=study.models | {"deciding": replace(model, means=means, contrasts=contrasts, fit=fit)})


def test_of_an_ordinal_model_the_means_are_those_it_expects_of_raters_and_the_contrasts_are_latent(usual, chdir):
    expected = {"expected": 5.25, "expected_std_error": 0.1, "expected_conf_low": 5.05, "expected_conf_high": 5.45}
    study = on_a_link(usual.studies["study1"], "ordinal", "probit", **expected)

    summary = head.summary(replace(usual, studies={"study1": study}))
    assert "Estimated mean ratings on a scale from 1 to 7, with 95% intervals:" in summary
    assert "5.25 [5.05, 5.45]" in summary and "0.01" not in summary
    for part in (outcomes.means, outcomes.means_table):
        shown = html.unescape(part(study))
        assert "mean answers that the ordinal model expects, in units of the scale," in shown
        assert "5.25" in shown and "0.01" not in shown
    assert "5.25" in outcomes.truth_table(study) and "5.25" in outcomes.order(study)
    points = figures.means(study).axes[0].collections[2].get_offsets()
    assert {x for x, _ in points} == {5.25}
    assert set(pd.read_csv("figures/study1-means.csv").estimate) == {5.25}
    for part in (outcomes.overall, outcomes.contrasts, outcomes.contrasts_table, outcomes.domain_table):
        assert "on the latent scale of the probit link" in html.unescape(part(study)), part
        assert "units of the scale" not in part(study), part
    assert "% of range" not in outcomes.contrasts_table(study)
    assert figures.overall(study).axes[0].get_xlabel() == "Difference on the latent scale of the probit link"


@pytest.mark.parametrize(("family", "link"), [("binomial", "logit"), ("poisson", "log"), ("ordinal", "probit")])
def test_means_on_the_scale_of_a_link_are_called_so_and_stand_beside_no_rating_and_no_truth(usual, chdir, family, link):
    study = on_a_link(usual.studies["study1"], family, link)
    scale = f"on the {'latent scale' if family == 'ordinal' else 'scale'} of the {link} link"

    summary = head.summary(replace(usual, studies={"study1": study}))
    assert f"Estimated means {scale}, with 95% intervals:" in summary and "mean ratings" not in summary
    shown = outcomes.means(study)
    assert f"estimated marginal means {scale}" in shown and "circle" not in shown and "diamond" not in shown
    drawing = figures.means(study).axes[0]
    assert drawing.get_xlabel() == f"Estimated mean {scale}"
    assert not drawing.lines and {x for one in drawing.collections[1:] for x, _ in one.get_offsets()} == {0.01}
    assert figures.by_domain(study).get_supxlabel() == f"Estimated mean {scale}"
    assert outcomes.truth_table(study).startswith("The means of the deciding model are on the scale of its link")


def test_each_model_is_told_by_what_its_estimates_are_in(usual):
    study = usual.studies["study1"]
    ordinal = replace(
        study.models["ordinal"], fit=study.models["ordinal"].fit | {"family": "ordinal", "link": "probit"}
    )
    table = outcomes.models_table(replace(study, models=study.models | {"ordinal": ordinal}))

    assert {tuple(row[1:3]) for row in pages.rows_of(table)[1:]} == {
        ("deciding (decides)", "in units of the scale"),
        ("two_intercept", "in units of the scale"),
        ("ordinal", "on the latent scale of the probit link"),
    }


def test_the_claims_say_what_their_estimates_are_in_and_speak_of_a_paper_only_where_there_is_one(usual):
    both = usual.claims.assign(family=["primary", "primary", "style"] * 2, estimate=0.3)
    own = both.assign(certainty="own")

    def told(claims):
        return head.claims_table(replace(usual, claims=claims))

    ratings, style = "of a claim about ratings in units of the scale", "of one about style in the unit of its feature"
    assert f"({ratings} and {style})" in told(both) and "the paper's abstract" in told(both)
    assert f"({style})" in told(own[own.family == "style"])
    assert f"({ratings})" in told(own[own.family == "primary"])
    assert "paper's" not in told(own).replace("and no paper's", "") and "Reported" not in told(own)
    assert "The estimate is" not in told(own.assign(estimate=float("nan")))
    study = on_a_link(usual.studies["study1"], "ordinal", "probit")
    latent = replace(usual, studies=usual.studies | {"study1": study}, claims=own[own.study == "study1"])
    assert "of a claim about ratings on the latent scale of the probit link" in head.claims_table(latent)


def test_of_one_source_nothing_is_compared_by_any_model_or_by_its_words(tmp_path):
    simulate = {"raters": 20, "posts_per_rater": 5, "effects": {"sources": {"human": 0.0}}}
    config = config_of("configs/smoke.yaml") | {"claims": []}
    changed = {"sources": ["human"], "ratings": {"simulate": simulate}}
    config["studies"] = {"study1": config["studies"]["study1"] | changed}
    made = write(tmp_path, config)
    run = loading.load(made.results, made.simulated)
    document = expand.document(ROOT / "report" / "report.qmd", run)

    assert "to show how much hangs on the choice" not in document and "outcomes.models_table" not in document
    assert "outcomes.fit_sentence(model) for model in study.others.values()" in document
    study = run.studies["study1"]
    assert styles.distinctive_table(study) == "There is one source, and so none whose words could be set against it."


def test_of_one_domain_nothing_is_told_by_domain(tmp_path, usual):
    def one_domain(posts):
        return posts.assign(domain="parenting")

    config = config_of("configs/smoke.yaml") | {"claims": []}
    made = write(tmp_path, config, change_posts=one_domain)
    run = loading.load(made.results, made.simulated)
    document = expand.document(ROOT / "report" / "report.qmd", run)

    assert "there is one domain; what is said by domain is left out." in head.left_out(run)
    for part in ("## By domain", "outcomes.contrasts(", "outcomes.by_domain(", "outcomes.interaction(study)"):
        assert part not in document, part
        assert part in expand.document(ROOT / "report" / "report.qmd", usual), part
    assert "outcomes.contrasts_table(study)" in document


def test_only_a_report_on_the_paper_says_that_its_assignment_is_not_known(usual):
    study = usual.studies["study1"]
    own = replace(usual, claims=None)

    assert "This assignment is ours; the paper&#39;s is not known here." in raters.assignment(usual, study)
    assert "This assignment is ours." in raters.assignment(own, study) and "paper" not in raters.assignment(own, study)


def test_likeness_by_meaning_names_its_encoder_by_its_title(usual):
    study = usual.studies["study1"]
    study.settings["style"]["embeddings"] = "minilm"
    encoded = study.style_tables["likeness"].assign(measure="embeddings")
    models = usual.config["models"] | {"minilm": {"title": "all-MiniLM-L6-v2"}}
    run = replace(usual, provenance=usual.provenance | {"config": usual.config | {"models": models}})

    table = styles.likeness_table(run, replace(study, style_tables=study.style_tables | {"likeness": encoded}))

    assert "Embeddings are those of all-MiniLM-L6-v2." in html.unescape(table)
