"""Texts that do not depend on their neighbours, in every precision; greedy ones are those of transformers' generate."""

import random
from dataclasses import replace

import bitsandbytes
import pytest
import torch
from tiny_model import END, make_model, save
from transformers import AutoModelForCausalLM, GenerationConfig

from empathic.decoding import PAD_TO, Decoder, Prompt
from empathic.generation import load
from empathic.sampling import Filters

LIMIT = 12
SAMPLED = Filters(temperature=0.9, top_p=0.95, repetition_penalty=1.1)
GREEDY = Filters(top_k=1, repetition_penalty=1.3)
NO_STOP = ()

# The draws and shapes of the package are those of one thread (see generation).
torch.set_num_threads(1)


def prompts(number, longest=150, seed=0):
    chance = random.Random(seed)
    return [
        Prompt(f"p{n}", tuple(chance.randrange(256) for _ in range(chance.randint(3, longest))), seed=1000 + n)
        for n in range(number)
    ]


def answer(model, asked, *, filters=SAMPLED, stop=(END,), rows=4, context=256, limit=LIMIT):
    decoder = Decoder(model, stop_tokens=stop, batch_size=rows, context=context, max_new_tokens=limit, filters=filters)
    return list(decoder.answer(asked))


def tokens(model, asked, **how):
    return {text.prompt.key: text.tokens for text in answer(model, asked, **how)}


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("weights") / "tiny", hidden=128)


def loaded(folder, quantization):
    source = {"device": "cpu", "compute_dtype": "float32", "quantization": quantization, "double_quantization": False}
    return load(folder, source)


def generated(model, prompt, penalty, limit=LIMIT):
    """What transformers' own greedy search says, without padding, without a batch."""
    config = GenerationConfig(
        do_sample=False, repetition_penalty=penalty, max_new_tokens=limit, eos_token_id=END, pad_token_id=END
    )
    ids = torch.tensor([prompt.tokens])
    made = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
    return [token for token in made[0, ids.shape[1] :].tolist() if token != END]


def test_greedy_texts_are_those_of_transformers_generate(model):
    asked = prompts(9)

    ours = tokens(model, asked, filters=GREEDY)

    assert ours == {prompt.key: generated(model, prompt, 1.3) for prompt in asked}
    assert len({tuple(text) for text in ours.values()}) == 9  # The prompts matter.


@pytest.mark.parametrize("length", [1, PAD_TO - 1, PAD_TO, PAD_TO + 1, 2 * PAD_TO])
def test_a_prompt_at_the_edge_of_its_padding_is_read_whole_and_no_more(model, length):
    prompt = Prompt("p", tuple(range(length)), 1)

    assert tokens(model, [prompt], filters=GREEDY)["p"] == generated(model, prompt, 1.3)
    assert prompt.padded == PAD_TO * (1 if length <= PAD_TO else 2)


def opened(asked, length=40):
    """The prompts with an opening before them that they share."""
    shared = tuple(range(100, 100 + length))
    return [replace(prompt, tokens=shared + prompt.tokens, opening=length) for prompt in asked]


@pytest.mark.parametrize("opening", [40, PAD_TO + 1])
def test_an_opening_that_prompts_share_is_read_once_and_changes_no_greedy_text(model, opening):
    asked = opened(prompts(5, longest=80), opening)
    read = []
    hook = model.model.register_forward_pre_hook(
        lambda module, args, given: read.append(given["input_ids"].shape[1]), with_kwargs=True
    )
    try:
        made = tokens(model, asked, filters=GREEDY)
    finally:
        hook.remove()

    assert made == {prompt.key: generated(model, prompt, 1.3) for prompt in asked}
    assert read.count(opening) == 1
    assert sorted(set(read) - {1, opening}) == sorted({prompt.padded for prompt in asked})


@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_no_text_depends_on_its_neighbours_in_any_precision(folder, quantization):
    model = loaded(folder, quantization)
    asked = prompts(5) + opened(prompts(10)[5:])

    together = tokens(model, asked)

    assert len({tuple(text) for text in together.values()}) == 10
    shuffled = random.Random(1).sample(asked, len(asked))
    assert tokens(model, shuffled) == together
    for prompt in asked[:3]:
        assert tokens(model, [prompt]) == {prompt.key: together[prompt.key]}  # Fewer than rows: dummies beside it.
    strangers = [Prompt(f"s{n}", prompt.tokens, prompt.seed + 1) for n, prompt in enumerate(prompts(7, seed=5))]
    mixed = tokens(model, [*strangers, *asked[4:]])
    assert {key: mixed[key] for key in together if key in mixed} == {p.key: together[p.key] for p in asked[4:]}


@pytest.mark.parametrize("double", [False, True])
def test_on_a_cpu_four_bit_weights_are_the_numbers_that_bitsandbytes_makes_of_them(folder, double):
    source = {"device": "cpu", "compute_dtype": "float32", "quantization": "nf4", "double_quantization": double}
    ours = load(folder, source)
    plain = load(folder, source | {"quantization": "none"}).get_submodule("model.layers.1.mlp.up_proj").weight
    quantized, state = bitsandbytes.functional.quantize_4bit(
        plain.contiguous(), quant_type="nf4", compress_statistics=double
    )

    weight = ours.get_submodule("model.layers.1.mlp.up_proj").weight

    assert torch.equal(weight, bitsandbytes.functional.dequantize_4bit(quantized, state))
    assert not torch.equal(weight, plain) and torch.allclose(weight, plain, atol=0.2 * plain.abs().max())
    assert ours.get_output_embeddings().weight.dtype == torch.float32


def test_greedy_texts_of_a_loaded_model_are_those_of_transformers(folder):
    asked = prompts(4)
    theirs = AutoModelForCausalLM.from_pretrained(folder["folder"])

    assert tokens(loaded(folder, "none"), asked, filters=GREEDY) == {
        prompt.key: generated(theirs, prompt, 1.3) for prompt in asked
    }


def test_quantized_weights_say_something_else(folder):
    asked = prompts(4)

    assert len({str(tokens(loaded(folder, kind), asked)) for kind in ("none", "nf4", "int8")}) == 3


def test_in_float32_the_number_of_rows_changes_no_text_either(model):
    asked = prompts(6)

    assert tokens(model, asked, rows=1) == tokens(model, asked, rows=4) == tokens(model, asked, rows=9)


def test_a_seed_makes_a_text_and_another_seed_another(model):
    prompt = prompts(1)[0]
    again = Prompt("again", prompt.tokens, prompt.seed)
    other = Prompt("other", prompt.tokens, prompt.seed + 1)

    made = tokens(model, [prompt, again, other])

    assert made["p0"] == made["again"] != made["other"]


def test_a_text_ends_at_its_limit_or_where_the_model_stops(model):
    (prompt,) = prompts(1)
    (free,) = answer(model, [prompt], stop=NO_STOP)
    third = free.tokens[2]
    before = free.tokens[: free.tokens.index(third)]

    (stopped,) = answer(model, [prompt], stop=(third,))

    assert (free.finish_reason, len(free.tokens)) == ("length", LIMIT)
    assert (stopped.finish_reason, stopped.tokens) == ("stop", before)


def test_a_stop_at_the_very_limit_is_a_stop_and_a_limit_of_one_token_is_kept(model):
    (prompt,) = prompts(1)
    (free,) = answer(model, [prompt], stop=NO_STOP)
    place = next(n for n in range(1, LIMIT) if free.tokens[n] not in free.tokens[:n])

    (at_limit,) = answer(model, [prompt], stop=(free.tokens[place],), limit=place + 1)
    (one,) = answer(model, [prompt], stop=NO_STOP, limit=1)

    assert (at_limit.finish_reason, at_limit.tokens) == ("stop", free.tokens[:place])
    assert (one.finish_reason, one.tokens) == ("length", free.tokens[:1])


def test_a_text_that_ends_at_once_is_empty_and_its_row_takes_the_next_prompt(model):
    asked = prompts(9)
    first = {prompt.key: tokens(model, [prompt], stop=NO_STOP, limit=1)[prompt.key][0] for prompt in asked}
    stop = {first["p0"], first["p4"]}

    made = answer(model, asked, stop=stop, rows=2)

    empty = {text.prompt.key for text in made if text.tokens == [] and text.finish_reason == "stop"}
    assert empty == {key for key, token in first.items() if token in stop} >= {"p0", "p4"}
    assert sorted(text.prompt.key for text in made) == sorted(first)


def test_every_prompt_is_answered_once_whatever_their_number(model):
    for number in (0, 1, 3, 4, 5, 13):
        made = answer(model, prompts(number), limit=3)
        assert sorted(text.prompt.key for text in made) == sorted(f"p{n}" for n in range(number))


def test_the_context_is_just_enough_or_refused(model):
    just = Prompt("just", tuple(range(PAD_TO)), 1)
    over = Prompt("over", tuple(range(PAD_TO + 1)), 1)

    (text,) = answer(model, [just], context=PAD_TO + LIMIT, stop=NO_STOP)
    assert len(text.tokens) == LIMIT
    with pytest.raises(ValueError, match="a prompt is longer than the context allows"):
        answer(model, [just, over], context=PAD_TO + LIMIT)


def test_every_forward_pass_has_a_shape_that_follows_from_settings_and_the_prompt_s_length_alone(model):
    shapes = set()
    hook = model.model.register_forward_pre_hook(
        lambda module, args, given: shapes.add((*given["input_ids"].shape, given.get("attention_mask") is not None)),
        with_kwargs=True,
    )
    try:
        answer(model, prompts(11, longest=100))
    finally:
        hook.remove()

    assert shapes == {(1, PAD_TO, False), (1, 2 * PAD_TO, False), (4, 1, True)}


def test_steps_count_the_tokens_that_were_made(model):
    counted = []
    decoder = Decoder(model, stop_tokens=(), batch_size=4, context=256, max_new_tokens=LIMIT, filters=SAMPLED)

    made = list(decoder.answer(prompts(6), counted.append))

    assert sum(counted) == sum(len(text.tokens) for text in made) == 6 * LIMIT
