"""A plot of what is not an entry says where to look."""

from typing import Any

import plots
import pytest
from sphinx.errors import SphinxError


def lost(ax: Any) -> None:
    """Nothing."""
    plots.E.no_such_entry(1.0)


def test_a_plot_of_a_renamed_entry_names_its_file() -> None:
    with pytest.raises(SphinxError, match=r"docs/_ext/plots\.py draws 'no_such_entry'"):
        plots.figure(lost)
    assert not hasattr(plots.E, "no_such_entry")
