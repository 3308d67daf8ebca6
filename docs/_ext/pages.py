"""Writes the pages of domains, topics and entries from the catalog, before the sources are read."""

import ast
import doctest
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import citing
import concept_map
import export
import permalinks
import plots
from sphinx.application import Sphinx
from verification import rows, witness_rows

from mlmath_ref.catalog import Entry, Topic, domains, entries, entry, topics
from mlmath_ref.standalone import standalone

# The sections that autodoc shows under the signature; the others are sections of the page.
UNDER_THE_SIGNATURE = ("Args", "Returns", "Where", "Raises")


def heading(text: str, mark: str) -> str:
    return f"{text}\n{mark * len(text)}\n"


def entry_page(e: Entry) -> str:
    sections = e.sections
    parts = [
        ":orphan:\n",
        *(f".. _{name}:\n" for name in (e.name, *permalinks.former(e.name))),
        heading(e.concept, "="),
        f".. rst-class:: tells\n\n{e.tells}\n",
        citing.copy_bar(texts(e)),
        f".. autofunction:: {e.topic.module.__name__}.{e.name}\n",
        plot(e),
        f".. _{e.name}-roles:\n",
        heading("Role in ML", "-"),
        "".join(f"- *{r.label}* -- **{r.system}**: {r.text}\n" for r in e.roles),
        heading("Numerics", "-"),
        sections["Numerics"] + "\n",
        heading("Examples", "-"),
        imports(e),
        sections["Examples"] + "\n",
        heading("To copy", "-"),
        *(copy_text(e, library, title) for library, title in texts(e).items()),
        heading("To cite", "-"),
        citing.section(e),
        heading("About this entry", "-"),
        about(e),
        heading("Verified", "-"),
        verified(e),
    ]
    return "\n".join(parts)


def plot(e: Entry) -> str:
    return f".. raw:: html\n   :file: ../{plots.path(e.name)}\n" if e.name in plots.drawn() else ""


def verified(e: Entry) -> str:
    """What the last runs have shown, as one table."""
    found, told = rows(e)
    found += witness_rows(e)
    head = ["Check", "Agrees to", "With"]
    table = rst_table(head, found, ":class: verified", ":widths: auto") if found else ""
    return f"{table}\n{told}\n"


def texts(e: Entry) -> dict[str, str]:
    """The libraries that an entry has a text for, with their titles."""
    titles = {"numpy": "NumPy", "torch": "PyTorch"}
    return {library: titles[library] for library in e.libraries} or {"numpy": "Python"}


def copy_text(e: Entry, library: str, title: str) -> str:
    code = "\n".join(f"   {line}".rstrip() for line in standalone(e, library).splitlines())
    return f".. code-block:: python\n   :caption: {title}\n   :class: {library}\n\n{code}\n"


def imports(e: Entry) -> str:
    """The import of what the examples take from the entry's module, as the first of them."""
    code = doctest.script_from_examples(e.sections["Examples"])
    names = {n.id for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Name)}
    modules = defaultdict(list)
    for name in sorted(names):
        value = vars(e.topic.module).get(name)
        if getattr(value, "__module__", "").startswith("mlmath_ref."):
            modules[value.__module__].append(name)
    lines = [f"from {module} import {', '.join(found)}" for module, found in modules.items()]
    return "".join(f">>> {line}\n" for line in lines)


def about(e: Entry) -> str:
    """Names and neighbors, as a field list."""
    calls = [entry(n) for n in e.calls]
    called = [entry(n) for n in e.called_by]
    beside = [o for o in e.topic.entries if o != e and o not in calls and o not in called]
    rows = {
        "Also called": ", ".join(e.also_called),
        "Topic": f":doc:`{e.topic.title} </{topic_path(e.topic)}>`",
        "Built from": links(calls),
        "Used by": links(called),
        "See also": links(beside),
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
    permalinks.append()
    source = Path(app.srcdir)
    plots.write(source / plots.FOLDER)
    wanted = {f"entries/{e.name}.rst": entry_page(e) for e in entries()}
    wanted |= {f"{topic_path(t)}.rst": topic_page(t) for t in topics()}
    wanted |= {f"topics/{concept_map.domain_name(d)}/index.rst": domain_page(d) for d in domains()}
    tables = [name for name in vars(concept_map) if name.startswith(("by_", "all_"))]
    wanted |= {f"_tables/{name}.md": getattr(concept_map, name)() for name in tables}
    wanted["_tables/fields.md"] = export.fields()
    wanted["_tables/downloads.md"] = export.downloads(app.config.with_books)
    for folder in ("entries", "topics", "_tables"):
        for stale in set(source.glob(f"{folder}/**/*.*")) - {source / name for name in wanted}:
            stale.unlink()
    for name, text in wanted.items():
        path = source / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


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
