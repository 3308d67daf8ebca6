"""First and second derivatives, against differences from both sides wherever these agree.

At a kink or a jump the sides differ, or grow as the step shrinks; elsewhere the slope is held to
them. Points are ordinary ones, some with zeros and ties, and those at the edge of the sets. A first
derivative is NaN only if the entry says that there may be one.
"""

import re
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

# At ties and edges their slopes are undefined or have few digits, as they say.
AT_DRAWS_ONLY = {
    "low_rank_approximation": "where the first value that is dropped equals the last that is kept",
    "randomized_svd": "where values are equal, or the products have not the full rank",
    "ntk_training_dynamics": "where eigenvalues coincide",
    "spectral_radius": "where eigenvalues coincide, as those of a matrix of low rank at 0",
}
ROUNDS = {"loss_scaling"}  # to 16 bits, in steps as wide as those of the differences
DIFFERENTIABLE = [e for e in entries() if not no_gradient(e) and e.name not in ROUNDS]
STEP = 1e-4
UNDEFINED = re.compile(r"NaN|undefined|not\s+defined")
Values = dict[str, Any]


def points(entry: Entry) -> Iterator[Values]:
    drawn = [arguments(entry, seed)[0] for seed in (2, 3)]
    yield from drawn
    yield from long(entry)
    if entry.name not in AT_DRAWS_ONLY:
        yield tied(entry, drawn[0])
        yield from edge_cases(entry)


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
            may_be_nan = UNDEFINED.search(entry.sections["Numerics"]) is not None
            told = [
                Sides.of(line.value_at).fault(line.slope_at(0, along), True, may_be_nan),
                Sides.of(line.slope_at).fault(line.second(), False, may_be_nan),
            ]
            faults += [f"case {number}, derivative {i}: {t}" for i, t in enumerate(told, 1) if t]
    assert not faults, "; ".join(faults)


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

    def fault(self, slope: float, is_first: bool, may_be_nan: bool) -> str:
        """What is wrong with a slope; nothing where it is right, or where there is none."""
        smooth = self.kink < 1e-2 * self.scale  # false of NaN
        if np.isnan(slope):
            return self.told(slope) if (is_first or smooth) and not may_be_nan else ""
        wrong = smooth and not abs(slope - self.slope) <= self.kink + 1e-5 * self.scale
        return self.told(slope) if wrong else ""

    def told(self, slope: float) -> str:
        return f"{slope:.8g}, from the sides {self.left:.8g} and {self.right:.8g}"
