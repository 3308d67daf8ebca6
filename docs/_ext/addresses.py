"""What other services read: descriptions and cards of pages, the sitemap, and the page of a lost one.

sphinx-sitemap lists only the pages that were written last (its issue 13), sphinxext-opengraph knows
neither what an entry tells nor its formula: here both come from the catalog.
"""

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cards
from docutils import nodes
from sphinx.application import Sphinx

import mlmath_ref
from mlmath_ref.catalog import entries
from mlmath_ref.index import plain

LOST = "404"
ROOT = urlsplit(mlmath_ref.SITE).path + "/"  # where the permanent addresses begin on their host
TELLS = {f"entries/{e.name}": plain(e.tells) for e in entries()}


def description(pagename: str, doctree: nodes.document | None) -> str:
    """What an entry tells, or the first sentences of another page."""
    if pagename in TELLS:
        return TELLS[pagename]
    first = doctree and next(iter(doctree.findall(nodes.paragraph)), None)
    words = first.findall(nodes.Text) if first else ()
    said = "".join(t for t in words if not isinstance(t.parent, nodes.raw))
    text = " ".join(said.replace("\\", "").split()) or mlmath_ref.__doc__ or ""
    return text if len(text) <= 200 else text[:199].rpartition(" ")[0] + " …"


def describe(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Add the tags of Open Graph and of its Twitter dialect to the head of a page."""
    if pagename == LOST:
        context["pageurl"] = None  # it has every address that is not one
        return
    card = pagename.removeprefix("entries/") if pagename in TELLS else cards.DEFAULT
    told = {
        "title": re.sub(r"<[^>]+>", "", context.get("title") or "") or cards.NAME,
        "description": html.escape(description(pagename, doctree)),
        "image": f"{mlmath_ref.SITE}/{cards.FOLDER}/{card}.png",
    }
    graph = {
        "og:type": "article" if pagename in TELLS else "website",
        "og:site_name": cards.NAME,
        "og:url": context["pageurl"],
        **{f"og:{name}": text for name, text in told.items()},
        "og:image:width": cards.WIDTH,
        "og:image:height": cards.HEIGHT,
    }
    named = {"description": told["description"], "twitter:card": "summary_large_image"}
    named |= {f"twitter:{name}": text for name, text in told.items()}
    tags = [f'<meta name="{name}" content="{text}">' for name, text in named.items()]
    tags += [f'<meta property="{name}" content="{text}">' for name, text in graph.items()]
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def draw(app: Sphinx) -> None:
    if app.builder.name == "html":
        wait = cards.write(Path(app.outdir) / cards.FOLDER)
        app.connect("build-finished", lambda *_: wait())


def write(app: Sphinx, error: Exception | None) -> None:
    """The sitemap, without dates, and what crawlers read first; the lost page from any depth."""
    if error or app.builder.name != "html":
        return
    places = [
        f"<url><loc>{mlmath_ref.SITE}/{d}.html</loc></url>" for d in sorted(app.env.found_docs)
    ]
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    text = "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<urlset xmlns="{space}">',
            *places,
            "</urlset>\n",
        ]
    )
    Path(app.outdir, "sitemap.xml").write_text(text, encoding="utf-8")
    robots = f"User-agent: *\nDisallow:\n\nSitemap: {mlmath_ref.SITE}/sitemap.xml\n"
    Path(app.outdir, "robots.txt").write_text(robots, encoding="utf-8")
    lost = Path(app.outdir, f"{LOST}.html")
    relative = r'((?:action|href|src|data-content_root)=")(?![#/]|\w+:)(?:\./)?'
    lost.write_text(
        re.sub(relative, rf"\g<1>{ROOT}", lost.read_text(encoding="utf-8")), encoding="utf-8"
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", draw)
    app.connect("html-page-context", describe)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
