"""Docstrings in the style of this project, taken apart and written as Markdown."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

SECTIONS = ("Args", "Raises", "Returns", "Yields", "Example", "Source")
SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):(.*)$")
AS_IT_IS = re.compile(r"(``.+?``|`[^`]+`|(?<!\w)\*\w[\w ]*\*(?!\w))", re.DOTALL)
"""Code, and words that are stressed."""
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
SPECIAL = re.compile(r"([\\*_<$\[\]])")


@dataclass(frozen=True)
class Docstring:
    """A docstring in its parts, without line breaks but for those between paragraphs.

    Args:
        summary: The first sentence.
        body: Further paragraphs, those after a section included.
        arguments: What ``Args:`` says of each name.
        source: What ``Source:`` says; empty where there is none.
        returns: What ``Returns:`` says.
        raises: What ``Raises:`` says of each error.
        example: The lines of ``Example:``, or those that begin with ``>>>``.
    """

    summary: str
    body: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    returns: str = ""
    raises: Mapping[str, str] = field(default_factory=dict)
    example: str = ""


def parsed(thing: object) -> Docstring:
    """The docstring of a class or a function in its parts.

    Args:
        thing: Has a docstring of its own or inherits one.

    Returns:
        All empty where there is none.
    """
    paragraphs: list[str] = []
    sections: dict[str, str] = {}
    for paragraph in re.split(r"\n\s*\n", inspect.getdoc(thing) or ""):
        first, _, rest = paragraph.partition("\n")
        if found := SECTION.match(first):
            sections[found[1]] = "\n".join(part for part in (found[2].strip(), textwrap.dedent(rest)) if part)
        elif first.startswith(">>> "):
            sections["Example"] = paragraph
        else:
            paragraphs.append(paragraph)
    summary, *body = paragraphs or [""]
    return Docstring(
        _one_line(summary),
        tuple(part if part.startswith("- ") else _one_line(part) for part in body),
        _arguments(sections.get("Args", "")),
        _one_line(sections.get("Source", "")),
        _one_line(sections.get("Returns", "")),
        _arguments(sections.get("Raises", "")),
        sections.get("Example", ""),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _arguments(text: str) -> dict[str, str]:
    """The entries of ``Args:`` or ``Raises:``, each of which begins in the first column."""
    entries = re.findall(r"^(\w+): (.*(?:\n[ \t]+.*)*)", text, re.MULTILINE)
    return {name: _one_line(said) for name, said in entries}


def attributes(kind: type) -> dict[str, str]:
    """What a class says of its attributes, in the text that follows each.

    Args:
        kind: A class whose source can be read.

    Returns:
        Texts by the names of the attributes.
    """
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    said = {}
    for attribute, text in itertools.pairwise(tree.body):
        match attribute, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                said[name] = _one_line(meaning)
    return said


def markdown(text: str) -> str:
    """A text of a docstring as Markdown: code and stress stay as they are, and nothing else means more than it says."""
    parts = AS_IT_IS.split(text)
    plain = "".join(part if number % 2 else SPECIAL.sub(r"\\\1", part) for number, part in enumerate(parts))
    return ARXIV.sub(r"[arXiv \1](https://arxiv.org/abs/\1)", plain)
