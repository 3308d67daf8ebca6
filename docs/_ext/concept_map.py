"""The tables of the map, of the notation page and of the start page, in MyST, from the catalog."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import ModuleType

import plots
from bibliography import DOCS

from mlmath_ref import sets
from mlmath_ref.annotations import Set
from mlmath_ref.catalog import Entry, Role, domains, entries, topics
from mlmath_ref.index import inline as inline, libraries, library_calls, works

CHAPTERS = {
    "1": "Linear algebra",
    "2": "Calculus",
    "3": "Probability",
    "4": "Information theory",
    "5": "Optimization",
    "6": "Machine learning",
}
# An order of prerequisites: the tests hold that no entry calls one of a later domain.
CURRICULUM = (
    "linear_algebra",
    "decompositions",
    "calculus",
    "numerics",
    "probability",
    "statistics",
    "information",
    "optimization",
    "activations",
    "losses",
    "regularization",
    "layers",
    "embeddings",
    "attention",
    "transformer",
    "language_modeling",
    "graphs",
    "kernels",
    "efficiency",
    "scaling",
    "generative",
    "alignment",
)


def myst(text: str) -> str:
    """Roles of reStructuredText as MyST writes them."""
    return re.sub(r":([a-z]+(?::[a-z]+)?):`", r"{\1}`", text).replace("``", "`")


def table(head: list[str], rows: list[list[str]], widths: str) -> str:
    lines = ["```{list-table}", ":header-rows: 1", f":widths: {widths}", ":class: map", ""]
    for row in [head, *rows]:
        lines += [f"{'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(row)]
    return "\n".join([*lines, "```", ""])


def link(e: Entry) -> str:
    return f"{{ref}}`{e.concept} <{e.name}>`"


def source(role: Role) -> str:
    return f"{{cite:t}}`{', '.join(f'{c.key}{{{c.locator}}}' for c in role.citations)}`"


def sentence(role: Role) -> str:
    """What the mathematics does there, without the citation, which has a column of its own."""
    text = re.sub(r"\s*:cite:[a-z]+:`[^`]+`", "", role.text)
    return myst(text)


def formula(e: Entry) -> str:
    return f"{{math}}`{inline(e.formula)}`"


def sections() -> dict[str, list[Entry]]:
    """The entries of each section of the map."""
    inside: dict[str, list[Entry]] = defaultdict(list)
    for topic in topics():
        inside[topic.section] += topic.entries
    return dict(sorted(inside.items(), key=lambda item: numbered(item[0])))


def numbered(section: str) -> list[int]:
    """6.10 comes after 6.9."""
    return [int(n) for n in section.partition(" ")[0].split(".")]


def chaptered(show: Callable[[list[Entry]], str]) -> str:
    """Something of each section's entries, under the headings of chapters and sections."""
    parts = []
    chapter = ""
    for section, inside in sections().items():
        if section[0] != chapter:
            chapter = section[0]
            parts.append(f"## {chapter} {CHAPTERS[chapter]}\n")
        if section.partition(" ")[0] != chapter:
            parts.append(f"### {section}\n")
        parts.append(show(inside))
    return "\n".join(parts)


def by_section() -> str:
    """Concept, formula, role, system and source, in the order of the chapters."""
    head = ["Concept", "System", "Role", "Source"]
    return chaptered(
        lambda inside: table(head, [r for e in inside for r in section_rows(e)], "34 16 32 18")
    )


def all_formulas() -> str:
    """Every formula, for one sheet."""
    return chaptered(
        lambda inside: "\n".join(["```{container} sheet", *map(sheet_item, inside), "```", ""])
    )


def sheet_item(e: Entry) -> str:
    return f"- {link(e)}\n\n  {{math}}`\\displaystyle {inline(e.formula)}`"


def all_plots() -> str:
    """Every plot, under the entry that it draws."""
    parts = []
    for section, inside in sections().items():
        if shown := [e for e in inside if e.name in plots.drawn()]:
            parts.append(f"## {section.partition(' ')[2]}\n")
        for e in shown:
            parts.append(f"{link(e)}\n\n```{{raw}} html\n:file: {plots.path(e.name)}\n```\n")
    return "\n".join(parts)


def by_chapter() -> str:
    """The curriculum: chapter, its mathematics, the systems and the works that use it."""
    rows = []
    for module in curriculum():
        inside = [e for e in entries() if e.domain == domain_name(module)]
        systems = {r.system: e for e in reversed(inside) for r in e.uses}
        works = dict.fromkeys(c.key for e in inside for r in e.uses for c in r.citations)
        rows.append(
            [
                f"{domain_link(module)}\n\n    {question(module)}",
                ", ".join(map(link, inside)),
                ", ".join(
                    f"{{ref}}`{s} <{systems[s].name}-roles>`"
                    for s in sorted(systems, key=str.lower)
                ),
                ", ".join(f"{{cite:t}}`{k}`" for k in sorted(works)),
            ]
        )
    return table(["Chapter", "Mathematics", "Systems", "Works"], rows, "18 32 28 22")


def curriculum() -> list[ModuleType]:
    """The domains in the order of the curriculum."""
    found = {domain_name(m): m for m in domains()}
    if set(found) != set(CURRICULUM):
        different = sorted(set(found) ^ set(CURRICULUM))
        raise ValueError(f"CURRICULUM must name every domain once, got a difference in {different}")
    return [found[name] for name in CURRICULUM]


def domain_name(module: ModuleType) -> str:
    return module.__name__.partition(".")[2]


def domain_title(module: ModuleType) -> str:
    return inline(module.__doc__ or "").partition(": ")[0]


def domain_link(module: ModuleType) -> str:
    return f"[{domain_title(module)}](/topics/{domain_name(module)}/index)"


def question(module: ModuleType) -> str:
    text = inline(module.__doc__ or "").partition(": ")[2]
    return text[:1].upper() + text[1:]


def section_rows(e: Entry) -> Iterator[list[str]]:
    """A row a role; concept and formula stand in the first."""
    for i, role in enumerate(e.uses):
        concept = f"{link(e)}\n\n    {formula(e)}" if i == 0 else ""
        yield [concept, role.system, f"*{role.kind}*: {sentence(role)}", source(role)]


def by_system() -> str:
    """The inverse: every system, and the mathematics that it rests on."""
    found = [(role.system, e, role) for e in entries() for role in e.uses]
    rows = []
    above = ""
    for system, e, role in sorted(found, key=lambda f: (f[0].lower(), f[1].concept)):
        name = system if system != above else ""
        rows.append([name, link(e), f"*{role.kind}*: {sentence(role)}", source(role)])
        above = system
    return table(["System", "Concept", "Role", "Source"], rows, "20 20 40 20")


def all_sets() -> str:
    """Every set that a signature may name."""
    found = {name: s for name, s in vars(sets).items() if isinstance(s, Set)}
    rows = [
        [f"`{name}`", f"${example(s)}$", s.words.format(upper="its bound")]
        for name, s in sorted(found.items())
    ]
    return table(["Set", "Written", "Members"], rows, "27 20 53")


def example(s: Set) -> str:
    dims = {0: "", 1: "n", 2: "m n"}[s.axes]
    bound = "k" if "{upper}" in s.latex else None
    return s[float, dims, bound].__metadata__[0].latex()


def all_domains() -> str:
    """Every domain, its question, and its entries."""
    rows = [
        [
            domain_link(module),
            question(module),
            ", ".join(link(e) for e in entries() if e.domain == domain_name(module)),
        ]
        for module in domains()
    ]
    return table(["Domain", "Its question", "Entries"], rows, "20 35 45")


# Calls of libraries ---------------------------------------------------------------------------


def by_call() -> str:
    """From a library's name to the entries."""
    calls: dict[str, list[Entry]] = defaultdict(list)
    for e in entries():
        for name in library_calls(e):
            calls[name].append(e)
    rows = [
        [f"`{name}`", ", ".join(map(link, found))]
        for name, found in sorted(calls.items(), key=lambda c: c[0].lower())
    ]
    return table(["Library", "Entry"], rows, "60 40")


def by_entry() -> str:
    """From an entry to the expression that gives the same."""
    rows = []
    for e in entries():
        simple = dict.fromkeys(o for o in library_calls(e).values() if len(o) < 100)
        if simple:
            rows.append([link(e), "\n\n    ".join(f"`{o}`" for o in simple)])
    return table(["Entry", "Gives the same"], rows, "30 70")


# The search -----------------------------------------------------------------------------------


def by_query() -> str:
    """How well the search found what was asked for, as ``make bench`` last measured it."""
    measured = json.loads((DOCS / "search.json").read_text(encoding="utf-8"))
    rates = [(s, k) for s in ("ours", "stock") for k in ("first", "five", "mrr")]
    rows = [
        [kind, str(m["queries"]), *(f"{m[search][key]:.2f}" for search, key in rates)]
        for kind, m in sorted(measured.items(), key=lambda item: item[0] == "overall")
    ]
    head = ["Kind", "Queries", "First", "In five", "MRR", "Sphinx: first", "In five", "MRR"]
    return table(head, rows, "22 12 11 11 11 11 11 11")


# Facets ---------------------------------------------------------------------------------------


def by_name() -> str:
    """Every concept and every other name, with the letters as headings."""
    named: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for e in entries():
        for name in dict.fromkeys([e.concept, *e.also_called]):
            plain = re.sub(r":\w+:|[`\W_]", "", name)
            named[plain[:1].upper() if plain[:1].isalpha() else "0-9"][name].append(e)
    parts = []
    for letter, names in sorted(named.items()):
        lines = [f"## {letter}", "", "```{container} names", ""]
        lines += [f"- {named_entries(n, names[n])}" for n in sorted(names, key=str.lower)]
        parts.append("\n".join([*lines, "```", ""]))
    return "\n".join(parts)


def named_entries(name: str, found: list[Entry]) -> str:
    if found[0].concept == name:
        return link(found[0])
    shown = myst(name) if "`" in name else re.sub(r"([\\*_^$<\[])", r"\\\1", name)
    return f"{shown}: {', '.join(map(link, found))}"


def faceted(title: str, groups: dict[str, list[Entry]], widths: str = "20 80") -> str:
    """A table of values and the entries that have them."""
    rows = [[value, ", ".join(map(link, dict.fromkeys(found)))] for value, found in groups.items()]
    return table([title, "Entries"], rows, widths)


def by_kind() -> str:
    """Kinds of roles."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for e in entries():
        for role in e.uses:
            groups[role.kind].append(e)
    return faceted("Kind of role", dict(sorted(groups.items())))


def by_library() -> str:
    """Libraries whose code the tests compare with the entries."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for e in entries():
        for library in libraries(e):
            groups[f"`{library}`"].append(e)
    return faceted("Library", dict(sorted(groups.items())))


def by_year() -> str:
    """Years of the works cited, the latest first."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for e in entries():
        for citation in e.citations:
            groups[works().entries[citation.key].fields["year"]].append(e)
    return faceted("Year", dict(sorted(groups.items(), reverse=True)), "10 90")
