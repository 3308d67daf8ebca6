"""Boxes of characters, side by side and one above the other."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def width(text: str) -> int:
    return sum(not unicodedata.combining(c) for c in text)


def pad(text: str, size: int, align: str = "<") -> str:
    left = {"<": 0, "^": (size - width(text)) // 2, ">": size - width(text)}[align]
    return " " * left + text + " " * (size - width(text) - left)


@dataclass(frozen=True)
class Box:
    """Lines of one width, one of which is in line with what stands beside it."""

    rows: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        return width(self.rows[0])

    @property
    def is_line(self) -> bool:
        return len(self.rows) == 1


def text(line: str) -> Box:
    return Box((line,))


def beside(boxes: Iterable[Box]) -> Box:
    """Boxes in one line."""
    found = [b for b in boxes if b.width] or [text("")]
    above = max(b.base for b in found)
    below = max(len(b.rows) - b.base for b in found)
    lines = []
    for i in range(-above, below):
        cells = [
            b.rows[b.base + i] if 0 <= b.base + i < len(b.rows) else " " * b.width for b in found
        ]
        lines.append("".join(cells))
    return Box(tuple(lines), above)


def stack(boxes: Sequence[Box], base: int, align: str = "^") -> Box:
    """Boxes one above the other; ``base`` is the row of the whole that counts."""
    size = max(b.width for b in boxes)
    return Box(tuple(pad(row, size, align) for b in boxes for row in b.rows), base)


Group = list[Box]  # pieces that stay together if they can


def folded(lines: Sequence[Sequence[Group]], most: int) -> list[str]:
    """Lines in at most so many columns, if no piece is wider."""
    found: list[str] = []
    for i, groups in enumerate(lines):
        blocks: list[list[Box]] = [[]]
        for group in groups:
            whole = beside([*blocks[-1], *group])
            if max(width(r.rstrip()) for r in whole.rows) > most and blocks[-1]:
                blocks.append([text("    ")])
            for part in group:
                if blocks[-1][1:] and beside([*blocks[-1], part]).width > most:
                    blocks.append([text("    ")])
                blocks[-1].append(part)
        boxes = [beside(b) for b in blocks]
        is_tall = any(len(b.rows) > 1 for b in boxes)
        for j, box in enumerate(boxes):
            found += [*[""] * bool((i or j) and is_tall), *(r.rstrip() for r in box.rows)]
    return found
