"""Environment variables of W&B's client, validated before the client does it.

wandb 0.31.0 validates every ``WANDB_`` variable, those of the user's own runs included, which mean nothing here; for
one that it does not take it refuses them all, and does not name it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from pydantic import ValidationError

from pipeline.tracking.retries import CLIENT_DEFAULTS
from pipeline.tracking.settings_files import check_settings_files
from pipeline.tracking.wandb_errors import RefusedError

RUN_VARIABLES = (
    *("WANDB_RUN_ID", "WANDB_NAME", "WANDB_NOTES", "WANDB_TAGS", "WANDB_RUN_GROUP", "WANDB_JOB_TYPE", "WANDB_RESUME"),
    *("WANDB_RESUME_FROM", "WANDB_FORK_FROM", "WANDB_SWEEP_ID", "WANDB_CONSOLE", "WANDB_PROJECT", "WANDB_ENTITY"),
    *("WANDB_SAVE_CODE", "WANDB_DISABLE_CODE", "WANDB_DISABLE_GIT"),
)
"""Variables of one run of the user's own; each of our runs says it itself."""
SERVICE_VARIABLE = "WANDB_SERVICE"
"""By it a process shares the service process of its parent, which has settings of its own."""
REQUIRED_VARIABLES = (
    *("WANDB_BASE_URL", "WANDB_APP_URL", "WANDB_API_KEY", "WANDB_MODE", "WANDB_HTTP_TIMEOUT"),
    *("WANDB_INSECURE_DISABLE_SSL", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_CREDENTIALS_FILE"),
)
"""Variables, beside those of retries (``WANDB__...``), without which an export goes elsewhere or hangs."""
SECRET = ("KEY", "TOKEN", "HEADERS")
EXAMPLES = {"WANDB_BASE_URL": "https://api.wandb.ai", "WANDB_MODE": "online or offline", "WANDB_HTTP_TIMEOUT": "20"}


@contextmanager
def checked_settings(say: Callable[[str], None]) -> Iterator[None]:
    """Within it W&B's client has valid settings, without those of one run of the user's own.

    Args:
        say: Told of a variable that the client would refuse, and that is ignored here.

    Raises:
        RefusedError: If the client would refuse a variable that counts, or a settings file.
    """
    import wandb

    before = dict(os.environ)
    try:
        for name in (*RUN_VARIABLES, SERVICE_VARIABLE):
            os.environ.pop(name, None)
        for name, reason in invalid_variables(os.environ).items():
            if name in REQUIRED_VARIABLES or name.startswith("WANDB__"):
                raise RefusedError(_refused(name, reason), where=name, hint=_hint(name))
            say(f"{name}: {_refused(name, reason)}; it does not count here")
            del os.environ[name]
        check_settings_files()
        os.environ["WANDB_SILENT"] = "true"  # what it says would stand between our own words
        wandb.setup()  # it reads the environment now, and not again
        os.environ.update({name: before[name] for name in ("WANDB_PROJECT", "WANDB_ENTITY") if name in before})
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def invalid_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that W&B's client would refuse.

    Args:
        environ: An environment.

    Returns:
        The reason of each, by name.
    """
    import wandb

    faults: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith("WANDB_"):
            continue
        try:
            wandb.Settings().update_from_env_vars({name: value})
        except ValidationError as error:
            faults[name] = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        except (wandb.Error, ValueError, TypeError) as error:
            faults[name] = " ".join(str(error).split())
        else:
            if _is_invalid_limit(name, value):
                faults[name] = "Input should be a number from 0 on"
    return faults


def _is_invalid_limit(name: str, value: str) -> bool:
    """Whether a timeout or a retry limit is negative or infinite, or a timeout zero, which the client would take."""
    if name not in CLIENT_DEFAULTS or name == "WANDB_ERROR_REPORTING":
        return False
    return not 0 <= float(value) < math.inf or (name == "WANDB_HTTP_TIMEOUT" and float(value) == 0)


def _refused(name: str, reason: str) -> str:
    value = "" if any(word in name for word in SECRET) else f" {os.environ[name]!r}"
    return f"W&B's client does not take{value or ' what it says'}: {reason}"


def _hint(name: str) -> str:
    return f"{name} is like {EXAMPLES[name]}, or leave it out" if name in EXAMPLES else "leave it out"
