"""Runs that are trained in this process."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.api.begun_runs import train
from pipeline.api.given_experiments import Given, plan
from pipeline.api.notebook_progress import new_progress
from pipeline.api.opened_run import Run
from pipeline.api.run_folders import RUNS
from pipeline.api.spoken import say
from pipeline.errors import number_of
from pipeline.reuse.request import Reuse


def run(
    experiment: Given,
    *,
    name: str | None = None,
    out: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    reuse: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] = (),
    **settings: Any,
) -> Run:
    """Train an experiment in this process, with progress in the notebook's cell or on standard error.

    What its folder holds already is not trained again: interrupted or killed, the same call goes on from the last
    checkpoint. Nor are trials that a run beside it has finished, of whatever question: they are taken from there.

    Args:
        experiment: Path of a YAML file, a dictionary of the same keys, or an ``Experiment``.
        name: Name of the configuration, with which the folder of its run begins; by default that of the file.
        out: Folder of the run; by default ``runs/<name>-<hash>``.
        fresh: Whether trials that other runs have finished are trained again.
        reuse: One or several folders of runs, or of single runs, to take finished trials from, besides the runs beside
            this one.
        settings: Keys of the experiment with their new values, such as ``seeds=5``; see ``plan``.

    Returns:
        The run. Trials that diverged are results; that some failed is a warning, and ``results()`` has the reasons.

    Raises:
        PipelineError: If something impossible is asked for, the folder holds another experiment, or another process
            trains in it.
    """
    planned = plan(experiment, name=name, **settings)
    folder = Path(out) if out is not None else RUNS / planned.folder_name
    taken_from = Reuse.of(fresh, reuse)
    _, counts = train(planned, folder, lambda planned, folder: None, new_progress, taken_from, say)
    if counts and counts.failed:
        failed = number_of(counts.failed, "trial")
        warnings.warn(f"{failed} failed; results(where=\"status = 'failed'\") says why", stacklevel=2)
    return Run(folder)
