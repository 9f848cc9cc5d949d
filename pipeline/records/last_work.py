"""When a run was last worked on: by a person's command, or by training, here or in a job."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

COMMANDS = Path(".lock")
"""In the folder of a run: touched by each command that trains or sends something of it, even if nothing is left."""

_TRACES = (COMMANDS, Path("plan.json"), Path("outcomes"), Path("records"))


def note_work(run: Path) -> None:
    """Note that a run is worked on now; one that may not be written to stays as it is."""
    with suppress(OSError):
        (run / COMMANDS).touch()


def last_worked_on(run: Path) -> float:
    """When a run was last worked on: planned, trained, sent, or looked at to see what is left of it.

    Reports and exports of it do not count.

    Args:
        run: Its folder.

    Returns:
        Seconds since 1970; 0 if there is no such run.
    """
    times = [0.0]
    for trace in _TRACES:
        with suppress(OSError):
            times.append((run / trace).stat().st_mtime)
    return max(times)
