"""One style sheet, with the math font in it, and one script for every page.

Fewer requests, no shift of the layout when the font comes, and formulas ready with the first paint.
"""

import base64
import functools
import html
import re
from pathlib import Path
from typing import Any

import furo
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.builders.html._assets import _CascadingStyleSheet, _JavaScript

FONT = "latin-modern-math.woff2"
PYGMENTS = "pygments.css"
OTHERS = (
    "doctools.js",
    "sphinx_highlight.js",
    "searchtools.js",
    "language_data.js",
)  # of Sphinx's search
SEARCH = r'\1<a class="header-search" href="\2search.html" aria-label="Search"></a>'
KEEP = r'<span class="keep">\1\2</span>'  # no line begins with the comma after a formula


class Builder(StandaloneHTMLBuilder):
    """Sphinx's own HTML builder, which joins what it has copied; the search is ours."""

    search = False

    def init(self) -> None:
        super().init()
        self.toctrees: dict[tuple[Any, ...], str] = {}

    def init_js_files(self) -> None:
        super().init_js_files()
        self._js_files[:] = [f for f in self._js_files if Path(str(f.filename)).name not in OTHERS]

    def copy_assets(self) -> None:
        super().copy_assets()
        static = Path(self.outdir) / "_static"
        (static / PYGMENTS).write_text(
            furo.get_pygments_stylesheet(), encoding="utf-8"
        )  # Furo has the dark one only now
        styles = [str(f.filename) for f in sorted(self._css_files, key=lambda f: f.priority)]
        scripts = [
            str(f.filename) for f in sorted(self._js_files, key=lambda f: f.priority) if f.filename
        ]
        font = base64.b64encode((static / FONT).read_bytes()).decode()
        style = join(self.outdir, styles).replace(
            f"url({FONT})", f"url(data:font/woff2;base64,{font})"
        )
        (static / "site.css").write_text(f"{style}\n{code_colors()}", encoding="utf-8")
        (static / "site.js").write_text(join(self.outdir, scripts, ";\n"), encoding="utf-8")
        self._css_files[:] = [_CascadingStyleSheet("_static/site.css")]
        self._js_files[:] = [_JavaScript("_static/site.js")]
        self._orig_css_files, self._orig_js_files = list(self._css_files), list(self._js_files)
        joined = [Path(self.outdir) / name for name in (*styles, *scripts)]
        unused = [static / name for name in (FONT, *OTHERS, "debug.css", "skeleton.css")]
        for path in {*joined, *unused, *static.rglob("*.map"), *static.glob("*.png")}:
            path.unlink(missing_ok=True)

    @functools.cached_property
    def listed(self) -> set[str]:
        """The pages that stand in a toctree."""
        return {d for inside in self.env.toctree_includes.values() for d in inside}

    def _get_local_toctree(self, docname: str, collapse: bool = True, **kwargs: Any) -> str:
        """Pages that stand in no toctree have the same one, if they stand in the same folder."""
        folder = "" if docname in self.listed else docname.rpartition("/")[0]
        if not folder:
            return super()._get_local_toctree(docname, collapse, **kwargs)
        key = (folder, collapse, *sorted(kwargs.items()))
        if key not in self.toctrees:
            self.toctrees[key] = super()._get_local_toctree(docname, collapse, **kwargs)
        return self.toctrees[key]

    def handle_page(self, pagename: str, *args: Any, **kwargs: Any) -> None:
        super().handle_page(pagename, *args, **kwargs)
        path = Path(self.get_output_path(pagename))
        path.write_text(accessible(path.read_text(encoding="utf-8")), encoding="utf-8")


def code_colors() -> str:
    """What Furo writes into every page as inline styles, which a strict policy forbids."""

    def rule(selector: str, theme: str) -> str:
        style = furo._KNOWN_STYLES_IN_USE[theme]
        colors = furo.get_pygments_style_colors(style, fallbacks={})
        return f"{selector} {{ {''.join(f'--color-code-{k}: {v};' for k, v in colors.items())} }}"

    chosen = rule('body[data-theme="dark"]', "dark")
    preferred = rule('body:not([data-theme="light"])', "dark")
    dark = f"{chosen} @media (prefers-color-scheme: dark) {{ {preferred} }}"
    return f"{rule('body', 'light')}\n@media not print {{ {dark} }}\n"


def accessible(page: str) -> str:
    """What Furo and Sphinx leave open: names of landmarks, levels of headings, roles gone from ARIA.

    Long formulas in tables and long lines of code can be scrolled by keyboard. On a phone, where
    the sidebar is closed, the head has a link to the search.
    """
    page = re.sub(
        r'(<html [^>]*data-content_root="([^"]*)".*?<div class="header-right">)',
        SEARCH,
        page,
        count=1,
        flags=re.DOTALL,
    )
    page = page.replace(
        '<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="Site">'
    )
    page = re.sub(r'<aside class="toc-drawer[^"]*"', r'\g<0> aria-label="On this page"', page)
    page = page.replace('role="heading"', 'role="heading" aria-level="2"')
    page = re.sub(r' role="(?:doc-biblioentry|list)"', "", page)
    page = re.sub(
        r"<p>(<math[^>]*>(?:(?!</math>).)*</math>)</p>", scrollable, page, flags=re.DOTALL
    )
    page = re.sub(r"(<math[^>]*>(?:(?!</math>).)*</math>)([.,;:)]+)", KEEP, page, flags=re.DOTALL)
    return re.sub(r"<pre>.*?</pre>", focusable, page, flags=re.DOTALL)


def scrollable(formula: re.Match[str]) -> str:
    latex = re.search(r"<annotation[^>]*>(.*?)</annotation>", formula[1], re.DOTALL)
    is_long = latex and len(latex[1]) > 40
    return f'<p class="scroll" tabindex="0">{formula[1]}</p>' if is_long else formula[0]


def focusable(code: re.Match[str]) -> str:
    lines = html.unescape(re.sub(r"<[^>]+>", "", code[0])).splitlines()
    is_wide = max(map(len, lines), default=0) > 80
    return code[0].replace("<pre>", '<pre tabindex="0">', 1) if is_wide else code[0]


def join(outdir: Path, names: list[str], between: str = "\n") -> str:
    texts = [(Path(outdir) / name).read_text(encoding="utf-8") for name in names]
    return between.join(re.sub(r"/[/*]# sourceMappingURL=\S+( \*/)?", "", text) for text in texts)


def remove_furo_sheet(app: Sphinx, error: Exception | None) -> None:
    """Furo writes its sheet again when all is done; it is part of ours."""
    (Path(app.outdir) / "_static" / PYGMENTS).unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    # Furo parses the sidebar of every page anew, though most are alike.
    furo.get_navigation_tree = functools.cache(furo.get_navigation_tree)
    app.add_builder(Builder, override=True)
    app.connect("build-finished", remove_furo_sheet, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
