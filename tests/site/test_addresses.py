"""What crawlers and other services read: addresses, descriptions, the sitemap and the cards."""

import html
import re
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import cards
import pytest
from permalinks import redirects
from PIL import Image
from ziamath.zmath import Math

import mlmath_ref
from mlmath_ref.catalog import Entry, entries, entry
from mlmath_ref.index import plain

MEGABYTES = 10  # of all cards
LETTERS = 20  # pixels of the smallest letters of a formula on a card


def pages(site: Path) -> Iterator[tuple[str, str]]:
    """Address and text of every page but the lost one and those that lead on."""
    for path in sorted(site.rglob("*.html")):
        former = path.relative_to(site).with_suffix("").as_posix() in redirects()
        if path.name != "404.html" and not former:
            yield path.relative_to(site).as_posix(), path.read_text()


def tags(page: str) -> dict[str, str]:
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', page)
    return {name: html.unescape(text) for name, text in found}


def test_every_page_has_one_canonical_address(site: Path) -> None:
    for path, text in pages(site):
        found = re.findall(r'<link rel="canonical" href="([^"]+)"', text)
        assert found == [f"{mlmath_ref.SITE}/{path}"], path
        assert tags(text)["og:url"] == found[0]


def test_every_page_has_one_of_each_tag(site: Path) -> None:
    for path, text in pages(site):
        found = re.findall(r'<meta (?:name|property)="((?:og|twitter):[^"]+|description)"', text)
        assert len(found) == len(set(found)) == 13, path
        told = tags(text)
        assert told["description"] == told["og:description"] == told["twitter:description"]
        assert 10 < len(told["description"]) <= 200, path
        assert not re.search(r"\\|:\w+:`|``|</", told["description"]), path
        card = told["og:image"].removeprefix(f"{mlmath_ref.SITE}/")
        assert (site / card).exists(), path
        assert card == f"_cards/{Path(path).stem if path.startswith('entries/') else 'index'}.png"


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
def test_entry_is_described_by_what_it_tells(site: Path, entry: Entry) -> None:
    told = tags((site / f"entries/{entry.name}.html").read_text())
    assert told["description"] == plain(entry.tells)
    assert told["og:title"].replace("’", "'") == entry.concept


def test_sitemap_has_every_page_that_is_to_be_found(site: Path) -> None:
    tree = ElementTree.parse(site / "sitemap.xml")
    found = [e.text or "" for e in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    made = ("_modules/", "genindex", "search.html")  # by Sphinx, from what stands on other pages
    wanted = [f"{mlmath_ref.SITE}/{path}" for path, _ in pages(site) if not path.startswith(made)]
    assert sorted(found) == sorted(wanted)
    assert f"{mlmath_ref.SITE}/sitemap.xml" in (site / "robots.txt").read_text()


def test_lost_page_has_absolute_links(site: Path) -> None:
    text = (site / "404.html").read_text()
    assert "canonical" not in text
    root = mlmath_ref.SITE.partition("//")[2].partition("/")[2]
    for link in re.findall(r'(?:href|src|action|data-content_root)="([^"]+)"', text):
        assert link.startswith((f"/{root}/", "#", "https://")), link
        if link.startswith("/"):
            path = link.removeprefix(f"/{root}/").partition("#")[0].partition("?")[0]
            assert (site / path).exists(), link


def test_no_page_has_inline_styles_or_scripts(site: Path) -> None:
    for path in site.rglob("*.html"):
        found = re.findall(
            r"<style|<script(?![^>]* src=)(?! type=.application/ld)[^>]*>|<[^>]* on\w+=",
            path.read_text(),
        )
        assert not found, path


# Cards ----------------------------------------------------------------------------------------


def test_cards_are_of_the_size_that_services_ask_for(site: Path) -> None:
    found = sorted((site / "_cards").iterdir())
    assert [p.stem for p in found] == sorted([*(e.name for e in entries()), "index"])
    for path in found:
        assert struct.unpack(">8x4x4sII", path.read_bytes()[:24]) == (b"IHDR", 1200, 630)
    assert sum(p.stat().st_size for p in found) < MEGABYTES * 1e6


def ink(path: Path) -> Image.Image:
    """Black where a card is not white."""
    return Image.open(path).convert("L").point(lambda v: 255 if v < 200 else 0)


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
def test_card_shows_name_formula_and_sentence_within_the_margins(site: Path, entry: Entry) -> None:
    found = ink(site / "_cards" / f"{entry.name}.png")
    box = found.getbbox()
    assert box
    assert box[0] >= 70
    assert box[2] <= 1200 - 70
    assert box[3] <= 630 - 50
    data = found.tobytes()
    rows = [any(data[1200 * y : 1200 * (y + 1)]) for y in range(630)]
    gaps = sum(a and not b for a, b in pairwise(rows))
    assert gaps >= 4  # logo and site, name, formula, sentence


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
def test_formula_of_a_card_is_whole_or_says_that_it_is_not(entry: Entry) -> None:
    shown, scale = cards.fitted(entry.formula, cards.WIDTH - 2 * cards.MARGIN, 250)
    assert scale * cards.LARGEST >= LETTERS
    leaves = {"mi", "mn", "mo", "mtext"}
    given = [e.text for e in cards.formula(entry.formula).iter() if e.tag in leaves and e.text]
    kept = [e.text for e in shown.element.iter() if e.tag in leaves and e.text]
    assert kept == given or kept == [*given[: len(kept) - 1], "⋮"]


def test_card_is_drawn_only_when_its_source_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = tuple(map(entry, ("softmax", "relu")))
    monkeypatch.setattr(cards, "entries", lambda: few)
    (tmp_path / "gone.png").touch()
    cards.write(tmp_path)()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.png", "relu.png", "softmax.png"]
    first = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in tmp_path.iterdir()}
    cards.write(tmp_path)()
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in tmp_path.iterdir()} == first
    (tmp_path / "relu.png").unlink()
    cards.write(tmp_path)()
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == {p: b for p, (_, b) in first.items()}


def test_card_has_no_box_in_place_of_a_letter() -> None:
    """Every character of every formula and text is in the fonts of the cards."""
    font = Math("<math><mi>x</mi></math>").font
    used = {c for e in entries() for n in cards.formula(e.formula).iter() for c in n.text or ""}
    missing = {c for c in used - set("\n ") if not font.glyphindex(c)}
    assert not missing, [f"U+{ord(c):04X} {c}" for c in sorted(missing)]
