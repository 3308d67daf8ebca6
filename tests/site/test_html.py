"""The built files: complete, lean, and the same every time."""

import functools
import html
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from anchors import role_anchor
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from mathml import speech
from verification import no_gradient, record

from mlmath_ref import RELEASED, address
from mlmath_ref.catalog import Entry, domains, entries, topics
from mlmath_ref.citation import AUTHOR, SUFFIXES, citation, citations, works
from mlmath_ref.standalone import standalone

ROOT = Path(__file__).parents[2]
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)


def read(site: Path, path: str) -> str:
    return (site / path).read_text()


@functools.cache
def parsed(site: Path, entry: Entry) -> BeautifulSoup:
    """The page of an entry, without its plot."""
    text = read(site, f"entries/{entry.name}.html")
    return BeautifulSoup(re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL), "lxml")


@each_entry
def test_entry_page_is_complete(site: Path, entry: Entry) -> None:
    text = read(site, f"entries/{entry.name}.html")
    for title in ("Role in ML", "Numerics", "Examples", "To copy", "To cite", "Verified"):
        assert f"<h2>{title}<" in text, f"no section {title}"
    display = re.search(r'<pre class="latex" hidden>(.*?)</pre>', text, re.S)
    assert display
    assert html.unescape(display[1]).split() == entry.formula.split()
    assert re.search(r'<ul class="simple">.*?<math', text, re.S), (
        "the sets are not written as mathematics"
    )
    assert not re.search(
        r":(math|cite|ref):|``", re.sub(r"<pre>.*?</pre>", "", text, flags=re.S)
    ), "raw markup"


@each_entry
def test_entry_page_says_what_was_verified(site: Path, entry: Entry) -> None:
    section = read(site, f"entries/{entry.name}.html").partition("<h2>Verified<")[2]
    section = section.partition("</section>")[0]
    words = " ".join(html.unescape(re.sub(r"<math.*?</math>|<[^>]+>", " ", section)).split())
    joined = words.replace(" ", "")
    for text in (*entry.oracles, *(w.path for w in entry.witnesses)):
        assert text.replace(" ", "") in joined
    run = record()["run"]
    assert joined.count(f"Runon{run['date']}atcommit{run['commit'][:10]}.") == 1
    assert ("Gradient none" in words) == bool(no_gradient(entry))


@each_entry
def test_works_link_back(site: Path, entry: Entry) -> None:
    text = read(site, "references.html")
    for cited in entry.citations:
        work = text.split(f'id="{cited.key}"')[1].split('class="citation"')[0]
        assert f'href="entries/{entry.name}.html"' in work


@each_entry
def test_doctree_is_small(site: Path, entry: Entry) -> None:
    size = (site.parent / "doctrees" / "entries" / f"{entry.name}.doctree").stat().st_size
    assert size < 200_000, f"{size} bytes: does it hold the environment, which has megabytes?"


@each_entry
def test_every_button_finds_its_text(site: Path, entry: Entry) -> None:
    page = parsed(site, entry)
    found = {b.get_text(): page.select(str(b["data-copy"])) for b in page.select("[data-copy]")}
    codes = {"numpy": "NumPy", "torch": "PyTorch"}
    libraries = {codes[x]: x for x in entry.libraries} or {"Python": "numpy"}
    labels = ["LaTeX", "MathML", "Example", *libraries, "BibTeX", "Link"]
    assert list(found) == labels
    assert found["LaTeX"][0].get_text().split() == entry.formula.split()
    assert [node.name for node in found["MathML"]] == ["math"]
    assert found["Example"]
    for label, library in libraries.items():
        assert found[label][0].get_text().strip() == standalone(entry, library).strip()
    assert found["Link"][0]["href"] == address(entry.name)
    assert all(len(found[label]) == 1 for label in set(labels) - {"Example"})
    given = {str(a["href"]): str(a["data-text"]) for a in page.select("a[data-text]")}
    texts = {f: f"../cite/{entry.name}.{suffix}" for f, suffix in SUFFIXES.items()}
    assert given == {href: citation(entry.name, f).strip() for f, href in texts.items()}
    assert citation(entry.name, "text").strip() in page.get_text().replace("’", "'")


@each_entry
def test_places_have_anchors(site: Path, entry: Entry) -> None:
    text = read(site, f"entries/{entry.name}.html")
    for anchor in (entry.name, "formula", *map(role_anchor, entry.roles)):
        assert text.count(f'id="{anchor}"') == 1
        assert f'href="#{anchor}" title="Link to this' in text, f"no link to {anchor} can be copied"


@each_entry
def test_reference_managers_are_told(site: Path, entry: Entry) -> None:
    page = parsed(site, entry)
    tags = {str(m["name"]): m["content"] for m in page.select("meta[name]")}
    assert tags["citation_title"] == entry.concept
    assert tags["citation_author"] == f"{AUTHOR},"
    assert tags["citation_publication_date"] == RELEASED.replace("-", "/")
    assert tags["citation_public_url"] == address(entry.name)
    (script,) = page.select('script[type="application/ld+json"]')
    data = json.loads(script.get_text())
    assert data["url"] == address(entry.name)
    assert data["headline"] == entry.concept
    assert len(data["citation"]) == len({c.key for c in entry.citations})
    told = [data["description"], *data["alternativeHeadline"]]
    assert not any(re.search(r"`|:\w+:", text) for text in told), "raw markup"


def test_files_of_citations(site: Path) -> None:
    for name in [*(e.name for e in entries()), *works()]:
        for format, suffix in SUFFIXES.items():
            assert read(site, f"cite/{name}.{suffix}") == citation(name, format)
    for format, suffix in SUFFIXES.items():
        assert read(site, f"cite/works.{suffix}") == citations(list(works()), format)
    text = read(site, "references.html")
    for key in works():
        work = text.split(f'id="{key}"')[1].split('class="citation"')[0]
        assert all(f'href="cite/{key}.{suffix}" download' in work for suffix in SUFFIXES.values())


def test_every_page_is_there(site: Path) -> None:
    for topic in topics():
        text = read(site, f"topics/{topic.domain}/{topic.name}.html")
        assert all(f"entries/{e.name}.html" in text for e in topic.entries)
    assert len(list(site.glob("topics/*/index.html"))) == len(domains())
    text = read(site, "map.html")
    assert all(f"entries/{e.name}.html" in text for e in entries())


def test_sidebar_is_shallow(site: Path) -> None:
    sidebar = read(site, "index.html").split('class="sidebar-tree"')[1].split("</aside>")[0]
    assert "entries/" not in sidebar


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        for tag in re.findall(r"<(?:script|link|img|iframe|source)[^>]*>", path.read_text()):
            if 'rel="canonical"' not in tag:
                assert not re.search(r"(?:src|href)=\"(?:https?:)?//", tag), f"{path}: {tag}"
    assert not re.search(r"url\((?![\"']?data:)", read(site, "_static/site.css"))


def test_every_formula_is_said_in_words(site: Path) -> None:
    """By its accessible name, and docs/speech.json has no others: make speech is due."""
    tags, used = Counter[bool](), set()
    for path in site.rglob("*.html"):
        for tag, latex in re.findall(
            r"(<math[^>]*>)(?:.*?)<annotation[^>]*>(.*?)</annot", path.read_text(), re.S
        ):
            key = " ".join(html.unescape(latex).split()).removeprefix(r"\displaystyle ")
            used.add(key)
            tags[f'aria-label="{html.escape(speech().get(key, ""))}"' in tag] += 1
            assert speech().get(key), f"{path.name}: {key}"
    assert set(tags) == {True}, tags
    assert used == set(speech())


GOLDEN = (ROOT / "tests" / "golden" / "formulas.tsv").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", GOLDEN.splitlines(), ids=lambda line: line.partition("\t")[0])
def test_display_is_drawn_and_said_as_by_hand(site: Path, line: str) -> None:
    name, drawn, said = line.split("\t")
    page = read(site, f"entries/{name}.html")
    display = re.search(r'<div class="math formula".*?(<math[^>]*>)(.*?)<annotation', page, re.S)
    assert display
    assert f'aria-label="{said}"' in display[1]
    assert html.unescape(re.sub(r"<[^>]+>", " ", display[2])).replace("\u2061", "").split() == (
        drawn.split()
    )


SIGNS = {  # that MathML has once for each of these commands
    "≤": r"\\leq?(?![a-zA-Z])",
    "≥": r"\\geq?(?![a-zA-Z])",
    "<": r"<|\\lt(?![a-zA-Z])",
    ">": r">|\\gt(?![a-zA-Z])",
    "∑": r"\\sum(?![a-zA-Z])",
    "∏": r"\\prod(?![a-zA-Z])",
    "∞": r"\\infty(?![a-zA-Z])",
    "∂": r"\\partial(?![a-zA-Z])",
    "∈": r"\\in(?![a-zA-Z])",
    "+": r"\+",
}


def test_mathml_has_the_signs_of_the_latex(site: Path) -> None:
    formulas: dict[str, str] = {}
    for path in site.rglob("*.html"):
        found = re.findall(r"<math[^>]*>(.*?)<annotation[^>]*>(.*?)</annot", path.read_text(), re.S)
        formulas |= {latex: drawn for drawn, latex in found}
    assert formulas
    for latex, drawn in formulas.items():
        shown = html.unescape(re.sub(r"<[^>]+>", "", drawn))
        source = html.unescape(latex)
        counted = {sign: len(re.findall(command, source)) for sign, command in SIGNS.items()}
        assert {sign: shown.count(sign) for sign in SIGNS} == counted, source


def test_font_covers_every_formula(site: Path) -> None:
    font = TTFont(ROOT / "docs/_static/latin-modern-math.woff2")
    assert "MATH" in font
    used: set[str] = set()
    for path in site.rglob("*.html"):
        for formula in re.findall(r"<math.*?</math>", path.read_text(), re.S):
            text = re.sub(r"<annotation.*?</annotation>", "", formula, flags=re.S)
            italic = [italics(m) for m in re.findall(r"<mi>(\w)</mi>", text)]
            used |= set(html.unescape(re.sub(r"<[^>]+>", "", text))) | set(italic)
    ignorable = set("\n\u2061\u2062\u2063\u2064\u200b\ufe00")
    missing = {c for c in used - ignorable if ord(c) not in font.getBestCmap()}
    assert not missing, [f"U+{ord(c):04X} {c}" for c in sorted(missing)]


def italics(letter: str) -> str:
    """The character that a browser shows for a one-letter identifier."""
    if letter == "h":
        return "\u210e"
    if "a" <= letter <= "z":
        return chr(0x1D44E + ord(letter) - ord("a"))
    if "A" <= letter <= "Z":
        return chr(0x1D434 + ord(letter) - ord("A"))
    return letter
