"""Tokens a second of a 13B model on a GPU, by batch size: python bench/gpu.py, from the root. Without a GPU it says so.

A model of the shape of Llama-2-13B, in NF4, answers 120 prompts as long as those of Study 2 with 150 tokens each, by
the package's decoder. Its weights are random, as speed and memory hang on the shape alone: nothing is fetched. One row,
to which the others are compared, answers fewer prompts. --tiny: a model of a few layers, on whichever device there is,
to try this file.
"""

import argparse
import platform
import random
import sys
import time
from datetime import date
from pathlib import Path

import bitsandbytes
import torch
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from empathic.decoding import Decoder, Prompt
from empathic.sampling import Filters

LLAMA_2_13B = {
    "vocab_size": 32_000,
    "hidden_size": 5120,
    "intermediate_size": 13_824,
    "num_hidden_layers": 40,
    "num_attention_heads": 40,
    "max_position_embeddings": 4096,
}
TINY = LLAMA_2_13B | {
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
OPENING, PROMPTS = 110, (159, 271)  # Tokens that all of Study 2's prompts begin with, and of the shortest and longest.
SPREAD = 0.02  # SD of the weights, as Llama's own at their start.
TYPE = torch.bfloat16


def random_model(shape: dict[str, int], device: str) -> LlamaForCausalLM:
    """A model of that shape with random weights, those of its linear layers in NF4, as bitsandbytes loads one."""
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**shape, attn_implementation="sdpa")).to(TYPE)
    for name, module in list(model.named_modules()):
        if isinstance(module, torch.nn.Linear) and module is not model.get_output_embeddings():
            quantized = bitsandbytes.nn.Linear4bit(
                module.in_features, module.out_features, bias=False, compute_dtype=TYPE, quant_type="nf4", device="meta"
            )
            quantized.weight = bitsandbytes.nn.Params4bit(drawn(module.weight, device), quant_type="nf4").to(device)
            model.set_submodule(name, quantized)
    for name, weight in list(model.named_parameters()):
        if weight.is_meta:
            owner, _, last = name.rpartition(".")
            values = torch.ones(weight.shape, dtype=TYPE, device=device) if weight.ndim == 1 else drawn(weight, device)
            setattr(model.get_submodule(owner), last, torch.nn.Parameter(values, requires_grad=False))
    model.model.rotary_emb = type(model.model.rotary_emb)(config=model.config).to(device)
    return model.eval()


def drawn(like: torch.Tensor, device: str) -> torch.Tensor:
    """Normal weights of a tensor's shape."""
    return torch.randn(like.shape, dtype=TYPE, device=device) * SPREAD


def prompts(number: int, vocabulary: int) -> list[Prompt]:
    """Random tokens, as many as Study 2's prompts have, of which the opening is the same."""
    draw = random.Random(1)
    opening = [draw.randrange(vocabulary) for _ in range(OPENING)]
    made = []
    for place in range(number):
        rest = [draw.randrange(vocabulary) for _ in range(draw.randint(*PROMPTS) - OPENING)]
        made.append(Prompt(f"p{place}", (*opening, *rest), seed=place, opening=OPENING))
    return made


def measure(model: LlamaForCausalLM, rows: int, posts: int, tokens: int) -> dict[str, float]:
    """New tokens a second, prefill included, and the peak of the GPU's memory in GB."""
    decoder = Decoder(
        model, stop_tokens=(), batch_size=rows, context=512, max_new_tokens=tokens, filters=Filters(0.7, 0.95)
    )
    list(decoder.answer(prompts(1, model.config.vocab_size)))  # Kernels are chosen at the first pass.
    on_gpu = model.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    clock = time.perf_counter()
    made = sum(len(text.tokens) for text in decoder.answer(prompts(posts, model.config.vocab_size)))
    seconds = time.perf_counter() - clock
    memory = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else float("nan")
    return {"tokens": made, "tokens/s": made / seconds, "GB": memory}


def main() -> None:
    """Print a line a batch size."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--posts", type=int, default=120)
    given.add_argument("--tokens", type=int, default=150)
    given.add_argument("--tiny", action="store_true")
    given.add_argument("rows", nargs="*", type=int, default=[1, 8, 32, 64, 120])
    asked = given.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not asked.tiny:
        print("No GPU that PyTorch can use is here, so nothing was measured.")
        return
    torch.manual_seed(1)
    model = random_model(TINY if asked.tiny else LLAMA_2_13B, device)
    name = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    print(f"{date.today()}, {name}, torch {torch.__version__}, bitsandbytes {bitsandbytes.__version__}, NF4")
    print(
        "| rows | posts | new tokens | tokens/s | ratio to the first | peak of memory, GB |\n|---|---|---|---|---|---|"
    )
    first = None
    for rows in asked.rows:
        posts = min(asked.posts, 12 * rows)
        found = measure(model, rows, posts, asked.tokens)
        first = first or found["tokens/s"]
        speed = f"{found['tokens/s']:.1f} | {found['tokens/s'] / first:.1f}"
        print(f"| {rows} | {posts} | {found['tokens']} | {speed} | {found['GB']:.1f} |", flush=True)


if __name__ == "__main__":
    main()
