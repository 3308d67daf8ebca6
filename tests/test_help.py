"""What help() and an editor show of an entry: the signature as it is written, and the docstring."""

import ast
import inspect
import pydoc
import re

import jedi
import pytest

from mlmath_ref.catalog import Entry, Topic, entries, entry, topics

each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)


@each_entry
def test_signature_prints_as_it_is_written(entry: Entry) -> None:
    definition = ast.parse(inspect.getsource(inspect.unwrap(entry.function))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    given = [*definition.args.args, *definition.args.kwonlyargs]
    written = {a.arg: ast.unparse(a.annotation) for a in given if a.annotation}
    written["return"] = ast.unparse(definition.returns) if definition.returns else ""
    signature = inspect.signature(entry.function)
    printed = {n: repr(p.annotation) for n, p in signature.parameters.items()}
    printed["return"] = repr(signature.return_annotation)
    assert printed == {n: re.sub("[{}]", "", t.replace("'", '"')) for n, t in written.items()}


def joined(signature: re.Match[str]) -> str:
    """A signature in one line; from Python 3.13 on a long one has a line for each argument."""
    return f"{signature[1]}(" + re.sub(r",\n +", ", ", signature[2]) + ")"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "kl_divergence",
            [
                'kl_divergence(p: Simplex[Array, "*batch n"], q: Simplex[Array, "*batch n"]) -> '
                'ExtendedNonneg[Array, "*batch"]',
                "    Kullback-Leibler divergence: how different p is from q, in extra nats of a code made for q.",
                r"    .. math:: D_{\mathrm{KL}}(p \,\|\, q) = \sum_{i=1}^{n} p_i \log \frac{p_i}{q_i}",
                "        >>> round(float(kl_divergence(p, q)), 4)",
                "        0.1438",
            ],
        ),
        (
            "lora_parameter_count",
            [
                'lora_parameter_count(d: Natural[int, ""], k: Natural[int, ""], r: Natural[int, ""]) -> '
                'tuple[Natural[int, ""], Positive[float, ""]]',
            ],
        ),
    ],
)
def test_help_reads_well(name: str, lines: list[str]) -> None:
    shown = pydoc.plain(pydoc.render_doc(entry(name).function))
    shown = re.sub(r"(?m)^(\w+)\(\n {4}((?s:.+?))\n\)", joined, shown)
    text = shown.splitlines()
    at = [text.index(line) for line in lines]
    assert at == sorted(at)
    assert at[0] == 2, "the signature stands above all"


@pytest.mark.parametrize("topic", topics(), ids=lambda t: t.name)
def test_editor_shows_formula_and_example(topic: Topic) -> None:
    """What language servers on jedi show where a pointer rests on a name."""
    names = [e.name for e in topic.entries]
    first = f"from {topic.module.__name__} import {', '.join(names)}"
    script = jedi.Script("\n".join([first, *names]))
    for line, e in enumerate(topic.entries, 2):
        (found,) = script.help(line, 1)
        shown = found.docstring()
        assert shown.startswith(f"{e.name}(")
        assert " ".join(e.formula.split()) in " ".join(shown.split())
        assert ">>> " in shown
