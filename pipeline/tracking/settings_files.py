"""The settings files of W&B's client, looked at before the client does, which drops a whole file for one value.

wandb 0.31.0 (``Settings.update_from_system_settings``) says on a terminal that it could not load the files and goes on
with its defaults: for a project that is no name, the address of the server and the mode do not count either, and runs
of a private server go to https://api.wandb.ai.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.tracking.wandb_errors import RefusedError

SECTION = "default"
IGNORED = ("anonymous", "settings_system", "root_dir")
"""What the client reads in a file and takes from elsewhere."""
SECRET = ("key", "token", "headers")


def check_settings_files() -> None:
    """Refuse a settings file of which W&B's client would take nothing.

    Raises:
        RefusedError: If a file is none, or holds a value that the client does not take.
    """
    import wandb

    for name, (path, value) in _values().items():
        if name in IGNORED:
            continue
        field: dict[str, Any] = {name: value.split(",") if name == "ignore_globs" else value}
        try:
            wandb.Settings(**field)
        except ValidationError as error:
            raise _refused(path, name, value, str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None
        except (wandb.Error, ValueError, TypeError) as error:
            raise _refused(path, name, value, " ".join(str(error).split())) from None


def settings_files() -> Iterator[Path]:
    """Where the client looks for settings: of the user, then of the folder it runs in, which win."""
    import wandb

    yield Path(os.environ.get("WANDB_CONFIG_DIR") or "~/.config/wandb").expanduser() / "settings"
    yield Path(wandb.Settings().settings_workspace)


def _values() -> dict[str, tuple[Path, str]]:
    """The values that count, each with the file it is in."""
    values: dict[str, tuple[Path, str]] = {}
    try:
        for path in settings_files():
            values |= {name: (path, value) for name, value in _read(path).items()}
    except (OSError, RuntimeError):
        return values  # no home, or nothing there that one may read: the client does without it, too
    return values


def _read(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser()
    try:
        parser.read(path)
        return dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}
    except (configparser.Error, UnicodeDecodeError) as error:
        what = f"W&B's client cannot read it: {' '.join(str(error).split())}"
        raise RefusedError(what, where=str(path), hint="mend it, or delete it") from None


def _refused(path: Path, name: str, value: str, reason: str) -> RefusedError:
    shown = "what it says" if any(word in name for word in SECRET) else repr(value)
    what = f"W&B's client does not take {shown} as {name}, and so nothing of this file: {reason}"
    return RefusedError(what, where=str(path), hint=f"mend {name} there, or leave it out")
