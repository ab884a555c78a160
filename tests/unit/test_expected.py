"""The mean answer of an ordinal model, against integrals worked out otherwise."""

import numpy as np
import pytest
from scipy import integrate, stats

from empathic import expected
from empathic.expected import Latent

CUTS = np.array([-1.0, 0.2, 1.5])
POINTS = [1.0, 2.0, 3.0, 5.0]
CELLS = [np.array([[0.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 1.0]])]


def latent(link="probit", deviations=(0.8, 0.3), **changes):
    size = len(CUTS) + 2 + len(deviations)
    known = {"covariance": np.diag(np.linspace(0.01, 0.04, size)), "varying": np.full(size, True), "logged": False}
    return Latent(link, CUTS, np.array([0.6, -0.4]), np.array(deviations), **(known | changes))


@pytest.mark.parametrize(("link", "law"), [("probit", stats.norm), ("logit", stats.logistic)])
def test_it_is_the_mean_over_answers_and_over_everybody(link, law):
    spread = np.hypot(0.8, 0.3)

    def mean(at):
        def of_one(u):
            edges = np.concatenate([[0.0], law.cdf(CUTS - at - u), [1.0]])
            return POINTS @ np.diff(edges) * stats.norm.pdf(u, scale=spread)

        return integrate.quad(of_one, -12, 12, epsabs=1e-12)[0]

    found = expected.ratings(latent(link), POINTS, CELLS).expected
    assert found.tolist() == pytest.approx([mean(0.0), (mean(0.6) + mean(0.2)) / 2], rel=1e-8)


def test_without_random_terms_it_is_that_of_one_latent_answer():
    found = expected.ratings(latent(deviations=()), POINTS, CELLS).expected
    shares = stats.norm.sf(CUTS)
    assert found[0] == pytest.approx(1 + shares[0] + shares[1] + 2 * shares[2])


def test_its_standard_error_is_the_spread_over_draws_of_the_parameters():
    one = latent(covariance=np.diag([1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 6e-4, 7e-4]))
    found = expected.ratings(one, POINTS, CELLS)
    draw = np.random.default_rng(2)
    moved = draw.normal(np.r_[CUTS, 0.6, -0.4, 0.8, 0.3], np.sqrt(np.diag(one.covariance)), (200, 7))
    drawn = [
        expected.ratings(
            Latent("probit", row[:3], row[3:5], row[5:], one.covariance, one.varying, False), POINTS, CELLS
        )
        for row in moved
    ]
    spread = np.std([table.expected for table in drawn], axis=0)
    assert found.expected_std_error.tolist() == pytest.approx(spread.tolist(), rel=0.2)
    width = found.expected_conf_high - found.expected_conf_low
    assert width.tolist() == pytest.approx((2 * 1.959964 * found.expected_std_error).tolist(), rel=1e-6)


def test_an_sd_at_zero_counts_as_known_and_a_logarithm_as_one():
    flags = np.array([True] * 5 + [True, False])
    covariance = np.zeros((6, 6))
    covariance[5, 5] = 0.01
    plain = expected.ratings(latent(deviations=(0.8, 0.0), varying=flags, covariance=covariance), POINTS, CELLS)
    alone = {"varying": np.full(6, True), "covariance": covariance, "logged": True}
    logged = expected.ratings(latent(deviations=(0.8,), **alone), POINTS, CELLS)
    assert logged.expected.tolist() == plain.expected.tolist()
    assert logged.expected_std_error.tolist() == pytest.approx((0.8 * plain.expected_std_error).tolist(), rel=1e-6)
