"""Draws a card for each entry, as PNG: what other services show where a page is linked.

The build's own MathML is set by ziamath and drawn by resvg, so that neither TeX nor a browser is
needed. A card is drawn anew when this file has changed, or the module of its entry.
"""

import re
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import matplotlib as mpl
import resvg_py
from mathml import mathml
from ziamath.config import config
from ziamath.zmath import Math

import mlmath_ref
from mlmath_ref.catalog import entries, entry
from mlmath_ref.index import plain

FOLDER = "_cards"
NAME = "ML Math Map"
DEFAULT = "index"  # the card of every page that is not an entry
WIDTH, HEIGHT, MARGIN = 1200, 630, 80
LARGEST, LONG, SMALLEST = 56, 40, 22  # pixels of a formula's letters
BRACKETS = set("()[]{}|‖⟨⟩⌊⌋⌈⌉")
LOGO = Path(__file__).parents[1] / "_static" / "favicon.svg"
FONTS = [
    str(Path(mpl.get_data_path(), "fonts", "ttf", name))
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
]
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">
<rect width="100%" height="100%" fill="#fff"/>
<svg x="{margin}" y="56" width="48" height="48" viewBox="0 0 32 32">{logo}</svg>
<g font-family="DejaVu Sans"><text x="146" y="91" font-size="30" fill="#444">{site}</text>
{text}</g>{formula}</svg>"""


def lines(text: str, first: float, size: int, width: int, look: str) -> tuple[str, float]:
    """At most two lines of so many characters as SVG, and where the text ends."""
    found = textwrap.wrap(text, width, max_lines=2, placeholder=" …")
    heights = [first + 1.25 * size * i for i in range(len(found))]
    shown = [
        f'<text x="{MARGIN}" y="{y:g}" font-size="{size}" {look}>{escape(line)}</text>'
        for y, line in zip(heights, found)
    ]
    return "\n".join(shown), heights[-1]


def flat(node: Element) -> Element:
    """Rows in rows as one row, since each level of them doubles the time that ziamath takes.

    A row with brackets that grow stays: they are as high as their row.
    """
    children: list[Element] = []
    for child in map(flat, node):
        has_growing = any(c.text in BRACKETS and c.get("stretchy") != "false" for c in child)
        is_row = child.tag == "mrow" and node.tag in ("math", "mrow", "mtd")
        children += list(child) if is_row and not has_growing else [child]
    node[:] = children
    return node


def formula(latex: str) -> Element:
    """MathML as ziamath reads it: alignment by attributes, and nothing that is not shown."""
    hidden = r"</?semantics>|<annotation.*?</annotation>|<mo[^>]*>&ApplyFunction;</mo>|\ufe00"
    text = re.sub(hidden, "", mathml(latex, display=True), flags=re.DOTALL)
    tree = flat(ElementTree.fromstring(text))
    for table in tree.iter("mtable"):
        is_wide = any("padding-left:1em" in c.get("style", "") for c in table.iter("mtd"))
        table.set("columnspacing", "1em" if is_wide else "0.2em")
        for cell in table.iter("mtd"):
            found = re.match(r"text-align: (\w+)", cell.get("style", ""))
            cell.set("columnalign", found[1] if found else "center")
    return tree


def stacked(tree: Element) -> Element:
    """A formula of several parts, with wide spaces between, as a table of one part a line."""
    table = ElementTree.Element("mtable", displaystyle="true")
    cells: list[Element] = []
    for node in tree:
        is_space = node.tag == "mspace" and node.get("width") in ("1em", "2em")
        if is_space or not cells:
            row = ElementTree.SubElement(table, "mtr")
            cells.append(ElementTree.SubElement(row, "mtd", columnalign="left"))
        if not is_space:
            cells[-1].append(node)
    if len(cells) == 1:
        return tree
    stack = ElementTree.Element("math", display="block")
    stack.append(table)
    return stack


def shortened(tree: Element) -> Iterator[Element]:
    """A formula with ever fewer of its lines, dots in place of the others."""
    rows: Any = tree[0] if len(tree) == 1 and tree[0].tag == "mtable" else []
    for last in range(len(rows) - 1, 0, -1):
        rows[last:] = [ElementTree.fromstring("<mtr><mtd><mo>⋮</mo></mtd></mtr>")]
        yield tree


def fitted(latex: str, width: float, height: float) -> tuple[Math, float]:
    """A formula that is set, and its scale: in lines if it is long, cut if it is too long."""

    def fit(tree: Element) -> tuple[Math, float]:
        found = Math(tree, size=LARGEST)
        w, h = found.getsize()
        return found, min(1, width / w, height / h)

    tree = formula(latex)
    best = fit(tree)
    if best[1] * LARGEST < LONG:
        best = max(best, fit(stacked(tree)), key=lambda f: f[1])
    for shorter in shortened(stacked(tree)):
        if best[1] * LARGEST >= SMALLEST:
            break
        best = fit(shorter)
    return best


def drawn(latex: str, top: float, bottom: float) -> str:
    """A formula as SVG, as large as there is room, in the middle of the height."""
    shown, scale = fitted(latex, WIDTH - 2 * MARGIN, bottom - top)
    svg = shown.svgxml()
    x, y, _, height = map(float, svg.attrib["viewBox"].split())
    at = (MARGIN - scale * x, (top + bottom - scale * height) / 2 - scale * y)
    paths = "".join(ElementTree.tostring(path, encoding="unicode") for path in svg)
    return f'<g transform="translate({at[0]:.2f} {at[1]:.2f}) scale({scale:.4f})">{paths}</g>'


def card(title: str, tells: str, latex: str = "") -> bytes:
    """Title, formula and one sentence as PNG."""
    head, top = lines(title, 176, 52, 33, 'font-weight="bold" fill="#111"')
    foot, end = lines(tells, 0, 30, 62, 'fill="#444"')
    bottom = HEIGHT - 64 - end
    svg = FRAME.format(
        width=WIDTH,
        height=HEIGHT,
        margin=MARGIN,
        site=escape(NAME),
        logo=re.sub(r"</?svg[^>]*>", "", LOGO.read_text(encoding="utf-8")),
        text=f'{head}<g transform="translate(0 {bottom:g})">{foot}</g>',
        formula=drawn(latex, top + 36, bottom - 60) if latex else "",
    )
    return resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, font_files=FONTS)


def write(folder: Path) -> Callable[[], None]:
    """Draw what is not there or older than what it is drawn from; remove what is gone.

    Returns:
        What waits for the end: other processes draw while the pages are made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = (Path(__file__), LOGO, Path(str(mlmath_ref.__file__)))
    wanted = {folder / f"{e.name}.png": Path(str(e.topic.module.__file__)) for e in entries()}
    wanted[folder / f"{DEFAULT}.png"] = LOGO
    for stale in set(folder.glob("*.png")) - set(wanted):
        stale.unlink()
    old = [path for path, source in wanted.items() if is_older(path, source, *own)]
    if not old:
        return lambda: None
    pool = ProcessPoolExecutor()
    drawn = pool.map(draw, old, chunksize=8)

    def wait() -> None:
        list(drawn)  # an error in one is raised here
        pool.shutdown()

    return wait


def is_older(path: Path, *sources: Path) -> bool:
    return not path.exists() or path.stat().st_mtime < max(s.stat().st_mtime for s in sources)


def draw(path: Path) -> None:
    """The card of the entry that a file is named after."""
    config.svg2 = False  # which has symbols, and symbols are clipped at a cost of time
    if path.stem == DEFAULT:
        path.write_bytes(card(NAME, mlmath_ref.__doc__ or ""))
    else:
        e = entry(path.stem)
        path.write_bytes(card(e.concept, plain(e.tells), e.formula))
