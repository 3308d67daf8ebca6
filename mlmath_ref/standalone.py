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
from mlmath_ref.annotations import FLOAT, Spec, is_function, is_optional, read, walk
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
    "moveaxis": "movedim",
    "permute_dims": "permute",
    "take_along_axis": "take_along_dim",
    "vecdot": "linalg.vecdot",
}


# An array in at least 32 bits, and a result in the precision of the first array.
_WIDER = {
    "numpy": "{0}.astype(np.promote_types({0}.dtype, np.float32))",
    "torch": "{0}.to(torch.promote_types({0}.dtype, torch.float32))",
}
_BACK = {"numpy": ".astype(dtype)", "torch": ".to(dtype)"}


@functools.cache
def standalone(entry: Entry, library: str) -> str:
    """Python text that defines the entry's function and needs nothing but its imports.

    16-bit arrays are computed in 32 bits and the result is rounded once, as in the entry.

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
    function: Callable[..., Any],
    library: str,
    pieces: dict[str, str],
    imports: set[str],
    widens: bool = True,
) -> None:
    """Add a function to the pieces, after all that it uses; only the entry's own widens 16 bits."""
    text, names = _rewrite(function, library, widens)
    module = inspect.getmodule(function)
    for name in names:
        value = vars(module).get(name)
        if name in _IMPORTS:
            imports.add(_IMPORTS[name])
        elif isinstance(value, ModuleType):
            imports.add(f"import {value.__name__}")
        elif inspect.isfunction(value) and value.__module__.startswith("mlmath_ref."):
            if value.__name__ not in pieces and inspect.unwrap(value) is not function:
                _collect(inspect.unwrap(value), library, pieces, imports, widens=False)
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


def _rewrite(function: Callable[..., Any], library: str, widens: bool) -> tuple[str, list[str]]:
    """The text of a function for a library, and the names that it takes from outside."""
    source = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    lines = source.splitlines()
    has_doc = ast.get_docstring(tree) is not None
    arrays = _real_arrays(function) if widens and _rounds(tree) else []
    edits = _edits(tree, library)
    if arrays:
        edits += _narrowed(tree, library, walk(function.__annotations__["return"]))
    for line, start, end, new in sorted(edits, reverse=True):
        lines[line] = (
            lines[line].encode()[:start].decode() + new + lines[line].encode()[end:].decode()
        )
    first = tree.body[0].end_lineno if has_doc else tree.body[0].lineno - 1
    body = [line for line in lines[first:] if line.strip() != _DROP]
    names = {n.id for n in ast.walk(ast.Module(tree.body, [])) if isinstance(n, ast.Name)}
    names -= {*_NAMESPACES, "constant", "device", "widest"}
    if arrays:
        names.add("xp")
    renamed = [LIBRARIES[library].get(n, n).partition(".")[0] for n in sorted(names)]
    text = "\n".join([_head(source, tree), *_doc(function), *_widened(arrays, library), *body])
    return text, renamed


_DROP = "# (chosen by the library)"


Edit = tuple[int, int, int, str]  # line, start, end, new text


def _edits(tree: ast.FunctionDef, library: str) -> list[Edit]:
    """Replacements of names, none overlapping another."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Name) and called.id in _NAMESPACES:
                found.append(_edit(node, _DROP))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in LIBRARIES[library]:
                renamed = _TORCH if (library, name) == ("torch", "xp") else {}
                attribute = renamed.get(node.attr, node.attr)
                found.append(_edit(node, f"{LIBRARIES[library][name]}.{attribute}"))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "widest":
                found.append(_edit(node, f"{LIBRARIES[library]['xp']}.float64"))
            elif node.func.id == "constant":
                detached = ".detach()" if library == "torch" else ""
                found.append(_edit(node, ast.unparse(node.args[0]) + detached))
        if isinstance(node, ast.Call):
            found += [
                e for k in node.keywords if k.arg == "device" for e in _device(node, k, library)
            ]
    return found


def _edit(node: ast.expr | ast.stmt, text: str) -> Edit:
    return node.lineno - 1, node.col_offset, node.end_col_offset or 0, text


def _device(call: ast.Call, keyword: ast.keyword, library: str) -> list[Edit]:
    """``device=device(x)`` in a library's own words; NumPy needs none."""
    if library == "torch":
        of = keyword.value
        return [_edit(of, f"{ast.unparse(of.args[0])}.device")] if isinstance(of, ast.Call) else []
    before = max([*call.args, *(k.value for k in call.keywords if k is not keyword)], key=_end)
    line, end = _end(before)
    return [(line - 1, end, keyword.end_col_offset or 0, "")] if line == keyword.lineno else []


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or 0, node.end_col_offset or 0


# What moves numbers without rounding any.
_MOVES = {
    "astype",
    "broadcast_to",
    "concat",
    "int64",
    "moveaxis",
    "permute_dims",
    "reshape",
    "stack",
    "take_along_axis",
}


def _rounds(tree: ast.FunctionDef) -> bool:
    """Whether a body computes with numbers, and does not only move them."""
    nodes = [n for statement in tree.body for n in ast.walk(statement)]
    called = [n.func for n in nodes if isinstance(n, ast.Call)]
    return (
        any(isinstance(n, ast.BinOp) for n in nodes)
        or any(isinstance(c, ast.Name) and c.id not in _NAMESPACES for c in called)
        or any(isinstance(c, ast.Attribute) and c.attr not in _MOVES for c in called)
    )


def _real_arrays(function: Callable[..., Any]) -> list[tuple[str, bool]]:
    """The arguments that are arrays of real numbers, and whether each is optional."""
    given = {n: a for n, a in function.__annotations__.items() if n != "return"}
    if any(map(is_function, given.values())):
        return []
    return [(n, is_optional(a)) for n, a in given.items() if _is_real(read(a))]


def _is_real(spec: Spec | None) -> bool:
    return spec is not None and spec.is_array and spec.set.kind == FLOAT


def _widened(arrays: list[tuple[str, bool]], library: str) -> list[str]:
    """Statements that take 16-bit arrays to 32 bits."""
    if not arrays:
        return []
    always = [name for name, optional in arrays if not optional]
    wider, first = _WIDER[library], always[0]
    lines = [f"    dtype = {first}.dtype", f"    {first} = {wider.format(first)}"]
    if len(always) > 1:
        names = ", ".join(always)
        lines[1] = f"    {names} = ({wider.format('a')} for a in ({names}))"
    lines[1] += "  # 16 bits in 32"
    rest = [name for name, optional in arrays if optional]
    return lines + [f"    {n} = {n} if {n} is None else {wider.format(n)}" for n in rest]


def _narrowed(tree: ast.FunctionDef, library: str, results: list[Spec]) -> list[Edit]:
    """Edits that round the results once, to the precision of the arguments."""
    edits: list[Edit] = []
    for value in [n.value for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value]:
        if isinstance(value, ast.Tuple):
            for part, spec in zip(value.elts, results):
                edits += _surrounded(part, "", _BACK[library]) if _is_real(spec) else []
        elif len(results) > 1:
            edits += _surrounded(value, "tuple(r" + _BACK[library] + " for r in ", ")")
        elif _is_real(results[0]):
            edits += _surrounded(value, "", _BACK[library])
    return edits


def _surrounded(node: ast.expr, before: str, after: str) -> list[Edit]:
    """Text before and after an expression, which is put in parentheses if it needs them."""
    if not before and not isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript):
        before, after = "(", ")" + after
    line, end = _end(node)
    return [
        (node.lineno - 1, node.col_offset, node.col_offset, before),
        (line - 1, end, end, after),
    ]


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
    if function.__name__.startswith("_") or ".. math::" not in doc:
        return [f'    """{doc.partition(chr(10))[0]}"""'] if doc else []
    concept = doc.partition(": ")[0]
    display = textwrap.dedent(doc.split("\n\n")[1].removeprefix(".. math::"))
    formula = re.sub(r"\s+", " ", display).strip()
    return [f'    r"""{concept}: {formula}', "", f"    {address(function.__name__)}", '    """']
