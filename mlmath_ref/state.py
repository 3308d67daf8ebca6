"""What the command line needs of the catalog, computed once: the saved search and a record of each entry.

It is a file of JSON lines in the user's cache folder. Its first line is a seal: a digest of the sources
and one of the lines that follow. A file with another seal, or none that can be read, is made again.
"""

import contextlib
import functools
import hashlib
import json
import os
import sys
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


def _seal(sources: str, lines: bytes) -> bytes:
    return f"{sources} {hashlib.blake2b(lines, digest_size=16).hexdigest()}".encode()


@functools.cache
def _lines() -> list[str]:
    """The lines of the state, made now if there is none for these sources."""
    sources = digest()
    with contextlib.suppress(OSError):
        seal, _, lines = _place().read_bytes().partition(b"\n")
        if seal == _seal(sources, lines):
            return lines.decode().split("\n")
    tell("preparing the index, which takes a few seconds ...")
    text = "\n".join(json.dumps(part) for part in made())
    try:
        _write(_place(), _seal(sources, text.encode()) + b"\n" + text.encode())
    except OSError as error:
        tell(f"the index is not saved, and is prepared again by the next call: {error}")
    return text.split("\n")


def _place() -> Path:
    """In the user's cache folder.

    Raises:
        OSError: The user has no home folder.
    """
    from platformdirs import user_cache_path

    try:
        return user_cache_path("mlmath_ref") / FILE
    except RuntimeError as error:
        raise OSError(str(error)) from None


def _write(place: Path, content: bytes) -> None:
    """Write a file whole, so that nobody reads a part of it and no part is left.

    Raises:
        OSError: It cannot be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def tell(message: str) -> None:
    """Print a line to standard error, if it can be written."""
    if sys.stderr:  # None if it is closed
        with contextlib.suppress(OSError):
            print(f"mlmath: {message}", file=sys.stderr, flush=True)


def scripts() -> list[str]:
    """The scripts that restore the search, each as JSON."""
    return _lines()[:3]


def names() -> list[str]:
    """The names of all entries."""
    return list(json.loads(_lines()[3]))


def record(name: str) -> dict[str, Any]:
    """What is shown of an entry.

    Raises:
        KeyError: There is no such entry.
    """
    known = names()
    if name not in known:
        raise KeyError(f"no entry is named {name!r}")
    return dict(json.loads(_lines()[4 + known.index(name)]))


def made() -> list[Any]:
    """The parts of the state, from the catalog."""
    from mlmath_ref.catalog import entries
    from mlmath_ref.index import completion, index
    from mlmath_ref.prompt import shown
    from mlmath_ref.search import saved

    found = entries()
    return [*saved(index(), completion()), [e.name for e in found], *map(shown, found)]
