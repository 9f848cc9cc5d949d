"""Where W&B's client keeps its files while it works for us, and under which variables it runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.tracking.retries import CLIENT_DEFAULTS
from pipeline.tracking.settings import RUN_VARIABLES

REMOVED_VARIABLES = (*RUN_VARIABLES, "WANDB_MODE")
"""Variables that are not for the client: what they say, our runs say themselves."""
FOLDER_VARIABLES = ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR")
"""Folders that the client writes to; on a compute node those of the user may be out of reach."""


@contextmanager
def client_folder(folder: Path) -> Iterator[Path]:
    """Have W&B's client keep its files in a folder that is emptied, whatever home is like; gives that folder.

    Its service takes over the environment when it starts, which asking for a key may do.
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
    """The variables under which W&B's client runs: the user's, but that its files lie where they can be written."""
    place = str(scratch.resolve())
    settings = {} if _has_settings() else {"WANDB_CONFIG_DIR": place}
    return {**CLIENT_DEFAULTS, **settings, **os.environ, **dict.fromkeys(FOLDER_VARIABLES, place)}


def _has_settings() -> bool:
    """Whether the user has settings of W&B's client at home, if there is a home."""
    try:
        return Path("~/.config/wandb").expanduser().exists()
    except (RuntimeError, OSError):
        return False
