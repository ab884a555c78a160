import numpy as np
import pytest

from empathic.truth import expected_rating

CUTS = [-2.6, -1.8, -1.0, -0.2, 0.7, 1.7]


def test_with_symmetric_cuts_the_expected_rating_is_the_middle_of_the_scale():
    assert expected_rating([1, 2, 3, 4, 5], [-2, -0.5, 0.5, 2], 0.0, 1.3) == pytest.approx(3, abs=1e-12)


def test_of_two_answers_it_is_the_normal_distribution():
    # Tables of the normal distribution: P(z < 1) = .8413447461.
    assert expected_rating([0, 10], [0.5], 2.5, 2.0) == pytest.approx(8.413447461, abs=1e-8)


def test_far_from_the_cuts_it_is_the_end_of_the_scale():
    assert expected_rating([1, 2, 3], [0, 1], 99, 1) == pytest.approx(3)
    assert expected_rating([1, 2, 3], [0, 1], -99, 1) == pytest.approx(1)


def test_it_is_the_mean_of_answers_drawn_component_by_component():
    generator, n = np.random.default_rng(7), 1_000_000
    sds = {"rater": 0.8, "post": 0.3, "response": 0.3, "rater by source": 0.4, "residual": 1.0}
    latent = 0.5 + sum(sd * generator.standard_normal(n) for sd in sds.values())
    answers = 1 + sum((latent > cut).astype(int) for cut in CUTS)

    expected = expected_rating([1, 2, 3, 4, 5, 6, 7], CUTS, 0.5, np.sqrt(sum(sd**2 for sd in sds.values())))

    assert expected == pytest.approx(answers.mean(), abs=4 * answers.std() / np.sqrt(n))
