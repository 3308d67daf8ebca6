"""What a reader copies from the built pages runs in a fresh interpreter and gives the entry's values."""

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from bs4 import BeautifulSoup
from drawing import agree, convert
from examples import calls

from mlmath_ref.catalog import Entry, entries

ROOT = Path(__file__).parents[2]

# The arguments are read first, since functions among them may be the package's; then it is gone.
FRESH = """
import pickle, sys
texts, calls = pickle.load(sys.stdin.buffer), pickle.load(sys.stdin.buffer)
for name in [n for n in sys.modules if n.partition('.')[0] == 'mlmath_ref']:
    del sys.modules[name]
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'mlmath_ref':
            raise ImportError('the text is to need no package')
sys.meta_path.insert(0, Refuse())
results = {}
for name, text in texts.items():
    namespace = {}
    exec(text, namespace)
    results[name] = [namespace[name](**values) for values in calls[name]]
pickle.dump(results, sys.stdout.buffer)
"""


def copied(site: Path, entry: Entry, section: str, selector: str = "pre") -> list[str]:
    """The texts of a section that a button copies."""
    page = (site / "entries" / f"{entry.name}.html").read_text()
    inside = page.partition(f'<section id="{section}">')[2].partition("</section>")[0]
    found = BeautifulSoup(inside, "lxml").select(selector)
    return [pre.get_text().strip("\n") for pre in found]


@np.errstate(all="ignore")
def accepted(entry: Entry, library: str) -> list[tuple[dict[str, Any], Any]]:
    """Arguments of a library, and what the entry gives; those that it refuses are left out."""
    found = []
    for values in calls(entry):
        given = convert(values, library)
        with contextlib.suppress(ValueError):
            found.append((given, entry.function(**given)))
    return found


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_texts_give_the_values_of_the_entry(site: Path, library: str) -> None:
    chosen = [e for e in entries() if library in (e.libraries or ("numpy",))]
    texts = {e.name: "\n".join(copied(site, e, "to-copy", f".{library} pre")) for e in chosen}
    wanted = {e.name: accepted(e, library) for e in chosen}
    assert not [name for name, found in wanted.items() if not found], "no example calls the entry"
    arguments = {name: [given for given, _ in found] for name, found in wanted.items()}
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        input=cloudpickle.dumps(texts) + cloudpickle.dumps(arguments),
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    results = cloudpickle.loads(done.stdout)
    for name, found in wanted.items():
        assert len(results[name]) == len(found)
        for got, (_, expected) in zip(results[name], found):
            agree(got, expected, 1e-6)


def test_examples_run_as_they_stand(site: Path, tmp_path: Path) -> None:
    """Each page's in a namespace of its own, which is empty at first."""
    for entry in entries():
        blocks = copied(site, entry, "examples")  # in which a blank line is one of a result
        text = "\n\n".join(block.replace("\n\n", "\n<BLANKLINE>\n") for block in blocks)
        (tmp_path / f"{entry.name}.txt").write_text(text + "\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"]
    options = ["--doctest-glob=*.txt", f"--rootdir={tmp_path}"]
    done = subprocess.run(
        [*command, *options, tmp_path],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(entries())} passed" in done.stdout
