"""Calculus, probability and statistics: values at the ends of the range of the numbers."""

import mpmath
import numpy as np
import pytest
import torch

from mlmath_ref.calculus.limits import derivative
from mlmath_ref.probability.densities import dirichlet_pdf, gaussian_pdf, laplace_pdf
from mlmath_ref.probability.inference import bayes_theorem
from mlmath_ref.probability.moments import covariance, variance
from mlmath_ref.statistics.estimation import maximum_likelihood
from mlmath_ref.statistics.samples import bootstrap_confidence_interval, paired_t_test


@pytest.mark.parametrize("unit", [2.0**600, 2.0**-600, 1.0])
def test_t_and_p_have_no_unit(unit: float) -> None:
    t, p = paired_t_test(np.asarray([1.0, 2.0]) * unit, np.zeros(2))
    assert float(t) == pytest.approx(3, rel=1e-14)
    assert float(p) == pytest.approx(1 - 2 / np.pi * np.arctan(3), rel=1e-14)


@pytest.mark.parametrize("n", [2, 3, 6, 21, 44, 101, 2001])
@pytest.mark.parametrize("mean", [1e-9, 0.1, 1.0, 30.0])
def test_p_has_all_its_digits(n: int, mean: float) -> None:
    a = mean + np.linspace(-1.0, 1.0, n)
    t, p = paired_t_test(a, np.zeros(n))
    with mpmath.workdps(40):
        x = (n - 1) / (n - 1 + mpmath.mpf(float(t)) ** 2)
        exact = mpmath.betainc(mpmath.mpf(n - 1) / 2, 0.5, 0, x, regularized=True)
    if exact < 1e-290:
        assert float(p) < 1e-280
    else:
        assert float(p) == pytest.approx(float(exact), rel=1e-14 * n + 1e-13)
    assert float(p) <= 1


def test_the_rank_of_a_quantile_is_a_whole_number() -> None:
    index = np.repeat(np.arange(100)[:, None], 100, axis=1)  # means 0 to 99
    low, high = bootstrap_confidence_interval(np.arange(100.0), index, alpha=0.14)
    assert (float(low), float(high)) == (6.0, 92.0)


def test_the_likelihood_of_one_rare_outcome() -> None:
    c = np.asarray([1e7, 1.0])
    with mpmath.workdps(40):
        total = mpmath.mpf(10**7 + 1)
        exact = float(10**7 * mpmath.log(10**7 / total) - mpmath.log(total))
    assert float(maximum_likelihood(c)[1]) == pytest.approx(exact, rel=1e-14)
    assert float(maximum_likelihood(c.astype(np.float32))[1]) == pytest.approx(exact, rel=1e-6)


def test_a_density_per_tiny_unit_does_not_underflow() -> None:
    unit, zero = np.asarray(1e-300), np.asarray(0.0)
    exact = float(mpmath.npdf(39) * mpmath.mpf(10) ** 300)
    assert float(gaussian_pdf(39 * unit, zero, unit)) == pytest.approx(exact, rel=1e-11)
    exact = float(mpmath.exp(-750) / 2 * mpmath.mpf(10) ** 300)
    assert float(laplace_pdf(750 * unit, zero, unit)) == pytest.approx(exact, rel=1e-11)


def test_large_concentrations() -> None:
    density = dirichlet_pdf(np.full(2, 0.5), np.full(2, 1e10))
    assert float(density) == pytest.approx(112837.9167, rel=1e-9)


def test_values_without_weight_do_not_count() -> None:
    far = np.asarray([-1.7e308, 1.7e308])
    assert float(variance(np.asarray([0.0, 1.0]), far)) == 0
    assert float(variance(np.asarray([0.0, 0.5, 0.5]), np.asarray([1e300, 1.0, 3.0]))) == 1


def test_covariance_of_unequal_units() -> None:
    x = np.asarray([[1e150, 1e-150], [-1e150, -1e-150]])
    assert covariance(x)[0].tolist() == pytest.approx([1e300, 1.0])


def test_tiny_likelihoods() -> None:
    posterior = bayes_theorem(np.asarray([1e-300, 3e-300]), np.asarray([1e-30, 1.0]))
    assert float(posterior[0]) == pytest.approx(1e-30 / 3)


def test_a_derivative_has_the_precision_of_the_function() -> None:
    slope = derivative(lambda x: torch.exp(-0.4 * x**2), torch.tensor(1.7))
    assert slope.dtype == torch.float32
