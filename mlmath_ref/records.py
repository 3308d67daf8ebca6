"""Every entry as one plain record: what the exported data are made of.

Texts are Markdown: formulas stand between dollars, and ``[@key, locator]`` cites a work, as Pandoc
writes it.
"""

import doctest
import functools
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import mlmath_ref
from mlmath_ref import address, catalog
from mlmath_ref.annotations import is_optional, set_latex, walk
from mlmath_ref.binding import why_not
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.standalone import standalone

ROOT = Path(mlmath_ref.__file__).parents[1]
MEASURED = ROOT / "docs" / "witnesses.json"  # in a checkout; written by make witness


@dataclass(frozen=True)
class Key:
    """Marks a field that names a record of another kind."""

    of: str


EntryName = Annotated[str, Key("entries")]
WorkKey = Annotated[str, Key("works")]


@dataclass(frozen=True)
class Citation:
    """A work cited, and where in it."""

    work: WorkKey
    """Key of the work."""
    locator: str
    """Section, equation, table or lines of code; empty where the whole work is meant."""


@dataclass(frozen=True)
class Argument:
    """A parameter of the function."""

    name: str
    """Its name."""
    symbol: str
    """Its symbol in the formula, in LaTeX."""
    meaning: str
    """What it stands for, in Markdown."""
    in_set: str
    """The set it lives in with its sizes, in LaTeX."""
    shape: str | None
    """The sizes of its axes, by name: `*batch n`. Null where it is no array."""
    default_value: str | None
    """Its default as Python text; null where it has to be given."""
    keyword_only: bool
    """Whether it is given by name only."""
    optional: bool
    """Whether None is allowed."""


@dataclass(frozen=True)
class Symbol:
    """A symbol of the formula that is neither argument nor result."""

    symbol: str
    """In LaTeX."""
    expression: str
    """How it is computed, as Python in the names of arguments and sizes."""
    meaning: str
    """What it stands for, in Markdown; may be empty."""


@dataclass(frozen=True)
class Failure:
    """An error that the function raises beside those for arguments outside their sets."""

    error: str
    """Name of the exception."""
    meaning: str
    """When it is raised, in Markdown."""


@dataclass(frozen=True)
class Witness:
    """Code of the system itself that gives the entry's numbers."""

    path: str
    """To import it by."""
    note: str
    """What has to be translated for them to agree, in Markdown; empty where nothing has."""
    library: str | None
    """Distribution that was measured; null where it has not been run."""
    version: str | None
    """Its version."""
    values_below: float | None
    """A bound of the largest difference of values, as a share of the largest number."""
    gradients_below: float | None
    """Likewise of gradients; null where there are none."""


@dataclass(frozen=True)
class Role:
    """A job that the mathematics holds in a named system."""

    kind: str
    """One of a closed list, such as objective or layer; contrast if the system does not use it."""
    is_use: bool
    """Whether the system uses the mathematics."""
    system: str
    """The model, library or method."""
    text: str
    """What the mathematics does there, with its citation, in Markdown."""
    citations: tuple[Citation, ...]
    """The sources that say so."""
    witnesses: tuple[Witness, ...]
    """Code of the system that was compared."""


@dataclass(frozen=True)
class Step:
    """One input of an example."""

    code: str
    """Python, without prompts."""
    expected: str
    """What is printed; empty where nothing is. Numbers hold to the precision written."""


@dataclass(frozen=True)
class Example:
    """A sentence and the session that shows it; the examples of an entry share their names."""

    text: str
    """What is shown, in Markdown; may be empty."""
    steps: tuple[Step, ...]
    """Inputs and what they print."""


@dataclass(frozen=True)
class Record:
    """An entry of the reference."""

    name: str
    """Permanent identity, and the name of the function."""
    concept: str
    """Title."""
    tells: str
    """What the formula tells, in one sentence."""
    formula: str
    """The defining display, in LaTeX."""
    law: str
    """When it is zero, what is symmetric, what bounds it; in Markdown, may be empty."""
    arguments: tuple[Argument, ...]
    """The parameters, in order."""
    result: str
    """What is returned, symbol first, in Markdown."""
    result_set: str
    """The set of the result, in LaTeX; empty where it is no number or array."""
    where: tuple[Symbol, ...]
    """Symbols of the formula beside arguments and result."""
    raises: tuple[Failure, ...]
    """Errors beside those for arguments outside their sets."""
    also_called: tuple[str, ...]
    """Other names."""
    asked_as: tuple[str, ...]
    """Questions, symptoms and notation that lead to it; the page does not print them."""
    roles: tuple[Role, ...]
    """Jobs in named systems."""
    numerics: str
    """Special values, stable forms and cost, in Markdown."""
    oracles: tuple[str, ...]
    """Python expressions of other implementations that the tests compare it with."""
    not_executed: str | None
    """Why the tests do not execute the displayed formula; null where they do."""
    examples: tuple[Example, ...]
    """Sessions that the tests execute."""
    libraries: tuple[str, ...]
    """Array libraries that it runs on; none where it takes no arrays."""
    numpy: str | None
    """The entry as a text that needs NumPy only, or SciPy; null where it does not run on it."""
    torch: str | None
    """The entry as a text that needs PyTorch only; null where it does not run on it."""
    python: str | None
    """The entry as a text without arrays; null where it takes arrays."""
    citations: tuple[Citation, ...]
    """All works cited, by roles and elsewhere."""
    calls: tuple[EntryName, ...]
    """Entries that its body calls."""
    called_by: tuple[EntryName, ...]
    """Entries whose bodies call it."""
    topic: Annotated[str, Key("topics")]
    """Its topic: `domain.topic`."""
    address: str
    """Permanent address of its page."""
    source: str
    """File of its source text in the repository."""


@functools.cache
def record(e: Entry) -> Record:
    """All that is known of an entry."""
    texts = {library: standalone(e, library) for library in e.libraries}
    return Record(
        name=e.name,
        concept=e.concept,
        tells=markdown(e.tells),
        formula=e.formula,
        law=markdown(e.law),
        arguments=tuple(_arguments(e)),
        result=markdown(" ".join(e.sections["Returns"].split())),
        result_set=set_latex(e.annotations["return"]) or "",
        where=tuple(Symbol(w.latex, w.expression, markdown(w.meaning)) for w in e.where),
        raises=tuple(Failure(name, markdown(text)) for name, text in e.raises),
        also_called=tuple(map(markdown, e.also_called)),
        asked_as=tuple(map(markdown, e.asked_as)),
        roles=tuple(_role(e, role) for role in e.roles),
        numerics=markdown(e.sections["Numerics"]),
        oracles=e.oracles,
        not_executed=why_not(e) or None,
        examples=tuple(_examples(e.sections["Examples"])),
        libraries=e.libraries,
        numpy=texts.get("numpy"),
        torch=texts.get("torch"),
        python=None if e.libraries else standalone(e, "numpy"),
        citations=_citations(e.citations),
        calls=e.calls,
        called_by=e.called_by,
        topic=f"{e.domain}.{e.topic.name}",
        address=address(e.name),
        source=Path(str(e.topic.module.__file__)).relative_to(ROOT).as_posix(),
    )


def records() -> tuple[Record, ...]:
    """The records of all entries, in the order in which they are read."""
    return tuple(map(record, entries()))


def markdown(text: str) -> str:
    """The reStructuredText of docstrings, which is a small part of it, as Markdown."""
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", text.strip())]
    text = "\n\n".join(paragraphs)
    text = re.sub(r":math:`([^`]+)`", lambda m: f"${m[1]}$", text)
    text = re.sub(r"``(.+?)``", r"`\1`", text)
    text = re.sub(r":ref:`([^`<]+?)\s*<(\w+)>`", lambda m: f"[{m[1]}]({address(m[2])})", text)
    return re.sub(r":cite:[a-z]+:`([^`]+)`", _cited, text)


def _cited(role: re.Match[str]) -> str:
    works = re.findall(r"(\w+)\s*(?:\{([^{}]*)\})?(?:,|$)", role[1])
    return f"[{'; '.join(f'@{key}, {where}' if where else f'@{key}' for key, where in works)}]"


def _citations(found: tuple[catalog.Citation, ...]) -> tuple[Citation, ...]:
    return tuple(Citation(c.key, c.locator) for c in found)


def _arguments(e: Entry) -> Iterator[Argument]:
    given = inspect.signature(inspect.unwrap(e.function)).parameters
    for s in e.args:
        p, annotation, specs = given[s.name], e.annotations[s.name], walk(e.annotations[s.name])
        is_array = len(specs) == 1 and specs[0].is_array and s.name in e.specs
        yield Argument(
            name=s.name,
            symbol=s.latex,
            meaning=markdown(s.meaning),
            in_set=set_latex(annotation) or "",
            shape=" ".join(specs[0].dims) if is_array else None,
            default_value=None if p.default is p.empty else repr(p.default),
            keyword_only=p.kind is p.KEYWORD_ONLY,
            optional=is_optional(annotation),
        )


def _role(e: Entry, role: catalog.Role) -> Role:
    return Role(
        role.kind,
        role.is_use,
        role.system,
        markdown(role.text),
        _citations(role.citations),
        tuple(_witness(w, _measured().get(e.name, {}).get(w.path, {})) for w in role.witnesses),
    )


def _witness(w: catalog.Witness, measured: dict[str, Any]) -> Witness:
    found = [measured.get(key) for key in ("library", "version", "values", "gradients")]
    return Witness(w.path, markdown(w.note), *found)


@functools.cache
def _measured() -> dict[str, dict[str, Any]]:
    """By entry and path, what the code of systems gave."""
    return dict(json.loads(MEASURED.read_text(encoding="utf-8"))) if MEASURED.exists() else {}


def _examples(text: str) -> Iterator[Example]:
    """Each piece of prose with the inputs that follow it."""
    prose, steps = "", list[Step]()
    for piece in doctest.DocTestParser().parse(text):
        if isinstance(piece, doctest.Example):
            steps.append(Step(piece.source.rstrip("\n"), piece.want.rstrip("\n")))
        elif piece.strip():
            if steps:
                yield Example(markdown(prose), tuple(steps))
            prose, steps = piece, []
    yield Example(markdown(prose), tuple(steps))
