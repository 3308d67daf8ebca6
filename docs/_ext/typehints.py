"""Types print as the sets that they stand for."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from mlmath_ref.annotations import Written, is_optional, set_latex

RENDER = "sphinx_autodoc_typehints._render"
UNESCAPES = not find_spec(RENDER)  # versions before 3.17 unescape what a formatter returns, once


class SetFormatter:
    """Formats annotations for sphinx-autodoc-typehints; picklable, and equal to its like."""

    def __call__(self, annotation: Any, config: Any = None) -> str | None:
        if isinstance(annotation, Written):  # version 3.17 takes annotations from the signature
            render = import_module(RENDER)
            return str(render.format_annotation(annotation.annotation, config))
        latex = set_latex(annotation)
        if latex is None:
            return None
        text = rf":math:`\in {latex}`" + (" or ``None``" if is_optional(annotation) else "")
        return text.replace("\\", "\\\\") if UNESCAPES else text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SetFormatter)

    def __hash__(self) -> int:
        return hash(SetFormatter)

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return SetFormatter, ()
