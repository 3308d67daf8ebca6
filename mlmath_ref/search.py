"""The search of the site at the prompt: the same engine, in V8, from its saved state."""

import json
import re
from pathlib import Path
from typing import Any

from py_mini_racer import MiniRacer

from mlmath_ref import state

SOURCES = Path(__file__).with_name("engine")
MODULES = ("minisearch", "lexer", "parser", "formula", "engine")  # each after what it imports


def classic(module: str) -> str:
    """A module as a function that gives what it exports; comments and indents are left out."""
    text = (SOURCES / f"{module}.js").read_text(encoding="utf-8")
    legal = re.findall(r"/\*!.*?\*/", text, re.DOTALL)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"^import .+\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^export \{ (\w+) as default \};", r"", text, flags=re.MULTILINE)
    exported = re.findall(r"^export (?:class|function|const) (\w+)", text, re.MULTILINE)
    text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s+|^// .*\n| // .*$", "", text, flags=re.MULTILINE)
    names = ", ".join(exported or ["MiniSearch"])
    return "\n".join(
        [*legal, f"const {{ {names} }} = (() => {{", text, f"return {{ {names} }};", "})();"]
    )


def code(*modules: str) -> str:
    """The engine as statements of a classic script."""
    return "\n".join(map(classic, modules or MODULES))


def saved(index: dict[str, Any], completion: dict[str, Any]) -> list[str]:
    """Scripts that make an engine that knows all; the last one is for formulas only."""
    parts = code(*MODULES, "state")
    with MiniRacer() as context:  # left to the end of the process, closing it may hang
        context.eval(parts)
        context.eval(f"const engine = new Engine({json.dumps(index)})")
        context.eval(f"engine.complete({json.dumps(completion)})")
        known, words, formulas = json.loads(str(context.eval("JSON.stringify(save(engine))")))
    restored = f"restore({json.dumps(known)}, {json.dumps(words)}, () => formulas)"
    return [parts, f"const engine = {restored};", f"const formulas = {json.dumps(formulas)};"]


def search(
    query: str, limit: int = 10, filters: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """What was understood, the results, best first, and how many of each facet are found."""
    parts, engine, formulas = state.scripts()
    asked = json.dumps(query)
    with MiniRacer() as context:
        context.eval(json.loads(parts))
        context.eval(json.loads(engine))
        if context.eval(f"understand(cleaned({asked}))") != "words":
            context.eval(json.loads(formulas))
        options = json.dumps({"limit": limit, "filters": filters or {}})
        found = context.eval(f"JSON.stringify(engine.search({asked}, {options}))")
    return dict(json.loads(str(found)))
