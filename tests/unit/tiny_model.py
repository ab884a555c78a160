"""A chat model of a few thousand random weights, which loads and answers in a moment."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from empathic import weights

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())
SPECIAL = ["<|im_start|>", "<|im_end|>"]
VOCABULARY = [*LETTERS, "he", "th", "the", *SPECIAL]
MERGES = [("h", "e"), ("t", "h"), ("t", "he")]
END = VOCABULARY.index("<|im_end|>")


def make_tokenizer():
    """A byte-level tokenizer: nearly every letter is a token."""
    tokenizer = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(VOCABULARY)}, merges=MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        chat_template=TEMPLATE,
    )


def make_model(*, layers=2, hidden=64, seed=0, positions=1024, **options):
    """A Llama with grouped heads; its weights are large, so that what it says depends on what it has read."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=END,
        **options,
    )
    return LlamaForCausalLM(config).eval()


def save(folder, **options):
    """Save model and tokenizer as a lab's own folder of weights. Returns its manifest."""
    make_model(**options).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return manifest(folder)


def manifest(folder):
    """The manifest of such a folder."""
    model = {"kind": "folder", "title": "Tiny", "licence": "none", "folder": str(folder), "note": ""}
    return weights.fetch("tiny", model, folder.parent, lambda line: None)
