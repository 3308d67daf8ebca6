"""Transforms: gradients, forward mode, batching and compilers, of entries and of their copied texts."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import torch
from drawing import agree, arguments, convert
from opened import copied, direction, opened
from verification import no_gradient

from mlmath_ref.catalog import Entry, entries

Keep = Callable[[str, object], None]
ON_TORCH = [e for e in entries() if "torch" in e.libraries]
DIFFERENTIABLE = [e for e in ON_TORCH if not no_gradient(e)]
ON_JAX = [e for e in entries() if e.libraries == ("numpy", "torch")]


def each(chosen: list[Entry]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", chosen, ids=lambda e: e.name)


def cotangents(parts: Any, rng: np.random.Generator) -> list[Any]:
    return [rng.normal(size=tuple(p.shape)) for p in parts]


@each(DIFFERENTIABLE)
def test_backward_and_forward_mode_agree(entry: Entry) -> None:
    """``torch.func.vjp`` equals ``backward``; ``jvp`` is its transpose."""
    rng = np.random.default_rng(0)
    values, _ = arguments(entry, 2)
    for function in (copied(entry, "torch"), entry.function):
        f, x = opened(function, convert(values, "torch"))
        leaves = [t.clone().requires_grad_() for t in x]
        result = f(*leaves)
        c = [torch.as_tensor(a) for a in cotangents(result, rng)]
        slopes = torch.autograd.grad(result, leaves, c, materialize_grads=True)
        agree(torch.func.vjp(f, *x)[1](tuple(c)), slopes, 1e-10)
        steps = direction(entry, values, rng)
        moved = torch.func.jvp(f, tuple(x), tuple(steps))[1]
        forward = sum((m * t).sum() for m, t in zip(moved, c))
        reverse = sum((s * t).sum() for s, t in zip(slopes, steps))
        agree(forward, reverse, 1e-9, floor=1.0)


@each(ON_TORCH)
def test_vmap_equals_loop(entry: Entry) -> None:
    """Over all real arrays, with a batch of two."""
    first = convert(arguments(entry, 2)[0], "torch")
    body, _ = opened(copied(entry, "torch"), first)  # the second may leave the sets
    for function in (copied(entry, "torch"), entry.function):
        f, x = opened(function, first)
        if x:
            mapped = torch.func.vmap(f)(*[torch.stack([t, 0.9 * t]) for t in x])
            loop = body(*x), body(*[0.9 * t for t in x])
            agree(mapped, tuple(map(torch.stack, zip(*loop))), 1e-10)


@each(ON_JAX)
def test_jax(entry: Entry, record_property: Keep) -> None:
    """Under ``jax.jit``, results are NumPy's and gradients are PyTorch's."""
    rng = np.random.default_rng(0)
    values, _ = arguments(entry, 2)
    arrays = {n: v for n, v in convert(values, "jax").items() if isinstance(v, (jax.Array, tuple))}
    rest = {n: v for n, v in values.items() if n not in arrays}
    g, y = opened(entry.function, convert(values, "torch"))
    has_slopes = not no_gradient(entry)
    c = cotangents(g(*y), rng) if has_slopes else []

    @jax.jit
    def made(arrays: dict[str, Any]) -> tuple[Any, Any]:
        """Values and slopes, compiled together."""
        result = entry.function(**arrays, **rest)
        if not has_slopes:
            return result, ()
        f, x = opened(entry.function, arrays | rest)
        return result, jax.vjp(f, *x)[1](tuple(map(jax.numpy.asarray, c)))

    result, slopes = made(arrays)
    agree(result, entry.function(**values), 1e-10)
    if has_slopes:
        wanted = torch.func.vjp(g, *y)[1](tuple(map(torch.as_tensor, c)))
        agree(slopes, wanted, 1e-9, floor=1e-3)  # sums that cancel leave their rounding
    record_property("libraries", ["jax"])
