"""Small projects that use the site."""

import subprocess
import sys
from pathlib import Path


def build(folder: Path, settings: str, text: str) -> Path:
    """A project of one page."""
    (folder / "conf.py").write_text(settings)
    (folder / "index.rst").write_text(text)
    command = [sys.executable, "-m", "sphinx", "-n", "-W", str(folder), str(folder / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"
