"""What the last recorded runs have shown of an entry; nothing where it has changed since."""

import ast
import functools
import hashlib
import inspect
import json
import math
from pathlib import Path
from typing import Any

import mlmath_ref
from mlmath_ref.annotations import FLOAT, walk
from mlmath_ref.binding import executable
from mlmath_ref.catalog import Entry, Witness
from mlmath_ref.standalone import standalone

DOCS = Path(__file__).parents[1]
RECORD = DOCS / "verification.json"  # written by make record
WITNESSES = DOCS / "witnesses.json"  # written by make witness


@functools.cache
def record() -> dict[str, Any]:
    return (
        dict(json.loads(RECORD.read_text(encoding="utf-8"))) if RECORD.exists() else {"entries": {}}
    )


@functools.cache
def witness_record() -> dict[str, Any]:
    """What was measured, by entry and object."""
    return dict(json.loads(WITNESSES.read_text(encoding="utf-8"))) if WITNESSES.exists() else {}


@functools.cache
def code(e: Entry) -> str:
    """A hash of what an entry computes: its body, and all that it calls."""
    texts = [standalone(e, library) for library in e.libraries or ("numpy",)]
    return digest("".join(texts).replace(mlmath_ref.SITE, ""))


def source(e: Entry) -> str:
    """A hash of what an entry computes and says: a record of other source does not count."""
    return digest(inspect.getsource(inspect.unwrap(e.function)) + code(e))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def verified(e: Entry) -> dict[str, Any] | None:
    """What the run has shown of an entry as it stands."""
    own = record()["entries"].get(e.name)
    return {**record()["usual"], **own} if own and own["source"] == source(e) else None


def witnessed(e: Entry) -> list[tuple[Witness, dict[str, Any]]]:
    """The witnesses that were run against the code as it stands."""
    measured = witness_record().get(e.name, {})
    found = [(w, measured[w.path]) for w in e.witnesses if w.path in measured]
    return [(w, m) for w, m in found if m.get("code") == code(e)]


def no_gradient(e: Entry) -> str:
    """Why there is no gradient to compare; nothing where there is one."""
    if not any(s.is_array and s.set.kind == FLOAT for s in e.specs.values()):
        return "it takes no array of real numbers"
    if not any(s.is_array and s.set.kind == FLOAT for s in walk(e.annotations["return"])):
        return "its result is no array of real numbers"
    return ""


def libraries_in(e: Entry, oracle: str) -> list[str]:
    """The names that an oracle takes from outside, as they are imported."""
    names = {n.id for n in ast.walk(ast.parse(oracle, mode="eval")) if isinstance(n, ast.Name)}
    return sorted({"np": "numpy"}.get(n, n) for n in names - set(e.annotations))


def rows(e: Entry) -> tuple[list[list[str]], str]:
    """Of each check: how far it agrees, and what it was made with; and when they were run."""
    facts = verified(e)
    found: list[list[str]] = []
    if facts is None:
        oracles = ", ".join(f"``{oracle}``" for oracle in e.oracles)
        return found, f"The entry has changed since it was last compared with {oracles}."
    run = record()["run"]
    versions = run["versions"]
    for oracle, difference in zip(e.oracles, facts["differences"]):
        known = [versions[n] for n in libraries_in(e, oracle) if n in versions]
        by = ", ".join(known or [f"Python {run['python']}"])
        found.append(["Oracle", within(difference), f"``{oracle}``, {by}"])
    found.append(["Formula", within(facts["formula"]), formula(e, facts["draws"])])
    if reason := no_gradient(e):
        found.append(["Gradient", "none", reason])
    else:
        names = ", ".join(f"``{n}``" for n in facts["gradient"])
        text = f"PyTorch's against central differences, in {names}"
        found.append(["Gradient", within(facts["within"]), text])
    if facts["libraries"]:
        by = ", ".join(versions[n] for n in facts["libraries"])
        dtypes = f", in {', '.join(facts['dtypes'])}" if facts["dtypes"] else ""
        found.append(["Libraries", "", by + dtypes])
    told = f"Run on {run['date']} at commit ``{run['commit'][:10]}``."
    return found, f"{told} Agreement is in shares of the largest number."


def witness_rows(e: Entry) -> list[list[str]]:
    """The same of witnesses, which may have been run at another time."""
    told = record()["run"]["commit"] if verified(e) else ""
    found = []
    for w, m in witnessed(e):
        when = f", run on {m['date']} at commit ``{m['commit'][:10]}``"
        by = f"{m['library']} {m['version']}" + (when if m["commit"] != told else "")
        if m["gradients"] is not None:
            by += f"; its gradients agree to {within(m['gradients'])}"
        found.append(["Witness", within(m["values"]), f"{witness(w, m)}, {by}"])
    return found


def witness(w: Witness, measured: dict[str, Any]) -> str:
    off = measured.get("shipped")
    by = f"; as it comes it is off by {100 * off:g} %" if off else "; as it comes it differs"
    return f"``{w.path}``" + (f" ({w.note}{by})" if w.note else "")


def within(difference: float) -> str:
    return f":math:`10^{{{math.log10(difference):.0f}}}`" if difference else "exact"


def formula(e: Entry, draws: int) -> str:
    """How the displayed formula was executed, and what of it was not."""
    shown = executable(e)
    text = f"as it is displayed, evaluated on {draws} drawn inputs (:ref:`how <dialect>`)"
    left = [f":math:`{latex}`, an extremum over a continuum" for latex in shown.unexecuted]
    left += ["a result that it leaves to the words below it"] if shown.is_partial else []
    return "; not executed is ".join([text, *left])
