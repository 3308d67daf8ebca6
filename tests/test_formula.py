"""The displayed formula of every entry, executed; and the evaluator that does it."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from drawing import arguments, convert
from hypothesis import given
from hypothesis import strategies as st

from mlmath_ref.binding import DRAWS, executable, why_not
from mlmath_ref.catalog import Entry, entries, entry
from mlmath_ref.evaluation import DisagreementError, compare
from mlmath_ref.formula import read_display
from mlmath_ref.latex import FormulaError, Name, tokenize

each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
SHARE = 1 / 3  # of a formula's tokens that one expression may stand for


@pytest.mark.parametrize("entry", [e for e in entries() if not why_not(e)], ids=lambda e: e.name)
def test_display_is_what_the_function_computes(entry: Entry) -> None:
    formula = executable(entry)
    for seed in range(DRAWS):
        values, _ = arguments(entry, seed)
        result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
        compare(formula, values, result)


@pytest.mark.parametrize("entry", [e for e in entries() if not why_not(e)], ids=lambda e: e.name)
def test_every_number_of_the_result_counts(entry: Entry) -> None:
    formula = executable(entry)
    values, _ = arguments(entry, 0)
    result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
    parts = [r if isinstance(r, (tuple, dict)) else np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]  # fmt: skip
    for i, part in enumerate(parts):
        if not isinstance(part, np.ndarray):
            continue
        for index in np.ndindex(part.shape):
            wrong = part.copy()
            exact = wrong.dtype.kind in "bi" or not np.isfinite(wrong[index])
            wrong[index] = wrong[index] == 0 if exact else wrong[index] + 1e-6
            changed = [*parts[:i], wrong, *parts[i + 1 :]]
            with pytest.raises((DisagreementError, FormulaError)):
                compare(formula, values, tuple(changed) if len(changed) > 1 else wrong)


def test_nine_in_ten_are_executed() -> None:
    left = {e.name: why_not(e) for e in entries() if why_not(e)}
    assert 10 * len(left) <= len(entries()), left


@each_entry
def test_no_expression_swallows_the_formula(entry: Entry) -> None:
    if why_not(entry):
        return
    display = executable(entry).display
    for where in entry.where:
        assert display.taken[where.latex] <= SHARE * display.length, where


# The evaluator --------------------------------------------------------------------------------

# Formulas of entries with the argument types that a case needs; the result is put in by hand.
VECTORS = entry("dot_product")  # a and b in R^n, a number
MATRICES = entry("matmul")  # A: m x k, B: k x n, A B: m x n


def check(of: Entry, latex: str, result: Any, **values: Any) -> None:
    compare(executable(of, latex), values, result)


A, B = np.asarray([1.0, -2.0, 4.0]), np.asarray([3.0, 0.5, 2.0])
ONE = np.asarray([[1.0, 2.0], [3.0, 5.0], [-1.0, 0.5]])
TWO = np.asarray([[2.0, -1.0, 0.0, 1.0], [1.0, 1.5, 3.0, -2.0]])


@pytest.mark.parametrize(
    ("latex", "result"),
    [
        (r"\sum_{i=1}^{n} a_i b_i", A @ B),
        (r"\sum_i a_i b_i", A @ B),
        (r"a^\top b", A @ B),
        (r"-\sum_{i=1}^{n-1} a_i - b_n", 1 - 2.0),
        (r"\prod_{i=1}^{n} a_i + b_2", -8 + 0.5),
        (r"\max_i a_i b_i", 8.0),
        (r"\arg\max_i a_i + b_1 - b_1", 3.0),
        (r"\sum_{i : a_i > 0} b_i", 5.0),
        (r"\sum_{i=1, i \neq 2}^{n} a_i b_i", 11.0),
        (r"\mathbb{E}_{i \sim b}[a_i^2]", 3 * 1 + 0.5 * 4 + 2 * 16.0),
        (r"\lVert a \odot b \rVert_1", 12.0),
        (r"\lVert a - b \rVert_\infty", 2.5),
        (r"\sum_{i=1}^{n} |a_i| \, \mathbb{1}[b_i < 1 \wedge a_i < 0]", 2.0 + 0 * B[0]),
        (r"a_1 \begin{cases} b_1 & a_2 > 0 \\ b_2 & \text{otherwise} \end{cases}", 0.5),
        (r"\frac12 a_1^2 b_1", 1.5),
        (r"a_1 2^{a_3 - b_1} + b_2 - b_2", 2.0),
        (r"b_1 / (a_3 + 2)", 0.5),
        (r"\sqrt{a_3} \exp(b_2 - \tfrac12)", 2.0),
        (r"s_2 + b_1 - b_1, \quad s_i = a_i^2", 4.0),
        (r"s_3 + b_1 - b_1, \quad s_1 = a_1, \quad s_k = 2 s_{k-1} + a_k, \quad k = 2, \dots, n", 4.0),
        (r"\max(a_1, \dots, a_n) + b_1 - b_1", 4.0),
        (r"\operatorname{softmax}(a - a)_2 + b_1 - b_1", 1 / 3),
        (r"\det\left( \begin{pmatrix} a_1 & b_2 \\ a_3 & b_1 \end{pmatrix} \right)", 1.0),
    ],
)  # fmt: skip
def test_dialect(latex: str, result: float) -> None:
    check(VECTORS, rf"a \cdot b = {latex}", np.asarray(result), a=A, b=B)
    with pytest.raises(DisagreementError):
        check(VECTORS, rf"a \cdot b = {latex}", np.asarray(result + 1e-6), a=A, b=B)


@pytest.mark.parametrize(
    "latex",
    [
        r"A B = A B^{\top \top}",
        r"A B = C B, \quad C = A I_k",
    ],
)
def test_matrices_are_strict(latex: str) -> None:
    with pytest.raises(FormulaError):
        check(MATRICES, latex, ONE @ TWO, a=ONE, b=TWO)


def test_diagonal_matrix_by_its_diagonal() -> None:
    latex = (
        r"(A B)_{ij} = \sum_{l=1}^{k} (A D^{-1/2})_{il} B_{lj}, \quad D_{ll} = B_{l, 1} / B_{l, 1}"
    )
    check(MATRICES, latex, ONE @ TWO, a=ONE, b=TWO)


@pytest.mark.parametrize(
    ("latex", "token", "message"),
    [
        (r"a \cdot b = a b", "b", "two vectors side by side"),
        (r"a \cdot b = a^2 b_1", "^", "a power is of a number"),
        (r"a \cdot b = a_1 b_1 / a_2 b_2", "b", "ambiguous"),
        (r"a \cdot b = \log a_1 b_1", "b", "ambiguous"),
        (r"a \cdot b = \sum_{i=1}^{n} a_i b_j", "j", "not an index of the left side"),
        (r"a \cdot b = \sum_j a_1 b_1", "b_1", "no array gives it"),
        (r"a \cdot b = \sum_{i=1}^{n + 1} a_i b_i", "_", "index 4 is not between 1 and 3"),
        (r"a \cdot b = \sum_{i=0}^{n} a_i b_i", "_", "index 0 is not between 1 and 3"),
        (r"a \cdot b = \foo(a) b", r"\foo", "no function"),
        (r"a \cdot b = \sum_{i=1}^{n} a_i", "a", "b is bound but not used"),
        (r"a \cdot b = a_1 b_1 + a \cdot b", "a", "both sides"),
        (r"a \cdot b = a_1 b_1, \quad s = a_1", "a", "s is defined but not used"),
        (r"a \cdot b = a_1 b_1 + s, \quad s = a_1, \quad s = b_1", "b", "defined twice"),
        (r"a \cdot b = a_1 b_1 + s, \quad s = s + 1", "a", "circle"),
        (r"a \cdot b = (a_1 b_1", "the end", r"expected \)"),
        (r"a \cdot b = \sum_{n=1}^{3} a_n b_n", r"\sum", "n has a value already"),
        (r"a \cdot b = \sqrt{a_2} b_1", r"\sqrt", "invalid value"),
        (r"a \cdot b = a_1 b_1 / (a_1 - a_1)", "/", "division by zero"),
        (r"a \cdot b = a_1 + b", "+", "shapes"),
        (r"a \cdot b = a_{n1} b_1", "n1", "put a comma"),
        (r"a \cdot b = \begin{cases} a_1 & a_1 > 0 \\ b_1 & b_1 > 0 \end{cases}", r"\begin", "2 cases hold"),
    ],
)  # fmt: skip
def test_errors_point_at_the_token(latex: str, token: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        check(VECTORS, latex, np.asarray(A @ B), a=A, b=B)
    shown, line, caret = str(caught.value).splitlines()[-3:]
    assert shown
    pointed = line[caret.index("^") :]
    assert pointed.startswith(token) or (token == "the end" and not pointed)


def test_an_element_left_out_is_noticed() -> None:
    latex = r"y_i = \gamma_i x_i + \beta_i + \epsilon - \epsilon, \quad i = 1, \dots, d - 1"
    values = {"x": A, "gamma": B, "beta": A}
    with pytest.raises(FormulaError, match="not all of y is given"):
        check(entry("layer_norm"), latex, B * A + A, eps=1.0, **values)


def test_an_extremum_over_a_continuum_is_reported() -> None:
    assert executable(entry("spectral_norm")).unexecuted
    assert why_not(entry("spectral_norm")) == ""
    with pytest.raises(FormulaError, match="nothing is left to execute"):
        executable(
            entry("spectral_norm"), r"\lVert A \rVert_2 = \max_{x \neq 0} \lVert A x \rVert_2"
        )


# Expressions of the grammar beside what they are in Python.
numbers = st.integers(1, 9).map(lambda n: (str(n), float(n)))
components = st.integers(1, 3).map(lambda i: (f"a_{i}", float(A[i - 1])))


def combined(inner: Any) -> Any:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda p: (f"({p[0][0]} + {p[1][0]})", p[0][1] + p[1][1])),
        pairs.map(lambda p: (f"({p[0][0]} - {p[1][0]})", p[0][1] - p[1][1])),
        pairs.map(lambda p: (f"({p[0][0]}) \\, ({p[1][0]})", p[0][1] * p[1][1])),
        pairs.map(
            lambda p: (rf"\frac{{{p[0][0]}}}{{{p[1][0]} + 1000}}", p[0][1] / (p[1][1] + 1000))
        ),
        inner.map(lambda p: (f"({p[0]})^2", p[1] ** 2)),
        inner.map(lambda p: (rf"\sqrt{{({p[0]})^2}}", abs(p[1]))),
        inner.map(lambda p: (rf"\left| {p[0]} \right|", abs(p[1]))),
        inner.map(lambda p: (rf"\sum_{{i=1}}^{{n}} ({p[0]})", 3 * p[1])),
        inner.map(lambda p: (rf"\max({p[0]}, -1)", max(p[1], -1.0))),
    )


@given(st.recursive(st.one_of(numbers, components), combined, max_leaves=6))
def test_expressions_mean_what_python_says(pair: tuple[str, float]) -> None:
    latex, value = pair
    if abs(value) < 1e9:
        latex = rf"a \cdot b = {latex} + 0 a_1 b_1"
        check(VECTORS, latex, np.asarray(value), a=A, b=B)


@given(st.data())
def test_whatever_is_broken_raises_at_a_token(data: st.DataObject) -> None:
    """Drop, double or exchange tokens of a display: it is read, or refused with a place."""
    chosen = data.draw(st.sampled_from(entries()))
    latex = chosen.formula
    tokens = tokenize(latex)
    i, j = (data.draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
    texts = [latex[t.start : t.end] for t in tokens]
    how = data.draw(st.sampled_from(["drop", "double", "exchange"]))
    if how == "drop":
        texts[i] = ""
    elif how == "double":
        texts[i] = f"{texts[i]} {texts[i]}"
    else:
        texts[i], texts[j] = texts[j], texts[i]
    with suppress(FormulaError):
        executable.__wrapped__(chosen, " ".join(texts))


@given(
    st.lists(st.sampled_from([*"ab_^{}()12+-|,", r"\frac", r"\sum", r"\dots", "="]), max_size=12)
)
def test_any_text_is_read_or_refused(words: list[str]) -> None:
    with suppress(FormulaError):
        read_display(" ".join(words), [Name("a", ("a",)), Name("b", ("b",))])
