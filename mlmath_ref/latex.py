r"""Tokens of the displayed LaTeX, and the names among them that stand for values."""

import re
from dataclasses import dataclass

SYNONYMS = {
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
    r"\le": r"\leq",
    r"\ge": r"\geq",
    r"\ne": r"\neq",
    r"\ldots": r"\dots",
    r"\cdots": r"\dots",
    r"\lvert": "|",
    r"\rvert": "|",
}
_SPACE = re.compile(r"(?:\s|~|\\[,;:! ]|\\q?quad\b|\\(?:left|right)(?![A-Za-z]))+")
_NAMED = re.compile(r"\\(operatorname|mathrm|text|begin|end)\*?\s*\{([^{}]*)\}")
_STYLE = re.compile(r"\\(hat|bar|tilde|vec|mathbf|mathcal|mathbb|boldsymbol)(?![A-Za-z])\s*")
_PLAIN = re.compile(r"\\arg\s*\\(?:max|min)|\\[A-Za-z]+|\\[\\|]|\d+(?:\.\d+)?|[A-Za-z]'*|\S")


class FormulaError(ValueError):
    """What is wrong with a formula, and at which token."""

    def __init__(self, message: str, formula: str, at: int) -> None:
        start = formula.rfind("\n", 0, at) + 1
        line = formula[start:].split("\n", 1)[0]
        super().__init__(f"{message}\n    {line}\n    {' ' * (at - start)}^")
        self.formula, self.at = formula, at


@dataclass(frozen=True)
class Token:
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Name:
    """Tokens that stand for a value; ``None`` is a place for an index."""

    key: str
    pattern: tuple[str | None, ...]
    rank: int = 0  # how many indices the value takes
    is_function: bool = False
    letters: tuple[str, ...] = ()  # at the open places; equal letters are equal indices


def tokenize(latex: str) -> list[Token]:
    """The tokens, without spacing, and without braces around a single token."""
    found: list[Token] = []
    at = 0
    while at < len(latex):
        if space := _SPACE.match(latex, at):
            at = space.end()
            continue
        text, end = _token(latex, at)
        before = [t.text for t in found[-2:]]
        single = before[-1:] in (["^"], ["_"], [r"\frac"]) or before[:1] == [r"\frac"]
        if single and text[0].isdigit():  # TeX takes one digit here
            text, end = text[0], at + 1
        found.append(Token(SYNONYMS.get(text, text), at, end))
        at = end
    return _bare(found)


def _token(latex: str, at: int) -> tuple[str, int]:
    if named := _NAMED.match(latex, at):
        return rf"\{named[1]}{{{named[2].strip()}}}", named.end()
    if style := _STYLE.match(latex, at):
        start = style.end() + (latex[style.end() : style.end() + 1] == "{")
        if start >= len(latex):
            raise FormulaError("nothing follows", latex, at)
        inner, end = _token(latex, start)
        if start > style.end():
            if latex[end : end + 1] != "}":
                raise FormulaError(rf"\{style[1]} takes one letter", latex, at)
            end += 1
        return rf"\{style[1]}{{{inner}}}", end
    plain = _PLAIN.match(latex, at)
    assert plain
    return re.sub(r"\s", "", plain[0]), plain.end()


def _bare(tokens: list[Token]) -> list[Token]:
    kept: list[Token] = []
    for token in tokens:
        kept.append(token)
        if [t.text for t in kept[-3::2]] == ["{", "}"] and kept[-2].text not in "{}":
            kept[-3:] = [kept[-2]]
    return kept


def is_letter(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z]", text))


def subscripts(words: list[str]) -> set[int]:
    """Where single letters stand in the subscripts of a name."""
    inside, depth, found = False, 0, set()
    for i, word in enumerate(words):
        if inside and depth:
            depth += (word == "{") - (word == "}")
        else:
            inside = i > 0 and words[i - 1] == "_"
            depth = int(inside and word == "{")
        if inside and is_letter(word):
            found.add(i)
    return found


def ranged(latex: str) -> set[str]:
    """Letters that a sum, a product, an extremum or a list ``k = 1, \\dots, n`` runs over."""
    words = [t.text for t in tokenize(latex)]
    text = " ".join(words)
    heads = re.findall(r"(?:\\sum|\\prod|max|min|\\mathbb\{E\}) _ (?:\{ )?((?:\w , )*\w)\b", text)
    lists = re.findall(r"(?<!\S)(\w) = [^=,]+ , \\dots ,", text)
    return {w for part in heads + lists for w in part.split(" , ") if is_letter(w)}


def match(pattern: tuple[str | None, ...], words: list[str]) -> int:
    """How many of the words a pattern stands for, from the first on; 0 if it does not fit."""
    at = 0
    for part in pattern:
        if at >= len(words):
            return 0
        if part is None and words[at] == "{":
            depth, at = 1, at + 1
            while at < len(words) and depth:
                depth += (words[at] == "{") - (words[at] == "}")
                at += 1
        elif not (words[at] == part or (part is None and re.fullmatch(r"[A-Za-z]|\d+", words[at]))):
            return 0
        else:
            at += 1
    return at
