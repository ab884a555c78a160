"""Responses made earlier, and people's by several writers, from their files to the ratings that name them by label."""

import pandas as pd
import pytest

STUDY = "results/archived/study1"
FILE = {"origin": "observed", "rights": "made up"}


@pytest.fixture(scope="module")
def run(new_checkout):
    checkout = new_checkout()
    posts = checkout.table("data/study1/posts.csv")["post_id"].head(4).tolist()
    human = [
        (post, "human", sample, writer, f"h{post}{sample}", f"{writer} feels with {post}.")
        for post in posts
        for sample, writer in enumerate(["anna", "ben"])
    ]
    archived = [(post, "gpt4", f"g{post}", f"Oh, {post}!", "gpt-4-1106-preview", "2024-03-01") for post in posts]
    columns = ["post_id", "source", "sample", "writer_id", "label", "text"]
    checkout.human = pd.DataFrame(human, columns=columns)
    checkout.archived = pd.DataFrame(archived, columns=["post_id", "source", "label", "text", "model", "generated_on"])
    checkout.human.to_csv(checkout.folder / "data" / "human.csv", index=False)
    checkout.archived.to_csv(checkout.folder / "data" / "gpt4.csv", index=False)
    labels = [*checkout.human["label"], *checkout.archived["label"]]
    ratings = [(f"p{rater}", label, 1 + (rater + n) % 7) for rater in range(5) for n, label in enumerate(labels)]
    checkout.ratings = pd.DataFrame(ratings, columns=["who", "text", "rating"])
    checkout.ratings.to_csv(checkout.folder / "data" / "ratings.csv", index=False)
    export = {"file": "data/ratings.csv", "format": "long", **FILE}
    export["columns"] = {"rater_id": "who", "label": "text", "rating": "rating"}
    asked = []
    given = {source: {"study1": {"file": f"data/{source}.csv", **FILE}} for source in ("human", "gpt4")}
    checkout.config = checkout.write_config(
        "archived",
        {
            "run": "archived",
            "sources": {
                "human": {"kind": "human", "title": "two people", "responses": given["human"]},
                "gpt4": {"kind": "archived", "title": "GPT-4", "licence": "terms", "responses": given["gpt4"]},
            },
            "studies": {
                "study1": {
                    "title": "Study 1",
                    "posts": {"file": "data/study1/posts.csv", "origin": "stand_in", "rights": "CC0 1.0"},
                    "sources": ["human", "gpt4"],
                    "ratings": {"exports": [export], "exclusions": asked},
                }
            },
        },
    )
    checkout.planned = checkout.would_run(config=checkout.config)
    checkout.snakemake(f"{STUDY}/ratings.csv", f"{STUDY}/style/summary.csv", config=checkout.config)
    return checkout


def test_nothing_is_generated(run):
    assert not {"fetch_model", "generate_responses", "gather_generations"} & set(run.planned)
    assert run.planned["render_report"] == 1


def test_writers_models_and_days_are_carried(run):
    responses = run.table(f"{STUDY}/responses.csv")
    by_label = responses.set_index("label")

    assert by_label.loc[run.human["label"], "writer_id"].tolist() == run.human["writer_id"].tolist()
    assert by_label.loc[run.human["label"], "sample"].tolist() == run.human["sample"].tolist()
    assert list(responses)[-2:] == ["model", "generated_on"]
    archived = by_label.loc[run.archived["label"]].reset_index()
    assert set(archived["kind"]) == {"archived"} and set(archived["origin"]) == {"observed"}
    for column in ("text", "model", "generated_on"):
        assert archived[column].tolist() == run.archived[column].tolist()


def test_ratings_find_each_text_by_its_label(run):
    ratings = run.table(f"{STUDY}/ratings.csv")
    responses = run.table(f"{STUDY}/responses.csv").set_index("response_id")

    found = ratings.groupby(ratings["response_id"].map(responses["label"]))["rating"].sum()
    assert found.to_dict() == run.ratings.groupby("text")["rating"].sum().to_dict()
    assert ratings["response_id"].nunique() == 12
