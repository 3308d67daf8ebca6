"""Values whose steps once overflowed, lost digits or had no slope, beside those of the examples."""

import math

import numpy as np
import torch

from mlmath_ref.attention.dot_product_attention import multi_head_attention
from mlmath_ref.attention.projections import attention_scores
from mlmath_ref.efficiency.adaptation import lora_update
from mlmath_ref.efficiency.quantization import quantize_affine
from mlmath_ref.language_modeling.sampling import temperature_softmax, top_p_filter
from mlmath_ref.optimization.clipping import clip_grad_norm
from mlmath_ref.optimization.descent import muon
from mlmath_ref.optimization.natural_gradient import kfac
from mlmath_ref.scaling.laws import chinchilla_loss, chinchilla_optimal_tokens


def test_top_p_keeps_the_same_tokens_in_both_precisions() -> None:
    z = (np.random.default_rng(0).normal(size=128_256) * 1e-3).astype(np.float32)
    single, double = top_p_filter(z, 0.1), top_p_filter(z.astype(np.float64), 0.1)
    assert int((double > -math.inf).sum()) == 12_804
    assert bool(((single > -math.inf) == (double > -math.inf)).all())


def test_sums_of_large_products_do_not_overflow() -> None:
    a = torch.full((200, 2), 1.5e19)
    assert torch.allclose(kfac(a, torch.ones(200, 1))[0], torch.full((2, 2), 2.25e38))
    q, k = torch.full((1, 64), 1e18), torch.full((1, 64), 1e19)
    assert torch.allclose(attention_scores(q, k), torch.tensor(8e37))
    b = torch.full((2, 200), 1e19)
    change = lora_update(torch.zeros(2, 2), b, b.mT.contiguous(), alpha=1.0)
    assert torch.allclose(change, torch.tensor(1e38))


def test_a_strided_gradient_is_clipped_like_a_contiguous_one() -> None:
    g = np.full((2**22, 2), 0.1, np.float32).T
    assert np.allclose(clip_grad_norm(g, 1.0), 2.0**-11, rtol=1e-5)


def test_muon_at_the_ends_of_the_range() -> None:
    g, zero = np.asarray([[3.0, 4.0]]), np.zeros((1, 2))
    step = muon(zero, g, zero)[0]
    assert np.allclose(muon(zero, g * 4e307, zero)[0], step)
    assert np.allclose(muon(zero, g * 1e-300, zero, eps=1e-320)[0], step)


def test_codes_are_added_in_integers() -> None:
    assert quantize_affine(torch.tensor([16777220.0]), 1.0, -16777217).tolist() == [3]


def test_temperatures_beyond_the_precision_of_the_scores() -> None:
    z = torch.tensor([1.0, 2.0, -torch.inf])
    assert temperature_softmax(z, 1e-50).tolist() == [0.0, 1.0, 0.0]
    assert temperature_softmax(z, 1e300).tolist() == [0.5, 0.5, 0.0]


def test_attention_under_vmap() -> None:
    x, w, o = torch.randn(5, 3, 4), torch.randn(2, 4, 2), torch.randn(4, 4)
    batched = torch.func.vmap(lambda x: multi_head_attention(x, x, w, w, w, o))(x)
    assert torch.allclose(batched, multi_head_attention(x, x, w, w, w, o), atol=1e-6)


def test_the_two_laws_have_one_source() -> None:
    n = np.asarray(70e9)
    d = chinchilla_optimal_tokens(n)
    factors = np.geomspace(0.5, 2.0, 101)
    assert np.argmin(chinchilla_loss(n * factors, d / factors)) == 50
