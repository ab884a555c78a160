"""The draw against transformers' own filters, which share no code with it."""

import pytest
import torch
from scipy import stats
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from empathic.sampling import HEAD, Filters, draw, penalized

DRAWS = 6_000


def logits(size, spread, seed=0):
    return torch.randn(1, size, generator=torch.Generator().manual_seed(seed)) * spread


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def expected(row, seen, filters):
    """Probabilities of the next token, (vocabulary,), as transformers has them."""
    processors = LogitsProcessorList()
    if filters.repetition_penalty != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(filters.repetition_penalty))
    processors.append(TemperatureLogitsWarper(filters.temperature))
    if filters.top_k:
        processors.append(TopKLogitsWarper(filters.top_k))
    if filters.top_p < 1:
        processors.append(TopPLogitsWarper(filters.top_p))
    return processors(seen.nonzero()[:, 1][None], row.clone()).double().softmax(-1)[0]


def drawn(row, seen, filters, draws=DRAWS, rows=2_000):
    """How often each token is drawn, (vocabulary,), from a generator of its own for each row."""
    made = generators(*range(rows))
    wide, wide_seen = row.expand(rows, -1), seen.expand(rows, -1)
    tokens = torch.cat([draw(wide, wide_seen, made, filters) for _ in range(draws // rows)])
    return torch.bincount(tokens, minlength=row.shape[1])


def p_of_fit(counts, probabilities):
    """p of a chi-squared test; tokens expected fewer than five times are taken together."""
    assert counts[probabilities == 0].sum() == 0, "a token was drawn that the filters exclude"
    often = probabilities * counts.sum() >= 5
    observed = torch.cat([counts[often], counts[~often].sum()[None]]).double()
    wanted = torch.cat([probabilities[often], probabilities[~often].sum()[None]]) * counts.sum()
    kept = wanted > 1e-9
    return stats.chisquare(observed[kept].numpy(), (wanted[kept] * observed.sum() / wanted[kept].sum()).numpy()).pvalue


CASES = {
    "nothing": Filters(),
    "temperature": Filters(temperature=0.6),
    "a high temperature": Filters(temperature=2.5),
    "top-k": Filters(top_k=7),
    "top-p": Filters(top_p=0.8),
    "repetition penalty": Filters(repetition_penalty=1.8),
    "top-k, then top-p of what it left": Filters(top_k=10, top_p=0.7),
    "all together": Filters(temperature=1.4, top_p=0.85, top_k=20, repetition_penalty=1.5),
    "the default run's": Filters(temperature=0.2, top_p=0.9, repetition_penalty=1.1),
}


@pytest.mark.parametrize("filters", CASES.values(), ids=CASES)
def test_tokens_are_drawn_from_the_softmax_of_the_filtered_logits(filters):
    row = logits(60, 2.0)
    seen = torch.zeros(1, 60, dtype=torch.bool)
    seen[0, row[0].argsort(descending=True)[:10:2]] = True
    seen[0, row[0].argsort()[:30:3]] = True

    probabilities = expected(row, seen, filters)

    assert p_of_fit(drawn(row, seen, filters), probabilities) > 1e-3


@pytest.mark.parametrize(
    "filters",
    [Filters(), Filters(top_p=0.99), Filters(top_k=HEAD + 44), Filters(top_k=HEAD + 44, top_p=0.95)],
    ids=["all", "top-p", "top-k", "top-k and top-p"],
)
def test_a_flat_distribution_is_drawn_from_beyond_the_head_that_is_looked_at_first(filters):
    row = logits(HEAD + 144, 0.3)
    seen = torch.zeros(1, HEAD + 144, dtype=torch.bool)
    probabilities = expected(row, seen, filters)
    assert (probabilities > 0).sum() > HEAD

    assert p_of_fit(drawn(row, seen, filters, draws=4_000), probabilities) > 1e-3


def test_the_share_beyond_the_head_is_drawn_as_often_as_it_should_be():
    row, seen = logits(2 * HEAD, 0.0), torch.zeros(1, 2 * HEAD, dtype=torch.bool)

    counts = drawn(row, seen, Filters(), draws=4_000)

    assert (counts == 0).sum() < 5  # 512 equal tokens, 4,000 draws: of each 8, and 0.2 that never come up.
    assert 1_850 < counts[HEAD:].sum() < 2_150


def test_a_wrong_distribution_would_be_noticed():
    row, seen = logits(60, 2.0), torch.zeros(1, 60, dtype=torch.bool)
    counts = drawn(row, seen, Filters(temperature=1.1))

    assert p_of_fit(counts, expected(row, seen, Filters())) < 1e-6


def test_what_a_row_draws_does_not_depend_on_the_other_rows():
    # One row of 400 nearly equal logits, which goes beyond the head, among peaked ones.
    rows = torch.cat([logits(400, 5.0, 1), logits(400, 0.01, 2), logits(400, 3.0, 3)])
    seen = torch.zeros(3, 400, dtype=torch.bool)
    filters = Filters(top_p=0.97)

    def draws(order):
        made = dict(zip(order, generators(*order), strict=True))
        tokens = [draw(rows[order], seen[order], [made[row] for row in order], filters).tolist() for _ in range(30)]
        return {row: [step[place] for step in tokens] for place, row in enumerate(order)}

    together = draws([0, 1, 2])

    assert draws([2, 0, 1]) == together
    for row in range(3):
        assert draws([row])[row] == together[row]


def test_a_draw_follows_from_its_seed():
    row, seen = logits(300, 1.0), torch.zeros(1, 300, dtype=torch.bool)

    def text(seed):
        (generator,) = generators(seed)
        return [draw(row, seen, [generator], Filters()).item() for _ in range(20)]

    assert text(5) == text(5) != text(6)


def test_the_largest_logit_is_drawn_where_nothing_else_is_left():
    rows, seen = torch.cat([logits(50, 1.0, seed) for seed in range(4)]), torch.zeros(4, 50, dtype=torch.bool)

    for filters in (Filters(top_k=1), Filters(top_p=1e-9), Filters(temperature=1e-6)):
        assert draw(rows, seen, generators(1, 2, 3, 4), filters).tolist() == rows.argmax(-1).tolist()


def test_half_precision_logits_are_drawn_from_as_they_are():
    row, seen = logits(40, 1.0).bfloat16(), torch.zeros(1, 40, dtype=torch.bool)

    assert p_of_fit(drawn(row, seen, Filters(temperature=0.7)), expected(row.float(), seen, Filters(0.7))) > 1e-3


def test_a_top_k_beyond_the_vocabulary_is_no_limit():
    row, seen = logits(40, 1.0), torch.zeros(1, 40, dtype=torch.bool)

    some, none = (draw(row, seen, generators(3), filters) for filters in (Filters(top_k=1000), Filters()))

    assert some.tolist() == none.tolist()


def test_the_penalty_makes_what_was_seen_less_likely_on_both_sides_of_zero():
    row, seen = torch.tensor([[2.0, -2.0, 0.0, 3.0]]), torch.tensor([[True, True, True, False]])

    assert penalized(row, seen, 2.0).tolist() == [[1.0, -4.0, 0.0, 3.0]]
    assert penalized(row, seen, 1.0).tolist() == row.tolist()
