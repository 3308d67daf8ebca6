"""Bad input and edges: a naming error or the right value, never a silently wrong number."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from inputs import CLASSES, REFUSALS, placed
from membership import NAMES, belongs, boundary
from outcomes import OTHER, REFUSED, outcome
from wider import is_beyond_the_format

from mlmath_ref import sets
from mlmath_ref.activations.gates import sigmoid
from mlmath_ref.activations.softmax import softmax
from mlmath_ref.annotations import Spec
from mlmath_ref.arrays import Array
from mlmath_ref.attention.dot_product_attention import scaled_dot_product_attention
from mlmath_ref.calculus.derivatives import jacobian
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.decompositions.spectral import eigendecomposition
from mlmath_ref.efficiency.memory import kv_cache_bytes
from mlmath_ref.embeddings.lookup import embedding_lookup
from mlmath_ref.information.divergence import kl_divergence
from mlmath_ref.losses.contrastive import nt_xent_loss
from mlmath_ref.optimization.clipping import clip_grad_norm

on_each_library = pytest.mark.parametrize(
    ("entry", "library"),
    [
        pytest.param(e, lib, id=f"{e.name}-{lib}")
        for e in entries()
        for lib in e.libraries or ("numpy",)
    ],
)


@on_each_library
def test_inputs(entry: Entry, library: str, record_property: Callable[[str, object], None]) -> None:
    taken, faults = set(), []
    for kind, cases in CLASSES.items():
        for case in cases(entry, library):
            label, reason = outcome(entry, case)
            if label == OTHER or (kind in REFUSALS and label != REFUSED):
                faults.append(f"{kind}, {case.what}: {label} {reason}")
            if case.dtype and label != REFUSED:
                taken.add(str(case.dtype).removeprefix("torch."))
    assert not faults, "; ".join(faults)
    record_property("dtypes", sorted(taken))


@on_each_library
def test_a_number_anywhere(entry: Entry, library: str) -> None:
    """NaN only where the number itself is beyond the format, or a sum on its way."""
    found = [(case, *outcome(entry, case)) for case in placed(entry, library)]
    faults = [
        f"{case.what}: {reason}"
        for case, label, reason in found
        if label == OTHER and not (reason.startswith("NaN") and is_beyond_the_format(entry, case))
    ]
    assert not faults, "; ".join(faults)


@pytest.mark.parametrize("name", [n for n in NAMES.values() if n != "Corpus"])
def test_membership_is_as_printed(name: str) -> None:
    """Each end, a rounding step on either side, infinity: nowhere, alone, in a row, everywhere."""
    spec = Spec(getattr(sets, name), Array, ("m", "n", "n"), "3")
    seen = set()
    for seed, number in itertools.product(range(3), boundary(spec, {})):
        rng = np.random.default_rng(seed)
        for places in (slice(0), tuple(rng.integers(n) for n in (2, 3, 3)), (1, 2), (...,)):
            x = np.array(spec.set.draw(rng, (2, 3, 3), 3))
            x[places] = number
            verdict = belongs(spec, x, {})
            seen.add(verdict)
            assert verdict is None or spec.contains(x, {}) == verdict, f"{number} at {places}"
    assert {True, False} <= seen or spec.set.kind == "integral" or name == "Truth"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: kl_divergence(np.full((2, 3), 1 / 3), np.full((2, 4), 1 / 4)),
            "kl_divergence: q must have shape (*batch, n) = (2, 3), got shape (2, 4)",
        ),
        (
            lambda: sigmoid(np.where(np.arange(1000).reshape(10, 100) == 437, np.nan, 0.0)),
            "sigmoid: x must hold finite real numbers, got nan at [4, 37]",
        ),
        (
            lambda: kl_divergence(np.asarray([[0.5, 0.5], [0.5, 0.6]]), np.full((2, 2), 0.5)),
            "kl_divergence: p must hold probabilities: non-negative numbers that sum to one along"
            " the last axis, got [0.5, 0.6] with sum 1.1 at [1]",
        ),
        (
            lambda: kl_divergence(np.full(2, 0.5), torch.full((2,), 0.5)),
            "kl_divergence: q must come from the library of the arrays before it, numpy,"
            " got an array of torch",
        ),
        (
            lambda: sigmoid(np.arange(3)),
            "sigmoid: x must be an array of real floating-point numbers, got dtype int64",
        ),
        (
            lambda: jacobian(torch.sin, np.ones(2)),  # type: ignore[arg-type] # what is tried
            "jacobian: x must be a PyTorch tensor of real floating-point numbers, got ndarray",
        ),
        (
            lambda: scaled_dot_product_attention(*[torch.full((1, 2), 3e19)] * 3),
            "scaled_dot_product_attention: arguments must keep every step in its set, got softmax:"
            " z must hold numbers below infinity, at least one of them finite along the last axis,"
            " got [inf] at [0]",
        ),
    ],
)
def test_messages(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message


def test_offender_of_a_tensor_with_gradient_in_bfloat16() -> None:
    x = torch.zeros(2, 3, dtype=torch.bfloat16)
    x[1, 2] = torch.inf
    with pytest.raises(ValueError, match=r"got inf at \[1, 2\]$"):
        sigmoid(x.requires_grad_())


def test_transforms_in_sixteen_bits() -> None:
    z = torch.tensor([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]], dtype=torch.bfloat16)
    mapped = torch.func.vmap(softmax)(z)
    assert mapped.dtype == torch.bfloat16
    torch.testing.assert_close(mapped, torch.stack([softmax(row) for row in z]))
    slope = torch.func.grad(lambda z: softmax(z)[0])(z[0])
    assert slope.dtype == torch.bfloat16
    exact = torch.func.grad(lambda z: softmax(z)[0])(z[0].double())
    torch.testing.assert_close(slope.double(), exact, rtol=2**-7, atol=0.0)


def test_numbers_of_numpy_do_not_wrap() -> None:
    """80 layers of 8 heads take more bytes than 32 bits can count."""
    sizes = [np.int32(n) for n in (80, 8, 128, 131072)]
    assert kv_cache_bytes(*sizes) == 42_949_672_960  # type: ignore[arg-type] # what is tried


def test_asymmetry_is_seen_beside_a_large_matrix_and_in_a_small_one() -> None:
    skewed = np.asarray([[1.0, 0.0], [1e-3, 1.0]])
    for a in (np.stack([1e9 * np.eye(2), skewed]), 1e-9 * skewed):
        with pytest.raises(ValueError, match="a must hold finite symmetric matrices"):
            eigendecomposition(a)


def test_narrow_ids_reach_into_a_large_vocabulary() -> None:
    ids = torch.tensor([5, 50], dtype=torch.int8)
    assert embedding_lookup(torch.arange(300.0)[:, None], ids).squeeze(-1).tolist() == [5.0, 50.0]


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_scale_cancels_where_squares_leave_the_range(scale: float) -> None:
    a, b = torch.tensor([[3.0, 4.0], [1.0, -2.0]]), torch.tensor([[2.0, 1.0], [-1.0, 5.0]])
    torch.testing.assert_close(nt_xent_loss(scale * a, b), nt_xent_loss(a, b))


def test_a_gradient_beyond_the_range_of_squares_is_clipped() -> None:
    g = torch.tensor([3.0, 4.0])
    torch.testing.assert_close(clip_grad_norm(1e30 * g, 0.5), clip_grad_norm(g, 0.5))
