"""Formulas in a terminal: nothing is lost, nothing is too wide, and they look as they should."""

import unicodedata
from collections import Counter

import pytest

from mlmath_ref.boxes import folded, width
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.typesetting import line, pieces, tree

DISPLAYS = {
    r"\frac{a + 1}{b}": ["a + 1", "─────", "  b"],
    r"x_i^2 + e^{-x}": ["xᵢ² + e⁻ˣ"],
    r"\sum_{i=1}^{n} x_i": [" n", " ∑  xᵢ", "i=1"],
    r"\left( \frac{1}{2} \right)^{-1}": ["⎛1⎞⁻¹", "⎜─⎟", "⎝2⎠"],
    r"\sqrt{x + 1}": ["√(x + 1)"],
    r"\sqrt{\frac12}": [" ┌──", " │ 1", " │ ─", "√│ 2"],
    r"\hat{y} = \begin{cases} 1 & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}": [
        "    ⎧1  if x > 0",
        "ŷ = ⎩0  otherwise",
    ],
    r"\lVert x \rVert_2 \leq -\log |y|": ["‖x‖₂ ≤ −log |y|"],
    r"D(p \,\|\, q)": ["D(p ‖ q)"],
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}": ["⎛a  b⎞", "⎝c  d⎠"],
    r"\mathbf{W}^\top \theta_{t-1}": ["Wᵀθₜ₋₁"],
}
LINES = {
    r"\frac{a + 1}{2 b} c": "(a + 1)/(2b) c",
    r"\frac{1}{2}(a)": "1/2 (a)",
    r"\sqrt{v_t / (1 - \beta)}": "√(vₜ/(1 − β))",
    r"x_{\theta, i}^{a/b}": "x_(θ,i)^(a/b)",
    r"\sum_{i=1}^n p_i": "∑ᵢ₌₁ⁿ pᵢ",
    r"\mathbb{R}^{m \times n}": "ℝ^(m×n)",
}


@pytest.mark.parametrize("latex", DISPLAYS)
def test_displays(latex: str) -> None:
    assert folded(pieces(latex), 80) == DISPLAYS[latex]


@pytest.mark.parametrize("latex", LINES)
def test_lines(latex: str) -> None:
    assert line(latex) == LINES[latex]


def letters(text: str) -> Counter[str]:
    """Letters and digits, whatever their size and style."""
    plain = unicodedata.normalize("NFKD", text.replace("⊤", "T"))
    return Counter(c for c in plain if c.isalnum() and unicodedata.category(c) != "Lm")


@pytest.mark.parametrize("e", entries(), ids=lambda e: e.name)
def test_formulas_of_entries_are_whole_and_fit(e: Entry) -> None:
    source = letters("".join(tree(e.formula, True).itertext()))
    lines = folded(pieces(e.formula), 78)
    assert letters("".join(lines)) == source
    assert max(map(width, lines)) <= 78
    assert letters("".join(folded(pieces(e.formula), 40))) == source
    assert letters(line(e.formula)) == source
