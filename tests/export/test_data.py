"""The data that every build of the site writes: whole, true to their schema, and of use."""

import contextlib
import doctest
import importlib
import inspect
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import export
import jsonschema
import pytest

import mlmath_ref
from mlmath_ref.catalog import Entry, domains, entries, topics
from mlmath_ref.records import Step

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
PAGE = (ROOT / "docs" / "data.md").read_text()
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    path = SITE / "data" / "entries.json"
    assert path.exists(), "there is no site yet: run make site"
    return dict(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return dict(json.loads((SITE / "data" / "entries.schema.json").read_text()))


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(SITE / "data" / "mlmath.sqlite")) as db:
        yield db


def test_data_fit_the_schema(data: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("change", [{"formula": 1}, {"formula": None}, {"unknown": ""}])
def test_schema_refuses(
    data: dict[str, Any], schema: dict[str, Any], change: dict[str, Any]
) -> None:
    wrong = {**data, "entries": [{**data["entries"][0], **change}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema, jsonschema.Draft202012Validator)


def test_schema_needs_every_field(data: dict[str, Any], schema: dict[str, Any]) -> None:
    for field in data["entries"][0]:
        wrong = {k: v for k, v in data["entries"][0].items() if k != field}
        with pytest.raises(jsonschema.ValidationError, match="is a required property"):
            jsonschema.validate({**data, "entries": [wrong]}, schema)


def test_every_field_is_described(schema: dict[str, Any]) -> None:
    for part in [schema, *schema["$defs"].values()]:
        assert all(field["description"] for field in part["properties"].values())
    page = (SITE / "data.html").read_text()
    assert all(
        f'<span class="pre">{n}</span>' in page for n in schema["$defs"]["Record"]["properties"]
    )


def test_all_is_there(data: dict[str, Any]) -> None:
    assert [e["name"] for e in data["entries"]] == [e.name for e in entries()]
    assert len(data["topics"]) == len(topics())
    assert len(data["domains"]) == len(domains())
    cited = {
        c["work"] for part in ("entries", "topics") for e in data[part] for c in e["citations"]
    }
    assert cited <= {work["key"] for work in data["works"]}


@each_entry
def test_record_is_what_the_docstring_says(data: dict[str, Any], entry: Entry) -> None:
    found = next(e for e in data["entries"] if e["name"] == entry.name)
    doc = " ".join((inspect.getdoc(entry.function) or "").split())
    assert " ".join(found["formula"].split()) in doc
    parameters = inspect.signature(inspect.unwrap(entry.function)).parameters
    assert [a["name"] for a in found["arguments"]] == list(parameters)
    assert len(found["roles"]) == doc.count(" -- ")
    steps = [step for example in found["examples"] for step in example["steps"]]
    assert len(steps) == doc.count(">>> ")
    texts = [found["law"], found["numerics"], found["result"], *(r["text"] for r in found["roles"])]
    texts += [e["text"] for e in found["examples"]] + [a["meaning"] for a in found["arguments"]]
    for text in texts:
        assert not re.search(r":[a-z:]+:`|``|\s$", text), text
        assert text.count("$") % 2 == 0
    assert (ROOT / found["source"]).read_text().count(f"def {entry.name}(") == 1
    assert (SITE / found["address"].removeprefix(mlmath_ref.SITE + "/")).exists()


@each_entry
def test_texts_and_examples_run(data: dict[str, Any], entry: Entry) -> None:
    """Every text defines the function, and the examples hold for the package's."""
    found = next(e for e in data["entries"] if e["name"] == entry.name)
    texts = [found[library] for library in ("numpy", "torch", "python") if found[library]]
    assert texts
    for text in texts:
        names: dict[str, Any] = {}
        exec(text, names)
        assert callable(names[entry.name])
    module = importlib.import_module(found["source"].removesuffix(".py").replace("/", "."))
    session = "\n".join(
        line
        for example in found["examples"]
        for step in example["steps"]
        for line in export.session(Step(**step))
    )
    assert failures(session, dict(vars(module))) == []


def failures(session: str, names: dict[str, Any]) -> list[str]:
    """What a session prints otherwise than it says."""
    runner = doctest.DocTestRunner(verbose=False)
    test = doctest.DocTestParser().get_doctest(session, names, "session", None, 0)
    report: list[str] = []
    runner.run(test, out=report.append)
    return report


def test_a_wrong_number_is_found() -> None:
    assert failures(">>> round(1 / 3, 3)\n0.333", {}) == []
    assert failures(">>> 1 / 3\n0.333", {})


# SQLite ---------------------------------------------------------------------------------------


def test_database_is_whole(database: sqlite3.Connection, data: dict[str, Any]) -> None:
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    for table in ("domains", "topics", "entries", "works"):
        rows = database.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in rows.description]
        expected = [{n: record[n] for n in names} for record in data[table]]
        assert [dict(zip(names, row)) for row in rows] == expected


@pytest.mark.parametrize("table", [t for t in export.tables() if t.parent], ids=lambda t: t.name)
def test_database_has_every_list(
    database: sqlite3.Connection, data: dict[str, Any], table: export.Table
) -> None:
    field = table.name.partition("_")[2]
    holders = data.get(table.parent) or [
        part for e in data["entries"] for part in e[table.parent.partition("_")[2]]
    ]
    values = [part for holder in holders for part in holder[field]]
    names = [c.name for c in table.columns]
    selected = ", ".join(f'"{name}"' for name in names)
    rows = database.execute(f"SELECT {selected} FROM {table.name} ORDER BY id").fetchall()
    expected = [v if isinstance(v, dict) else {"value": v} for v in values]
    assert rows == [tuple(v[n] for n in names) for v in expected]


def test_references_are_held(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        database.execute("INSERT INTO entry_calls VALUES (NULL, 'softmax', 9, 'nothing')")


def test_database_finds_words(database: sqlite3.Connection) -> None:
    query = "SELECT name FROM search WHERE search MATCH ? ORDER BY rank LIMIT 1"
    for words, name in (("relative entropy", "kl_divergence"), ("Adam decoupled", "adamw")):
        assert database.execute(query, (words,)).fetchall() == [(name,)]


def test_database_is_the_same_every_time(tmp_path: Path, data: dict[str, Any]) -> None:
    export.database(tmp_path / "again.sqlite", data)
    written = SITE / "data" / "mlmath.sqlite"
    assert (tmp_path / "again.sqlite").read_bytes() == written.read_bytes()


def test_database_refuses_what_is_not_there(tmp_path: Path, data: dict[str, Any]) -> None:
    cited = data["entries"][0]["citations"][0]["work"]
    others = [work for work in data["works"] if work["key"] != cited]
    with pytest.raises(ValueError, match="rows refer to what is not there"):
        export.database(tmp_path / "wrong.sqlite", {**data, "works": others})


# Markdown -------------------------------------------------------------------------------------


def test_llms_txt_follows_the_convention(data: dict[str, Any]) -> None:
    """One title, a quotation, and sections that are lists of links, as llmstxt.org has it."""
    lines = (SITE / "llms.txt").read_text().splitlines()
    assert [line for line in lines if line.startswith("# ")] == ["# ML Math Map"]
    assert lines[2].startswith("> ")
    head = lines.index(next(line for line in lines if line.startswith("## ")))
    listed = [line for line in lines[head:] if line and not line.startswith("## ")]
    links = [re.fullmatch(r"- \[[^\]]+\]\(([^)\s]+)\): \S.*", line) for line in listed]
    assert all(links)
    paths = [link[1].removeprefix(mlmath_ref.SITE + "/") for link in links if link]
    assert not [path for path in paths if not (SITE / path).is_file()]
    assert {f"entries/{e.name}.html.md" for e in entries()} <= set(paths)


def test_llms_full_has_everything(data: dict[str, Any]) -> None:
    text = (SITE / "llms-full.txt").read_text()
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert not re.search(r":(?:math|cite|ref)[:`]|\.\. \w+::", outside)
    assert re.findall(r"^#### (.+)$", outside, re.MULTILINE) == [e.concept for e in entries()]
    for entry in data["entries"]:
        assert entry["formula"] in text
        assert all(role["text"] in text for role in entry["roles"])
        page = (SITE / "entries" / f"{entry['name']}.html.md").read_text()
        assert page.startswith(f"# {entry['concept']}\n")
        assert entry["numerics"] in page


# The page -------------------------------------------------------------------------------------


def test_examples_of_the_page_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SITE / "data")
    session = "\n".join(re.findall(r"^```pycon\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
    assert session.count(">>>") > 5
    assert os.path.exists("entries.json")
    assert failures(session, {}) == []


@pytest.mark.parametrize("query", re.findall(r"^```sql\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
def test_queries_of_the_page_run(database: sqlite3.Connection, query: str) -> None:
    told = [line.removeprefix("-- ") for line in query.splitlines() if line.startswith("-- ")]
    rows = ["|".join(map(str, row)) for row in database.execute(query)]
    assert told
    assert rows == told


def test_downloads_are_there() -> None:
    """Every file that the page names, in the state in which it was built."""
    page = (SITE / "carry-away.html").read_text()
    named = re.findall(r'href="((?:data|books)/[^"]+|llms[^"]+)"', page)
    assert set(export.FILES) <= set(named)
    assert not [path for path in named if not (SITE / path).is_file()]
