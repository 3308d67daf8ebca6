"""The search: its engine and its index as one classic script, which also runs from ``file://``."""

import ast
import inspect
import json
import re
from pathlib import Path
from typing import Any

from bibliography import DOCS, works
from concept_map import inline, libraries, library_calls
from docutils import nodes
from mathml import mathml
from pybtex.database import Entry as Work
from sphinx.application import Sphinx

from mlmath_ref.catalog import Entry, Role, entries

FOLDER = Path("_static") / "search"
SOURCES = Path(__file__).parents[1] / FOLDER
MODULES = (
    "minisearch.js",
    "lexer.js",
    "parser.js",
    "formula.js",
    "engine.js",
)  # what a module imports comes before it

MATH = re.compile(r":math:`([^`]+)`")
OTHER = re.compile(r":[a-z]+(?::[a-z]+)?:`([^`<]*?)(?:\s*<[^`]*>)?`")
CODE = re.compile(r"``(.+?)``", re.DOTALL)


def plain(text: str) -> str:
    """Running text without citations and mathematics."""
    text = re.sub(r"\s*:cite:[a-z]+:`[^`]+`", "", text)
    return " ".join(OTHER.sub(r"\1", CODE.sub(r"\1", MATH.sub("", text))).split())


def bag(*texts: str, without: str = "", least: int = 3) -> str:
    """The different words of texts, in order."""
    known = set(re.findall(r"\w+", without.lower()))
    found = re.findall(r"[a-z\d][a-z\d-]+", " ".join(map(plain, texts)).lower())
    return " ".join(dict.fromkeys(w for w in found if len(w) >= least and w not in known))


def code(e: Entry) -> list[str]:
    """The library code that gives what the entry gives: ``torch.special.expit``."""
    names = [
        *library_calls(e),
        *(w.path for w in e.witnesses),
        *CODE.findall(e.sections["Numerics"]),
    ]
    return list(dict.fromkeys(names))


def calls(e: Entry) -> list[str]:
    """What else the oracles call."""
    trees = [ast.walk(ast.parse(oracle, mode="eval")) for oracle in e.oracles]
    names = [ast.unparse(n) for tree in trees for n in tree if isinstance(n, ast.Attribute)]
    found = [n for n in names if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", n)]
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
    """Roles, first one whose sentence is words only: it is the one that is shown."""
    return sorted(e.roles, key=lambda r: ":math:" in r.text)


def record(e: Entry) -> dict[str, Any]:
    """What is enough to find an entry by its names, formula, systems and code."""
    return {
        "name": e.name,
        "concept": e.concept,
        "also": e.also_called,
        "roles": [[r.kind, r.system] for r in roles(e)],
        "code": code(e),
        "used": sum(e.name in o.calls for o in entries()),
        "latex": inline(e.formula),
        "domain": e.domain,
        "libraries": sorted(libraries(e)),
    }


def details(e: Entry) -> dict[str, Any]:
    """What is searched and shown beside: the first role is a sentence, the others are their words."""
    first, *others = roles(e)
    named = " ".join(
        [e.concept, e.tells, *e.also_called, *(f"{r.system} {r.text}" for r in e.roles)]
    )
    meanings = [s.meaning for s in (*e.args, e.returns)] + [w.meaning for w in e.where]
    formula = mathml(e.formula, display=False)
    return {
        "tells": plain(e.tells),
        "texts": [plain(MATH.sub(r"\1", first.text)), *(bag(r.text) for r in others)],
        "works": list(dict.fromkeys(c.key for c in e.citations)),
        "calls": calls(e),
        "constants": constants(e),
        "prose": bag(e.law, e.sections["Numerics"], *meanings, without=named),
        "formulas": formulas(e),
        "mathml": re.sub(
            r"<annotation.*?</annotation>|</?semantics>", "", formula, flags=re.DOTALL
        ),
    }


def work(w: Work) -> list[str]:
    """Authors, year, title and arXiv identifier, with the year of that."""
    authors = " ".join(name for p in w.persons.get("author", []) for name in p.last_names)
    title = re.sub(r"[{}\\]", "", w.fields.get("title", ""))
    eprint = w.fields.get("eprint", "")
    found = re.match(r"(\d\d)\d\d\.", eprint)
    return [authors, w.fields.get("year", ""), title, eprint, f"20{found[1]}" if found else ""]


def cited() -> dict[str, list[str]]:
    """The works that entries cite, by key."""
    keys = sorted({c.key for e in entries() for c in e.citations})
    return {key: work(works().entries[key]) for key in keys}


def guides() -> list[dict[str, str]]:
    """The sections of the pages that the build does not write, with the words of each."""
    found = []
    for path in sorted(DOCS.rglob("[a-z]*.md")):
        page = path.relative_to(DOCS).with_suffix("").as_posix()
        if page.startswith("_") or page == "index":
            continue
        text = re.sub(r"^```[a-z].*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        pieces = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)[1:]
        title = plain_markdown(pieces[0]) if pieces else ""
        for heading, body in zip(map(plain_markdown, pieces[::2]), pieces[1::2]):
            anchor = "" if heading == title else f"#{nodes.make_id(heading)}"
            above = (
                [page, *pieces[::2]] if heading == title else []
            )  # the page has its headings, too
            words = bag(*map(plain_markdown, [*above, body]), without=f"{title} {heading}", least=2)
            found.append(
                {
                    "page": page + ".html" + anchor,
                    "title": title,
                    "heading": heading,
                    "words": words,
                }
            )
    return found


def plain_markdown(text: str) -> str:
    """Running text without formulas, roles and marks."""
    text = re.sub(r"\$[^$]*\$|\{(?:math|cite:\w+)\}`[^`]*`", "", text)
    text = re.sub(r"\{\w+\}`([^`<]*?)(?:\s*<[^`]*>)?`|\[([^\]]*)\]\([^)]*\)", r"\1\2", text)
    return " ".join(re.sub(r"[`*|]", "", text).split())


def table(records: list[dict[str, Any]]) -> str:
    """Records as JavaScript that makes them from columns, which compress better."""
    columns = {key: [r[key] for r in records] for key in records[0]}
    return f"rows({script(columns)})"


def script(data: Any) -> str:
    """JSON that can stand in a script."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("</", "<\\/").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def classic(module: str) -> str:
    """A module as a function that gives what it exports; comments and indents are left out."""
    text = (SOURCES / module).read_text()
    legal = re.findall(r"/\*!.*?\*/", text, re.DOTALL)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"^import .+\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^export \{ (\w+) as default \};", r"", text, flags=re.MULTILINE)
    exported = re.findall(r"^export (?:class|function|const) (\w+)", text, re.MULTILINE)
    text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s+|^// .*\n| // .*$", "", text, flags=re.MULTILINE)
    names = ", ".join(exported or ["MiniSearch"])
    return "\n".join(
        [*legal, f"const {{ {names} }} = (() => {{", text, f"return {{ {names} }};", "})();"]
    )


ROWS = """const rows = (columns) => Object.values(columns)[0].map((_, i) =>
Object.fromEntries(Object.entries(columns).map(([key, values]) => [key, values[i]])));"""


def bundle() -> dict[str, str]:
    """The scripts: engine and index first, as ``window.mapSearch``; the rest when there is time."""
    code = "\n".join(map(classic, MODULES))
    first = table([record(e) for e in entries()])
    second = table([details(e) for e in entries()])
    return {
        "index.js": f"(() => {{\n{code}\n{ROWS}\n"
        f"window.mapSearch = {{ Engine, index: {{ entries: {first} }} }};\n}})();\n",
        "details.js": f"(() => {{\n{ROWS}\n"
        f"window.mapSearch.details = {{ entries: {second}, works: {script(cited())}, "
        f"guides: {table(guides())} }};\n}})();\n",
    }


def write(app: Sphinx, error: Exception | None) -> None:
    folder = Path(app.outdir) / FOLDER
    if error is None and folder.exists():
        for name, text in bundle().items():
            path = folder / name
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
        for module in MODULES:
            (folder / module).unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
