"""The command line, as a shell runs it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlmath_ref import state
from mlmath_ref.catalog import entries, entry
from mlmath_ref.command import FACETS, FORMATS
from mlmath_ref.standalone import standalone

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
HEAVY = r"\| +(torch|numpy|scipy|pybtex|math_core)\b"  # what an answer does not wait for


def run(*arguments: str, code: int = 0, **changes: str) -> tuple[str, str]:
    """What a command prints and says, in a terminal of 80 columns."""
    done = subprocess.run(
        [sys.executable, "-m", "mlmath_ref", *arguments],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"} | changes,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="session", autouse=True)
def _state() -> None:
    """The first command makes the state; the others are quiet."""
    run("show", "softmax")


# What it prints


def test_search_ranks_entries_with_formulas() -> None:
    told, said = run("search", "kullback", "leibler", "--limit", "2")
    assert told.startswith("kl_divergence  Kullback-Leibler divergence\n")
    assert "D_KL(p ‖ q) = ∑ᵢ₌₁ⁿ pᵢ log pᵢ/qᵢ" in told
    assert told.count("\n\n") == 1
    assert not said


def test_search_takes_formulas_filters_and_gives_json() -> None:
    told, _ = run("search", r"\frac{QK^\top}{\sqrt{d_k}}", "--json", "--limit", "2")
    found = json.loads(told)
    assert found["understood"]["kind"] == "formula"
    assert found["results"][0]["name"] == "attention_scores"
    assert found["results"][0]["latex"] == entry("attention_scores").formula
    assert set(found["facets"]) == set(FACETS)
    told, _ = run("search", "norm", "--filter", "domain=layers", "--json")
    names = [r["name"] for r in json.loads(told)["results"]]
    assert names
    assert {entry(n).domain for n in names} == {"layers"}


def test_a_misspelling_is_named() -> None:
    told, said = run("search", "perplexty", "--limit", "1")
    assert told.startswith("perplexity ")
    assert "'perplexity'" in said


def test_show_prints_the_whole_entry() -> None:
    told, _ = run("show", "kl_divergence")
    e = entry("kl_divergence")
    for text in (e.concept, e.tells, "p ∈ (Δⁿ⁻¹)", "Qwen Team 2025, sec. 4.5", "0.1438"):
        assert text in told
    for role in e.roles:
        assert f"{role.system} ({role.label})" in told
    assert told.endswith(f"/entries/{e.name}.html\n")
    assert "               n         pᵢ" in told
    assert run("show", "KL divergence")[0] == told
    assert max(map(len, told.splitlines())) <= 80


def test_show_is_ascii_where_the_terminal_is() -> None:
    told, _ = run("show", "kl_divergence", PYTHONIOENCODING="ascii")
    assert told.isascii()
    assert r"D_{\mathrm{KL}}(p \,\|\, q) = \sum_{i=1}^{n}" in told
    assert r"p \in (\Delta^{n-1})" in told


def test_show_gives_json() -> None:
    found = json.loads(run("show", "softmax", "--json")[0])
    e = entry("softmax")
    assert found["latex"] == e.formula
    assert len(found["roles"]) == len(e.roles)


@pytest.mark.parametrize("format", FORMATS)
def test_cite_prints_the_citation(format: str) -> None:
    from mlmath_ref.citation import citation

    for name in ("kl_divergence", "vaswani2017attention"):
        assert run("cite", name, "--format", format)[0] == citation(name, format)


def test_copy_prints_what_the_page_has() -> None:
    e = entry("softmax")
    assert run("copy", "softmax")[0] == standalone(e, "numpy")
    assert run("copy", "softmax", "--library", "torch")[0] == standalone(e, "torch")
    assert run("copy", "softmax", "--what", "latex")[0] == f"{e.formula}\n"
    assert run("copy", "softmax", "--what", "mathml")[0].startswith("<math")
    assert run("copy", "softmax", "--what", "link")[0].endswith("/entries/softmax.html\n")


def test_the_page_shows_what_is_printed() -> None:
    """The examples of docs/command-line.md, each with all that it prints."""
    blocks = re.findall(r"```console\n(.+?)```", PAGE, re.DOTALL)
    shown = [b.removeprefix("$ ").partition("\n") for b in blocks if b.startswith("$ mlmath")]
    assert len(shown) >= 4
    for command, _, printed in shown:
        script = f'mlmath() {{ "{sys.executable}" -m mlmath_ref "$@"; }}; {command}'
        done = subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            encoding="utf-8",
            env=os.environ | {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
            check=True,
        )
        assert done.stdout == printed


# What goes wrong


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", "qqqqzzzz"], 1, "nothing is found for 'qqqqzzzz'"),
        (["show", "kl_diverg"], 1, "no entry is named 'kl_diverg'; did you mean "),
        (["cite", "kl_diverg"], 1, "no entry or work is named 'kl_diverg'; did you mean "),
        (["copy", "gradient", "--library", "numpy"], 1, "gradient has no text for numpy, only for torch"),
        ([], 2, "the following arguments are required: COMMAND"),
        (["find"], 2, "invalid choice: 'find'"),
        (["search"], 2, "the following arguments are required: query"),
        (["search", "kl", "--limit", "0"], 2, "expected a number from 1 on, got '0'"),
        (["search", "--limt", "3", "kl"], 2, "unrecognized arguments: --limt"),
        (["search", "kl", "--limit", "-3"], 2, "expected a number from 1 on, got '-3'"),
        (["search", "kl", "--filter", "color=red"], 2, "expected FACET=VALUE"),
        (["cite", "softmax", "--format", "word"], 2, "invalid choice: 'word'"),
    ],
)  # fmt: skip
def test_errors_say_what_was_expected(arguments: list[str], code: int, message: str) -> None:
    told, said = run(*arguments, code=code)
    assert not told
    assert message in said


def test_nothing_found_is_json_too() -> None:
    told, _ = run("search", "qqqqzzzz", "--json", code=1)
    assert json.loads(told)["results"] == []


def test_a_closed_pipe_is_no_error() -> None:
    command = f'"{sys.executable}" -m mlmath_ref search norm --limit 200 | head -1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
    assert not done.stderr


@pytest.mark.parametrize("command", ["show softmax", "search norm", "--help"])
def test_what_cannot_be_written_is_told_in_a_line(command: str) -> None:
    for output, message in (
        (">/dev/full", "mlmath: the output cannot be written: [Errno 28] No space left on device"),
        (">&-", "mlmath: standard output is closed"),
    ):
        script = f'"{sys.executable}" -m mlmath_ref {command} {output}; echo $? >&2'
        env = os.environ | {"PYTHONUNBUFFERED": ""}
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, env=env, check=True
        )
        assert done.stderr == f"{message}\n3\n"


def test_a_query_may_begin_with_a_minus_sign() -> None:
    plain = run("search", "--limit", "2", "--", "-log(p)")
    assert run("search", "-log(p)", "--limit", "2") == plain
    assert run("search", "-log(p)", "--limit=2") == plain
    assert json.loads(run("search", "-x", "--json")[0])["query"] == "-x"
    assert run("search", "-h") == run("search", "--help")


def test_queries_are_utf8_in_every_locale() -> None:
    told, _ = run("search", "α", "--json", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert json.loads(told)["query"] == "α"


def test_colors_are_for_terminals() -> None:
    assert "\x1b" not in run("show", "softmax")[0]


def test_version_and_help() -> None:
    assert re.fullmatch(r"mlmath \d+\.\d+\.\d+\n", run("--version")[0])
    told = run("--help")[0]
    assert "mlmath copy softmax --library torch" in told


@pytest.mark.parametrize(
    "command", [["search", "kl"], ["show", "kl_divergence"], ["cite", "softmax"], ["copy", "adam"]]
)
def test_nothing_heavy_is_imported(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mlmath_ref", *command],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "mlmath_ref.state" in done.stderr
    assert not re.findall(HEAVY, done.stderr)


# Completion


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which mlmath is a command."""
    program = tmp_path / "mlmath"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlmath_ref "$@"\n')
    program.chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mlmath show kl_", ["kl_divergence", "kl_penalized_reward"]),
        ("mlmath co", ["completion", "copy"]),
        ("mlmath cite softmax --format cs", ["csl-json"]),
        ("mlmath copy softmax --lib", ["--library"]),
    ],
)
def test_bash_completes(shell: dict[str, str], line: str, expected: list[str]) -> None:
    words = " ".join(f"'{w}'" for w in line.split(" "))
    script = f"""
    source <(mlmath completion bash)
    function=$(complete -p mlmath | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    COMP_LINE='{line}' COMP_POINT={len(line)} COMP_TYPE=9 COMP_WORDS=({words}) COMP_CWORD={line.count(" ")}
    $function mlmath
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=shell, check=True
    )
    assert sorted(done.stdout.split()) == expected, done.stderr


def test_zsh_and_fish_have_a_script() -> None:
    assert "compdef" in run("completion", "zsh")[0]
    assert "complete --command mlmath" in run("completion", "fish")[0]


# The state


PREPARING = "mlmath: preparing the index, which takes a few seconds ...\n"


def test_the_state_is_never_stale(tmp_path: Path) -> None:
    """After a change it is made again, once, in the user's cache; the package stays as it is."""
    package, cache = tmp_path / "mlmath_ref", tmp_path / "cache"
    unwanted = shutil.ignore_patterns("__pycache__", "state.jsonl*")
    shutil.copytree(ROOT / "mlmath_ref", package, ignore=unwanted)
    env = os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "80", "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(cache)}  # fmt: skip

    def shown() -> tuple[str, str]:
        command = [sys.executable, "-m", "mlmath_ref", "show", "softmax"]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, check=True)  # fmt: skip
        return done.stdout, done.stderr

    files = sorted(package.rglob("*"))
    before, said = shown()
    assert said == PREPARING
    assert shown() == (before, "")
    assert sorted(p.name for p in cache.rglob("*")) == ["mlmath_ref", "state.jsonl"]
    source = package / entry("softmax").topic.domain / f"{entry('softmax').topic.name}.py"
    tells = entry("softmax").tells
    text = source.read_text(encoding="utf-8")
    changed = text.replace(tells[1:], "n entirely other sentence.")
    assert changed != text
    source.write_text(changed, encoding="utf-8")
    after, said = shown()
    assert said == PREPARING
    assert "n entirely other sentence." in after
    assert shown() == (after, "")
    assert sorted(package.rglob("*")) == files


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, without a state; one is made at once, and is short."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(state, "digest", lambda: "sources")
    monkeypatch.setattr(state, "made", lambda: ["a", "b", "c", ["α"], {"name": "α"}])
    return tmp_path / "cache" / "mlmath_ref"


def read() -> list[str]:
    """The state, as a process reads it first."""
    return state._lines.__wrapped__()


@pytest.mark.parametrize("broken", ["empty", "first line", "truncated", "not UTF-8", "changed"])
def test_a_broken_state_is_made_again(
    cache: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    lines = read()
    assert capsys.readouterr().err == PREPARING
    assert (read(), capsys.readouterr().err) == (lines, "")
    place = cache / state.FILE
    whole = place.read_bytes()
    places = {
        "empty": b"",
        "first line": whole.partition(b"\n")[0],
        "truncated": whole[:-1],
        "not UTF-8": whole + b"\n\xff",
        "changed": whole.replace(b"name", b"mean"),
    }
    place.write_bytes(places[broken])
    assert (read(), capsys.readouterr().err) == (lines, PREPARING)
    assert place.read_bytes() == whole


def test_without_a_cache_the_state_is_made(
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    lines = read()
    capsys.readouterr()
    message = f"{PREPARING}mlmath: the index is not saved, and is prepared again by the next call: "

    def is_made_because(reason: str) -> None:
        assert read() == lines
        assert capsys.readouterr().err == f"{message}{reason}\n"

    place = cache / state.FILE
    place.unlink()
    place.mkdir()
    (cache / state.FILE / "file").touch()
    assert read() == lines
    assert capsys.readouterr().err.startswith(message)
    assert [p.name for p in cache.iterdir()] == [state.FILE]
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    is_made_because(f"[Errno 20] Not a directory: '{tmp_path}/file/mlmath_ref'")

    def disk_is_full(path: Path, content: bytes) -> int:
        with path.open("wb") as part:
            part.write(content[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "full"))
    monkeypatch.setattr(Path, "write_bytes", disk_is_full)
    is_made_because("[Errno 28] No space left on device")
    assert not list((tmp_path / "full" / "mlmath_ref").iterdir())


def test_a_user_needs_no_home_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor has to be one whom the system knows: then there is no cache."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")

    def nobody(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert read()[0] == '"a"'


def test_the_catalog_is_what_python_imports() -> None:
    assert state.names() == [e.name for e in entries()]
