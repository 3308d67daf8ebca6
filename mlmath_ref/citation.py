"""How to cite an entry, or a work that entries cite: as BibTeX, RIS, CSL-JSON or plain text."""

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmath_ref import RELEASED, __version__, address

if TYPE_CHECKING:
    from mlmath_ref.catalog import Entry

TITLE = "ML Math Map"
AUTHOR = "The ML Math Map developers"
RECORDS = Path(__file__).with_name("references.bib")
SUFFIXES = {"bibtex": "bib", "ris": "ris", "csl-json": "json", "text": "txt"}

# The types of BibTeX in CSL; what stands only on arXiv is a preprint.
_CSL = {
    "article": "article-journal",
    "book": "book",
    "inproceedings": "paper-conference",
    "preprint": "article",
    "misc": "webpage",
    "software": "software",
    "techreport": "report",
}
_RIS = {
    "article": "UNPB",
    "article-journal": "JOUR",
    "book": "BOOK",
    "entry-encyclopedia": "ENCYC",
    "paper-conference": "CPAPER",
    "report": "RPRT",
    "software": "COMP",
    "webpage": "ELEC",
}
# Variables of CSL, by the fields of BibTeX and by the names that RIS has for them.
_FIELDS = {
    "container-title": ("journal", "booktitle", "howpublished"),
    "publisher": ("publisher", "institution"),
    "edition": ("edition",),
    "volume": ("volume",),
    "issue": ("number",),
    "page": ("pages",),
    "DOI": ("doi",),
}
_TAGS = {
    "title": "title",
    "container-title": "secondary_title",
    "publisher": "publisher",
    "edition": "edition",
    "version": "edition",
    "volume": "volume",
    "issue": "number",
    "number": "number",
    "DOI": "doi",
}


def citation(name: str, format: str) -> str:
    """The citation of an entry, by its name, or of a work, by its key.

    Raises:
        ValueError: The format is not "bibtex", "ris", "csl-json" or "text".
        KeyError: There is no such entry or work.
    """
    return citations([name], format)


def citations(names: list[str], format: str) -> str:
    """The citations of several entries or works as one text.

    Raises:
        ValueError: The format is not "bibtex", "ris", "csl-json" or "text".
        KeyError: There is no such entry or work.
    """
    if format not in SUFFIXES:
        raise ValueError(f"format must be one of {list(SUFFIXES)}, got {format!r}")
    if format == "bibtex":
        return "\n".join(map(bibtex, names))
    if format == "text":
        return "".join(f"{_text(name)}\n" for name in names)
    items = [item(name) for name in names]
    if format == "ris":
        return _ris(items)
    return json.dumps(items, ensure_ascii=False, indent=2) + "\n"


@functools.cache
def works() -> dict[str, str]:
    """The works that are cited, by key, each as the text of its record."""
    text = RECORDS.read_text(encoding="utf-8")
    return dict(re.findall(r"^(?=@\w+\{(\w+),)(.+?^\})", text, re.M | re.S))


def bibtex(name: str) -> str:
    """The record of an entry or a work, in the types and fields that the classic styles print.

    These know no ``@software`` and no ``url``: an address stands in ``howpublished`` or ``note``.
    """
    text = _source(name).replace("@software{", "@misc{", 1)
    if text.startswith("@misc{"):
        field = "note" if "\n  howpublished = " in text else "howpublished"
        text = re.sub(r"^  publisher = ", "  organization = ", text, flags=re.M)
    elif text.startswith("@techreport{"):
        field = "note"
    else:  # a journal, proceedings or a publisher are named
        return text
    return re.sub(r"^  url = \{(.+)\}", rf"  {field} = {{\\url{{\1}}}}", text, flags=re.M)


def record(name: str) -> Any:
    """The record of an entry or a work, as pybtex reads it."""
    from pybtex.database.input.bibtex import Parser

    (found,) = Parser().parse_string(_source(name)).entries.values()
    return found


def _source(name: str) -> str:
    """The record with its address in a field of its own."""
    if name in works():
        return works()[name] + "\n"
    return f"""@misc{{mlmath_{name},
  author = {{{{{AUTHOR}}}}},
  title = {{{{{_entry(name).concept}}}}},
  year = {{{RELEASED[:4]}}},
  note = {{{TITLE}, version {__version__}, {RELEASED}}},
  url = {{{address(name)}}}
}}
"""


def leaves_out_authors(name: str) -> bool:
    """Whether the record of a work names only the first of its authors."""
    return name in works() and any(_is_rest(p) for p in record(name).persons["author"])


def _is_rest(person: Any) -> bool:
    """``and others``, which is BibTeX's "et al." and no name."""
    return str(person) == "others"


@functools.cache
def item(name: str) -> dict[str, Any]:
    """What CSL-JSON says of an entry or a work."""
    if name in works():
        return _item(record(name))
    return {
        "id": f"mlmath_{name}",
        "type": "entry-encyclopedia",
        "title": _entry(name).concept,
        "author": [{"literal": AUTHOR}],
        "container-title": TITLE,
        "version": __version__,
        "issued": {"date-parts": [[int(n) for n in RELEASED.split("-")]]},
        "URL": address(name),
        "language": "en",
    }


def _entry(name: str) -> "Entry":
    from mlmath_ref.catalog import entry  # which a work does not need, and which takes longer

    try:
        return entry(name)
    except KeyError:
        raise KeyError(f"no entry or work is named {name!r}") from None


def _item(work: Any) -> dict[str, Any]:
    links = ("doi", "eprint", "url")  # no LaTeX
    fields = {n: text if n in links else plain(text) for n, text in work.fields.items()}
    is_preprint = work.type == "misc" and "eprint" in fields
    found: dict[str, Any] = {
        "id": work.key,
        "type": _CSL["preprint" if is_preprint else work.type],
        "title": fields["title"],
        "author": [_name(p) for p in work.persons["author"] if not _is_rest(p)],
        "issued": {"date-parts": [[int(fields["year"])]]},
    }
    for variable, names in _FIELDS.items():
        if told := next((fields[name] for name in names if name in fields), ""):
            found[variable] = told.replace("–", "-") if variable == "page" else told
    if is_preprint:
        found |= {"publisher": "arXiv", "number": f"arXiv:{fields['eprint']}"}
    if "eprint" in fields:
        found["URL"] = f"https://arxiv.org/abs/{fields['eprint']}"
    return found | ({"URL": fields["url"]} if "url" in fields else {})


def _name(person: Any) -> dict[str, str]:
    given = plain(" ".join(person.first_names + person.middle_names))
    particle = plain(" ".join(person.prelast_names))
    family = plain(" ".join(person.last_names))
    if not given:
        return {"literal": family}
    return {"family": family, "given": given} | (
        {"non-dropping-particle": particle} if particle else {}
    )


@functools.cache
def plain(latex: str) -> str:
    """LaTeX as Unicode."""
    from pybtex.richtext import Text

    return re.sub(r"\\([$%])", r"\1", str(Text.from_latex(latex)))


@functools.cache
def _text(name: str) -> str:
    from pybtex.backends.plaintext import Backend

    text = _style().format_entry("", record(name)).text.render(Backend("utf-8"))
    text = re.sub(r",? and others(?=\. )", " et al", plain(text), count=1)
    return re.sub(r"(URL: \S+)\.$", r"\1", text)  # a period would join the address


@functools.cache
def _style() -> Any:
    from pybtex.style.formatting.plain import Style

    return Style()


def _ris(items: list[dict[str, Any]]) -> str:
    import rispy

    class Writer(rispy.RisWriter):  # type: ignore[misc]
        def set_header(self, count: int) -> str:
            return ""  # not the number of the reference, which is no RIS

    text = rispy.dumps([_reference(found) for found in items], implementation=Writer)
    return str(text).strip("\n") + "\n"


def _reference(found: dict[str, Any]) -> dict[str, Any]:
    parts = found["issued"]["date-parts"][0]
    first, _, last = found.get("page", "").partition("-")
    reference = {
        "type_of_reference": _RIS[found["type"]],
        "id": found["id"],
        "authors": [_inverted(author) for author in found["author"]],
        "year": str(parts[0]),
        "date": "/".join(f"{n:02}" for n in parts) if len(parts) > 1 else "",
        "start_page": first,
        "end_page": last,
        "urls": [found["URL"]] if "URL" in found else [],
    }
    reference |= {tag: found[variable] for variable, tag in _TAGS.items() if variable in found}
    return {tag: value for tag, value in reference.items() if value}


def _inverted(author: dict[str, str]) -> str:
    if "literal" in author:
        return author["literal"]
    particle = author.get("non-dropping-particle", "")
    return f"{particle} {author['family']}, {author['given']}".strip()
