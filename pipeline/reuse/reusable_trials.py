"""Reusable trials: those of a plan that another run has finished just as this one would."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import ArgumentError, number_of
from pipeline.experiment.axes import LogSpacedSteps
from pipeline.experiment.engine_names import CLOSED_FORM
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.recording import recorded_steps
from pipeline.plans import Plan, with_packs_apart
from pipeline.provenance import numerics_version
from pipeline.records.packs import read_packs
from pipeline.records.store import finished_packs
from pipeline.reuse.request import REUSE, Reuse
from pipeline.reuse.trial_index import finished_trials, runs_in

PROCESSORS = frozenset({"x86_64", "AMD64", "amd64", "i686", "aarch64", "arm64", "ppc64le", "riscv64", "s390x"})
"""What ``platform.machine`` says of processors; a device of another name is a GPU."""


@dataclass(frozen=True)
class TrialSource:
    """Where a finished trial is.

    Args:
        run: Folder of its run.
        pack: Id of its pack there.
        how: The engine and the device that computed it, in words.
    """

    run: Path
    pack: str
    how: str


@dataclass(frozen=True)
class ReusableTrials:
    """Trials of a plan that are finished elsewhere.

    Args:
        sources: Where each is, by its id.
        refused: Why others that look the same are trained again: how many, by the run and the reason.
    """

    sources: Mapping[str, TrialSource] = field(default_factory=dict)
    refused: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def whole_packs(self, plan: Plan) -> list[str]:
        """Ids of the packs of a plan of which every trial is there."""
        return [pack.id for pack in plan.packs if all(trial.id in self.sources for trial in pack.trials)]


NOTHING_REUSABLE = ReusableTrials()


def planned_with_reuse(plan: Plan, run: Path, reuse: Reuse = REUSE) -> tuple[Plan, ReusableTrials]:
    """Find what a plan need not train, and lay out its packs so that whole packs of it can be taken.

    Args:
        plan: As it is written in the folder, or is to be.
        run: The folder; the runs beside it are looked into.
        reuse: Whether anything is to be taken, and from where besides.

    Returns:
        The plan, with other packs only where it is not written yet; and where its finished trials are.

    Raises:
        ArgumentError: If there is no run in a folder that is named.
    """
    if reuse.fresh:
        return plan, NOTHING_REUSABLE
    for folder in reuse.folders:
        if not runs_in([folder]):
            what = f"{str(folder)!r} is no folder of runs in which anything is finished"
            raise ArgumentError("reuse", what, hint="name a folder like runs/, or that of one run")
    found = reusable_trials(plan, [run.parent, *reuse.folders], run)
    begun = (run / "plan.json").exists()
    return plan if begun or not found.sources else with_packs_apart(plan, found.sources), found


def finished_here(run: Path) -> set[str]:
    """Ids of the trials that a run has finished itself, or taken; none if it was not begun."""
    if not (run / "plan.json").exists():
        return set()
    finished = finished_packs(run)
    return {trial for pack, trials in read_packs(run).items() if pack in finished for trial in trials}


def reusable_trials(plan: Plan, folders: Sequence[Path], run: Path) -> ReusableTrials:
    """Find the trials of a plan that other runs have finished by the same numerics, and recorded as it asks.

    Args:
        plan: What is to be trained.
        folders: Folders of runs, or of single runs.
        run: Folder of the plan's own run; what it has finished is not looked for.

    Returns:
        Where the trials are. Of several runs that have one, the one that has most of them.
    """
    runs = [other for other in runs_in(folders) if other.resolve() != run.resolve()]
    if not runs:
        return NOTHING_REUSABLE
    here = finished_here(run)
    wanted = [trial.id for pack in plan.packs for trial in pack.trials if trial.id not in here]
    found = finished_trials(runs, wanted)
    alike = found.select("engine", "device", "numerics", "observed").unique()
    steps = {pack.shape.steps for pack in plan.packs}
    reasons = [refusal(row, plan.experiment, steps) for row in alike.iter_rows(named=True)]
    judged = found.join(
        alike.with_columns(pl.Series("reason", reasons, pl.String)),
        on=alike.columns, how="left", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    fits = judged.filter(pl.col("reason") == "").with_columns(number=pl.len().over("run"))
    best = fits.sort("number", "run", descending=[True, False], maintain_order=True).unique(
        "trial", maintain_order=True
    )
    others = judged.filter(pl.col("reason") != "").join(best, on="trial", how="anti")
    refused = (
        others.sort("run").unique("trial", maintain_order=True).group_by("run", "reason", maintain_order=True).len()
    )
    how = {key: f"{key[0]} on {key[1]}" for key in alike.select("engine", "device").iter_rows()}
    rows = best.select("trial", "run", "pack", "engine", "device").iter_rows()
    return ReusableTrials(
        {trial: TrialSource(runs[number], pack, how[engine, device]) for trial, number, pack, engine, device in rows},
        {(runs[number].name, reason): count for number, reason, count in refused.iter_rows()},
    )


def refusal(row: Mapping[str, str | None], experiment: Experiment, steps: Iterable[int]) -> str:
    """Why a finished trial does not stand for the one that an experiment asks for.

    Args:
        row: ``engine``, ``device`` and ``numerics`` that computed it, and what was ``observed``, as JSON.
        experiment: What is asked.
        steps: Updates of its trials.

    Returns:
        The rest of a sentence; empty if it does.
    """
    if row["numerics"] != numerics_version():
        return "by another version of the code that computes them"
    engine, device = row["engine"], row["device"] or ""
    if engine == CLOSED_FORM != experiment.engine or experiment.engine not in ("auto", engine):
        return f"by the engine {engine}, and {experiment.engine} is asked for"
    on_gpu = device not in PROCESSORS
    if experiment.accelerator == ("cpu" if on_gpu else "cuda"):
        return f"on {device}, and accelerator is {experiment.accelerator}"
    observed = json.loads(row["observed"] or "null")
    return "with nothing said of what was recorded" if observed is None else _unrecorded(observed, experiment, steps)


def _unrecorded(observed: Mapping[str, Any], experiment: Experiment, steps: Iterable[int]) -> str:
    """What was not recorded of what an experiment asks, as the rest of a sentence; empty if all was."""
    asked = experiment.observed()
    missing = [one for one in asked["diagnostics"] if one not in observed["diagnostics"]]
    if missing:
        return f"without {', '.join(name for one in missing for name in one)} as it is asked for"
    then = observed["record_at"]
    record_at = LogSpacedSteps(**then) if isinstance(then, dict) else tuple(then)
    for number in steps:
        if not set(experiment.recorded_steps(number)) <= set(recorded_steps(record_at, number)):
            return "recorded at other steps"
    return ""


def in_words(reusable: ReusableTrials, num_trials: int) -> list[str]:
    """Say which trials are taken from where, and why others that look the same are not.

    Args:
        reusable: What was found.
        num_trials: Trials of the plan.

    Returns:
        Sentences.
    """
    said = []
    sources = reusable.sources.values()
    if sources:
        hows = {
            run: sorted({source.how for source in sources if source.run == run}) for run in {s.run for s in sources}
        }
        runs = Counter(source.run for source in sources).most_common()
        named = "; ".join(f"{number} in {run.name}, by {' and '.join(hows[run])}" for run, number in runs)
        are = "is" if len(sources) == 1 else "are"
        trials = number_of(len(sources), "trial", "are", whole=num_trials)
        said.append(f"{trials} trained already and {are} taken: {named}")
    for (run, reason), number in reusable.refused.items():
        those = "trials of {} are" if number > 1 else "trial of {} is"
        said.append(f"{number} {those.format(run)} not taken: trained {reason}")
    return said
