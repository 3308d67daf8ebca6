"""The build: the same every time."""

import filecmp
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build(source: Path, target: Path, *options: str) -> str:
    """Build a copy of the sources, and return what the build said."""
    command = [sys.executable, "-m", "sphinx", "-c", str(source), "-d", str(target / "doctrees")]
    command += ["-n", "-W", *options, str(source / "docs"), str(target / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_build_is_reproducible_and_lazy(tmp_path: Path) -> None:
    """The same bytes from another folder and from two processes; and nothing when nothing changed."""
    hidden = shutil.ignore_patterns(
        ".*", "build", "entries", "topics", "_plots", "_tables", "__pycache__"
    )
    for name, processes in (("here", "1"), ("elsewhere", "2")):
        shutil.copytree(ROOT, tmp_path / name / "source", ignore=hidden)
        build(tmp_path / name / "source", tmp_path / name, "-j", processes)
    compare = filecmp.dircmp(tmp_path / "here" / "site", tmp_path / "elsewhere" / "site")
    assert differences(compare) == []
    again = build(tmp_path / "here" / "source", tmp_path / "here")
    assert "no targets are out of date" in again


def differences(compare: "filecmp.dircmp[str]") -> list[str]:
    found = [*compare.left_only, *compare.right_only, *compare.diff_files]
    return found + [f"{n}/{d}" for n, sub in compare.subdirs.items() for d in differences(sub)]
