"""The folder in which W&B's client keeps its files while it works for an export, and its environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.tracking.retries import CLIENT_DEFAULTS
from pipeline.tracking.settings import RUN_VARIABLES

REMOVED_VARIABLES = (*RUN_VARIABLES, "WANDB_MODE")
"""Variables that the client must not see: what they say, our runs say themselves."""
FOLDER_VARIABLES = ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR")
"""Folders that the client writes to; on a compute node those of the user may be out of reach."""


@contextmanager
def client_folder(folder: Path) -> Iterator[Path]:
    """Within it W&B's client keeps its files in a scratch folder, whatever home is like; gives that folder.

    Its service process takes over the environment when it starts, and asking for a key may start it.

    Args:
        folder: Gets the scratch folder, which is removed at the end.

    Yields:
        The scratch folder.
    """
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    before = dict(os.environ)
    os.environ.update(client_environment(scratch))
    try:
        yield scratch
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(scratch, ignore_errors=True)
        (folder / "sender").unlink(missing_ok=True)


def client_environment(scratch: Path) -> dict[str, str]:
    """The user's environment, with folders for W&B's client that can be written to, and retries where none are set.

    Args:
        scratch: For all of its files.

    Returns:
        All variables.
    """
    place = str(scratch.resolve())
    settings = {} if _has_settings() else {"WANDB_CONFIG_DIR": place}
    return {**CLIENT_DEFAULTS, **settings, **os.environ, **dict.fromkeys(FOLDER_VARIABLES, place)}


def _has_settings() -> bool:
    """Whether the user has settings of W&B's client at home, if there is a home."""
    try:
        return Path("~/.config/wandb").expanduser().exists()
    except (RuntimeError, OSError):
        return False
