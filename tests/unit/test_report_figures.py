"""The report's drawings and what lies beside them, on a made-up run."""

import math
import re
from dataclasses import replace

import numpy as np
import pages
import pandas as pd
import pytest
from made_up_run import write
from matplotlib.colors import to_rgb

from empathic import instrument, rulegraph, tables
from empathic.report import (
    blocks,
    diagnostics,
    figures,
    head,
    loading,
    outcomes,
    reproducibility,
    robustness,
    rule_figure,
    styles,
    verdict_figure,
)

# As Snakemake 9.27.1 prints it.
MERMAID = """---
title: DAG
---
flowchart TB
	id0[all]
	id1[render_report]
	id2[merge_ratings]
	id3[fit_model]
	style id0 fill:#D95757,stroke-width:2px,color:#333333
	id1 --> id0
	id2 --> id1
	id3 --> id1
	id2 --> id3
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write(tmp_path_factory.mktemp("figures"))


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return loading.load(made.results, made.simulated)


@pytest.fixture
def study(run):
    return run.studies["study1"]


def beside(study, name):
    return pd.read_csv(f"figures/{study.name}-{name}.csv")


def test_beside_each_figure_lie_its_svg_its_pdf_and_the_numbers_that_it_draws(study, tmp_path):
    outcomes.overall(study)

    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "study1-contrasts.csv",
        "study1-contrasts.pdf",
        "study1-contrasts.svg",
    ]
    assert beside(study, "contrasts").estimate.tolist() == pytest.approx(study.deciding.overall.estimate.tolist())
    assert set(beside(study, "contrasts").origin) == {"simulated"}


def test_the_circles_behind_the_means_are_all_ratings_that_the_models_read(study):
    table = figures.answers(study)

    assert table.n.sum() == len(study.used)
    assert table.groupby("source").share.sum().tolist() == pytest.approx([1, 1, 1])


def rated(study, ratings, scale, items=1):
    """The study with these ratings of each source in place of its own: averages of so many items on a scale."""
    names = [f"item{number}" for number in range(items)]
    asked = instrument.Instrument(
        items=[instrument.Item(name=name, wording="?", scale=scale) for name in names],
        scales=[instrument.Average(name="warmth", items=names)] if items > 1 else [],
    )
    item = "warmth" if items > 1 else "item0"
    own = [rows.head(len(ratings)).assign(rating=ratings, item=item) for _, rows in study.used.groupby("source")]
    settings = study.settings | {"ratings": study.settings["ratings"] | {"item": item}}
    return replace(study, ratings=pd.concat(own), instrument=asked, settings=settings)


def human(table):
    return list(table.loc[table.source == "human", ["rating", "n"]].itertuples(index=False, name=None))


def test_an_average_counts_as_the_answer_next_to_it_however_it_was_rounded(study):
    same = [13 / 3, math.nextafter(13 / 3, 5), 4.333333333]
    between = 2.4  # an item was left out
    averaged = rated(study, [*same, between, 5.0], instrument.Scale(min=1, max=5), items=3)
    assert len(set(same)) == 3

    assert human(figures.answers(averaged)) == [(pytest.approx(7 / 3), 1), (pytest.approx(13 / 3), 3), (5.0, 1)]
    for axes in figures.distribution(averaged).axes:
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(100)


def test_neighbours_on_a_scale_of_many_answers_count_together_at_their_middle(study, tmp_path):
    slider = rated(study, [0, 6, 7, 98, 100], instrument.Scale(min=0, max=100))

    assert human(figures.answers(slider)) == [(3.0, 2), (10.0, 1), (99.0, 2)]
    assert "Each bar counts one of 7 neighbouring answers." in outcomes.distribution(slider)
    assert "gave one of 7 neighbouring answers" in outcomes.means(slider)
    assert set(beside(slider, "ratings").rating) == {3, 10, 99}, "beside the figure lies what it draws"
    assert "neighbouring" not in outcomes.distribution(study) + outcomes.means(study)


def test_two_sources_count_as_equivalent_where_the_thick_line_lies_in_the_band(study):
    axes = figures.overall(study).axes[0]
    row = study.deciding.overall.iloc[0]

    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    thick = axes.collections[0].get_segments()[0]
    assert (band.x0, band.x1) == pytest.approx((-row.sesoi, row.sesoi))
    assert thick[:, 0].tolist() == pytest.approx([row.conf_low_90, row.conf_high_90])


def test_sources_stand_in_their_order_in_each_domain(study):
    means = study.deciding.means
    rows = means[means.domain == "parenting"].sort_values("estimate", ascending=False)

    titles = [label.get_text().replace("\n", " ") for label in figures.by_domain(study).axes[0].get_yticklabels()]
    assert titles[::-1] == [study.source_title(source) for source in rows.source]
    assert rows.iloc[0].source != rows.iloc[-1].source
    told = dict(pages.rows_of(outcomes.order(study)))["parenting"]
    assert [told.index(study.source_title(source)) for source in rows.source] == sorted(
        told.index(study.source_title(source)) for source in rows.source
    )


def test_the_interaction_is_told_as_tested_or_as_not_tested(study):
    assert outcomes.interaction(study) == (
        "The deciding model has no interaction of source and domain, so none is tested."
    )
    row = {"test": "source:domain", "statistic": 7.2, "df_num": 5, "df_den": 9574.2, "p_value": 0.0001, "method": "F"}
    tested = replace(study.deciding, tests=tables.TESTS.frame([row | {"origin": "simulated"}]))
    study.models["deciding"] = tested

    assert outcomes.interaction(study) == (
        "The interaction of source and domain has F(5, 9,574.2) = 7.20, p < .001, of simulated ratings."
    )


def test_only_a_study_without_humans_says_why_nothing_is_said_of_them(run):
    assert outcomes.without_humans(run.studies["study1"]) == ""
    assert outcomes.without_humans(run.studies["study2"]).startswith("No source of this study is human, so nothing")


def test_style_is_drawn_as_differences_from_the_first_source_with_their_sign(study):
    table = figures.style_differences(study)
    compared = study.style_tables["contrasts"].set_index(["contrast", "feature"]).d

    assert "human" not in set(table.source)
    for row in table.itertuples():
        assert row.d == -compared[f"human - {row.source}", row.feature]


def test_of_one_source_no_style_is_drawn_and_it_is_said_why(study):
    alone = study.style_tables | {"contrasts": study.style_tables["contrasts"].iloc[:0]}

    assert styles.features(replace(study, style_tables=alone)) == (
        "No two sources of this study can be compared in style: there is one, or they share no post."
    )


def test_residuals_and_random_effects_are_drawn_with_their_numbers_beside(study):
    diagnostics.residuals(study)
    said = diagnostics.random_effects(study)

    assert len(beside(study, "residuals")) == len(study.used)
    assert "12 raters and 12 posts" in said
    assert len(beside(study, "random-effects")) == 24


def test_a_model_without_residuals_or_random_effects_says_so(study):
    bare = replace(
        study.deciding,
        residuals=study.deciding.residuals.iloc[:0],
        random_effects=study.deciding.random_effects.iloc[:0],
    )
    study.models["deciding"] = bare

    assert diagnostics.residuals(study) == "The deciding model is ordinal, and has no residuals to be drawn."
    assert diagnostics.random_effects(study) == "The deciding model has no random effects."


def test_a_quantile_plot_is_thinned_evenly_and_keeps_its_ends():
    rows = pd.DataFrame({"residual": range(12_000)})

    thin = diagnostics.thinned(rows).residual.tolist()
    assert (len(thin), thin[0], thin[-1]) == (400, 0, 11_999)
    assert {b - a for a, b in zip(thin, thin[1:], strict=False)} <= {30, 31}
    assert len(diagnostics.thinned(rows.head(400))) == 400


def test_what_is_made_on_demand_is_named_with_the_command_that_makes_it(study):
    lines = robustness.not_included(study).splitlines()

    assert [re.search(r"snakemake (\w+)", line)[1] for line in lines] == ["robustness", "power", "recovery"]
    assert not robustness.not_included(
        replace(study, multiverse=pd.DataFrame(), power=pd.DataFrame(), recovery=pd.DataFrame())
    ).strip()


def test_each_contrast_of_the_multiverse_rises_and_is_filled_where_p_is_small(study):
    known = {"contrast": "human - smollm2_nf4", "structure": "deciding", "status": "converged", "origin": "simulated"}
    ways = [("declared", "gaussian", -0.1, 0.01), ("none", "gaussian", -0.4, 0.2), ("declared", "centred", -0.3, 0.04)]
    table = tables.MULTIVERSE.frame(
        known | dict(zip(("exclusions", "treatment", "d", "p_value"), way, strict=True)) for way in ways
    )
    study = replace(study, multiverse=table)

    said = robustness.multiverse(study)
    axes, below = robustness._multiverse(study, table, ["human - smollm2_nf4"]).axes

    assert "contrasts by 3 ways of analysing the same ratings" in said and "from −0.40 to −0.10" in said.replace(
        "&#46;", "."
    ).replace("&#8722;", "−")
    (curve,) = axes.collections
    assert list(map(tuple, curve.get_offsets())) == [(0, -0.4), (1, -0.3), (2, -0.1)]
    assert [tuple(colour) == (1, 1, 1, 1) for colour in curve.get_facecolors()] == [True, False, False]
    chosen = {label.get_text(): row for label, row in zip(below.get_yticklabels(), below.collections, strict=True)}
    assert {label: [x for x, _ in row.get_offsets()] for label, row in chosen.items()} == {
        "exclusions as declared": [1, 2],
        "no exclusions": [0],
        "gaussian": [0, 2],
        "centred": [1],
    }


def test_power_and_recovery_are_told_as_their_tables_have_them(study):
    power = {
        "raters": 200,
        "posts": 15,
        "claim_id": "c",
        "test": "greater",
        "true_difference": 0.2,
        "origin": "simulated",
    }
    power |= {
        "verdict": "replicated",
        "studies": 100,
        "n": 81,
        "probability": 0.81,
        "conf_low": 0.72,
        "conf_high": 0.88,
    }
    recovery = dict.fromkeys(tables.RECOVERY.names) | {
        "kind": "numbers",
        "contrast": "human - smollm2_nf4",
        "truth": -0.6,
    }
    recovery |= {
        "data_sets": 50,
        "failed": 0,
        "bias": 0.004,
        "bias_mc_error": 0.01,
        "within": True,
        "origin": "simulated",
    }
    study = replace(study, power=tables.POWER.frame([power]), recovery=tables.RECOVERY.frame([recovery]))

    assert pages.rows_of(robustness.power(study))[1][4:6] == ["0.81", "[0.72, 0.88]"]
    assert pages.rows_of(robustness.recovery(study))[1][3] == "0.004 (0.010)"
    assert "nothing of them is observed" in robustness.power(study)


def test_verdicts_are_drawn_of_what_was_observed_alone(run):
    assert head.verdicts(run) == ""

    claims = run.claims.assign(verdict=["replicated", "not replicated", "inconclusive", *["not testable"] * 3])
    head.verdicts(replace(run, claims=claims.assign(origin="observed")))
    drawn = pd.read_csv("figures/verdicts.csv")
    axes = verdict_figure.verdicts(claims.head(3).assign(origin="observed")).axes[0]

    assert drawn.verdict.tolist() == ["replicated", "not replicated", "inconclusive"]
    assert [one.get_offsets()[0].tolist() for one in axes.collections] == [[1, 0], [2, 1], [0, 2]]


def test_below_each_claim_stands_why_and_each_cell_knows_its_head(run):
    claims = run.claims.assign(why="because of <b> & {x}")
    table = head.claims_table(replace(run, claims=claims))

    assert table.count('<tr role="row" class="below"><td role="cell" colspan="7">because of &#60;b&#62;') == 6
    assert table.count('data-head="Verdict"') == 6
    assert '<a href="#study1">results</a>' in table


def test_links_and_their_words_are_escaped():
    assert blocks.link('a"b', "<i>") == '<a href="#a&#34;b">&#60;i&#62;</a>'


def test_the_rules_are_read_from_what_snakemake_prints_and_the_goal_is_none():
    table = rulegraph.parse(MERMAID)

    assert list(table.fillna("").itertuples(index=False, name=None)) == [
        ("fit_model", "merge_ratings"),
        ("merge_ratings", ""),
        ("render_report", "fit_model"),
        ("render_report", "merge_ratings"),
    ]
    assert rule_figure.levels(table) == {"fit_model": 1, "merge_ratings": 0, "render_report": 2}
    # merge_ratings feeds render_report through fit_model already.
    assert rule_figure.direct(table) == [("merge_ratings", "fit_model"), ("fit_model", "render_report")]


def test_the_rules_of_the_run_are_drawn_and_their_times_listed(run):
    assert "The 3 rules of this run." in reproducibility.rules(run)
    assert pages.rows_of(reproducibility.runtimes_table(run))[1] == ["list rules", "1", "2.5", "2.5", "–"]
    without = replace(run, provenance=run.provenance | {"runtimes": {}})
    assert reproducibility.runtimes_table(without).startswith("Snakemake's benchmarks of this run are not here")


def test_each_claim_stands_by_each_model_the_deciding_one_first_and_it_decides_nothing(run, study):
    table = robustness.claims_by_model(run, study)

    _, *rows = pages.rows_of(table)
    assert [(row[0], row[1], row[3], row[-1]) for row in rows] == [
        ("Claim 1 of study1 in words", "deciding (decides)", "0.31", "recovered"),
        ("Claim 1 of study1 in words", "two_intercept", "0.33", "recovered"),
        ("Claim 2 of study1 in words", "deciding (decides)", "0.31", "inconclusive"),
        ("Claim 2 of study1 in words", "two_intercept", "0.33", "inconclusive"),
    ]
    unasked = run.by_model.assign(claim_id="study1_claim_0", estimate=np.nan, p_for=np.nan)
    assert "Claim 0" not in robustness.claims_by_model(replace(run, by_model=pd.concat([run.by_model, unasked])), study)
    assert "only the deciding model decides" in table and "**Simulated ratings.**" in table
    assert "study2" not in table


def test_the_components_of_each_claim_stand_with_their_own_p_at_most_a_dozen_of_each(run, study):
    _, *rows = pages.rows_of(robustness.components(run, study))
    assert [row[:3] for row in rows] == [[f"Claim {number} of study1 in words", "a - b", "0.31"] for number in (1, 2)]

    one = run.components.iloc[[0]]
    many = pd.concat([one.assign(component=f"a - {number}") for number in range(20)], ignore_index=True)
    table = robustness.components(replace(run, components=many), study)
    assert len(pages.rows_of(table)[1:]) == robustness.MOST_COMPONENTS and "claims_components.csv has all 20." in table


def test_without_claims_none_is_set_beside_another_model(run, study):
    bare = replace(run, claims=None, components=None, by_model=None)

    assert bare.claims_by_model(study).empty and bare.components_of(study).empty


def linear(colour):
    """The linear light of an sRGB colour."""
    values = np.array(to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


# What an eye without one kind of cones sees, of linear light: G. M. Machado, M. M. Oliveira and L. A. F. Fernandes
# (2009), IEEE TVCG 15(6), table of severity 1.0.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
# From linear light to Lab, of the CIE's 1976 recommendation and the white of sRGB (D65).
XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]


def lab(light):
    x, y, z = np.cbrt(np.array(XYZ) @ np.clip(light, 0, 1) / [0.95047, 1, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(first, second, eye):
    """How far two colours lie apart to an eye (CIE 1976, about 2 being just noticeable)."""
    return np.linalg.norm(lab(np.array(BLIND[eye]) @ linear(first)) - lab(np.array(BLIND[eye]) @ linear(second)))


@pytest.mark.parametrize("eye", BLIND)
def test_colours_that_stand_for_sources_next_to_each_other_are_told_apart_by_colour_blind_readers(eye):
    near = list(zip(figures.SHADES, figures.SHADES[1:], strict=False))

    assert [(one, two) for one, two in near if apart(one, two, eye) < 18] == []
    assert apart(figures.MAIN, figures.TRUTH, eye) > 40
    # That the measure can fail: a green and a purple that it took for one.
    assert apart("#007A5A", "#9A4A7A", "deutan") < 16 < apart("#007A5A", "#0072B2", "deutan")


def test_every_colour_that_draws_data_stands_out_on_white_and_no_two_sources_share_colour_and_mark():
    def contrast(colour):
        return 1.05 / (linear(colour) @ np.array(XYZ)[1] + 0.05)

    # 3: what WCAG 2.2 asks of graphics.
    drawn = (*figures.SHADES, figures.MAIN, figures.TRUTH, figures.WARNING, figures.MUTED)
    assert [colour for colour in drawn if contrast(colour) < 3] == []
    assert len(set(zip(figures.SHADES, figures.MARKERS, strict=True))) == len(figures.SHADES)


def test_of_two_sources_the_axis_of_style_names_both_and_of_more_a_legend_names_each(run):
    two, three = (figures.style(run.studies[name]) for name in ("study2", "study1"))

    assert two.axes[0].get_xlabel() == (
        "SmolLM2-135M in float32 (from Q4_1)\nless SmolLM2-135M in NF4 (from Q4_1), in SDs within sources (d)"
    )
    assert not two.legends
    assert [text.get_text() for text in three.legends[0].get_texts()] == [
        "SmolLM2-135M in NF4 (from Q4_1)",
        "SmolLM2-135M in float32 (from Q4_1)",
    ]
