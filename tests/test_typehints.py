"""Sphinx prints the types of arguments and results as sets, with the versions that are installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONF = """
import sys
sys.path[:0] = [{root!r}, {extensions!r}]
from typehints import SetFormatter
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_autodoc_typehints"]
autodoc_typehints = "none"
typehints_formatter = SetFormatter()
"""


def test_types_are_printed_as_sets(tmp_path: Path) -> None:
    conf = CONF.format(root=str(ROOT), extensions=str(ROOT / "docs" / "_ext"))
    (tmp_path / "conf.py").write_text(conf, encoding="utf-8")
    page = ".. autofunction:: mlmath_ref.information.divergence.kl_divergence\n"
    (tmp_path / "index.rst").write_text(page, encoding="utf-8")
    built = tmp_path / "built"
    command = [sys.executable, "-m", "sphinx", "-Q", "-b", "pseudoxml", str(tmp_path), str(built)]
    subprocess.run(command, check=True)
    lines = (built / "index.pseudoxml").read_text(encoding="utf-8").splitlines()
    sets = [line.strip() for line in lines if line.strip().startswith("\\in ")]
    assert sets == [r"\in (\Delta^{n-1})^{\ast}"] * 2 + [r"\in [0, \infty]^{\ast}"]
