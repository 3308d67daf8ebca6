"""The wheel, in environments of its own; and what the README promises of commands."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from readme import blocks
from uv import find_uv_bin

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
FOLDERS = ("LICENSE", "LICENSES", "README.md", "mlmath_ref", "pyproject.toml")

# Every module that computes is imported, and one entry of each kind is called.
USE = """
import importlib, pkgutil, mlmath_ref
for package in pkgutil.iter_modules(mlmath_ref.__path__, "mlmath_ref."):
    if package.ispkg and not package.name.endswith("engine"):
        found = importlib.import_module(package.name)
        for topic in pkgutil.iter_modules(found.__path__, f"{package.name}."):
            importlib.import_module(topic.name)
import numpy as np
from mlmath_ref.information.divergence import kl_divergence
print(round(float(kl_divergence(np.asarray([0.5, 0.5]), np.asarray([0.25, 0.75]))), 4))
"""


def ran(command: list[str], code: int = 0, **changes: Any) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(command, capture_output=True, text=True, check=False, **changes)
    assert done.returncode == code, done.stderr
    return done


def uv(*arguments: str) -> None:
    ran([find_uv_bin(), *arguments], cwd=ROOT)


def built(source: Path, target: Path) -> Path:
    uv("build", "--wheel", "--build-constraints", str(CONSTRAINTS), "--out-dir", str(target), str(source))  # fmt: skip
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


def installed(wheel: Path, folder: Path, extra: str) -> Path:
    """The programs of an environment that has only the wheel and what it requires."""
    uv("venv", "--python", sys.executable, str(folder))
    uv("pip", "install", "--python", f"{folder}/bin/python", "-c", str(CONSTRAINTS), f"{wheel}{extra}")  # fmt: skip
    return folder / "bin"


def test_the_wheel_is_the_same_from_every_checkout(wheel: Path, tmp_path: Path) -> None:
    """Files that are not sources are not in it, nor are times and permissions of the checkout."""
    copy = tmp_path / "copy"
    copy.mkdir()
    ran(["cp", "-r", *(str(ROOT / name) for name in FOLDERS), str(copy)])
    (copy / "mlmath_ref" / "state.jsonl").write_text("made by an old version")
    (copy / "mlmath_ref" / "notes.txt").write_text("of a developer")
    os.chmod(copy / "mlmath_ref" / "sets.py", 0o600)
    os.utime(copy / "mlmath_ref" / "sets.py", (0, 1e9))
    other = built(copy, tmp_path / "wheel")
    assert (other.name, other.read_bytes()) == (wheel.name, wheel.read_bytes())


def test_the_wheel_has_its_licences_and_addresses(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (name,) = (n for n in names if n.endswith("METADATA"))
        told = archive.read(name).decode()
    assert "License-Expression: Apache-2.0 AND CC-BY-4.0 AND MIT\n" in told
    for licence in ("LICENSE", "LICENSES/CC-BY-4.0.txt", "LICENSES/MIT.txt"):
        assert any(n.endswith(f"licenses/{licence}") for n in names)
    page = told.partition("\n\n")[2]
    assert "](https://mlmath-ref.readthedocs.io/en/stable/entry.png)" in page
    assert page.count("](") == page.count("](https://")
    assert not [n for n in names if n.startswith("mlmath_ref/") and not n.endswith((".py", ".js", ".bib", "py.typed"))]  # fmt: skip


def test_computing_requires_no_command_line(wheel: Path, tmp_path: Path) -> None:
    programs = installed(wheel, tmp_path / "environment", "")
    env = os.environ | {"PYTHONPATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = ran([str(programs / "python"), "-W", "error", "-c", USE], env=env, cwd=tmp_path)
    assert done.stdout == "0.1438\n"
    packages = {p.name.partition("-")[0] for p in tmp_path.rglob("*.dist-info")}
    needed = {"array_api_compat", "jaxtyping", "mlmath_ref", "numpy", "scipy", "wadler_lindig"}
    assert packages == needed
    done = ran([str(programs / "mlmath"), "show", "softmax"], 3, env=env, cwd=tmp_path)
    assert not done.stdout
    assert done.stderr == (
        "mlmath: needs argcomplete, math_core, platformdirs, py_mini_racer, pybtex, rispy: "
        "pip install 'mlmath-ref[cli]'\n"
    )
    assert ran([str(programs / "mlmath"), "--version"], env=env).stdout.startswith("mlmath 0.")


def test_the_command_line_leaves_the_installation_as_it_is(wheel: Path, tmp_path: Path) -> None:
    programs = installed(wheel, tmp_path / "environment", "[cli]")
    env = os.environ | {"PYTHONPATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for command, told in (
        ("search \\frac{QK^T}{\\sqrt{d}} --limit 1", "attention_scores"),
        ("show kl_divergence", "Kullback-Leibler divergence"),
        ("cite kl_divergence --format ris", "TY  - "),
        ("copy softmax", "def softmax"),
        ("completion bash", "mlmath"),
    ):
        done = ran([str(programs / "mlmath"), *command.split()], env=env, cwd=tmp_path)
        assert told in done.stdout
    (package,) = tmp_path.rglob("site-packages/mlmath_ref")
    uv("pip", "uninstall", "--python", f"{programs}/python", "mlmath-ref")
    assert not [p for p in package.rglob("*") if "__pycache__" not in p.parts]


def test_the_readme_has_commands_only() -> None:
    found = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [b.splitlines()[-1].split()[0] for b in found] == ["mlmath", "make", "make"]
    with pytest.raises(ValueError, match="got 'output'"):
        blocks("```console\n$ command\noutput\n```\n")


def test_a_used_port_is_told_in_a_line(tmp_path: Path) -> None:
    import socket

    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        port = used.getsockname()[1]
        command = [sys.executable, str(ROOT / "tools" / "serve.py"), str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:  # fmt: skip
            assert server.stdout
            told = server.stdout.readline()
            server.terminate()  # an interrupt may be ignored where the tests run in the background
            _, said = server.communicate(timeout=60)
    assert told.endswith(f"(Ctrl-C ends; port {port} is in use)\n")
    assert not said
