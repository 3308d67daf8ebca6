"""The reference as data: JSON with its schema, SQLite, and Markdown for language models.

All are made of the records of ``mlmath_ref.records``, and so are the schema and the tables: of types.
"""

import contextlib
import dataclasses
import functools
import json
import re
import shutil
import sqlite3
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concept_map import table
from pybtex.database import Entry as BibEntry, Person
from pydantic import ConfigDict, TypeAdapter
from sphinx.application import Sphinx

import mlmath_ref
from mlmath_ref.catalog import Topic, domains, label, topics
from mlmath_ref.citation import leaves_out_authors, plain
from mlmath_ref.index import works
from mlmath_ref.records import Argument, Citation, Example, Key, Record, Step, markdown, records

SCHEMA = f"{mlmath_ref.SITE}/data/entries.schema.json"
LICENSE = "text CC BY 4.0, code Apache-2.0"
ABOUT = (
    "The mathematics of machine learning as a reference work that runs: every entry is a formula, "
    "executed, compared with another implementation, and followed to the named systems that use it."
)
FILES = {  # written by every build
    "data/entries.json": "every entry with all its fields, topics, domains and works",
    "data/entries.schema.json": "the JSON Schema of that",
    "data/mlmath.sqlite": "the same as tables, with an index of the words",
    "llms.txt": "a list of all entries in Markdown",
    "llms-full.txt": "the whole reference in Markdown",
}
BOOKS = {  # written by make export
    "books/mlmath.pdf": "the whole reference on A4 pages, with bookmarks, page numbers and links",
    "books/mlmath.epub": "the same for readers of electronic books",
    "books/mlmath-site.zip": "this site with its search: unpack it and open `index.html`",
}


@dataclass(frozen=True)
class Domain:
    """A field of mathematics or of machine learning."""

    name: str
    """Name of its package."""
    title: str
    """Title."""
    question: str
    """What it answers."""


@dataclass(frozen=True)
class Theory:
    """A paragraph of theory and its entries."""

    name: str
    """`domain.topic`, as the module is called in the package."""
    domain: typing.Annotated[str, Key("domains")]
    """Name of its domain."""
    title: str
    """Title."""
    section: str
    """Section of the map."""
    essay: str
    """The theory, in Markdown."""
    citations: tuple[Citation, ...]
    """Works that the theory cites."""


@dataclass(frozen=True)
class Work:
    """A work cited."""

    key: str
    """Key of the citations."""
    type: str
    """BibTeX's type, such as article or misc."""
    title: str
    """Title."""
    authors: tuple[str, ...]
    """Names, in order."""
    leaves_out_authors: bool
    """Whether these are only the first of its authors."""
    year: int
    """Year of publication."""
    venue: str | None
    """Journal, proceedings, publisher or institution."""
    doi: str | None
    """Digital object identifier."""
    arxiv: str | None
    """Identifier on arXiv."""
    url: str | None
    """Address."""


@dataclass(frozen=True)
class Reference:
    """The whole reference."""

    version: str
    """Version of the package."""
    license: str
    """Of the text and of the code."""
    domains: tuple[Domain, ...]
    """In alphabetical order."""
    topics: tuple[Theory, ...]
    """By domain."""
    entries: tuple[Record, ...]
    """By topic, in the order in which they are read."""
    works: tuple[Work, ...]
    """By key."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)


def reference() -> Reference:
    """All of it."""
    return Reference(
        mlmath_ref.__version__,
        LICENSE,
        tuple(_domain(module) for module in domains()),
        tuple(_topic(topic) for topic in topics()),
        records(),
        tuple(_work(key, works().entries[key]) for key in sorted(works().entries)),
    )


def _domain(module: types.ModuleType) -> Domain:
    title, _, question = " ".join((module.__doc__ or "").split()).partition(": ")
    return Domain(module.__name__.partition(".")[2], title, question[:1].upper() + question[1:])


def _topic(topic: Topic) -> Theory:
    essay = markdown(topic.essay.partition(": ")[2])
    return Theory(
        f"{topic.domain}.{topic.name}",
        topic.domain,
        topic.title,
        topic.section,
        essay[:1].upper() + essay[1:],
        tuple(Citation(c.key, c.locator) for c in topic.citations),
    )


def _work(key: str, bib: BibEntry) -> Work:
    fields = {name: plain(value) for name, value in bib.fields.items()}
    venues = (fields.get(v) for v in ("journal", "booktitle", "publisher", "institution"))
    return Work(
        key,
        bib.type,
        fields["title"],
        tuple(plain(" ".join(_names(p))) for p in bib.persons["author"] if str(p) != "others"),
        leaves_out_authors(key),
        int(fields["year"]),
        next(filter(None, venues), None),
        fields.get("doi"),
        fields.get("eprint"),
        bib.fields.get("url"),
    )


def _names(p: Person) -> list[str]:
    return [*p.first_names, *p.middle_names, *p.prelast_names, *p.last_names, *p.lineage_names]


# The schema -----------------------------------------------------------------------------------


def schema() -> dict[str, Any]:
    """The types above as JSON Schema, with what stands under each field as its description."""
    found = TypeAdapter(Reference).json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA}
    return head | closed(found)


def closed(part: dict[str, Any]) -> dict[str, Any]:
    """A schema that lets no unknown field through, and needs every known one."""
    if "properties" in part:
        part |= {"additionalProperties": False, "required": list(part["properties"])}
    for inner in part.get("$defs", {}).values():
        closed(inner)
    return part


# The database ---------------------------------------------------------------------------------

INVERSE = ("called_by",)  # which entry_calls says, read backwards
COLUMNS = {str: "TEXT", int: "INTEGER", bool: "INTEGER", float: "REAL"}
SEARCH = """CREATE VIRTUAL TABLE search
  USING fts5(name, concept, also_called, asked_as, tells, law, roles, numerics, tokenize = 'porter')"""
WEIGHTS = "bm25(10, 10, 10, 10, 4)"  # names weigh more than prose


@dataclass(frozen=True)
class Column:
    """A field that is not a list."""

    name: str
    type: type
    is_nullable: bool
    of: str  # table that it refers to, or empty
    words: str

    def __str__(self) -> str:
        link = f" REFERENCES {self.of}" if self.of else ""
        null = "" if self.is_nullable else " NOT NULL"
        return f'"{self.name}" {COLUMNS[self.type]}{null}{link} /* {self.words} */'


@dataclass(frozen=True)
class Table:
    """A kind of record, or a list of texts, with the record that holds it."""

    name: str
    parent: str  # table, or empty
    columns: tuple[Column, ...]
    words: str

    @property
    def one(self) -> str:
        """What a row is: an ``entry``, a ``role``."""
        return re.sub("ies$", "y", self.name.rpartition("_")[2]).removesuffix("s")

    def __str__(self) -> str:
        first, *others = self.columns
        if self.parent:
            holder = Table(self.parent, "", (), "")
            type_ = "INTEGER" if "_" in self.parent else "TEXT"
            key = [
                "id INTEGER PRIMARY KEY",
                f'"{holder.one}" {type_} NOT NULL REFERENCES {self.parent}',
                "position INTEGER NOT NULL /* in the record that holds it, from 0 */",
                str(first),
            ]
        else:
            key = [str(first).replace(" NOT NULL", " PRIMARY KEY NOT NULL")]
        body = ",\n  ".join([*key, *map(str, others)])
        return f"CREATE TABLE {self.name} ( /* {self.words} */\n  {body}\n)"


def tables() -> tuple[Table, ...]:
    """Tables of the database, those that are referred to by their lists first."""
    return tuple(t for name, kind, _ in lists(Reference) for t in _tables(name, "", kind, ""))


def _tables(name: str, parent: str, kind: Any, words: str) -> Iterator[Table]:
    plain_type, of = unmarked(kind)
    if plain_type is str:
        yield Table(name, parent, (Column("value", plain_type, False, of, words),), words)
        return
    told = descriptions(plain_type)
    hints = typing.get_type_hints(plain_type, include_extras=True)
    listed = [field for field, _, _ in lists(plain_type)]
    columns = [_column(f, hints[f], told[f]) for f in told if f not in listed]
    table = Table(name, parent, tuple(columns), " ".join((plain_type.__doc__ or "").split()))
    yield table
    for field, inner, words in lists(plain_type):
        if field not in INVERSE:
            yield from _tables(f"{table.one}_{field}", name, inner, words)


def _column(name: str, kind: Any, words: str) -> Column:
    given, of = unmarked(kind)
    parts = [p for p in typing.get_args(given) if p is not type(None)]
    return Column(name, parts[0] if parts else given, bool(parts), of, words)


def lists(kind: Any) -> list[tuple[str, Any, str]]:
    """The fields of a type that are lists, with the types of members and descriptions."""
    hints = typing.get_type_hints(kind, include_extras=True)
    told = descriptions(kind)
    return [
        (name, typing.get_args(hint)[0], told[name])
        for name, hint in hints.items()
        if typing.get_origin(hint) is tuple
    ]


def unmarked(kind: Any) -> tuple[Any, str]:
    """A type without its mark, and the table that the mark names."""
    if typing.get_origin(kind) is typing.Annotated:
        return typing.get_args(kind)[0], kind.__metadata__[0].of
    return kind, ""


@functools.cache
def descriptions(kind: Any) -> dict[str, str]:
    """What stands under the fields of a type."""
    found = schema()
    part = found if kind is Reference else found["$defs"][kind.__name__]
    return {name: field["description"] for name, field in part["properties"].items()}


def database(path: Path, data: dict[str, Any]) -> None:
    """Write the reference as SQLite, with an index of its words."""
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as db:
        known = {t.name: t for t in tables()}
        for table in known.values():
            db.execute(str(table))
        for name in (n for n, t in known.items() if not t.parent):
            for record in data[name]:
                _insert(db, known, name, record, ())
        db.execute(SEARCH)
        db.execute("INSERT INTO search(search, rank) VALUES ('rank', ?)", (WEIGHTS,))
        db.executemany("INSERT INTO search VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _words(data))
        db.commit()
        if missing := db.execute("PRAGMA foreign_key_check").fetchall():
            raise ValueError(f"rows refer to what is not there, as (table, row): {missing[:5]}")
        db.execute("VACUUM")


def _insert(
    db: sqlite3.Connection, known: dict[str, Table], name: str, value: Any, held: tuple[Any, ...]
) -> None:
    table = known[name]
    row = value if isinstance(value, dict) else {"value": value}
    values = [*([None] if held else []), *held, *(row[c.name] for c in table.columns)]
    places = ", ".join("?" * len(values))
    number = db.execute(f"INSERT INTO {name} VALUES ({places})", values).lastrowid
    key = number if held else row[table.columns[0].name]
    for field, inner in row.items():
        child = f"{table.one}_{field}"
        if child in known and known[child].parent == name:
            for position, part in enumerate(inner):
                _insert(db, known, child, part, (key, position))


def _words(data: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for e in data["entries"]:
        roles = "\n".join(f"{r['kind']} {r['system']}: {r['text']}" for r in e["roles"])
        names, asked = (", ".join(e[field]) for field in ("also_called", "asked_as"))
        yield e["name"], e["concept"], names, asked, e["tells"], e["law"], roles, e["numerics"]


# Markdown -------------------------------------------------------------------------------------


def entry_text(e: Record, level: int = 1) -> str:
    """An entry in Markdown, as it is written by ``entries/<name>.html.md``."""
    parts = {
        "Arguments": bullets(map(argument_text, e.arguments)) + f"\n\nReturns {result_text(e)}",
        "Where": bullets(f"${w.symbol}$: `{w.expression}` {w.meaning}".strip() for w in e.where),
        "Raises": bullets(f"{f.error}: {f.meaning}" for f in e.raises),
        "Also called": ", ".join(e.also_called),
        "Role in ML": bullets(f"{label(r.kind)}, **{r.system}**: {r.text}" for r in e.roles),
        "Numerics": e.numerics,
        "Examples": "\n\n".join(map(example_text, e.examples)),
        "Checked against": bullets(f"`{oracle}`" for oracle in e.oracles),
        **{
            f"As {title}": f"```python\n{text}```"
            for title, text in (("NumPy", e.numpy), ("PyTorch", e.torch), ("Python", e.python))
            if text
        },
    }
    head = [f"{'#' * level} {e.concept}", f"`{e.name}`: {e.address}", e.tells]
    head += [f"$$\n{e.formula}\n$$", e.law]
    sections = [f"{'#' * (level + 1)} {title}\n\n{text}" for title, text in parts.items() if text]
    return "\n\n".join(filter(None, [*head, *sections])) + "\n"


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def argument_text(a: Argument) -> str:
    rest = f", default {a.default_value}" if a.default_value else ""
    return f"`{a.name}`: ${a.symbol} \\in {a.in_set}${rest}; {a.meaning}"


def result_text(e: Record) -> str:
    return f"{e.result} It is in ${e.result_set}$." if e.result_set else e.result


def example_text(example: Example) -> str:
    lines = [line for step in example.steps for line in session(step)]
    return "\n\n".join(filter(None, [example.text, fence("pycon", lines)]))


def session(step: Step) -> Iterator[str]:
    """Input with its prompts, and what it prints."""
    for i, line in enumerate(step.code.splitlines()):
        yield f"{'>>>' if i == 0 else '...'} {line}".rstrip()
    yield from step.expected.splitlines()


def fence(language: str, lines: list[str]) -> str:
    return "\n".join([f"```{language}", *lines, "```"]) if lines else ""


def work_text(w: Work) -> str:
    """A line of the bibliography."""
    found = [w.venue, w.arxiv and f"arXiv:{w.arxiv}", w.doi and f"doi:{w.doi}", w.url]
    authors = ", ".join(w.authors) + " et al." * w.leaves_out_authors
    return ". ".join([f"@{w.key}: {authors} ({w.year})", w.title, *filter(None, found)])


def llms(whole: Reference) -> str:
    """A list of all pages in the form of llmstxt.org."""
    parts = [
        "# ML Math Map",
        f"> {ABOUT}",
        "Every link below is to a page in Markdown; without `.md` it is the page in HTML.",
        "## The whole",
        bullets(
            f"[{path}]({mlmath_ref.SITE}/{path}): {told}"
            for path, told in FILES.items()
            if path != "llms.txt"
        ),
    ]
    for domain in whole.domains:
        inside = [t.name for t in whole.topics if t.domain == domain.name]
        lines = [
            f"[{e.concept}]({e.address}.md): {e.tells}" for e in whole.entries if e.topic in inside
        ]
        parts += [f"## {domain.title}", bullets(lines)]
    return "\n\n".join(parts) + "\n"


def llms_full(whole: Reference) -> str:
    """The whole reference in Markdown."""
    parts = ["# ML Math Map", ABOUT, f"Version {whole.version}; {whole.license}."]
    for domain in whole.domains:
        parts += [f"## {domain.title}", domain.question]
        for topic in (t for t in whole.topics if t.domain == domain.name):
            parts += [f"### {topic.title}", topic.essay]
            parts += [entry_text(e, 4).rstrip() for e in whole.entries if e.topic == topic.name]
    return "\n\n".join([*parts, "## Works", bullets(map(work_text, whole.works))]) + "\n"


# The files and their documentation ------------------------------------------------------------


def fields() -> str:
    """A table of fields for each type of the schema, in MyST."""
    parts = []
    for name, part in [("Reference", schema()), *schema()["$defs"].items()]:
        rows = [
            [f"`{field}`", type_text(told), told["description"]]
            for field, told in part["properties"].items()
        ]
        told = "" if name == "Reference" else part["description"]
        parts += [
            f"({name.lower()}-fields)=\n### {name}\n",
            f"{told}\n",
            table(["Field", "Type", "Meaning"], rows, "22 24 54"),
        ]
    return "\n".join(parts)


def type_text(part: dict[str, Any]) -> str:
    """A type of the schema, in words."""
    if "anyOf" in part:
        return " or ".join(type_text(p) for p in part["anyOf"])
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"{{ref}}`{name} <{name.lower()}-fields>`"
    if part["type"] == "array":
        return f"list of {type_text(part['items'])}"
    return str(part["type"])


def downloads(with_books: bool) -> str:
    """A table of the files that a site has, in MyST."""
    files = FILES | BOOKS if with_books else FILES
    rows = [[f'<a href="{path}">{path}</a>', told] for path, told in files.items()]
    text = table(["File", "What it holds"], rows, "36 64")
    if with_books:
        return text
    names = ", ".join(f"`{Path(path).name}`" for path in BOOKS)
    return f"{text}\nThis copy of the site was built without {names}; `make export` makes them.\n"


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the files beside the pages."""
    if error or app.builder.name != "html":
        return
    site, whole = Path(app.outdir), reference()
    shutil.rmtree(site / "books", ignore_errors=True)  # they may be of another state
    data = dataclasses.asdict(whole)
    (site / "data").mkdir(exist_ok=True)
    texts = {
        "data/entries.json": as_json(data),
        "data/entries.schema.json": as_json(schema()),
        "llms.txt": llms(whole),
        "llms-full.txt": llms_full(whole),
        **{f"entries/{e.name}.html.md": entry_text(e) for e in whole.entries},
    }
    for stale in set(site.glob("entries/*.html.md")) - {site / name for name in texts}:
        stale.unlink()
    for name, text in texts.items():
        (site / name).write_text(text, encoding="utf-8")
    database(site / "data" / "mlmath.sqlite", data)


def as_json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("with_books", False, "", bool)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
