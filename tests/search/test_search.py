"""The search: its parser of formulas, its engine on the built site, hostile input, and the benchmark."""

import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlmath_ref import state
from mlmath_ref.catalog import entries
from mlmath_ref.index import bag, cited, ignored

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "mlmath_ref" / "engine"
SITE = ROOT / "build" / "site" / "_static" / "search"
KILOBYTES = 60  # compressed, before the first result
MILLISECONDS = 2000  # for what nobody types, on a busy machine: what backtracks takes minutes

SAME = [
    [
        r"\operatorname{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right) V",
        "softmax(QK^T/sqrt(d_k))V",
        "softmax(QKᵀ/√dₖ)V",
    ],
    [r"\frac{1}{1 + e^{-x}}", "1/(1+exp(-x))", "1/(1 + e⁻ˣ)"],
    [
        r"\sum_{i=1}^{n} p_i \log \frac{p_i}{q_i}",
        "sum p log(p/q)",
        "Σ p log(p/q)",
        "∑ᵢ pᵢ ln(pᵢ/qᵢ)",
    ],
    [
        r"\lVert x \rVert_2",
        "||x||",
        "‖x‖₂",
        "sqrt(sum(x^2))",
        r"\sqrt{\sum_i x_i^2}",
        "√(x₁² + x₂² + … + xₙ²)",
    ],
    [r"w^\top x", r"\langle w, x \rangle", r"\sum_i w_i x_i", "wᵀx", "w.x"],
    [r"\frac{d}{dx} x^n = n x^{n-1}", "d/dx x^n = n x^(n-1)", "d/dx xⁿ = n xⁿ⁻¹"],
    [r"\frac{\partial^2 f}{\partial x_i \partial x_j}", "∂²f/∂xᵢ∂xⱼ"],
    [r"\theta \leftarrow \theta - \eta \nabla L", "theta = theta - eta grad L", "θ ← θ − η∇L"],
    [r"A A^{-1} = I", "A A^-1 = I", "A A⁻¹ = I", "A inv(A) = I"],
    [r"P(A \cap B) = P(A) \, P(B \mid A)", "P(A and B) = P(A)P(B|A)", "P(A∩B) = P(A)P(B|A)"],
    [
        r"\frac{1}{\sigma \sqrt{2 \pi}} \exp \left( -\frac{(x - \mu)^2}{2 \sigma^2} \right)",
        "exp(-(x-mu)^2/(2 sigma^2))/(sigma sqrt(2 pi))",
    ],
    [r"\max(0, x)", "max(0,x)", "[x]_+"],
    [r"\hat{w} = \arg\max_w p(D \mid w)", "ŵ = argmax_w p(D|w)"],
    [r"\tfrac12 \lambda \|w\|^2", "0.5*lambda*||w||^2", "½λ‖w‖²"],
    [r"\cos m\theta", "cos(m*theta)", "cos(mθ)"],
    [r"\frac{1}{n} \sum_i (y_i - \hat{y}_i)^2", "sum((y - yhat)^2)/n", "1/n Σ(yᵢ − ŷᵢ)²"],
    [r"W^{l}_{jk}", "W_{jk}"],
    [r"\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}", "(x-mu)/sqrt(var+eps)", "(x − μ)/σ"],
    [r"1 + \log \sigma^2 - \sigma^2", "1+logvar-exp(logvar)"],
    [r"A^+ = V \Sigma^+ U^\top", "A⁺ = VΣ⁺Uᵀ"],
    [r"\sigma_{\max}", "σₘₐₓ"],
    [r"\arg\max_\theta p(D|\theta)", "argmax p(D|theta)"],
    [r"D_{\mathrm{KL}}(p \,\|\, q)", "D_KL(p||q)", "KL(p||q)", "KL(p‖q)"],
]
OTHER = [
    ("p log(p/q)", "p log(q/p)"),
    ("1/(1+exp(-x))", "1/(1-exp(-x))"),
    ("||x||_1", "||x||_2"),
    ("x + y", "x y"),
    (r"\sigma(x)", r"\tanh(x)"),
    ("sum(x)^2", "sum(x^2)"),
    ("x^k (1-x)^(1-k)", "x (1-x)"),
    ("D_KL(p||q)", "D_JS(p||q)"),
    (r"\nabla f(x) \nabla f(y)", r"\nabla f(x) \nabla f(x)"),
    ("n [a + b]^{-1}", "n"),
]
HOSTILE = [
    "x" * 100_000,
    "\\frac{" * 20_000,
    "(" * 100_000,
    "{[(" * 30_000 + ")" * 10,
    "}" * 1000 + "\\end{cases}",
    "|" * 10_000,
    "‖|" * 5_000,
    "x^" * 50_000,
    "x_{" * 5_000,
    "\\hat" * 5_000,
    "d/d" * 5_000,
    "-" * 100_000,
    "log " * 20_000,
    "\\begin{cases}" * 3_000,
    "∂/∂" * 5_000,
    "a " * 50_000,
    "".join(map(chr, range(1, 32))) * 50,
    "\u202e\u0000\ufeff\ud7ff\u200d" * 100,
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "__proto__ constructor toString hasOwnProperty",
    "\\", "\\\\", "$$", "^", "_", "'", "\\left", "\\begin{", "\\frac", "", " ", "\n", "0" * 5_000, "1e999", "\\sqrt[",
    "(a+)+$" * 2_000,
]  # fmt: skip


def node(code: str, *given: Any, cwd: Path) -> Any:
    """What a module prints as JSON, of arguments that it finds in ``given``."""
    program = shutil.which("node")
    assert program, "no node was found: install Node.js 18 or later"
    module = cwd / "test.mjs"
    module.write_text(f"const given = JSON.parse({json.dumps(json.dumps(given))});\n{code}")
    done = subprocess.run([program, module], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, where every version of node takes them for ES modules."""
    folder = tmp_path_factory.mktemp("search")
    for path in SOURCES.glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


@pytest.fixture(scope="session")
def site(modules: Path) -> Path:
    assert (SITE / "index.js").exists(), "there is no site yet: run make site"
    return modules


LOAD = f"""
import {{ readFileSync }} from "node:fs";
import vm from "node:vm";
const window = {{}};
const context = vm.createContext({{ window, performance }});
for (const name of ["index.js", "details.js"]) vm.runInContext(readFileSync({str(SITE)!r} + "/" + name, "utf8"), context);
const {{ Engine, index, details }} = window.mapSearch;
const engine = new Engine(index);
engine.complete(details);
const print = (value) => console.log(JSON.stringify(value));
"""


def test_notations_of_a_formula_are_one_tree(modules: Path) -> None:
    code = 'import { canonical } from "./parser.js";\nconsole.log(JSON.stringify(given[0].map((group) => group.map(canonical))));'
    for texts, trees in zip(SAME, node(code, SAME, cwd=modules), strict=True):
        assert len(set(trees)) == 1, dict(zip(texts, trees, strict=True))


def test_other_formulas_are_other_trees(modules: Path) -> None:
    code = 'import { canonical } from "./parser.js";\nconsole.log(JSON.stringify(given[0].map((pair) => pair.map(canonical))));'
    for texts, (a, b) in zip(OTHER, node(code, OTHER, cwd=modules), strict=True):
        assert a != b, texts


def test_every_formula_of_the_catalog_is_read_whole(modules: Path) -> None:
    """Every letter of a formula stands in a leaf of its tree, or in an index of one."""
    code = """
    import { tokens } from "./lexer.js";
    import { parse } from "./parser.js";
    const ends = (n) => [n.e, ...n.args.flatMap(ends)];
    console.log(JSON.stringify(given[0].map((latex) => {
      const last = tokens(latex).filter((t) => t.k === "name" || t.k === "num").at(-1);
      return Math.max(...parse(latex).flatMap(ends)) - last.e;
    })));"""
    formulas = [" ".join(e.formula.split()) for e in entries()]
    for latex, left in zip(formulas, node(code, formulas, cwd=modules), strict=True):
        assert left >= 0, latex


def test_hostile_input_is_read_at_once(site: Path) -> None:
    code = (
        'import { parse } from "./parser.js";\n'
        + LOAD
        + """
    engine.search("x^2 + y^2 = 1"); // the index of formulas is built
    print(given[0].map((text) => {
      const from = performance.now();
      parse(text);
      const parsed = performance.now();
      const { results } = engine.search(text);
      return [parsed - from, performance.now() - parsed, results.length];
    }));"""
    )
    for text, (parsed, searched, _) in zip(HOSTILE, node(code, HOSTILE, cwd=site), strict=True):
        assert parsed < MILLISECONDS, text[:40]
        assert searched < MILLISECONDS, text[:40]


def test_damaged_formulas_are_read(modules: Path) -> None:
    """Formulas in which anything was put in, left out or cut off."""
    marks = [
        *"{}()[]^_|&-=<*'.",
        "‖",
        "∂",
        "∇",
        "Σ",
        "⊙",
        "…",
        "ₘₐₓ",
        "⁻¹",
        "\u0302",
        "\\\\",
        "\\hat",
        "\\sin",
    ]
    marks += [
        "\\frac",
        "\\sqrt",
        "\\left(",
        "\\begin{cases}",
        "\\end{cases}",
        "\\sum_",
        "d/d",
        "e^",
        "sum(",
    ]
    chance = random.Random(0)
    texts = []
    for _ in range(5000):
        text = chance.choice([e.formula for e in entries()])
        for _ in range(chance.randint(1, 6)):
            at = chance.randint(0, len(text))
            put, left = chance.choice(marks), chance.randint(1, 5)
            text = chance.choice(
                [text[:at] + put + text[at:], text[:at] + text[at + left :], text[:at]]
            )
        texts.append(text)
    code = """
    import { canonical } from "./parser.js";
    console.log(JSON.stringify(given[0].map((text) => typeof canonical(text))));"""
    assert set(node(code, texts, cwd=modules)) == {"string"}


def test_the_bundle_holds_every_entry_and_stays_small(site: Path) -> None:
    found = node(LOAD + "print(engine.entries);", cwd=site)
    assert {e["name"] for e in found} == {e.name for e in entries()}
    assert all(e["mathml"].startswith("<math") and e["texts"] and e["tells"] for e in found)
    text = (SITE / "index.js").read_bytes()
    assert b"Permission is hereby granted" in text
    assert len(gzip.compress(text, 9)) <= 1000 * KILOBYTES


def test_an_entry_is_found_by_its_own_names_and_formula(site: Path) -> None:
    code = (
        LOAD
        + "print(given[0].map((text) => engine.search(text, { limit: 5 }).results.map((r) => r.name)));"
    )
    found = list(entries())
    for queries in ([e.concept for e in found], [e.name for e in found]):
        ranked = node(code, queries, cwd=site)
        assert [
            e.name for e, names in zip(found, ranked, strict=True) if e.name not in names[:1]
        ] == []
    ranked = node(code, [e.formula for e in found], cwd=site)
    assert [e.name for e, names in zip(found, ranked, strict=True) if e.name not in names[:5]] == []


NOTATIONS = {
    "kl_divergence": [
        "KL(p||q)",
        "KL(P‖Q)",
        "D_KL(p||q)",
        r"D_{KL}(q \| p)",
        r"\mathrm{KL}(p \| q)",
    ],
    "sigmoid": ["σ(x)", "sigma(x)", r"\sigma(x)", "sigmoid(z)"],
    "entropy": ["H(p)"],
    "cross_entropy": ["H(p, q)"],
    "mutual_information": ["I(X;Y)"],
    "expectation": ["E[X]"],
    "variance": ["Var(X)"],
    "softmax": ["softmax(x)"],
    "relu": ["ReLU(x)"],
    "trace": ["tr(A)"],
}


def test_a_notation_finds_what_it_stands_for(site: Path) -> None:
    """The left side of a display, or a function by its name."""
    code = LOAD + "print(given[0].map((text) => engine.search(text).results[0]?.name));"
    queries = [(text, name) for name, texts in NOTATIONS.items() for text in texts]
    found = node(code, [text for text, _ in queries], cwd=site)
    assert [(text, name) for (text, _), name in zip(queries, found, strict=True)] == queries


def test_a_formula_that_is_asked_finds_its_entry(modules: Path) -> None:
    """Phrases of an entry that are formulas are notations of it, too."""
    code = """
    import { Engine } from "./engine.js";
    const entry = (name, latex) => ({
      name, latex, concept: name, also: [], roles: [], code: [], domain: "d", libraries: [], used: 0 });
    const detail = (asked) => ({ asked, tells: "", texts: [], works: [], calls: [], constants: "", prose: "" });
    const engine = new Engine({ entries: [
      entry("first", "a = -\\log p + q"), entry("second", "L = \\sum_i z_i")] });
    engine.complete({ entries: [detail([]), detail(["explodes", "-log p"])], works: {} });
    console.log(JSON.stringify(["-\\log p", "explodes"].map((q) => engine.search(q).results[0].name)));"""
    assert node(code, cwd=modules) == ["second", "second"]


SMALL = """
import { Engine } from "./engine.js";
const entry = ([name, concept, also, asked, authors = ""]) => ({ name, concept, also, asked, authors,
  latex: "", roles: [], code: [], domain: "d", libraries: [], used: 0 });
const made = (all) => {
  const list = all.map(entry);
  const engine = new Engine({ entries: list.map(({ asked, authors, ...e }) => e) });
  engine.complete({ works: Object.fromEntries(list.map((e) => [e.name, [e.authors, "", "", "", ""]])), entries: list.map((e) => ({
    asked: e.asked, tells: "", texts: [], works: [e.name], calls: [], constants: "", prose: "" })) });
  return engine;
};
const [all, queries] = given;
const engine = made(all);
console.log(JSON.stringify(queries.map((q) => engine.search(q).results[0]?.name)));"""


def test_what_is_asked_counts_like_a_name(modules: Path) -> None:
    """Also in a longer query; and a word is no rarer because others have it among their names."""
    found = [
        ["held", "One", [], ["error bars", "spread of results", "interval by resampling"]],
        ["words", "Error of many bars", [], ["bars of charts"]],
        ["name", "Squared kernel", ["squared exponential kernel"], ["length scale"]],
        ["other", "Density", [], ["covariance of all", "Mahalanobis distance"]],
        ["third", "Covariance of two", ["covariance"], []],
    ]  # fmt: skip
    queries = ["error bars on benchmark accuracy", "squared exponential covariance", "error bars"]
    assert node(SMALL, found, queries, cwd=modules) == ["held", "name", "held"]


def test_a_name_in_a_longer_query_counts_by_its_share(modules: Path) -> None:
    """A name of which the query has a part only counts by the square of the share, and by its own."""
    code = """
    import { Units } from "./engine.js";
    const units = new Units();
    units.add(0, "phrase", ["error", "bars"], 1);
    units.add(1, "phrase", ["error", "bars", "in", "charts"], 1);
    const groups = ["error", "bars", "benchmark", "accuracy"].map((term) => ({ worth: 1, alternatives: [{ term, weight: 1 }] }));
    const found = units.search(groups);
    console.log(JSON.stringify([0, 1].map((doc) => found.get(doc).phrase)));"""
    assert node(code, cwd=modules) == [0.5, 0.125]


def test_names_of_people_and_abbreviations_are_found_as_people_type_them(modules: Path) -> None:
    found = [
        ["rate", "One", [], ["learning rate of a run"]],
        ["first", "Two", [], [], "Weißenberger Rønne"],
        ["second", "Three", [], [], "Veličković"],
    ]
    queries = ["lr", "Weissenberger", "ronne", "velickovic", "Veličković"]
    assert node(SMALL, found, queries, cwd=modules) == [
        "rate", "first", "first", "second", "second"
    ]  # fmt: skip


def test_works_are_indexed_as_they_are_read() -> None:
    """Names and titles without the marks of LaTeX, and of many authors the first and the last."""
    for work in cited().values():
        assert not re.search(r"[\\{}]|\$[A-Za-z]", " ".join(work)), work
    authors = cited()["abramson2024accurate"][0].split()
    assert [authors[0], authors[-1], len(authors)] == ["Abramson", "Jumper", 12]


def test_words_that_are_not_looked_for_are_not_in_the_index() -> None:
    assert "which" in ignored()
    assert bag("the norm which is squared") == "norm squared"


def test_what_matches_is_a_range_of_the_formula(site: Path) -> None:
    code = (
        LOAD
        + """
    const { understood, results } = engine.search("QK^T/sqrt(d_k)", { limit: 5 });
    print({ understood, parts: results.flatMap((r) => {
      const { latex } = engine.entries.find((e) => e.name === r.name);
      return r.matched.map(([start, end]) => latex.slice(start, end));
    }) });"""
    )
    found = node(code, cwd=site)
    assert found["understood"]["kind"] == "formula"
    assert any(part.startswith(r"\frac{Q K^\top}{\sqrt{d_k}}") for part in found["parts"])


def test_words_are_corrected_and_results_filtered(site: Path) -> None:
    code = (
        LOAD
        + """
    const all = engine.search("norm");
    const some = engine.search("norm", { filters: { domain: ["layers"] } });
    print([engine.search("perplexty").understood.didYouMean, engine.search("perplexity").understood.didYouMean,
      all.facets.domain, some.results.map((r) => engine.entries.find((e) => e.name === r.name).domain)]);"""
    )
    wrong, right, domains, filtered = node(code, cwd=site)
    assert wrong == "perplexity"
    assert right is None
    assert {"layers", "linear_algebra"} <= set(domains)
    assert set(filtered) == {"layers"}


def test_filters_may_stand_in_the_query(site: Path) -> None:
    code = (
        LOAD
        + """
    const names = (query, options) => engine.search(query, options).results.map((r) => r.name);
    print([["norm domain:layers", "norm", { domain: ["layers"] }], ['norm library:"torch" year:2017', "norm", { library: ["torch"], year: ["2017"] }]]
      .map(([written, query, filters]) => [names(written), names(query, { filters })]));
    """
    )
    for written, given in node(code, cwd=site):
        assert written == given
        assert written


def test_other_pages_are_found_and_their_sections_exist(site: Path) -> None:
    code = (
        LOAD
        + 'print([details.guides, engine.search("quiz").guides[0], engine.search("quiz").isGuide]);'
    )
    guides, quiz, is_first = node(code, cwd=site)
    assert quiz["page"] == "quiz.html"
    assert is_first
    for guide in guides:
        path, _, anchor = guide["page"].partition("#")
        text = (SITE.parents[1] / path).read_text()
        assert not anchor or f'id="{anchor}"' in text, guide["page"]


def test_formulas_are_the_same_read_at_leisure_or_at_once(site: Path) -> None:
    code = (
        LOAD
        + """
    const slow = new Engine(index);
    slow.complete(details);
    let turns = 0;
    do { let left = 5; var isDone = slow.prepare(() => left-- > 0); turns++; } while (!isDone);
    const ask = (e) => e.search("sum p log(p/q)", { limit: 5 }).results;
    print([turns, ask(slow), ask(engine)]);"""
    )
    turns, slow, fast = node(code, cwd=site)
    assert turns > 10
    assert slow == fast


def test_the_saved_engine_answers_as_the_site(site: Path) -> None:
    """Scores, reasons and facets of every query of the benchmark are the same to the last digit."""
    lines = (ROOT / "tests" / "search" / "queries.tsv").read_text(encoding="utf-8").splitlines()
    queries = [line.partition("\t")[0] for line in lines[1:]]
    code = (
        LOAD
        + """
    const [scripts, queries] = given;
    const other = vm.createContext({});
    for (const script of scripts) vm.runInContext(script, other);
    const saved = vm.runInContext("engine", other);
    const told = (e, query) => {
      const { understood, results, facets } = e.search(query);
      return JSON.stringify([understood, results.map(({ name, score, why }) => [name, score, why]), facets]);
    };
    print(queries.filter((query) => told(engine, query) !== told(saved, query)));"""
    )
    assert (
        node(code, [json.loads(s) for s in state.scripts()], [*queries, *HOSTILE], cwd=site) == []
    )


def test_the_command_line_answers_as_the_site(site: Path) -> None:
    queries = [
        "kl",
        "swish",
        "perplexty",
        "softmax(QK^T/sqrt(d_k))V",
        r"\frac{1}{1 + e^{-x}}",
        "‖x‖₂",
    ]
    code = (
        LOAD + "print(given[0].map((q) => engine.search(q).results.map((r) => [r.name, r.score])));"
    )
    for query, ranked in zip(queries, node(code, queries, cwd=site), strict=True):
        command = [sys.executable, "-m", "mlmath_ref", "search", query, "--json", "--limit", "20"]
        env = os.environ | {"PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, check=True)
        assert [[r["name"], r["score"]] for r in json.loads(done.stdout)["results"]] == ranked


def test_a_worse_record_is_not_written(site: Path, tmp_path: Path) -> None:
    queries = (
        (ROOT / "tests" / "search" / "queries.tsv")
        .read_text()
        .replace("\tlayer_norm\n", "\tmatmul\n")
    )
    (tmp_path / "queries.tsv").write_text(queries)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "search.json", tmp_path / "docs")
    command = ["node", str(ROOT / "tools" / "search_bench.mjs"), "--record", "--folder", str(SITE)]
    command += ["--queries", str(tmp_path / "queries.tsv")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "not recorded" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
    recorded = (tmp_path / "docs" / "search.json").read_text()
    assert recorded == (ROOT / "docs" / "search.json").read_text()


def test_the_benchmark_is_as_good_as_recorded(site: Path) -> None:
    done = subprocess.run(
        ["node", "tools/search_bench.mjs"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
