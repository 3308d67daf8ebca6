"""The mathematics of machine learning as functions whose docstrings are a reference work."""

__version__ = "0.1.0"

SITE = "https://mlmath-ref.readthedocs.io/en/stable"
