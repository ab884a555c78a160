"""Batched decoding in which no text depends on its neighbours.

Quantized kernels round differently by the shape of what they are given, so every forward pass here has a shape that
follows from the settings and from the prompt itself alone: the opening that all prompts of a source share is read once,
the rest of a prompt is padded to the next multiple of 64 and read by itself, and a decoding step always has
`batch_size` rows over a cache of `context` tokens. A row whose text has ended takes the next prompt; a row without a
text is filled with a dummy. Who sits in the other rows, and in what order the work is done, then changes nothing.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache

from empathic.sampling import Filters, draw

PAD_TO = 64

_Past = list[tuple[torch.Tensor, torch.Tensor]]  # Keys and values, (1, heads, tokens, size), a pair a layer.


@dataclass(frozen=True)
class Prompt:
    """Something to answer: any key, the prompt's token ids, the seed of the draw.

    opening: how many of its first tokens many prompts begin with; these are read once for all of them. draw: the how
    manieth draw it is, from 1.
    """

    key: str
    tokens: tuple[int, ...]
    seed: int
    opening: int = 0
    draw: int = 1

    @property
    def padded(self) -> int:
        """Length in tokens of what follows the opening, padded to the next multiple of PAD_TO."""
        return -(-(len(self.tokens) - self.opening) // PAD_TO) * PAD_TO


@dataclass
class Text:
    """A text under way, or ended: its start (seconds since 1970), new tokens, and why it ended (`stop` or `length`)."""

    prompt: Prompt
    generator: torch.Generator
    started: float = field(default_factory=time.time)
    tokens: list[int] = field(default_factory=list)
    finish_reason: str | None = None


class Decoder:
    """A model with `batch_size` rows, which answers prompts until none is left."""

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        stop_tokens: Sequence[int],
        batch_size: int,
        context: int,
        max_new_tokens: int,
        filters: Filters,
    ) -> None:
        self._model = model
        self._stop = frozenset(stop_tokens)
        self._rows = batch_size
        self._context = context
        self._limit = max_new_tokens
        self._filters = filters

    @torch.inference_mode()
    def answer(
        self,
        prompts: Sequence[Prompt],
        step: Callable[[int], None] = lambda rows: None,
        again: Callable[[Text], Prompt | None] = lambda text: None,
    ) -> Iterator[Text]:
        """Answer all prompts, longest first, and give each text as it ends.

        step: called after each forward pass with the number of tokens that it added to texts.
        again: called with each text that has ended; the prompt that it gives is answered in the text's place.
        Raises ValueError for a prompt that does not leave room for max_new_tokens in the context.
        """
        if any(len(prompt.tokens) + self._limit > self._context for prompt in prompts):
            raise ValueError("a prompt is longer than the context allows")
        queue = deque(sorted(prompts, key=lambda prompt: (-len(prompt.tokens), prompt.key)))
        rows = _Rows(self._model, self._rows, self._context)
        while queue or rows.busy:
            for row in rows.free:
                if not queue:
                    break
                text = self._start(queue.popleft(), rows, row)
                step(1)
                if text.finish_reason:
                    yield from _ended(text, again, queue)
            if not rows.busy:
                continue
            tokens = draw(rows.advance(), rows.seen, rows.generators, self._filters).tolist()
            step(len(rows.busy))
            for row, text in rows.busy:
                self._append(text, tokens[row], rows, row)
                if text.finish_reason:
                    yield from _ended(text, again, queue)

    def _start(self, prompt: Prompt, rows: "_Rows", row: int) -> Text:
        text = Text(prompt, torch.Generator().manual_seed(prompt.seed))
        logits = rows.prefill(row, text)
        token = draw(logits, rows.seen[row : row + 1], [text.generator], self._filters).item()
        self._append(text, token, rows, row)
        return text

    def _append(self, text: Text, token: int, rows: "_Rows", row: int) -> None:
        if token in self._stop:
            text.finish_reason = "stop"
        else:
            text.tokens.append(token)
            if len(text.tokens) == self._limit:
                text.finish_reason = "length"
        if text.finish_reason:
            rows.leave(row)
        else:
            rows.put(row, token)


def _ended(text: Text, again: Callable[[Text], Prompt | None], queue: deque[Prompt]) -> Iterator[Text]:
    prompt = again(text)
    if prompt:
        queue.appendleft(prompt)
    else:
        yield text


class _Rows:
    """The rows of a decoding step, with a cache of fixed length in which each row has a place of its own."""

    def __init__(self, model: PreTrainedModel, rows: int, length: int) -> None:
        self._model, self._length = model, length
        device = model.device
        self._texts: list[Text | None] = [None] * rows
        self._idle = [torch.Generator().manual_seed(0) for _ in range(rows)]
        self._at = torch.zeros(rows, dtype=torch.long, device=device)
        self._token = torch.zeros(rows, 1, dtype=torch.long, device=device)
        self._visible = torch.zeros(rows, 1, 1, length, dtype=torch.bool, device=device)
        self._visible[..., 0] = True  # A row that sees nothing would divide by zero.
        self.seen = torch.zeros(rows, model.config.get_text_config().vocab_size, dtype=torch.bool, device=device)
        layers = model.config.get_text_config().num_hidden_layers
        self._cache = Cache(layers=[_Layer(self._at, length) for _ in range(layers)])
        self._openings: dict[tuple[int, ...], _Past] = {(): []}

    @property
    def busy(self) -> list[tuple[int, Text]]:
        """The rows that hold a text."""
        return [(row, text) for row, text in enumerate(self._texts) if text]

    @property
    def free(self) -> list[int]:
        """The rows that hold none."""
        return [row for row, text in enumerate(self._texts) if not text]

    @property
    def generators(self) -> list[torch.Generator]:
        """One generator a row: the text's own, or an idle one for a dummy."""
        return [text.generator if text else idle for text, idle in zip(self._texts, self._idle, strict=True)]

    def prefill(self, row: int, text: Text) -> torch.Tensor:
        """Put a text into a row and read its prompt. Returns the logits of its first token, (1, vocabulary)."""
        tokens = text.prompt.tokens
        opening, rest = tokens[: text.prompt.opening], tokens[text.prompt.opening :]
        if opening not in self._openings:
            self._openings[opening], _ = self._read(opening, [], len(opening))
        read, logits = self._read(rest, self._openings[opening], text.prompt.padded)
        for layer, (keys, values) in zip(self._cache.layers, read, strict=True):
            layer.fill(row, keys[:, :, : len(tokens)], values[:, :, : len(tokens)])
        self._texts[row] = text
        self._at[row] = len(tokens) - 1
        self._visible[row] = False
        self._visible[row, ..., : len(tokens)] = True
        self.seen[row] = False
        self.seen[row, list(tokens)] = True
        return logits

    def _read(self, tokens: Sequence[int], before: _Past, padded: int) -> tuple[_Past, torch.Tensor]:
        """Read tokens after others. Returns keys and values of both, a pair a layer, and the logits after the last."""
        device = self._token.device
        ids = torch.zeros(1, padded, dtype=torch.long, device=device)
        ids[0, : len(tokens)] = torch.tensor(tokens, device=device)
        past = DynamicCache(config=self._model.config)
        for number, (keys, values) in enumerate(before):
            past.update(keys, values, number)  # which copies them, and leaves the opening's as they are
        start = past.get_seq_length()
        logits = self._model(
            input_ids=ids,
            position_ids=torch.arange(start, start + ids.shape[1], device=device)[None],
            past_key_values=past,
            use_cache=True,
            logits_to_keep=torch.tensor([len(tokens) - 1], device=device),
        ).logits[:, -1]
        return [(layer.keys, layer.values) for layer in past.layers], logits

    def put(self, row: int, token: int) -> None:
        """Append a token to a row; the next step reads it."""
        self._at[row] += 1
        self._token[row] = token
        self._visible[row, ..., self._at[row]] = True
        self.seen[row, token] = True

    def leave(self, row: int) -> None:
        """Empty a row: a dummy sits there until the next text."""
        self._texts[row] = None
        self._at[row] = 0
        self._token[row] = 0
        self._visible[row] = False
        self._visible[row, ..., 0] = True

    def advance(self) -> torch.Tensor:
        """One decoding step of all rows. Returns the logits, (rows, vocabulary)."""
        return self._model(
            input_ids=self._token,
            position_ids=self._at[:, None],
            attention_mask=self._visible,
            past_key_values=self._cache,
            use_cache=True,
        ).logits[:, -1]


class _Layer(CacheLayerMixin):
    """Keys and values of one layer, (rows, heads, length, size): a step writes each row at its own place."""

    is_sliding = False

    def __init__(self, at: torch.Tensor, length: int) -> None:
        super().__init__()
        self._at, self._length = at, length
        self._row = torch.arange(len(at), device=at.device)

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.keys, self.values = (
            part.new_zeros(len(self._at), part.shape[1], self._length, part.shape[3])
            for part in (key_states, value_states)
        )
        self.is_initialized = True

    def fill(self, row: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Put what a prefill read, (1, heads, padded, size), into a row."""
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        self.keys[row, :, : keys.shape[2]] = keys[0]
        self.values[row, :, : values.shape[2]] = values[0]

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs):
        self.keys[self._row, :, self._at] = key_states[:, :, 0]
        self.values[self._row, :, self._at] = value_states[:, :, 0]
        return self.keys, self.values

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._length, 0

    def get_seq_length(self) -> int:
        return self._length

    def get_max_length(self) -> int:
        return self._length
