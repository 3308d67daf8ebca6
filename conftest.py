"""Set-up of all tests, before anything imports the package."""

import gc
import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

os.environ.setdefault("OMP_NUM_THREADS", "1")  # arrays are small: more threads only wait
os.environ["SCIPY_ARRAY_API"] = "1"  # SciPy's special functions then take array_api_strict arrays

# Shapes of entries are checked by jaxtyping and beartype too, under the package's own checks.
PACKAGE = Path(__file__).parent / "mlmath_ref"
TESTS = Path(__file__).parent / "tests"
install_import_hook(
    [f"mlmath_ref.{p.parent.name}" for p in PACKAGE.glob("*/__init__.py")], "shapes.typechecker"
)

pytest_plugins = ["recording"]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Modules that help the tests hold no examples, and may need what a tier has not installed."""
    is_helper = collection_path.suffix == ".py" and not collection_path.name.startswith("test_")
    return (is_helper and TESTS in collection_path.parents) or None


def pytest_collection_finish() -> None:
    """What is loaded now stays: the collector need not visit it after every test."""
    gc.collect()
    gc.freeze()


# The same examples every time, on slow machines too.
settings.register_profile(
    "project",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")

# The code on the pages that the build does not write; those of entries come from docstrings.
pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md", "docs/foundations/*.md"],
).pytest()
