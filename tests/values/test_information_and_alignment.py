"""Values that no example shows: results in their sets, sums that do not overflow, memory."""

import tracemalloc

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from mlmath_ref.alignment.advantage import generalized_advantage_estimation
from mlmath_ref.alignment.policy import entropy_bonus, policy_gradient, ppo_clip_objective, sft_loss
from mlmath_ref.alignment.preferences import dpo_loss, reward_model_loss
from mlmath_ref.embeddings.search import ivf_search, nearest_neighbors
from mlmath_ref.generative.densities import gan_value
from mlmath_ref.generative.latent import elbo, gaussian_kl
from mlmath_ref.information.divergence import information_gain, kl_divergence, mutual_information
from mlmath_ref.information.entropy import cross_entropy, entropy
from mlmath_ref.kernels.functions import rbf_kernel
from mlmath_ref.kernels.tangent import ntk_training_dynamics


def test_divergences_of_what_nearly_agrees_are_not_negative() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(50), 500)
    q = p * (1 + 1e-9 * rng.normal(size=p.shape))
    assert kl_divergence(p, q / q.sum(1, keepdims=True)).min() >= 0
    margins = rng.dirichlet(np.ones(7), (2, 500))
    independent = margins[0][:, :, None] * margins[1][:, None, :]
    assert mutual_information(independent).min() >= 0
    assert information_gain(1e3 * independent).min() >= 0


def test_a_probability_above_1_by_rounding() -> None:
    above = np.asarray([1 + 2.0**-52, 0.0])
    assert float(entropy(above)) == float(cross_entropy(above, above)) == 0.0


@pytest.mark.parametrize("size", [1e308, 1e-300])
def test_counts_of_any_size(size: float) -> None:
    counts = np.asarray([[3.0, 4.0], [6.0, 1.0], [2.0, 9.0]]) / 9
    assert information_gain(size * counts) == pytest.approx(float(information_gain(counts)), 1e-13)


def test_margins_whose_product_underflows() -> None:
    p = np.asarray([[1.0, 0.0], [0.0, 1e-200]])
    assert float(mutual_information(p)) == pytest.approx(1e-200 * np.log(1e200), rel=1e-12, abs=0)


def test_means_of_large_numbers() -> None:
    """200 times the value that NetCDF files hold in the place of missing data."""
    fill = np.full(200, 9.96921e36, np.float32)
    zero, adv = np.zeros_like(fill), np.ones_like(fill)
    value = pytest.approx(9.96921e36, rel=1e-6)
    assert float(reward_model_loss(zero, fill)) == value
    assert float(dpo_loss(-fill, zero, zero, zero, beta=1.0)) == value
    assert -float(gan_value(fill, fill)) == value
    assert -float(policy_gradient(-fill, adv)) == value
    assert float(ppo_clip_objective(zero, zero, fill)) == value
    assert float(elbo(fill, zero, zero)) == value
    z = np.stack([zero, fill], axis=-1)
    assert float(sft_loss(z, np.zeros(200, int), np.ones(200, bool))) == value


@pytest.mark.parametrize("exponent", [-8, -5, -3, -1, 0])
def test_small_divergence_of_gaussians(exponent: int) -> None:
    x = np.longdouble(10.0) ** exponent
    series = sum(x**n / np.prod(np.arange(1, n + 1, dtype=np.longdouble)) for n in range(2, 30)) / 2
    given = np.asarray([float(x)])
    assert float(gaussian_kl(np.zeros(1), given)) == pytest.approx(float(series), rel=1e-14, abs=0)
    log_var = torch.zeros(1, dtype=torch.float64)
    curvature = torch.func.hessian(lambda v: gaussian_kl(torch.zeros_like(v), v))(log_var)
    assert curvature.item() == 0.5


def test_hessian_of_the_divergence_is_the_fisher_information() -> None:
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    curvature = torch.func.hessian(lambda q: kl_divergence(p, q))(p)
    torch.testing.assert_close(curvature, torch.diag(1 / p))


def test_long_advantages() -> None:
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=5000), rng.normal(size=5001)
    errors = rewards + 0.99 * values[1:] - values[:-1]
    expected = lfilter([1], [1, -0.99 * 0.95], errors[::-1])[::-1]
    found = generalized_advantage_estimation(rewards, values)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_a_masked_action_has_a_gradient_of_0() -> None:
    z = torch.tensor([[0.0, 1.0, -torch.inf], [900.0, 0.0, -900.0]], requires_grad=True)
    entropy_bonus(z).backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()
    assert z.grad[0, 2] == 0


def test_an_eigenvalue_below_0_by_rounding() -> None:
    phi = np.asarray([[0.1, 0.7], [0.3, 2.1], [0.2, 1.4]])
    end = ntk_training_dynamics(phi @ phi.T, np.ones(3), np.zeros(3), eta=1.0, t=1e19)
    assert np.abs(end).max() < 3


def peak(function: object, *arguments: object, **named: object) -> int:
    assert callable(function)
    tracemalloc.start()
    function(*arguments, **named)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory() -> None:
    """No table of all differences, nor of all distances."""
    x, rng = np.zeros((300, 64)), np.random.default_rng(0)
    assert peak(rbf_kernel, x, x, gamma=1.0) < 8 * (300 * 300 + 2 * x.size) * 5
    q, x = rng.normal(size=(1000, 16)), rng.normal(size=(1000, 16))
    assert peak(nearest_neighbors, q, x, 4) < 8 * (q.size + x.size) * 10
    assert peak(ivf_search, q, x, x[:30], 4, 5) < 8 * (q.size + x.size) * 10
