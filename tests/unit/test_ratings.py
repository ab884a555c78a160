from pathlib import Path

import pandas as pd
import pytest
import real_study

from empathic import exports, ids, instrument, pseudonyms, ratings, settings, tables
from empathic.errors import InputError
from empathic.instrument import Instrument

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
KEY = "0" * 64
SURVEY = instrument.read(ROOT / "data" / "instrument.yaml", "empathy")


def rules_of(*listed):
    """The rules in force where a config lists these."""
    return settings.Ratings(exclusions=list(listed)).model_dump()["exclusions"]


USUAL = ["unfinished", "attention", {"name": "too_fast", "seconds": 180}, {"name": "straight_lining", "at_least": 4}]
RULES, NO_RULES = rules_of(*USUAL), rules_of()
COLUMNS = {"rater_id": "who", "post_id": "text_id", "source": "written_by", "rating": "answer"}


def read(file, *, form="qualtrics", columns=None, rules=RULES, origin="observed"):
    described = {"file": str(file), "format": form, "columns": columns or {}, "origin": origin}
    return exports.read(described, instrument.read(ROOT / "data" / "instrument.yaml", "empathy"), "empathy", rules)


def read_long(file, rules=NO_RULES, **columns):
    return read(file, form="long", columns={**COLUMNS, **columns}, rules=rules)


def asked(sources=("human", "bot"), rules=RULES, survey=SURVEY, told=(), bands=(18, 30)):
    return ratings.Asked(survey, list(sources), rules, list(told), list(bands))


def merge(*parts, responses=None, **how):
    return ratings.merge(parts, responses, asked(**how), private_key=lambda: KEY)


def message(*parts, **how):
    with pytest.raises(InputError) as error:
        merge(*parts, **how)
    return str(error.value)


def texts(*rows):
    """responses.csv of (response_id, post_id, domain, source, label)."""
    names = ["response_id", "post_id", "domain", "source", "label"]
    fixed = {"kind": "human", "sample": 0, "writer_id": None, "text": "t", "n_words": 1, "origin": "stand_in"}
    return tables.RESPONSES.frame(dict(zip(names, row, strict=True)) | fixed for row in rows)


RATED = texts(
    ("00000000000000a1", "p1", "work", "human", "lab-1"),
    ("00000000000000b1", "p1", "work", "bot", "lab-2"),
    ("00000000000000a2", "p2", "family", "human", "lab-3"),
    ("00000000000000b2", "p2", "family", "bot", "lab-4"),
)


@pytest.fixture
def changed(tmp_path):
    """A hand-written export with one piece of text replaced."""

    def change(name, old, new):
        text = (DATA / "exports" / name).read_bytes().decode()
        assert old in text
        path = tmp_path / name
        path.write_bytes(text.replace(old, new).encode())
        return path

    return change


STANDING = [("excluded", "preview", 0, 0, 0, 0), ("excluded", "duplicate", 0, 0, 0, 0)]


def rows(flow):
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in flow.itertuples(index=False)]


def test_every_rater_of_a_hand_written_export_is_in_the_flow_once_by_the_first_rule_failed():
    merged = merge(read(DATA / "exports" / "qualtrics.csv"), responses=RATED)

    assert rows(merged.flow) == [
        ("entered", None, 8, 24, None, None),
        ("excluded", "revoked_consent", 0, 0, 0, 0),
        ("excluded", "preview", 1, 4, 1, 4),
        ("excluded", "duplicate", 0, 0, 0, 0),
        ("excluded", "unfinished", 1, 2, 1, 2),
        ("excluded", "attention", 1, 3, 2, 5),
        ("excluded", "too_fast", 1, 4, 2, 8),
        ("excluded", "straight_lining", 1, 4, 2, 8),
        ("excluded", "no ratings", 1, 0, 1, 0),
        ("remaining", None, 2, 7, None, None),
    ]
    assert merged.notes == [
        "8 raters and 24 ratings entered; 2 and 7 remain; 8 cells without a rating (not shown, or not answered)"
    ]


def test_excluded_rows_stay_in_the_tables_with_their_reason(tmp_path):
    merged = merge(read(DATA / "exports" / "qualtrics.csv"), responses=RATED)
    tables.RATINGS.write(merged.ratings, tmp_path / "ratings.csv")
    tables.RATERS.write(merged.raters, tmp_path / "raters.csv")

    written = tables.RATINGS.read(tmp_path / "ratings.csv")
    assert written["reason"].fillna("kept").value_counts().to_dict() == {
        "kept": 7,
        "preview": 4,
        "too_fast": 4,
        "straight_lining": 4,
        "attention": 3,
        "unfinished": 2,
    }
    kept = written.query("included").sort_values(["rating", "response_id"])
    assert kept[["rating", "response_id", "post_id", "domain", "source", "position"]].values.tolist() == [
        [2, "00000000000000a1", "p1", "work", "human", 1],
        [2, "00000000000000a2", "p2", "family", "human", 3],
        [2, "00000000000000b2", "p2", "family", "bot", 4],
        [3, "00000000000000b1", "p1", "work", "bot", 2],
        [3, "00000000000000b2", "p2", "family", "bot", 3],
        [5, "00000000000000a1", "p1", "work", "human", 2],
        [7, "00000000000000b1", "p1", "work", "bot", 1],
    ]
    raters = tables.RATERS.read(tmp_path / "raters.csv")
    assert raters.fillna({"reason": "kept"}).set_index("duration_s")["reason"].drop(600).to_dict() == {
        99: "preview",
        250: "unfinished",
        179: "too_fast",
        180: "kept",
    }


def test_rows_are_sorted_by_rater_and_place_so_that_the_bytes_do_not_hang_on_the_export(tmp_path):
    text = (DATA / "exports" / "qualtrics.csv").read_bytes()
    head, *body = text.split(b"\r\n2031-")
    other = tmp_path / "qualtrics.csv"
    other.write_bytes(b"\r\n2031-".join([head, *(row.rstrip(b"\r\n") for row in body[:1] + body[:0:-1])]))

    for number, path in enumerate((DATA / "exports" / "qualtrics.csv", other)):
        tables.RATINGS.write(merge(read(path), responses=RATED).ratings, tmp_path / f"{number}.csv")

    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()
    written = tables.RATINGS.read(tmp_path / "0.csv")
    assert written["rater_id"].is_monotonic_increasing
    assert all(part["position"].is_monotonic_increasing for _, part in written.groupby("rater_id"))


def test_no_platform_id_address_or_place_leaves_the_merge(tmp_path):
    merged = merge(read(DATA / "exports" / "qualtrics.csv"), responses=RATED)
    for table, name in ((tables.RATINGS, "ratings"), (tables.RATERS, "raters"), (tables.FLOW, "flow")):
        table.write(getattr(merged, name), tmp_path / f"{name}.csv")

    written = "".join(file.read_text() for file in tmp_path.iterdir()) + "".join(merged.notes)

    assert not any(private in written for private in ("person-", "203.0.113", "52.5", "R_complete", "Nice, thanks"))
    assert merged.raters["rater_id"].str.fullmatch(r"r[0-9a-f]{12}").all()


def test_simulated_raters_need_no_private_key_and_observed_ones_do():
    def refuse():
        raise AssertionError("asked for the key")

    file = DATA / "exports" / "qualtrics.csv"
    merged = ratings.merge([read(file, origin="simulated")], RATED, asked(), private_key=refuse)
    assert set(merged.ratings["origin"]) == set(merged.raters["origin"]) == {"simulated"}
    with pytest.raises(AssertionError, match="asked for the key"):
        ratings.merge([read(file)], RATED, asked(), private_key=refuse)


def test_a_label_leads_to_its_response(changed):
    path = changed("qualtrics.csv", "R_00000000000000a1_", "R_lab-1_")

    by_label = merge(read(path), responses=RATED).ratings
    by_id = merge(read(DATA / "exports" / "qualtrics.csv"), responses=RATED).ratings

    pd.testing.assert_frame_equal(by_label, by_id)


def test_a_rating_of_an_unknown_text_stops(changed):
    path = changed("qualtrics.csv", "R_00000000000000a1_", "R_00000000000000aa_")

    assert message(read(path), responses=RATED) == (
        f"{path}, row 4, column 'R_00000000000000aa_empathy': no response of this study is '00000000000000aa'. Ratings "
        "belong to the very texts that were rated: bring those back (a changed post, prompt, model or setting makes "
        "other texts), or correct the cell."
    )


def test_two_responses_of_one_label_are_refused():
    twice = RATED.assign(label="lab-1")

    assert message(read(DATA / "exports" / "qualtrics.csv"), responses=twice) == (
        f"{DATA / 'exports' / 'qualtrics.csv'}: two responses of the study bear the label 'lab-1'. "
        "Name responses by response_id, or mend the labels."
    )


def test_ratings_without_texts_get_their_ids_from_post_and_source_and_other_sources_leave_by_a_step():
    merged = merge(
        read_long(DATA / "exports" / "long.csv", domain="topic", session="session"),
        sources=["human", "bot_a"],
        rules=NO_RULES,
    )

    assert rows(merged.flow) == [
        ("entered", None, 3, 5, None, None),
        ("excluded", "revoked_consent", 0, 0, 0, 0),
        ("excluded", "source not in this study", 1, 2, 1, 2),
        *STANDING,
        ("remaining", None, 2, 3, None, None),
    ]
    kept = merged.ratings.query("included").set_index("response_id")
    assert kept.loc[ids.response_id("p2", None, "bot_a", 0, None), ["domain", "rating", "session"]].tolist() == [
        "family",
        7,
        "010",
    ]
    assert len(merged.ratings) == 5
    left_out = merged.ratings.query("source == 'bot_b'")
    assert left_out["reason"].unique().tolist() == ["source not in this study"]
    assert merged.raters["reason"].fillna("").tolist().count("source not in this study") == 1, "one rated nothing else"


def test_without_a_column_for_it_the_domain_is_all():
    merged = merge(read_long(DATA / "exports" / "long.csv"), sources=["human", "bot_a", "bot_b"], rules=NO_RULES)

    assert set(merged.ratings["domain"]) == {"all"}
    flow = rows(merged.flow)
    assert [flow[0], flow[-1]] == [("entered", None, 3, 5, None, None), ("remaining", None, 3, 5, None, None)]


def test_with_texts_post_and_source_find_the_response_and_sources_left_out_need_none():
    rated = texts(
        ("0" * 16, "p1", "w", "human", None), ("1" * 16, "p1", "w", "bot_a", None), ("2" * 16, "p2", "f", "bot_a", None)
    )

    merged = merge(
        read_long(DATA / "exports" / "long.csv"), responses=rated, sources=["human", "bot_a"], rules=NO_RULES
    )

    found = merged.ratings.query("included").sort_values("rating")
    assert found[["rating", "response_id", "domain"]].values.tolist() == [
        [4, "0" * 16, "w"],
        [6, "1" * 16, "w"],
        [7, "2" * 16, "f"],
    ]
    assert len(merged.ratings) == 5


def test_a_post_without_a_response_of_that_source_stops(changed):
    rated = texts(("0" * 16, "p1", "w", "human", None), ("1" * 16, "p1", "w", "bot_a", None))
    path = DATA / "exports" / "long.csv"

    told = message(read_long(path), responses=rated, sources=["human", "bot_a"], rules=NO_RULES)

    assert told.startswith(
        f"{path}, row 5, column 'text_id': no response of this study is post 'p2', source 'bot_a', sample 0. Ratings"
    )


def test_a_domain_that_contradicts_that_of_the_post_stops():
    rated = texts(
        ("0" * 16, "p1", "work", "human", None),
        ("1" * 16, "p1", "work", "bot_a", None),
        ("2" * 16, "p2", "x", "bot_a", None),
    )
    path = DATA / "exports" / "long.csv"

    told = message(read_long(path, domain="topic"), responses=rated, sources=["human", "bot_a"], rules=NO_RULES)

    assert told == (
        f"{path}, row 5: the domain is 'family', but that of the response is 'x'. "
        "Correct the cell, or do not name the column in exports > columns."
    )


def test_a_study_without_texts_cannot_resolve_labels():
    path = DATA / "exports" / "qualtrics.csv"

    assert message(read(path)) == (
        f"{path}: the study has no texts, and no column is named for post_id and source. "
        "Name them in the config, under exports > columns, or give the study its posts."
    )


def test_exports_are_joined_and_a_submission_told_twice_stops(changed):
    first = DATA / "exports" / "qualtrics.csv"
    second = changed("qualtrics.csv", "person-", "other-")
    second.write_bytes(second.read_bytes().replace(b"R_preview", b"R_another"))

    assert rows(merge(read(first), read(second), responses=RATED).flow)[0] == ("entered", None, 16, 48, None, None)
    again = changed("qualtrics.csv", "test,", "test,")
    assert message(read(first), read(again), responses=RATED) == (
        f"{again}, row 4: this submission is also in {first}, row 4. "
        "One submission is told once, or alike in both: keep one of the two."
    )


def test_a_long_table_in_two_files_is_one_where_they_agree_on_the_rater(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("who,text_id,written_by,answer,t\nann,p1,human,1,200\n")
    second.write_text("who,text_id,written_by,answer,t\nann,p1,bot,2,200\n")

    def joined():
        return [read_long(path, duration_s="t") for path in (first, second)]

    assert rows(merge(*joined(), rules=NO_RULES).flow)[-1] == ("remaining", None, 1, 2, None, None)
    second.write_text(second.read_text().replace("200", "201"))
    assert f"{second}, row 2: this submission is also in {first}, row 2." in message(*joined(), rules=NO_RULES)


def test_a_submission_and_a_rating_told_twice_are_named_with_their_places_in_whichever_files(tmp_path):
    head = "who,text_id,written_by,answer,t\n"
    told = ["bea,p1,bot,4,9\ncal,p1,bot,4,9\n", "dan,p1,bot,4,9\nann,p1,human,1,200\n", "eve,p1,bot,4,9\n"]
    paths = [tmp_path / f"{number}.csv" for number in range(4)]

    def joined(last):
        for path, lines in zip(paths, [*told, last], strict=True):
            path.write_text(head + lines)
        return [read_long(path, duration_s="t") for path in paths]

    assert message(*joined("flo,p1,bot,4,9\nann,p1,bot,4,201\n"), rules=NO_RULES).startswith(
        f"{paths[3]}, row 3: this submission is also in {paths[1]}, row 3."
    )
    assert message(*joined("flo,p1,bot,4,9\nann,p1,bot,4,200\nann,p1,human,2,200\n"), rules=NO_RULES).startswith(
        f"{paths[3]}, row 4: the rater has rated this response before, on the item 'empathy' ({paths[1]}, row 3)."
    )


def test_a_column_is_carried_whatever_its_name_is_beside_those_of_the_package(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("who,text_id,written_by,answer,x,y\nann,p1,human,1,A,B\nann,p1,bot,,C,D\nbob,p1,bot,2,E,F\n")

    made = merge(read_long(path, export="x", at="y"), rules=NO_RULES).ratings

    assert sorted(made[["rating", "export", "at"]].values.tolist()) == [[1, "A", "B"], [2, "E", "F"]]


def test_the_same_rating_twice_stops_with_both_rows(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("who,text_id,written_by,answer\nann,p1,human,1\nann,p1,bot,1\nann,p1,human,2\n")

    assert message(read_long(path), rules=NO_RULES) == (
        f"{path}, row 4: the rater has rated this response before, on the item 'empathy' ({path}, row 2). Keep one of "
        "the two rows; where a source answered a post more than once, name the sample's column, too."
    )


def test_samples_tell_answers_of_one_source_apart(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("who,text_id,written_by,answer,n\nann,p1,human,1,0\nann,p1,bot,1,0\nann,p1,bot,2,1\n")

    merged = merge(read_long(path, sample="n"), rules=NO_RULES)

    assert ids.response_id("p1", None, "bot", 1, None) in merged.ratings["response_id"].tolist()


def test_a_source_of_the_study_that_nobody_rated_stops():
    path = DATA / "exports" / "long.csv"

    assert message(read_long(path), sources=["human", "bot_c"], rules=NO_RULES) == (
        f"{path}: no rating of the source 'bot_c' (rated: human, bot_a, bot_b). "
        "Make the names agree: those of the export's sources, and the study's sources in the config."
    )


def test_rules_that_leave_nobody_stop_with_how_many_each_took():
    rules = rules_of(*USUAL[:2], {"name": "too_fast", "seconds": 9999}, USUAL[3])
    path = DATA / "exports" / "qualtrics.csv"

    assert message(read(path, rules=rules), responses=RATED, rules=rules) == (
        f"{path}: no rater remains (revoked_consent: 0; preview: 1; duplicate: 0; unfinished: 1; attention: 1; "
        "too_fast: 5; straight_lining: 0). Look at the rules under ratings > exclusions."
    )


def test_a_real_study_comes_out_with_its_published_counts():
    """Published: of 2,000 responses of each source, how many were rated Good (Welivita and Pu 2024)."""
    file = real_study.folder() / "welivita_ratings_long.csv"
    survey = instrument.read(ROOT / "data" / "welivita2024" / "instrument.yaml", "quality")
    names = ("rater_id", "post_id", "source", "rating", "emotion")
    columns = {name: name for name in names} | {"domain": "sentiment"}
    described = {"file": str(file), "format": "long", "columns": columns, "origin": "observed"}
    sources = ["human", "gpt4_empathy", "llama2_empathy", "mixtral_empathy", "gemini_empathy"]

    merged = merge(exports.read(described, survey, "quality", NO_RULES), sources=sources, rules=NO_RULES)

    assert rows(merged.flow) == [
        ("entered", None, 1200, 12000, None, None),
        ("excluded", "revoked_consent", 0, 0, 0, 0),
        ("excluded", "source not in this study", 200, 2000, 200, 2000),
        *STANDING,
        ("remaining", None, 1000, 10000, None, None),
    ]
    kept = merged.ratings.query("included")
    assert kept.query("rating == 3").groupby("source").size().to_dict() == {
        "human": 986,
        "gpt4_empathy": 1295,
        "llama2_empathy": 1219,
        "mixtral_empathy": 1192,
        "gemini_empathy": 1081,
    }
    assert kept.groupby("domain")["post_id"].nunique().to_dict() == {"negative": 1119, "positive": 881}
    assert kept["emotion"].nunique() == 32
    assert kept["rater_id"].nunique() == 1000 and (kept.groupby("rater_id").size() == 10).all()


def test_the_instrument_of_a_study_may_have_items_beside_the_primary_one(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text(
        "who,text_id,written_by,answer,what\nann,p1,human,1,warm\nann,p1,human,7,empathy\nann,p1,bot,2,empathy\n"
    )
    item = {"wording": "?", "scale": {"min": 1, "max": 7}}
    survey = Instrument.model_validate({"items": [{"name": name} | item for name in ("empathy", "warm")]})
    described = {"file": str(path), "format": "long", "columns": {**COLUMNS, "item": "what"}, "origin": "observed"}

    merged = merge(exports.read(described, survey, "empathy", NO_RULES), rules=NO_RULES)

    assert merged.ratings.query("source == 'human'")[["item", "rating"]].values.tolist() == [
        ["empathy", 7],
        ["warm", 1],
    ]


def export_of(*submissions, revoked=(), demographics=None, file="made.csv", **facts):
    """An export of (platform_id, submission, started, ratings by response), as a reader would give it."""
    raters = pd.DataFrame(
        [(person, name, row, started) for row, (person, name, started, _) in enumerate(submissions, start=4)],
        columns=["platform_id", "submission", "row", "started"],
    ).astype({"platform_id": "string", "submission": "string"})
    raters["started"] = pd.to_datetime(raters["started"])
    known = {"preview": False, "finished": True, "checks_failed": 0, "duration_s": 600.0}
    raters = raters.assign(**known).assign(**facts)
    given = [
        (rater, rater + 4, f"R_{reference}", "empathy", rating, place, reference)
        for rater, (_, _, _, answers) in enumerate(submissions)
        for place, (reference, rating) in enumerate(answers.items(), start=1)
    ]
    made = pd.DataFrame(given, columns=["rater", "row", "column", "item", "rating", "position", "reference"])
    made = made.astype(dict.fromkeys(["column", "item", "reference"], "string") | {"position": "Int64"})
    told = pd.DataFrame(demographics or {"platform_id": []}).astype("string")
    return exports.Export(
        Path(file), "observed", raters, made, ("label",), (), 0, True, told, frozenset(revoked), told={"rows read": 1}
    )


ALL_FOUR = {"lab-1": 1, "lab-2": 2, "lab-3": 3, "lab-4": 4}
ANN_TWICE = [
    ("ann", "s1", "2031-01-02", {"lab-1": 5, "lab-2": 5}),
    ("bob", "s2", "2031-01-03", ALL_FOUR),
    ("ann", "s3", "2031-01-01", ALL_FOUR),
]


@pytest.mark.parametrize(("keep", "stays"), [("first", [1, 2, 3, 4]), ("last", [5, 5])])
def test_of_two_submissions_one_stays_under_the_participants_pseudonym_and_the_other_leaves_as_duplicate(keep, stays):
    merged = merge(
        export_of(*ANN_TWICE), responses=RATED, rules=rules_of("unfinished", {"name": "duplicate", "keep": keep})
    )

    gone = 10 - 4 - len(stays)
    assert rows(merged.flow) == [
        ("entered", None, 3, 10, None, None),
        ("excluded", "revoked_consent", 0, 0, 0, 0),
        ("excluded", "preview", 0, 0, 0, 0),
        ("excluded", "unfinished", 0, 0, 0, 0),
        ("excluded", "duplicate", 1, gone, 1, gone),
        ("remaining", None, 2, 4 + len(stays), None, None),
    ]
    (double,) = merged.raters.query("not included")["rater_id"]
    assert double.endswith(".2")
    kept = merged.ratings[merged.ratings["rater_id"] == double.removesuffix(".2")]
    assert sorted(kept["rating"]) == stays and kept["included"].all()
    assert merged.ratings.loc[merged.ratings["rater_id"] == double, "reason"].unique().tolist() == ["duplicate"]
    assert "1 rows read" in merged.notes


def test_a_participant_of_two_exports_has_two_submissions():
    first, second = export_of(*ANN_TWICE[:1]), export_of(*ANN_TWICE[1:], file="second.csv")

    merged = merge(first, second, responses=RATED, rules=NO_RULES)

    assert merged.flow.set_index("reason").loc["duplicate", ["raters", "ratings"]].tolist() == [1, 2]


def test_who_took_the_consent_back_is_a_count_in_the_flow_and_in_no_table():
    """In whatever export it is told, with all submissions; other rules read nothing of such a rater."""
    first = export_of(*ANN_TWICE, finished=[False, True, False])
    second = export_of(("eve", "s9", None, ALL_FOUR), revoked=["ann"], file="second.csv")

    merged = merge(first, second, responses=RATED, rules=rules_of("unfinished"))

    assert rows(merged.flow) == [
        ("entered", None, 4, 14, None, None),
        ("excluded", "revoked_consent", 2, 6, 2, 6),
        *STANDING,
        ("excluded", "unfinished", 0, 0, 0, 0),
        ("remaining", None, 2, 8, None, None),
    ]
    assert len(merged.raters) == 2 and len(merged.ratings) == 8
    ann = pseudonyms.pseudonyms(pd.Series(["ann"]), KEY)[0]
    assert not merged.raters["rater_id"].str.startswith(ann).any()
    assert not merged.ratings["rater_id"].str.startswith(ann).any()


def test_the_same_without_exclusions_is_an_empty_list_away():
    """Previews, further submissions and revoked consent are no raters, whatever the list."""
    file = DATA / "exports" / "qualtrics.csv"

    merged = merge(read(file, rules=NO_RULES), responses=RATED, rules=NO_RULES)

    assert rows(merged.flow)[-2:] == [("excluded", "no ratings", 1, 0, 1, 0), ("remaining", None, 6, 20, None, None)]
    assert merged.ratings["included"].sum() == 20


def test_what_is_told_of_raters_is_in_raters_csv_as_far_as_the_config_allows_it(tmp_path):
    told = {
        "platform_id": ["bob", "ann"],
        "Age": ["30", "17"],
        "Sex": ["=cmd", "DATA_EXPIRED"],
        "City": ["Ulm", "Bonn"],
    }
    made = export_of(*ANN_TWICE, demographics=told)

    merged = merge(made, responses=RATED, rules=NO_RULES, told=("sex", "age"))
    tables.RATERS.write(merged.raters, tmp_path / "raters.csv")

    written = tables.RATERS.read(tmp_path / "raters.csv")
    assert list(written) == [*tables.RATERS.names, "sex", "age"]
    found = {tuple(row) for row in written[["sex", "age", "included"]].fillna("none").itertuples(index=False)}
    assert found == {("'=cmd", "30 or older", True), ("none", "below 18", True), ("none", "below 18", False)}
    assert "Ulm" not in (tmp_path / "raters.csv").read_text()


TWO_ITEMS = Instrument.model_validate(
    {
        "items": [{"name": name, "wording": "?", "scale": {"min": 1, "max": 7}} for name in ("warm", "kind")],
        "scales": [{"name": "empathy", "items": ["warm", "kind"]}],
    }
)


def long_items(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text(
        "who,text_id,written_by,answer,what\nann,p1,human,1,warm\nann,p1,human,4,kind\nann,p1,bot,2,warm\n"
        "ann,p1,bot,,kind\n"
    )
    return {"file": str(path), "format": "long", "columns": {**COLUMNS, "item": "what"}, "origin": "observed"}


def test_items_are_averaged_under_the_scales_name_and_a_response_with_a_missing_item_is_counted(tmp_path):
    read_items = exports.read(long_items(tmp_path), TWO_ITEMS, "empathy", NO_RULES)

    merged = merge(read_items, rules=NO_RULES, survey=TWO_ITEMS)

    assert merged.ratings.query("source == 'human'")[["item", "rating"]].values.tolist() == [
        ["empathy", 2.5],
        ["kind", 4],
        ["warm", 1],
    ]
    assert merged.ratings.query("source == 'bot'")[["item", "rating"]].values.tolist() == [["warm", 2]]
    assert rows(merged.flow)[-1] == ("remaining", None, 1, 3, None, None), "averages are no ratings"
    assert "empathy: 1 responses without an average, as too few of its items were answered" in merged.notes


def test_a_scale_may_be_averaged_over_fewer_items_where_the_instrument_says_so(tmp_path):
    loose = TWO_ITEMS.model_copy(update={"scales": [TWO_ITEMS.scales[0].model_copy(update={"least_items": 1})]})

    merged = merge(exports.read(long_items(tmp_path), loose, "empathy", NO_RULES), rules=NO_RULES, survey=loose)

    assert merged.ratings.query("item == 'empathy'").set_index("source")["rating"].to_dict() == {"bot": 2, "human": 2.5}
