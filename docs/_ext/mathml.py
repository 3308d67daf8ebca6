"""Formulas become MathML while the site is built; one that does not convert ends the build.

Each is named by its words, which ``make speech`` has written. Screen readers that know MathML read
and navigate that; the others read the name.
"""

import functools
import hashlib
import html
import json
from pathlib import Path
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.writers.html5 import HTML5Translator

CONVERTER = LatexToMathML(annotation=True, fancy_error=False)
SPEECH = Path(__file__).parents[1] / "speech.json"  # written by make speech


class FormulaError(SphinxError):
    category = "Formula that does not convert"


def mathml(latex: str, *, display: bool, where: str = "") -> str:
    """A formula as MathML, with its words as name and its LaTeX as annotation.

    Raises:
        FormulaError: Names the place and the formula.
    """
    try:
        text = CONVERTER.convert_with_local_state(latex.strip(), displaystyle=display)
    except LatexError as error:
        raise FormulaError(f"{where}: {latex.strip()}\n{error}") from error
    words = speech().get(" ".join(latex.split()).removeprefix(r"\displaystyle "))
    return text.replace("<math", f'<math aria-label="{html.escape(words)}"', 1) if words else text


@functools.cache
def speech() -> dict[str, str]:
    """Formulas in words."""
    return (
        dict(json.loads(SPEECH.read_text(encoding="utf-8"))["formulas"]) if SPEECH.exists() else {}
    )


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    text = mathml(node.astext(), display=False, where=str(node.source))
    # A full stop or comma after a formula stays on its line.
    translator.body.append(text)
    raise nodes.SkipNode


def visit_display(translator: HTML5Translator, node: nodes.math_block) -> None:
    latex = node.astext().strip()
    text = mathml(latex, display=True, where=f"{node.source}:{node.line}")
    translator.body.append(
        f'<div class="math formula" tabindex="0">{text}<pre class="latex" hidden>{html.escape(latex)}</pre>'
    )
    if node["ids"]:  # which the wrapper has, by Furo
        translator.add_permalink_ref(node, "Link to this formula")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    known = SPEECH.read_bytes() if SPEECH.exists() else b""
    app.add_config_value("speech", hashlib.sha256(known).hexdigest(), "html")  # pages depend on it
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
