"""Values of linear algebra, decompositions, numerics and graphs that no example shows."""

import numpy as np
import pytest
import torch

from mlmath_ref.catalog import entries
from mlmath_ref.decompositions.completion import matrix_factorization
from mlmath_ref.decompositions.singular_values import low_rank_approximation
from mlmath_ref.decompositions.spectral import pca, spectral_tail_exponent
from mlmath_ref.graphs.convolution import chebyshev_convolution, gat_attention
from mlmath_ref.graphs.matrices import (
    graph_laplacian,
    node2vec_transition,
    normalized_adjacency,
    random_walk_matrix,
)
from mlmath_ref.linear_algebra.lengths import l1_norm, l2_norm
from mlmath_ref.linear_algebra.products import cosine_similarity, dot_product
from mlmath_ref.linear_algebra.properties import is_orthogonal, matrix_rank
from mlmath_ref.numerics.logarithms import log_sum_exp, xlogy
from mlmath_ref.numerics.precision import finite_difference_gradient
from mlmath_ref.standalone import standalone


@pytest.mark.parametrize("seed", range(3))
def test_orthogonal_factors_of_large_single_precision_matrices(seed: int) -> None:
    a = np.random.default_rng(seed).normal(size=(512, 512)).astype(np.float32)
    assert is_orthogonal(np.linalg.qr(a)[0])


def test_default_tolerances() -> None:
    assert [bool(is_orthogonal(np.asarray([[1 + e]]))) for e in (4.9e-7, 5.1e-7)] == [True, False]
    unit = np.finfo(np.float64).eps
    tall = np.zeros((4, 2))
    tall[0, 0] = 1.0
    ranks = []
    for k in (3, 5):
        tall[1, 1] = k * unit
        ranks.append(int(matrix_rank(tall)))
    assert ranks == [1, 2]
    near = torch.tensor([5e-7], dtype=torch.float64)
    slope = finite_difference_gradient(lambda x: x.abs().sum(), near)  # the step is 1e-6
    assert slope.item() == pytest.approx(0.5)


def test_sums_over_strided_axes() -> None:
    x = np.full((2**22, 2), 0.1, np.float32).T
    one = np.float32(2**22)
    for mean in (l1_norm(x) / one, dot_product(x, x**0) / one, l2_norm(x) ** 2 / one * 10):
        np.testing.assert_allclose(mean, 0.1, rtol=1e-6)
    np.testing.assert_allclose(log_sum_exp(x), 0.1 + np.log(one), rtol=1e-6)


def test_gradient_of_a_long_norm_at_its_largest_entry() -> None:
    x = torch.randn(10**6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (slope,) = torch.autograd.grad(l2_norm(x), x)
    exact = x.detach().double() / x.detach().double().norm()
    torch.testing.assert_close(slope.double(), exact, rtol=1e-5, atol=0.0)


def test_cosine_stays_in_its_set_and_curves_at_its_ends() -> None:
    a = np.random.default_rng(0).normal(size=(2000, 3))
    assert np.abs(cosine_similarity(a, 3 * a)).max() <= 1
    assert np.abs(cosine_similarity(a, -3 * a)).max() <= 1
    b = torch.tensor([2.6, 2.4, 2.1], dtype=torch.float64)
    curvature = torch.func.hessian(lambda v: cosine_similarity(v, 3 * b))(b)
    exact = -(torch.eye(3) - torch.outer(b, b) / (b @ b)) / (b @ b)
    torch.testing.assert_close(curvature, exact.double(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("sigma", "k"), [((2.0, 2.0, 1.0), 2), ((2.0, 1.0, 1.0), 1)])
@pytest.mark.parametrize("rows", [3, 5])
def test_low_rank_derivatives_at_equal_singular_values(
    sigma: tuple[float, ...], k: int, rows: int
) -> None:
    rng = np.random.default_rng(rows)
    u, v = (np.linalg.qr(rng.normal(size=(n, 3)))[0] for n in (rows, 3))
    a = torch.as_tensor(u @ np.diag(sigma) @ v.T)
    weights = torch.as_tensor(rng.normal(size=(2, *a.shape)))

    def loss(x: torch.Tensor) -> torch.Tensor:
        return (weights[0] * low_rank_approximation(x, k)).sum() + low_rank_approximation(
            x.mT, k
        ).square().sum()

    step, h = weights[1], 1e-4
    slope = (loss(a + h * step) - loss(a - h * step)) / (2 * h)
    bend = (loss(a + h * step) - 2 * loss(a) + loss(a - h * step)) / h**2
    torch.testing.assert_close((torch.func.grad(loss)(a) * step).sum(), slope, rtol=1e-5, atol=1e-6)
    curved = torch.tensordot(torch.func.hessian(loss)(a), step, dims=2)
    torch.testing.assert_close((curved * step).sum(), bend, rtol=1e-3, atol=1e-3)


def test_copied_pseudoinverse_keeps_the_tolerance_of_the_precision() -> None:
    entry = next(e for e in entries() if e.name == "pseudoinverse")
    a = np.outer(np.arange(1, 6), [0.1, 0.2, 0.3]).astype(np.float32)
    namespace: dict[str, object] = {}
    exec(standalone(entry, "numpy"), namespace)
    assert np.abs(namespace["pseudoinverse"](a)).max() == pytest.approx(0.1948052, rel=1e-4)  # type: ignore[operator]


def test_degrees_that_overflow() -> None:
    full, star = np.full((3, 3), 3e38, np.float32), np.zeros((3, 3), np.float32)
    star[0, 1:] = star[1:, 0] = 3e38
    with np.errstate(over="ignore"):  # the degree itself
        laplacian = graph_laplacian(star)
    assert laplacian[0].tolist() == [np.inf, -star[0, 1], -star[0, 2]]
    np.testing.assert_allclose(normalized_adjacency(star)[0, 1:], np.sqrt(0.5), rtol=1e-6)
    np.testing.assert_allclose(random_walk_matrix(full)[0], 1 / 3, rtol=1e-6)
    step = node2vec_transition(full > 0, full, 0, 1, p=2.0, q=1e-30)
    assert np.abs(np.asarray(step) - [0.2, 0.4, 0.4]).max() < 1e-6


def test_unknown_entries_and_equal_samples_may_be_large() -> None:
    r, mask = np.asarray([[1e200, 2.0]]), np.asarray([[False, True]])
    assert matrix_factorization(r, mask, np.zeros((1, 1)), np.zeros((2, 1)), lam=0.0) == 4.0
    assert pca(np.full((200, 2), 9.96921e36, np.float32), 1)[2][0] == 0.0


def test_attention_learns_where_the_own_part_is_zero() -> None:
    x, w = torch.tensor([[1.0], [-2.0], [0.5]], dtype=torch.float64), torch.ones(1, 1).double()
    everyone, b = torch.ones(3, 3, dtype=torch.bool), torch.ones(1).double()

    def weight(a: torch.Tensor) -> torch.Tensor:
        return gat_attention(everyone, x, w, a, b)[0, 0]

    zero, h = torch.zeros(1, dtype=torch.float64), 1e-6
    difference = (weight(zero + h) - weight(zero - h)) / (2 * h)
    torch.testing.assert_close(torch.func.grad(weight)(zero)[0], difference, rtol=1e-6, atol=1e-9)


def test_chebyshev_convolution_takes_one_product_less_than_polynomials() -> None:
    class Counted(np.ndarray):
        products = 0

        def __matmul__(self, other: object) -> np.ndarray:
            Counted.products += 1
            return np.asarray(self) @ np.asarray(other)

    body = chebyshev_convolution.__wrapped__  # type: ignore[attr-defined]
    for k in (1, 2, 3, 5):
        Counted.products = 0
        body(np.eye(2).view(Counted), np.eye(2), np.ones((k, 2, 2)))
        assert Counted.products == k - 1


def test_slopes_at_infinite_values() -> None:
    x = torch.tensor([3.0, 3.0, 3.0], requires_grad=True)
    (slope,) = torch.autograd.grad(spectral_tail_exponent(x, 2), x)
    assert sorted(slope.tolist()) == [-np.inf, -np.inf, np.inf]


def test_second_derivatives_of_xlogy() -> None:
    pair = torch.tensor([0.3, 2.5], dtype=torch.float64)
    bend = torch.func.hessian(lambda t: xlogy(t[0], t[1]))(pair)
    exact = torch.tensor([[0.0, 1 / 2.5], [1 / 2.5, -0.3 / 2.5**2]], dtype=torch.float64)
    torch.testing.assert_close(bend, exact)
