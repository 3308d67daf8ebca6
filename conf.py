"""Sphinx configuration; the sources are in docs/, the pages of entries are written by the build."""

import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

import permalinks
from typehints import SetFormatter

import mlmath_ref
from mlmath_ref.citation import AUTHOR, TITLE

# Says what sphinx-autodoc-typehints has to change before Sphinx 10; both are pinned.
warnings.filterwarnings("ignore", message=r".*_RstSnippetParser\.set_application")

project = TITLE
author = AUTHOR
project_copyright = f"{AUTHOR}. Text CC BY 4.0, code Apache-2.0"
release = version = mlmath_ref.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_autodoc_typehints",
    "sphinx_copybutton",
    "sphinx_reredirects",
    "sphinxcontrib.bibtex",
    "addresses",
    "anchors",
    "assets",
    "bibliography",
    "book",
    "citing",
    "export",
    "mathml",
    "pages",
    "search",
]
exclude_patterns = ["_ext", "_static", "_plots", "_tables", "_templates"]
nitpicky = True

html_theme = "furo"
html_title = TITLE
html_static_path = ["docs/_static"]
html_extra_path = ["docs/entry.png"]  # the picture of the README, on the page of PyPI
templates_path = ["docs/_templates"]
html_baseurl = mlmath_ref.SITE + "/"
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
html_last_updated_fmt = None

myst_enable_extensions = ["dollarmath", "deflist"]
add_module_names = False
autodoc_typehints = "none"  # sphinx-autodoc-typehints writes them
typehints_formatter = SetFormatter()
typehints_defaults = "comma"
typehints_use_rtype = False
always_use_bars_union = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = ["Where"]
bibtex_bibfiles = ["mlmath_ref/references.bib"]
bibtex_cite_id = "{key}"
bibtex_reference_style = "author_year"
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
copybutton_selector = "div.highlight pre, pre.latex"
html_css_files = ["map.css", "search/box.css", "copy.css"]
html_js_files = ["search/box.js", "copy.js"]
html_additional_pages = {"404": "404.html", "search": "search.html"}
redirects = permalinks.redirects()
redirect_html_template_file = "_templates/redirect.html"  # without a script
html_favicon = "docs/_static/favicon.svg"
epub_basename = "mlmath"
epub_description = "The mathematics of machine learning as a reference work that runs."
epub_contributor = "The authors of the works cited"
epub_copyright = project_copyright
epub_cover = ("cover.png", "")
epub_show_urls = "no"
epub_tocdepth = 4
epub_tocdup = False
epub_tocscope = "includehidden"
epub_uid = epub_identifier = "mlmath-ref"
epub_use_index = False
