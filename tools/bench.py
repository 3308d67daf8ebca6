"""Measure build, tests, import and the attention page; print a table and write build/bench.json.

Machines are noisy: compare ratios of two runs on one machine, not seconds of two machines.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from chromium import chromium
from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
PAGE = "entries/scaled_dot_product_attention.html"
NEXT = "entries/softmax.html"
Row = tuple[str, float, str]

OBSERVE = """
window.seen = {lcp: 0, cls: 0, tbt: 0};
const on = (type, f) => new PerformanceObserver(l => l.getEntries().forEach(f)).observe({type, buffered: true});
on('largest-contentful-paint', e => seen.lcp = e.startTime);
on('layout-shift', e => seen.cls += e.value);
on('longtask', e => seen.tbt += Math.max(0, e.duration - 50));
"""


def timed(command: list[str], cwd: Path) -> tuple[float, float, str]:
    """Seconds, peak memory in MB, and output of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    return seconds, usage.ru_maxrss / 1024, output


def build_rows(source: Path) -> list[Row]:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-c",
        ".",
        "-d",
        "build/doctrees",
        "docs",
        "build/site",
    ]
    cold, memory, _ = timed(command, source)
    count = len(list((source / "docs" / "entries").glob("*.rst")))
    unchanged, _, _ = timed(command, source)
    module = source / "mlmath_ref" / "activations" / "softmax.py"
    module.write_text(
        module.read_text(encoding="utf-8").replace(
            "the largest share.", "the largest share of all."
        ),
        encoding="utf-8",
    )
    changed, _, _ = timed(command, source)
    return [
        ("entries", count, ""),
        ("build, cold", cold, "s"),
        ("build, cold, per entry", 1000 * cold / count, "ms"),
        ("build, cold, peak memory", memory, "MB"),
        ("build, nothing changed", unchanged, "s"),
        ("build, one entry changed", changed, "s"),
    ]


def test_rows() -> list[Row]:
    seconds, _, output = timed([sys.executable, "-m", "pytest", "-q", "mlmath_ref"], ROOT)
    sources = [p.read_text(encoding="utf-8") for p in (ROOT / "mlmath_ref").rglob("*.py")]
    examples = sum(len(re.findall(r"^\s*>>> ", s, re.MULTILINE)) for s in sources)
    return [
        ("examples", examples, ""),
        ("doctests", seconds, "s"),
        ("doctests, per example", 1000 * seconds / examples, "ms"),
        ("doctests passed", float(re.findall(r"(\d+) passed", output)[0]), ""),
    ]


def import_rows() -> list[Row]:
    def best(code: str) -> float:
        return min(timed([sys.executable, "-c", code], ROOT)[0] for _ in range(7))

    def asked(*arguments: str) -> float:
        command = [sys.executable, "-m", "mlmath_ref", *arguments]
        return 1000 * min(timed(command, ROOT)[0] for _ in range(8))  # the first may make the state

    bare = best("pass")
    return [
        ("import numpy", 1000 * (best("import numpy") - bare), "ms"),
        ("import mlmath_ref", 1000 * (best("import mlmath_ref") - bare), "ms"),
        (
            "read the whole catalog",
            1000
            * (best("from mlmath_ref.catalog import entries; [e.roles for e in entries()]") - bare),
            "ms",
        ),
        ("mlmath search kl", asked("search", "kl"), "ms"),
        ("mlmath search, a formula", asked("search", r"\frac{QK^T}{\sqrt{d}}"), "ms"),
        ("mlmath show kl_divergence", asked("show", "kl_divergence"), "ms"),
    ]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()


def page_rows(site: Path) -> list[Row]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    rows: list[Row] = []
    with chromium() as browser:
        for profile in ("", ", slow"):
            context = browser.new_context()
            page = context.new_page()
            page.add_init_script(OBSERVE)
            if profile:  # a CPU four times slower, 10 Mbit/s, 40 ms
                session = context.new_cdp_session(page)
                session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
                network = {
                    "offline": False,
                    "latency": 40,
                    "downloadThroughput": 1.25e6,
                    "uploadThroughput": 1.25e6,
                }
                session.send("Network.enable")
                session.send("Network.emulateNetworkConditions", network)
            first = partial(visit, page, site, f"{address}/{PAGE}")
            rows += first(f"attention page{profile}", timing=True, size=not profile)
            if not profile:
                rows += visit(page, site, f"{address}/{NEXT}", "next page", timing=False, size=True)
            context.close()
    server.shutdown()
    return rows


LOADED = """
[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .filter(e => e.transferSize > 0).map(e => new URL(e.name).pathname)
"""


def visit(page: Page, site: Path, url: str, name: str, *, timing: bool, size: bool) -> list[Row]:
    page.goto(url)
    page.wait_for_timeout(1500)
    rows: list[Row] = []
    if size:
        bodies = [(site / path.lstrip("/")).read_bytes() for path in page.evaluate(LOADED)]
        rows += [
            (f"{name}: requests", len(bodies), ""),
            (f"{name}: raw", sum(map(len, bodies)) / 1024, "KB"),
            (f"{name}: compressed", sum(len(gzip.compress(b, 9)) for b in bodies) / 1024, "KB"),
        ]
    if timing:
        first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        seen = page.evaluate("window.seen")
        nodes = page.evaluate("document.querySelectorAll('*').length")
        rows += [
            (f"{name}: first contentful paint", first, "ms"),
            (f"{name}: largest contentful paint", seen["lcp"], "ms"),
            (f"{name}: total blocking time", seen["tbt"], "ms"),
            (f"{name}: layout shift", seen["cls"], ""),
            (f"{name}: DOM nodes", nodes, ""),
        ]
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        hidden = shutil.ignore_patterns(
            ".*", "build", "entries", "topics", "_tables", "__pycache__"
        )
        shutil.copytree(ROOT, source, ignore=hidden)
        rows = build_rows(source)
        rows += [*test_rows(), *import_rows(), *page_rows(source / "build" / "site")]
    for name, value, unit in rows:
        print(f"{name:44} {value:10.{0 if float(value).is_integer() else 2}f} {unit}")
    target = ROOT / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(
        json.dumps({n: {"value": v, "unit": u} for n, v, u in rows}, indent=1) + "\n",
        encoding="utf-8",
    )
    print(f"\nwritten to {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
