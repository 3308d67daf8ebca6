"""Mutation testing of the evaluator: break each of its functions, and see whether its tests notice.

Every mutant runs in a fork of this process, which has loaded the tests: the cases of
tests/test_formula.py, and the displays of all entries on a few draws. What kills it, an error or
the time limit, ends the fork. Messages of errors are not mutated, nor are tables of a module. Prints
a table and the survivors, and fails if fewer than 90 % of the mutants are killed. Those that compute
the same, about one in sixteen, count as alive.
"""

import argparse
import ast
import os
import random
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from inspect import unwrap
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import test_formula  # noqa: E402
import torch  # noqa: E402
import torch._dynamo  # noqa: E402  or every fork would load it
from drawing import arguments, convert  # noqa: E402
from hypothesis import HealthCheck, Phase, settings  # noqa: E402
from mutations import mutants  # noqa: E402

from mlmath_ref.binding import executable, why_not  # noqa: E402
from mlmath_ref.catalog import Entry, entries  # noqa: E402
from mlmath_ref.evaluation import compare  # noqa: E402

settings.register_profile(
    "mutants",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=30,
    phases=[Phase.generate],  # a failure is not made smaller
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutants")
MODULES = ("latex", "grammar", "formula", "binding", "operations", "evaluation")
GOAL = 0.90
SECONDS = 20  # for one mutant; one that survives takes a few
SEEDS = (0, 1)  # the second leaves optional arguments out
Case = Callable[[], object]


def cases() -> dict[str, Case]:
    """The tests, one for every set of their arguments."""
    found: dict[str, Case] = {}
    for name, test in vars(test_formula).items():
        if not name.startswith("test_"):
            continue
        runs: list[dict[str, Any]] = [{}]
        for mark in getattr(test, "pytestmark", []):
            names = (
                [n.strip() for n in mark.args[0].split(",")]
                if isinstance(mark.args[0], str)
                else mark.args[0]
            )
            values = [v if len(names) > 1 else (v,) for v in mark.args[1]]
            runs = [dict(zip(names, v)) for v in values]
        found |= {f"{name} {i}": partial(test, **run) for i, run in enumerate(runs)}
    return found | {
        f"display of {e.name}": partial(few_draws, e) for e in entries() if not why_not(e)
    }


def few_draws(entry: Entry) -> None:
    for seed in SEEDS:
        values, _ = arguments(entry, seed)
        given = convert(values, (entry.libraries or ("numpy",))[0])
        compare(executable(entry), values, entry.function(**given))


def functions(module: ModuleType) -> Iterator[tuple[FunctionType, ast.FunctionDef, str]]:
    """Functions and methods with their definitions, and the class of a method."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for outer in tree.body:
        inside = outer.body if isinstance(outer, ast.ClassDef) else [outer]
        owner = outer.name if isinstance(outer, ast.ClassDef) else ""
        holder = getattr(module, owner) if owner else module
        for node in inside:
            if isinstance(node, ast.FunctionDef):
                found: Any = vars(holder)[node.name]
                found = found.fget if isinstance(found, property) else found
                yield unwrap(found), node, owner


def replace(function: FunctionType, tree: ast.FunctionDef, owner: str) -> None:
    """Give a function the code of another definition, wherever it is held."""
    tree.decorator_list = []
    body: list[ast.stmt] = [ast.ClassDef(owner, [], [], [tree], [])] if owner else [tree]
    made: dict[str, Any] = {}
    code = compile(ast.fix_missing_locations(ast.Module(body, [])), "<mutant>", "exec")
    exec(code, function.__globals__, made)
    new = vars(made[owner])[tree.name] if owner else made[tree.name]
    function.__code__, function.__defaults__ = new.__code__, new.__defaults__


def in_fork(work: Callable[[], str]) -> str:
    """What work returns; "limit" if it does not end, or ends the process."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(SECONDS)
        os.close(out)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.write(into, work().encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        found = pipe.read()
    _, status = os.waitpid(child, 0)
    return "limit" if status else found


def first_failure(tests: dict[str, Case]) -> str:
    executable.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, test in tests.items():
            try:
                test()
            except BaseException:
                return name
    return ""


def killer_of(
    function: FunctionType, tree: ast.FunctionDef, owner: str, tests: dict[str, Case]
) -> str:
    """The first test that fails when the function has the code of another definition."""
    replace(function, tree, owner)
    return first_failure(tests)


def timed(tests: dict[str, Case]) -> dict[str, float]:
    """How long each test takes without a mutant; none may fail."""

    def work() -> str:
        taken = []
        for name, test in tests.items():
            started = time.perf_counter()
            failed = first_failure({name: test})
            taken.append("failed" if failed else str(time.perf_counter() - started))
        return " ".join(taken)

    found = in_fork(work).split()
    if "failed" in found or len(found) != len(tests):
        sys.exit("The tests fail without a mutant.")
    return dict(zip(tests, map(float, found)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--module", action="append", choices=MODULES)
    parser.add_argument("--function", default="", help="only functions whose name contains this")
    parser.add_argument("--sample", type=int, help="so many mutants of each module")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    tests = cases()
    seconds = timed(tests)
    print(f"{len(tests)} cases, {sum(seconds.values()):.0f} s", flush=True)
    made, alive = Counter[str](), Counter[str]()
    for name in options.module or MODULES:
        module = import_module(f"mlmath_ref.{name}")
        found = [
            (function, owner, *mutant)
            for function, tree, owner in functions(module)
            if options.function in tree.name
            for mutant in mutants(tree)
        ]
        if options.sample and options.sample < len(found):
            picked = random.Random(options.seed).sample(range(len(found)), options.sample)
            found = [found[i] for i in sorted(picked)]
        kills = Counter[str]()  # what killed the mutants before is run first
        for function, owner, line, change, tree in found:
            order = sorted(tests, key=lambda t: (-kills[t], seconds[t]))

            killer = in_fork(
                partial(killer_of, function, tree, owner, {n: tests[n] for n in order})
            )
            kills[killer] += 1
            made[name] += 1
            if not killer:
                alive[name] += 1
                print(f"{name}.py:{line}: {tree.name}: {change}", flush=True)
    print(f"\n{'module':16}{'mutants':>8}{'killed':>8}{'alive':>8}")
    for name in [*made, "all"]:
        m, a = (c.total() if name == "all" else c[name] for c in (made, alive))
        print(f"{name:16}{m:8}{m - a:8}{a:8}{1 - a / m:8.1%}")
    print(f"{time.perf_counter() - started:.0f} s")
    return int(alive.total() > (1 - GOAL) * made.total())


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
