"""Formulas become MathML while the site is built; one that does not convert ends the build."""

import html
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.writers.html5 import HTML5Translator

CONVERTER = LatexToMathML(annotation=True, fancy_error=False)


class FormulaError(SphinxError):
    category = "Formula that does not convert"


def mathml(latex: str, *, display: bool, where: str = "") -> str:
    """A formula as MathML, with its LaTeX as annotation.

    Raises:
        FormulaError: Names the place and the formula.
    """
    try:
        return CONVERTER.convert_with_local_state(latex.strip(), displaystyle=display)
    except LatexError as error:
        raise FormulaError(f"{where}: {latex.strip()}\n{error}") from error


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    text = mathml(node.astext(), display=False, where=str(node.source))
    # A full stop or comma after a formula stays on its line.
    translator.body.append(text)
    raise nodes.SkipNode


def visit_display(translator: HTML5Translator, node: nodes.math_block) -> None:
    latex = node.astext().strip()
    text = mathml(latex, display=True, where=f"{node.source}:{node.line}")
    translator.body.append(
        f'<div class="math formula" tabindex="0">{text}<pre class="latex" hidden>{html.escape(latex)}</pre></div>\n'
    )
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
