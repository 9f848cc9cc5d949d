"""Manifest of a plan: the ids of its trials, and what each pack requires of a machine; not what the trials are.

That is enough to send it, and is read without building a single trial. The trials are built
where they are trained.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.experiment.identity import HOW_IT_RUNS
from pipeline.experiment.parallelism import Parallel
from pipeline.experiment.workload import MemoryFootprint, ResourceRequirements, Workload
from pipeline.records.packs import refined


@dataclass(frozen=True)
class Manifest:
    """What is needed of a plan to send it.

    Args:
        workloads: Every pack by id, in the order of training.
        recorded_steps: H, at how many steps diagnostics are computed; the most of any trial.
        how: Fields of the experiment that say how it is computed, as plain JSON types.
    """

    workloads: Mapping[str, Workload]
    recorded_steps: int
    how: Mapping[str, Any]

    @property
    def num_trials(self) -> int:
        """Trials of all packs."""
        return sum(workload.num_trials for workload in self.workloads.values())

    @property
    def parallel(self) -> Parallel:
        """Over how many nodes and devices each pack is trained."""
        return Parallel(**self.how["parallel"])

    def refined(self, run: Path) -> Manifest:
        """The same with packs that were halved in a run replaced by their halves.

        Args:
            run: Folder of the run.

        Returns:
            The manifest that the run has now.
        """
        parts = refined(run, {pack: workload.trials for pack, workload in self.workloads.items()})
        if parts.keys() == self.workloads.keys():
            return self
        requirements = {
            trial: workload.requirements for workload in self.workloads.values() for trial in workload.trials
        }
        halves = {pack: Workload(pack, trials, requirements[trials[0]]) for pack, trials in parts.items()}
        return dataclasses.replace(self, workloads=halves)

    def as_json(self) -> dict[str, Any]:
        """The packs, and what is the same for all packs of a shape once, as plain JSON types."""
        shapes = {requirements: number for number, requirements in enumerate(dict.fromkeys(self._requirements()))}
        return {
            "recorded_steps": self.recorded_steps,
            "shapes": [dataclasses.asdict(requirements) for requirements in shapes],
            "packs": [
                {"id": pack, "shape": shapes[workload.requirements], "trials": list(workload.trials)}
                for pack, workload in self.workloads.items()
            ],
        }

    def _requirements(self) -> list[ResourceRequirements]:
        return [workload.requirements for workload in self.workloads.values()]


def read_manifest(run: Path) -> Manifest | None:
    """Read the manifest of a run's plan, packs that were halved replaced by their halves.

    Returns:
        None where ``plan.json`` is not exactly what this version has written: of another version, damaged or
        edited. What is wrong with it, if anything is, is found by whoever reads the plan itself.
    """
    try:
        content = json.loads((run / "plan.json").read_bytes())
        if content.pop("digest") != digest(content) or content["version"] != __version__:
            return None
        shapes = [
            ResourceRequirements(**shape | {"memory": MemoryFootprint(**shape["memory"])})
            for shape in content["shapes"]
        ]
        packs = [(pack["id"], tuple(pack["trials"]), shapes[pack["shape"]]) for pack in content["packs"]]
        workloads = {pack: Workload(pack, trials, requirements) for pack, trials, requirements in packs}
        how = {field: content["experiment"][field] for field in HOW_IT_RUNS}
        manifest = Manifest(workloads, content["recorded_steps"], how)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return manifest.refined(run)


def digest(content: Mapping[str, Any]) -> str:
    """Checksum of a plan: SHA-256 of all it says. One that was damaged or edited has another."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
