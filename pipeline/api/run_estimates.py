"""Estimates of runs on this machine: how many trials are left to train, and what time and memory that takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.api.given_experiments import Given, plan
from pipeline.api.run_folders import RUNS
from pipeline.api.spoken import say
from pipeline.errors import number_of
from pipeline.reuse.request import Reuse

if TYPE_CHECKING:
    from pipeline.launch.cost.local_duration import LocalDuration
    from pipeline.plans import Plan
    from pipeline.reuse.reusable_trials import ReusableTrials


@dataclass(frozen=True)
class RunEstimate:
    """What training a plan takes on this machine; ``print`` of it says that in sentences.

    Args:
        plan: What is asked.
        folder: Of the run, as ``run`` would name it.
        finished: How many of its trials are finished there.
        reusable: Those that are finished in other runs, and are taken from there.
        takes: ``least_s`` and ``most_s``, seconds; ``memory_gib`` of the process; ``measured``, the fraction of the
            time that rests on measurements. None where nothing is left.
    """

    plan: Plan
    folder: Path
    finished: int
    reusable: ReusableTrials
    takes: LocalDuration | None

    @property
    def left_trials(self) -> int:
        """Trials that are left to train."""
        return self.plan.num_trials - self.finished - len(self.reusable.sources)

    @property
    def sentences(self) -> list[str]:
        """How many trials are finished, taken and left, where not all are left; and what those take."""
        from pipeline.reuse.reusable_trials import in_words

        said, left = in_words(self.reusable, self.plan.num_trials), self.left_trials
        if self.finished:
            said.insert(0, f"{number_of(self.finished, 'trial', 'are', whole=self.plan.num_trials)} finished there")
        if said:
            said.append(f"{left} {'is' if left == 1 else 'are'} left to train" if left else "nothing is left to train")
        return said if self.takes is None else [*said, str(self.takes)]

    def __str__(self) -> str:
        """The sentences, a line each."""
        return "\n".join(self.sentences)


def estimate(
    experiment: Given,
    *,
    name: str | None = None,
    out: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    reuse: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] = (),
    quick: bool = False,
    **settings: Any,
) -> RunEstimate:
    """Estimate the time and the memory that ``run`` would take here; nothing is written into the run.

    Of what may take more than a minute a few packs are trained for a moment, once.

    >>> xor = {"question": "Is two enough?", "target": "xor", "models": ["shallow"], "widths": [1, 2]}
    >>> estimate(xor, seeds=5).takes.most_s < 60
    True

    Args:
        experiment: Path of a YAML file, a dictionary of the same keys, or an ``Experiment``.
        name: Name of the configuration, as of ``run``.
        out: Folder of the run; by default ``runs/<name>-<hash>``.
        fresh: Whether trials that other runs have finished are trained again.
        reuse: Folders of runs, or of single runs, to take finished trials from, as of ``run``.
        quick: Whether nothing is measured now; what was measured before counts.
        settings: Keys of the experiment with their new values, such as ``seeds=5``; see ``plan``.

    Returns:
        The estimate: ``left_trials``, and ``takes`` with ``least_s`` and ``most_s`` in seconds, ``memory_gib`` and
        ``measured``.

    Raises:
        PipelineError: If something impossible is asked for, or there is no run in a folder of ``reuse``.
    """
    planned = plan(experiment, name=name, **settings)
    folder = Path(out) if out is not None else RUNS / planned.folder_name
    return estimate_of(planned, folder, Reuse.of(fresh, reuse), say, quick=quick)


def estimate_of(planned: Plan, folder: Path, reuse: Reuse, say: Callable[[str], None], *, quick: bool) -> RunEstimate:
    """Estimate what training a plan into a folder takes.

    Args:
        planned: What is asked.
        folder: Of the run.
        reuse: Where finished trials are taken from.
        say: Says that something is measured, which takes some seconds.
        quick: Whether nothing is measured now.

    Returns:
        The estimate.

    Raises:
        PipelineError: If there is no run in a folder that is named in ``reuse``.
    """
    from pipeline.launch.cost.local_duration import local_duration
    from pipeline.reuse.reusable_trials import finished_here, planned_with_reuse

    divided, reusable = planned_with_reuse(planned, folder, reuse)
    here = finished_here(folder)
    finished = here | reusable.sources.keys()
    left = [pack for pack in divided.packs if any(trial.id not in finished for trial in pack.trials)]
    takes = local_duration(divided, left, say, quick=quick) if left else None
    return RunEstimate(planned, folder, len(here), reusable, takes)
