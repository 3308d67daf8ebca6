"""Mutation testing: break every entry's body in small ways, and see whether its examples notice.

A mutant changes a value if it and the original differ in an example, on drawn arguments or at the
edges of the sets, in number, kind of number, error or gradient; all others are equal in value and
count for nothing. Defaults are drawn only by leaving them out, so examples have to pin them. Prints
a table and the survivors, writes build/mutants.json, and fails if the examples of an entry kill
less than 90 % of its mutants that change a value, or examples and tests together less than 99 %.

The runner is in process: mutmut leaves decorated functions alone, and every entry is ``@checked``.
"""

import argparse
import ast
import copy
import doctest
import inspect
import json
import os
import signal
import sys
import textwrap
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "docs" / "_ext")]
import conftest  # noqa: E402, F401  as pytest does: the import hook comes before the package

# isort: split
import drawing  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import shapes  # noqa: E402
import test_entries  # noqa: E402
import torch  # noqa: E402
from _pytest.config import apply_warning_filters  # noqa: E402
from _pytest.doctest import _get_checker, _get_flag_lookup  # noqa: E402
from jaxtyping import jaxtyped  # noqa: E402
from mutations import mutants  # noqa: E402

from mlmath_ref.catalog import Entry, entries  # noqa: E402

EXAMPLES, SUITE = 0.90, 0.99  # shares of the mutants that change a value
SECONDS = 10  # for one mutant in one check: a mutant may loop for ever
DRAWS = 30
PYTEST = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"][
    "ini_options"
]

# Checks --------------------------------------------------------------------------------------


def define(tree: ast.FunctionDef, original: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a definition, decorated and shape-checked as the original is."""
    tree = ast.fix_missing_locations(tree)
    tree.decorator_list.append(ast.copy_location(ast.Name("shape_checked", ast.Load()), tree))
    code = compile(ast.fix_missing_locations(ast.Module([tree], [])), "<mutant>", "exec")
    made: dict[str, Any] = {"shape_checked": jaxtyped(typechecker=shapes.typechecker)}
    exec(code, inspect.unwrap(original).__globals__, made)
    return made[tree.name]


@contextmanager
def in_place(entry: Entry, original: Callable[..., Any], new: Callable[..., Any]) -> Iterator[None]:
    """A function in place of another in every module of the package, and in its entry."""
    package = [m for n, m in list(sys.modules.items()) if n.startswith("mlmath_ref.")]
    held = [(vars(m), n) for m in package for n, f in list(vars(m).items()) if f is original]
    function = entry.function
    for names, name in held:
        names[name] = new
    object.__setattr__(entry, "function", new if function is original else function)
    try:
        yield
    finally:
        for names, name in held:
            names[name] = original
        object.__setattr__(entry, "function", function)


class TooLong(BaseException):
    """A mutant ran out of time."""


class WrongError(Exception):
    """An example printed something else."""


class CrashError(Exception):
    """An example raised."""


@contextmanager
def limited() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


class Runner(doctest.DocTestRunner):
    """Ends at the first failure, as pytest's does."""

    def report_failure(self, out: Any, test: Any, example: Any, got: str) -> None:
        raise WrongError(f"{example.source.strip()} gives {got.strip()}")

    def report_unexpected_exception(self, out: Any, test: Any, example: Any, info: Any) -> None:
        raise CrashError from info[1]


def run_doctests(entry: Entry) -> None:
    """The entry's examples, as pytest compares them (its checker of numbers is not public)."""
    module = entry.topic.module
    parser, lookup = doctest.DocTestParser(), _get_flag_lookup()
    flags = sum(lookup[f] for f in PYTEST["doctest_optionflags"].split())
    doc = inspect.getdoc(entry.function) or ""
    test = parser.get_doctest(doc, dict(vars(module)), entry.name, None, None)
    Runner(_get_checker(), verbose=False, optionflags=flags).run(test, out=lambda text: None)


def run_suite(entry: Entry) -> None:
    """Every case of tests/test_entries.py that is of the entry.

    Left out: the test that compares an entry with its own source text, which no mutant has.
    """
    left_out = test_entries.test_standalone_gives_the_same
    for test in vars(test_entries).values():
        records = "record_property" in getattr(test, "__annotations__", {})
        kept = {"record_property": lambda name, value: None} if records else {}
        for mark in getattr(test, "pytestmark", []):
            names, cases = mark.args
            names = (names,) if isinstance(names, str) else names
            for case in cases if test is not left_out else []:
                values = getattr(case, "values", (case,))
                if values[0] is entry:
                    test(**dict(zip(names, values)), **kept)


def killed_by(check: Callable[[Entry], None], entry: Entry) -> str:
    """How a check fails: "wrong", "crash", or "" where it passes."""
    with warnings.catch_warnings():
        apply_warning_filters(PYTEST["filterwarnings"], [])
        try:
            with limited():
                check(entry)
        except (WrongError, AssertionError, pytest.fail.Exception):
            return "wrong"
        except (Exception, TooLong):
            return "crash"
    return ""


@dataclass
class Case:
    """Arguments, and how to call with them."""

    library: str
    values: dict[str, Any]
    tolerance: float = 1e-9

    def outcome(self, entry: Entry) -> list[Any]:
        """Values and gradients, or the error."""
        try:
            return self.numbers(entry)
        except Exception as error:
            return [np.asarray(type(error).__name__)]

    def numbers(self, entry: Entry) -> list[Any]:
        """Values, and gradients along the sets."""
        given = drawing.convert(copy.deepcopy(self.values), self.library)
        tensors = {n: t for n, t in given.items() if isinstance(t, torch.Tensor)}
        leaves = {n: t.requires_grad_() for n, t in tensors.items() if t.is_floating_point()}
        result = entry.function(**given)
        found = drawing.numbers(result)
        parts = result if isinstance(result, tuple) else (result,)
        smooth = [r for r in parts if isinstance(r, torch.Tensor) and r.requires_grad]
        if leaves and smooth:
            finite = [r[torch.isfinite(r)] for r in smooth]
            total = torch.stack([r @ torch.cos(torch.arange(len(r))).to(r) for r in finite]).sum()
            slopes = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
            tangents = [entry.specs[n].set.tangent for n in leaves]
            found += [np.asarray(along(np.asarray(s))) for along, s in zip(tangents, slopes)]
        return found


def cases(entry: Entry) -> Iterator[Case]:
    """Draws, half with the defaults; edges, alone and beside a draw; other sizes; float32."""
    defaults = [n for n, v in drawing.defaults(entry).items() if v is not None]
    drawn = []
    for seed in range(DRAWS):
        values, _ = drawing.arguments(entry, seed, ((), (2,), (2, 3))[seed % 3])
        drawn.append({n: v for n, v in values.items() if n not in defaults or seed % 4 < 2})
    scaled = [
        {n: v * s if is_double(v) else v for n, v in values.items()}
        for values in drawn[:6]
        for s in (1e-3, 1e3)
    ]
    edges = [e for seed in range(2) for e in drawing.edge_cases(entry, seed)]
    edges += [beside(entry, e, drawing.arguments(entry, 0)[0]) for e in drawing.edge_cases(entry)]
    for library in drawing.libraries(entry):
        few = library == "strict"
        yield from (Case(library, v) for v in (drawn[:4] if few else drawn + edges + scaled))
        for values in drawn[:4]:
            single = {n: test_entries.single_precision(v) for n, v in values.items()}
            yield Case(library, single, 1e-3)


def beside(entry: Entry, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Two sets of arguments as a batch of two."""
    batched = [n for n, s in entry.specs.items() if s.dims and s.dims[0].startswith("*")]
    pairs = {n: np.stack([first[n], second[n]]) for n in batched if n in first}
    return first | pairs


def is_double(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def same(got: list[Any], expected: list[Any], tolerance: float) -> bool:
    try:
        assert [g.dtype for g in got] == [e.dtype for e in expected]
        drawing.agree(tuple(got), tuple(expected), tolerance)
    except AssertionError:
        return False
    return True


def changes_a_value(entry: Entry, known: list[tuple[Case, list[Any]]]) -> bool:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            with limited():
                return not all(same(c.outcome(entry), e, c.tolerance) for c, e in known)
        except TooLong:
            return True


# The table ------------------------------------------------------------------------------------


@dataclass
class Row:
    """The mutants of one entry."""

    entry: str
    mutants: int = 0
    equal: int = 0
    crashed: int = 0  # killed by the examples with an error, not with another number
    survive_examples: list[str] = field(default_factory=list)
    survive_suite: list[str] = field(default_factory=list)
    equal_in_value: list[str] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return self.mutants - self.equal

    def share(self, survivors: list[str]) -> float:
        return 1 - len(survivors) / self.changed if self.changed else 1.0

    def __str__(self) -> str:
        killed = [self.changed - len(s) for s in (self.survive_examples, self.survive_suite)]
        return (
            f"{self.entry:34}{self.mutants:8}{self.equal:7}{self.changed:9}{self.crashed:9}"
            f"{killed[0]:9}{self.share(self.survive_examples):7.1%}"
            f"{killed[1]:8}{self.share(self.survive_suite):7.1%}"
        )


def definitions(entry: Entry, taken: set[Any]) -> list[tuple[Callable[..., Any], ast.FunctionDef]]:
    """The entry's function, and the private helpers of its module that no earlier entry called."""
    tree = definition(entry.function)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id.startswith("_")}
    found = [vars(entry.topic.module).get(n) for n in sorted(names)]
    helpers = [f for f in found if inspect.isfunction(f) and f not in taken]
    own = [f for f in helpers if f.__module__ == entry.topic.module.__name__]
    taken.update(own)
    return [(entry.function, tree), *((f, definition(f)) for f in own)]


def definition(function: Callable[..., Any]) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def examine(entry: Entry, written: list[tuple[Callable[..., Any], ast.FunctionDef]]) -> Row:
    row = Row(entry.name)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        known = [(c, c.outcome(entry)) for c in cases(entry)]
    if killed_by(run_doctests, entry) or killed_by(run_suite, entry):
        sys.exit(f"{entry.name}: its own tests fail without a mutant")
    if changes_a_value(entry, known):
        sys.exit(f"{entry.name}: not the same from call to call")
    for function, original in written:
        for _, change, tree in mutants(original):
            row.mutants += 1
            with in_place(entry, function, define(tree, function)):
                how = killed_by(run_doctests, entry)
                row.crashed += how == "crash"
                if how:
                    continue
                if not changes_a_value(entry, known):
                    row.equal += 1
                    row.equal_in_value.append(change)
                    continue
                row.survive_examples.append(change)
                if not killed_by(run_suite, entry):
                    row.survive_suite.append(change)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entry", action="append", help="only the entry of this name")
    parser.add_argument("--equal", action="store_true", help="show what is equal in value too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started, taken = time.perf_counter(), set[Any]()
    wanted = [e for e in entries() if not options.entry or e.name in options.entry]
    if not wanted:
        parser.error(f"no entry is named {options.entry}")
    written = {e.name: definitions(e, taken) for e in wanted}  # files may change in the meantime
    print(f"{'':34}{'':8}{'equal':>7}{'value':>9}{'examples':>18}{'':7}{'suite':>8}")
    print(
        f"{'entry':34}{'mutants':>8}{'':7}{'changed':>9}{'crashed':>9}{'killed':>9}{'':7}{'killed':>8}"
    )
    rows, total = [], Row("all")
    for entry in wanted:
        row = examine(entry, written[entry.name])
        rows.append(row)
        print(row, flush=True)
        for change in row.survive_examples:
            mark = "NOTHING SEES" if change in row.survive_suite else "examples miss"
            print(f"    {mark}: {change}")
        for change in row.equal_in_value if options.equal else []:
            print(f"    equal: {change}")
        for name, value in vars(row).items():
            if name != "entry":
                setattr(total, name, getattr(total, name) + value)
    print(total)
    print(f"{time.perf_counter() - started:.0f} s")
    out = ROOT / "build" / "mutants.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps([vars(r) for r in rows], indent=1), encoding="utf-8")
    weak = [r.entry for r in [*rows, total] if r.share(r.survive_examples) < EXAMPLES]
    if weak:
        print(f"Examples that kill less than {EXAMPLES:.0%}: {', '.join(weak)}")
    if total.share(total.survive_suite) < SUITE:
        print(f"The suite kills less than {SUITE:.0%}")
        return 1
    return 1 if weak else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
