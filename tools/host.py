"""Lay out versions of the site as one directory for a static host: make host.

Each version is `latest=FOLDER`, a built site, or a tag such as v0.1.0, which is built in a work tree
of its own, once. The newest release is also the stable version, whose addresses are the permanent
ones; before the first release that is the latest. Every asset gets its hash into its name, every page
a list of the versions. Nothing depends on the day or the machine.

sphinx-multiversion and sphinxcontrib-versioning are not kept any more, mike is for MkDocs, and
sphinx-polyversion builds old sources as well, but leaves addresses, caching and headers open.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]
STABLE, LATEST, STATIC, LOST = "stable", "latest", "_static", "404.html"
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    # Attributes only: aligned lines of MathML, widths of columns and colors of plots are styles.
    "style-src": "'self' 'unsafe-inline'",
    "style-src-elem": "'self'",
    "img-src": "'self' data:",
    "font-src": "data:",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
SECURITY = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
}
FOREVER = "public, max-age=31536000, immutable"
ASK = "public, max-age=0, must-revalidate"  # a page names its assets, so it is never an old one
ENTRY = """<!doctype html>
<meta charset="utf-8">
<title>ML Math Map</title>
<meta http-equiv="refresh" content="0; url={path}">
<link rel="canonical" href="{address}">
<a href="{path}">ML Math Map</a>
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", nargs="+", metavar=f"{LATEST}=FOLDER|TAG")
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "host")
    given = parser.parse_args()
    versions = dict(ordered(dict(map(version, given.versions))))
    check(versions)
    lay_out(versions, given.to)
    print(f"{', '.join(sorted(p.name for p in given.to.glob('*/*')))} in {given.to}")


def version(text: str) -> tuple[str, Path]:
    """The name of a version, and the folder of its site."""
    name, _, folder = text.partition("=")
    return name.removeprefix("v"), Path(folder) if folder else built(name)


def built(tag: str) -> Path:
    """The site of a tag, which is built if it has not been."""
    tree = ROOT / "build" / "versions" / tag
    if not tree.exists():
        run("git", "worktree", "add", "--detach", str(tree), tag)
    if not (tree / "build" / "site" / "sitemap.xml").exists():
        run("make", "-C", str(tree), "site")
    return tree / "build" / "site"


def run(*command: str) -> None:
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode:
        sys.exit(f"{' '.join(command)} failed, see above")


def ordered(given: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """The stable version, the latest, and the releases from the newest."""
    try:
        releases = sorted(set(given) - {LATEST}, key=Version, reverse=True)
    except InvalidVersion as error:
        sys.exit(f"a version is {LATEST} or a release such as 0.1.0: {error}")
    final = [name for name in releases if not Version(name).is_prerelease]
    yield STABLE, given[(final or [LATEST, *releases])[0]]
    yield from ((name, given[name]) for name in (LATEST, *releases) if name in given)


def check(versions: dict[str, Path]) -> None:
    """An address of an entry must not end, nor a version lack its pages."""
    kept: dict[str, str] = {}
    for name in reversed([n for n in versions if n != STABLE]):
        found = pages(versions[name])
        if "index.html" not in found:
            sys.exit(f"expected a built site with index.html in {versions[name]}: run make site")
        ended = sorted(page for page in kept if page not in found)
        if ended:
            sys.exit(f"{ended[0]} of {kept[ended[0]]} is not in {name}: its address is permanent")
        kept |= {page: name for page in found if page.startswith("entries/")}


def pages(site: Path) -> set[str]:
    return {p.relative_to(site).as_posix() for p in site.rglob("*.html")}


def lay_out(versions: dict[str, Path], target: Path) -> None:
    """Write the directory anew."""
    address = canonical((versions[STABLE] / "index.html").read_text(encoding="utf-8")).removesuffix(
        "/index.html"
    )
    if not address.endswith(f"/{STABLE}"):
        sys.exit(f"expected the permanent addresses below .../{STABLE}, got {address}")
    shutil.rmtree(target, ignore_errors=True)
    inside = target / urlsplit(address).path.removesuffix(STABLE).strip("/")
    names = {name: pages(site) for name, site in versions.items()}
    for name, site in versions.items():
        shutil.copytree(site, inside / name, ignore=shutil.ignore_patterns(".*"))
        rewrite(inside, name, names, address)
    for folder in (target, *(inside / name for name in versions if name != STABLE)):
        shutil.copy(inside / STABLE / LOST, folder)  # its links are all into the stable version
    shutil.copy(inside / STABLE / "robots.txt", target)
    path = (inside / STABLE / "index.html").relative_to(target).as_posix()
    (target / "index.html").write_text(
        ENTRY.format(path=path, address=f"{address}/index.html"), encoding="utf-8"
    )
    (target / "_redirects").write_text(f"/ /{path} 302\n", encoding="utf-8")
    folders = {p.parent.name for p in inside.glob("*/*/*")} - {STATIC}
    prefix = f"/{path.removesuffix(f'{STABLE}/index.html')}:version"
    (target / "_headers").write_text(headers(prefix, sorted(folders)), encoding="utf-8")


def rewrite(inside: Path, name: str, names: dict[str, set[str]], address: str) -> None:
    """Give the pages of a version the names of its assets, and the list of versions."""
    renamed = fingerprint(inside / name / STATIC)
    for page in names[name]:
        text = referring(renamed, (inside / name / page).read_text(encoding="utf-8"))
        if page not in names[STABLE]:  # it is canonical itself
            own = f"{address.removesuffix(STABLE)}{name}/{page}"
            text = text.replace(f'"{address}/{page}"', f'"{own}"')
        root = urlsplit(address).path.removesuffix(STABLE)
        (inside / name / page).write_text(listed(text, page, name, names, root), encoding="utf-8")


def canonical(page: str) -> str:
    return re.findall(r'<link rel="canonical" href="([^"]+)"', page)[0]


def fingerprint(static: Path) -> dict[str, str]:
    """Put hashes into the names of assets, those first that others name; return the new names."""
    files = {p.relative_to(static).as_posix(): p for p in static.rglob("*") if p.is_file()}
    scripts = {
        name: p.read_text(encoding="utf-8") for name, p in files.items() if name.endswith(".js")
    }
    uses = {name: {f for f in files if f'"{f}"' in scripts.get(name, "")} for name in files}
    renamed: dict[str, str] = {}
    for name in TopologicalSorter(uses).static_order():
        path = files[name]
        for used in sorted(uses[name]):
            path.write_text(
                path.read_text(encoding="utf-8").replace(f'"{used}"', f'"{renamed[used]}"'),
                encoding="utf-8",
            )
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        renamed[name] = Path(name).with_suffix(f".{digest}{path.suffix}").as_posix()
        path.rename(static / renamed[name])
    return renamed


def referring(renamed: dict[str, str], page: str) -> str:
    """A page with the new names of its assets; Sphinx's checksums after them are not needed."""
    return re.sub(
        rf'({STATIC}/)([^"?]+)(?:\?v=\w+)?(?=")',
        lambda found: found[1] + renamed.get(found[2], found[2]),
        page,
    )


def listed(text: str, page: str, name: str, versions: dict[str, set[str]], root: str) -> str:
    """A page with links to the other versions of it, or to their start."""
    up = root if page == LOST else os.path.relpath(".", Path(name, page).parent) + "/"
    links = "".join(
        f'<li><a href="{up}{other}/{page if page in found - {LOST} else "index.html"}">{other}</a></li>'
        for other, found in versions.items()
    )
    summary = f"<summary>Version: {name}</summary>"
    shown = f'<details class="versions">{summary}<ul>{links}</ul></details>'
    return re.sub(r'<p class="versions">.*?</p>', shown, text)


def headers(prefix: str, folders: list[str]) -> str:
    """The file _headers, as Cloudflare and Netlify read it.

    Where two rules fit an address, values of one header are joined: those of Cache-Control do not
    overlap.
    """
    asked = ["/", "/:page", f"{prefix}/", f"{prefix}/:page", *(f"{prefix}/{f}/*" for f in folders)]
    rules = {
        "/*": SECURITY,
        f"{prefix}/{STATIC}/*": {"Cache-Control": FOREVER},
        **{path: {"Cache-Control": ASK} for path in asked},
    }
    return "".join(
        "\n".join([path, *(f"  {name}: {value}" for name, value in rule.items()), ""])
        for path, rule in rules.items()
    )


if __name__ == "__main__":
    main()
