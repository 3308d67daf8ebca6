"""The entries of the reference, read from the modules: nothing is registered, nothing is listed.

An entry is a public function of a topic module, ``mlmath_ref.<domain>.<topic>``. All that is known
of it stands in its signature and its docstring, and is parsed here.
"""

import ast
import functools
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import mlmath_ref
from mlmath_ref.annotations import Spec, is_function, read, walk
from mlmath_ref.arrays import Array, Tensor

SECTIONS = (
    "Args",
    "Returns",
    "Where",
    "Raises",
    "Also called",
    "Asked as",
    "Role in ML",
    "Numerics",
    "Checked against",
    "Examples",
)
CONTRAST = "contrast"  # the kind of a role whose system does not use the mathematics
KINDS = (
    "activation",
    "analysis",
    "compression",
    "constraint",
    CONTRAST,
    "estimator",
    "layer",
    "metric",
    "objective",
    "optimizer",
    "planning",
    "preprocessing",
    "primitive",
    "regularizer",
    "sampling",
    "schedule",
    "similarity",
)

_CITE = re.compile(r":cite:[a-z]+:`([^`]+)`")
_ROLE = re.compile(r"(?P<kind>[\w ]+?) -- (?P<system>[^:]+): (?P<text>.+)")
_WHERE = re.compile(r":math:`(?P<latex>[^`]+)`: ``(?P<expression>.+?)``(?:, (?P<meaning>.+))?")
_MATH = re.compile(r":math:`([^`]+)`")
_WITNESS = re.compile(r" Witness: ``(?P<path>[\w.]+)``(?:, (?P<note>.+?))?\.(?= Witness: |$)")


@dataclass(frozen=True)
class Citation:
    """One work cited, and where in it."""

    key: str
    locator: str


@dataclass(frozen=True)
class Witness:
    """Code of a system that gives the entry's numbers, and what has to be translated for that."""

    path: str  # to import it by
    note: str  # reStructuredText; empty where it agrees as it comes


@dataclass(frozen=True)
class Role:
    """A job that the mathematics holds in a named system."""

    kind: str
    system: str
    text: str  # reStructuredText
    citations: tuple[Citation, ...]
    witnesses: tuple[Witness, ...]

    @property
    def is_use(self) -> bool:
        """Whether the system uses the mathematics; a contrast documents that it does not."""
        return self.kind != CONTRAST

    @property
    def label(self) -> str:
        """The kind as it is printed."""
        return label(self.kind)


@dataclass(frozen=True)
class Symbol:
    """A line of the "where" list."""

    name: str  # of the parameter; empty for the result
    latex: str
    meaning: str  # reStructuredText


@dataclass(frozen=True)
class Where:
    """A symbol of the formula that is neither argument nor result, and how to compute it."""

    latex: str
    expression: str  # Python, in the names of parameters, sizes and indices
    meaning: str  # reStructuredText


@dataclass(frozen=True)
class Topic:
    """A module: a paragraph of theory and its entries."""

    module: ModuleType

    @property
    def name(self) -> str:
        return self.module.__name__.rpartition(".")[2]

    @property
    def domain(self) -> str:
        return self.module.__name__.split(".")[1]

    @property
    def title(self) -> str:
        return _doc(self.module).partition(":")[0].replace("\n", " ")

    @property
    def section(self) -> str:
        """Where the map has it, as ``1.3 Singular values and rank``."""
        found = re.search(r"^:map: (.+)$", _doc(self.module), re.MULTILINE)
        return found[1].strip() if found else ""

    @property
    def essay(self) -> str:
        """The paragraphs of theory, in reStructuredText."""
        return re.sub(r"^:map: .+$", "", _doc(self.module), flags=re.MULTILINE).strip()

    @functools.cached_property
    def citations(self) -> tuple[Citation, ...]:
        return _citations(_doc(self.module))

    @functools.cached_property
    def entries(self) -> tuple["Entry", ...]:
        functions = [
            f
            for name, f in vars(self.module).items()
            if inspect.isfunction(f)
            and f.__module__ == self.module.__name__
            and not name.startswith("_")
        ]
        return tuple(Entry(self, f) for f in functions)


@dataclass(frozen=True)
class Entry:
    """A function, its formula and its page."""

    topic: Topic
    function: Callable[..., Any]

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def domain(self) -> str:
        return self.topic.domain

    @property
    def concept(self) -> str:
        return self._summary.partition(": ")[0]

    @property
    def tells(self) -> str:
        """What it tells, in one sentence."""
        text = self._summary.partition(": ")[2]
        return text[:1].upper() + text[1:]

    @property
    def formula(self) -> str:
        """The LaTeX of the defining display."""
        display = self._parts[0][1]
        return textwrap.dedent(display.removeprefix(".. math::")).strip()

    @property
    def law(self) -> str:
        return "\n\n".join(self._parts[0][2:])

    @property
    def sections(self) -> dict[str, str]:
        """The text under each heading, in order."""
        return self._parts[1]

    @property
    def args(self) -> tuple[Symbol, ...]:
        return tuple(_symbol(name, text) for name, text in _items(self.sections.get("Args", "")))

    @property
    def returns(self) -> Symbol:
        return _symbol("", " ".join(self.sections.get("Returns", "").split()))

    @property
    def where(self) -> tuple[Where, ...]:
        """What the formula says in symbols of its own, beside arguments and results."""
        return tuple(_where(text) for text in _bullets(self.sections.get("Where", "")))

    @property
    def raises(self) -> tuple[tuple[str, str], ...]:
        """Exceptions and when they are raised, beside those for bad arguments."""
        return tuple(_items(self.sections.get("Raises", "")))

    @property
    def also_called(self) -> tuple[str, ...]:
        words = " ".join(self.sections.get("Also called", "").split()).rstrip(".")
        return tuple(w.strip() for w in words.split(",") if w.strip())

    @property
    def asked_as(self) -> tuple[str, ...]:
        """Questions, symptoms and notation that are searched for and not printed."""
        words = " ".join(self.sections.get("Asked as", "").split()).removesuffix(".")
        return tuple(w.strip() for w in words.split(";")) if words else ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """Uses and contrasts, in the order of the page."""
        return tuple(_role(text) for text in _bullets(self.sections.get("Role in ML", "")))

    @property
    def uses(self) -> tuple[Role, ...]:
        """The roles in systems that use the mathematics."""
        return tuple(role for role in self.roles if role.is_use)

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The code of systems that the roles name."""
        return tuple(w for role in self.roles for w in role.witnesses)

    @property
    def oracles(self) -> tuple[str, ...]:
        """Expressions in the parameters' names, of other implementations."""
        return tuple(
            " ".join(o.split())
            for o in re.findall(r"``(.+?)``", self.sections["Checked against"], re.S)
        )

    @functools.cached_property
    def citations(self) -> tuple[Citation, ...]:
        return _citations(inspect.getdoc(self.function) or "")

    @property
    def annotations(self) -> dict[str, Any]:
        """Annotations of the parameters, and of the result under ``return``."""
        return dict(inspect.unwrap(self.function).__annotations__)

    @property
    def specs(self) -> dict[str, Spec]:
        """The sets among the annotations of the parameters."""
        return {k: s for k, a in self.annotations.items() if k != "return" and (s := read(a))}

    @property
    def libraries(self) -> tuple[str, ...]:
        """The array libraries that it runs on; none where it takes no arrays."""
        annotations = self.annotations.values()
        kinds = {spec.of for a in annotations for spec in walk(a)}
        if Tensor in kinds or any(map(is_function, annotations)):
            return ("torch",)
        return ("numpy", "torch") if Array in kinds else ()

    @functools.cached_property
    def called_by(self) -> tuple[str, ...]:
        """Names of the entries whose bodies call it."""
        return tuple(e.name for e in entries() if self.name in e.calls)

    @functools.cached_property
    def calls(self) -> tuple[str, ...]:
        """Names of the entries that the body calls."""
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(self.function))))
        names = [
            n.func.id
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        ]
        module = vars(self.topic.module)
        found = [
            module[n] for n in names if inspect.isfunction(module.get(n)) and not n.startswith("_")
        ]
        return tuple(
            dict.fromkeys(
                f.__name__
                for f in found
                if re.fullmatch(r"mlmath_ref\.\w+\.\w+", f.__module__) and f is not self.function
            )
        )

    @property
    def _summary(self) -> str:
        return " ".join(self._parts[0][0].split())

    @functools.cached_property
    def _parts(self) -> tuple[list[str], dict[str, str]]:
        text = inspect.getdoc(self.function) or ""
        pieces = re.split(rf"^({'|'.join(SECTIONS)}):\n", text, flags=re.MULTILINE)
        sections = {k: textwrap.dedent(v).strip("\n") for k, v in zip(pieces[1::2], pieces[2::2])}
        return re.split(r"\n\s*\n", pieces[0].strip()), sections


@functools.cache
def domains() -> tuple[ModuleType, ...]:
    """The domain packages, in alphabetical order."""
    found = pkgutil.iter_modules(mlmath_ref.__path__, "mlmath_ref.")
    return tuple(import_module(m.name) for m in found if m.ispkg)


@functools.cache
def topics() -> tuple[Topic, ...]:
    """All topics, by domain."""
    return tuple(
        Topic(import_module(m.name))
        for domain in domains()
        for m in pkgutil.iter_modules(domain.__path__, domain.__name__ + ".")
    )


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All entries, by topic, in the order in which they are read."""
    return tuple(entry for topic in topics() for entry in topic.entries)


def entry(name: str) -> Entry:
    """The entry of a name.

    Raises:
        KeyError: There is no such entry.
    """
    for found in entries():
        if found.name == name:
            return found
    raise KeyError(f"no entry is named {name!r}")


def label(kind: str) -> str:
    """A kind of role as it is printed."""
    return "does not use it" if kind == CONTRAST else kind


def _doc(module: ModuleType) -> str:
    return inspect.cleandoc(module.__doc__ or "")


def _items(text: str) -> list[tuple[str, str]]:
    """``name: text`` items, with their continuation lines."""
    found = re.findall(r"^(\w+): (.+(?:\n[ \t]+.+)*)", text, re.MULTILINE)
    return [(name, " ".join(body.split())) for name, body in found]


def _bullets(text: str) -> list[str]:
    return [" ".join(b.split()) for b in re.findall(r"^- (.+(?:\n[ \t]+.+)*)", text, re.MULTILINE)]


def _symbol(name: str, text: str) -> Symbol:
    found = re.match(r":math:`([^`]+)`[,:]?\s*", text)
    latex, meaning = (found[1], text[found.end() :]) if found else ("", text)
    return Symbol(name, latex, meaning)


def _where(text: str) -> Where:
    found = _WHERE.fullmatch(text)
    if not found:
        raise ValueError(
            f"a line of Where reads ':math:`symbol`: ``expression``, meaning', got {text!r}"
        )
    return Where(found["latex"], found["expression"], found["meaning"] or "")


def _role(text: str) -> Role:
    found = _ROLE.fullmatch(text)
    if not found:
        raise ValueError(f"a role reads 'kind -- System: sentence', got {text!r}")
    witnesses = tuple(Witness(w["path"], w["note"] or "") for w in _WITNESS.finditer(text))
    told = _WITNESS.sub("", found["text"])
    if "Witness:" in told:
        raise ValueError(f"a witness reads 'Witness: ``path``[, note].', got {text!r}")
    return Role(found["kind"], found["system"], told, _citations(text), witnesses)


def _citations(text: str) -> tuple[Citation, ...]:
    """Every ``key{locator}`` of the ``:cite:`` roles."""
    found = []
    for target in _CITE.findall(" ".join(text.split())):
        for key, locator in re.findall(r"(\w+)\s*(?:\{([^{}]*)\})?(?:,|$)", target):
            found.append(Citation(key, locator))
    return tuple(dict.fromkeys(found))
