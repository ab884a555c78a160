"""Style on its own: texts of two sources, a LIWC dictionary, results of LIWC-22, an encoder, ratings of people."""

import json

import pandas as pd
import pytest
from checkout import network_off
from transformers import BertConfig, BertModel, BertTokenizerFast

pytestmark = pytest.mark.own_run

STUDY = "results/styles/study1"
FILE = {"origin": "observed", "rights": "made up"}
DIC = "%\n1\taffect\n2\tsupport\n%\nsorry\t1\nhard*\t1\nhear you\t2\n"


def write_encoder(folder):
    """A sentence encoder of two small layers, which has learnt nothing."""
    folder.mkdir()
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *"abcdefghijklmnopqrstuvwxyz",
        *(f"##{c}" for c in "aeinorst"),
    ]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(folder)


@pytest.fixture(scope="module")
def run(new_checkout):
    checkout = new_checkout()
    data = checkout.folder / "data"
    posts = checkout.table("data/study1/posts.csv")["post_id"]
    human = checkout.table("data/study1/human_responses.csv")[["post_id", "source", "text"]]
    texts = [f"I'm so sorry, {post}! That sounds very hard; I hear you. 😊" for post in posts]
    archived = pd.DataFrame({"post_id": posts, "source": "gpt4", "text": texts})
    human.to_csv(data / "human.csv", index=False)
    archived.to_csv(data / "gpt4.csv", index=False)
    (data / "own.dic").write_text(DIC)
    write_encoder(data / "encoder")
    asked = [
        (f"r{r}", post, source, 1 + (r + n) % 7)
        for r in range(4)
        for n, post in enumerate(posts)
        for source in ("human", "gpt4")
    ]
    pd.DataFrame(asked, columns=["who", "post", "source", "rating"]).to_csv(data / "ratings.csv", index=False)
    claim = {"study": "study1", "certainty": "own", "family": "style", "test": "style difference"}
    claim |= {"sources": ["gpt4", "human"], "statement": "They differ."}
    claims = [claim | {"id": name, "features": [name]} for name in ("emojis", "headings", "liwc_affect", "liwc_posemo")]
    (data / "style_claims.yaml").write_text(json.dumps({"claims": claims}))
    export = {"file": "data/ratings.csv", "format": "long", **FILE}
    export["columns"] = {"rater_id": "who", "post_id": "post", "source": "source", "rating": "rating"}
    posts_given = {"posts": {"file": "data/study1/posts.csv", "origin": "stand_in", "rights": "CC0 1.0"}}
    sources = ["human", "gpt4"]
    config = {
        "run": "styles",
        "models": {"tiny": {"kind": "folder", "title": "tiny", "licence": "CC0 1.0", "folder": "data/encoder"}},
        "sources": {
            name: {"kind": "archived", "licence": "x", "title": name}
            | {"responses": {study: {"file": f"data/{name}.csv", **FILE} for study in ("study1", "again")}}
            for name in sources
        },
        "studies": {
            "study1": posts_given
            | {
                "title": "Study 1",
                "sources": sources,
                "style": {
                    "liwc_dictionary": "data/own.dic",
                    "embeddings": "tiny",
                    "count_models": ["commas", "liwc_affect", "n_words", "emojis"],
                },
            }
            | {"ratings": {"exports": [export], "exclusions": []}},
            "again": posts_given | {"title": "Again", "sources": sources},
        },
        "claims": ["data/style_claims.yaml"],
    }
    first = checkout.write_config("first", config)
    checkout.snakemake("results/styles/again/style/texts_for_liwc.csv", config=first)
    fed = checkout.table("results/styles/again/style/texts_for_liwc.csv")
    liwc22 = fed.assign(**{"Row ID": fed.response_id, "emotion": range(len(fed))})[["Row ID", "emotion"]].iloc[::-1]
    liwc22.to_csv(data / "liwc22.csv", index=False)
    config["studies"]["again"]["style"] = {"liwc_results": "data/liwc22.csv"}
    checkout.config = checkout.write_config("styles", config)
    checkout.snakemake(config=checkout.config, before=network_off())
    return checkout


def test_a_replicators_dictionary_is_counted_and_liwc22_s_results_are_joined(run):
    features = run.table(f"{STUDY}/style/features.csv").set_index("source")
    again = run.table("results/styles/again/style/features.csv")
    counts = run.table(f"{STUDY}/style/counts.csv").set_index("source")

    assert set(counts.loc["gpt4", "liwc_affect"].astype(int)) == {2}
    assert set(counts.loc["gpt4", "liwc_support"].astype(int)) == {1}
    rates = features.loc["gpt4", "liwc_affect"].astype(float) * features.loc["gpt4", "n_words"].astype(float) / 100
    assert rates.round(9).tolist() == [2.0] * 15
    assert again.liwc_emotion.astype(float).tolist() == list(range(30))


def test_claims_of_style_are_decided_and_those_without_their_data_are_not(run):
    claims = run.table("results/styles/claims.csv").set_index("claim_id")

    assert claims.verdict.to_dict() == {
        "emojis": "replicated",
        "headings": "not testable",
        "liwc_affect": "replicated",
        "liwc_posemo": "not testable",
    }
    contrasts = run.table(f"{STUDY}/style/contrasts.csv").set_index("feature")
    assert float(claims.p_for["emojis"]) == float(contrasts.p_value["emojis"]) == 2 / 2**15
    assert float(claims.estimate["emojis"]) == -float(contrasts.estimate["emojis"])


def test_counts_are_modelled_where_a_config_asks_and_what_cannot_be_says_why(run):
    models = run.table(f"{STUDY}/style/count_models.csv").set_index("feature")

    assert models.contrast.tolist() == ["human - gpt4"] * 4
    assert models.status["commas"] == "converged" and float(models.rate_ratio["commas"]) > 0
    assert models.why[["n_words", "emojis"]].tolist() == [
        "it tells a text's size, or is no count",
        "no response of human has any",
    ]
    assert models.estimate[["n_words", "emojis"]].isna().all()
    assert not (run.folder / "results/styles/again/style/count_models.csv").exists()


def test_likeness_by_meaning_comes_where_an_encoder_is_named_alone(run):
    one, two = (run.table(f"results/styles/{study}/style/likeness.csv") for study in ("study1", "again"))

    assert sorted(set(one.measure)) == ["embeddings", "runs of words"]
    assert set(two.measure) == {"runs of words"}


def test_features_stand_against_ratings_where_people_rated_alone(run):
    assert len(run.table(f"{STUDY}/style/ratings.csv")) == 2 * (run.table(f"{STUDY}/style/features.csv").shape[1] - 3)
    assert not (run.folder / "results/styles/again/style/ratings.csv").exists()
    page = run.read("results/styles/report/report.html")
    assert "Which features go with higher ratings is left out: there are no ratings." in page
    assert "are told right" in page
    assert "i’m so sorry" in page or "i&#39;m so sorry" in page or "i'm so sorry" in page
