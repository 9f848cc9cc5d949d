"""One reader for each type that is written as a word."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.nodes import Node, Position, Word, is_null, refusal

MAX_INTEGER = 2**63 - 1
"""The largest int64, which every whole number meets on its way to NumPy and Arrow."""


@dataclass(frozen=True)
class Scalar:
    """How a type is read from a word, and how a complaint speaks of it."""

    expected: str
    hint: str
    convert: Callable[[Word], Any]  # raises ValueError
    takes_quotes: bool = False


def _integer(word: Word) -> int:
    """Digits, or digits and a power of ten that is not negative: both are whole beyond doubt."""
    digits = re.fullmatch(r"([+-]?[0-9]{1,19})(?:[eE]\+?([0-9]{1,2}))?", word.text)
    if digits is None:
        raise ValueError
    value: int = int(digits[1]) * 10 ** int(digits[2] or 0)
    if abs(value) > MAX_INTEGER:
        raise ValueError
    return value


def _float(word: Word) -> float:
    if not re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", word.text):
        raise ValueError
    value = float(word.text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _bool(word: Word) -> bool:
    if word.text not in ("true", "false"):
        raise ValueError
    return word.text == "true"


def _text(word: Word) -> str:
    if is_null(word):
        raise ValueError
    return word.text


def _path(word: Word) -> Path:
    """An absolute path; links are followed in its folder only, for the ending of a file's name says what it is."""
    if not _text(word) or "\0" in word.text:
        raise ValueError
    try:
        path = word.folder / Path(word.text).expanduser()
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:  # no such home, a loop of links
        raise ValueError from error


SCALARS: Mapping[Any, Scalar] = {
    bool: Scalar("true or false", "write true or false", _bool),
    int: Scalar("a whole number", "write it in decimal digits, like 20000 or 2e4", _integer),
    float: Scalar("a finite number", "write it like 0.001 or 1e-3", _float),
    Path: Scalar("a path", "it starts from the folder of this file", _path, takes_quotes=True),
    str: Scalar("text", "write it between quotes", _text, takes_quotes=True),
}
"""In the order in which a union tries them: text fits everything, so it comes last."""


def read_scalar(scalar: Scalar, node: Node, position: Position) -> Any:
    """Read a word, or refuse it as not of the type."""
    if isinstance(node, Word) and not node.plain and not scalar.takes_quotes:
        raise refusal(node, position, scalar.expected, "leave the quotes out")
    if not isinstance(node, Word):
        raise refusal(node, position, scalar.expected, "give one value")
    try:
        return scalar.convert(node)
    except ValueError:
        raise refusal(node, position, scalar.expected, scalar.hint) from None
