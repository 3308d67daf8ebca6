"""Anchors that stay: of an entry by its bare name, of its formula, and of each of its roles."""

import re
from typing import Any, cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain

from mlmath_ref.catalog import Entry, Role, entry

FORMULA = "formula"


def role_anchor(role: Role) -> str:
    """A job in a system, which an entry names once: ``objective-qwen3``."""
    return "role-" + re.sub(r"[^a-z0-9]+", "-", f"{role.kind} {role.system}".lower()).strip("-")


def add_anchors(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    if not docname.startswith("entries/"):
        return
    e = entry(docname.removeprefix("entries/"))
    top = next(doctree.findall(nodes.section))
    top["ids"] = [e.name, *(i for i in top["ids"] if i != e.name)]
    next(doctree.findall(nodes.math_block))["ids"].append(FORMULA)
    anchor_roles(doctree, e)
    python = cast(PythonDomain, app.env.get_domain("py"))
    # Under the bare name it is an alias: for links from elsewhere, not for the index.
    python.note_object(e.name, "function", e.name, aliased=True)


def anchor_roles(doctree: nodes.document, e: Entry) -> None:
    section = next(s for s in doctree.findall(nodes.section) if "role-in-ml" in s["ids"])
    listed = next(section.findall(nodes.bullet_list))
    for item, role in zip(listed.children, e.roles, strict=True):
        anchor = role_anchor(role)
        cast(nodes.Element, item)["ids"].append(anchor)
        link = nodes.reference(
            "",
            "¶",
            internal=True,
            refid=anchor,
            classes=["headerlink"],
            reftitle="Link to this role",
        )
        cast(nodes.Element, item.children[-1]).append(link)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", add_anchors)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
