"""The evaluator of formulas: what it accepts and what it makes of it; what it refuses and where."""

import functools
import re
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from drawing import convert
from hypothesis import given, strategies as st

from mlmath_ref.binding import executable, why_not
from mlmath_ref.catalog import Entry, entries, entry
from mlmath_ref.evaluation import DisagreementError, compare
from mlmath_ref.formula import read_display
from mlmath_ref.latex import FormulaError, Name, match, tokenize

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
        (r"\lim_{h \to 0} \frac{(a_3 + h)^2 - a_3^2}{h} + b_1 - b_1", 8.0),
        (r"\lim_{h \to 1} \frac{\log h}{h - 1} + 0 a_1 b_1", 1.0),
        (r"\max(a_1, \dots, a_n) + b_1 - b_1", 4.0),
        (r"\left\lfloor \frac{a_2 + b_2}{2} \right\rfloor b_1", -3.0),
        (r"\operatorname{softmax}(a - a)_2 + b_1 - b_1", 1 / 3),
        (r"\det\left( \begin{pmatrix} a_1 & b_2 \\ a_3 & b_1 \end{pmatrix} \right)", 1.0),
        (r"\frac{12}{a_3} + b_1 - b_1", 3.0),
        (r"\frac{a_3}{12} b_1 + \frac1{10} + \sqrt9", 1 + 0.1 + 3),
        (r"a_1^{12} b_1 + a_32", 3.0 + 8),
        (r"e^{a_1} b_1 / e", 3.0),
        (r"\mathbf{ u } + b_1 - b_1, \quad \mathbf u = a_3", 4.0),
        (r"a_1 + \min(b) - \max(a)", -2.5),
        (r"\operatorname{tr}(\begin{pmatrix} a_1 & 0 & 0 \\ 0 & b_1 & 0 \\ 0 & 0 & 1 \end{pmatrix})", 5.0),
        (r"s b_1, \quad s = \begin{cases} a_1 & \text{otherwise} \end{cases}, \quad a_1 < b_1", 3.0),
        (r"a_1 b_1, \quad n^2 = 9", 3.0),
        (r"\min_i a_i + b_1 - b_1", -2.0),
        (r"\arg\min_i a_i + b_1 - b_1", 2.0),
        (r"(a 2)^\top b", 20.0),
        (r"a_1 b_1, \quad a^\top = a^\top", 3.0),
        (r"\frac123 a_1 b_1", 4.5),
        (r"s_1 + s_2 + s_3, \quad s_t = a_t b_t, \quad t = 1, \dots, n", 10.0),
        (r"\sum_{i=1}^{0} a_i + a_1 b_1", 3.0),
        (r"(a^\top)_1 b_1", 3.0),
        (r"s_{\max} b_1, \quad s_{\max} = a_1", 3.0),
        (r"s_n b_1, \quad s_n = a_1", 3.0),
        (r"s_t b_1, \quad s_t = a_1", 3.0),
        (r"\sum_{t=1}^{n} s_t b_t, \quad s_t = a_t", 10.0),
        (r"s^2 b_1, \quad s^2 = a_1", 3.0),
        (r"s b_1, \quad s = r + 1, \quad r = a_1 - 1", 3.0),
        (r"s_3 b_1 - 10 b_1, \quad s_1 = a_1, \quad s_k = s_{k-1} + b_1 k - b_1 + 1, \quad k = 2, \dots, 3, \quad 1 < 2", 6.0),
        (r"\sum_{i, j : a_i < a_j} b_i b_j", 3 * 2 + 0.5 * 3 + 0.5 * 2.0),
        (r"\frac{1.5}{a_1} b_1", 4.5),
        (r"a^\top (a b^\top) b", 21 * 13.25),
        (r"2 a^\top b", 20.0),
        (r"a^\top 2 b", 20.0),
        (r"(-a^\top) b", -10.0),
        (r"b \cdot a", 10.0),
        (r"a_3 \cdot b_1", 12.0),
        (r"a_3 \times b_1", 12.0),
        (r"\operatorname{tr}(a b^\top + I)", 13.0),
        (r"\operatorname{tr}(I + a b^\top)", 13.0),
        (r"\operatorname{tr}((a b^\top)^2)", 100.0),
        (r"\operatorname{tr}((a b^\top)^{b_3})", 100.0),
        (r"\operatorname{tr}((\operatorname{diag}(b \odot b \odot a \odot a))^{1/2})", 3 + 1 + 8.0),
        (r"a_1 b_1 + 0 \log(a_1 - a_1)", 3.0),
        (r"b_1 \mathbb{1}[a_1 \log(a_1 - a_1) < 0]", 3.0),
        (r"a_1 b_1 + \exp(-800 a_1)", 3.0),
        (r"a_{\mathbb{1}[b_1 > 0]} b_1", 3.0),
        (r"b_1 \begin{cases} a_1 & \text{otherwise} \end{cases}", 3.0),
        (r"\lambda_1(a a^\top) + b_1 - b_1", 21.0),
        (r"\lambda_3(\operatorname{diag}(a)) b_1", -6.0),
        (r"\sigma_3(\operatorname{diag}(a)) b_1", 3.0),
        (r"\sum_{i} C_{ii}, \quad C = a b^\top", 10.0),
        (r"\sum_{i, j} C_{ij}, \quad C_{ij} = a_i b_j", 3 * 5.5),
        (r"c_1 + c_2 + c_{n}, \quad c_i = a_i b_i", 10.0),
        (r"|a_2| \, \left| b_3 \, |a_2| - 9 \right|", 10.0),
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
        r"A B = A^2 B",
        r"A B = A + B",
    ],
)
def test_matrices_are_strict(latex: str) -> None:
    with pytest.raises(FormulaError):
        check(MATRICES, latex, ONE @ TWO, a=ONE, b=TWO)


def test_a_product_of_matrices_has_an_order() -> None:
    w = np.asarray([[[1.0, 2.0], [0.5, 3.0]], [[-1.0, 4.0], [2.0, 0.3]], [[0.7, 1.1], [-2.0, 5.0]]])
    product = entry("gradient_flow_product")
    check(product, r"P = \prod_{l=1}^{k} \operatorname{diag}(s_l) W_l", w[0] @ w[1] @ w[2], w=w, s=np.ones((3, 2)))  # fmt: skip


def test_derivative_in_a_defined_symbol() -> None:
    torch = import_module("torch")
    latex = r"\nabla f(x)_i = y_i \frac{\partial f_i(y)}{\partial y_i}, \quad y = 3 x"
    at = np.asarray([2.0, 5.0])  # y = (6, 15): the slopes are y_2 = 15 and 0
    f = lambda x: torch.stack([x[0] * x[1], x[0] ** 2])  # noqa: E731
    check(entry("gradient"), latex, np.asarray([6 * 15.0, 0.0]), f=f, x=at)


def test_a_multiple_of_the_identity() -> None:
    latex = r"A B = (A^\top A + 2 I - \frac12 A_{1, 1} I)^{-1} A^\top B"
    square, other = ONE[:2], TWO
    shrunk = square.T @ square + 1.5 * np.eye(2)
    result = np.linalg.solve(shrunk, square.T @ other)
    check(MATRICES, latex, result, a=square, b=other)
    with pytest.raises(DisagreementError):
        check(MATRICES, latex.replace("2 I", "3 I"), result, a=square, b=other)


def test_every_second_ampersand_ends_a_statement() -> None:
    latex = r"\begin{aligned} a \cdot b &= s + b_1 & s &= 2 a_1 \\ a_3 &= 4 \end{aligned}"
    check(VECTORS, latex, np.asarray(5.0), a=A, b=B)
    with pytest.raises(DisagreementError):
        check(VECTORS, latex.replace("a_3", "a_2"), np.asarray(5.0), a=A, b=B)


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
        (r"a \cdot b = \sigma_{1, 2}(a) b_1", r"\sigma", "one index"),
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
        (r"a \cdot b = \lim_h a_1 b_1", r"\lim", "a limit reads"),
        (r"a \cdot b = a_{n1} b_1", "n1", "put a comma"),
        (r"a \cdot b = \lVert \log(a) \rVert_1 b_1", r"\log", "of a negative number"),
        (r"a \cdot b = \operatorname{diag}(a_1) b_1", r"\operatorname", "diag takes a vector"),
        (r"a \cdot b = \max(a_1, b)", r"\max", "of numbers or of one vector"),
        (r"a \cdot b = a^\top (b + I)", "+", "I stands beside a matrix"),
        (r"a \cdot b = (a^\top + a^\top) b", "+", "in products only"),
        (r"a \cdot b = (a b^\top) \cdot (b a^\top)", r"\cdot (b", "between numbers or vectors"),
        (r"a \cdot b = b \times a", r"\times", "between numbers"),
        (r"a \cdot b = a^\top I b", "I", "size of I"),
        (r"a \cdot b = a^\top (I b)", "b", "size of I"),
        (r"a \cdot b = (a b^\top) a^\top", "a", "a matrix before"),
        (r"a \cdot b = a^\top b^\top", "b", "two transposed vectors"),
        (r"a \cdot b = a_1 / b", "/", "only numbers divide"),
        (r"a \cdot b = a_1 b_1 (-1)^{1/2}", "^", "root of a negative"),
        (r"a \cdot b = (a b^\top)^{1/2}", "^", "of a diagonal matrix"),
        (r"a \cdot b = a_1 b_1^{(a)}", "^", "an exponent is a number"),
        (r"a \cdot b = a_1^\top b_1", "^", "a transpose is of"),
        (r"a \cdot b = (a^\top)^\top b", "^", "a transpose is of"),
        (r"a \cdot b = \max(\dots, a_1) b_1", r"\dots", "between two ends"),
        (r"a \cdot b = \max(a_1, \dots) b_1", r"\dots", "between two ends"),
        (r"a \cdot b = \max(1, \dots, a_3) b_1", r"\dots", "two indices of one symbol"),
        (r"a \cdot b = \max(a_1, \dots, 3) b_1", r"\dots", "two indices of one symbol"),
        (r"a \cdot b = \max(a_1, \dots, b_3)", r"\dots", "two indices of one symbol"),
        (r"a \cdot b = \max((a b^\top)_{1}, \dots, (a b^\top)_{3,1})", r"\dots", "of one index"),
        (r"a \cdot b = a_1 < \dots = b_1", "a", "between equal signs"),
        (r"a \cdot b = s b_1, \quad s_1 = a_1", "s", "needs an index"),
        (r"a \cdot b = s b_1, \quad s_1 = a_1, \quad s_2 = a_1", "s", "needs an index"),
        (r"a \cdot b = \det(s), \quad s_{ij} = i a_j b_j, \quad i = 0, \dots, 2", "s", "needs an index"),
        (r"a \cdot b = s_{1,1} b_1, \quad s_i = a_i", "_", "has 1 indices"),
        (r"a \cdot b = s_4 b_1, \quad s_i = a_1 i, \quad i = 1, \dots, 3", "_", "0 definitions"),
        (r"a \cdot b = a_{1,1} b_1", "_", "no index"),
        (r"a \cdot b = a_{3/2} b_1", "/", "not a whole number"),
        (r"a \cdot b = \lambda_1(a b^\top)", r"\lambda", "symmetric"),
        (r"a \cdot b = \mathbb{1}[a = b]", "a = b]", "compares numbers"),
        (r"a \cdot b = a_1 b_1 \mathbb{1}[I = I]", "I = I]", "compares numbers"),
        (r"a \cdot b = \max_{i : a_i > 9} b_i", r"\max", "over nothing"),
        (r"a \cdot b = \mathbb{E}_i[a_i b_i]", r"\mathbb", "an expectation reads"),
        (r"a \cdot b = a_1 b_1 + n_1", "_", "no index"),
        (r"a \cdot b = \begin{array} a_1 & b_1 \end{array}", r"\begin", "no environment"),
        (r"a \cdot b = \begin{cases} a_1 \\ b_1 \end{cases}", r"\begin", "differ in length"),
        (r"a \cdot b = 2 3 a_1 b_1", "3", "two numbers"),
        (r"a \cdot b = a_1 b_1)", ")", "did not expect"),
        (r"a \cdot b, \quad a_1 b_1", "a", "an equation or an inequality"),
        (r"a \cdot b = a_1 b_1, \quad i = 1, \dots, 3", "i", "nothing runs over i"),
        (r"a \cdot b = \sum_i a_i b_i, \quad n_1 = 2", "_", "no index"),
        (r"a \cdot b = s_{e} b_1, \quad s_{e} = a_1 \sum_e 1", "e 1", "expected a letter"),
        (r"a \cdot b = s_1 b_1, \quad s_i = \sum_i a_i", r"\sum", "a letter runs twice"),
        (r"a \cdot b = s_1 b_1, \quad s_i = a_i, \quad a_1 < 1, \dots, 3", "a_1 <", "a list reads"),
        (r"a \cdot b = s_1 b_1, \quad s_i = a_i, \quad a = 1, \dots, 3", "a =", "nothing runs over a"),
        (r"a \cdot b = a_1 b_1, \dots", r"\dots", "an equation"),
        (r"a \cdot b = |b_1 + |a_2||", "|a_2", "bars inside of bars"),
        (r"a \cdot b = b_1 q(a_1)", "q", "not a name of anything"),
        (r"a \cdot b = a^\top + b", "+", "in products only"),
        (r"a \cdot b = a + b^\top", "+", "in products only"),
        (r"a \cdot b = b \cdot a^\top", r"\cdot a", "in products only"),
        (r"a \cdot b = (a - b_1)_1", "-", "shapes"),
        (r"a \cdot b = a_1 b_1, \quad a_i = a_i, \quad \mu = 1, \dots, 3", r"\mu", "a list reads"),
        (r"a \cdot b = \frac{a_1}12 b_1", "12", "several digits"),
        (r"a \cdot b = \sqrt(a_1) b_1", "(", "one token"),
        (r"a \cdot b = \hat", r"\hat", "nothing follows"),
        (r"a \cdot b = \hat{u v}", r"\hat", "takes one letter"),
        (r"a \cdot b = a_1^", "the end", "nothing follows"),
        (r"a \cdot b = b_1 \lVert a \rVert_", r"\lVert", "no norm"),
        (r"a \cdot b = \frac{a_1}{b_1}^2", "^", "ambiguous"),
        (r"a \cdot b = (a b^\top)^2_{11} ", "_", "ambiguous"),
        (r"a \cdot b = (a b^\top)^\top_1 ", "_", "ambiguous"),
        (r"a \cdot b = (a b^\top)_1_1 ", "_", "ambiguous"),
        (r"a \cdot b = (a b^\top)^\top^2", "^", "ambiguous"),
        (r"a \cdot b = \exp(a_1)^2 b_1", "^", "ambiguous"),
        (r"a \cdot b = \sigma_1(a b^\top)^2", "^", "ambiguous"),
        (r"a \cdot b = \log a_1 / b_1", "/", "ambiguous"),
        (r"a \cdot b = 2 \log a_1 \cdot b_1", r"\cdot", "ambiguous"),
        (r"a \cdot b = a_1 / b_1 / b_2", "/ b_2", "ambiguous"),
        (r"a \cdot b = a_1 / b_1 \cdot b_2", r"\cdot b_2", "ambiguous"),
        (r"a \cdot b = (a b^\top)_{12, 1}", "_", "index 12 is not between 1 and 3"),
        (r"a \cdot b = \sum_i \sum_j (a b^\top)_{ij, 1}", "ij", "put a comma"),
        (r"a \cdot b = (a b^\top)_{}", "}", "no meaning"),
        (r"a \cdot b = \sum_i \sum_i a_i b_i", r"\sum_i a", "i has a value already"),
        (r"a_i \cdot b_i = \sum_i a_i b_i", r"\sum", "a letter runs twice"),
        (r"a \cdot b = \sum_{e=1}^{n} a_1 b_e", "e", "expected a letter"),
        (r"a \cdot b = \sum_{i < 3} a_i b_i", "<", "expected }"),
        (r"a \cdot b = \sum_{x \neq 0} a_1 b_1", r"\neq", "expected }"),
        (r"a \cdot b = \sum_{i \sim b} a_i", r"\sim", "expected }"),
        (r"a \cdot b = \sum_{i \in b} i a_1", "b", "is a set"),
        (r"a \cdot b = \mathbb{E}_{i \sim b, i > 1}[a_i]", ",", "expected }"),
        (r"a \cdot b = \max_{x \neq 0} x a_1 = b_1", r"\max", "no value here"),
        (r"a \cdot b < \max_{x \neq 0} x a_1 = b_1", r"\max", "no value here"),
        (r"a \cdot b = a_1 b_1 < \max_{x \neq 0} x", r"\max", "no value here"),
        (r"a \cdot b = a_1 b_1 = 2 \max_{x \neq 0} x", r"\max", "no value here"),
        (r"a \cdot b = a_1 = \max_{x \neq 0} b_1 x", "a", "b is bound but not used"),
        (r"a \cdot b = a_1 \mathbb{1}[\dots < b_1]", r"\dots", "no value here"),
        (r"a \cdot b = a_1 b_1 \mathbb{1}[\text{otherwise}]", r"\text", "no meaning"),
        (r"a \cdot b = \begin{cases} a_1 & \text{otherwise} \\ b_1 & b_1 > 0 \end{cases}", r"\text", "is the last"),
        (r"a \cdot b = \begin{cases} a_1 & a_1 < 0 \\ b_1 & b_1 < 0 \end{cases}", r"\begin", "0 cases hold"),
        (r"a \cdot b = s b_1, \quad s = a_1 = a_2", "= a_2", "did not expect"),
        (r"a \cdot b = s_1 b_1, \quad s_1 = a_1, \quad s_i = a_i", "_", "2 definitions of s at"),
        (r"a \cdot b = s^\top b, \quad s_i = a_i, \quad i = 0, \dots, 2", "s", "needs an index"),
        (r"a \cdot b = s b_1, \quad s =", "the end", "nothing follows ="),
        (r"a \cdot b = s_1 b_1, \quad s_i = a_i, \quad i < 1, \dots, 3", "i <", "a list reads"),
        (r"a \cdot b = s_1 b_1, \quad s_i = a_i, \quad i = 1, \dots, 2, \quad i = 1, \dots, 3", "i = 1, \\dots, 3", "two ranges"),
        (r"a \cdot b = a_1 b_1 + q, \quad q = a \cdot b", "q", "both sides"),
        (r"a \cdot b = a_1 b^2, \quad b^2 = 3", "^", "a power is of"),
        (r"a \cdot b = \exp(a_1, b_1)", r"\exp", "takes one argument"),
        (r"a \cdot b = \lVert a b^\top \rVert_1", r"\lVert", "no norm 1"),
        (r"a \cdot b = |a| b_1", "|", "a norm has an index"),
        (r"a \cdot b = \max(a b^\top)", r"\max", "of numbers or of one vector"),
        (r"a \cdot b = \sigma_{12, 1}(a b^\top)", r"\sigma", "one index and one matrix"),
        (r"a \cdot b = \lambda_1(2) a_1 b_1", r"\lambda", "takes a matrix"),
        (r"a \cdot b = e^a b_1", "^", "an exponent is a number"),
        (r"a \cdot b = 0 \infty a_1 b_1", r"\infty", "not a number"),
        (r"a \cdot b = \max(a_3, \dots, a_1) b_1", r"\dots", "from the smaller"),
        (r"a \cdot b = \max((a b^\top)_{1,1}, \dots, (a b^\top)_{3,1})", r"\dots", "of one index"),
        (r"a \cdot b = \det(\begin{pmatrix} a & b \end{pmatrix})", r"\begin", "of numbers"),
        (r"a^\top = b, a \cdot b = a_1", "a", "one side is transposed"),
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


def test_errors_show_the_line() -> None:
    latex = "a \\cdot b =\na_1 b_1 + \\foo(a)\n+ a_1"
    with pytest.raises(FormulaError) as caught:
        check(VECTORS, latex, np.asarray(3.0), a=A, b=B)
    line = r"    a_1 b_1 + \foo(a)"
    assert str(caught.value).splitlines()[1:] == [line, " " * line.index("\\") + "^"]


@pytest.mark.parametrize("sign", ["<", r"\leq"])
def test_inequalities_hold_everywhere(sign: str) -> None:
    latex = rf"a \cdot b = a_1 b_1, \quad a_i {sign} b_i"
    check(VECTORS, latex, np.asarray(2.0), a=A, b=2 * np.ones(3) + (A > 2) * 3)
    with pytest.raises(DisagreementError, match="does not hold"):
        check(VECTORS, latex, np.asarray(3.0), a=A, b=B)


def test_dots_hold_one_by_one() -> None:
    latex = r"a \cdot b = a_1 b_1, \quad b_1 \geq \dots \geq b_n \geq 0"
    check(VECTORS, latex, np.asarray(3.0), a=A, b=np.sort(B)[::-1])
    for wrong in (B, -B, B - 0.6):
        with pytest.raises(DisagreementError):
            check(VECTORS, latex, np.asarray(wrong[0]), a=A, b=wrong)


@pytest.mark.parametrize(
    "latex",
    [
        r"(A B)_{ij} = \sum_l A_{il} B_{lj}",
        r"(A B)_{ij} = \sum_l C_{il} B_{lj}, \quad C = A",
        r"(A B)_{ij} = \sum_l C_{il} E_{lj}, \quad C_{il} = A_{il}, \quad E_{lj} = B_{lj}",
        r"(A B)_{ij} = \sum_l (A^\top)_{li} (B^\top)_{jl}",
        r"A B = (B^\top A^\top)^\top",
        r"(A B)_i = B^\top A_i",
    ],
)
def test_every_element_counts(latex: str) -> None:
    wrong = ONE @ TWO
    check(MATRICES, latex, wrong, a=ONE, b=TWO)
    wrong[2, 3] += 1e-6
    with pytest.raises(DisagreementError):
        check(MATRICES, latex, wrong, a=ONE, b=TWO)


def test_infinite_results() -> None:
    latex = r"a \cdot b = b_1 \log(a_1 - a_1)"
    check(VECTORS, latex, np.asarray(-np.inf), a=A, b=B)
    for wrong in (np.inf, -1e300, np.nan):
        with pytest.raises((DisagreementError, FormulaError)):
            check(VECTORS, latex, np.asarray(wrong), a=A, b=B)


def test_derivatives() -> None:
    latex = (
        r"H_{ij} = \frac{\partial^2 f(x)}{\partial x_i \, \partial x_j}"
        r" + \nabla f(x)_i - \frac{\partial f(x)}{\partial x_i}"
    )
    values: dict[str, Any] = {"f": lambda x: (x**3).sum() * x[0], "x": A}
    hessian = entry("hessian").function(**convert(values, "torch"))
    check(entry("hessian"), latex, hessian, **values)
    for wrong, message in {
        r"H_{ij} = \frac{\partial^i f(x)}{\partial x_j}": "order 0 by 1",
        r"H_{ij} = \frac{\partial f(x)}{\partial x_i \, \partial x_j}": "order 1 by 2",
        r"H_{ij} = \frac{\partial^2 f(x)}{\partial x_i \, \partial n} j": "by one argument",
        r"H_{ij} = \frac{\partial (f(x))}{\partial x_i} j": "of a function",
        r"H_{ij} = \frac{\partial f(x)}{\partial (x_i)} j": "by one argument",
        r"H_{ij} = f(x) \nabla (x_i)": "needs a function",
        r"H_{ij} = f \cdot x_i": "needs its argument",
    }.items():
        with pytest.raises(FormulaError, match=message):
            check(entry("hessian"), wrong, hessian, **values)


def test_equal_letters_of_a_symbol_are_equal_indices() -> None:
    loss = entry("dpo_loss")
    with pytest.raises(FormulaError, match="have to be the same"):
        executable(loss, loss.formula.replace(r"x_i", r"x_1", 1))


def test_a_formula_without_symbols() -> None:
    assert read_display("1 = 2 - 1", []).length == 5


def test_what_is_told_of_a_display() -> None:
    assert read_display("a + a = 2 a", [Name("a", ("a",))]).taken == {"a": 3}
    assert executable(entry("byte_pair_merge")).is_partial
    assert not executable(entry("svd")).is_partial
    assert why_not(with_symbols(VECTORS, a="c")) == "c is bound but not used"


def with_symbols(of: Entry, **symbols: str) -> Entry:
    """The entry with other symbols beside its arguments and under Returns."""

    @functools.wraps(of.function)
    def function(*given: Any, **named: Any) -> Any:
        return of.function(*given, **named)

    for name, latex in symbols.items():
        put = rf"\1:math:`{latex}`".replace("\\", "\\\\").replace(r"\\1", r"\1")
        function.__doc__ = re.sub(rf"(\n *{name}:\s+):math:`[^`]*`", put, str(function.__doc__))
    return Entry(of.topic, function)


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        (("a", "a"), "a stands for two arguments"),
        (("n", "b"), "n is a size and an argument"),
        (("a", r"a \cdot b"), "stands for two values"),
        (("a", r"\log b_i, c_i"), "c _ i is bound but not used"),
    ],
)
def test_every_symbol_has_one_value(symbols: tuple[str, str], message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        executable(with_symbols(VECTORS, **dict(zip("ab", symbols))))


@pytest.mark.parametrize("symbols", [r"(U, \sigma)", r"(\cdot, \cdot, \cdot)"])
def test_every_result_has_a_symbol(symbols: str) -> None:
    with pytest.raises(FormulaError, match="a result has no symbol"):
        executable(with_symbols(entry("svd"), Returns=symbols))


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("H _ { i + 1 } ) x", 8),
        ("H _ { a _ { b } } ) x", 10),
        ("H _ j ) x", 4),
        ("H _ 12 )", 4),
        ("H _ + )", 0),
        ("H _ j x", 0),
        ("G _ j )", 0),
        ("H _ j", 0),
    ],
)
def test_a_name_leaves_a_place_for_an_index(words: str, size: int) -> None:
    assert match(("H", "_", None, ")"), words.split()) == size


def test_a_logarithm_gives_its_symbol_a_value() -> None:
    logs = executable(with_symbols(VECTORS, b=r"\log b"))
    compare(logs, {"a": A, "b": np.log(B)}, np.asarray(A @ B))


def test_blocks_of_rows() -> None:
    blocks = with_symbols(MATRICES, b="B, C")
    latex = r"(A B)_{ij} = A_{i,1} B_{1,j} + A_{i,2} C_{1,j}"
    check(blocks, latex, ONE @ TWO, a=ONE, b=TWO)


def test_an_element_left_out_is_noticed() -> None:
    latex = r"y_i = \gamma_i x_i + \beta_i + \epsilon - \epsilon, \quad i = 1, \dots, d - 1"
    values = {"x": A, "gamma": B, "beta": A}
    with pytest.raises(FormulaError, match="not all of y is given"):
        check(entry("layer_norm"), latex, B * A + A, eps=1.0, **values)


def test_an_extremum_over_a_continuum_is_reported() -> None:
    shown = executable(entry("spectral_norm"), entry("spectral_norm").formula + ", 1 < 2")
    assert shown.unexecuted == (r"\max_{x \neq 0} \frac{\lVert A x \rVert_2}{\lVert x \rVert_2}",)
    assert why_not(entry("spectral_norm")) == ""
    chain = r"\lVert A \rVert_2 = \sigma_1(A) \leq %s \sigma_1(A) = \max_{x \neq 0} x"
    check(entry("spectral_norm"), chain % 2, np.linalg.norm(ONE, 2), a=ONE)
    with pytest.raises(DisagreementError):
        check(entry("spectral_norm"), chain % r"\frac12", np.linalg.norm(ONE, 2), a=ONE)
    with pytest.raises(FormulaError, match="nothing is left to execute"):
        executable(
            entry("spectral_norm"), r"\lVert A \rVert_2 = \max_{x \neq 0} \lVert A x \rVert_2"
        )


# Expressions of the grammar beside what they are in Python.
numbers = st.integers(1, 9).map(lambda n: (str(n), float(n)))
components = st.integers(1, 3).map(lambda i: (f"a_{i}", float(A[i - 1])))


def fresh(latex: str) -> str:
    """A letter that no sum inside runs over."""
    return "ijklmopqrstuvwxyz"[latex.count("sum")]


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
        inner.map(lambda p: (rf"\sum_{{{fresh(p[0])}=1}}^{{n}} ({p[0]})", 3 * p[1])),
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
