"""Files with definitions of a user's own, and an installed package that offers some."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pipeline.errors import PipelineError

HEAD = """from dataclasses import dataclass
from typing import ClassVar, final
import numpy as np
import torch
from pipeline.models.activations import Activation
from pipeline.models.bases.basis import Basis
from pipeline.problems.targets import Target
"""
TENT = """
@final
@dataclass(frozen=True)
class Tent(Target):
    \"\"\"A tent.\"\"\"

    height: float = 1.0

    def __call__(self, inputs_PD):
        return self.height * np.maximum(1 - 2 * np.abs(inputs_PD[:, 0]), 0)
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a Python file of definitions; line 8 is the first after the imports."""

    def to_file(body: str = TENT, name: str = "mine.py", head: str = HEAD) -> Path:
        path = tmp_path / name
        path.write_text(head + body)
        return path

    return to_file


@pytest.fixture
def refused() -> Callable[[Path | str, str, str], AbstractContextManager[object]]:
    """Expect exactly one complaint."""

    def expect(where: Path | str, what: str, hint: str) -> AbstractContextManager[object]:
        return pytest.raises(PipelineError, match=f"^{re.escape(f'{where}: {what}')}\n  hint: {re.escape(hint)}$")

    return expect


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the package ``tents``, installed with an entry point of that name."""
    site = tmp_path / "site"
    (site / "tents").mkdir(parents=True)
    (site / "tents" / "__init__.py").write_text("from tents.shapes import Tent\n")
    (site / "tents" / "shapes.py").write_text(HEAD + TENT)
    about = site / "tents_of_mine-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tents-of-mine\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text("[pipeline.definitions]\ntents = tents\n")
    monkeypatch.syspath_prepend(str(site))
    yield site / "tents"
    for name in [name for name in sys.modules if name.partition(".")[0] == "tents"]:
        del sys.modules[name]
