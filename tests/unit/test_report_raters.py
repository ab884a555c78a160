"""What the report says of raters: rules, flow, demographics, assignment, reliability."""

import html
from dataclasses import replace

import pages
import pandas as pd
import pytest
from made_up_run import config_of, write

from empathic import settings, tables
from empathic.report import figures, flow_figure, loading, raters


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = config_of("configs/smoke.yaml")
    for study, kept in (("study1", ["age", "sex"]), ("study2", [])):
        config["studies"][study]["ratings"]["demographics"] = kept
    made = write(tmp_path_factory.mktemp("made"), config)
    return loading.load(made.results, made.simulated)


@pytest.fixture
def study(run):
    return run.studies["study1"]


def changed(study, **tables_of):
    return replace(study, **tables_of)


def with_rules(study, *rules):
    listed = settings.Ratings(exclusions=list(rules)).model_dump()["exclusions"]
    asked = study.settings["ratings"] | {"exclusions": listed}
    return changed(study, settings=study.settings | {"ratings": asked})


def flow(*steps):
    names = tables.FLOW.names
    return tables.FLOW.frame(dict(zip(names, step, strict=True)) for step in steps)


def test_the_rules_are_said_in_the_order_of_the_config(study):
    rules = [{"name": "too_fast", "share_of_median": 0.3}, {"name": "duplicate", "keep": "last"}, "unfinished"]

    assert raters.exclusions(with_rules(study, *rules)) == (
        "Taken out of the models, by the first of these rules that they failed, were submissions that came from a "
        "participant who took the consent back (of these nothing is kept but a count), were previews of the survey, "
        "took less than 0.30 of the median time of finished submissions, were not the last of their participant or did "
        "not reach the end of the survey."
    )
    said = raters.exclusions(study)
    assert "failed 1 attention check or more of those shown, took less than 180 s or gave the same answer in" in said
    assert said.endswith("in all of at least 10 ratings.")


def texts_of(drawing):
    return [text.get_text() for axes in drawing.axes for text in axes.texts if text.get_text()]


def test_the_flow_is_drawn_with_a_box_for_each_rule_that_took_somebody_out(study):
    table = flow(
        ("entered", None, 12, 100, None, None),
        ("excluded", "revoked_consent", 1, 8, 1, 8),
        ("excluded", "preview", 0, 0, 0, 0),
        ("excluded", "straight_lining", 2, 20, 3, 30),
        ("remaining", None, 9, 72, None, None),
    )

    drawing = flow_figure.flow(changed(study, flow=table), raters.REASONS.__getitem__)

    assert [text.replace("\n", " ") for text in texts_of(drawing)] == [
        "Entered 12 raters, 100 ratings",
        "Remain 9 raters, 72 ratings",
        "Took the consent back 1 rater, 8 ratings",
        "Gave the same answer throughout 2 raters, 20 ratings",
    ]
    assert drawing._suptitle.get_text() == figures.STAMPS["simulated"], "said inside the picture"


def test_a_flow_of_observed_raters_bears_no_stamp(study):
    observed = changed(study, ratings=study.ratings.assign(origin="observed"))

    assert flow_figure.flow(observed, str)._suptitle is None


def test_the_drawing_is_described_in_words(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    said = html.unescape(raters.flow(study))

    assert "A flow from 195 raters who entered to 192 raters who remain; beside it those who left: 3 raters" in said
    assert (tmp_path / "figures" / "study1-flow-chart.svg").exists()


def test_the_table_of_the_flow_has_every_step(study):
    table = raters.flow_table(study)

    assert [row[0] for row in pages.rows_of(table)[1:]] == ["Entered", "Excluded: failed attention checks", "Remain"]
    assert "participant flow of simulated raters" in table


def answers(**counts):
    return pd.Series([answer for answer, number in counts.items() for _ in range(number)], dtype="string")


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ({"a": 20, "b": 5}, [("a", "20"), ("b", "5")]),
        ({"a": 20, "b": 4, "c": 3, "d": 9}, [("a", "20"), ("b", "fewer than 5"), ("c", "fewer than 5"), ("d", "9")]),
        ({"a": 20, "b": 4, "c": 9}, [("a", "20"), ("b", "fewer than 5"), ("c", "not shown")]),
        (
            {"a": 20, "b": 1, "c": 1, "d": 7},
            [("a", "20"), ("b", "fewer than 5"), ("c", "fewer than 5"), ("d", "not shown")],
        ),
        ({"a": 3}, [("a", "fewer than 5")]),
    ],
)
def test_cells_of_fewer_than_five_are_not_shown_nor_what_would_tell_them(counts, shown):
    assert raters.cells_of(answers(**counts)) == shown


def test_only_raters_who_remain_are_told_of_and_who_did_not_tell_is_a_cell(study):
    table = study.raters.copy()
    table["sex"] = table["sex"].mask(table.index < 10)

    said = raters.demographics_table(changed(study, raters=table))

    rows = pages.rows_of(said)
    assert ["sex", "18-24", "182"] in rows and ["sex", "not told", "10"] in rows
    assert "the 192 raters who remain of simulated raters" in said


def test_without_demographics_it_is_said_that_none_are_kept(run):
    assert raters.demographics_table(run.studies["study2"]) == "No demographics of the raters are kept."


def test_assignment_is_told_before_and_after_the_exclusions(study):
    described = {
        "responses": tables.RATED.frame(
            {
                "response_id": f"{source}{n}",
                "post_id": "p",
                "domain": "d",
                "source": source,
                "entered": n + 3,
                "remaining": n,
            }
            for source in study.sources
            for n in (1, 2)
        ),
        "raters": tables.SEEN.frame(
            {"rater_id": rater, "source": source, "domain": "d", "entered": 2, "remaining": kept}
            for rater, source, kept in (
                ("a", "human", 2),
                ("a", "smollm2_nf4", 1),
                ("b", "human", 1),
                ("c", "human", 0),
            )
        ),
        "positions": tables.POSITIONS.frame(
            {"source": "human", "position": place, "entered": 2, "remaining": left} for place, left in ((1, 2), (4, 1))
        ),
    }

    table = raters.assignment_table(changed(study, assignment=described))

    assert [values for _, *values in pages.rows_of(table)[1:]] == [
        ["4 to 5", "1 to 2", "1 to 2", "2.50", "2.00"],
        ["4 to 5", "1 to 2", "0 to 1", "–", "–"],
        ["4 to 5", "1 to 2", "0", "–", "–"],
    ]


def test_agreement_is_not_estimable_where_responses_have_one_rating_and_why_is_said(study):
    table = study.reliability["agreement"].copy()
    at = table.index[table.source == "human"][0]
    table.loc[at, ["alpha_ordinal", "icc_1", "icc_k", "k"]] = float("nan")
    table.loc[at, "why"] = "not estimable: no response has two ratings"
    changed_study = changed(study, reliability=study.reliability | {"agreement": table})

    shown = raters.agreement_table(changed_study)

    assert shown.count("not estimable") == 3
    said = html.unescape(raters.not_estimable(changed_study))
    assert said == "- human (stand-in, not by a person), empathy: not estimable: no response has two ratings.\n"


def test_few_who_gave_one_answer_throughout_are_not_counted_out(study):
    table = study.reliability["scale_use"].assign(distinct=3)
    table.loc[table.index[:2], ["distinct", "included"]] = [1, True]
    few = changed(study, reliability=study.reliability | {"scale_use": table})

    assert "fewer than 5 gave one answer throughout" in raters.scale_use(few)
    none = changed(study, reliability=study.reliability | {"scale_use": table.assign(distinct=4)})
    assert "0 gave one answer throughout; the median rater used 4.0 of 7 answers" in raters.scale_use(none)
