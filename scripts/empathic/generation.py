"""A model answers posts: from prompts to records, none made twice."""

import errno
import importlib.metadata
import importlib.util
import logging
import os
import platform
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jinja2 import TemplateError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    GenerationConfig,
    PreTrainedModel,
)

from empathic import files, ids, lengths, prompts, records, weights
from empathic.decoding import PAD_TO, Decoder, Prompt, Text
from empathic.errors import InputError
from empathic.posts import in_order
from empathic.rule import Every
from empathic.sampling import Filters

UNLIKE_POSTS = ("a", "I", "7", "\u00e9", "\u4f60", '"', "(", "\U0001f642")
SAMPLER_VERSION = 3  # Changes with whatever changes a text: decoding.py, sampling.py, the cleaning below.

Say = Callable[[str], None]


@dataclass(frozen=True)
class Arm:
    """A source of one study: its settings (settings.TransformersSource), its weights' manifest, its prompt template.

    redraw: `words`, the least and the most that were asked for, and `draws`, how many new draws a response outside them
    gets, each from a seed of its own; the last one is kept. None: every first draw is.
    """

    study: str
    name: str
    source: dict[str, Any]
    manifest: dict[str, Any]
    template: str
    seed: int
    redraw: dict[str, Any] | None = None

    def records_in(self, cache: Path) -> Path:
        """Where its records lie."""
        return records.folder(cache, self.study, self.name)


@dataclass(frozen=True)
class Request:
    """One response that is asked for: its token ids, how many of them open every prompt of the source, its record."""

    tokens: tuple[int, ...]
    opening: int
    record: dict[str, Any]

    @property
    def prompt(self) -> Prompt:
        """What the decoder is given."""
        return Prompt(self.record["key"], self.tokens, self.record["seed"], self.opening)


def answer(posts: pd.DataFrame, arm: Arm, cache: Path, writer: str, shard: tuple[int, int], say: Say) -> pd.DataFrame:
    """Have a source answer its share of the posts, making only the records that are not there yet.

    posts: tables.POSTS. writer: name of this job's own file of records. shard: (k, n), the k-th of n shares, from 1.

    Returns key, post_id, sample and sha256 (records.fingerprint) of each record of the share, in the posts' order.
    Raises InputError for weights that changed, a model that cannot be used, or a device that is not there.
    """
    tokenizer = tokenizer_of(arm.manifest)
    requests = share(request_all(posts, arm, tokenizer), *shard)
    found = records.look_up(arm.records_in(cache), say)
    missing = [request for request in requests if request.record["key"] not in found]
    say(f"{arm.study}, {arm.name}: {len(requests) - len(missing)} of {len(requests)} responses are there already")
    if missing:
        with records.Writer(arm.records_in(cache) / f"{writer}.jsonl") as out:
            for record in _generate(missing, arm, tokenizer, say):
                out.append(record)
                found[record["key"]] = record
    return in_order(posts, records.listing(found[request.record["key"]] for request in requests))


def tokenizer_of(manifest: dict[str, Any]):
    """A model's tokenizer, with its chat template. Raises InputError where the weights have gone, or have none."""
    folder = weights.folder_of(manifest)
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(
            folder,
            f"it holds no tokenizer that transformers can read ({reason})",
            "Put the tokenizer's files beside the weights, as its save_pretrained writes them (tokenizer.json, "
            "tokenizer_config.json)",
        ) from None


def request_all(posts: pd.DataFrame, arm: Arm, tokenizer) -> list[Request]:
    """What a source is asked: every post, every sample, as records that lack only what generation adds."""
    if not tokenizer.chat_template:
        raise InputError(arm.manifest["folder"], "the model has no chat template", "Take an instruct or chat model")
    source = arm.source
    four_bit = source["quantization"] in ("nf4", "fp4")
    system_role = _takes_system_role(tokenizer)
    opening = _opening(arm, tokenizer, system_role)
    ends = stop_tokens(arm.manifest, tokenizer)
    asked = []
    for post in posts.itertuples():
        messages = prompts.messages(arm.template, post.text, system_role=system_role)
        tokens = _tokens(messages, tokenizer)
        opened = len(opening) if tokens[: len(opening)] == opening else 0
        for sample in range(source["samples"]):
            record = {
                "kind": "transformers",
                "study": arm.study,
                "source": arm.name,
                "post_id": post.post_id,
                "sample": sample,
                "weights_sha256": arm.manifest["weights_sha256"],
                "stop_tokens": ends,
                "prompt_sha256": files.sha256_text(arm.template),
                "messages": messages,
                "input_sha256": files.sha256_text(files.canonical(tokens)),
                "sampling": source["sampling"],
                "quantization": source["quantization"],
                "double_quantization": source["double_quantization"] if four_bit else None,
                "compute_dtype": source["compute_dtype"],
                "device": source["device"],
                "batch_size": source["batch_size"],
                "context": source["context"],
                "pad_to": PAD_TO,
                "seed": ids.seed(arm.seed, arm.study, arm.name, post.post_id, sample),
                "sampler_version": SAMPLER_VERSION,
                "redraw": arm.redraw,
            }
            asked.append(Request(tuple(tokens), opened, {"key": records.key(record), **record}))
    _require_room(max(asked, key=lambda request: len(request.tokens)), arm)
    return asked


def _tokens(messages: list[dict[str, str]], tokenizer) -> list[int]:
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)


def _takes_system_role(tokenizer) -> bool:
    """Whether a model's chat template has a place for a system message: some refuse one, some leave it out."""
    mark = "A system message."
    try:
        tried = tokenizer.apply_chat_template(
            [{"role": "system", "content": mark}, {"role": "user", "content": "A post."}], tokenize=False
        )
    except TemplateError:
        return False
    return mark in tried


def _opening(arm: Arm, tokenizer, system_role: bool) -> list[int]:
    """The tokens before the post in nearly every prompt: those that prompts of unlike posts begin with.

    It follows from template and tokenizer alone, so that no text depends on what other posts a study has.
    """
    alike = (prompts.messages(arm.template, post, system_role=system_role) for post in UNLIKE_POSTS)
    return list(os.path.commonprefix([_tokens(messages, tokenizer) for messages in alike]))


def _require_room(longest: Request, arm: Arm) -> None:
    tokens, post_id = len(longest.tokens), longest.record["post_id"]
    needed = tokens + arm.source["sampling"]["max_new_tokens"]
    if needed > arm.source["context"]:
        raise InputError(
            f"source '{arm.name}'",
            f"post '{post_id}' of {arm.study} needs a context of {needed} tokens ({tokens} of prompt, and "
            f"max_new_tokens), the source has {arm.source['context']}",
            "Raise `context` of the source, which makes all its texts anew, or shorten the post",
        )


def share(requests: Iterable[Request], number: int, of: int) -> list[Request]:
    """The share of one of several jobs: alike in size, each of prompts of like length, which share decoding steps."""
    ordered = sorted(requests, key=lambda request: (-len(request.tokens), request.record["key"]))
    start, end = (len(ordered) * edge // of for edge in (number - 1, number))
    return ordered[start:end]


def load(manifest: dict[str, Any], source: dict[str, Any]) -> PreTrainedModel:
    """Load a model as its source asks, its weights checked. Raises InputError where that cannot be done."""
    if source["device"] == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "device: cuda", "no GPU is visible to this job", "Set device: cpu, or run where nvidia-smi lists one"
        )
    options: dict[str, Any] = {"trust_remote_code": False, "use_safetensors": True, "attn_implementation": "sdpa"}
    if source["quantization"] == "int8":
        # At every product it warns that activations are rounded: hundreds of thousands of lines in the log of a job.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    if source["quantization"] != "none":
        options["quantization_config"] = quantization_of(source)
    model = AutoModelForCausalLM.from_pretrained(
        weights.verify(manifest),
        dtype=getattr(torch, source["compute_dtype"]),
        device_map={"": source["device"]},
        **options,
    )
    if source["device"] == "cpu":
        if source["quantization"] in ("nf4", "fp4"):
            _dequantize_once(model)
        _keep_weights_by_their_inputs(model)
    window = getattr(model.config, "sliding_window", None)
    if window:
        raise InputError(
            manifest["folder"],
            f"its attention slides over windows of {window} tokens, which this package's decoder does not do",
            "Take a model with full attention",
        )
    return model.eval()


def _require_positions(arm: Arm) -> None:
    """Make sure that a model knows so many places as the context has; beyond them it would write, but no sense."""
    config = AutoConfig.from_pretrained(weights.folder_of(arm.manifest), trust_remote_code=False)
    known = getattr(config.get_text_config(), "max_position_embeddings", None)
    if known and arm.source["context"] > known:
        raise InputError(
            f"source '{arm.name}'",
            f"its context is {arm.source['context']} tokens, and {arm.manifest['title']} was made for {known} "
            "(max_position_embeddings)",
            f"Set `context` to {known} or less",
        )


def _dequantize_once(model: PreTrainedModel) -> None:
    """Dequantize 4-bit weights once, not at every step.

    bitsandbytes' own way on a CPU is to dequantize before each product, or, where the processor has AVX512-BF16, a
    product in bfloat16: so a text depends less on the processor this way, at the price of memory. int8 stays
    bitsandbytes' own: it rounds activations, too.
    """
    import bitsandbytes  # here, as it takes longer to import than torch, and a float32 source does not need it

    for name, module in list(model.named_modules()):
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            weight = bitsandbytes.functional.dequantize_4bit(module.weight.data, module.weight.quant_state)
            plain = torch.nn.Linear(module.in_features, module.out_features, module.bias is not None, device="meta")
            plain.weight = _constant(weight.to(module.compute_dtype))
            plain.bias = module.bias
            model.set_submodule(name, plain)


def _keep_weights_by_their_inputs(model: PreTrainedModel) -> None:
    """With few rows a CPU multiplies half as fast again by a weight that lies by its inputs."""
    for module in model.modules():
        if type(module) is torch.nn.Linear and module is not model.get_output_embeddings():
            module.weight = _constant(module.weight.data.t().contiguous().t())


def _constant(values: torch.Tensor) -> torch.nn.Parameter:
    return torch.nn.Parameter(values, requires_grad=False)


def quantization_of(source: dict[str, Any]) -> BitsAndBytesConfig:
    """How bitsandbytes is asked to quantize a source's weights."""
    if source["quantization"] == "int8":
        # A threshold above 0 would treat outliers by what else is in the batch.
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=source["quantization"],
        bnb_4bit_use_double_quant=source["double_quantization"],
        bnb_4bit_compute_dtype=getattr(torch, source["compute_dtype"]),
    )


def _generate(requests: Sequence[Request], arm: Arm, tokenizer, say: Say):
    """Generate what is missing, and give each record as its text ends."""
    _require_positions(arm)
    if arm.source["device"] == "cpu":
        torch.set_num_threads(1)  # The number of threads changes how sums are rounded.
    say(f"{arm.study}, {arm.name}: loading {arm.manifest['title']} ({arm.source['quantization']})")
    model = _loaded(arm)
    described = _describe(arm, model)
    if described["kernels"]:
        say(
            f"{arm.study}, {arm.name}: the package `kernels` ({described['kernels']}) is installed, which may bring "
            "kernels of its own: texts may differ from those made without it. Each record names it"
        )
    by_key = {request.record["key"]: request for request in requests}
    progress = Progress(f"{arm.study}, {arm.name}", len(requests), say)

    def again(text: Text) -> Prompt | None:
        if not arm.redraw or text.prompt.draw > arm.redraw["draws"]:
            return None
        if lengths.inside(_cleaned(text, tokenizer)[1], arm.redraw["words"]):
            return None
        first = by_key[text.prompt.key].record["seed"]
        return replace(text.prompt, seed=ids.seed(first, text.prompt.draw), draw=text.prompt.draw + 1)

    def answered_by(decoder: Decoder, prompts: Sequence[Prompt]) -> Iterator[Text]:
        return decoder.answer(prompts, progress.step, again)

    asked = [request.prompt for request in requests]
    for text, rows in _with_fewer_rows(arm, model, tokenizer, say, asked, answered_by):
        request = by_key[text.prompt.key]
        run = {"attempts": text.prompt.draw, "batch_size_run": rows}
        yield {**request.record, **described, **_outcome(text, request, tokenizer), **run}
        progress.done()


def _loaded(arm: Arm) -> PreTrainedModel:
    """An arm's model. Raises InputError where its weights are too large for the memory, too."""
    try:
        return load(arm.manifest, arm.source)
    except (RuntimeError, MemoryError, OSError) as error:
        if not _out_of_memory(error):
            raise
        raise InputError(
            f"source '{arm.name}'",
            f"the memory is too small for the weights of {arm.manifest['title']} (device: {arm.source['device']}, "
            f"quantization: {arm.source['quantization']}, compute_dtype: {arm.source['compute_dtype']})",
            "Take a smaller quantization (int8, nf4), a smaller model, another device, or more memory (mem_mb on a "
            "cluster); each but the last makes the source's texts anew",
        ) from None


def _with_fewer_rows(
    arm: Arm,
    model: PreTrainedModel,
    tokenizer,
    say: Say,
    asked: Sequence[Prompt],
    answered_by: Callable[[Decoder, Sequence[Prompt]], Iterator[Text]],
) -> Iterator[tuple[Text, int]]:
    """Give each text and the rows it was made with: those asked for, halved as often as memory is short.

    What was under way when it was short begins anew, from its first draw.
    """
    rows = arm.source["batch_size"]
    left = {prompt.key: prompt for prompt in asked}
    while left:
        try:
            for text in answered_by(decoder_of(arm, model, tokenizer, rows), list(left.values())):
                del left[text.prompt.key]
                yield text, rows
            continue
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
        if rows == 1:
            raise InputError(
                f"source '{arm.name}'",
                f"the memory is too small for one row and a context of {arm.source['context']} tokens",
                "Lower `context`, take a smaller model or more memory (mem_mb on a cluster)",
            )
        rows //= 2
        say(
            f"{arm.study}, {arm.name}: out of memory; going on with {rows} rows for {2 * rows}. These texts may differ "
            "from those that batch_size gives: the report counts them"
        )


def _out_of_memory(error: BaseException) -> bool:
    """Whether memory was short: of a GPU, of Python, or, by their words, of torch on a CPU, of CUDA, of the system."""
    words = ("can't allocate memory", "out of memory", "ALLOC_FAILED", os.strerror(errno.ENOMEM))
    kinds = (torch.OutOfMemoryError, MemoryError)
    return isinstance(error, kinds) or any(word in str(error) for word in words)


def _cleaned(text: Text, tokenizer) -> tuple[str, str]:
    """What the model wrote, and the same without white space at its ends."""
    raw = tokenizer.decode(text.tokens, skip_special_tokens=True)
    return raw, raw.strip()


def decoder_of(arm: Arm, model: PreTrainedModel, tokenizer, rows: int) -> Decoder:
    """What answers an arm's prompts with its model, by its settings, with so many rows."""
    sampling = dict(arm.source["sampling"])
    limit = sampling.pop("max_new_tokens")
    return Decoder(
        model,
        stop_tokens=stop_tokens(arm.manifest, tokenizer),
        batch_size=rows,
        context=arm.source["context"],
        max_new_tokens=limit,
        filters=Filters(**sampling),
    )


def stop_tokens(manifest: dict[str, Any], tokenizer) -> list[int]:
    """The tokens that end a text, rising: those of the model's generation settings, and the tokenizer's own."""
    folder = weights.folder_of(manifest)
    try:
        generates = GenerationConfig.from_pretrained(folder)
    except OSError:  # Without such a file a model's own config counts, as transformers has it.
        generates = GenerationConfig.from_model_config(AutoConfig.from_pretrained(folder, trust_remote_code=False))
    ends = generates.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return sorted({token for token in [*ends, tokenizer.eos_token_id] if token is not None})


def _outcome(text: Text, request: Request, tokenizer) -> dict[str, Any]:
    """What generation adds to a record; a text of nothing but white space is an error, as nobody can rate it."""
    raw, cleaned = _cleaned(text, tokenizer)
    return {
        "text": cleaned,
        "raw_text": raw if raw != cleaned else None,
        "finish_reason": text.finish_reason,
        "error": None if cleaned else "the model gave an empty answer",
        "prompt_tokens": len(request.tokens),
        "new_tokens": len(text.tokens),
        "opening_tokens": text.prompt.opening,
        "padded_tokens": text.prompt.padded,
        "started": datetime.fromtimestamp(text.started, UTC).isoformat(),
        "ended": datetime.now(UTC).isoformat(),
    }


def _describe(arm: Arm, model: PreTrainedModel) -> dict[str, Any]:
    """What describes a record and does not determine it."""
    return {
        "prompt_file": arm.source["prompt"],
        "model": arm.manifest["name"],
        "model_title": arm.manifest["title"],
        "model_id": arm.manifest["model_id"],
        "revision": arm.manifest["revision"],
        "licence": arm.manifest["licence"],
        "device_name": torch.cuda.get_device_name() if model.device.type == "cuda" else _processor(),
        "host": socket.gethostname(),
        "threads": torch.get_num_threads(),
        "kernel": _kernel(arm.source),
        # bitsandbytes looks for this package, which may fetch kernels of its own from a hub.
        "kernels": importlib.metadata.version("kernels") if importlib.util.find_spec("kernels") else None,
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "bitsandbytes")},
    }


def _kernel(source: dict[str, Any]) -> str:
    """What multiplies by the weights of the layers."""
    if source["quantization"] == "none" or (source["device"] == "cpu" and source["quantization"] != "int8"):
        return f"torch, {source['compute_dtype']}"
    return f"bitsandbytes, {source['quantization']}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


class Progress:
    """Tells who watches, every ten seconds: responses done of all, tokens a second, time left."""

    def __init__(self, what: str, total: int, say: Say) -> None:
        self._what, self._total, self._say = what, total, say
        self._due, self._start = Every(), time.monotonic()
        self._done = self._tokens = 0

    def step(self, tokens: int) -> None:
        """Some tokens were added to texts."""
        self._tokens += tokens
        if self._due:
            self._tell()

    def done(self) -> None:
        """A response has ended."""
        self._done += 1
        if self._done == self._total:
            self._tell()

    def _tell(self) -> None:
        passed = time.monotonic() - self._start
        left = f", about {self._clock(passed / self._done * (self._total - self._done))} left" if self._done else ""
        rate = self._tokens / passed
        self._say(f"{self._what}: {self._done} of {self._total} responses, {rate:.0f} tokens/s{left}")

    @staticmethod
    def _clock(seconds: float) -> str:
        return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
