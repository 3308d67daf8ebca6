"""The tables of the map, of the notation page and of the start page, in MyST, from the catalog."""

import re
from collections import defaultdict
from collections.abc import Iterator

from mlmath_ref import sets
from mlmath_ref.annotations import Set
from mlmath_ref.catalog import Entry, Role, domains, entries, topics

CHAPTERS = {
    "1": "Linear algebra",
    "2": "Calculus",
    "3": "Probability",
    "4": "Information theory",
    "5": "Optimization",
    "6": "Machine learning",
}


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
    return f"{{math}}`{' '.join(e.formula.split())}`"


def by_section() -> str:
    """Concept, formula, role, system and source, in the order of the chapters."""
    inside: dict[str, list[Entry]] = defaultdict(list)
    for topic in topics():
        inside[topic.section] += topic.entries
    parts = []
    chapter = ""
    for section in sorted(inside):
        if section[0] != chapter:
            chapter = section[0]
            parts.append(f"## {chapter} {CHAPTERS[chapter]}\n")
        if section.partition(" ")[0] != chapter:
            parts.append(f"### {section}\n")
        rows = [row for e in inside[section] for row in section_rows(e)]
        parts.append(table(["Concept", "System", "Role", "Source"], rows, "34 16 32 18"))
    return "\n".join(parts)


def section_rows(e: Entry) -> Iterator[list[str]]:
    """A row a role; concept and formula stand in the first."""
    for i, role in enumerate(e.roles):
        concept = f"{link(e)}\n\n    {formula(e)}" if i == 0 else ""
        yield [concept, role.system, f"*{role.kind}*: {sentence(role)}", source(role)]


def by_system() -> str:
    """The inverse: every system, and the mathematics that it rests on."""
    found = [(role.system, e, role) for e in entries() for role in e.roles]
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
    rows = []
    for module in domains():
        name = module.__name__.partition(".")[2]
        title, _, question = " ".join((module.__doc__ or "").split()).partition(": ")
        names = ", ".join(link(e) for e in entries() if e.domain == name)
        rows.append(
            [f"[{title}](/topics/{name}/index)", f"{question[:1].upper()}{question[1:]}", names]
        )
    return table(["Domain", "Its question", "Entries"], rows, "20 35 45")
