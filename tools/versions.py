"""Runs the tests with other versions, in an environment of their own.

Usage: ``versions.py oldest`` or ``newest``, the versions that pyproject.toml allows of what computes and of
the command line, with ``newest`` those of the site too; or ``python-3.12``, the pinned versions on
another Python.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = ROOT / ".venv" / "uv" / "bin" / "uv"
BOUND = re.compile(r"([\w.-]+)>=([\w.]+)")
PINNED = ROOT / "constraints.txt"


def oldest() -> list[str]:
    """Pins of all requirements of the package and its extras to their lower bounds.

    Raises:
        ValueError: A requirement has no lower bound.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    found = []
    for requirement in [*project["dependencies"], *(r for extra in extras for r in extra)]:
        bound = BOUND.match(requirement)
        if not bound:
            raise ValueError(f"expected a requirement with a lower bound, got {requirement!r}")
        found.append(f"{bound[1]}=={bound[2]}")
    return found


def run(*command: str | Path) -> None:
    print(*command, flush=True)
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True)


def main(name: str) -> None:
    folder = ROOT / ".venv" / name
    python = folder / "bin" / "python"
    wanted = ["--group", "test", "-e", ".[cli,jax,torch]"]
    version = name.removeprefix("python-")
    if name == "oldest":
        pins = ROOT / "build" / "oldest.txt"
        pins.parent.mkdir(exist_ok=True)
        pins.write_text("\n".join(oldest()) + "\n", encoding="utf-8")
        wanted += ["-c", str(pins)]
    elif name == "newest":
        wanted += ["--group", "site", "--upgrade"]
    else:
        wanted += ["-c", str(PINNED)]
    run(UV, "venv", "--clear", "--python", version if version != name else sys.executable, folder)
    run(UV, "pip", "install", "--python", python, "-b", PINNED, *wanted)
    if name == "newest":
        sphinx = ("-m", "sphinx", "-c", ".", "-d", "build/newest/doctrees", "-n", "-W")
        run(python, *sphinx, "--keep-going", "docs", "build/newest/site")
    parallel = ("-m", "pytest", "-n", "auto", "--dist")
    run(python, *parallel, "worksteal", "mlmath_ref", "tests")
    run(python, *parallel, "loadfile", "docs", "README.md", "CONTRIBUTING.md")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
