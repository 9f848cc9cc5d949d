"""Provenance: the commit of this code, what was changed since, the versions of packages, the machine."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import subprocess
from datetime import datetime
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent
DISTRIBUTION = "tiny-model-sweeps"
"""What pip calls this package."""
PACKAGES = ("lightning", "numpy", "polars", "submitit", "torch", "wandb")
"""Packages that the numbers, or how they were made, depend on."""
NUMERICS = ("diagnostics", "engines", "experiment", "models", "numerics", "optimizers", "problems", "training")
"""Rooms whose code the numbers of a trial come from."""
NUMERIC_PACKAGES = ("numpy", "torch")
"""Packages that draw and compute for them."""


@functools.cache
def code_version() -> str:
    """The commit of this checkout, and a hash of what was changed since: ``1a2b3c4d5e6f+0123abcd``.

    Of an installed package the commit that pip had it from. Empty where there is neither, or there is no git.

    Returns:
        The version; it is worked out once in a process.
    """
    commit = _git("rev-parse", "--short=12", "HEAD").strip()
    if not commit:
        return _installed_commit()
    changed = _git("diff", "HEAD", "--binary", "--", "pipeline") + _untracked()
    return f"{commit}+{hashlib.sha256(changed.encode()).hexdigest()[:8]}" if changed else commit


@functools.cache
def numerics_version() -> str:
    """Version of the numerics: a hash of the code that the numbers of a trial come from, in 16 hexadecimal digits.

    Trials of one id and one version have the same numbers, up to the last digits in which engines and machines differ.
    The releases of NumPy and PyTorch are part of it, their builds for one device or another are not.

    Returns:
        The version; it is worked out once in a process.
    """
    digest = hashlib.sha256()
    for room in NUMERICS:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(PACKAGE).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    for name in NUMERIC_PACKAGES:
        digest.update(f"{name} {_version(name).partition('+')[0]}\n".encode())
    return digest.hexdigest()[:16]


def provenance() -> dict[str, object]:
    """When, where and with what something was computed, as plain JSON types."""
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "code": code_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "python": platform.python_version(),
        "host": platform.node(),
    }


def _installed_commit() -> str:
    """The commit of the repository that pip has installed this package from, if it was given one (PEP 610)."""
    try:
        installed = metadata.distribution(DISTRIBUTION)
        ours = Path(str(installed.locate_file("pipeline"))).resolve() == Path(__file__).parent
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return ""
    return str(origin.get("vcs_info", {}).get("commit_id", ""))[:12] if ours else ""


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
