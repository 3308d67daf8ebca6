"""The index of the search: what the catalog says of every entry, cut into records."""

import ast
import functools
import inspect
import re
from pathlib import Path
from typing import Any

from pybtex.database import BibliographyData, Entry as Work, parse_file

from mlmath_ref.catalog import Entry, Role, entries

MATH = re.compile(r":math:`([^`]+)`")
OTHER = re.compile(r":[a-z]+(?::[a-z]+)?:`([^`<]*?)(?:\s*<[^`]*>)?`")
CODE = re.compile(r"``(.+?)``", re.DOTALL)
MOST = 12  # authors of a work that are searched: nobody asks for the thirtieth
LIBRARIES = {"np": "numpy", **{n: n for n in ("scipy", "sklearn", "torch")}}


def inline(latex: str) -> str:
    """A formula on one line."""
    return " ".join(latex.split())


def plain(text: str) -> str:
    """Running text without citations and mathematics."""
    text = re.sub(r"\s*:cite:[a-z]+:`[^`]+`", "", text)
    return " ".join(OTHER.sub(r"\1", CODE.sub(r"\1", MATH.sub("", text))).split())


@functools.cache
def ignored() -> frozenset[str]:
    """The words that the engine does not look for."""
    text = Path(__file__).with_name("engine").joinpath("engine.js").read_text(encoding="utf-8")
    found = re.search(r"const STOP = new Set\(\s*`([^`]+)`", text)
    assert found
    return frozenset(found[1].split())


def bag(*texts: str, without: str = "", least: int = 3) -> str:
    """The different words of texts that the engine looks for, in order."""
    known = ignored() | set(re.findall(r"\w+", without.lower()))
    found = re.findall(r"[a-z\d][a-z\d-]+", " ".join(map(plain, texts)).lower())
    return " ".join(dict.fromkeys(w for w in found if len(w) >= least and w not in known))


def library_calls(e: Entry) -> dict[str, str]:
    """Functions and classes of libraries that give what an entry gives, as the tests execute them.

    That is the call that an oracle is, up to sign and index, if no other call feeds it; and the
    layers, optimizers, schedules and distributions that stand in any oracle.
    """
    found = {}
    for oracle in e.oracles:
        whole = ast.parse(oracle, mode="eval").body
        while isinstance(whole, (ast.UnaryOp, ast.Subscript)):
            whole = whole.operand if isinstance(whole, ast.UnaryOp) else whole.value
        calls = [n for n in ast.walk(whole) if isinstance(n, ast.Call)]
        for call in list(calls):
            if call not in calls:  # it is an argument of one that was found
                continue
            root, _, rest = ast.unparse(call.func).partition(".")
            is_class = re.search(r"(^|\.)(?!Parameter)[A-Z]\w+$", rest)
            is_name = root in LIBRARIES and re.fullmatch(r"[\w.]+", rest)
            if is_name and (is_class or calls == [whole]):
                found[f"{LIBRARIES[root]}.{rest}"] = oracle
                inner = {n for a in call.args for n in ast.walk(a)}
                calls = [c for c in calls if c not in inner]
    return found


def libraries(e: Entry) -> set[str]:
    """Libraries that give an entry's numbers, by an oracle or by a witness."""
    return {n.partition(".")[0] for n in [*library_calls(e), *(w.path for w in e.witnesses)]}


def code(e: Entry) -> list[str]:
    """The library code that gives what the entry gives: ``torch.special.expit``."""
    names = [
        *library_calls(e),
        *(w.path for w in e.witnesses),
        *CODE.findall(e.sections["Numerics"]),
    ]
    return list(dict.fromkeys(names))


def calls(e: Entry) -> list[str]:
    """What else the oracles call of the libraries."""
    trees = [ast.walk(ast.parse(oracle, mode="eval")) for oracle in e.oracles]
    names = [ast.unparse(n) for tree in trees for n in tree if isinstance(n, ast.Attribute)]
    roots = "|".join([*LIBRARIES, "tokenizers"])
    found = [n for n in names if re.fullmatch(rf"({roots})(\.\w+)+", n)]
    ends = {n.rpartition(".")[2] for n in code(e)}
    inner = {n for n in found if any(o.startswith(f"{n}.") for o in found)}
    return [n for n in dict.fromkeys(found) if n not in inner and n.rpartition(".")[2] not in ends]


def constants(e: Entry) -> str:
    """The defaults of a signature, and the numbers of the text: 0.999, 500000."""
    given = inspect.signature(inspect.unwrap(e.function)).parameters.values()
    defaults = [f"{p.name} {p.default}" for p in given if isinstance(p.default, (int, float))]
    text = inspect.getdoc(e.function) or ""
    text = re.sub(r"\{[^{}]*\}`|10\^\{-?\d+\}", "", text.partition("Examples:")[0])
    return " ".join(dict.fromkeys([*defaults, *re.findall(r"(?<![\w.])\d[\d ,]*\.?\d+", text)]))


def formulas(e: Entry) -> list[str]:
    """Formulas in the law: other forms of the displayed one."""
    law = " ".join([e.law, e.sections["Numerics"], *(r.text for r in e.roles), e.returns.meaning])
    return [f for f in dict.fromkeys(map(inline, MATH.findall(law))) if len(f) > 5]


def roles(e: Entry) -> list[Role]:
    """Uses, first one whose sentence is words only: it is the one that is shown."""
    return sorted(e.uses, key=lambda r: ":math:" in r.text)


def record(e: Entry) -> dict[str, Any]:
    """What is enough to find an entry by its names, formula, systems and code."""
    return {
        "name": e.name,
        "concept": e.concept,
        "also": e.also_called,
        "roles": [[r.kind, r.system] for r in roles(e)],
        "code": code(e),
        "used": len(e.called_by),
        "latex": inline(e.formula),
        "domain": e.domain,
        "libraries": sorted(libraries(e)),
    }


def details(e: Entry) -> dict[str, Any]:
    """What is searched and shown beside: the first role is a sentence, the others are their words."""
    first, *others = roles(e)
    names = [e.concept, e.tells, *e.also_called, *e.asked_as]
    named = " ".join([*names, *(f"{r.system} {r.text}" for r in e.uses)])
    contrasts = [f"{r.system} {r.text}" for r in e.roles if not r.is_use]
    meanings = [s.meaning for s in (*e.args, e.returns)] + [w.meaning for w in e.where]
    return {
        "tells": plain(e.tells),
        "asked": e.asked_as,
        "texts": [plain(MATH.sub(r"\1", first.text)), *(bag(r.text) for r in others)],
        "works": list(dict.fromkeys(c.key for c in e.citations)),
        "calls": calls(e),
        "constants": constants(e),
        "prose": bag(e.law, e.sections["Numerics"], *meanings, *contrasts, without=named),
        "formulas": formulas(e),
    }


@functools.cache
def works() -> BibliographyData:
    """The records of the works cited, by key."""
    return parse_file(Path(__file__).with_name("references.bib"))


def work(w: Work) -> list[str]:
    """Authors (of many, the first and the last), year, title, arXiv identifier and its year."""
    people = [p for p in w.persons.get("author", []) if str(p) != "others"]
    people = people if len(people) <= MOST else people[: MOST - 3] + people[-3:]
    authors = " ".join(str(name) for p in people for name in p.rich_last_names)
    title = re.sub(r"\$\\(\w+)\$", r"\1", w.fields.get("title", ""))
    title = re.sub(r"[{}\\]", "", title)
    eprint = w.fields.get("eprint", "")
    found = re.match(r"(\d\d)\d\d\.", eprint)
    return [authors, w.fields.get("year", ""), title, eprint, f"20{found[1]}" if found else ""]


def cited() -> dict[str, list[str]]:
    """The works that entries cite, by key."""
    keys = sorted({c.key for e in entries() for c in e.citations})
    return {key: work(works().entries[key]) for key in keys}


def index() -> dict[str, Any]:
    """What the engine is made from."""
    return {"entries": [record(e) for e in entries()]}


def completion() -> dict[str, Any]:
    """What the engine is completed with."""
    return {"entries": [details(e) for e in entries()], "works": cited()}
