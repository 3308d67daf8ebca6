"""The search: its engine and its index as one classic script, which also runs from ``file://``."""

import json
import re
from pathlib import Path
from typing import Any

from bibliography import DOCS
from docutils import nodes
from mathml import mathml
from sphinx.application import Sphinx

from mlmath_ref.catalog import Entry, entries
from mlmath_ref.index import bag, completion, index
from mlmath_ref.search import code

FOLDER = Path("_static") / "search"


def shown(e: Entry) -> dict[str, str]:
    """What a page needs beside: the formula as it is set."""
    text = mathml(e.formula, display=False)
    return {
        "mathml": re.sub(r"<annotation.*?</annotation>|</?semantics>", "", text, flags=re.DOTALL)
    }


def guides() -> list[dict[str, str]]:
    """The sections of the pages that the build does not write, with the words of each."""
    found = []
    for path in sorted(DOCS.rglob("[a-z]*.md")):
        page = path.relative_to(DOCS).with_suffix("").as_posix()
        if page.startswith("_") or page == "index":
            continue
        text = re.sub(
            r"^```[a-z].*?^```$",
            "",
            path.read_text(encoding="utf-8"),
            flags=re.MULTILINE | re.DOTALL,
        )
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


ROWS = """const rows = (columns) => Object.values(columns)[0].map((_, i) =>
Object.fromEntries(Object.entries(columns).map(([key, values]) => [key, values[i]])));"""


def bundle() -> dict[str, str]:
    """The scripts: engine and index first, as ``window.mapSearch``; the rest when there is time."""
    first, second = index(), completion()
    details = table([r | shown(e) for r, e in zip(second["entries"], entries(), strict=True)])
    return {
        "index.js": f"(() => {{\n{code()}\n{ROWS}\n"
        f"window.mapSearch = {{ Engine, index: {{ entries: {table(first['entries'])} }} }};\n}})();\n",
        "details.js": f"(() => {{\n{ROWS}\n"
        f"window.mapSearch.details = {{ entries: {details}, works: {script(second['works'])}, "
        f"guides: {table(guides())} }};\n}})();\n",
    }


def write(app: Sphinx, error: Exception | None) -> None:
    folder = Path(app.outdir) / FOLDER
    if error is None and folder.exists():
        for name, text in bundle().items():
            path = folder / name
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
