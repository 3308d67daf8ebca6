"""What an entry makes of a call: refused by name, the same value, or something that it should not."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from drawing import agree, numbers, parameters

from mlmath_ref.annotations import is_function
from mlmath_ref.catalog import Entry

Values = dict[str, Any]
REFUSED, SAME, DOCUMENTED, OTHER = "refused", "same value", "documented value", "other"


@dataclass(frozen=True)
class Case:
    """One call: to be refused by the name of an argument, or to give a known value."""

    what: str
    values: Values
    names: tuple[str, ...] = ()  # the error has to name one of them
    got: str = ""  # and to say that it got this
    expected: Callable[[], Any] | None = field(default=None, repr=False)
    dtype: Any = None  # of 16 bits, where the result is rounded to it


@np.errstate(all="ignore")
def outcome(entry: Entry, case: Case) -> tuple[str, str]:
    """What became of a case, and the reason where that is not as it should be."""
    before = [n.copy() for n in numbers(tuple(snapshots(case.values)))]
    try:
        result = entry.function(**case.values)
    except ValueError as error:
        named = "|".join(map(re.escape, case.names or [*parameters(entry), "arguments"]))
        message = rf"{entry.name}: ({named}) must .*, got .*{re.escape(case.got)}.*"
        ok = re.fullmatch(message, str(error)) and (case.expected is None or refuses(case))
        return (REFUSED, "") if ok else (OTHER, f"ValueError: {error}")
    except Exception as error:
        return OTHER, f"{type(error).__name__}: {error}"
    if case.expected is None:
        return OTHER, f"not refused, gave {result}"
    for old, new in zip(before, numbers(tuple(snapshots(case.values)))):
        if not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
            return OTHER, "an argument was changed in place"
    if aliased(result, case.values):
        return OTHER, "the result shares memory with an argument"
    try:
        if case.dtype is not None:
            return rounded_well(result, case)
        parts = [n for n in numbers(result) if n.dtype.kind == "f"]
        parts = [] if any(map(is_function, parameters(entry).values())) else parts  # theirs
        assert not any(map(np.any, map(np.isnan, parts))), f"NaN: {result}"
        agree(result, case.expected(), floor=1e-3)  # sums that cancel leave their rounding
    except AssertionError as error:
        return OTHER, " ".join(str(error).split())
    return SAME, ""


def refuses(case: Case) -> bool:
    """Whether the ordinary call is an error too."""
    try:
        case.expected and case.expected()
    except (ValueError, OverflowError, torch.linalg.LinAlgError):  # type: ignore[attr-defined]
        return True
    return False


def snapshots(values: Values) -> Iterator[Any]:
    for v in values.values():
        if isinstance(v, torch.Tensor) and not v.is_sparse:
            yield v.detach().to(torch.float64) if v.is_floating_point() else v.detach()
        elif isinstance(v, np.ndarray):
            yield v


def aliased(result: Any, values: Values) -> bool:
    parts = result if isinstance(result, tuple) else (result,)
    given = [v for v in values.values() if isinstance(v, (np.ndarray, torch.Tensor))]
    return any(
        a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
        if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)
        else isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.shares_memory(a, b)
        for a in parts
        for b in given
    )


def round_to(value: Any, dtype: torch.dtype) -> Any:
    return torch.as_tensor(np.asarray(value, float)).to(dtype).to(torch.float64).numpy()


def rounded_well(result: Any, case: Case) -> tuple[str, str]:
    """Against the result in double precision, rounded: in 16 bits to one unit in the last place."""
    info = torch.finfo(case.dtype)
    parts = result if isinstance(result, tuple) else (result,)
    label = SAME
    for part, wanted in zip(parts, numbers(case.expected and case.expected())):
        if wanted.dtype.kind != "f":
            agree(part, wanted)
            continue
        assert str(part.dtype).endswith(str(case.dtype).rpartition(".")[2]), f"became {part.dtype}"
        tensor = torch.as_tensor(np.asarray(part)) if not isinstance(part, torch.Tensor) else part
        got, want = tensor.double().numpy(), round_to(wanted, case.dtype)
        assert not np.isnan(got).any(), f"NaN, expected {want}"
        assert (np.isfinite(got) == np.isfinite(want)).all(), f"got {got}, expected {want}"
        size = np.abs(want)
        if info.bits == 32:  # computed in it, where sums that cancel lose digits
            size = np.full_like(want, 1e3 * size[np.isfinite(want)].max(initial=1.0))
        unit = info.eps * size + info.tiny * info.eps
        near = (got == want) | (np.abs(got - want) <= unit)
        assert near.all(), f"got {got}, expected {want}"
        if (np.isinf(got) | ((got == 0) & (wanted != 0))).any():
            label = DOCUMENTED
    return label, ""
