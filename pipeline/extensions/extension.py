"""An extension as an experiment names it: what is run of it is decided by the digest of its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class Extension:
    """Definitions of a user's own that an experiment uses: a Python file, or an entry point of an installed package.

    Args:
        name: Name of the file, like ``my_bases.py``, or of the entry point.
        sha256: Digest of its source: of the file, or of all Python files of the package. It is in the id of every trial
            with a definition from it.
        version: Name and version of the package, like ``my-bases 1.2``; empty for a file.
        path: The file as the experiment was read; a run keeps a copy of its own.
    """

    name: str
    sha256: str
    version: str = field(default="", compare=False)
    path: Path | None = field(default=None, compare=False)
    written_as: ClassVar[str] = "a Python file or the name of an entry point"
    """What stands for it in a YAML file; a plan has all its fields."""

    @property
    def is_file(self) -> bool:
        """Whether it is a Python file, of which a run keeps a copy."""
        return self.name.endswith(SUFFIX)

    def label(self) -> str:
        """Its name, with the version of a package, and the beginning of the digest."""
        return f"{self.version or self.name} ({self.sha256[:10]})"


SUFFIX = ".py"
"""How the name of a file ends; what does not end so is the name of an entry point."""
