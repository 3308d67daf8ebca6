"""Runs each console block of the README as a reader on a fresh machine would.

Each block has its own clone of the last commit, its own home folder and nothing installed. Downloads
are cached. The wheel of the commit takes the place of the published package. Usage: readme.py FOLDER;
the clones are FOLDER/1, FOLDER/2 and so on.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(text: str) -> list[str]:
    """The commands of each block, as a script.

    Raises:
        ValueError: A line of a block is not a command.
    """
    found = [block.splitlines() for block in BLOCK.findall(text)]
    for line in (line for lines in found for line in lines):
        if not line.startswith("$ "):
            raise ValueError(f'expected commands that start with "$ ", got {line!r}')
    return ["\n".join(line.removeprefix("$ ") for line in lines) for lines in found]


def environment(home: Path, wheels: Path) -> dict[str, str]:
    """The variables of this process, without an active environment, and with an empty home folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = {n: v for n, v in os.environ.items() if n not in ("VIRTUAL_ENV", "XDG_CACHE_HOME")}
    found.setdefault("PIP_CACHE_DIR", str(cache / "pip"))
    found.setdefault("UV_CACHE_DIR", str(cache / "uv"))
    links = f"{wheels} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
    return found | {"HOME": str(home), "PIP_FIND_LINKS": links}


def run(script: str, clone: Path, wheels: Path) -> None:
    """Run a block in a clone of its own.

    Raises:
        subprocess.CalledProcessError: One of its commands failed.
    """
    subprocess.run(["git", "clone", "-q", "--no-local", str(ROOT), str(clone)], check=True)
    home = clone.with_name(f"{clone.name}.home")
    home.mkdir()
    command = ["bash", "-euo", "pipefail", "-c", script]
    subprocess.run(command, cwd=clone, env=environment(home, wheels), check=True)


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve()
    for i, block in enumerate(blocks((ROOT / "README.md").read_text(encoding="utf-8")), 1):
        print(f"--- README, block {i}:\n{block}", flush=True)
        began = time.monotonic()
        run(block, target / str(i), ROOT / "build" / "dist")
        print(f"--- block {i}: {time.monotonic() - began:.0f} s", flush=True)
