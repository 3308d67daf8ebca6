"""What a whole run of the tests shows of each entry; ``pytest --record`` keeps it.

A test records properties of its entry, and counts when it has passed. Nothing is written unless the
run is whole, everything in it has passed, and the tree is the commit that the record names.
"""

import json
import platform
import subprocess
from collections import Counter, defaultdict
from collections.abc import Generator
from datetime import UTC, datetime
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
from verification import RECORD, libraries_in, source

from mlmath_ref.catalog import entry

ROOT = Path(__file__).parents[1]
RECORDS = ":!docs/*.json"
CHECKS = ("test_verification_record.py", "test_witness_record.py")  # which fail until it is written
Shown = dict[str, list[dict[str, Any]]]  # by entry: the properties of each test that has passed


def commit() -> str:
    """The commit that the tree is, records apart.

    Raises:
        pytest.UsageError: It is none.
    """
    changed = git("status", "--porcelain", "--", ".", RECORDS)
    if changed:
        raise pytest.UsageError(f"a record is of a commit, but there are changes:\n{changed}")
    return git("rev-parse", "HEAD").strip()


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise pytest.UsageError(f"a record is of a commit: git said {done.stderr.strip()}")
    return done.stdout


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def installed(names: set[str]) -> dict[str, str]:
    """Name and version of the distribution that each module comes from."""
    found = {n: d[0] for n, d in packages_distributions().items() if n in names}
    return {n: f"{found[n]} {version(found[n]).partition('+')[0]}" for n in sorted(found)}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return (config.getoption("record") and collection_path.name in CHECKS) or None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="write docs/verification.json")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # of xdist: its reports go to the process that writes
        config.pluginmanager.register(Entries())
    elif config.getoption("record"):
        config.pluginmanager.register(Entries())
        chosen = [config.option.keyword, config.option.markexpr, config.option.deselect]
        if config.args_source is not config.ArgsSource.TESTPATHS or any(chosen):
            raise pytest.UsageError("--record is for a whole run: give no path and no selection")
        config.pluginmanager.register(Recorder(commit()))


class Entries:
    """Puts the name of its entry into the report of a test."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        given = getattr(item, "callspec", None)
        if given and "entry" in given.params:
            report.user_properties = [
                *report.user_properties,
                ("entry", given.params["entry"].name),
            ]
        return report


class Recorder:
    """Gathers what the tests of a run show."""

    def __init__(self, commit: str) -> None:
        self.commit = commit
        self.shown: Shown = defaultdict(list)
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        shown: dict[str, Any] = dict(report.user_properties)
        name = shown.pop("entry", None)
        if report.skipped:
            self.skipped.append(report.nodeid)
        if report.when == "call" and report.passed and name:
            self.shown[name].append(shown)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and not self.skipped:
            write(self.shown, self.commit)

    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        passed = exitstatus == pytest.ExitCode.OK and not self.skipped
        told = "written" if passed else f"not written: not all has passed {self.skipped or ''}"
        terminalreporter.write_line(f"docs/verification.json is {told}")


def write(shown: Shown, commit: str) -> None:
    """The record: a line an entry, with what is not as usual."""
    found = {n: {"source": source(entry(n)), **facts(shown[n])} for n in sorted(shown)}
    oracles = [(e, o) for e in map(entry, found) for o in e.oracles]
    modules = {n for e, o in oracles for n in libraries_in(e, o)}
    run = {
        "commit": commit,
        "date": today(),
        "python": platform.python_version(),
        "versions": installed(modules | {n for f in found.values() for n in f["libraries"]}),
    }
    usual = usual_facts(list(found.values()))
    lines = [f"  {json.dumps(n)}: {json.dumps(unusual(f, usual))}" for n, f in found.items()]
    head = [f' "{k}": {json.dumps(v)}' for k, v in (("run", run), ("usual", usual))]
    entries = ' "entries": {\n' + ",\n".join(lines) + "\n }"
    RECORD.write_text("{\n" + ",\n".join([*head, entries]) + "\n}\n")


def facts(tests: list[dict[str, Any]]) -> dict[str, Any]:
    """What the tests of an entry show together: the largest of numbers, all of names."""
    found: dict[str, Any] = {}
    for name, value in sorted((n, v) for test in tests for n, v in test.items()):
        old = found.setdefault(name, value)
        if not isinstance(value, list):
            found[name] = max(old, value)
        elif isinstance([*old, *value, ""][0], str):
            found[name] = sorted({*old, *value})
        else:
            found[name] = [max(pair) for pair in zip(old, value, strict=True)]
    return found


def usual_facts(found: list[dict[str, Any]]) -> dict[str, Any]:
    """What more than half of the entries have in common."""
    counts = Counter((n, json.dumps(v)) for facts in found for n, v in facts.items())
    return {n: json.loads(v) for (n, v), count in sorted(counts.items()) if 2 * count > len(found)}


def unusual(facts: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    absent = {n: None for n in usual if n not in facts}
    return {n: v for n, v in (facts | absent).items() if n not in usual or v != usual[n]}
