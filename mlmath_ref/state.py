"""What the prompt needs of the catalog, computed once: the saved search and a record of each entry.

It is a file of JSON lines beside this one, or in the user's cache where that cannot be written. It
begins with a digest of the sources, and is made again whenever that has changed.
"""

import contextlib
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
FILE = "state.jsonl"
SOURCES = (".py", ".js", ".bib")


def digest() -> str:
    """Of the contents of all that the state is made from."""
    found = hashlib.blake2b(digest_size=16)
    for folder, folders, names in os.walk(PACKAGE):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        for name in sorted(n for n in names if n.endswith(SOURCES)):
            with open(os.path.join(folder, name), "rb") as file:
                found.update(f"{name}\n".encode() + file.read())
    return found.hexdigest()


@functools.cache
def _lines() -> list[str]:
    """The lines of the state, made now if there is none for these sources."""
    own = digest()
    for place in _places():
        with contextlib.suppress(OSError):
            lines = place.read_text(encoding="utf-8").split("\n")
            if lines[0] == own:
                return lines
    print("mlmath: the index is made, which takes a few seconds, once ...", file=sys.stderr)
    text = "\n".join([own, *(json.dumps(part) for part in made())])
    for place in _places():
        with contextlib.suppress(OSError):
            write(place, text)
            break
    return text.split("\n")


def _places() -> Iterator[Path]:
    yield PACKAGE / FILE
    from platformdirs import user_cache_path  # which is seldom needed

    yield user_cache_path("mlmath_ref") / FILE


def write(place: Path, text: str) -> None:
    """Write a file whole, so that nobody reads a part of it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(place)


def scripts() -> list[str]:
    """The scripts that restore the search, each as JSON."""
    return _lines()[1:4]


def names() -> list[str]:
    """The names of all entries."""
    return list(json.loads(_lines()[4]))


def record(name: str) -> dict[str, Any]:
    """What is shown of an entry.

    Raises:
        KeyError: There is no such entry.
    """
    known = names()
    if name not in known:
        raise KeyError(f"no entry is named {name!r}")
    return dict(json.loads(_lines()[5 + known.index(name)]))


def made() -> list[Any]:
    """The parts of the state, from the catalog."""
    from mlmath_ref.catalog import entries
    from mlmath_ref.index import completion, index
    from mlmath_ref.prompt import shown
    from mlmath_ref.search import saved

    found = entries()
    return [*saved(index(), completion()), [e.name for e in found], *map(shown, found)]
