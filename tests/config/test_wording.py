"""Every type that a field may have is said in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional, Union

import pytest

from pipeline.config.wording import in_words, is_union
from pipeline.extensions.extension import Extension
from pipeline.models.bases.basis import Basis
from pipeline.problems.datasets import Data


@dataclass
class Range:
    low: float
    high: float


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "an integer"),
        (Path, "a path"),
        (Literal["fast", 1], "'fast' or '1'"),
        (int | Literal["full"], "an integer or 'full'"),
        (float | None, "a finite number or null"),
        (tuple[bool, ...], "true or false or a list of such"),
        (tuple[int, float], "a list of 2"),
        (Range, "a mapping of low, high"),
        (Basis, "the name of a basis"),
        (tuple[Extension, ...], "a Python file or the name of an entry point or a list of such"),
        (Data, "the name of data"),
        (int | tuple[int, ...], "an integer or a list of such"),
        (int | Literal["full"] | tuple[int | Literal["full"], ...], "an integer or 'full' or a list of such"),
        (Mapping[str, tuple[int, ...]], "a mapping of names, each to an integer or a list of such"),
        (tuple[Basis, ...] | Range, "the name of a basis or a list of such or a mapping of low, high"),
    ],
)
def test_a_type_is_said_in_words(hint, words):
    assert in_words(hint) == words


@pytest.mark.parametrize("hint", [int | str, Optional[int], Union[int, str]])  # noqa: UP007, UP045
def test_both_spellings_of_a_union_are_one(hint):
    assert is_union(hint)
    assert not is_union(tuple[int, str])
