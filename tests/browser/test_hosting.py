"""The directory for a static host: versions, addresses, caching and headers, as a browser meets them."""

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browsing import problems
from playwright.sync_api import Browser, Page, Response

TOOL = Path(__file__).parents[2] / "tools" / "host.py"
ABOUT = Path(__file__).parents[2] / "docs" / "hosting.md"
FOREVER = "public, max-age=31536000, immutable"
STABLE = "en/stable"
KINDS = [
    *(
        "entries/scaled_dot_product_attention",
        "topics/losses/classification",
        "topics/losses/index",
    ),
    *(
        "index",
        "map",
        "plots",
        "quiz",
        "quick-reference",
        "references",
        "genindex",
        "search",
        "404",
    ),
    "_modules/mlmath_ref/losses/classification",
]
LOADED = """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((e) => e.transferSize > 0 && !e.name.includes("favicon")).map((e) => new URL(e.name).pathname)"""
WATCH = """window.violations = [];
document.addEventListener("securitypolicyviolation",
  (e) => violations.push(`${e.violatedDirective}: ${e.blockedURI} ${e.sourceFile}`));"""


@pytest.fixture(scope="session")
def hosted(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("host")
    done = lay_out(f"latest={site}", f"0.1.0={site}", to=target)
    assert done.returncode == 0, done.stderr
    return target


def lay_out(*versions: str, to: Path, tool: Path = TOOL) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(tool), *versions, "--to", str(to)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


Rules = list[tuple[re.Pattern[str], list[tuple[str, str]]]]


def rules(text: str) -> Rules:
    """The rules of a file _headers: a placeholder is within a segment, an asterisk is anything."""
    found: Rules = []
    for line in text.splitlines():
        if line.startswith("/"):
            pattern = re.sub(r":[a-z]\w*", "[^/]+", re.escape(line).replace(r"\*", ".*"))
            found.append((re.compile(pattern), []))
        else:
            name, _, value = line.strip().partition(": ")
            found[-1][1].append((name, value))
    return found


@pytest.fixture(scope="session")
def host(hosted: Path) -> Iterator[str]:
    """A host that sends exactly what the file says, and the lost page with a status of 404."""
    given = rules((hosted / "_headers").read_text())

    class Host(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(hosted))  # type: ignore[arg-type]

        def end_headers(self) -> None:
            path = self.path.partition("?")[0]
            sent: dict[str, str] = {}
            for name, value in (h for p, hs in given if p.fullmatch(path) for h in hs):
                sent[name] = f"{sent[name]}, {value}" if name in sent else value
            for name, value in sent.items():
                self.send_header(name, value)
            super().end_headers()

        def send_error(self, code: int, *args: object) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((hosted / "404.html").read_bytes())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Page]:
    """A page that keeps the violations of the policy."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.add_init_script(WATCH)
    yield page
    context.close()


# The policy and the caches --------------------------------------------------------------------


@pytest.mark.parametrize("path", KINDS)
def test_pages_obey_the_policy(watched: Page, host: str, path: str) -> None:
    """With search, copy buttons and the switch of the theme."""
    found = problems(watched, host)
    answer = watched.goto(f"{host}/{STABLE}/{path}.html")
    assert answer
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "style-src-elem 'self';" in policy
    watched.locator(".theme-toggle-content button").click()
    buttons = watched.locator("button.copybtn")
    if buttons.count():
        buttons.first.evaluate("(button) => button.click()")  # some are folded away
        assert watched.evaluate("navigator.clipboard.readText()")
    watched.locator("form[role=search] input").fill("softmax")
    watched.wait_for_selector(".hit-concept")
    watched.wait_for_selector("math" if path != "search" else "#search-results math")
    assert watched.evaluate("window.violations") == []
    assert not found


@pytest.mark.parametrize(
    ("directive", "injected"),
    [
        ("script-src-elem", "document.createElement('script')"),
        ("style-src-elem", "document.createElement('style')"),
    ],
)
def test_policy_stops_what_is_inline(
    watched: Page, host: str, directive: str, injected: str
) -> None:
    watched.goto(f"{host}/{STABLE}/entries/softmax.html")
    watched.evaluate(f"e = {injected}; e.textContent = 'window.hit = 1'; document.head.append(e)")
    watched.wait_for_function("window.violations.length")
    assert watched.evaluate("window.violations")[0].startswith(directive)
    assert watched.evaluate("window.hit") is None


def test_colors_of_code_are_in_the_sheet(browser: Browser, host: str) -> None:
    """Furo would write them into every page."""
    shown = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
        page = context.new_page()
        page.goto(f"{host}/{STABLE}/entries/softmax.html")
        name = "--color-code-background"
        shown.append(page.evaluate(f"getComputedStyle(document.body).getPropertyValue('{name}')"))
        context.close()
    assert shown == ["#f2f2f2", "#202020"]


def test_assets_are_kept_for_ever_and_pages_asked_for(watched: Page, host: str) -> None:
    answers: list[Response] = []
    watched.on("response", lambda answer: answers.append(answer))
    watched.goto(f"{host}/{STABLE}/entries/softmax.html")
    watched.locator("form[role=search] input").fill("softmax")
    watched.wait_for_selector("[role=option] math")
    kinds = Counter(r.headers["cache-control"] for r in answers)
    assert set(kinds) == {FOREVER, "public, max-age=0, must-revalidate"}
    assert kinds[FOREVER] >= 5  # the favicon is not always asked for
    assert kinds.total() == kinds[FOREVER] + 1
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        if answer.headers["cache-control"] == FOREVER:
            digest = hashlib.sha256(answer.body()).hexdigest()
            assert digest.startswith(answer.url.split(".")[-2])


def test_every_file_has_one_rule_of_caching(hosted: Path) -> None:
    given = rules((hosted / "_headers").read_text())
    for path in hosted.rglob("*"):
        address = f"/{path.relative_to(hosted).as_posix()}"
        values = [v for p, hs in given if p.fullmatch(address) for n, v in hs if "Cache" in n]
        if path.is_file():
            assert len(values) == 1, address
            assert (values == [FOREVER]) == ("/_static/" in address)


def test_weights_of_the_page_about_hosting_hold(browser: Browser, host: str, hosted: Path) -> None:
    """Compressed, of an entry with an empty cache, of a following one, and of the search."""
    page = browser.new_page()
    page.goto(f"{host}/{STABLE}/entries/scaled_dot_product_attention.html")
    first = page.evaluate(LOADED)
    page.goto(f"{host}/{STABLE}/entries/softmax.html")
    following = page.evaluate(LOADED)
    page.locator("form[role=search] input").fill("relu")
    page.wait_for_selector("[role=option] math")
    search = page.evaluate(LOADED)[len(following) :]
    page.close()
    assert [len(found) for found in (first, following, search)] == [4, 1, 2]  # beside the favicon
    said = re.search(r"first, following, search = (.+)", ABOUT.read_text())
    assert said
    for found, weight in zip((first, following, search), said[1].split(", "), strict=True):
        bodies = [(hosted / path.lstrip("/")).read_bytes() for path in found]
        measured = sum(len(gzip.compress(b, 9)) for b in bodies) / 1000
        assert 0.8 * int(weight) <= measured <= int(weight), (found, measured)


def test_size_on_the_page_about_hosting_holds(site: Path) -> None:
    sizes = [p.stat().st_size for p in site.rglob("*") if p.is_file() and "books" not in p.parts]
    said = re.search(
        r"some (\d+) files and (\d+) MB.*\sis\s([\d.]+) MB", ABOUT.read_text(), re.DOTALL
    )
    assert said
    files, total, largest = map(float, said.groups())
    assert len(sizes) == pytest.approx(files, rel=0.1)
    assert sum(sizes) / 1e6 == pytest.approx(total, rel=0.1)
    assert 0.8 * largest < max(sizes) / 1e6 < largest


# Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["lost", "en/lost.html", f"{STABLE}/entries/lost/lost.html"])
def test_lost_page_leads_back(watched: Page, host: str, path: str) -> None:
    answer = watched.goto(f"{host}/{path}")
    assert answer
    assert answer.status == 404
    assert watched.locator("h1").inner_text() == "Not found"
    assert watched.evaluate("document.styleSheets.length") == 1
    watched.locator("form[role=search] input").fill("relative entropy")
    watched.locator(".hit-concept").first.wait_for()
    watched.keyboard.press("Enter")
    watched.wait_for_url(f"{host}/{STABLE}/search.html?q=*")
    watched.goto(f"{host}/{path}")
    watched.get_by_role("link", name="To the start").click()
    watched.wait_for_url(f"{host}/{STABLE}/index.html")


def test_root_leads_to_the_stable_version(watched: Page, host: str, hosted: Path) -> None:
    """By itself, and by the rule of hosts that have rules."""
    assert (hosted / "_redirects").read_text() == f"/ /{STABLE}/index.html 302\n"
    watched.goto(f"{host}/")
    watched.wait_for_url(f"{host}/{STABLE}/index.html")


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_versions_are_links(browser: Browser, host: str, hosted: Path, scheme: str) -> None:
    """Without scripts, and from the disk."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    start = host if scheme == "http" else f"file://{hosted}"
    page.goto(f"{start}/en/0.1.0/entries/softmax.html")
    page.get_by_text("Version: 0.1.0").click()
    assert page.locator(".versions a").all_inner_texts() == ["stable", "latest", "0.1.0"]
    page.get_by_role("link", name="stable", exact=True).click()
    page.wait_for_url(f"{start}/{STABLE}/entries/softmax.html")
    assert page.locator("h1").inner_text() == "Softmax"
    context.close()


# Versions -------------------------------------------------------------------------------------

SMALL = """<link rel="stylesheet" href="{up}_static/site.css?v=1a2b">
<link rel="canonical" href="https://a.example/docs/stable/{page}">
<p class="versions">Version {version}</p><script src="{up}_static/site.js"></script>"""


def small(folder: Path, version: str, *names: str) -> Path:
    """A site with a start and some entries, whose script loads another."""
    (folder / "_static" / "search").mkdir(parents=True)
    (folder / "entries").mkdir()
    (folder / "_static" / "site.css").write_text(f"/* {version} */")
    (folder / "_static" / "site.js").write_text('load("search/index.js")')
    (folder / "_static" / "search" / "index.js").write_text(f'"{version}"')
    for page in ("index.html", "404.html", *(f"entries/{name}.html" for name in names)):
        up = "../" if "/" in page else ""
        (folder / page).write_text(SMALL.format(up=up, page=page, version=version))
    for file in ("robots.txt", "sitemap.xml"):
        (folder / file).write_text(version)
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """A latest with an entry more than the release."""
    release = small(tmp_path / "old", "0.1.0", "softmax")
    latest = small(tmp_path / "new", "0.2.0", "softmax", "sparsemax")
    return [f"latest={latest}", f"0.1.0={release}"]


def test_layout_of_two_versions(two: list[str], tmp_path: Path) -> None:
    done = lay_out(*two, to=tmp_path / "to")
    assert done.returncode == 0, done.stderr
    to = tmp_path / "to" / "docs"
    assert (to / "stable" / "robots.txt").read_text() == "0.1.0"
    old, new = (
        (to / name).read_text() for name in ("0.1.0/entries/softmax.html", "latest/index.html")
    )
    assert 'canonical" href="https://a.example/docs/stable/entries/softmax.html"' in old
    assert 'canonical" href="https://a.example/docs/stable/index.html"' in new
    assert 'href="../../latest/entries/softmax.html">latest<' in old
    assert 'href="../0.1.0/index.html">0.1.0<' in new
    lost = [path.read_text() for path in (tmp_path / "to").rglob("404.html")]
    assert len(lost) == 4
    assert len(set(lost)) == 1
    assert 'href="/docs/latest/index.html">latest<' in lost[0]


def test_entry_that_is_only_in_the_latest(two: list[str], tmp_path: Path) -> None:
    lay_out(*two, to=tmp_path / "to")
    text = (tmp_path / "to/docs/latest/entries/sparsemax.html").read_text()
    assert 'canonical" href="https://a.example/docs/latest/entries/sparsemax.html"' in text
    assert 'href="../../stable/index.html">stable<' in text


def test_names_of_assets_follow_their_contents(two: list[str], tmp_path: Path) -> None:
    lay_out(*two, to=tmp_path / "to")
    names = {
        version: sorted(p.name for p in (tmp_path / "to/docs" / version / "_static").rglob("*.*"))
        for version in ("stable", "latest", "0.1.0")
    }
    assert names["stable"] == names["0.1.0"]
    assert not set(names["stable"]) & set(names["latest"])  # a script changes with what it loads
    page = (tmp_path / "to/docs/stable/entries/softmax.html").read_text()
    for kind in ("css", "js"):
        found = re.findall(rf'"\.\./(_static/site\.\w{{12}}\.{kind})"', page)
        assert (tmp_path / "to/docs/stable" / found[0]).exists()
    script = next((tmp_path / "to/docs/stable/_static").glob("site.*.js")).read_text()
    assert (tmp_path / "to/docs/stable/_static" / script.split('"')[1]).exists()


def test_layout_is_the_same_every_time(two: list[str], tmp_path: Path) -> None:
    for given, folder in ((two, "a"), (two[::-1], "b"), (two, "b")):
        assert lay_out(*given, to=tmp_path / folder).returncode == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_newest_release_is_stable(tmp_path: Path) -> None:
    names = ("0.9.0", "0.10.0", "0.11.0rc1")
    given = [f"{n}={small(tmp_path / n, n, 'softmax')}" for n in names]
    assert lay_out(*given, to=tmp_path / "to").returncode == 0
    assert (tmp_path / "to/docs/stable/robots.txt").read_text() == "0.10.0"


def test_address_that_would_end_is_refused(tmp_path: Path) -> None:
    release = small(tmp_path / "old", "0.1.0", "softmax", "sparsemax")
    latest = small(tmp_path / "new", "0.2.0", "softmax")
    done = lay_out(f"latest={latest}", f"0.1.0={release}", to=tmp_path / "to")
    assert done.returncode == 1
    assert "entries/sparsemax.html of 0.1.0 is not in latest" in done.stderr
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [("latest=nowhere", "expected a built site"), ("main=nowhere", "a version is latest or")],
)
def test_mistakes_are_named(tmp_path: Path, given: str, told: str) -> None:
    done = lay_out(given, to=tmp_path / "to")
    assert done.returncode == 1
    assert told in done.stderr


def test_tag_is_built_once(tmp_path: Path) -> None:
    """In a repository whose make site writes a small one."""
    small(tmp_path / "small", "0.1.0", "softmax")
    tool = tmp_path / "repository" / "tools" / "host.py"
    tool.parent.mkdir(parents=True)
    shutil.copy(TOOL, tool)
    recipe = f"site:\n\tmkdir build && cp -r {tmp_path}/small build/site && echo made >> {tmp_path}/log\n"
    (tool.parents[1] / "Makefile").write_text(recipe)
    who = ["-c", "user.name=a", "-c", "user.email=a@a.example"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"], ["tag", "v0.1.0"]):
        subprocess.run(["git", *who, *command], cwd=tool.parents[1], check=True)
    for _ in range(2):
        done = lay_out("v0.1.0", to=tmp_path / "to", tool=tool)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "log").read_text() == "made\n"
    assert (tmp_path / "to/docs/0.1.0/entries/softmax.html").exists()
