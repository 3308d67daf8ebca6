"""First and second derivatives, against differences from both sides wherever these agree.

At a kink or a jump the sides differ, or grow as the step shrinks; elsewhere the slope is held to
them. Points are ordinary ones with and without optional arguments, one of size 130, some with zeros
and ties, and those at the edge of the sets. A first derivative is never NaN, nor is a second one
where the slope is smooth, but at the points of ``UNDEFINED_AT``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from drawing import arguments, convert, edge_cases, long, tied
from opened import copied, direction, opened
from verification import no_gradient

from mlmath_ref.catalog import Entry, entries

STAIRS = {"loss_scaling"}  # a slope of 0, which differences over several steps do not show
DIFFERENTIABLE = [e for e in entries() if not no_gradient(e)]
STEP = 1e-4
Values = dict[str, Any]


def points(entry: Entry) -> Iterator[Values]:
    drawn = [arguments(entry, seed)[0] for seed in (2, 3)]
    yield from drawn
    yield from long(entry)
    yield tied(entry, drawn[0])
    yield from edge_cases(entry)


def coincide(values: Any) -> bool:
    """Whether two of the numbers are equal, up to rounding."""
    gaps = np.abs(np.subtract.outer(values, values))[~np.eye(len(values), dtype=bool)]
    return bool(np.min(gaps, initial=np.inf) <= 1e-6 * np.abs(values).max())


def repeats(a: Any) -> bool:
    """Whether two singular values are equal or one is zero."""
    return coincide(np.append(singular_values(a), 0.0))


def singular_values(a: Any) -> Any:
    return np.linalg.svd(a, compute_uv=False)


# From which derivative on an entry has none that is right at some points, what Numerics says of it,
# and which points these are: vectors are arbitrary there, or differentiated through such vectors.
UNDEFINED_AT: dict[str, tuple[int, str, Callable[[Values], bool]]] = {
    "lasso_regression": (2, "A matrix of zeros", lambda v: not v["x"].any()),
    "low_rank_approximation": (
        1,
        r"If :math:`\sigma_k = \sigma_{k+1}`",
        lambda v: coincide(singular_values(v["a"])[v["k"] - 1 : v["k"] + 1]),
    ),
    "pca": (
        1,
        "Directions of equal variance",
        lambda v: coincide(singular_values(v["x"] - v["x"].mean(axis=0))),
    ),
    "randomized_svd": (
        1,
        r"Gradients are defined where :math:`A \Omega` has rank :math:`r` and no values are equal",
        lambda v: repeats(v["a"] @ v["omega"]),
    ),
    "singular_value_thresholding": (
        1,
        "where singular values are equal",
        lambda v: repeats(v["a"]),
    ),
    "spectral_normalization": (
        2,
        "if any two singular values are equal",
        lambda v: repeats(v["w"]),
    ),
    "spectral_radius": (
        2,
        "if any two eigenvalues are equal",
        lambda v: coincide(np.linalg.eigvals(v["w"])),
    ),
    "svd": (1, "repeated or zero singular values", lambda v: repeats(v["a"])),
}


@dataclass(frozen=True)
class Line:
    """A weighted sum of an entry's results along a line, and its slope in another direction."""

    function: Callable[..., tuple[torch.Tensor, ...]]
    start: list[torch.Tensor]
    along: list[torch.Tensor]
    across: list[torch.Tensor]
    weights: list[torch.Tensor]

    def at(self, t: float) -> list[torch.Tensor]:
        return [(a + t * d).requires_grad_() for a, d in zip(self.start, self.along)]

    def value(self, at: list[torch.Tensor]) -> torch.Tensor:
        parts = zip(self.function(*at), self.weights)
        return torch.stack([(p * w).sum() for p, w in parts]).sum()

    def value_at(self, t: float) -> float:
        return self.value(self.at(t)).item()

    def slope_at(self, t: float, to: list[torch.Tensor] | None = None) -> float:
        at = self.at(t)
        return rate(self.value(at), at, to or self.across).item()

    def second(self) -> float:
        at = self.at(0)
        return rate(rate(self.value(at), at, self.across), at, self.along).item()


@pytest.mark.parametrize("entry", DIFFERENTIABLE, ids=lambda e: e.name)
def test_derivatives_lie_between_both_sides(entry: Entry) -> None:
    faults = []
    for number, values in enumerate(points(entry)):
        f, x = opened(copied(entry, "torch"), convert(values, "torch"))
        rng = np.random.default_rng(number)
        along, across = direction(entry, values, rng), direction(entry, values, rng)
        result = f(*x)
        if all(torch.isfinite(p).all() for p in result):
            weights = [torch.as_tensor(rng.normal(size=tuple(p.shape))) for p in result]
            line = Line(f, x, along, across, weights)
            told = [
                Sides.of(line.value_at).fault(line.slope_at(0, along), True),
                Sides.of(line.slope_at).fault(line.second(), False),
            ]
            if entry.name in STAIRS:
                slopes = line.slope_at(0, along), line.second()
                told = [f"{slope}, not 0" if slope != 0 else "" for slope in slopes]
            told[missing_from(entry, values) - 1 :] = []
            faults += [f"case {number}, derivative {i}: {t}" for i, t in enumerate(told, 1) if t]
    assert not faults, "; ".join(faults)


def missing_from(entry: Entry, values: Values) -> int:
    """The first derivative that an entry does not have at a point; 3 if it has all that are tested."""
    order, _, holds = UNDEFINED_AT.get(entry.name, (3, "", lambda v: False))
    return order if holds(values) else 3


@pytest.mark.parametrize("name", UNDEFINED_AT)
def test_undefined_derivatives_are_documented_and_occur(name: str) -> None:
    (entry,) = (e for e in entries() if e.name == name)
    assert UNDEFINED_AT[name][1] in " ".join(entry.sections["Numerics"].split())
    found = [missing_from(entry, values) < 3 for values in points(entry)]
    assert any(found), "no point shows it"
    assert not all(found[:2]), "no ordinary point is left"


def rate(value: torch.Tensor, at: list[torch.Tensor], along: list[torch.Tensor]) -> torch.Tensor:
    """How fast a value changes along a direction; it can be differentiated again."""
    if not value.requires_grad:
        return torch.zeros((), dtype=torch.float64)
    slopes = torch.autograd.grad(value, at, create_graph=True, materialize_grads=True)
    return torch.stack([(s * d).sum() for s, d in zip(slopes, along)]).sum()


@dataclass(frozen=True)
class Sides:
    """A curve's differences from both sides, and how much more than a bend they leave open."""

    left: float
    right: float
    slope: float  # by extrapolation
    kink: float

    @classmethod
    def of(cls, curve: Callable[[float], float]) -> "Sides":
        middle = curve(0)
        left, right = ((curve(t) - middle) / t for t in (-STEP, STEP))
        inner = [(curve(t) - middle) / t for t in (-STEP / 2, STEP / 2)]
        jump = abs(2 * (inner[1] - inner[0]) - (right - left))  # of a bend, it is gone
        bend = abs(sum(inner) - left - right)  # of a jump, it is as large as the slopes
        noise = 1e-12 * abs(middle) / STEP
        return cls(left, right, (4 * sum(inner) - left - right) / 6, 5 * jump + 2 * bend + noise)

    @property
    def scale(self) -> float:
        return max(abs(self.left), abs(self.right), 1.0)

    def fault(self, slope: float, is_first: bool) -> str:
        """What is wrong with a slope; nothing where it is right, or where there is none."""
        smooth = self.kink < 1e-2 * self.scale  # false of NaN
        if np.isnan(slope):
            return self.told(slope) if is_first or smooth else ""
        wrong = smooth and not abs(slope - self.slope) <= self.kink + 1e-5 * self.scale
        return self.told(slope) if wrong else ""

    def told(self, slope: float) -> str:
        return f"{slope:.8g}, from the sides {self.left:.8g} and {self.right:.8g}"
