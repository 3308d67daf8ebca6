"""Form: what the page of every entry must have."""

import doctest
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest
from pybtex.database import parse_file

from mlmath_ref import catalog
from mlmath_ref.catalog import Entry, Topic, entries, topics

PACKAGE = Path(catalog.__file__).parent
WORKS = parse_file(PACKAGE / "references.bib").entries
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
each_topic = pytest.mark.parametrize("topic", topics(), ids=lambda t: f"{t.domain}.{t.name}")
REQUIRED = ("Args", "Returns", "Role in ML", "Numerics", "Checked against", "Examples")
GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "pi",
    "rho",
    "sigma",
    "tau",
    "phi",
    "chi",
    "psi",
    "omega",
    "ell",
]
CONSTANTS = {"e", "d", r"\pi"}


def letters(latex: str) -> set[str]:
    """The letters of a formula, without commands, environments and the names of functions."""
    latex = re.sub(r"\\(begin|end)\{[^{}]*\}(\{[lcr]+\})?", "", latex)
    latex = re.sub(r"\\(operatorname|mathrm|text)\*?\s*\{[^{}]*\}", "", latex)
    commands = set(re.findall(r"\\[A-Za-z]+", latex))
    latin = re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", latex))
    return set(latin) | {c for c in commands if c[1:].lower().removeprefix("var") in GREEK}


@each_entry
def test_sections(entry: Entry) -> None:
    present = list(entry.sections)
    assert [s for s in catalog.SECTIONS if s in present] == present, "sections are out of order"
    assert not set(REQUIRED) - set(present), f"missing: {set(REQUIRED) - set(present)}"
    unknown = re.findall(r"^([A-Z][\w ]+):$", inspect.getdoc(entry.function) or "", re.MULTILINE)
    assert not set(unknown) - set(catalog.SECTIONS), (
        f"unknown: {set(unknown) - set(catalog.SECTIONS)}"
    )


@each_entry
def test_summary_and_formula(entry: Entry) -> None:
    parts = (inspect.getdoc(entry.function) or "").split("\n\n")
    assert re.fullmatch(r"[^:\n]+: [^\n]+\.", parts[0]), (
        "the summary reads 'Concept: what it tells.' on one line"
    )
    assert parts[1].startswith(".. math::"), "the second paragraph is the defining display"
    assert (inspect.getdoc(entry.function) or "").count(".. math::") == 1, "exactly one display"
    assert entry.formula, "the display begins on the line of its directive or on the next"
    assert len(re.findall(r"[.!?](?:\s|$)", entry.law)) <= 3, "the law is at most three sentences"
    assert not re.search(r"[^\x00-\x7f]", inspect.getdoc(entry.function) or ""), (
        "LaTeX, not Unicode"
    )


@each_entry
def test_every_letter_is_declared(entry: Entry) -> None:
    """By the list of arguments, the result, the law, a size of the signature, or a running index."""
    told = " ".join(
        re.findall(
            r":math:`([^`]+)`",
            " ".join(
                [entry.law, *(entry.sections.get(s, "") for s in ("Args", "Returns", "Where"))]
            ),
        )
    )
    sizes = " ".join(d for s in entry.specs.values() for d in s.dims if not d.startswith("*"))
    running = " ".join(
        re.findall(
            r"\\(?:sum|prod|max|min|lim|arg\\max)_\{?\s*([A-Za-z](?:\s*,\s*[A-Za-z])*)",
            entry.formula,
        )
    )
    free = " ".join(re.findall(r"_\{?([^{}=\\]*)\}?", entry.formula.split("=")[0]))
    declared = (
        letters(" ".join([told, running, free])) | set(re.findall(r"[A-Za-z]", sizes)) | CONSTANTS
    )
    assert letters(entry.formula) <= declared, f"undeclared: {letters(entry.formula) - declared}"


@each_entry
def test_arguments_are_all_told(entry: Entry) -> None:
    assert [a.name for a in entry.args] == [k for k in entry.annotations if k != "return"]
    assert all(a.meaning for a in entry.args)


@each_entry
def test_roles(entry: Entry) -> None:
    assert entry.uses
    for role in entry.roles:
        assert role.kind in catalog.KINDS, f"{role.kind!r} is not one of {catalog.KINDS}"
        assert role.citations, f"the role in {role.system} cites nothing"
        assert all(c.locator for c in role.citations), (
            f"the role in {role.system} cites without a locator"
        )
        assert role.is_use or not role.witnesses, f"{role.system} does not use it: no witness"


@each_entry
def test_a_role_is_recent(entry: Entry) -> None:
    years = [
        int(WORKS[c.key].fields["year"]) for r in entry.uses for c in r.citations if c.key in WORKS
    ]
    assert max(years, default=0) >= 2024, f"no role cites a work of 2024 or later: {years}"


@each_entry
def test_works_are_in_the_bibliography(entry: Entry) -> None:
    missing = {c.key for c in entry.citations} - set(WORKS)
    assert not missing, f"not in references.bib: {missing}"


@each_entry
def test_another_name_is_of_this_entry(entry: Entry) -> None:
    said = [name.lower() for name in entry.also_called]
    assert len(said) == len(set(said)), "a name twice"
    taken = {n.lower(): e for e in entries() for n in (e.concept, e.name, e.name.replace("_", " "))}
    others = {name: taken[name].name for name in said if taken.get(name, entry) is not entry}
    assert not others, f"names of other entries: {others}"


@each_entry
def test_phrases_that_are_asked(entry: Entry) -> None:
    """Words there may name other entries: they are searched for and not printed."""
    asked = [phrase.lower() for phrase in entry.asked_as]
    assert all(asked), "an empty phrase, between two semicolons"
    assert len(asked) == len(set(asked)), "a phrase twice"
    names = {name.lower() for name in (entry.concept, entry.name, *entry.also_called)}
    assert not names & set(asked), f"these are names of it already: {names & set(asked)}"
    text = entry.sections.get("Asked as", ".").rstrip()
    assert text.endswith("."), "Asked as ends with a period"


def test_no_orphan_reference() -> None:
    pages = " ".join(p.read_text() for p in (PACKAGE.parent / "docs").rglob("*.md"))
    essays = " ".join([t.essay for t in topics()])
    cited = {c.key for e in entries() for c in e.citations} | set(
        re.findall(r"\w+", pages + essays)
    )
    assert not set(WORKS) - cited, f"nothing cites {sorted(set(WORKS) - cited)}"


@each_entry
def test_evidence(entry: Entry) -> None:
    assert entry.oracles, "no oracle"
    assert len(set(entry.oracles)) == len(entry.oracles), "an oracle twice"
    assert entry.sections["Examples"].count(">>> ") >= 2
    blocks = re.split(r"\n\s*\n", entry.sections["Examples"])
    for before, block in zip(["", *blocks], blocks):
        if block.lstrip().startswith(">>>"):
            assert before, "each example has a sentence above it"
            assert not before.lstrip().startswith(">>>"), "each example has a sentence above it"


@each_topic
def test_examples_print_what_python_prints(topic: Topic) -> None:
    """``python -m doctest`` compares whole texts, unless an example asks for less."""
    for finder in doctest.DocTestFinder(exclude_empty=True).find(topic.module):
        assert not any(e.options for e in finder.examples), f"an option in {finder.name}"


def test_years_fit_the_preprints() -> None:
    """A work appears in the year of its preprint, at most one before or six after."""
    found = {
        k: w.fields for k, w in WORKS.items() if re.match(r"\d{4}\.", w.fields.get("eprint", ""))
    }
    late = {k: int(f["year"]) - 2000 - int(f["eprint"][:2]) for k, f in found.items()}
    assert not {k: n for k, n in late.items() if not -1 <= n <= 6}


@each_entry
def test_body_is_short(entry: Entry) -> None:
    source = inspect.getsource(inspect.unwrap(entry.function)).split('"""')[2]
    lines = [
        line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")
    ]
    assert len(lines) <= 12, f"the body has {len(lines)} lines"


@each_topic
def test_topic(topic: Topic) -> None:
    assert len(topic.entries) <= 8, "a topic has at most eight entries"
    assert topic.title, "a topic opens with its title"
    assert "\n\n" in topic.essay, "a topic has a paragraph of theory"
    assert re.fullmatch(r"\d(\.\d+)? \w.+", topic.section), "a topic has its place on the map"
    assert topic.entries, "a topic has entries"


def test_names_are_unique() -> None:
    assert [n for n, count in Counter(e.name for e in entries()).items() if count > 1] == []
