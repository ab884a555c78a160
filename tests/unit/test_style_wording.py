import math

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from empathic import tables
from empathic.style import distinctive, likeness
from empathic.style.tokens import parse

ORIGINS = {"a": "observed", "b": "stand_in"}


def test_log_odds_are_those_worked_by_hand():
    # Two words. Counts 30, 10 against 20, 40; prior 5, 5. By equation 16 of Monroe, Colaresi and Quinn (2008), word 1:
    # log(35 / 15) - log(25 / 45) = 1.435085; by equation 20 its variance is 1/35 + 1/25; z = 5.480547.
    delta, z = distinctive.log_odds(np.array([30.0, 10]), np.array([20.0, 40]), np.array([5.0, 5]))

    assert delta[0] == pytest.approx(math.log(35 / 15) - math.log(25 / 45))
    assert delta == pytest.approx([1.435085, -1.435085], abs=1e-6)
    assert z[0] == pytest.approx(1.4350845 / math.sqrt(1 / 35 + 1 / 25), abs=1e-6)
    assert z[1] == pytest.approx(-1.4350845 / math.sqrt(1 / 15 + 1 / 45), abs=1e-6)


def test_a_word_that_two_sources_use_alike_is_not_distinctive_and_a_rare_one_less_than_a_frequent_one():
    texts = {
        "a": [parse("I hear you. I hear you. Sunshine is rare")],
        "b": [parse("You and you is it and it is it rare")],
    }
    found = distinctive.distinctive(texts, ORIGINS).set_index(["source", "length", "phrase"])

    assert found.n["a", 2, "i hear"] == 2 and found.n_others["a", 2, "i hear"] == 0
    assert found.z["a", 1, "hear"] > found.z["a", 1, "sunshine"] > 0
    assert ("a", 2, "you i") not in found.index, "phrases do not cross sentences"
    assert ("a", 1, "you") not in found.index or found.z["a", 1, "you"] < 0.5
    assert set(found.loc["b"].origin) == {"stand_in"}
    assert distinctive.distinctive({"a": texts["a"]}, ORIGINS).empty


def test_openings_and_sentences_are_counted_by_response():
    texts = {
        "a": [
            parse("I'm so sorry to hear it. Take good care!"),
            parse("I’m SO sorry for you. Take good care. Take good care."),
            parse("Hello there. No."),
            parse("No."),
        ],
        "b": [parse("No two alike here")],
    }
    found = distinctive.repeated(texts, ORIGINS)

    assert found[["source", "kind", "phrase", "n", "share"]].values.tolist() == [
        ["a", "sentence", "take good care", 2, 0.5]
    ]
    same = {"a": [parse("I'm so sorry to hear"), parse("I’m SO sorry to go")]}
    assert distinctive.repeated(same, ORIGINS).phrase.tolist() == ["i'm so sorry to"]


def rows(sources, posts):
    return pd.DataFrame({"source": sources, "post_id": posts, "vector": range(len(sources))})


def test_likeness_is_the_mean_cosine_over_pairs_of_different_posts_and_to_the_post():
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0], [1, 0], [0, 1], [0, 1]], float)
    table = rows(["a", "a", "a", "a"], ["p", "q", "r", "p"])
    found = likeness.likeness(vectors, table, pd.Series([4, 5, 6], index=["p", "q", "r"]), seed=1).set_index("to")

    # Pairs of different posts: 0-1 0, 0-2 .6, 1-2 .8, 1-3 0, 2-3 .6; the pair 0-3 answers one post.
    assert found.loc["own", "mean"] == pytest.approx((0 + 0.6 + 0.8 + 0 + 0.6) / 5)
    # By post: p has 1 twice, q 1, r .8.
    assert found.loc["post", "mean"] == pytest.approx((1 + 1 + 0.8) / 3)
    assert found.n_posts.tolist() == [3, 3]


def test_the_same_text_everywhere_is_wholly_alike_and_texts_without_a_run_are_left_out():
    texts = [parse(text) for text in ["Take good care now", "take GOOD care now", "Hi", "a post about it", "x y z"]]
    table = rows(["a", "a", "b"], ["p", "q", "p"])
    found = likeness.likeness(likeness.runs(texts), table, pd.Series([3, 4], index=["p", "q"]), seed=1)

    assert found.source.unique().tolist() == ["a"]
    assert found.set_index("to").loc["own", ["mean", "conf_low", "conf_high"]].tolist() == pytest.approx([1, 1, 1])
    assert found.set_index("to").loc["post", "mean"] == 0
    frame = tables.LIKENESS.frame(found.assign(measure="runs of words", origin="observed").to_dict("records"))
    assert frame.n_posts.tolist() == [2, 2]


def test_texts_without_a_run_of_three_words_give_no_rows():
    texts = [parse("Hi"), parse("there you are")]

    assert likeness.likeness(likeness.runs(texts), rows(["a"], ["p"]), pd.Series([1], index=["p"]), seed=1).empty


def test_a_source_with_one_post_has_nothing_to_be_compared_with():
    vectors = np.array([[1, 0], [1, 0]], float)
    found = likeness.likeness(vectors, rows(["a"], ["p"]), pd.Series([1], index=["p"]), seed=1).set_index("to")

    assert math.isnan(found.loc["own", "mean"])
    assert found.loc["post", "mean"] == 1


def test_embeddings_are_the_mean_of_a_texts_own_tokens_whatever_its_neighbours(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "take", "care", "rest"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(str(tmp_path / "vocab.txt"))
    tokenizer.save_pretrained(tmp_path)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    torch.manual_seed(1)
    model = BertModel(BertConfig(vocab_size=len(words), **sizes)).eval()
    model.save_pretrained(tmp_path)

    done = []
    found = likeness.embed(["take care", "rest " * 50, ""], tmp_path, progress=done.append)

    with torch.inference_mode():
        states = model(**tokenizer("take care", return_tensors="pt")).last_hidden_state[0]
    expected = states.mean(dim=0) / states.mean(dim=0).norm()
    assert found[0] == pytest.approx(expected.numpy(), abs=1e-6)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1])
    assert done == [3]
