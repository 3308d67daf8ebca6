"""Writes the pages of domains, topics and entries from the catalog, before the sources are read."""

import functools
import json
import math
import re
from pathlib import Path
from typing import Any

import concept_map
import plots
from sphinx.application import Sphinx

from mlmath_ref.binding import DRAWS, executable, why_not
from mlmath_ref.catalog import Entry, Topic, Witness, domains, entries, entry, topics
from mlmath_ref.standalone import address, standalone

WITNESSES = Path(__file__).parents[1] / "witnesses.json"  # written by make witness
# The sections that autodoc shows under the signature; the others are sections of the page.
UNDER_THE_SIGNATURE = ("Args", "Returns", "Where", "Raises")


def heading(text: str, mark: str) -> str:
    return f"{text}\n{mark * len(text)}\n"


def entry_page(e: Entry) -> str:
    sections = e.sections
    parts = [
        ":orphan:\n",
        f".. _{e.name}:\n",
        heading(e.concept, "="),
        f".. rst-class:: tells\n\n{e.tells}\n",
        f".. autofunction:: {e.topic.module.__name__}.{e.name}\n",
        plot(e),
        f".. _{e.name}-roles:\n",
        heading("Role in ML", "-"),
        "".join(f"- *{r.kind}* -- **{r.system}**: {r.text}\n" for r in e.roles),
        heading("Numerics", "-"),
        sections["Numerics"] + "\n",
        heading("Examples", "-"),
        sections["Examples"] + "\n",
        heading("Checked against", "-"),
        sections["Checked against"] + "\n",
        executed(e) + "\n",
        witness_table(e),
        heading("To copy", "-"),
        *(copy_text(e, library, title) for library, title in texts(e).items()),
        heading("About this entry", "-"),
        about(e),
    ]
    return "\n".join(parts)


def plot(e: Entry) -> str:
    return f".. raw:: html\n   :file: ../{plots.path(e.name)}\n" if e.name in plots.drawn() else ""


@functools.cache
def witness_record() -> dict[str, Any]:
    """What ``make witness`` wrote, by entry and object."""
    return dict(json.loads(WITNESSES.read_text())) if WITNESSES.exists() else {}


def witness_table(e: Entry) -> str:
    """What the code of systems gave, as far as it has been run."""
    measured = witness_record().get(e.name, {})
    rows = [
        [
            f"{m['library']} {m['version']}",
            below(m["values"]),
            below(m["gradients"]),
            witness_cell(w, m),
        ]
        for w in e.witnesses
        if (m := measured.get(w.path))
    ]
    if not rows:
        return ""
    told = "The systems' own code, on random arguments; the largest differences are in shares of"
    head = ["Library", "Values", "Gradients", "Object"]
    return f"{told} the largest number.\n\n" + rst_table(head, rows, ":class: witnesses")


def witness_cell(w: Witness, measured: dict[str, Any]) -> str:
    off = measured.get("shipped")
    by = f"; as it comes it is off by {100 * off:g} %" if off else "; as it comes it differs"
    return f"``{w.path}``" + (f", {w.note}{by}" if w.note else "")


def below(difference: float | None) -> str:
    return f":math:`< 10^{{{math.log10(difference):.0f}}}`" if difference else "none"


def executed(e: Entry) -> str:
    """Whether the tests execute the displayed formula, and what of it they do not."""
    if reason := why_not(e):
        return f"The displayed formula is not executed: {reason}."
    formula = executable(e)
    text = (
        "The formula above, as it is displayed, is executed and compared with the function on "
        f"{DRAWS} drawn inputs (:ref:`how <dialect>`)"
    )
    left = [
        f"not executed is :math:`{latex}`, an extremum over a continuum"
        for latex in formula.unexecuted
    ]
    if formula.is_partial:
        left.append("a result that it leaves to the words below it is not")
    return "; ".join([text, *left]) + "."


def texts(e: Entry) -> dict[str, str]:
    """The libraries that an entry has a text for, with their titles."""
    titles = {"numpy": "NumPy", "torch": "PyTorch"}
    return {library: titles[library] for library in e.libraries} or {"numpy": "Python"}


def copy_text(e: Entry, library: str, title: str) -> str:
    code = "\n".join(f"   {line}".rstrip() for line in standalone(e, library).splitlines())
    return f".. code-block:: python\n   :caption: {title}\n\n{code}\n"


def about(e: Entry) -> str:
    """Names, neighbors and the permanent link, as a field list."""
    calls = [entry(n) for n in e.calls]
    called = [o for o in entries() if e.name in o.calls]
    beside = [o for o in e.topic.entries if o != e and o not in calls and o not in called]
    rows = {
        "Also called": ", ".join(e.also_called),
        "Topic": f":doc:`{e.topic.title} </{topic_path(e.topic)}>`",
        "Built from": links(calls),
        "Used by": links(called),
        "See also": links(beside),
        "Works cited": ", ".join(
            f":cite:t:`{k}`" for k in dict.fromkeys(c.key for c in e.citations)
        ),
        "Permanent link": address(e.name),
    }
    return "".join(f":{name}: {text}\n" for name, text in rows.items() if text)


def links(found: list[Entry]) -> str:
    return ", ".join(f":ref:`{o.concept} <{o.name}>`" for o in found)


def topic_path(topic: Topic) -> str:
    return f"topics/{topic.domain}/{topic.name}"


def topic_page(topic: Topic) -> str:
    rows = [
        [
            f":ref:`{e.concept} <{e.name}>`",
            f":math:`{concept_map.inline(e.formula)}`\n\n       {e.tells}",
        ]
        for e in topic.entries
    ]
    _, _, rest = topic.essay.partition(": ")
    head = ["Entry", "Formula, and what it tells"]
    table = rst_table(head, rows, ":widths: 25 75", ":class: map")
    return "\n".join([heading(topic.title, "="), rest[:1].upper() + rest[1:], "", table])


def rst_table(head: list[str], rows: list[list[str]], *options: str) -> str:
    """A list table with one line of head."""
    lines = [".. list-table::", *(f"   {o}" for o in (":header-rows: 1", *options)), ""]
    for row in [head, *rows]:
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(row)]
    return "\n".join([*lines, ""])


def domain_page(module: Any) -> str:
    inside = [t for t in topics() if t.domain == concept_map.domain_name(module)]
    toctree = "\n".join([".. toctree::", "   :maxdepth: 1", "", *(f"   {t.name}" for t in inside)])
    title, question = concept_map.domain_title(module), concept_map.question(module)
    return "\n".join([heading(title, "="), question, "", toctree, ""])


def generate(app: Sphinx) -> None:
    """Write what has changed, remove what is gone."""
    source = Path(app.srcdir)
    plots.write(source / plots.FOLDER)
    wanted = {f"entries/{e.name}.rst": entry_page(e) for e in entries()}
    wanted |= {f"{topic_path(t)}.rst": topic_page(t) for t in topics()}
    wanted |= {f"topics/{concept_map.domain_name(d)}/index.rst": domain_page(d) for d in domains()}
    tables = [name for name in vars(concept_map) if name.startswith(("by_", "all_"))]
    wanted |= {f"_tables/{name}.md": getattr(concept_map, name)() for name in tables}
    for folder in ("entries", "topics", "_tables"):
        for stale in set(source.glob(f"{folder}/**/*.*")) - {source / name for name in wanted}:
            stale.unlink()
    for name, text in wanted.items():
        path = source / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def keep_definition(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Leave formula, law, arguments and result under the signature."""
    if what != "function":
        return
    text = "\n".join(lines)
    definition = text.partition("\n\n")[2]  # the summary is the title of the page
    pieces = re.split(r"^(\w[\w ]*):\n(?=    )", definition, flags=re.MULTILINE)
    kept = [pieces[0]]
    for title, body in zip(pieces[1::2], pieces[2::2]):
        if title in UNDER_THE_SIGNATURE:
            kept.append(f"{title}:\n{body}")
    lines[:] = [*"".join(kept).rstrip().splitlines(), ""]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", generate)
    app.connect("autodoc-process-docstring", keep_definition, priority=100)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
