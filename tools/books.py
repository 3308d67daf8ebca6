"""Make what the site offers beside its data: itself as a zip, and the book as EPUB and as PDF."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pdf

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

from book import zipped  # noqa: E402

SITE, BOOK, FILES = (ROOT / "build" / name for name in ("site", "epub", "books"))


def sphinx(builder: str, target: Path, *options: str) -> None:
    """Build from the pages as they have been read, dated as the commit."""
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    date = {"SOURCE_DATE_EPOCH": commit.stdout.strip()} if commit.stdout else {}
    command = [sys.executable, "-m", "sphinx", "-q", "-b", builder, "-c", ".", "-n", "-W"]
    command += ["-d", "build/doctrees", *options, "docs", str(target)]
    subprocess.run(command, cwd=ROOT, env=date | os.environ, check=True)


def main() -> None:
    FILES.mkdir(exist_ok=True)
    names = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*") if p.is_file())
    names = [n for n in names if n != "404.html" and not n.startswith("_cards/")]  # of a host
    zipped(FILES / "mlmath-site.zip", SITE, names, "mlmath/")
    shutil.rmtree(BOOK, ignore_errors=True)
    sphinx("epub", BOOK)
    shutil.copyfile(BOOK / "mlmath.epub", FILES / "mlmath.epub")
    pdf.make(BOOK, FILES / "mlmath.pdf")
    sphinx("html", SITE, "-D", "with_books=1")
    shutil.copytree(FILES, SITE / "books")
    for path in sorted(FILES.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
