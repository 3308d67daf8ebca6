"""``torch.compile`` makes one graph of every entry and of every copied text."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Without the import hook of the tests, whose checks of shapes no compiler follows.
CODE = """
import sys
import torch
from drawing import agree, arguments, convert
from opened import copied
from mlmath_ref.catalog import entries
for entry in [e for e in entries() if "torch" in e.libraries]:
    values = convert(arguments(entry, 2)[0], "torch")
    if any(map(callable, values.values())):
        continue  # what is compiled then is the caller's function
    for what, function in (("copied text", copied(entry, "torch")), ("entry", entry.function)):
        torch._dynamo.reset()
        try:
            made = torch.compile(function, fullgraph=True, backend="eager")
            agree(made(**values), function(**values), 1e-12)
        except Exception as error:
            print(f"{entry.name} ({what}): {' '.join(str(error).split())[:300]}")
"""


def test_all_compile_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'docs' / '_ext'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout, done.stdout
