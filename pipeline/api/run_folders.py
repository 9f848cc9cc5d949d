"""Folders of runs: the one that was named or the newest, and links to those that lie elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pipeline.errors import PipelineError, enumerated, nearest
from pipeline.records.last_work import last_worked_on

RUNS = Path("runs")
"""Where runs lie that are trained here, and links to those that a cluster has."""


def run_folder(named: Path | None) -> Path:
    """Find the folder that was named, or the newest run: the one that was last worked on.

    Args:
        named: The folder, if one was named.

    Returns:
        The folder.

    Raises:
        PipelineError: If none was named and there is none, or the one that was named is not there; the hint names those
            in ``runs/`` that it may mean.
    """
    if named is not None:
        if not named.is_dir():
            _refuse_folder(str(named))
        return named
    runs = _newest_first(RUNS)
    if not runs:
        raise PipelineError("there is no run in runs/ yet", hint="python -m pipeline run configs/xor.yaml makes one")
    return runs[0]


def run_and_names(names: Sequence[str]) -> tuple[Path, list[str]]:
    """Tell the folder of a run from jobs, trials or packs that are named beside it.

    Args:
        names: As they were typed, in any order.

    Returns:
        The folder, the newest run if none is named; and the other names.

    Raises:
        PipelineError: If two runs are named, or a folder that is none.
    """
    runs = [name for name in names if (Path(name) / "plan.json").exists()]
    if len(runs) > 1:
        raise PipelineError(f"{runs[1]!r} is a second run", hint="name one")
    for name in names:
        if name not in runs and "/" in name:  # no job, trial or pack is called so
            _refuse_folder(name)
    return run_folder(Path(runs[0]) if runs else None), [name for name in names if name not in runs]


def link_run(folder: Path) -> None:
    """Let ``runs/`` name a run that lies elsewhere, so that status and the others find it."""
    link = RUNS / folder.name
    if link.resolve() != folder.resolve() and not link.exists():
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder.resolve())


def _refuse_folder(name: str) -> NoReturn:
    """Say what is wrong with a folder that is not that of a run."""
    path = Path(name)
    if path.exists():
        what = f"{name!r} is not the folder of a run"
        hint = "expected plan.json there"
        if path.suffix in (".yaml", ".yml"):
            what, hint = f"{name!r} is a question, and no run yet", f"python -m pipeline run {name} makes one"
        raise PipelineError(what, where=str(path if path.is_file() else path / "plan.json"), hint=hint)
    folder = path.parent if "/" in name else RUNS
    meant = [str(run) for run in _newest_first(RUNS) if path.name.lower() in run.name.lower()]
    runs = [str(run) for run in _newest_first(folder)]
    hint = nearest(str(folder / path.name), runs) if runs else f"no run is in {str(folder)!r}"
    if meant:
        hint = f"did you mean {enumerated(meant)}?{' the newest is the first' if meant[1:] else ''}"
    raise PipelineError("there is no such folder", where=name, hint=hint)


def _newest_first(folder: Path) -> list[Path]:
    """The runs in a folder, first the one that was last worked on."""
    return sorted((plan.parent for plan in folder.glob("*/plan.json")), key=last_worked_on, reverse=True)
