"""One exact draw from a model's filtered distribution over the next token, from a seed of the sample's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

HEAD = 256  # Tokens looked at first: the nucleus is smaller nearly always, and sorting all takes 30 times longer.


@dataclass(frozen=True)
class Filters:
    """What is done to the logits, in this order: repetition penalty, temperature, top-k, top-p."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0


def draw(
    logits: torch.Tensor, seen: torch.Tensor, generators: Sequence[torch.Generator], filters: Filters
) -> torch.Tensor:
    """Draw one token a row: the largest of the filtered logits plus Gumbel noise, an exact draw from their softmax.

    logits: (rows, vocabulary), any float type. seen: (rows, vocabulary), True for tokens in the row's prompt or text.
    generators: one a row, on the CPU; a row takes its noise by rank, so no other row changes what it draws.

    Returns the tokens, (rows,). Source: Gumbel (1954); the filters are those of transformers' logits processors, the
    penalty that of Keskar et al. (2019), top-p that of Holtzman et al. (2020).
    """
    scores = (penalized(logits.float(), seen, filters.repetition_penalty) / filters.temperature).log_softmax(-1)
    width = min(max(HEAD, filters.top_k), scores.shape[-1])
    noise = torch.stack([_gumbel(width, generator) for generator in generators]).to(scores.device)
    ranked, tokens = scores.topk(width, dim=-1)
    if filters.top_k:
        ranked, tokens, noise = (part[:, : filters.top_k] for part in (ranked, tokens, noise))
        ranked = ranked.log_softmax(-1)
    kept, complete = _nucleus(ranked, filters.top_p)
    best = (ranked + noise).masked_fill(~kept, -torch.inf).argmax(-1, keepdim=True)
    drawn = tokens.gather(-1, best).squeeze(-1)
    if filters.top_k == 0 and width < scores.shape[-1]:
        for row in (~complete).nonzero().flatten().tolist():
            drawn[row] = _draw_from_all(scores[row], noise[row], generators[row], filters.top_p)
    return drawn


def penalized(logits: torch.Tensor, seen: torch.Tensor, penalty: float) -> torch.Tensor:
    """Logits with those of seen tokens divided by the penalty where positive, multiplied where negative.

    Only the seen ones are worked on, a few hundred of a vocabulary.
    """
    if penalty == 1.0:
        return logits
    changed, at = logits.clone(), seen.nonzero(as_tuple=True)
    before = logits[at]
    changed[at] = torch.where(before > 0, before / penalty, before * penalty)
    return changed


def _gumbel(size: int, generator: torch.Generator) -> torch.Tensor:
    uniform = torch.rand(size, generator=generator, dtype=torch.float64).clamp_min(torch.finfo(torch.float64).tiny)
    return -torch.log(-torch.log(uniform))


def _nucleus(ranked: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Which of the ranked tokens stay (those before which top_p is not reached yet), and whether none is missing.

    ranked: logarithms of their probabilities, (rows, tokens), the largest first.
    """
    share = ranked.double().exp()
    reached = share.cumsum(-1)
    return reached - share < top_p, reached[:, -1] >= top_p


def _draw_from_all(scores: torch.Tensor, noise: torch.Tensor, generator: torch.Generator, top_p: float) -> torch.Tensor:
    ranked, tokens = scores.sort(descending=True)
    rest = _gumbel(len(scores) - len(noise), generator).to(scores.device)
    kept, _ = _nucleus(ranked[None], top_p)
    return tokens[(ranked + torch.cat([noise, rest])).masked_fill(~kept[0], -torch.inf).argmax()]
