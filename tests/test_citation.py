"""Citations: each format is read back by another library, and says what the record says."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import rispy
import yaml
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle
from citeproc.formatter import plain
from citeproc.source.json import CiteProcJSON
from pybtex.database import parse_string

import mlmath_ref
from mlmath_ref.catalog import entries
from mlmath_ref.citation import (
    AUTHOR,
    SUFFIXES,
    TITLE,
    citation,
    citations,
    item,
    leaves_out_authors,
    works,
)

ROOT = Path(__file__).parents[1]
NAMES = [*(e.name for e in entries()), *works()]


def words(text: str) -> str:
    """Text without its punctuation and case, which styles change."""
    return " ".join(re.findall(r"\w+", text.lower()))


def test_every_record_is_read() -> None:
    written = re.findall(r"^@", (ROOT / "mlmath_ref" / "references.bib").read_text(), re.MULTILINE)
    assert len(works()) == len(written)


def test_bibtex_is_read_by_pybtex() -> None:
    read = parse_string(citations(NAMES, "bibtex"), "bibtex").entries
    assert len(read) == len(NAMES)
    for e in entries():
        fields = read[f"mlmath_{e.name}"].fields
        assert fields["title"] == f"{{{e.concept}}}"
        assert fields["howpublished"] == rf"\url{{{mlmath_ref.address(e.name)}}}"
        assert mlmath_ref.__version__ in fields["note"]
        assert mlmath_ref.RELEASED in fields["note"]
        assert not re.search(r"[\\{}%&#$~^]", e.concept), "LaTeX would read it otherwise"


CLASSIC = {  # types that plain.bst knows, and the fields that it prints of them
    "article": {"journal", "volume", "number", "pages", "month", "note"},
    "book": {"publisher", "address", "edition", "volume", "series", "month", "note"},
    "inproceedings": {"booktitle", "publisher", "pages", "series", "volume", "month", "note"},
    "misc": {"howpublished", "month", "note"},
    "techreport": {"institution", "type", "number", "address", "month", "note"},
}


@pytest.mark.parametrize("name", NAMES)
def test_bibtex_tells_where_it_is_in_the_classic_styles(name: str) -> None:
    """Also the address of what has no other identifier."""
    (found,) = parse_string(citation(name, "bibtex"), "bibtex").entries.values()
    assert found.type in CLASSIC, f"classic styles know no {found.type}"
    printed = " ".join(found.fields[f] for f in found.fields if f in CLASSIC[found.type])
    if found.type in ("misc", "techreport"):  # the others name a journal, proceedings or publisher
        identifiers = [found.fields.get("eprint", ""), found.fields.get("doi", "")]
        assert any(identifiers) or item(name)["URL"] in printed
    assert found.type != "misc" or "publisher" not in found.fields, "biblatex refuses it"


@pytest.mark.parametrize("format", SUFFIXES)
def test_nobody_is_named_others(format: str) -> None:
    """BibTeX writes "and others" for "et al."; the other formats have no such name."""
    text = citations(NAMES, format)
    if format == "bibtex":
        text = re.sub(r"\s+and others(?=\})", "", text)
    authors = re.findall(
        r"^AU  - (.+)$|\"(?:literal|family)\": \"(.+)\"|author = \{(.+?)\},\n", text, re.M
    )
    assert authors or format == "text"
    assert not [a for found in authors for a in found if re.search(r"\bothers\b", a)]
    assert " and others" not in text


GOLDEN = Path(__file__).parent / "golden"
WORKS = [
    "vaswani2017attention",
    "loshchilov2019decoupled",
    "rumelhart1986learning",
    "huber1964robust",
    "goodfellow2016deep",
]
ENTRIES = ["kl_divergence", "rms_norm", "sigmoid"]


@pytest.mark.parametrize(
    ("format", "names"),
    [("bibtex", WORKS + ENTRIES), ("ris", WORKS + ENTRIES), ("csl-json", WORKS)],
)
def test_citations_are_as_written_by_hand(format: str, names: list[str]) -> None:
    """Five works as their publishers print them, and three entries of the release."""
    text = (GOLDEN / f"works.{SUFFIXES[format]}").read_text(encoding="utf-8")
    year, month, day = mlmath_ref.RELEASED.split("-")
    for name, value in {"YYYY": year, "MM": month, "DD": day}.items():
        text = re.sub(rf"\b{name}\b", value, text)
    assert citations(names, format) == text.replace("VERSION", mlmath_ref.__version__)


def test_years_authors_and_addresses_are_those_of_the_records() -> None:
    """As another library reads references.bib."""
    text = (ROOT / "mlmath_ref" / "references.bib").read_text(encoding="utf-8")
    ris = {n: rispy.loads(citation(n, "ris"))[0] for n in works()}
    bibtex = parse_string(citations(list(works()), "bibtex"), "bibtex").entries
    for name, record in parse_string(text, "bibtex").entries.items():
        people = [p for p in record.persons["author"] if str(p) != "others"]
        parts = [p.prelast_names + p.last_names + p.first_names + p.middle_names for p in people]
        letters = [plain_letters("".join(p)) for p in parts]
        assert [plain_letters(a) for a in ris[name]["authors"]] == letters, name
        assert bibtex[name].persons == record.persons
        assert bibtex[name].fields["year"] == record.fields["year"] == ris[name]["year"]
        eprint = record.fields.get("eprint")
        assert not eprint or item(name)["URL"] == f"https://arxiv.org/abs/{eprint}"


def plain_letters(name: str) -> str:
    """A name without TeX and accents, which two libraries decode differently."""
    decoded = unicodedata.normalize("NFKD", re.sub(r"\\[a-zA-Z]+ ?|[\\{}'\"`^~=.]", "", name))
    return re.sub(r"[^a-z]", "", decoded.lower())


def test_left_out_authors_are_et_al() -> None:
    assert citation("abdin2024phi3", "text").startswith("Marah Abdin et al. Phi-3")
    assert leaves_out_authors("abdin2024phi3")
    assert not leaves_out_authors("vaswani2017attention")
    assert len(item("abramson2024accurate")["author"]) == 48


def test_ris_is_read_by_rispy() -> None:
    read = rispy.loads(citations(NAMES, "ris"))
    assert len(read) == len(NAMES)
    for name, found in zip(NAMES, read):
        wanted = item(name)
        assert "unknown_tag" not in found
        assert found["title"] == wanted["title"]
        assert found["year"] == str(wanted["issued"]["date-parts"][0][0])
        assert len(found["authors"]) == len(wanted["author"])
        assert found.get("urls", []) == ([wanted["URL"]] if "URL" in wanted else [])
        assert found.get("doi") == wanted.get("DOI")
    first = read[0]
    assert first["type_of_reference"] == "ENCYC"
    assert first["date"] == mlmath_ref.RELEASED.replace("-", "/")
    assert first["edition"] == mlmath_ref.__version__
    assert not re.search(r"^\d+\.", citations(NAMES[:2], "ris"), re.MULTILINE)


@pytest.mark.filterwarnings("ignore:The following arguments for Reference are unsupported")
def test_csl_json_is_formatted_by_citeproc() -> None:
    source = CiteProcJSON(json.loads(citations(NAMES, "csl-json")))
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, source, plain)
    for name in NAMES:
        bibliography.register(Citation([CitationItem(item(name)["id"].lower())]))
    formatted = dict(zip(bibliography.keys, map(str, bibliography.bibliography())))
    for name in NAMES:
        text = formatted[item(name)["id"].lower()]
        author = item(name)["author"][0]
        assert words(item(name)["title"]) in words(text)
        assert str(item(name)["issued"]["date-parts"][0][0]) in text
        assert author.get("family", author.get("literal")) in text


def test_text_names_everything() -> None:
    for name in NAMES:
        found, text = item(name), citation(name, "text")
        assert words(found["title"]) in words(text)
        assert str(found["issued"]["date-parts"][0][0]) in text
        assert not re.search(r"[\\{}]", text), "LaTeX is left"
    text = citation("kl_divergence", "text")
    for part in (AUTHOR, TITLE, mlmath_ref.__version__, mlmath_ref.RELEASED):
        assert part in text
    assert text.endswith(f"{mlmath_ref.address('kl_divergence')}\n"), "no period joins the address"


def test_people_and_makers() -> None:
    authors = item("grattafiori2024llama3")["author"]
    assert authors == [{"literal": "Llama Team, AI @ Meta"}]
    assert {"family": "Müller", "given": "Maximilian"} in item("andriushchenko2023modern")["author"]
    stigt = {"family": "Stigt", "given": "Daan", "non-dropping-particle": "van"}
    assert stigt in item("guerreiro2024xcomet")["author"]
    assert "AU  - van Stigt, Daan\n" in citation("guerreiro2024xcomet", "ris")


def test_unknown_names_and_formats() -> None:
    with pytest.raises(KeyError, match="no entry or work is named 'kl'"):
        citation("kl", "bibtex")
    with pytest.raises(ValueError, match=r"format must be one of \['bibtex', .*\], got 'endnote'"):
        citation("kl_divergence", "endnote")


def test_a_work_is_cited_without_the_catalog() -> None:
    code = """
import sys
from mlmath_ref.citation import SUFFIXES, citation
for format in SUFFIXES:
    citation("kingma2014auto", format)
assert "numpy" not in sys.modules and "mlmath_ref.catalog" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_citation_cff() -> None:
    """Valid by the official schema, and of one mind with the package."""
    command = ["check_jsonschema", "--builtin-schema", "vendor.citation-file-format"]
    path = ROOT / "CITATION.cff"
    done = subprocess.run(
        [sys.executable, "-m", *command, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = yaml.load(path.read_text(), yaml.BaseLoader)
    assert said["title"] == TITLE
    assert said["authors"] == [{"name": AUTHOR}]
    assert said["version"] == mlmath_ref.__version__
    assert said["date-released"] == mlmath_ref.RELEASED
    assert said["url"] == mlmath_ref.SITE
