# PYTHON_ARGCOMPLETE_OK
"""The reference on the command line: ``mlmath search``, ``show``, ``cite`` and ``copy``."""

import argparse
import importlib.util
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

import mlmath_ref
from mlmath_ref import state

EXAMPLES = r"""examples:
  mlmath search 'kl'
  mlmath search '\frac{QK^T}{\sqrt{d}}' --limit 3
  mlmath search 'norm' --filter domain=layers --filter system='Llama 3'
  mlmath show kl_divergence
  mlmath cite kl_divergence --format ris
  mlmath copy softmax --library torch

The exit code is 0, or 1 if nothing is found, 2 if the command is wrong, 3 if it cannot be carried out.
"""
NEEDED = ("argcomplete", "math_core", "platformdirs", "py_mini_racer", "pybtex", "rispy")
FACETS = ("domain", "kind", "system", "work", "year", "library")
FORMATS = ("bibtex", "ris", "csl-json", "text")
COPIES = ("code", "latex", "mathml", "link")
MATH = re.compile(r":math:`([^`]+)`")
SPACE = "\u00a0"  # inside a formula, which is not broken


class NothingFoundError(Exception):
    """What was asked for is not there; the message says what is."""


# What is printed -------------------------------------------------------------------------------


class Page:
    """Lines for this terminal: its width, its encoding and its colors."""

    def __init__(self) -> None:
        self.width = max(40, min(shutil.get_terminal_size().columns, 100))
        self.is_unicode = "utf" in (sys.stdout.encoding or "").lower()
        self.is_colored = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.lines: list[str] = []

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.is_colored else text

    def heading(self, text: str) -> None:
        self.lines += ["", self.bold(text)]

    def text(self, text: str, math: dict[str, str], indent: str = "  ", more: str = "  ") -> None:
        for i, paragraph in enumerate(text.split("\n\n")):
            self.lines += [""] * bool(i)
            self.lines += textwrap.wrap(
                MATH.sub(lambda m: self.formula(m[1], math), paragraph),
                self.width,
                initial_indent=indent,
                subsequent_indent=more,
                break_on_hyphens=False,
            )

    def formula(self, latex: str, math: dict[str, str]) -> str:
        """A formula in the line; without Unicode it stays LaTeX."""
        return (math[latex] if self.is_unicode else latex).replace(" ", SPACE)

    def print(self) -> None:
        text = "\n".join(self.lines).replace(SPACE, " ") + "\n"
        write(text if self.is_unicode else ascii_of(text))


def ascii_of(text: str) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    return (
        "".join(c for c in plain if not unicodedata.combining(c))
        .encode("ascii", "replace")
        .decode()
    )


def write(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def write_json(data: Any) -> None:
    write(json.dumps(data, ensure_ascii="utf" not in (sys.stdout.encoding or ""), indent=2) + "\n")


# Commands --------------------------------------------------------------------------------------


def search(given: argparse.Namespace) -> None:
    from mlmath_ref.search import search as find

    filters: dict[str, list[str]] = {}
    for facet, value in given.filter:
        filters.setdefault(facet, []).append(value)
    query = " ".join(given.query).strip()
    found = find(query, given.limit, filters)
    meant = found["understood"]["didYouMean"]
    if given.json:
        shown = [r | picked(state.record(r["name"])) for r in found["results"]]
        write_json(found | {"query": query, "results": shown})
    if not found["results"]:
        raise NothingFoundError(f"nothing is found for {query!r}")
    if given.json:
        return
    if meant:
        state.tell(f"the words are unknown; these are for {meant!r}")
    page = Page()
    for i, result in enumerate(found["results"]):
        page.lines += [""] * bool(i)
        hit(page, state.record(result["name"]))
    page.print()


def picked(record: dict[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in ("concept", "tells", "latex", "address")}


def hit(page: Page, record: dict[str, Any]) -> None:
    """An entry in three lines."""
    page.lines.append(f"{page.bold(record['name'])}  {record['concept']}")
    page.text(record["tells"], record["math"], "    ", "    ")
    line = record["line"] if page.is_unicode else record["latex"]
    room = page.width - 4
    page.lines.append(f"    {line if len(line) <= room else line[: room - 3] + '...'}")


def show(given: argparse.Namespace) -> None:
    record = known(given.name)
    if given.json:
        write_json({k: v for k, v in record.items() if k not in ("formula", "math")})
        return
    page = Page()
    page.lines.append(f"{page.bold(record['concept'])}  ({record['name']})")
    math = record["math"]
    page.text(record["tells"], math, "", "")
    page.lines += ["", *(f"  {line}" for line in display(page, record)), ""]
    page.text(record["law"], math, "", "")
    page.heading("Arguments")
    for name, latex, of, meaning in record["arguments"]:
        sign = "∈" if page.is_unicode else r"\in"
        symbol = page.formula(latex, math)
        member = f"{symbol} {sign} {page.formula(of, math)}" if of else symbol
        head = member if symbol == name else f"{name}: {member}"
        page.text(f"{head}: {meaning}", math, "  ", "      ")
    page.text(f"returns: {record['returns']}", math, "  ", "      ")
    for latex, meaning in record["where"]:
        page.text(f"where {page.formula(latex, math)}: {meaning}", math, "  ", "      ")
    page.heading("Role in ML")
    for kind, system, text, source in record["roles"]:
        cited = f" [{source}]" if source else ""
        page.text(f"{system} ({kind}): {text}{cited}", math, "  ", "      ")
    page.heading("Numerics")
    page.text(record["numerics"].partition("\n\n")[0], math)
    page.heading("Example")
    for part in record["example"].split("\n\n"):
        if part.startswith(">>>"):
            page.lines += textwrap.indent(part, "  ").splitlines()
        else:
            page.text(part, math)
    page.lines += ["", record["address"]]
    page.print()


def display(page: Page, record: dict[str, Any]) -> list[str]:
    """The display, in as many columns as there are; without Unicode it stays LaTeX."""
    if not page.is_unicode:
        return textwrap.wrap(record["latex"], page.width - 2, break_long_words=False)
    from mlmath_ref.boxes import Box, folded

    lines = [
        [[Box(tuple(rows), base) for rows, base in group] for group in line]
        for line in record["formula"]
    ]
    return folded(lines, page.width - 2)


def cite(given: argparse.Namespace) -> None:
    try:
        write(known(given.name, suggest=False)["citations"][given.format])
    except NothingFoundError:
        from mlmath_ref.citation import citation

        try:
            write(citation(given.name, given.format))
        except KeyError:
            raise NothingFoundError(unknown(given.name, "entry or work")) from None


def copy(given: argparse.Namespace) -> None:
    record = known(given.name)
    texts = {"latex": record["latex"], "mathml": record["mathml"], "link": record["address"]}
    if given.what != "code":
        write(texts[given.what] + "\n")
        return
    library = given.library or next(iter(record["code"]))
    if library not in record["code"]:
        has = " and ".join(record["code"])
        raise NothingFoundError(f"{record['name']} has no text for {library}, only for {has}")
    write(record["code"][library])


def completion(given: argparse.Namespace) -> None:
    from argcomplete.shell_integration import shellcode

    write(shellcode(["mlmath"], shell=given.shell) + "\n")


def known(name: str, suggest: bool = True) -> dict[str, Any]:
    """The record of an entry, by its name or its concept as written."""
    try:
        return state.record(re.sub(r"[\s-]+", "_", name.strip().lower()))
    except KeyError:
        raise NothingFoundError(unknown(name, "entry") if suggest else "") from None


def unknown(name: str, what: str) -> str:
    from mlmath_ref.search import search as find

    near = [r["name"] for r in find(name.replace("_", " "), 3)["results"]]
    tip = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"no {what} is named {name!r}{tip}"


# The command line ------------------------------------------------------------------------------


def pair(text: str) -> tuple[str, str]:
    facet, _, value = text.partition("=")
    if facet not in FACETS or not value:
        raise argparse.ArgumentTypeError(
            f"expected FACET=VALUE, FACET one of {', '.join(FACETS)}; got {text!r}"
        )
    return facet, value


def count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text.strip()!r}")
    return int(text)


def complete_name(prefix: str, **_: Any) -> Iterable[str]:
    return [name for name in state.names() if name.startswith(prefix)]


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        "mlmath",
        description="The mathematics of machine learning: search, show, cite and copy its entries.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"mlmath {mlmath_ref.__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Callable[[argparse.Namespace], None], told: str) -> argparse.ArgumentParser:
        found = commands.add_parser(run.__name__, help=told, description=told.capitalize() + ".")
        found.set_defaults(run=run)
        return found

    def named(run: Callable[[argparse.Namespace], None], told: str) -> argparse.ArgumentParser:
        found = command(run, told)
        name = found.add_argument("name", metavar="NAME", help="of an entry, as kl_divergence")
        name.completer = complete_name  # type: ignore[attr-defined]
        return found

    asked = command(search, "find entries by words, names, systems or a formula")
    asked.add_argument("query", nargs="+", help="words, or a formula as LaTeX, ASCII or Unicode")
    asked.add_argument(
        "--limit", type=count, default=10, metavar="N", help="at most so many results (10)"
    )
    asked.add_argument(
        "--filter", type=pair, action="append", default=[], metavar="FACET=VALUE",
        help=f"only entries with this {', '.join(FACETS)}",
    )  # fmt: skip
    shown = named(show, "print an entry: formula, arguments, roles, numerics, example")
    for has_json in (asked, shown):
        has_json.add_argument("--json", action="store_true", help="print JSON")
    cited = named(cite, "print the citation of an entry, or of a work by its key")
    cited.add_argument("--format", choices=FORMATS, default="bibtex", help="bibtex, if not given")
    copied = named(copy, "print the code of an entry, which needs no package of ours")
    copied.add_argument(
        "--library",
        choices=("numpy", "torch"),
        help="of the code; the first that there is, if not given",
    )
    copied.add_argument("--what", choices=COPIES, default="code", help="code, if not given")
    shells = command(
        completion, "print the completion of a shell: source <(mlmath completion bash)"
    )
    shells.add_argument("shell", choices=("bash", "zsh", "fish"))
    return whole


def typed() -> list[str]:
    """The arguments as typed; terminals speak UTF-8 even if the locale says that they do not."""

    def decoded(argument: str) -> str:
        try:
            return os.fsencode(argument).decode("utf-8")
        except UnicodeError:
            return argument

    return [decoded(a) for a in sys.argv[1:]]


def protected(arguments: list[str]) -> list[str]:
    """A query may begin with a minus sign: a space before it keeps it from being an option."""
    if arguments[:1] != ["search"]:
        return arguments
    return [f" {a}" if re.match(r"-[^-]", a) and a != "-h" else a for a in arguments]


def missing() -> list[str]:
    return [name for name in NEEDED if not importlib.util.find_spec(name)]


def run(arguments: list[str]) -> int:
    """Run a command; the exit code."""
    whole = parser()
    if "_ARGCOMPLETE" in os.environ and not missing():
        import argcomplete

        argcomplete.autocomplete(whole)
    given = whole.parse_args(protected(arguments))
    if missing():
        state.tell(f"needs {', '.join(missing())}: pip install 'mlmath-ref[cli]'")
        return 3
    try:
        given.run(given)
    except NothingFoundError as error:
        state.tell(str(error))
        return 1
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run a command, whatever becomes of its output; the exit code."""
    if not sys.stdout:  # None if it is closed
        state.tell("standard output is closed")
        return 3
    try:
        try:
            code = run(typed() if arguments is None else arguments)
        except SystemExit as done:  # argparse has printed help or what is wrong
            code = int(done.code or 0)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left to write
        if isinstance(error, BrokenPipeError):  # whoever reads has seen enough
            return 0
        state.tell(f"the output cannot be written: {error}")
        return 3
    return code
