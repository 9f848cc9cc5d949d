"""User name, home and cache folder of this process, also where the system knows neither name nor home.

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


@contextmanager
def some_home() -> Iterator[None]:
    """Set ``HOME`` to the temporary files in the block: some libraries ask for a home when imported and need none."""
    os.environ["HOME"] = tempfile.gettempdir()
    try:
        yield
    finally:
        del os.environ["HOME"]
