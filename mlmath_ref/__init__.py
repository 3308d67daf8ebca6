"""The mathematics of machine learning as functions whose docstrings are a reference work."""

__version__ = "0.1.0"
RELEASED = "2026-11-21"  # the date of this version

SITE = "https://mlmath-ref.readthedocs.io/en/stable"


def address(name: str) -> str:
    """The permanent address of an entry."""
    return f"{SITE}/entries/{name}.html"
