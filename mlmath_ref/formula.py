r"""Reads the displayed LaTeX of an entry as statements, definitions and ranges.

The dialect is described in docs/notation.md. Whatever it leaves ambiguous raises
:class:`~mlmath_ref.latex.FormulaError`, which points at the token.
:mod:`mlmath_ref.evaluation` gives the tree values.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlmath_ref.grammar import OPEN, RELATIONS, Node, Parser
from mlmath_ref.latex import (
    FormulaError,
    Name,
    Token,
    is_letter,
    match,
    ranged,
    subscripts,
    tokenize,
)


@dataclass(frozen=True)
class Clause:
    """One equation that defines a symbol: its indices (letters, or numbers) and what it equals."""

    indices: tuple[str | int, ...]
    body: Node


@dataclass(frozen=True)
class Display:
    """A formula, read."""

    latex: str
    relations: tuple[Node, ...]  # what must hold
    definitions: dict[str, tuple[Clause, ...]]  # symbols that the formula itself explains
    ranges: dict[str, tuple[Node, Node]]
    unexecuted: tuple[str, ...]  # members of chains that no finite computation gives
    length: int  # in tokens
    taken: dict[str, int]  # tokens that each name stands for, all its uses together

    def nodes(self) -> Iterator[Node]:
        bodies = [c.body for clauses in self.definitions.values() for c in clauses]
        for tree in [*self.relations, *bodies, *(n for pair in self.ranges.values() for n in pair)]:
            yield from tree.walk()


def read_display(latex: str, names: Iterable[Name]) -> Display:
    """The statements of a display, with names for what it does not explain itself.

    Raises:
        FormulaError: It is not of the dialect, ambiguous, or holds a definition that nothing uses.
    """
    tokens = [t for t in tokenize(latex) if t.text not in (r"\begin{aligned}", r"\end{aligned}")]
    known = list(names)
    over = ranged(latex)
    lines: list[list[Token]] = []
    defined: list[tuple[Name, tuple[str | int, ...], list[Token]]] = []
    lists: list[tuple[Token, list[Token], list[Token]]] = []
    for line, *last in _statements(latex, tokens):
        equal = next((i for i, t in enumerate(line) if t.text in RELATIONS), 0)
        is_equation = line[equal].text == "="
        if last:  # k = 1, ..., 5
            if equal != 1 or not is_letter(line[0].text):
                raise FormulaError(r"a list reads k = 1, \dots, n", latex, line[0].start)
            lists.append((line[0], line[2:], last[0]))
        elif is_equation and (found := _defined(line[:equal], known, over)):
            defined.append((*found, line[equal + 1 :]))
        else:
            lines.append(line)
    known += {name.key: name for name, _, _ in defined}.values()
    taken: dict[str, int] = {}
    skipped: list[str] = []

    def tree(part: list[Token]) -> Node:
        parser = Parser(latex, part, known, taken)
        found = parser.chain(skipped)
        parser.end()
        return found

    clauses: dict[str, tuple[Clause, ...]] = {}
    for name, indices, body in defined:
        clauses[name.key] = (*clauses.get(name.key, ()), Clause(indices, tree(body)))
    relations = tuple(map(tree, lines))
    ranges = {letter.text: (tree(low), tree(high)) for letter, low, high in lists}
    display = Display(latex, relations, clauses, ranges, tuple(skipped), len(tokens), taken)
    used = _reached(display)
    for i, (name, indices, body) in enumerate(defined):
        if name.key not in used:
            raise FormulaError(f"{name.key} is defined but not used", latex, body[0].start)
        if (name, indices) in [d[:2] for d in defined[:i]]:
            raise FormulaError(f"{name.key} is defined twice", latex, body[0].start)
    letters = {n.parts[0] for n in display.nodes() if n.op == "letter"}
    for letter, _, _ in lists:
        if letter.text not in letters:
            raise FormulaError(f"nothing runs over {letter.text}", latex, letter.start)
    return display


def _reached(display: Display) -> set[str]:
    """The names that the relations use, by themselves or through definitions."""
    found: set[str] = set()
    trees = list(display.relations)
    while trees:
        for node in trees.pop().walk():
            if node.op == "name" and node.parts[0] not in found:
                found.add(node.parts[0])
                trees += [c.body for c in display.definitions.get(node.parts[0], ())]
    return found


def _statements(latex: str, tokens: list[Token]) -> Iterator[list[list[Token]]]:
    """Split at commas and line ends outside of brackets; the two ends of a list stay together."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.text in OPEN or token.text.startswith(r"\begin{")
        depth -= token.text in OPEN.values() or token.text.startswith(r"\end{")
        if depth == 0 and token.text in (",", r"\\"):
            parts.append([])
        elif depth or token.text != "&":
            parts[-1].append(token)
    parts = [p for p in parts if p]
    while parts:
        is_list = len(parts) > 2 and [t.text for t in parts[1]] == [r"\dots"]
        yield parts[0:3:2] if is_list else parts[:1]
        parts = parts[3 if is_list else 1 :]


def _defined(
    left: list[Token], known: list[Name], over: set[str]
) -> tuple[Name, tuple[str | int, ...]] | None:
    """The symbol that an equation defines, if its left side is a symbol without a value."""
    words = [t.text for t in left]
    if not words or not re.fullmatch(
        r"(\\[A-Za-z{}\\]+|[A-Za-z]'*)( [_^] (\{ .* \}|\S+))*", " ".join(words)
    ):
        return None
    longest, name = max(((match(n.pattern, words), n) for n in known), key=lambda pair: pair[0])
    takes_index = name.rank or name.is_function
    if longest == len(words) or (longest and words[longest] == "_" and takes_index):
        return None
    letters = [w for i, w in enumerate(words) if i in subscripts(words)]
    plain = {n.pattern[0] for n in known if len(n.pattern) == 1}
    if words[1:2] != ["_"] or any(w in plain or (w == "t" and w not in over) for w in letters):
        return Name(" ".join(words), tuple(words)), ()
    inside = [w for w in words[2:] if w not in "{},"]
    if not all(is_letter(w) or w.isdigit() for w in inside):
        return Name(" ".join(words), tuple(words)), ()
    return Name(words[0], (words[0],)), tuple(int(w) if w.isdigit() else w for w in inside)
