"""The array types of the signatures, special functions, and steps that bodies share."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from array_api_compat import array_namespace, is_jax_array, is_torch_array

if TYPE_CHECKING:
    from torch import Tensor

    class _Array(Protocol):
        """What every array library gives: operators, a shape and a dtype."""

        @property
        def shape(self) -> Any: ...
        @property
        def dtype(self) -> Any: ...
        @property
        def ndim(self) -> int: ...
        @property
        def device(self) -> Any: ...
        @property
        def mT(self) -> Any: ...
        def __getitem__(self, key: Any, /) -> Any: ...
        def __neg__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...
        def __add__(self, other: Any, /) -> Any: ...
        def __radd__(self, other: Any, /) -> Any: ...
        def __sub__(self, other: Any, /) -> Any: ...
        def __rsub__(self, other: Any, /) -> Any: ...
        def __mul__(self, other: Any, /) -> Any: ...
        def __rmul__(self, other: Any, /) -> Any: ...
        def __truediv__(self, other: Any, /) -> Any: ...
        def __rtruediv__(self, other: Any, /) -> Any: ...
        def __matmul__(self, other: Any, /) -> Any: ...
        def __pow__(self, other: Any, /) -> Any: ...
        def __rpow__(self, other: Any, /) -> Any: ...
        def __lt__(self, other: Any, /) -> Any: ...
        def __le__(self, other: Any, /) -> Any: ...
        def __gt__(self, other: Any, /) -> Any: ...
        def __ge__(self, other: Any, /) -> Any: ...

    Array = TypeVar("Array", bound=_Array)
else:
    # Any array library when the code runs; ``Tensor`` marks entries that are about PyTorch.
    Array = TypeVar("Array")
    Tensor = TypeVar("Tensor")

__all__ = [
    "Array",
    "Tensor",
    "constant",
    "scale",
    "softplus",
    "special_namespace",
    "total",
    "widest",
]


def special_namespace(x: Any) -> Any:
    """Special functions (``erf``, ``gammaln`` ...), which the array API lacks, for ``x``'s library."""
    # imports in sight, which torch.compile can follow
    if is_torch_array(x):
        import torch.special

        return torch.special
    if is_jax_array(x):
        import jax.scipy.special

        return jax.scipy.special
    import scipy.special

    return scipy.special


def widest(x: Any) -> Any:
    """The dtype of 64-bit reals; of 32 bits if the library or the device of ``x`` has none of 64."""
    xp = array_namespace(x)
    if is_jax_array(x):
        return import_module("jax").dtypes.canonicalize_dtype("float64")
    return xp.float32 if getattr(x, "is_mps", False) else xp.float64


def softplus(x: Any) -> Any:
    """log(1 + exp(x)) without overflow, with the right first and second derivatives everywhere."""
    xp = array_namespace(x)
    positive = x > 0
    return xp.where(positive, x, xp.zeros_like(x)) + xp.log1p(xp.exp(xp.where(positive, -x, x)))


def constant(x: Any) -> Any:
    """The same numbers, without a derivative."""
    if is_torch_array(x):
        return x.detach()
    return import_module("jax").lax.stop_gradient(x) if is_jax_array(x) else x


def scale(x: Any) -> Any:
    """A power of two near the largest size along the last axis, 1 for zeros; it has no slope.

    Divided by it, the numbers lose no digit, and their squares neither overflow nor vanish.
    """
    xp = array_namespace(x)
    top = 0.999 * xp.max(
        xp.abs(constant(x)), axis=-1, keepdims=True
    )  # whose logarithm is not rounded up
    return 2.0 ** xp.floor(xp.log2(xp.where(top > 0, top, 1.0)))


def total(x: Any) -> Any:
    """The sum over the last axis, which is made contiguous: NumPy adds pairs along no other."""
    xp = array_namespace(x)
    return xp.sum(xp.reshape(xp.reshape(x, (-1,)), x.shape), axis=-1)
