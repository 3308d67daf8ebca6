r"""Executes the displayed formula of an entry on arrays, and compares it with the function's result.

Every statement of the display is checked as it stands, with arguments and results in the place of
their symbols; what a statement defines is computed when it is used. Indices count from 1.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from mlmath_ref.binding import UNNAMED, Env, Executable, as_number, bind
from mlmath_ref.grammar import Node
from mlmath_ref.latex import FormulaError
from mlmath_ref.operations import (
    CONSTANTS,
    FUNCTIONS,
    HOLDS,
    LISTS,
    OPERATIONS,
    Identity,
    Row,
    add,
    alike,
    norm,
    opened,
)

TOLERANCE = 1e-10  # relative to the largest number compared
AT_THE_EDGE = 1e-6  # relative to 1 too: where a display cancels or squares, it loses digits
REFUSED = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


class DisagreementError(AssertionError):
    """The formula and the function give different results."""


def compare(
    formula: Executable, values: Mapping[str, Any], result: Any, edge: bool = False
) -> None:
    """Check that every statement of the formula holds for arguments and their result.

    Numbers are equal relative to the largest that is compared. At the edge of the sets the display
    may lose digits, and where its right side becomes infinite it is not compared.

    Raises:
        DisagreementError: One does not.
        FormulaError: One cannot be executed.
    """
    Evaluation(formula, values, result, edge).run()


class Evaluation:
    """One formula on one set of arguments."""

    def __init__(
        self, formula: Executable, values: Mapping[str, Any], result: Any, edge: bool
    ) -> None:
        self.edge = edge
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
            except FormulaError:
                raise
            except RecursionError:
                raise self.fail("a definition goes round in a circle", relation) from None
            except REFUSED as error:  # things that cannot be compared
                raise self.fail(str(error), relation) from error
        for key, touched in self.touched.items():
            if not touched.all():
                raise FormulaError(f"not all of {key} is given", self.display.latex, 0)

    def _relation(self, relation: Node) -> None:
        members, signs = relation.parts
        has_dots = any(m.op == "dots" for m in members)
        if has_dots and len(set(signs)) > 1:
            raise self.fail("dots stand between equal signs", relation)
        letters = sorted({n.parts[0] for n in members[0].free()})
        for node in relation.free():
            if node.parts[0] not in letters:
                raise self.fail(f"{node.parts[0]} is not an index of the left side", node)
        rows = [self._list(members, env) for env in self._assignments(letters, members, {})]
        if has_dots:  # compared one by one
            for left, right in itertools.chain.from_iterable(map(itertools.pairwise, rows)):
                self._holds(signs[0], [left], [right], relation)
        else:
            for sign, left, right in zip(signs, zip(*rows), list(zip(*rows))[1:]):
                self._holds(sign, left, right, relation)

    def _holds(self, sign: str, left: Sequence[Any], right: Sequence[Any], node: Node) -> None:
        pairs = [alike(a, b) for a, b in zip(left, right)]
        if any(isinstance(a, Row) != isinstance(b, Row) for a, b in pairs):
            raise self.fail("one side is transposed", node)
        pairs = [(opened(a), opened(b)) for a, b in pairs]
        if any(isinstance(x, (str, tuple)) for pair in pairs for x in pair):
            if sign != "=":
                raise self.fail("only numbers are compared by size", node)
            good = all(a == b for a, b in pairs)
        else:
            for a, b in pairs:
                is_empty_sum = self.edge and any(np.ndim(x) == 0 and x == 0 for x in (a, b))
                if np.shape(a) != np.shape(b) and not is_empty_sum:
                    raise DisagreementError(f"shapes {np.shape(a)} and {np.shape(b)}")
            same_shape = [np.broadcast_arrays(*pair) for pair in pairs]
            one, two = (np.asarray([p[i] for p in same_shape], float) for i in (0, 1))
            if sign == "=":
                finite = [x[np.isfinite(x)] for x in (one, two)]
                scale = max(np.max(np.abs(x), initial=float(self.edge)) for x in finite)
                known = np.isfinite(one) & np.isfinite(two)
                gap = np.abs(np.where(known, one, 0) - np.where(known, two, 0))
                near = gap <= (AT_THE_EDGE if self.edge else TOLERANCE) * scale
                left_out = self.edge & np.isinf(two)
                good = bool(np.all(np.where(known, near, (one == two) | left_out)))
            else:
                good = bool(np.all(HOLDS[sign](one, two)))
        if not good:
            where = FormulaError(f"{sign} does not hold", self.display.latex, node.at)
            raise DisagreementError(f"{self.entry.name}: {where}\n{left}\n{right}")

    def _list(self, nodes: tuple[Node, ...], env: Env) -> list[Any]:
        """The values of nodes, with dots filled in."""
        values: list[Any] = []
        for before, node, after in zip((None, *nodes), nodes, (*nodes[1:], None)):
            if before and before.op == "dots":  # the dots ended in it
                continue
            if node.op != "dots":
                values.append(self.value(node, env))
            elif before and after:
                values += self._between(before, after, node, env)
            else:
                raise self.fail("dots stand between two ends", node)
        return values

    def _between(self, low: Node, high: Node, dots: Node, env: Env) -> list[Any]:
        """What follows a symbol up to the same with another index."""
        if low.op != "index" or high.op != "index" or low.parts[0] != high.parts[0]:
            raise self.fail("dots stand between two indices of one symbol", dots)
        if len(low.parts[1]) != 1 or len(high.parts[1]) != 1:
            raise self.fail("dots stand between symbols of one index", dots)
        first, last = (self._whole(n.parts[1][0], env) for n in (low, high))
        if last < first:
            raise self.fail("dots go from the smaller index to the larger", dots)
        return [self._at(low, low.parts[0], [k], env) for k in range(first + 1, last + 1)]

    # Indices

    def _assignments(
        self, letters: Sequence[str], scope: tuple[Node, ...], env: Env
    ) -> Iterator[Env]:
        domains = [self._range(letter, scope, env) for letter in letters]
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
            if node.op == "index":
                base, indices = node.parts
            elif node.op == "name":
                base, indices = Node("name", node.at, node.parts[:1]), node.parts[1:]
            else:
                continue
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
        elif base.op != "name" and all(n.parts[0] in env for n in base.free()):
            yield from np.shape(opened(self.value(base, env)))[axis : axis + 1]

    def _whole(self, node: Node, env: Env) -> int:
        value = self.value(node, env)
        if value != int(value):
            raise self.fail(f"{value} is not a whole number", node)
        return int(value)

    def _pick(self, value: Any, indices: list[int], node: Node) -> Any:
        """An element, counted from 1."""
        shape = (len(value),) if isinstance(value, tuple) else np.shape(value)
        if len(indices) > len(shape):
            raise self.fail("a number has no index", node)
        for index, size in zip(indices, shape):
            if not 1 <= index <= size:
                raise self.fail(f"index {index} is not between 1 and {size}", node)
        if isinstance(value, tuple):
            return value[indices[0] - 1]
        return value[tuple(i - 1 for i in indices)]

    # Values

    def value(self, node: Node, env: Env) -> Any:
        try:
            if node.op in OPERATIONS:
                found = OPERATIONS[node.op](*(self.value(p, env) for p in node.parts))
            elif node.op in ("continuum", "dots", "otherwise"):
                raise self.fail("this has no value here", node)
            else:
                found = getattr(self, f"_{node.op}")(node, env)
        except (FormulaError, RecursionError):
            raise
        except REFUSED as error:
            raise self.fail(str(error), node) from error
        if isinstance(found, float) and math.isnan(found):
            raise self.fail("this is not a number", node)
        return found

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
        return self._given(key, [self._whole(h, env) for h in holes], node)

    def _given(self, key: str, at: list[int], node: Node) -> Any:
        """A value by its symbol; what is taken of a result counts as given."""
        found = self._pick(self.values[key], at, node) if at else self.values[key]
        if key in self.touched:
            self.touched[key][tuple(i - 1 for i in at)] = True
        return found

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
            if any(size.start != 1 for size in sizes):
                raise self.fail(f"{key} needs an index", node)
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
            return self._given(key, at, node)
        return self._pick(opened(self.value(base, env)), at, node)

    def _clause(self, node: Node, key: str, at: list[int]) -> Any:
        """The element of a defined symbol, by the one equation that has its index."""
        if (key, *at) in self.memory:
            return self.memory[(key, *at)]
        fitting: list[tuple[Node, Env]] = []
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
                fitting.append((clause.body, env))
        if len(fitting) != 1:
            raise self.fail(f"{len(fitting)} definitions of {key} at {at}", node)
        self.memory[(key, *at)] = found = self.value(*fitting[0])
        return found

    def _call(self, node: Node, env: Env) -> Any:
        name, *given = node.parts
        if name not in FUNCTIONS | LISTS:
            raise self.fail(f"no function {name}", node)
        values = self._list(tuple(given), env)
        if name in LISTS:
            return LISTS[name](*values)
        if len(values) != 1:
            raise self.fail(f"{name} takes one argument", node)
        return FUNCTIONS[name](values[0])

    _bare = _call

    def _indexed(self, node: Node, env: Env) -> Any:
        name, index, matrix = node.parts
        value = self.value(matrix, env)
        if np.ndim(value) != 2:
            raise self.fail(f"{name} with an index takes a matrix", node)
        if name == r"\sigma":
            found = np.linalg.svd(value, compute_uv=False)
        elif np.ndim(value) == 2 and abs(value - value.T).max() <= TOLERANCE * abs(value).max():
            found = np.linalg.eigvalsh(value)[::-1]
        else:
            raise self.fail("eigenvalues of a symmetric matrix only", node)
        return self._pick(found, [self._whole(index, env)], node)

    def _norm(self, node: Node, env: Env) -> Any:
        kind, inner = node.parts
        return norm(kind, self.value(inner, env))

    def _cases(self, node: Node, env: Env) -> Any:
        last, condition = node.parts[-1]
        true = [v for v, c in node.parts if c.op != "otherwise" and self.value(c, env)]
        if not true and condition.op == "otherwise":
            true = [last]
        if len(true) != 1:
            raise self.fail(f"{len(true)} cases hold", node)
        return self.value(true[0], env)

    def _pmatrix(self, node: Node, env: Env) -> Any:
        rows = [[self.value(item, env) for item in row] for row in node.parts]
        if any(np.ndim(item) for row in rows for item in row):
            raise self.fail("a matrix is of numbers", node)
        return np.asarray(rows, float)

    def _indicator(self, node: Node, env: Env) -> Any:
        return int(self.value(node.parts[0], env))

    def _all(self, node: Node, env: Env) -> bool:
        return all(self.value(p, env) for p in node.parts)

    def _chain(self, node: Node, env: Env) -> bool:
        items, signs = node.parts
        values = [self.value(i, env) for i in items]
        if any(np.ndim(v) or isinstance(v, (Identity, Row)) for v in values):
            raise self.fail("a condition compares numbers", node)
        return all(
            a == b if sign == "=" else bool(HOLDS[sign](a, b))
            for sign, a, b in zip(signs, values, values[1:])
        )

    def _big(self, node: Node, env: Env) -> Any:
        op, letters, (low, high), source, conditions, body = node.parts
        if op == r"\mathbb{E}":
            weights = self.value(source, env)
            envs = [{**env, letters[0]: k} for k in range(1, len(weights) + 1)]
            values = [w * self.value(body, e) for w, e in zip(weights, envs)]
            return functools.reduce(add, values)
        if low:
            first, last = self._whole(low, env), self._whole(high, env)
            envs = [{**env, letters[0]: k} for k in range(first, last + 1)]
        elif source:
            members = self.value(source, env)
            if not isinstance(members, (dict, frozenset, set)):
                raise self.fail("what letters run over is a set", source)
            picks = itertools.product(sorted(members), repeat=len(letters))
            envs = [{**env, **dict(zip(letters, p))} for p in picks]
        else:
            envs = list(self._assignments(letters, (body, *conditions), env))
        kept = [e for e in envs if all(self.value(c, e) for c in conditions)]
        values = [self.value(body, e) for e in kept]
        if op == r"\sum":
            return functools.reduce(add, values) if values else 0
        if op == r"\prod":
            return functools.reduce(OPERATIONS["multiply"], values, 1)  # of matrices, in this order
        if any(np.ndim(v) for v in values):
            raise self.fail(f"{op} is of numbers", node)
        if not values:
            raise self.fail("an extremum over nothing", node)
        best = max(values) if "max" in op else min(values)
        if op.startswith(r"\arg"):
            first_best = kept[values.index(best)]
            picked = tuple(first_best[letter] for letter in letters)
            return picked if len(picked) > 1 else picked[0]
        return best

    def _limit(self, node: Node, env: Env) -> Any:
        """The mean over a circle around the point: the value at the center where that is smooth."""
        point, (letter,), body = node.parts
        center, found = self.value(point, env), []
        for radius in (2**-13, 2**-14):
            around = center + np.exp(2j * np.pi * np.arange(32) / 32) * radius
            values = [self.value(body, {**env, letter: h}) for h in around]
            found.append(np.mean(values, axis=0).real)
        if np.any(np.abs(found[0] - found[1]) > AT_THE_EDGE * np.max(np.abs(found[1]), initial=1)):
            raise self.fail("the body is not smooth around the point", node)
        return found[0]

    def _apply(self, node: Node, env: Env) -> Any:
        function, *given = node.parts
        torch = import_module("torch")
        arguments = [torch.as_tensor(self.value(g, env)) for g in given]
        found = self.values[function.parts[0]](*arguments)
        return found if found.requires_grad else as_number(found)

    def _derivative(self, node: Node, env: Env) -> Any:
        """By automatic differentiation, one variable after the other."""
        torch = import_module("torch")
        of, *by = node.parts
        heads = {b.parts[0] if b.op == "index" else b for b in by}
        (variable, *others) = heads
        if others or variable.op != "name":
            raise self.fail("a derivative is by one argument or its components", node)
        key = variable.parts[0]
        values, memory = self.values, self.memory
        at = values[key] if key in values else self.value(variable, {})
        leaf = torch.as_tensor(at).detach().clone().requires_grad_()
        self.values, self.memory = {**values, key: leaf}, {(key,): leaf}
        try:
            found = self.value(of, env)
            for variable in by:
                (slope,) = torch.autograd.grad(found, leaf, create_graph=True)
                indices = variable.parts[1] if variable.op == "index" else ()
                found = self._pick(slope, [self._whole(i, env) for i in indices], variable)
            return found.detach().numpy()[()]
        finally:
            self.values, self.memory = values, memory
