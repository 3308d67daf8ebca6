r"""Executes the displayed formula of an entry on arrays, and compares it with the function's result.

Every statement of the display is checked as it stands, with arguments and results in the place of
their symbols; what a statement defines is computed when it is used. Indices count from 1.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from mlmath_ref.binding import UNNAMED, Env, Executable, as_number, bind, head
from mlmath_ref.grammar import Node
from mlmath_ref.latex import FormulaError
from mlmath_ref.operations import (
    CONSTANTS,
    FUNCTIONS,
    HOLDS,
    NORMS,
    OPERATIONS,
    Identity,
    alike,
    opened,
)

TOLERANCE = 1e-10  # relative to the largest number compared


class DisagreementError(AssertionError):
    """The formula and the function give different results."""


def compare(formula: Executable, values: Mapping[str, Any], result: Any) -> None:
    """Check that every statement of the formula holds for arguments and their result.

    Raises:
        DisagreementError: One does not.
        FormulaError: One cannot be executed.
    """
    Evaluation(formula, values, result).run()


class Evaluation:
    """One formula on one set of arguments."""

    def __init__(self, formula: Executable, values: Mapping[str, Any], result: Any) -> None:
        self.formula, self.display, self.entry = formula, formula.display, formula.entry
        self.memory: dict[tuple[Any, ...], Any] = {}
        self.values, self.python = bind(formula, values, result)
        self.touched = {
            k: np.zeros(np.shape(self.values[k]), bool) for k in formula.results if k != UNNAMED
        }

    def fail(self, message: str, node: Node) -> FormulaError:
        return FormulaError(message, self.display.latex, node.at)

    # Statements

    def run(self) -> None:
        for relation in self.display.relations:
            try:
                with np.errstate(all="raise", under="ignore"):
                    self._relation(relation)
            except (FormulaError, DisagreementError):
                raise
            except (TypeError, ValueError) as error:  # things that cannot be compared
                raise self.fail(str(error), relation) from error
            except RecursionError:
                raise self.fail("a definition goes round in a circle", relation) from None
        for key, touched in self.touched.items():
            if not touched.all():
                raise FormulaError(f"not all of {key} is given", self.display.latex, 0)

    def _relation(self, relation: Node) -> None:
        members, signs = relation.parts
        if len(set(signs)) > 1 and any(m.op == "dots" for m in members):
            raise self.fail("dots stand between equal signs", relation)
        letters = sorted(self._free(members[0]))
        for node in itertools.chain.from_iterable(m.walk() for m in members[1:]):
            if node.op == "letter" and node.parts[0] in self._unbound(members) - set(letters):
                raise self.fail(f"{node.parts[0]} is not an index of the left side", node)
        columns: list[list[Any]] = [[] for _ in members]
        for env in self._assignments(letters, members, {}):
            items = self._expanded(relation, env)
            if len(items) != len(members):  # dots: compared one by one
                for left, right in itertools.pairwise(items):
                    self._holds(signs[0], [left], [right], relation)
                continue
            for column, item in zip(columns, items):
                column.append(item)
        for sign, left, right in zip(signs, columns, columns[1:]):
            self._holds(sign, left, right, relation)

    def _holds(self, sign: str, left: list[Any], right: list[Any], node: Node) -> None:
        pairs = [tuple(map(opened, alike(a, b))) for a, b in zip(left, right)]
        if any(isinstance(x, (str, tuple)) for pair in pairs for x in pair):
            good = all(a == b for a, b in pairs)
        else:
            for a, b in pairs:
                if np.shape(a) != np.shape(b):
                    raise DisagreementError(f"shapes {np.shape(a)} and {np.shape(b)}")
            one, two = (np.asarray([p[i] for p in pairs], float) for i in (0, 1))
            if sign == "=":
                finite = [x[np.isfinite(x)] for x in (one, two)]
                scale = max(np.max(np.abs(x), initial=0.0) for x in finite)
                known = np.isfinite(one) & np.isfinite(two)
                gap = np.abs(np.where(known, one, 0) - np.where(known, two, 0))
                good = bool(np.all(np.where(known, gap <= TOLERANCE * scale, one == two)))
            else:
                good = bool(np.all(HOLDS[sign](one, two)))
        if not good:
            where = FormulaError(f"{sign} does not hold", self.display.latex, node.at)
            raise DisagreementError(f"{self.entry.name}: {where}\n{left}\n{right}")

    def _expanded(self, relation: Node, env: Env) -> list[Any]:
        """The values of the members, with dots filled in."""
        return self._list(relation.parts[0], env)

    def _list(self, nodes: tuple[Node, ...], env: Env) -> list[Any]:
        values: list[Any] = []
        for i, node in enumerate(nodes):
            if node.op != "dots":
                values.append(self.value(node, env))
            elif 0 < i < len(nodes) - 1:
                values += self._between(nodes[i - 1], nodes[i + 1], node, env)
            else:
                raise self.fail("dots stand between two ends", node)
        return values

    def _between(self, low: Node, high: Node, dots: Node, env: Env) -> list[Any]:
        """What the dots stand for between two symbols that differ in their index."""
        if low.op != "index" or high.op != "index" or not _same(low.parts[0], high.parts[0]):
            raise self.fail("dots stand between two indices of one symbol", dots)
        first, last = (self._whole(n.parts[1][0], env) for n in (low, high))
        return [self._at(low, low.parts[0], [k], env) for k in range(first + 1, last)]

    # Indices

    def _free(self, node: Node) -> set[str]:
        """Letters that run over nothing inside of a node."""
        if node.op == "letter":
            return {node.parts[0]}
        found: set[str] = set()
        for part in node.parts:
            for child in part if isinstance(part, tuple) else (part,):
                if isinstance(child, Node):
                    found |= self._free(child)
                elif isinstance(child, tuple):
                    found |= set().union(*(self._free(c) for c in child))
        return found - set(node.parts[1]) if node.op in ("big", "continuum") else found

    def _unbound(self, members: tuple[Node, ...]) -> set[str]:
        return set().union(*map(self._free, members))

    def _assignments(self, letters: list[str], scope: Any, env: Env) -> Iterator[Env]:
        domains = [self._range(letter, tuple(scope), env) for letter in letters]
        for values in itertools.product(*domains):
            yield {**env, **dict(zip(letters, values))}

    def _range(self, letter: str, scope: tuple[Node, ...], env: Env) -> range:
        if letter in self.display.ranges:
            low, high = self.display.ranges[letter]
            return range(self._whole(low, {}), self._whole(high, {}) + 1)
        sizes = {n for node in scope for n in self._sizes_for(letter, node, env)}
        if len(sizes) != 1:
            found = f"the sizes {sorted(sizes)} disagree" if sizes else "no array gives it"
            raise self.fail(f"the range of {letter} is not stated and {found}", scope[0])
        return range(1, sizes.pop() + 1)

    def _sizes_for(self, letter: str, root: Node, env: Env) -> Iterator[int]:
        """Sizes of the axes that a letter stands at, alone."""
        for node in root.walk():
            if node.op in ("index", "name"):
                base = (
                    node.parts[0] if node.op == "index" else Node("name", node.at, node.parts[:1])
                )
                indices = node.parts[1] if node.op == "index" else node.parts[1:]
                for axis, index in enumerate(indices):
                    if index.op == "letter" and index.parts[0] == letter:
                        yield from self._axis(base, axis, env)

    def _axis(self, base: Node, axis: int, env: Env) -> Iterator[int]:
        key = base.parts[0] if base.op == "name" else ""
        if key in self.display.definitions:
            for clause in self.display.definitions[key]:
                index = clause.indices[axis] if axis < len(clause.indices) else None
                if isinstance(index, str):
                    yield len(self._range(index, (clause.body,), {}))
                elif index is None and not clause.indices:
                    yield from np.shape(self.value(clause.body, {}))[axis : axis + 1]
        elif key in self.values:
            yield from np.shape(opened(self.values[key]))[axis : axis + 1]
        elif base.op != "name" and self._free(base) <= set(env):
            yield from np.shape(opened(self.value(base, env)))[axis : axis + 1]

    def _whole(self, node: Node, env: Env) -> int:
        value = self.value(node, env)
        if isinstance(value, bool) or value != int(value):
            raise self.fail(f"{value} is not a whole number", node)
        return int(value)

    def _pick(self, value: Any, indices: list[int], node: Node) -> Any:
        """An element, counted from 1."""
        for axis, index in enumerate(indices):
            size = len(value) if isinstance(value, tuple) else np.shape(value)[axis : axis + 1]
            size = size if isinstance(size, int) else (size or (-1,))[0]
            if size < 0:
                raise self.fail("a number has no index", node)
            if not 1 <= index <= size:
                raise self.fail(f"index {index} is not between 1 and {size}", node)
        if isinstance(value, tuple):
            return value[indices[0] - 1]
        return value[tuple(i - 1 for i in indices)]

    # Values

    def value(self, node: Node, env: Env) -> Any:
        try:
            if node.op == "power" and node.parts[0] == Node("constant", node.parts[0].at, ("e",)):
                return np.exp(self.value(node.parts[1], env))
            if node.op in OPERATIONS:
                return OPERATIONS[node.op](*(self.value(p, env) for p in node.parts))
            return getattr(self, f"_{node.op}")(node, env)
        except (FormulaError, RecursionError):
            raise
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise self.fail(str(error), node) from error

    def _number(self, node: Node, env: Env) -> Any:
        return node.parts[0]

    def _letter(self, node: Node, env: Env) -> Any:
        if node.parts[0] not in env:
            raise self.fail(f"{node.parts[0]} has no value", node)
        return env[node.parts[0]]

    def _constant(self, node: Node, env: Env) -> Any:
        return Identity() if node.parts[0] == "I" else CONSTANTS[node.parts[0]]

    def _name(self, node: Node, env: Env) -> Any:
        key, *holes = node.parts
        if key in self.display.definitions:
            return self._definition(node, key)
        wheres = {w.latex: w for w in self.entry.where}
        if key in wheres:
            expression = wheres[key].expression
            letters = zip(self.formula.places[key], (self.value(h, env) for h in holes))
            return as_number(eval(expression, {**self.python, **dict(letters)}))
        value = self.values[key]
        at = [self._whole(h, env) for h in holes]
        self._touch(key, at)
        return self._pick(value, at, node) if holes else value

    def _touch(self, key: str, at: list[int]) -> None:
        if key in self.touched:
            index = tuple(i - 1 for i in at)
            if len(index) <= self.touched[key].ndim and all(
                0 <= i < n for i, n in zip(index, self.touched[key].shape)
            ):
                self.touched[key][index] = True

    def _definition(self, node: Node, key: str) -> Any:
        clauses = self.display.definitions[key]
        if len(clauses) > 1:
            raise self.fail(f"{key} needs an index", node)
        (clause,) = clauses
        if (key,) in self.memory:
            return self.memory[(key,)]
        letters = list(dict.fromkeys(i for i in clause.indices if isinstance(i, str)))
        if len(letters) != len(set(clause.indices)):
            raise self.fail(f"{key} needs an index", node)
        if not letters:
            found = self.value(clause.body, {})
        else:
            sizes = [self._range(letter, (clause.body,), {}) for letter in letters]
            found = np.zeros([len(sizes[letters.index(str(i))]) for i in clause.indices])
            for values in itertools.product(*sizes):  # M_ii = ... defines a diagonal matrix
                env = dict(zip(letters, values))
                at = tuple(env[str(i)] - 1 for i in clause.indices)
                found[at] = self.value(clause.body, env)
        self.memory[(key,)] = found
        return found

    def _index(self, node: Node, env: Env) -> Any:
        base, indices = node.parts
        return self._at(node, base, [self._whole(i, env) for i in indices], env)

    def _at(self, node: Node, base: Node, at: list[int], env: Env) -> Any:
        key = base.parts[0] if base.op == "name" and len(base.parts) == 1 else ""
        clauses = self.display.definitions.get(key, ())
        if any(c.indices for c in clauses):
            return self._clause(node, key, at)
        if key in self.touched:
            self._touch(key, at)
            return self._pick(self.values[key], at, node)
        return self._pick(opened(self.value(base, env)), at, node)

    def _clause(self, node: Node, key: str, at: list[int]) -> Any:
        """The element of a defined symbol, by the first equation that has its index."""
        if (key, *at) in self.memory:
            return self.memory[(key, *at)]
        for clause in self.display.definitions[key]:
            if len(clause.indices) != len(at):
                raise self.fail(f"{key} has {len(clause.indices)} indices", node)
            env: Env = {}
            fits = all(
                i == k if isinstance(i, int) else env.setdefault(i, k) == k
                for i, k in zip(clause.indices, at)
            )
            stated = [i for i in env if i in self.display.ranges]
            if fits and all(env[i] in self._range(i, (), {}) for i in stated):
                self.memory[(key, *at)] = found = self.value(clause.body, env)
                return found
        raise self.fail(f"{key} is not defined at {at}", node)

    def _call(self, node: Node, env: Env) -> Any:
        name, *given = node.parts
        if name not in FUNCTIONS:
            raise self.fail(f"no function {name}", node)
        return FUNCTIONS[name](*self._list(tuple(given), env))

    _bare = _call

    def _indexed(self, node: Node, env: Env) -> Any:
        name, index, matrix = node.parts
        value = self.value(matrix, env)
        if name == r"\sigma":
            found = np.linalg.svd(value, compute_uv=False)
        elif np.array_equal(value, value.T):
            found = np.linalg.eigvalsh(value)[::-1]
        else:
            raise self.fail("eigenvalues of a symmetric matrix only", node)
        return self._pick(found, [self._whole(index, env)], node)

    def _norm(self, node: Node, env: Env) -> Any:
        kind, inner = node.parts
        if kind not in NORMS:
            raise self.fail(f"no norm {kind}", node)
        return NORMS[kind](self.value(inner, env))

    def _size(self, node: Node, env: Env) -> Any:
        value = self.value(node.parts[0], env)
        return len(value) if isinstance(value, (tuple, set)) else abs(value)

    def _cases(self, node: Node, env: Env) -> Any:
        rows = [(v, c) for v, c in node.parts if c.op != "otherwise"]
        true = [v for v, c in rows if self.value(c, env)]
        rest = [v for v, c in node.parts if c.op == "otherwise"]
        if len(true) > 1 or len(true or rest) != 1:
            raise self.fail(f"{len(true)} cases hold", node)
        return self.value((true or rest)[0], env)

    def _pmatrix(self, node: Node, env: Env) -> Any:
        return np.asarray([[self.value(item, env) for item in row] for row in node.parts])

    def _indicator(self, node: Node, env: Env) -> Any:
        return int(self.value(node.parts[0], env))

    def _all(self, node: Node, env: Env) -> bool:
        return all(self.value(p, env) for p in node.parts)

    def _chain(self, node: Node, env: Env) -> bool:
        items, signs = node.parts
        values = [self.value(i, env) for i in items]
        if any(np.ndim(v) for v in values):
            raise self.fail("a condition compares numbers", node)
        return all(
            a == b if sign == "=" else bool(HOLDS[sign](a, b))
            for sign, a, b in zip(signs, values, values[1:])
        )

    def _big(self, node: Node, env: Env) -> Any:
        op, letters, (low, high), source, conditions, body = node.parts
        envs: Iterator[Env] | list[Env]
        if low:
            first, last = self._whole(low, env), self._whole(high, env)
            envs = [{**env, letters[0]: k} for k in range(first, last + 1)]
        elif op == r"\mathbb{E}":
            weights = self.value(source, env)
            terms = [
                weights[k - 1] * self.value(body, {**env, letters[0]: k})
                for k in range(1, len(weights) + 1)
            ]
            return sum(terms)
        elif source:
            members = sorted(self.value(source, env))
            picks = itertools.product(members, repeat=len(letters))
            envs = [{**env, **dict(zip(letters, p))} for p in picks]
        else:
            envs = self._assignments(list(letters), (body, *conditions), env)
        kept = [e for e in envs if all(self.value(c, e) for c in conditions)]
        values = [self.value(body, e) for e in kept]
        if op == r"\sum":
            return sum(values[1:], values[0]) if values else 0
        if op == r"\prod":
            return math.prod(values)
        if not values:
            raise self.fail("an extremum over nothing", node)
        best = max(values) if "max" in op else min(values)
        if op.startswith(r"\arg"):
            first_best = kept[values.index(best)]
            picked = tuple(first_best[letter] for letter in letters)
            return picked if len(picked) > 1 else picked[0]
        return best

    def _apply(self, node: Node, env: Env) -> Any:
        function, *given = node.parts
        torch = import_module("torch")
        arguments = [torch.as_tensor(self.value(g, env)) for g in given]
        return self.values[function.parts[0]](*arguments)

    def _derivative(self, node: Node, env: Env) -> Any:
        """By automatic differentiation, one variable after the other."""
        torch = import_module("torch")
        of, *by = node.parts
        heads = {head(b).parts[0] for b in by if head(b).op == "name"}
        if len(heads) != 1:
            raise self.fail("a derivative is by one argument or its components", node)
        (key,) = heads
        outside = self.values[key]
        self.values[key] = leaf = torch.tensor(outside, requires_grad=True)
        try:
            found = self.value(of, env)
            for variable in by:
                (slope,) = torch.autograd.grad(found, leaf, create_graph=True)
                indices = variable.parts[1] if variable.op == "index" else ()
                found = self._pick(slope, [self._whole(i, env) for i in indices], variable)
            return found.detach().numpy()[()]
        finally:
            self.values[key] = outside


def _same(a: Node, b: Node) -> bool:
    """Whether two trees are the same but for where they stand."""
    return a.op == b.op and [_bare_part(p) for p in a.parts] == [_bare_part(p) for p in b.parts]


def _bare_part(part: Any) -> Any:
    if isinstance(part, Node):
        return (part.op, *map(_bare_part, part.parts))
    return tuple(map(_bare_part, part)) if isinstance(part, tuple) else part
