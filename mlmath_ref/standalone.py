"""Any entry as one self-contained text, for NumPy or for PyTorch, with all that it calls."""

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any

from mlmath_ref import address
from mlmath_ref.catalog import Entry

LIBRARIES = {
    "numpy": {"xp": "np", "special": "scipy.special"},
    "torch": {"xp": "torch", "special": "torch.special"},
}
_IMPORTS = {"np": "import numpy as np", "scipy": "import scipy.special", "torch": "import torch"}
_NAMESPACES = ("array_namespace", "special_namespace")
# What PyTorch calls a function of the array API by another name.
_TORCH = {
    "astype": "Tensor.to",
    "cumulative_prod": "cumprod",
    "cumulative_sum": "cumsum",
    "max": "amax",
    "min": "amin",
    "permute_dims": "permute",
    "take_along_axis": "take_along_dim",
    "vecdot": "linalg.vecdot",
}


@functools.cache
def standalone(entry: Entry, library: str) -> str:
    """Python text that defines the entry's function and needs nothing but its imports.

    Raises:
        ValueError: The library is not "numpy" or "torch".
    """
    if library not in LIBRARIES:
        raise ValueError(f"library must be one of {sorted(LIBRARIES)}, got {library!r}")
    pieces: dict[str, str] = {}
    imports: set[str] = set()
    _collect(inspect.unwrap(entry.function), library, pieces, imports)
    head = "\n".join(sorted(imports, key=lambda i: (not i.startswith("import math"), i)))
    functions = [p for p in pieces.values() if p.startswith("def ")]
    constants = "\n".join(p for p in pieces.values() if p and p not in functions)
    top = "\n\n".join(filter(None, [head, constants]))
    return "\n\n\n".join(filter(None, [top, *functions])) + "\n"


def _collect(
    function: Callable[..., Any], library: str, pieces: dict[str, str], imports: set[str]
) -> None:
    """Add a function to the pieces, after all that it uses."""
    text, names = _rewrite(function, library)
    module = inspect.getmodule(function)
    for name in names:
        value = vars(module).get(name)
        if name in _IMPORTS:
            imports.add(_IMPORTS[name])
        elif isinstance(value, ModuleType):
            imports.add(f"import {value.__name__}")
        elif inspect.isfunction(value) and value.__module__.startswith("mlmath_ref."):
            if value.__name__ not in pieces and inspect.unwrap(value) is not function:
                _collect(inspect.unwrap(value), library, pieces, imports)
        elif value is not None and name not in pieces:
            pieces[name] = _definition(module, name, imports)
    pieces[function.__name__] = text


def _definition(module: ModuleType | None, name: str, imports: set[str]) -> str:
    """A constant's assignment, or nothing where the name is imported."""
    source = inspect.getsource(module) if module else ""
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return ast.get_source_segment(source, node) or ""
        if isinstance(node, ast.ImportFrom) and any(a.name == name for a in node.names):
            imports.add(f"from {node.module} import {name}")
    return ""


def _rewrite(function: Callable[..., Any], library: str) -> tuple[str, list[str]]:
    """The text of a function for a library, and the names that it takes from outside."""
    source = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    lines = source.splitlines()
    has_doc = ast.get_docstring(tree) is not None
    edits = list(_edits(tree, library))
    for line, start, end, new in sorted(edits, reverse=True):
        lines[line] = (
            lines[line].encode()[:start].decode() + new + lines[line].encode()[end:].decode()
        )
    first = tree.body[0].end_lineno if has_doc else tree.body[0].lineno - 1
    body = [line for line in lines[first:] if line.strip() != _DROP]
    names = {n.id for n in ast.walk(ast.Module(tree.body, [])) if isinstance(n, ast.Name)} - set(
        _NAMESPACES
    )
    renamed = [LIBRARIES[library].get(n, n).partition(".")[0] for n in sorted(names)]
    text = "\n".join([_head(source, tree), *_doc(function), *body])
    return text, renamed


_DROP = "# (chosen by the library)"


def _edits(tree: ast.FunctionDef, library: str) -> list[tuple[int, int, int, str]]:
    """Replacements as (line, start, end, text), none overlapping another."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Name) and called.id in _NAMESPACES:
                found.append((node.lineno - 1, node.col_offset, node.end_col_offset or 0, _DROP))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in LIBRARIES[library]:
                attribute = (
                    _TORCH.get(node.attr, node.attr)
                    if (library, name) == ("torch", "xp")
                    else node.attr
                )
                text = f"{LIBRARIES[library][name]}.{attribute}"
                found.append((node.lineno - 1, node.col_offset, node.end_col_offset or 0, text))
    return found


def _head(source: str, tree: ast.FunctionDef) -> str:
    given, named = tree.args.args, tree.args.kwonlyargs
    first = len(given) - len(tree.args.defaults)
    defaults: list[ast.expr | None] = [None] * first + list(tree.args.defaults)
    star = ["*"] if named else []
    parts = [_parameter(source, *pair) for pair in zip(given, defaults)]
    parts += star + [_parameter(source, *pair) for pair in zip(named, tree.args.kw_defaults)]
    return f"def {tree.name}({', '.join(parts)}):"


def _parameter(source: str, argument: ast.arg, default: ast.expr | None) -> str:
    text = default and ast.get_source_segment(source, default)
    return f"{argument.arg}={text}" if text else argument.arg


def _doc(function: Callable[..., Any]) -> list[str]:
    """Name, formula and permanent address; helpers keep their sentence."""
    doc = inspect.getdoc(function) or ""
    if function.__name__.startswith("_") or "\n\n" not in doc:
        return [f'    """{doc}"""'] if doc else []
    concept = doc.partition(": ")[0]
    display = textwrap.dedent(doc.split("\n\n")[1].removeprefix(".. math::"))
    formula = re.sub(r"\s+", " ", display).strip()
    return [f'    r"""{concept}: {formula}', "", f"    {address(function.__name__)}", '    """']
