"""Exports full of what tells who people are, from the platforms' files to the report: nothing of it comes out."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.own_run

RATERS = 40
POSTS = [f"post{number}" for number in range(6)]
SOURCES = ["human", "model"]


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(rows)


def texts(folder):
    write(folder / "posts.csv", [["post_id", "domain", "text"], *([post, "work", f"I feel {post}."] for post in POSTS)])
    for source in SOURCES:
        rows = [[post, source, f"{source} hears you on {post}.", f"{source}-{post}"] for post in POSTS]
        write(folder / f"{source}.csv", [["post_id", "source", "text", "label"], *rows])


def person(number):
    """What the platforms know of a rater, and nobody else may."""
    return {
        "PROLIFIC_PID": f"5e00c0ffee{number:014x}",
        "IPAddress": f"203.0.113.{number}",
        "ResponseId": f"R_secretperson{number:02d}x",
        "LocationLatitude": f"52.5{number:04d}17",
        "RecipientEmail": f"someone{number}@mail.example",
        "RecipientFirstName": f"Firstname{number:02d}q",
        "comment": f"I am Firstname{number:02d}q and live in Smalltown{number:02d}, call 0049{number:07d}",
    }


def exports(folder):
    """Forty people, of whom 36 and 37 revoke the consent, 38 comes twice, and 39 is told in both files alone."""
    labels = [f"{source}-{post}" for post in POSTS for source in SOURCES]
    people = [person(number) for number in range(RATERS)]
    people.append(people[38] | {"ResponseId": "R_secretpersonAGAIN"})
    names = ["StartDate", "Status", "Duration (in seconds)", "Finished", *people[0], "attention_1", "attention_2"]
    names += [f"R_{label}_{what}" for label in labels for what in ("empathy", "DO")]
    rows = [names, ["words"] * len(names), [json.dumps({"ImportId": name}) for name in names]]
    draw = np.random.default_rng(4)
    for number, known in enumerate(people):
        told = [f"2031-05-01 10:00:{number:02d}", "0", str(400 + number), "1", *known.values(), "6", "2"]
        answers = [str(cell) for place in range(len(labels)) for cell in (draw.integers(1, 8), place + 1)]
        rows.append([*told, *answers])
    write(folder / "qualtrics.csv", rows)
    told = [["Submission id", "Participant id", "Status", "Time taken", "Age", "Sex", "Country of birth"]]
    for number in range(RATERS):
        revoked = number in (36, 37)
        answers = (
            ["CONSENT_REVOKED"] * 3 if revoked else [str(19 + number), "Female" if number < 35 else "Male", "Nauru"]
        )
        told.append([f"6f00c0ffee{number:014x}", person(number)["PROLIFIC_PID"], "APPROVED", "400", *answers])
    write(folder / "prolific.csv", told)


@pytest.fixture(scope="module")
def run(new_checkout):
    checkout = new_checkout()
    folder = checkout.folder / "data" / "people"
    folder.mkdir()
    texts(folder)
    exports(folder)
    given = {"origin": "observed", "rights": "made up"}
    sources = {
        source: {"title": source, "responses": {"study1": {"file": f"data/people/{source}.csv", **given}}}
        for source in SOURCES
    }
    config = {
        "run": "people",
        "sources": {
            "human": sources["human"] | {"kind": "human"},
            "model": sources["model"] | {"kind": "archived", "licence": "none"},
        },
        "studies": {
            "study1": {
                "title": "People",
                "posts": {"file": "data/people/posts.csv", **given},
                "sources": SOURCES,
                "asked_words": None,
                "ratings": {
                    "exports": [
                        {"file": "data/people/qualtrics.csv", "format": "qualtrics", **given},
                        {"file": "data/people/prolific.csv", "format": "prolific", **given},
                    ],
                    "demographics": ["age", "sex"],
                },
            }
        },
    }
    checkout.config = checkout.write_config("people", config)
    checkout.snakemake(config=checkout.config)
    return checkout


def test_no_id_address_place_name_or_comment_is_in_any_file_that_a_run_makes(run):
    secrets = {cell for number in range(RATERS) for cell in person(number).values()}
    secrets |= {f"6f00c0ffee{number:014x}" for number in range(RATERS)}
    secrets |= {"R_secretpersonAGAIN", "c0ffee", "203.0.113", "Smalltown", "@mail.example", "Nauru"}
    made = [
        file
        for folder in ("results/people", "logs/people", "benchmarks/people")
        for file in (run.folder / folder).rglob("*")
        if file.is_file()
    ]

    assert any(file.name == "report.html" for file in made) and any(file.suffix == ".log" for file in made)
    for file in made:
        content = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], file


def test_revoked_consent_is_a_count_and_nothing_else(run):
    flow = run.table("results/people/study1/flow.csv").set_index("reason")

    assert flow.loc["revoked_consent", ["raters", "ratings"]].tolist() == [2, 24]
    assert flow.loc["duplicate", ["raters", "ratings"]].tolist() == [1, 12]
    assert flow["raters"].iloc[[0, -1]].tolist() == [41, 38] and flow["ratings"].iloc[[0, -1]].tolist() == [492, 456]
    assert len(run.table("results/people/study1/raters.csv")) == 39
    assert len(run.table("results/people/study1/ratings.csv")) == 468


def test_the_report_shows_demographics_in_bands_and_no_small_cells(run):
    raters = run.table("results/people/study1/raters.csv")
    page = run.read("results/people/report/report.html")

    assert set(raters["age"]) == {"18-24", "25-34", "35-44", "45-54", "55-64"}
    assert raters.loc[raters["included"], "sex"].value_counts().to_dict() == {"Female": 35, "Male": 3}
    assert "fewer than 5" in page and "participant flow" in page and "Krippendorff" in page


def test_assignment_and_agreement_are_tables_that_add_up(run):
    folder = "results/people/study1"
    places, rated, seen = (
        run.table(f"{folder}/assignment/{name}.csv") for name in ("positions", "responses", "raters")
    )

    for table in (places, rated, seen):
        assert table[["entered", "remaining"]].sum().tolist() == [468, 456]
    agreement = run.table(f"{folder}/reliability/agreement.csv")
    assert pd.isna(agreement["source"][0]) and agreement["ratings"].tolist() == [456, 228, 228]
    assert agreement["alpha_ordinal"].abs().max() < 0.2, "these answers are drawn at random"


def test_the_key_is_made_for_its_owner_alone_and_git_ignores_it(run):
    key = run.folder / "private" / "pseudonym.key"

    assert key.stat().st_mode & 0o777 == 0o600
    assert "/private/" in run.read(".gitignore").splitlines()
