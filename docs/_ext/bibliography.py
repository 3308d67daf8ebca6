"""Under every work of the bibliography, the pages that cite it."""

import functools
import re
from pathlib import Path
from typing import Any

import pybtex.plugin
from docutils import nodes
from sphinx.application import Sphinx

from mlmath_ref.catalog import entries, topics

DOCS = Path(__file__).parents[1]
PAGE = "references"


def citing(key: str) -> dict[str, str]:
    """The pages that cite a work, with their titles."""
    found = {path: title for path, title, cited in generated() if key in cited}
    return found | {path: title for path, (title, text) in written().items() if key in text}


@functools.cache
def generated() -> list[tuple[str, str, frozenset[str]]]:
    """The pages of entries and topics: titles, and the works that they cite."""
    pages = [(f"entries/{e.name}", e.concept, e.citations) for e in entries()]
    pages += [(f"topics/{t.domain}/{t.name}", t.title, t.citations) for t in topics()]
    return [(path, title, frozenset(c.key for c in cited)) for path, title, cited in pages]


@functools.cache
def written() -> dict[str, tuple[str, frozenset[str]]]:
    """The pages that the build does not write: titles, and the words of their citations."""
    texts = {
        p.relative_to(DOCS).with_suffix(""): p.read_text(encoding="utf-8")
        for p in DOCS.rglob("[a-z]*.md")
    }
    return {
        path.as_posix(): (
            text.removeprefix("# ").partition("\n")[0],
            frozenset(
                w for c in re.findall(r"{cite:\w+}`([^`]+)`", text) for w in re.findall(r"\w+", c)
            ),
        )
        for path, text in texts.items()
        if not path.parts[0].startswith("_")
    }


def add_back_links(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if docname != PAGE:
        return
    for node in doctree.findall(nodes.citation):
        (key,) = node["ids"]  # by bibtex_cite_id
        line = nodes.paragraph("", "Cited by ", classes=["cited-by"])
        for i, (path, title) in enumerate(citing(key).items()):
            uri = app.builder.get_relative_uri(docname, path)
            link = nodes.reference("", title, refuri=uri, internal=True)
            line += [nodes.Text(", " if i else ""), link]
        if len(line) > 1:
            node.append(line)


def setup(app: Sphinx) -> dict[str, Any]:
    # pybtex searches all installed packages for its plugin at every citation.
    pybtex.plugin._load_entry_point = functools.cache(pybtex.plugin._load_entry_point)
    app.connect("doctree-resolved", add_back_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
