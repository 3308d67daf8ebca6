"""How to cite, on the pages: text, files to download, and what reference managers read."""

import html
import re
from pathlib import Path
from typing import Any

import permalinks
from docutils import nodes
from search import script
from sphinx.application import Sphinx

from mlmath_ref import RELEASED, SITE, __version__, address
from mlmath_ref.catalog import Entry, entries, entry
from mlmath_ref.citation import AUTHOR, SUFFIXES, TITLE, citation, citations, item, works
from mlmath_ref.index import MATH, plain

FOLDER = "cite"
LABELS = {"bibtex": "BibTeX", "ris": "RIS", "csl-json": "CSL-JSON", "text": "Text"}
ALL = "works"  # the name of the files that hold every work
LICENSE = "https://creativecommons.org/licenses/by/4.0/"
# A button is shown by the script that makes it work; it copies what its selector finds.
BEFORE = {"LaTeX": "#formula .latex", "MathML": "#formula math", "Example": "#examples pre"}
AFTER = {"BibTeX": "a[data-text][href$='.bib']", "Link": "link[rel=canonical]"}


def copy_bar(codes: dict[str, str]) -> str:
    """A button for everything of an entry that can be copied; codes are titles by class."""
    texts = {title: f".{name} pre" for name, title in codes.items()}
    buttons = "".join(
        f'<button type="button" data-copy="{selector}">{label}</button>'
        for label, selector in (BEFORE | texts | AFTER).items()
    )
    return f'.. raw:: html\n\n   <p class="copy-bar" hidden>Copy {buttons}</p>\n'


def formats(name: str, root: str, *, inline: bool = False) -> str:
    """Links to the files of a citation; with the texts in them, they are copied from disk too."""
    links = []
    for format, suffix in SUFFIXES.items():
        data = f' data-text="{attribute(citation(name, format))}"' if inline else ""
        links.append(
            f'<a href="{root}{FOLDER}/{name}.{suffix}" download{data}>{LABELS[format]}</a>'
        )
    return f'<span class="formats">{" ".join(links)}</span>'


def attribute(text: str) -> str:
    """Text as the value of an attribute, on one line."""
    return html.escape(text.strip()).replace("\n", "&#10;")


def section(e: Entry) -> str:
    """How to cite an entry, and the works that it cites."""
    listed = "".join(f"- :cite:t:`{key}`, {escape(item(key)['title'])}\n" for key in cited(e))
    return (
        f"{escape(citation(e.name, 'text'))}\n"
        f".. raw:: html\n\n   <p>Download {formats(e.name, '../', inline=True)}</p>\n\n"
        f"The works that this entry cites:\n\n{listed}"
    )


def cited(e: Entry) -> list[str]:
    """The keys of the works that an entry cites."""
    return list(dict.fromkeys(c.key for c in e.citations))


def escape(text: str) -> str:
    """Text that reStructuredText leaves as it is."""
    return re.sub(r"([*`|\\<>]|_\b)", r"\\\1", text)


def spoken(text: str) -> str:
    """Running text without markup, with the LaTeX of its formulas."""
    return plain(MATH.sub(r"\1", text))


def metadata(e: Entry) -> str:
    """What Zotero and Google Scholar read, and schema.org's terms."""
    tags = {
        "citation_title": e.concept,
        "citation_author": f"{AUTHOR},",  # the comma makes all of it one name
        "citation_publication_date": RELEASED.replace("-", "/"),
        "citation_inbook_title": TITLE,
        "citation_public_url": address(e.name),
        "citation_language": "en",
        "z:itemType": "encyclopediaArticle",
    }
    lines = [f'<meta name="{name}" content="{html.escape(text)}">' for name, text in tags.items()]
    return "\n".join(["", *lines, linked_data(e), ""])


def linked_data(e: Entry) -> str:
    found = {
        "@context": "https://schema.org",
        "@type": "TechArticle",
        "@id": address(e.name),
        "url": address(e.name),
        "headline": e.concept,
        "alternativeHeadline": [*map(spoken, e.also_called)],
        "description": spoken(e.tells),
        "author": {"@type": "Organization", "name": AUTHOR},
        "datePublished": RELEASED,
        "version": __version__,
        "inLanguage": "en",
        "license": LICENSE,
        "isPartOf": {"@type": "CreativeWork", "name": TITLE, "url": f"{SITE}/"},
        "citation": [work(key) for key in cited(e)],
    }
    return f'<script type="application/ld+json">{script(found)}</script>'


def work(key: str) -> dict[str, str]:
    found = {"@type": "CreativeWork", "name": item(key)["title"]}
    return found | ({"url": item(key)["URL"]} if "URL" in item(key) else {})


def add_files(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Links to the files of a work, in the bibliography and in the list of an entry."""
    for node in doctree.findall(nodes.citation):
        (key,) = node["ids"]  # by bibtex_cite_id
        node.append(nodes.raw("", f"<p>{formats(key, '')}</p>", format="html"))
    if docname.startswith("entries/"):
        section = next(s for s in doctree.findall(nodes.section) if "to-cite" in s["ids"])
        listed = next(section.findall(nodes.bullet_list))
        keys = cited(entry(docname.removeprefix("entries/")))
        for line, key in zip(listed.findall(nodes.paragraph), keys, strict=True):
            line += [nodes.Text(": "), nodes.raw("", formats(key, "../"), format="html")]


def add_metadata(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    if pagename.startswith("entries/"):
        context["metatags"] += metadata(entry(pagename.removeprefix("entries/")))


def write(app: Sphinx, error: Exception | None) -> None:
    """The files of every entry and work, and of all works."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    wanted = set()
    for format, suffix in SUFFIXES.items():
        texts = {name: citation(name, format) for name in [*(e.name for e in entries()), *works()]}
        texts[ALL] = citations(list(works()), format)
        for e in entries():  # the addresses under former names stay
            texts |= dict.fromkeys(permalinks.former(e.name), texts[e.name])
        for name, text in texts.items():
            (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
            wanted.add(folder / f"{name}.{suffix}")
    for stale in set(folder.iterdir()) - wanted:
        stale.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", add_files, priority=400)  # before the pages that cite it
    app.connect("html-page-context", add_metadata)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
