r"""The grammar of the dialect: one statement of a display, read from left to right into a tree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlmath_ref.latex import FormulaError, Name, Token, is_letter, match

RELATIONS = ("=", "<", ">", r"\leq", r"\geq", r"\neq")
PREFIX = (r"\log", r"\exp", r"\sin", r"\cos", r"\tanh", r"\Gamma", r"\det")  # may go without ( )
INDEXED = (r"\sigma", r"\lambda")  # with an index and ( ): a singular value, an eigenvalue
BIG = (r"\sum", r"\prod", r"\max", r"\min", r"\arg\max", r"\arg\min", r"\mathbb{E}")
OPEN = {"(": ")", "[": "]", "{": "}", r"\lVert": r"\rVert"}
STOP = (
    *RELATIONS,
    *OPEN.values(),
    *[
        r"+",
        r"-",
        r"/",
        r",",
        r"&",
        r":",
        r";",
        r"^",
        r"_",
        r"\\",
        r"\dots",
        r"\in",
        r"\wedge",
        r"\mid",
        r"\|",
    ],
)
STOP = (*STOP, r"\odot", r"\cdot", r"\times")


@dataclass(frozen=True)
class Node:
    """An operation, where it stands, and what it is applied to."""

    op: str
    at: int
    parts: tuple[Any, ...] = ()

    def walk(self) -> Iterator["Node"]:
        yield self
        for part in self.parts:
            for child in part if isinstance(part, tuple) else (part,):
                if isinstance(child, Node):
                    yield from child.walk()


class Parser:
    """One statement, read from left to right."""

    def __init__(
        self, latex: str, tokens: list[Token], names: list[Name], taken: dict[str, int]
    ) -> None:
        self.latex, self.tokens, self.names, self.taken = latex, tokens, names, taken
        self.words = [t.text for t in tokens]
        self.i = self.bars = 0

    # Tokens

    @property
    def word(self) -> str:
        return self.words[self.i] if self.i < len(self.words) else ""

    @property
    def at(self) -> int:
        last = self.tokens[-1].end if self.tokens else 0
        return self.tokens[self.i].start if self.i < len(self.tokens) else last

    def fail(self, message: str, at: int | None = None) -> FormulaError:
        return FormulaError(message, self.latex, self.at if at is None else at)

    def take(self, *words: str) -> bool:
        found = self.word in words and bool(self.word)
        self.i += found
        return found

    def need(self, word: str) -> None:
        if not self.take(word):
            raise self.fail(f"expected {word}, got {self.word or 'the end'}")

    def end(self) -> None:
        if self.word:
            raise self.fail(f"did not expect {self.word}")

    # Statements

    def chain(self, skipped: list[str] | None = None) -> Node:
        """Sums, with relations between them."""
        at = self.at
        items, signs = [self.member()], []
        while self.word in RELATIONS:
            sign = self.word
            self.i += 1
            start = self.at
            item = self.member()
            if skipped is not None and any(n.op == "continuum" for n in item.walk()):
                end = self.tokens[self.i - 1].end
                skipped.append(" ".join(self.latex[start:end].split()))
            else:
                signs.append(sign)
                items.append(item)
        if len(items) == 1:
            if skipped:
                raise self.fail("nothing is left to execute", at)
            return items[0]
        return Node("chain", at, (tuple(items), tuple(signs)))

    def member(self) -> Node:
        at = self.at
        return Node("dots", at) if self.take(r"\dots") else self.sum()

    def condition(self) -> Node:
        at = self.at
        if self.take(r"\text{otherwise}"):
            return Node("otherwise", at)
        self.take(r"\text{if}")
        parts = [self.chain()]
        while self.take(r"\wedge"):
            parts.append(self.chain())
        for part in parts:
            if part.op != "chain":
                raise self.fail("expected a condition", part.at)
        return Node("all", at, tuple(parts))

    def sum(self) -> Node:
        at = self.at
        left = Node("minus", at, (self.term(),)) if self.take("-") else self.term()
        while self.word in ("+", "-") and self.word:
            at, op = self.at, "add" if self.word == "+" else "subtract"
            self.i += 1
            left = Node(op, at, (left, self.term()))
        return left

    def term(self) -> Node:
        left = self.product()
        while self.word in (r"\odot", r"\cdot", r"\times", "/") and self.word:
            at, word = self.at, self.word
            self.i += 1
            if word == "/":
                left = Node("divide", at, (left, self.factor()))
                if self.starts():
                    raise self.fail("what follows a / is ambiguous: use brackets or \\frac")
            else:
                op = {r"\odot": "elementwise", r"\cdot": "dot", r"\times": "times"}[word]
                left = Node(op, at, (left, self.product()))
        return left

    def product(self) -> Node:
        """Factors side by side."""
        left = last = self.factor()
        while self.starts():
            at = self.at
            if last.op == "number" and self.word[0].isdigit():
                raise self.fail("two numbers side by side")
            if last.op == "bare":
                raise self.fail("what the function before applies to is ambiguous: use ( )")
            last = self.factor()
            left = Node("multiply", at, (left, last))
        return left

    def starts(self) -> bool:
        """Whether a factor begins here."""
        if self.word == "|":
            return not self.bars
        ends = self.word.startswith((r"\end{", r"\text{"))
        return bool(self.word) and self.word not in STOP and not ends

    # Factors

    def factor(self) -> Node:
        found = self.atom()
        while self.word in ("_", "^") and self.word:
            at, word = self.at, self.word
            if found.op in ("bare", "sum", "big"):
                raise self.fail("what this belongs to is ambiguous: use ( )")
            self.i += 1
            if word == "_":
                found = Node("index", at, (found, self.indices()))
            elif self.take(r"\top"):
                found = Node("transpose", at, (found,))
            elif found.op in ("call", "power"):
                raise self.fail("a power here is ambiguous: use ( )", at)
            else:
                found = Node("power", at, (found, self.script()))
            if found.op == "index" and self.is_function(found.parts[0]):
                found = Node("index", at, (self.apply(found.parts[0]), found.parts[1]))
        return self.apply(found) if self.is_function(found) else found

    def is_function(self, node: Node) -> bool:
        return node.op == "name" and any(
            n.is_function for n in self.names if n.key == node.parts[0]
        )

    def apply(self, function: Node) -> Node:
        if self.word != "(":
            raise self.fail("a function needs its argument")
        return Node("apply", function.at, (function, *self.arguments()))

    def script(self) -> Node:
        """What stands raised: one token, or a group."""
        if self.take("{"):
            found = self.sum()
            self.need("}")
            return found
        name = self.named()
        if not name and is_letter(self.word):
            return Node("letter", self.at, (self.running(),))
        found = name or self.atom()
        if found.op not in ("name", "number"):
            raise self.fail("what is raised or lowered is one token or stands in { }", found.at)
        return found

    def indices(self) -> tuple[Node, ...]:
        """``ij`` are two indices, ``i, j`` are, ``2i`` and ``i+1`` are one."""
        if not self.take("{"):
            return (self.script(),)
        close = self.words.index("}", self.i) if "}" in self.words[self.i :] else self.i
        if all(is_letter(w) for w in self.words[self.i : close]):
            found = [self.script() for _ in range(close - self.i)]
        else:
            pairs = zip(self.words[self.i : close], self.words[self.i + 1 : close])
            if any(is_letter(a) and b.isdigit() for a, b in pairs):
                raise self.fail("a letter and a number side by side: put a comma between indices")
            found = [self.sum()]
            while self.take(","):
                found.append(self.sum())
        self.need("}")
        return tuple(found)

    def named(self) -> Node | None:
        """The longest name that fits here."""
        rest = self.words[self.i :]
        size, name = max(
            ((match(n.pattern, rest), n) for n in self.names),
            key=lambda pair: (pair[0], -pair[1].pattern.count(None)),
            default=(0, None),
        )
        if not size or not name:
            return None
        at, open_letters, holes = self.at, iter(name.letters), dict[str, tuple[Node, list[str]]]()
        for part in name.pattern:
            start = self.i
            if part is None:
                index, letter = self.script(), next(open_letters)
                words = self.words[start : self.i]
                if holes.setdefault(letter, (index, words))[1] != words:
                    raise self.fail("two indices that have to be the same differ", index.at)
            else:
                self.i += 1
        self.taken[name.key] = self.taken.get(name.key, 0) + size
        return Node("name", at, (name.key, *(index for index, _ in holes.values())))

    def atom(self) -> Node:
        at, word = self.at, self.word
        if found := self.named():
            return found
        self.i += 1
        if re.fullmatch(r"\d+(\.\d+)?", word):
            return Node("number", at, (float(word) if "." in word else int(word),))
        if word in ("(", "["):
            found = self.sum()
            self.need(OPEN[word])
            return Node("group", at, (found,))
        if word == "|":
            self.bars += 1
            found = self.sum()
            self.bars -= 1
            self.need("|")
            return Node("size", at, (found,))
        if word == r"\lVert":
            return self.norm(at)
        if word == r"\frac":
            return self.fraction(at)
        if word == r"\sqrt":
            return Node("call", at, (word, self.braced()))
        if word in BIG and not (word in (r"\max", r"\min") and self.word == "("):
            return self.big(at, word)
        if word.startswith(r"\begin{"):
            return self.table(at, word)
        if word == r"\mathbb{1}":
            self.need("[")
            found = self.condition()
            self.need("]")
            return Node("indicator", at, (found,))
        if word == r"\nabla":
            found = self.factor()
            if found.op != "apply":
                raise self.fail(r"\nabla needs a function and its argument", found.at)
            return Node("derivative", at, (found, found.parts[1]))
        return self.function(at, word)

    def function(self, at: int, word: str) -> Node:
        if word in INDEXED and self.word == "_":
            self.i += 1
            (index,) = self.indices()
            return Node("indexed", at, (word, index, *self.arguments()))
        if word.startswith(r"\operatorname{") or word in (r"\max", r"\min") or self.word == "(":
            if is_letter(word) or word in ("", "{"):
                raise self.fail(f"{word or 'nothing'} is not a name of anything", at)
            return Node("call", at, (word, *self.arguments()))
        if word in PREFIX:
            return Node("bare", at, (word, self.factor()))
        if word in (r"\infty", r"\pi", "e", "I"):
            return Node("constant", at, (word,))
        if is_letter(word):
            return Node("letter", at, (word,))
        raise self.fail(f"{word or 'the end'} has no meaning here", at)

    def arguments(self) -> tuple[Node, ...]:
        self.need("(")
        found = [self.argument()]
        while self.take(","):
            found.append(self.argument())
        self.need(")")
        return tuple(found)

    def argument(self) -> Node:
        return self.member()

    def braced(self) -> Node:
        if not self.take("{"):
            return self.atom()
        found = self.sum()
        self.need("}")
        return found

    def norm(self, at: int) -> Node:
        found = self.sum()
        self.need(r"\rVert")
        self.need("_")
        self.i += 1
        return Node("norm", at, (self.words[self.i - 1], found))

    def fraction(self, at: int) -> Node:
        if self.words[self.i : self.i + 2] != ["{", r"\partial"]:
            return Node("divide", at, (self.braced(), self.braced()))
        self.i += 2
        order = 1
        if self.take("^"):
            order = int(self.word) if self.word.isdigit() else 0
            self.i += 1
        of = self.factor()
        self.need("}")
        self.need("{")
        by = []
        while self.take(r"\partial"):
            by.append(self.factor())
        self.need("}")
        if len(by) != order:
            raise self.fail(f"a derivative of order {order} by {len(by)} variables", at)
        return Node("derivative", at, (of, *by))

    def table(self, at: int, word: str) -> Node:
        """``cases`` or ``pmatrix``."""
        kind = word[len(r"\begin{") : -1]
        if kind not in ("cases", "pmatrix"):
            raise self.fail(f"no environment {kind}", at)
        rows: list[tuple[Node, ...]] = []
        while not self.take(rf"\end{{{kind}}}"):
            row = [self.sum()]
            while self.take("&"):
                row.append(self.condition() if kind == "cases" else self.sum())
            rows.append(tuple(row))
            if self.word != rf"\end{{{kind}}}":
                self.need(r"\\")
        if len({len(r) for r in rows}) != 1 or (kind == "cases" and len(rows[0]) != 2):
            raise self.fail(f"the rows of {kind} differ in length", at)
        return Node(kind, at, tuple(rows))

    def big(self, at: int, word: str) -> Node:
        """A sum, product, extremum or mean over letters, up to the next + or -."""
        self.need("_")
        grouped = self.take("{")
        letters = [self.running()]
        while grouped and self.words[self.i : self.i + 1] == [","] and self.lists_letter():
            self.i += 1
            letters.append(self.running())
        low = source = weights = None
        conditions: list[Node] = []
        continuum = False
        if grouped:
            if self.take("="):
                low = self.sum()
            elif self.take(r"\in"):
                source = self.factor()
            elif self.take(r"\sim"):
                weights = self.factor()
            elif self.word in RELATIONS:  # x != 0: any x of a space
                self.i += 1
                self.sum()
                continuum = True
            while self.take(",", ":"):
                conditions.append(self.condition())
            self.need("}")
        high = None
        if low:
            self.need("^")
            high = self.braced()
        names = {n.pattern for n in self.names}
        for letter in letters:
            if (letter,) in names and not continuum:
                raise self.fail(f"{letter} has a value already", at)
        if word == r"\mathbb{E}":
            if not weights:
                raise self.fail(r"an expectation reads \mathbb{E}_{i \sim p}[...]", at)
            self.need("[")
            body = self.sum()
            self.need("]")
        else:
            body = self.term()
        op = "continuum" if continuum else "big"
        return Node(
            op, at, (word, tuple(letters), (low, high), source or weights, tuple(conditions), body)
        )

    def running(self) -> str:
        letter = self.word
        if not is_letter(letter):
            raise self.fail("expected a letter that runs")
        self.i += 1
        return letter

    def lists_letter(self) -> bool:
        next_two = self.words[self.i + 1 : self.i + 3]
        return len(next_two) == 2 and is_letter(next_two[0]) and next_two[1] in (",", "}", r"\in")
