"""How a run is recorded, and what a page says of it."""

import inspect
import subprocess
import sys
from typing import Any

import pytest
import recording
import verification
from drawing import bound
from recording import ROOT, facts, unusual, usual_facts

from mlmath_ref.catalog import entry
from mlmath_ref.standalone import standalone

SOFTMAX = entry("softmax")
RUN = {
    "commit": "0123456789abcdef",
    "date": "2030-01-02",
    "python": "3.99.0",
    "versions": {"scipy": "scipy 9.9", "numpy": "numpy 8.8", "torch": "torch 7.7"},
}
FACTS = {
    "differences": [1e-11],
    "draws": 30,
    "dtypes": ["float32", "float64"],
    "formula": 1e-10,
    "gradient": ["z"],
    "libraries": ["numpy", "torch"],
    "within": 1e-5,
}


def told(monkeypatch: pytest.MonkeyPatch, **own: Any) -> tuple[list[list[str]], str]:
    record = {"run": RUN, "usual": FACTS, "entries": {"softmax": own} if own else {}}
    monkeypatch.setattr(verification, "record", lambda: record)
    return verification.rows(SOFTMAX)


def test_page_says_what_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, run = told(monkeypatch, source=verification.source(SOFTMAX), draws=31)
    text = "\n".join(" | ".join(row) for row in rows)
    assert f"Oracle | :math:`10^{{-11}}` | ``{SOFTMAX.oracles[0]}``, scipy 9.9" in text
    assert "evaluated on 31 drawn inputs" in text
    assert "in ``z``" in text
    assert "numpy 8.8, torch 7.7, in float32, float64" in text
    assert run.startswith("Run on 2030-01-02 at commit ``0123456789``. ")


@pytest.mark.parametrize("own", [{}, {"source": "of another text"}])
def test_page_claims_nothing_of_another_source(
    monkeypatch: pytest.MonkeyPatch, own: dict[str, Any]
) -> None:
    rows, said = told(monkeypatch, **own)
    assert not rows
    assert said.startswith("The entry has changed since")


def test_source_is_of_the_docstring_and_of_all_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attention = entry("scaled_dot_product_attention")
    before = {e: (verification.source(e), verification.code(e)) for e in (SOFTMAX, attention)}
    real = inspect.getsource

    def changed(body: str, prose: str) -> list[tuple[bool, bool]]:
        """Which hashes change with softmax's body, and with its prose."""

        def getsource(thing: Any) -> str:
            text = real(thing)
            if getattr(thing, "__name__", "") == "softmax":
                text = text.replace("xp.exp", body).replace("Examples:", prose)
            return text

        with monkeypatch.context() as patch:
            patch.setattr("inspect.getsource", getsource)
            verification.code.cache_clear()
            standalone.cache_clear()
            after = {e: (verification.source(e), verification.code(e)) for e in before}
        verification.code.cache_clear()
        standalone.cache_clear()
        return [(a != b, c != d) for (a, c), (b, d) in zip(before.values(), after.values())]

    assert changed("xp.exp", "Examples:") == [(False, False), (False, False)]
    assert changed("xp.exp2", "Examples:") == [(True, True), (True, True)]
    assert changed("xp.exp", "Samples:") == [(True, False), (False, False)]


def test_facts_are_of_all_tests_together() -> None:
    tests: list[dict[str, Any]] = [
        {"differences": [1e-12, 0.0], "dtypes": ["float64"]},
        {"differences": [1e-11, 0.0], "dtypes": []},
        {"draws": 30, "dtypes": ["float32"]},
        {},
    ]
    found = facts(tests)
    assert found == {"differences": [1e-11, 0.0], "dtypes": ["float32", "float64"], "draws": 30}


def test_record_has_what_is_not_as_usual() -> None:
    found: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 4}]
    usual = usual_facts(found)
    assert usual == {"a": 1}
    short = [unusual(f, usual) for f in found]
    assert short == [{"b": 2}, {"b": 3}, {"b": 4, "a": None}]


def test_differences_are_rounded_up() -> None:
    assert [bound(d) for d in (0.0, 3e-16, 2e-12, 1e-9)] == [1e-12, 1e-12, 1e-11, 1e-9]


@pytest.mark.parametrize("chosen", [["tests/test_form.py"], ["-k", "softmax"]])
def test_part_of_a_run_is_not_recorded(chosen: list[str]) -> None:
    command = [sys.executable, "-m", "pytest", "--record", *chosen]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--record is for a whole run" in done.stderr


def test_changed_tree_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "git", lambda *_: " M mlmath_ref/sets.py\n")
    with pytest.raises(pytest.UsageError, match=r"there are changes:\n M mlmath_ref/sets.py"):
        recording.commit()
