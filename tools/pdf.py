"""The book as PDF: the pages of the EPUB joined into one and printed by Chromium, twice.

The first print tells on which page everything is; the second has the numbers in its contents.
"""

import argparse
import html
import multiprocessing
import os
import posixpath
import re
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
from chromium import chromium
from pikepdf import Name, NameTree, ObjectStreamMode, OutlineItem, Pdf

XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"
MINUTES = 10  # for a print, which takes one or two
TITLE, AUTHOR = "ML Math Map", "The ML Math Map developers"
STYLE = Path(__file__).with_name("pdf.css")
FONTS = (  # which come with Matplotlib, so that the book is the same everywhere
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    *("DejaVuSansMono", "DejaVuSans"),
)


@dataclass(frozen=True)
class Place:
    """A line of the contents."""

    text: str
    anchor: str
    depth: int


def places(book: Path) -> list[Place]:
    """The pages that the EPUB's navigation lists, in order."""
    nav = ElementTree.parse(book / "nav.xhtml").find(f".//{XHTML}nav/{XHTML}ol")
    assert nav is not None
    return [place for place in _places(nav, 1) if "--" not in place.anchor]


def _places(ol: ElementTree.Element, depth: int) -> list[Place]:
    found = []
    for item in ol:
        link = item.find(f"{XHTML}a")
        assert link is not None
        found.append(Place(link.text or "", anchor("", link.get("href", "")), depth))
        for inner in item.findall(f"{XHTML}ol"):
            found += _places(inner, depth + 1)
    return found


def spine(book: Path) -> list[str]:
    """The pages in the order of reading."""
    opf = ElementTree.parse(book / "content.opf")
    files = {i.get("id"): i.get("href", "") for i in opf.iter(f"{OPF}item")}
    return [files[i.get("idref")] for i in opf.iter(f"{OPF}itemref")]


def anchor(page: str, target: str) -> str:
    """The name that a target on a page has in the whole."""
    path, _, fragment = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
    name = path.removesuffix(".xhtml").replace("/", "-")
    return f"{name}--{fragment}" if fragment else name


def joined(book: Path, numbers: dict[str, int]) -> str:
    """One page of all, with contents whose numbers are filled in."""
    listed = places(book)
    depths = {p.anchor: p.depth for p in listed}
    cover, *pages = spine(book)
    chapter, running, sections = 0, [], []
    for page in pages:
        name = anchor(page, page.rpartition("/")[2])
        depth = depths[name]
        if depth == 1:
            chapter += 1
            title = next(p.text for p in listed if p.anchor == name)
            size = "size: A4 landscape;" if is_wide(book, page) else ""
            running.append(f'@page c{chapter} {{ {size} @top-left {{ content: "{title}" }} }}')
        kind = f'class="depth-{depth}" style="page: c{chapter}"'
        sections.append(f'<section id="{name}" {kind}>{body(book, page, depth)}</section>')
    style = (
        (book / "book.css").read_text(encoding="utf-8")
        + STYLE.read_text(encoding="utf-8")
        + "\n".join(running)
    )
    return "\n".join(
        [
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>ML Math Map</title>',
            f"<style>{style}</style></head><body>",
            re.sub(
                r"^.*<body>|</body>.*$",
                "",
                (book / cover).read_text(encoding="utf-8"),
                flags=re.DOTALL,
            ),
            contents(listed, numbers),
            *sections,
            "</body></html>",
        ]
    )


def is_wide(book: Path, page: str) -> bool:
    """Whether formulas stand in a table of four columns."""
    head = re.search(
        r'<table class="[^"]*map.*?</thead>(.*?)</table>',
        (book / page).read_text(encoding="utf-8"),
        re.S,
    )
    return bool(head and head[0].count("<th ") == 4 and "<math" in head[1])


def body(book: Path, page: str, depth: int) -> str:
    """What stands on a page, with names that are unique in the whole and headings at its depth."""
    text = (book / page).read_text(encoding="utf-8")
    text = re.sub(r"^.*<body>|</body>.*$", "", text, flags=re.DOTALL)
    text = re.sub(r'(?<= id=")([^"]+)', lambda m: anchor(page, f"#{m[1]}"), text)
    text = re.sub(r"(?<=url\(#)([^)]+)", lambda m: anchor(page, f"#{m[1]}"), text)
    text = re.sub(r'(?<=href=")(?!\w+:)([^"]+)', lambda m: f"#{anchor(page, m[1])}", text)
    return re.sub(r"(</?h)(\d)", lambda m: f"{m[1]}{min(int(m[2]) + depth - 1, 6)}", text)


def contents(listed: list[Place], numbers: dict[str, int]) -> str:
    """The table of contents."""
    lines = [
        f'<li class="in-{p.depth}"><a href="#{html.escape(p.anchor)}"><span>{html.escape(p.text)}'
        f"</span><b>{numbers.get(p.anchor, 0) or '000'}</b></a></li>"
        for p in listed
    ]
    return f'<nav class="contents"><h1>Contents</h1><ul>{"".join(lines)}</ul></nav>'


def printed(text: str, target: Path) -> None:
    """Print a page of HTML, however long that takes."""
    source = target.with_suffix(".html")
    source.write_text(text, encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(0)
        page.goto(source.as_uri())
        page.evaluate("document.fonts.ready")
        page.pdf(path=target, prefer_css_page_size=True, print_background=True, tagged=True)


def in_time(text: str, target: Path) -> None:
    """Print in processes of its own, and once more where the browser hangs, as it rarely does.

    Raises:
        RuntimeError: It cannot be printed.
    """
    for _ in range(2):
        child = multiprocessing.Process(target=apart, args=(text, target))
        child.start()
        child.join(MINUTES * 60)
        if child.exitcode is not None:
            break
        os.killpg(child.pid or 0, signal.SIGKILL)
        child.join()
    if child.exitcode != 0:
        raise RuntimeError(f"{target.name} was not printed: exit code {child.exitcode}")


def apart(text: str, target: Path) -> None:
    os.setsid()  # so that the browser ends with it
    printed(text, target)


def numbered(pdf: Pdf) -> dict[str, int]:
    """The page that each name is on, from 1."""
    numbers = {page.obj.objgen: i for i, page in enumerate(pdf.pages, start=1)}
    names = NameTree(pdf.Root.Names.Dests) if "/Names" in pdf.Root else pdf.Root.Dests
    return {str(name).removeprefix("/"): numbers[to[0].objgen] for name, to in names.items()}


def finished(pdf: Pdf, listed: list[Place], target: Path) -> None:
    """Write with bookmarks, compressed, and without the time of printing."""
    numbers = numbered(pdf)
    with pdf.open_outline() as outline:
        above = [outline.root]
        for place in listed:
            item = OutlineItem(place.text, numbers[place.anchor] - 1)
            item.is_closed = True
            del above[place.depth :]
            above[-1].append(item)
            above.append(item.children)
    pdf.Root.PageMode = Name.UseOutlines
    del pdf.docinfo
    pdf.docinfo["/Title"], pdf.docinfo["/Author"] = TITLE, AUTHOR
    pdf.save(target, object_stream_mode=ObjectStreamMode.generate, deterministic_id=True)


def make(book: Path, target: Path) -> None:
    """Print, number, print again."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.pdf"
        fonts = [Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf" for name in FONTS]
        for path in (book / "latin-modern-math.woff2", book / "cover.png", *fonts):
            shutil.copyfile(path, draft.with_name(path.name))
        in_time(joined(book, {}), draft)
        with Pdf.open(draft) as pdf:
            numbers = numbered(pdf)
        in_time(joined(book, numbers), draft)
        with Pdf.open(draft) as pdf:
            finished(pdf, places(book), target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("book", type=Path, help="folder of the built EPUB")
    parser.add_argument("target", type=Path, help="the PDF to write")
    make(*vars(parser.parse_args()).values())
