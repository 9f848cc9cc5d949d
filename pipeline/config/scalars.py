"""Scalar types: integers, floats, truth values, paths and texts, each with its one reader."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.config.nodes import Node, Position, ScalarNode, as_list, is_null, refusal

MAX_INTEGER = 2**63 - 1
"""The largest int64, which every integer meets on its way to NumPy and Arrow."""


@dataclass(frozen=True)
class ScalarType:
    """How a type is read from a scalar, and how a complaint speaks of it.

    Args:
        expected: The type in words.
        hint: How to write it.
        convert: From the node to the value; raises ValueError where it is none.
        takes_quotes: Whether a quoted scalar is one too.
    """

    expected: str
    hint: str
    convert: Callable[[ScalarNode], Any]
    takes_quotes: bool = False


def _integer(node: ScalarNode) -> int:
    """Digits, or digits times a power of ten that is not negative: both are integers beyond doubt."""
    digits = re.fullmatch(r"([+-]?[0-9]{1,19})(?:[eE]\+?([0-9]{1,2}))?", node.text)
    if digits is None:
        raise ValueError
    value: int = int(digits[1]) * 10 ** int(digits[2] or 0)
    if abs(value) > MAX_INTEGER:
        raise ValueError
    return value


def _float(node: ScalarNode) -> float:
    if not re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", node.text):
        raise ValueError
    value = float(node.text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _bool(node: ScalarNode) -> bool:
    if node.text not in ("true", "false"):
        raise ValueError
    return node.text == "true"


def _text(node: ScalarNode) -> str:
    if is_null(node):
        raise ValueError
    return node.text


def _path(node: ScalarNode) -> Path:
    """An absolute path; links are followed in its folder only, for the ending of a file's name says what it is."""
    if not _text(node) or "\0" in node.text:
        raise ValueError
    try:
        path = node.folder / Path(node.text).expanduser()
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:  # no such home, a loop of links
        raise ValueError from error


SCALAR_TYPES: Mapping[Any, ScalarType] = {
    bool: ScalarType("true or false", "write true or false", _bool),
    int: ScalarType("an integer", "write it in decimal digits, like 20000 or 2e4", _integer),
    float: ScalarType("a finite number", "write it like 0.001 or 1e-3", _float),
    Path: ScalarType("a path", "it starts from the folder of this file", _path, takes_quotes=True),
    str: ScalarType("text", "write it between quotes", _text, takes_quotes=True),
}
"""In the order in which a union tries them: text fits everything, so it comes last."""


THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
"""An integer such as 10,000, as it is written in prose."""
DECIMAL_COMMA = re.compile(r"\d+,\d+")
"""A number such as 0,1, as it is written in many languages."""


def construct_scalar(kind: ScalarType, node: Node, position: Position) -> Any:
    """Construct a value of a scalar type from a node.

    Args:
        kind: The type.
        node: The node of the field.
        position: Of the field, for complaints.

    Returns:
        A value of the type.

    Raises:
        PipelineError: If the node is no scalar, does not spell a value of the type, or is in quotes without need.
    """
    if isinstance(node, ScalarNode) and not node.plain and not kind.takes_quotes:
        raise refusal(node, position, kind.expected, "leave the quotes out" if _fits(kind, node) else kind.hint)
    if not isinstance(node, ScalarNode):
        raise refusal(node, position, kind.expected, "give one value")
    try:
        return kind.convert(node)
    except ValueError:
        raise refusal(node, position, kind.expected, _hint(kind, node.text)) from None


def _hint(kind: ScalarType, text: str) -> str:
    """What was meant by a text: a list without brackets, or a number with a comma in it; else how one is written."""
    listed = as_list(text)
    if not listed:
        return kind.hint
    if kind is SCALAR_TYPES[int] and THOUSANDS.fullmatch(text):
        return f"did you mean {text.replace(',', '')}, or {listed}?"
    if kind is SCALAR_TYPES[float] and DECIMAL_COMMA.fullmatch(text):
        return f"did you mean {text.replace(',', '.')}, or {listed}?"
    return f"did you mean {listed}?"


def _fits(kind: ScalarType, node: ScalarNode) -> bool:
    """Whether what stands between quotes would be a value of the type without them."""
    try:
        kind.convert(replace(node, plain=True))
    except ValueError:
        return False
    return True
