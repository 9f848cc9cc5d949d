"""The least experiment, a field of every type, and complaints word for word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from pipeline.config import read_file
from pipeline.errors import PipelineError
from pipeline.experiment.axes import LogSpaced, TimesLimits


@dataclass(frozen=True)
class Everything:
    """A field of every type that a definition or an experiment may have."""

    integer: int = 0
    number: float = 0.0
    truth: bool = False
    word: str = ""
    choice: Literal["fast", "slow"] = "fast"
    level: Literal[1, 2] = 1
    maybe: int | None = 1
    integers: tuple[int, ...] = ()
    pair: tuple[int, float] = (0, 0.0)
    words: tuple[str, ...] = ()
    count: int | Literal["full"] = "full"
    rates: tuple[float, ...] | LogSpaced | TimesLimits | None = None
    each: int | LogSpaced | Mapping[str, tuple[float, ...] | LogSpaced] = 0
    mixed: bool | str | float = 0.0
    file: Path | None = None
    inner: LogSpaced | None = None


@pytest.fixture
def everything():
    """A dataclass with a field of every type."""
    return Everything


@pytest.fixture(scope="session")
def least():
    """The least that an experiment must say."""
    return """\
question: Which width?
target: absolute_value
models: linear
widths: 4
"""


@pytest.fixture
def write(tmp_path):
    """Write a YAML file and give its path."""

    def to_file(text: str | bytes) -> Path:
        path = tmp_path / "question.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to_file


@pytest.fixture
def field(write):
    """Read one field of ``Everything`` as written."""
    return lambda text: getattr(read_file(write(text), Everything), text.partition(":")[0])


@pytest.fixture
def refused():
    """Expect exactly one complaint."""

    def expect(path: Path | str, line: int | None, what: str, hint: str):
        where = f"{path}:{line}" if line else str(path)
        return pytest.raises(PipelineError, match=f"^{re.escape(f'{where}: {what}')}\n  hint: {re.escape(hint)}$")

    return expect
