"""The machinery: sets, checks, catalog and standalone texts."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawing import LIBRARIES
from specimen import specimen

from mlmath_ref import catalog, index, prompt, records, sets
from mlmath_ref.annotations import Set, Spec, read
from mlmath_ref.arrays import Array
from mlmath_ref.attention.dot_product_attention import scaled_dot_product_attention
from mlmath_ref.catalog import entries, entry
from mlmath_ref.information.divergence import kl_divergence
from mlmath_ref.sets import Labels, Natural, Real, Simplex, checked
from mlmath_ref.standalone import standalone

ROOT = Path(__file__).parents[1]
SETS = {name: s for name, s in vars(sets).items() if isinstance(s, Set)}
each_set = pytest.mark.parametrize("name", SETS)


def spec_of(name: str, dims: str = "k n n") -> Spec:
    return Spec(SETS[name], Array, tuple(dims.split()), "3")


@each_set
def test_members_are_members(name: str) -> None:
    spec = spec_of(name)
    sizes = {"k": 2, "n": 4}
    for seed in range(5):
        assert spec.contains(spec.set.draw(np.random.default_rng(seed), (2, 4, 4), 3), sizes)
    for edge in spec.set.edges((2, 4, 4), 3):
        assert spec.contains(edge, sizes)


@each_set
def test_what_is_outside_is_outside(name: str) -> None:
    for value in SETS[name].outside:
        assert not spec_of(name).contains(np.full((2, 4, 4), value), {})


@each_set
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_membership_is_the_same_in_every_library(name: str, library: str) -> None:
    if SETS[name].kind == "object":
        return
    spec, sizes = spec_of(name), {"k": 2, "n": 4}
    outside = [np.full((2, 4, 4), v) for v in SETS[name].outside]
    for x in [*spec.set.edges((2, 4, 4), 3), *outside]:
        given = LIBRARIES[library](np.asarray(x))
        assert spec.contains(given, sizes) == spec.contains(np.asarray(x), sizes), x


@each_set
def test_a_step_along_the_tangent_stays_inside(name: str) -> None:
    spec = spec_of(name)
    if spec.set.kind == "real floating" and name != "Orthogonal":  # no entry moves along it
        rng = np.random.default_rng(0)
        inside = spec.set.draw(rng, (2, 4, 4), 3)
        assert spec.contains(inside + 1e-3 * spec.set.tangent(rng.normal(size=(2, 4, 4))), {})


@pytest.mark.parametrize(
    ("name", "outsider"),
    [
        ("Simplex", np.asarray([[0.5, 0.6]])),
        ("Simplex", np.asarray([[1.5, -0.5]])),
        ("Joint", np.asarray([[0.5, 0.5], [0.5, 0.5]])),
        ("Logits", np.asarray([[-np.inf, -np.inf]])),
        ("Logits", np.asarray([[np.inf, 0.0]])),
        ("Nonzero", np.zeros((1, 2))),
        ("Symmetric", np.asarray([[1.0, 2.0], [3.0, 4.0]])),
        ("SPD", np.asarray([[1.0, 2.0], [2.0, 1.0]])),
        ("Orthogonal", np.asarray([[1.0, 1.0], [0.0, 1.0]])),
        ("Adjacency", np.eye(2)),
        ("Adjacency", np.asarray([[0.0, -1.0], [-1.0, 0.0]])),
        ("Mask", np.asarray([[False, False]])),
        ("Labels", np.asarray([[0, 3]])),
        ("Natural", np.asarray([[1, 4]])),
    ],
)
def test_outsiders_are_found(name: str, outsider: Any) -> None:
    assert not spec_of(name, "m n").contains(outsider, {})


@pytest.mark.parametrize(
    ("annotation", "latex"),
    [
        (Simplex[Array, "*batch n"], r"(\Delta^{n-1})^{\ast}"),
        (Real[Array, "*batch n d_model"], r"\mathbb{R}^{\ast \times n \times d_{\mathrm{model}}}"),
        (Real[Array, "4*m d"], r"\mathbb{R}^{4 m \times d}"),
        (Real[Array, ""], r"\mathbb{R}"),
        (Natural[int, "", "min(m, n)"], r"\{1, \dots, \min(m, n)\}"),
        (Natural[int, ""], r"\{1, 2, \dots\}"),
        (Natural[int, "", "total - 1"], r"\{1, \dots, \mathrm{total} - 1\}"),
        (Labels[Array, "n", "V"], r"\{0, \dots, V - 1\}^{n}"),
    ],
)
def test_latex_of_sets(annotation: Any, latex: str) -> None:
    spec = read(annotation)
    assert spec
    assert spec.latex() == latex


def test_transforms_pass_the_checks() -> None:
    p = torch.tensor([[0.2, 0.8], [0.6, 0.4]], dtype=torch.float64)
    q = p.flip(0)
    loop = torch.stack([kl_divergence(a, b) for a, b in zip(p, q)])
    torch.testing.assert_close(torch.func.vmap(kl_divergence)(p, q), loop)
    diagonal = torch.func.hessian(lambda q: kl_divergence(p[0], q))(q[0]).diagonal()
    torch.testing.assert_close(diagonal, p[0] / q[0] ** 2)


def test_masks_broadcast() -> None:
    rng = np.random.default_rng(0)
    q, k, v = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 5, 6))
    mask = np.tri(3, 5, 2) == 1
    whole = scaled_dot_product_attention(q, k, v, mask)
    np.testing.assert_array_equal(
        whole, scaled_dot_product_attention(q, k, v, np.stack([mask, mask]))
    )
    with pytest.raises(ValueError, match=r"mask must have shape"):
        scaled_dot_product_attention(q, k, v, np.stack([mask] * 3))


def test_tuples_are_checked_part_by_part() -> None:
    @checked
    def total(pair: tuple[Real[Array, "n"], Real[Array, "n"]]) -> Real[Array, "n"]:
        return pair[0] + pair[1]

    ones = np.ones(2)
    assert total((ones, ones)).tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match=r"total: pair\[1\] must have shape \(n\) = \(2,\)"):
        total((ones, np.ones(3)))
    with pytest.raises(ValueError, match="pair must be a tuple of 2"):
        total(ones)  # type: ignore[arg-type]  # the mistake under test


def test_catalog_needs_little() -> None:
    """Reading it imports no PyTorch, no SciPy and no checker of types."""
    code = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('torch', 'scipy', 'beartype', 'sklearn', 'mpmath'):
            raise ImportError(name + ' is not needed here')
sys.meta_path.insert(0, Refuse())
from mlmath_ref.catalog import entries
from mlmath_ref.standalone import standalone
for e in entries():
    e.roles, e.args, e.returns, e.formula, e.oracles, e.citations, e.calls
    [standalone(e, library) for library in e.libraries or ('numpy',)]
print(len(entries()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(entries())


def test_entry_is_read_whole() -> None:
    e = entry("kl_divergence")
    assert e.concept == "Kullback-Leibler divergence"
    assert e.domain == "information"
    assert "relative entropy" in e.also_called
    assert [a.name for a in e.args] == ["p", "q"]
    assert e.args[0].latex == "p"
    assert catalog.Citation("kingma2014auto", "eq. (3)") in e.citations


def test_unknown_entry() -> None:
    with pytest.raises(KeyError, match="no entry is named 'kl'"):
        entry("kl")


def test_phrases_are_asked_and_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "citation", lambda name, format: "")
    e = specimen()
    assert e.also_called == ("one", "two")
    assert e.asked_as == ("why is it infinite, and where", "KL(p||q)")
    assert index.details(e)["asked"] == e.asked_as
    assert records.record(e).asked_as == e.asked_as
    assert "two" in str(prompt.shown(e))
    assert "infinite" not in str(prompt.shown(e))


def test_a_contrast_is_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is printed with its label, and no table or filter counts it."""
    monkeypatch.setattr(prompt, "citation", lambda name, format: "")
    e = specimen()
    use, contrast = e.roles
    assert (use.is_use, contrast.is_use) == (True, False)
    assert e.uses == (use,)
    assert contrast.label == "does not use it"
    assert index.record(e)["roles"] == [["objective", "A"]]
    assert len(index.details(e)["texts"]) == 1
    assert "keeps another" in index.details(e)["prose"]
    assert [r.is_use for r in records.record(e).roles] == [True, False]
    assert [label for label, *_ in prompt.shown(e)["roles"]] == ["objective", "does not use it"]


def test_malformed_role() -> None:
    with pytest.raises(ValueError, match="a role reads 'kind -- System: sentence'"):
        catalog._role("objective: used everywhere")


def test_standalone_text() -> None:
    text = standalone(entry("scaled_dot_product_attention"), "torch")
    assert text.startswith("import math\nimport torch\n")
    assert text.index("def softmax(z):") < text.index(
        "def scaled_dot_product_attention(q, k, v, mask=None):"
    )
    assert "torch.amax" in text
    assert "entries/softmax.html" in text
    assert not re.search(r"from mlmath_ref|Args:|\bxp\b|checked|Simplex", text)


def test_standalone_for_unknown_library() -> None:
    with pytest.raises(ValueError, match=r"library must be one of \['numpy', 'torch'\], got 'jax'"):
        standalone(entry("softmax"), "jax")


SOURCES = [
    ROOT / "conf.py",
    *(p for folder in ("mlmath_ref", "docs/_ext", "tools") for p in (ROOT / folder).rglob("*.py")),
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_files_are_utf_8_in_every_locale(path: Path) -> None:
    """Where no encoding is named, Python takes that of the locale."""
    calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]  # fmt: skip
    unnamed = [
        n.lineno
        for n in calls
        if n.func.attr in ("read_text", "write_text")  # type: ignore[attr-defined]
        and "encoding" not in [k.arg for k in n.keywords]
    ]
    assert not unnamed, f"no encoding is named in lines {unnamed}"
