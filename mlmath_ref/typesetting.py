"""Formulas for a terminal: LaTeX, by way of the site's MathML, as lines of characters."""

import functools
import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from math_core import LatexToMathML

from mlmath_ref.boxes import Box, Group, beside, pad, stack, text, width

CONVERTER = LatexToMathML()
ACCENTS = {"ˆ": "\u0302", "¯": "\u0304", "˜": "\u0303", "→": "\u20d7", "˙": "\u0307"}
OPEN, CLOSE = "([{⌊‖|", ")]}⌋‖|\u2063"
RELATIONS = set("=<>≤≥≠∈∼→←≈≻∝↦:;∣∥")
BINARY = set("+−-±×⋅⊙∧∨∩∪⊗∗⋆") | RELATIONS
BIG = set("∑∏∫")
TALL = {  # top, middle, bottom, and what extends
    "(": "⎛⎜⎝⎜", ")": "⎞⎟⎠⎟", "[": "⎡⎢⎣⎢", "]": "⎤⎥⎦⎥", "{": "⎧⎨⎩⎪", "}": "⎫⎬⎭⎪",
    "⌊": "⎢⎢⎣⎢", "⌋": "⎥⎥⎦⎥", "|": "││││", "‖": "║║║║",
}  # fmt: skip
_UP = "⁰0¹1²2³3⁴4⁵5⁶6⁷7⁸8⁹9⁺+⁻−⁻-⁼=⁽(⁾)ᵀ⊤ᵃaᵇbᶜcᵈdᵉeᶠfᵍgʰhⁱiʲjᵏkˡlᵐmⁿnᵒoᵖpʳrˢsᵗtᵘuᵛvʷwˣxʸyᶻzᴬAᴮBᴰDᴱEᴳGᴴHᴵIᴶJᴷKᴸLᴹMᴺNᴼOᴾPᴿRᵀTᵁUⱽVᵂW††⋆⋆∗∗ᵝβᵞγᵟδᶿθᵠϕ′′"
_DOWN = "₀0₁1₂2₃3₄4₅5₆6₇7₈8₉9₊+₋−₋-₌=₍(₎)ₐaₑeₕhᵢiⱼjₖkₗlₘmₙnₒoₚpᵣrₛsₜtᵤuᵥvₓxᵦβᵧγᵨρᵩϕ"
UP = {b: a for a, b in zip(_UP[::2], _UP[1::2])} | {"\u2009": "", " ": ""}
DOWN = {b: a for a, b in zip(_DOWN[::2], _DOWN[1::2])} | {"\u2009": "", " ": ""}


def fence(mark: str, inner: Box) -> Box:
    """A bracket as high as what it holds."""
    if mark == "\u2063":
        return text("")
    size = len(inner.rows)
    if size == 1:
        return text(mark)
    top, middle, bottom, rest = list(TALL[mark])
    column = [top, *[rest] * (size - 2), bottom]
    if mark in "{}" and size > 2:
        column[inner.base] = middle if 0 < inner.base < size - 1 else column[inner.base]
    return Box(tuple(column), inner.base)


@dataclass
class Item:
    """A part of a row: its box, and whether a line may end before it."""

    box: Box
    kind: str = ""  # "open", "operator", "binary", "relation", "comma", "space", "function", "big"
    mark: str = ""


class Setter:
    """Sets trees of MathML; flat in one line as in a sentence, tight as in an index."""

    def __init__(self, flat: bool = False, tight: bool = False) -> None:
        self.flat, self.tight = flat, tight

    def set(self, node: Any) -> Box:
        method = getattr(self, node.tag, None)
        return method(node) if method else self.row(node)

    def row(self, node: Any) -> Box:
        return beside(spaced(self.items(node), self.tight))

    def items(self, node: Any) -> list[Item]:
        """The parts of a row, with what stands in brackets as one."""
        found: list[Item] = []
        opened: list[int] = []
        for child in node:
            mark, role = marked(child)
            partner = self.partner(mark, role, [found[i].mark for i in opened])
            if partner is not None:
                start = opened[partner]
                for i in opened[partner + 1 :]:  # bars that nothing closes stand between
                    found[i] = Item(found[i].box, "relation", found[i].mark)
                del opened[partner:]
                inner = beside(spaced(found[start + 1 :], self.tight))
                left, right = fence(found[start].mark, inner), fence(mark, inner)
                whole = beside([left, inner, self.scripted(child, right)])
                found[start:] = [Item(whole)]
            elif mark and mark in OPEN and role != "postfix" and child.tag == "mo":
                opened.append(len(found))
                found.append(Item(text(mark), "open", mark))
            else:
                found.append(self.item(child))
        for i in opened:
            found[i] = Item(found[i].box, "relation" if found[i].mark in "‖|" else "")
        return found

    def partner(self, mark: str, role: str, opened: list[str]) -> int | None:
        """Which of the open brackets a mark closes."""
        if not mark or mark not in CLOSE or (mark in OPEN and role == "prefix"):
            return None
        if mark in OPEN:
            return len(opened) - 1 if opened and opened[-1] == mark else None
        found = [i for i, o in enumerate(opened) if o not in "‖|" or mark == "\u2063"]
        return found[-1] if found else None

    def item(self, child: Any) -> Item:
        content = child.text or ""
        if child.tag == "mspace":
            wide = float(re.sub("[^0-9.]", "", child.get("width", "0")) or 0)
            return Item(text(" " * (4 if wide >= 1 else wide > 0)), "space", "wide" * (wide >= 1))
        if child.tag == "mo" and content == "\u2061":
            return Item(text(""), "function")
        box = self.set(child)
        if child.tag == "mo":
            kind = (
                "relation" if content in RELATIONS else "binary" if content in BINARY else
                "comma" if content == "," else "big" if content in BIG else
                "function" if content.isalpha() and content.isascii() else ""
            )  # fmt: skip
            return Item(box, kind, content)
        if child.tag in ("munderover", "munder", "msub", "msubsup") and child[0].tag == "mo":
            return Item(box, "big" if child[0].text in BIG else "function")
        if child.tag == "mfrac" and self.flat:
            return Item(box, "", "fraction")
        if child.tag == "munder" or (child.tag == "mi" and len(content) > 1 and content.isascii()):
            return Item(box, "function")
        return Item(box)

    # Elements

    def mi(self, node: Any) -> Box:
        return text(letter(node.text or ""))

    mn = mtext = mi

    def mo(self, node: Any) -> Box:
        return text(letter((node.text or "").strip("\u2061\u2062\u2063")))

    def mspace(self, node: Any) -> Box:
        return self.item(node).box

    def mfrac(self, node: Any) -> Box:
        above, below = map(self.set, node)
        if self.flat:
            return text(f"{grouped(above)}/{grouped(below, product=True)}")
        bar = text("─" * max(above.width, below.width))
        return stack([above, bar, below], len(above.rows))

    def msqrt(self, node: Any) -> Box:
        inner = self.row(node)
        if inner.is_line:
            return text(f"√{grouped(inner, product=True)}")
        edge = ["┌─", *["│ "] * len(inner.rows)]
        rows = ["─" * inner.width, *inner.rows]
        sides = [f"{'√' if i == len(rows) - 1 else ' '}{e}" for i, e in enumerate(edge)]
        return Box(tuple(s + r for s, r in zip(sides, rows)), inner.base + 1)

    def msub(self, node: Any) -> Box:
        return self.scripted(node, self.set(node[0]))

    msup = msubsup = msub

    def scripted(self, node: Any, base: Box) -> Box:
        """A box with the index and the exponent of a node, in small letters if there are such."""
        names = {"msub": "_", "msup": "^", "msubsup": "_^", "munder": "_", "munderover": "_^"}
        marks = names.get(node.tag, "")
        scripts = dict(zip(marks, [INDEX.row(wrapped(n)) for n in node[1:]]))
        small = {m: shifted(s.rows[0], UP if m == "^" else DOWN) for m, s in scripts.items()}
        base = attached(base, small.get("_") or "", small.get("^") or "")
        large = {m: s for m, s in scripts.items() if small[m] is None}
        if self.flat:
            return beside([base, *[text(f"{m}{grouped(s, index=True)}") for m, s in large.items()]])
        low, high = (large[m].rows[0] if m in large else "" for m in "_^")
        size = max(width(low), width(high))
        blank = [" " * size] * len(base.rows)
        rows = [*[pad(high, size)] * bool(high), *blank, *[pad(low, size)] * bool(low)]
        return beside([base, Box(tuple(rows), base.base + bool(high))])

    def munder(self, node: Any) -> Box:
        base = self.set(node[0])
        if self.flat:
            return self.scripted(node, base)
        below = INDEX.row(wrapped(node[1]))
        return stack([base, below], base.base)

    def munderover(self, node: Any) -> Box:
        base = self.set(node[0])
        if self.flat:
            return self.scripted(node, base)
        below, above = (INDEX.row(wrapped(n)) for n in node[1:])
        return stack([above, base, below], len(above.rows) + base.base)

    def mover(self, node: Any) -> Box:
        base, accent = self.set(node[0]), (node[1].text or "").strip()
        if accent in ACCENTS and base.is_line:
            line = base.rows[0]
            return text(unicodedata.normalize("NFC", line[:1] + ACCENTS[accent]) + line[1:])
        above = INDEX.row(wrapped(node[1]))
        return stack([above, base], len(above.rows) + base.base)

    def mtable(self, node: Any) -> Box:
        cells = [[self.row(cell) for cell in line] for line in node]
        if self.flat:
            return text("; ".join(" ".join(c.rows[0] for c in line).strip() for line in cells))
        sizes = [max(c.width for c in column) for column in zip(*cells)]
        gap = text("  ")
        lines = []
        for line, source in zip(cells, node):
            aligned = [
                Box(tuple(pad(r, size, alignment(cell)) for r in box.rows), box.base)
                for box, size, cell in zip(line, sizes, source)
            ]
            lines.append(beside([b for a in aligned for b in (gap, a)][1:]))
        rows = sum(len(line.rows) for line in lines)
        return stack(lines, rows // 2, "<")


INDEX = Setter(flat=True, tight=True)


def wrapped(node: Any) -> Any:
    """A node as a row of itself."""
    if node.tag == "mrow":
        return node
    row = ElementTree.Element("mrow")
    row.append(node)
    return row


def alignment(cell: Any) -> str:
    found = re.search(r"text-align: (\w+)", cell.get("style", ""))
    return {"right": ">", "left": "<"}.get(found[1] if found else "", "^")


def marked(child: Any) -> tuple[str, str]:
    """The operator that a node is, or that its scripts stand at."""
    at = child[0] if child.tag in ("msup", "msub", "msubsup") else child
    return (at.text or "", at.get("form", "")) if at.tag == "mo" else ("", "")


def letter(mark: str) -> str:
    """Letters that terminals have: bold and script ones are plain, except the indicator's 1."""
    plain = [c if c < "\uffff" or c == "𝟙" else unicodedata.normalize("NFKC", c) for c in mark]
    return "".join(plain).replace("\ufe00", "").replace("\xa0", " ")


def shifted(line: str, small: dict[str, str]) -> str | None:
    """A text in small raised or lowered letters, if there are all of them."""
    found = [small.get(c) for c in line]
    return None if None in found else "".join(f or "" for f in found)


def attached(base: Box, low: str, high: str) -> Box:
    """Small letters at the end of a line, or at the corners of what is higher."""
    if base.is_line or not low + high:
        return Box((base.rows[0] + low + high, *base.rows[1:]), base.base)
    size = max(width(low), width(high))
    rows = [pad(high, size), *[" " * size] * (len(base.rows) - 2), pad(low, size)]
    return beside([base, Box(tuple(rows), base.base)])


def grouped(box: Box, product: bool = False, index: bool = False) -> str:
    """A line in brackets, unless it is one thing already."""
    line = box.rows[0]
    is_one = not re.search(r"[ /+−,=]" if product or not index else r"[ /+−=^(,×⋅]", line)
    is_closed = bool(re.fullmatch(r"\w*\([^()]*\)", line))
    if product and len(line) > 1 and not is_closed and not re.fullmatch(r"\w[^\w]*|\d+", line):
        is_one = is_one and not re.search(r"\w.*\w", re.sub(r"[ₐ-ₜ₀-₉ᵢⱼᵣᵤᵥ⁰-⁹ⁿ]", "", line))
    return line if is_one or is_closed else f"({line})"


def spaced(items: Sequence[Item], tight: bool = False) -> list[Box]:
    """Boxes with the spaces that mathematics has between them."""
    found: list[Box] = []
    before = Item(text(""), "open")
    space, none = text("" if tight else " "), text("")
    for i, item in enumerate(items):
        after = next((o for o in items[i + 1 :] if o.box.width and not is_thin(o)), None)
        left = right = none
        is_sign = item.kind == "binary" and before.kind in ("open", "binary", "relation", "comma")
        if item.kind in ("binary", "relation") and not is_sign:
            left, right = space, space if after else none
        elif item.kind == "comma":
            right = space if after and after.kind != "space" else none
        elif item.kind in ("function", "big"):
            left = text(" " if before.kind == "" and before.box.width and item.box.width else "")
            right = text(" " if after and parts(item, items[i + 1], after) else "")
        elif is_thin(item):
            left = space if before.kind == "" and after and after.kind in ("", "open") else none
        elif before.mark == "fraction":
            left = space
        found += [left, none if is_thin(item) else item.box, right]
        before = item if (item.box.width or item.kind == "edge") and not is_thin(item) else before
    return found


def parts(item: Item, next_one: Item, after: Item) -> bool:
    """Whether a space parts a function or a sum from what it is of."""
    if item.kind == "big":
        return True
    is_bracket = after.box.rows[after.box.base][:1] in "([{⌊‖|⎛⎜⎝⎡⎢⎣"
    is_operand = after.kind not in ("binary", "relation", "comma")
    return not is_bracket and is_operand and next_one.kind != "function"


def is_thin(item: Item) -> bool:
    return item.kind == "space" and not item.mark


# Formulas -------------------------------------------------------------------------------------


def mathml(latex: str, display: bool = True) -> str:
    return CONVERTER.convert_with_local_state(latex.strip(), displaystyle=display)


@functools.cache
def tree(latex: str, display: bool) -> Any:
    keep = ("lt", "gt", "amp", "quot")
    plain = re.sub(
        r"&(\w+);", lambda m: m[0] if m[1] in keep else html.unescape(m[0]), mathml(latex, display)
    )
    return ElementTree.fromstring(plain)


def line(latex: str) -> str:
    """A formula in one line."""
    return re.sub(r"(?<=\S) +", " ", Setter(flat=True).row(tree(latex, False)).rows[0]).strip()


def pieces(latex: str) -> list[list[Group]]:
    """A display as lines, each in groups of the pieces between which it may be broken."""
    root = tree(latex, True)
    setter = Setter()
    if len(root) != 1 or root[0].tag != "mtable":
        return [cut(setter.items(root))]
    rows = [[setter.items(cell) for cell in row] for row in root[0]]
    size = max(beside(spaced(first)).width for first, *_ in rows)
    found = []
    for first, *others in rows:
        head = beside(spaced(first))
        left = beside([text(" " * (size - head.width)), head])
        (start, *rest) = cut([i for cell in others for i in cell])
        found.append([[left, *start], *rest])
    return found


def cut(items: Sequence[Item]) -> list[Group]:
    """Groups end with a wide space; their pieces begin with a relation or a sum's next term."""
    groups: list[list[list[Item]]] = [[[]]]
    before = Item(text(""), "open")
    for item in items:
        if before.mark == "wide":
            groups.append([[]])
        if item.kind == "relation" or (item.kind == "binary" and before.kind == ""):
            groups[-1].append([])
        groups[-1][-1].append(item)
        before = item if item.box.width and not is_thin(item) else before
    edge = Item(text(""), "edge")
    return [
        [beside(spaced([*[edge] * bool(i), *part, edge])) for i, part in enumerate(group) if part]
        for group in groups
    ]
