"""Runs that are sent to a cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.api.begun_runs import begun_plan, finished_otherwise
from pipeline.api.cluster_folders import check_chain, folder_on
from pipeline.api.given_experiments import Given, plain, plan
from pipeline.api.opened_run import Run
from pipeline.api.run_folders import link_run
from pipeline.api.spoken import say
from pipeline.launch.clusters.lookup import read_cluster
from pipeline.launch.cost.device_choice import suited
from pipeline.launch.submit.submit_run import submit_run
from pipeline.reuse.request import Reuse
from pipeline.reuse.reusable_trials import in_words, planned_with_reuse


def submit(
    experiment: Given,
    *,
    cluster: str,
    name: str | None = None,
    out: str | os.PathLike[str] | None = None,
    chain: int = 0,
    fresh: bool = False,
    reuse: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] = (),
    profile: Mapping[str, Any] = MappingProxyType({}),
    **settings: Any,
) -> Run:
    """Send what is neither finished nor in flight of an experiment to a cluster, and return at once.

    Args:
        experiment: Path of a YAML file, a dictionary of the same keys, or an ``Experiment``.
        cluster: Name of a cluster, as ``python -m pipeline list clusters`` has it, or a YAML file.
        name: Name of the configuration, with which the folder of its run begins; by default that of the file.
        out: Folder of the run; by default where the profile says.
        chain: Jobs that wait for each job, to go on where it stopped at its walltime.
        fresh: Whether trials that other runs have finished are trained again.
        reuse: One or several folders of runs, or of single runs, to take finished trials from, besides the runs beside
            this one.
        profile: Keys of the profile with their new values, such as ``{"queue": "long", "memory_gib": 64}``.
        settings: Keys of the experiment with their new values, such as ``seeds=5``; see ``plan``.

    Returns:
        The run: ``status()`` says how it stands, and ``results()`` has what is recorded so far.

    Raises:
        PipelineError: If something impossible is asked for, or the scheduler cannot be asked or refuses.
    """
    planned = plan(experiment, name=name, **settings)
    there = read_cluster(cluster, [f"{key}={_as_text(value, key)}" for key, value in profile.items()])
    folder = folder_on(there, planned, None if out is None else Path(out))
    planned, begun = begun_plan(planned, folder)
    check_chain(there, 1 + chain)
    asked = Reuse.of(fresh, reuse)
    otherwise = finished_otherwise(planned, folder, asked) if begun else []
    planned, reusable = planned_with_reuse(planned, folder, asked)
    there = suited(there, cluster, planned.manifest, say)
    for sentence in otherwise + in_words(reusable, planned.num_trials):
        say(sentence)
    for _ in submit_run(planned.manifest, folder, there, 1 + chain, say, None, planned, reusable):
        pass  # each step is a submission of which the job is known by now
    link_run(folder)
    return Run(folder)


def _as_text(value: Any, key: str) -> str:
    """A value as it is kept beside a submission: JSON, which YAML reads."""
    return json.dumps(plain(value, key), ensure_ascii=False)
