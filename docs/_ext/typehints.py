"""Types print as the sets that they stand for."""

import typing
from typing import Any

from mlmath_ref.annotations import is_function, is_optional, read


class SetFormatter:
    """Formats annotations for sphinx-autodoc-typehints; picklable, and equal to its like."""

    def __call__(self, annotation: Any, config: Any = None) -> str | None:
        latex = set_latex(annotation)
        if latex is None:
            return None
        text = rf":math:`\in {latex}`" + (" or ``None``" if is_optional(annotation) else "")
        return text.replace("\\", "\\\\")  # the caller unescapes once

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SetFormatter)

    def __hash__(self) -> int:
        return hash(SetFormatter)

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return SetFormatter, ()


def set_latex(annotation: Any) -> str | None:
    """The set of an annotation: of an array or number, of a tuple, of a function."""
    if spec := read(annotation):
        return spec.latex()
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        return r" \times ".join(filter(None, map(set_latex, parts)))
    if is_function(annotation):
        (source,), target = parts
        return rf"\{{ {set_latex(source)} \to {set_latex(target)} \}}"
    return None
