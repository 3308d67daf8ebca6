"""Addresses that never die: names once published, and the pages that lead on from former ones.

``docs/permalinks.txt`` is only ever appended to: the build adds the names of new entries, and who
renames an entry adds the line ``old -> new``.
"""

import functools
from pathlib import Path

from mlmath_ref.catalog import entries

RECORD = Path(__file__).parents[1] / "permalinks.txt"


def published(text: str) -> dict[str, str]:
    """Every name of a record, and the one that has come in its place: empty if it has none."""
    pairs = (line.partition(" -> ") for line in text.splitlines())
    return {name: successor for name, _, successor in pairs}


def append() -> None:
    """Add the names that are new."""
    text = RECORD.read_text(encoding="utf-8")
    new = [e.name for e in entries() if e.name not in published(text)]
    if new:
        RECORD.write_text(text + "".join(f"{name}\n" for name in new), encoding="utf-8")


@functools.cache
def moved() -> dict[str, str]:
    """The present name of every entry that was renamed, by each of its former names."""
    record = published(RECORD.read_text(encoding="utf-8"))
    return {name: present(name, record) for name, successor in record.items() if successor}


def present(name: str, record: dict[str, str]) -> str:
    """The name at the end of a chain of renamings.

    Raises:
        ValueError: The chain has no end.
    """
    seen = [name]
    while record.get(seen[-1]):
        if record[seen[-1]] in seen:
            raise ValueError(f"permalinks.txt renames in a circle: {', '.join(seen)}")
        seen.append(record[seen[-1]])
    return seen[-1]


def redirects() -> dict[str, str]:
    """The pages that lead on, for sphinx-reredirects."""
    return {f"entries/{old}": f"{new}.html" for old, new in moved().items()}


def former(name: str) -> list[str]:
    """The former names of an entry."""
    return [old for old, new in moved().items() if new == name]
