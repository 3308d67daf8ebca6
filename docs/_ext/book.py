"""The reference as a book: an EPUB of plain pages, of which ``tools/pdf.py`` makes the PDF too."""

import html
import posixpath
import re
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import plots
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder

import mlmath_ref
from mlmath_ref.catalog import topics

HERE = Path(__file__).parent
FONT = HERE.parent / "_static" / "latin-modern-math.woff2"
LEFT_OUT = ("carry-away", "contributing", "data", "facets")  # of use on the site only
ENTITIES = {name: text for name, text in html.entities.html5.items() if name.endswith(";")}
ENTITIES = {n: t for n, t in ENTITIES.items() if n not in ("amp;", "lt;", "gt;", "quot;")}
SHEET = (HERE.parent / "_static" / "map.css").read_text(encoding="utf-8")
LIGHT = dict(reversed(re.findall(r"(--plot-\d): (#\w+);", SHEET)))  # light stands before dark
COPIED = (  # LaTeX, buttons, and links to files of the site
    r'<pre class="latex" hidden>.*?</pre>',
    r'<p class="copy-bar".*?</p>',
    r'<p>Download <span class="formats">.*?</p>',
    r'<span class="formats">.*?</span>',
)
STYLES = ("displaystyle", "scriptlevel")
PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en">
<head>
<title>{title}</title>
<link rel="stylesheet" type="text/css" href="{root}book.css"/>
</head>
<body>
{body}
</body>
</html>
"""
COVER = '<section class="cover"><img src="cover.png" alt="{title}"/></section>'


class Book(Epub3Builder):
    """Sphinx's own EPUB builder, with pages that are valid XHTML and entries in the contents."""

    coverpage_name = "cover.xhtml"
    media_types = Epub3Builder.media_types | {".woff2": "font/woff2"}

    def gen_additional_pages(self) -> None:
        """There is no search in a book."""

    def copy_assets(self) -> None:
        """One style sheet, the math font and the cover are all that the pages need."""
        folder = Path(self.outdir)
        style = (HERE / "book.css").read_text(encoding="utf-8") + self.highlighter.get_stylesheet()
        (folder / "book.css").write_text(style, encoding="utf-8")
        shutil.copyfile(FONT, folder / FONT.name)
        draw_cover(folder / "cover.png")
        page = PAGE.format(title="Cover", root="", body=COVER.format(title=self.config.project))
        (folder / self.coverpage_name).write_text(page, encoding="utf-8")

    def handle_page(self, pagename: str, addctx: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        if "body" not in addctx or pagename in LEFT_OUT:
            return
        body = xhtml(re.sub(r'href="([^"]+)"', lambda m: self.link(pagename, m[1]), addctx["body"]))
        title = html.escape(re.sub(r"<[^>]+>", "", html.unescape(addctx["title"])), quote=False)
        root = "../" * pagename.count("/")
        path = Path(self.outdir) / f"{pagename}.xhtml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.format(title=title, root=root, body=body), encoding="utf-8")

    def link(self, page: str, target: str) -> str:
        """A link; one that leads out of the book leads to the site."""
        if re.match(r"#|[a-z]+:", target):
            return f'href="{target}"'
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
        document = path.partition("#")[0].removesuffix(".xhtml")
        if document in self.env.found_docs and document not in LEFT_OUT:
            return f'href="{target}"'
        return f'href="{mlmath_ref.SITE}/{path.replace(".xhtml", ".html")}"'

    def get_toc(self) -> None:
        """Domains before the tables made from them, and entries under their topics."""
        super().get_toc()
        found = [n for n in self.refnodes if n["refuri"].partition(".")[0] not in LEFT_OUT]
        entries = {f"topics/{t.domain}/{t.name}.xhtml": t.entries for t in topics()}
        reference = [n for n in found if n["refuri"].startswith("topics/")]
        inside: list[dict[str, Any]] = []
        for node in reference:
            inside.append(node)
            for e in entries.get(node["refuri"], ()):
                text, path = html.escape(e.concept), f"entries/{e.name}.xhtml"
                inside.append({"level": node["level"] + 1, "refuri": path, "text": text})
        others = [n for n in found if n not in reference]
        place = next(i for i, n in enumerate(others) if n["refuri"] == "map.xhtml")
        last = [n for n in others if n["refuri"] == "references.xhtml"]
        after = [n for n in others[place:] if n not in last]
        self.refnodes = [*others[:place], *inside, *after, *last]

    def build_content(self) -> None:
        """Say which pages hold formulas and drawings, and what the cover is."""
        super().build_content()
        path = Path(self.outdir) / "content.opf"
        text = re.sub(r"<item [^>]+ />", self.declared, path.read_text(encoding="utf-8"))
        text = re.sub(r"(<spine[^>]*>)", rf'\1\n    <itemref idref="{self.cover_id}" />', text)
        text = re.sub(rf'\s*<itemref idref="{self.cover_id}" linear="no" />', "", text)
        path.write_text(text, encoding="utf-8")

    @property
    def cover_id(self) -> str:
        return self.make_id(self.coverpage_name)

    def declared(self, item: re.Match[str]) -> str:
        name = str(re.search(r'href="([^"]+)"', item[0])[1])  # type: ignore[index]
        text = (
            (Path(self.outdir) / name).read_text(encoding="utf-8")
            if name.endswith(".xhtml")
            else ""
        )
        found = [p for p, tag in (("mathml", "<math"), ("svg", "<svg")) if tag in text]
        found += ["cover-image"] * (name == "cover.png")
        return item[0].replace(" />", f' properties="{" ".join(found)}" />') if found else item[0]

    def build_epub(self) -> None:
        """The same bytes every time, with the type of the file first."""
        folder = Path(self.outdir)
        names = ["mimetype", "META-INF/container.xml", "content.opf", "toc.ncx", *self.files]
        zipped(folder / f"{self.config.epub_basename}.epub", folder, names)


def zipped(target: Path, folder: Path, names: Iterable[str], inside: str = "") -> None:
    """Files as a zip without dates; the type of an EPUB is not compressed."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(f"{inside}{name}", (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            kind = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(info, (folder / name).read_bytes(), kind, 9)


def xhtml(body: str) -> str:
    """HTML of the site's pages as XML, without what only a browser with scripts needs."""
    for part in COPIED:
        body = re.sub(part, "", body, flags=re.DOTALL)
    body = re.sub(r'<a class="headerlink".*?</a>| tabindex="0"| role="(?:doc-\w+|list)"', "", body)
    body = re.sub(r"<(br|col|hr|img|input)((?:\s[^<>]*?)?)\s*/?>", r"<\1\2/>", body)
    body = re.sub(r"&(\w+;)", lambda m: ENTITIES.get(m[1], m[0]), body)
    body = re.sub(r"<math.*?</math>", mathml, body, flags=re.DOTALL)
    return re.sub(r"var\((--plot-\d)\)", lambda m: LIGHT[m[1]], body)


def mathml(formula: re.Match[str]) -> str:
    """A formula of MathML Core as MathML 3, where styles are elements of their own."""
    tree = ElementTree.fromstring(formula[0])
    for parent in list(tree.iter()):
        for i, child in enumerate(parent):
            style = {k: child.attrib.pop(k) for k in STYLES if k in child.attrib}
            if style:
                parent[i] = ElementTree.Element("mstyle", style)
                parent[i].append(child)
    tree.set("xmlns", "http://www.w3.org/1998/Math/MathML")
    return ElementTree.tostring(tree, encoding="unicode")


def draw_cover(path: Path) -> None:
    """The title above the waves of a position encoding."""
    with mpl.rc_context({"font.family": "STIXGeneral"}):
        chart = Figure((6, 9), facecolor="#0f2747")
        axes = chart.add_axes((0, 0, 1, 0.62))
        waves = plots.E.sinusoidal_position_encoding(np.arange(96), d=64)
        axes.imshow(waves, cmap="Blues_r", aspect="auto", interpolation="none")
        axes.set_axis_off()
        for height, size, text in (
            (0.86, 46, "ML Math Map"),
            (0.78, 15, "The mathematics of machine learning"),
            (0.745, 15, "as a reference work that runs"),
            (0.67, 11, f"Version {mlmath_ref.__version__}"),
        ):
            chart.text(0.08, height, text, color="white", size=size)
        chart.savefig(path, dpi=200, metadata={"Software": None})


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_builder(Book, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
