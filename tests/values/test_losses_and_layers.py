"""Values, gradients and curvatures of losses, normalizations and penalties that no example shows."""

import math

import numpy as np
import torch

from mlmath_ref.layers.normalization import batch_norm, layer_norm, rms_norm
from mlmath_ref.losses.classification import focal_loss, softmax_cross_entropy
from mlmath_ref.losses.contrastive import clip_loss, info_nce_loss
from mlmath_ref.losses.distillation import distillation_loss
from mlmath_ref.losses.regression import mean_absolute_error, mean_squared_error
from mlmath_ref.regularization.penalties import l1_penalty, l2_penalty
from mlmath_ref.transformer.positions import rotary_position_embedding


def test_a_small_loss_keeps_its_digits() -> None:
    first = torch.tensor([0])
    for gap in (20.0, 40.0, 600.0):
        loss = softmax_cross_entropy(torch.tensor([[gap, 0.0]]).double(), first)
        torch.testing.assert_close(
            loss, torch.tensor(math.log1p(math.exp(-gap)), dtype=torch.float64), rtol=1e-12, atol=0
        )


def test_cross_entropy_at_ties_has_the_right_derivatives() -> None:
    def loss(z: torch.Tensor) -> torch.Tensor:
        return softmax_cross_entropy(z[None], torch.tensor([0]))

    assert torch.func.grad(loss)(torch.zeros(4)).tolist() == [-0.75, 0.25, 0.25, 0.25]
    hessian = torch.func.hessian(loss)(torch.zeros(4))
    torch.testing.assert_close(hessian, torch.eye(4) / 4 - 1 / 16)


def test_an_infinite_loss_still_has_a_gradient() -> None:
    z = torch.tensor([-torch.inf, 0.0, 0.0], requires_grad=True)
    softmax_cross_entropy(z[None], torch.tensor([0])).backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    assert z.grad.tolist() == [-1.0, 0.5, 0.5]


def test_focal_loss_without_focus_has_the_curvature_of_the_cross_entropy() -> None:
    def loss(z: torch.Tensor) -> torch.Tensor:
        return focal_loss(z, torch.tensor([1, 1]), gamma=0.0, alpha=1.0).sum()

    assert torch.func.hessian(loss)(torch.tensor([0.0, 200.0])).diagonal().tolist() == [0.25, 0.0]


def test_contrastive_losses_of_unit_vectors_agree() -> None:
    q, k = torch.nn.functional.normalize(torch.randn(2, 5, 3, dtype=torch.float64), dim=-1)
    both = (info_nce_loss(q, k) + info_nce_loss(k, q)) / 2
    torch.testing.assert_close(clip_loss(q, k), both)


def test_distillation_is_never_negative_and_has_curvature_at_its_minimum() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2000, 1, 50))
    near = z + 1e-9 * rng.normal(size=z.shape)
    assert float(np.min(distillation_loss(z, near, tau=1.0))) >= 0
    v = torch.tensor([[1.0, 2.0, 3.0]]).double()
    hessian = torch.func.hessian(lambda z: distillation_loss(z, v, tau=1.0))(v).reshape(3, 3)
    p = torch.softmax(v[0], 0)
    torch.testing.assert_close(hessian, torch.diag(p) - torch.outer(p, p))


def test_only_the_result_can_overflow() -> None:
    zero = torch.zeros(200)
    assert mean_squared_error(torch.full((200,), 1e19), zero).item() == np.float32(1e38)
    assert mean_absolute_error(torch.full((200,), 3e38), zero).isfinite()
    theta = torch.tensor([1e20], requires_grad=True)
    penalty = l2_penalty(theta, lam=1e-10)
    penalty.backward()  # type: ignore[no-untyped-call]
    assert theta.grad is not None
    torch.testing.assert_close(penalty.detach(), torch.tensor(5e29))
    torch.testing.assert_close(theta.grad, torch.tensor([1e10]))
    assert l1_penalty(torch.full((200,), 3e38), lam=1e-3).isfinite()


def test_normalization_of_large_features() -> None:
    one, zero = torch.ones(3), torch.zeros(3)
    largest = torch.tensor([3e38, 3e38, 2e38])
    root = math.sqrt(0.5)
    torch.testing.assert_close(
        layer_norm(largest, one, zero), torch.tensor([root, root, -2 * root])
    )
    columns = torch.stack([largest, -largest, torch.full((3,), 9.97e36)], dim=1)
    torch.testing.assert_close(batch_norm(columns, one, zero)[0], torch.tensor([root, -root, 0.0]))
    torch.testing.assert_close(
        rms_norm(torch.full((4096,), 1e18), torch.ones(4096)), torch.ones(4096)
    )


def test_sums_over_a_strided_axis() -> None:
    x = np.random.default_rng(0).normal(3, 1, (100_000, 2)).astype(np.float32).T
    one = np.ones(100_000, np.float32)
    for f in (
        lambda x: mean_squared_error(x, 0 * x),
        lambda x: l2_penalty(x, lam=0.1),
        lambda x: rms_norm(x, one.astype(x.dtype)),
        lambda x: layer_norm(x, one.astype(x.dtype), 0 * one.astype(x.dtype)) + 9,
    ):
        np.testing.assert_allclose(f(x), f(x.astype(np.float64)), rtol=4e-7)  # type: ignore[no-untyped-call]


def test_angles_of_large_positions() -> None:
    x, positions = torch.tensor([[1.0, 0.0, 1.0, 0.0]]), torch.tensor([1_000_003])
    exact = rotary_position_embedding(x.double(), positions).float()
    torch.testing.assert_close(rotary_position_embedding(x, positions), exact, rtol=0, atol=1e-7)
