"""User name, home and folders of this process, also where the system knows neither name nor home.

In a container, or on a node whose directory service is away, a user is a bare number: no name,
and no home unless ``HOME`` says one. Only what needs them is refused then.
"""

from __future__ import annotations

import getpass
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

PACKAGE = Path(__file__).parent
"""The package as Python has found it: in a checkout, where pip has installed it, or in the snapshot of a job."""


def user_name() -> str | None:
    """The name of the user; none where neither the environment nor the system has one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError since Python 3.13
        return None


def home_folder() -> Path | None:
    """The home of the user; none where neither the environment nor the system has one."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def cache_folder() -> Path:
    """Folder of the cache, as the XDG specification has it; of a user without a home one among the temporary files.

    Returns:
        The folder, which need not exist yet.

    Source: XDG Base Directory Specification 0.8, ``XDG_CACHE_HOME``.
    """
    named, home = os.environ.get("XDG_CACHE_HOME"), home_folder()
    if named:
        return Path(named) / "pipeline"
    return (home / ".cache" if home else Path(tempfile.gettempdir()) / f"cache-{os.getuid()}") / "pipeline"


def searched_folders(name: Literal["configs", "slurm"]) -> list[Path]:
    """Folders in which files are looked for by their names: the first that has one is asked.

    Args:
        name: ``configs`` for experiments, ``slurm`` for the profiles of clusters.

    Returns:
        That of the working directory, that of the user (``~/.config/pipeline/NAME``), and that of the package.

    Source: XDG Base Directory Specification 0.8, ``XDG_CONFIG_HOME``.
    """
    named, home = os.environ.get("XDG_CONFIG_HOME"), home_folder()
    own = Path(named) if named else home and home / ".config"
    return [Path(name), *([own / "pipeline" / name] if own else []), PACKAGE / name]


@contextmanager
def some_home() -> Iterator[None]:
    """Set ``HOME`` to the temporary files in the block: some libraries ask for a home when imported and need none."""
    os.environ["HOME"] = tempfile.gettempdir()
    try:
        yield
    finally:
        del os.environ["HOME"]
