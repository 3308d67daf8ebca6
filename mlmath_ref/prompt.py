"""What the prompt shows of an entry, as data."""

import dataclasses
import re
from typing import Any

from mlmath_ref import address, typesetting
from mlmath_ref.annotations import set_latex
from mlmath_ref.catalog import Citation, Entry
from mlmath_ref.citation import SUFFIXES, citation, item, leaves_out_authors
from mlmath_ref.index import MATH, inline
from mlmath_ref.standalone import standalone

CITE = re.compile(r"\s*:cite:[a-z]+:`[^`]+`")
ROLE = re.compile(r":(?!math)[a-z]+(?::[a-z]+)?:`([^`<]*?)(?:\s*<[^`]*>)?`")


def shown(e: Entry) -> dict[str, Any]:
    """All of an entry's page; formulas in texts are LaTeX, and ``math`` has them in characters."""
    found: dict[str, Any] = {
        "name": e.name,
        "concept": e.concept,
        "tells": said(e.tells),
        "latex": inline(e.formula),
        "law": said(e.law),
        "arguments": [
            [s.name, s.latex, set_latex(e.annotations[s.name]) or "", said(s.meaning)]
            for s in e.args
        ],
        "returns": said(e.sections.get("Returns", "")),
        "where": [[w.latex, said(w.meaning or f"``{w.expression}``")] for w in e.where],
        "also_called": e.also_called,
        "roles": [
            [r.label, r.system, said(r.text), "; ".join(map(label, r.citations))] for r in e.roles
        ],
        "numerics": said(e.sections["Numerics"]),
        "example": example(e),
        "address": address(e.name),
    }
    texts = " ".join([str(v) for v in _strings(found)])
    sets = [latex for _, *both, _ in found["arguments"] for latex in both]
    found["math"] = {
        latex: typesetting.line(latex)
        for latex in dict.fromkeys([*MATH.findall(texts), *sets, *(w[0] for w in found["where"])])
        if latex
    }
    return found | {
        "line": typesetting.line(e.formula),
        "formula": [
            [[dataclasses.astuple(box) for box in group] for group in line]
            for line in typesetting.pieces(e.formula)
        ],
        "mathml": typesetting.mathml(e.formula),
        "code": {library: standalone(e, library) for library in e.libraries or ("numpy",)},
        "citations": {format: citation(e.name, format) for format in SUFFIXES},
    }


def said(text: str) -> str:
    """Text without citations and other markup; ``:math:`` stays."""
    parts = [" ".join(p.split()) for p in re.split(r"\n\s*\n", CITE.sub("", text))]
    return "\n\n".join(ROLE.sub(r"\1", p).replace("``", "`") for p in parts)


def label(c: Citation) -> str:
    """A work as ``Vaswani et al. 2017, sec. 3.2``."""
    work = item(c.key)
    first, *others = [a.get("family") or a["literal"] for a in work["author"]]
    is_long = len(others) > 1 or leaves_out_authors(c.key)
    rest = " et al." if is_long else f" and {others[0]}" if others else ""
    return f"{first}{rest} {work['issued']['date-parts'][0][0]}" + (
        f", {c.locator}" if c.locator else ""
    )


def example(e: Entry) -> str:
    """The first example, with the sentence above it."""
    parts = re.split(r"\n\s*\n", e.sections["Examples"])
    last = next(i for i, p in enumerate(parts) if p.startswith(">>>"))
    return "\n\n".join([*map(said, parts[:last]), parts[last]])


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [s for part in parts for s in _strings(part)]
