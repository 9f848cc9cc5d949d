"""Provenance: the commit of this code, what was changed since, the versions of packages, the machine."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from datetime import datetime
from importlib import metadata
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PACKAGES = ("lightning", "numpy", "polars", "submitit", "torch", "wandb")
"""Packages that the numbers, or how they were made, depend on."""


@functools.cache
def code_version() -> str:
    """The commit of this checkout, and a hash of what was changed since: ``1a2b3c4d5e6f+0123abcd``.

    Empty where the code is no checkout, or there is no git.

    Returns:
        The version; it is worked out once in a process.
    """
    commit = _git("rev-parse", "--short=12", "HEAD").strip()
    if not commit:
        return ""
    changed = _git("diff", "HEAD", "--binary", "--", "pipeline") + _untracked()
    return f"{commit}+{hashlib.sha256(changed.encode()).hexdigest()[:8]}" if changed else commit


def provenance() -> dict[str, object]:
    """When, where and with what something was computed, as plain JSON types."""
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "code": code_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "python": platform.python_version(),
        "host": platform.node(),
    }


def _untracked() -> str:
    """The names and contents of files of the package that git does not know yet."""
    names = _git("ls-files", "--others", "--exclude-standard", "--", "pipeline").splitlines()
    return "".join(f"{name}\n{_digest(CHECKOUT / name)}\n" for name in sorted(names))


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # gone since it was listed
        return ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _git(*arguments: str) -> str:
    if not (CHECKOUT / ".git").exists():
        return ""
    try:
        command = ["git", "-C", str(CHECKOUT), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
