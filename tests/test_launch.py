"""A sweep on a large cluster is trained whole, each trial once, in little more time than its work takes.

The scheduler is a stand-in in virtual time, so that days are seconds; what is held is the launcher's own code: which
packs go to which job, what is sent again, and what is understood of a submit that was cut short. ``make test-scale``
does the same with a million trials.
"""

from __future__ import annotations

import math
import os
import random
from pathlib import Path

import polars as pl
import pytest
from virtual_slurm import MOST_QUEUED, VirtualSlurm

from pipeline.errors import PipelineError
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.workload import Workload
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.cost.calibration import remember_job
from pipeline.launch.state.status import status
from pipeline.launch.submit.submission_plan import SubmissionPlan
from pipeline.launch.submit.submit_run import submit_run
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan, make_plan
from pipeline.problems.targets import Gaussian
from pipeline.records.store import read_outcomes, scan_records

NUM_TRIALS = int(os.environ.get("VIRTUAL_TRIALS", "5000"))
SEEDS = range(1, 1 + int(os.environ.get("VIRTUAL_SEEDS", "1")))
GPUS, HOURS = 50, 8.0
"""Of the cluster, and of all the work on all of them."""
KILLED = 0.02
OUTAGE = (3.1 * 3600, 1200.0)
"""Of the controller: what runs goes on, and nothing begins, is sent or is answered for."""
SPREAD = 0.2
"""How far the time of a pack is off from what was expected, by the standard deviation of its logarithm."""
MINUTES_BETWEEN_SUBMITS = 20.0
AT_MOST = 1.2
"""Makespan as a multiple of what the work takes where it is spread evenly and nothing goes wrong."""


def sweep(num_trials: int) -> Experiment:
    """Networks of 500 widths, as many trials of each."""
    return Experiment(
        "How does a sweep end that is larger than what a cluster takes at a time?",
        models=(Shallow(),),
        widths=tuple(range(1, 501)),
        target=(Gaussian(),),
        inputs=Inputs(train=(32,), test=32),
        learning_rates=(0.01, 0.02, 0.05, 0.1, 0.2),
        steps=100,
        seeds=num_trials // (500 * 5),
    )


def cluster_in(folder: Path) -> Cluster:
    """The profile of fifty GPUs with the limits of the stand-in."""
    profile = Profile(
        "Fifty GPUs.", "slurm", str(folder), bands=(WalltimeTier(24.0),), max_array=1000, max_jobs=MOST_QUEUED,
        cpus=4, memory_gib=64.0, python="python3",
    )  # fmt: skip
    return Cluster("virtual", profile)


def submit_until_finished(plan: Plan, run: Path, cluster: Cluster, slurm: VirtualSlurm) -> list[str]:
    """Send what is left again and again, as a person does; why it was refused, each time that it was."""
    refusals: list[str] = []
    while True:
        if slurm.kills and not refusals:
            slurm.lose_the_next_answer()
        try:
            planned, *_ = submit_run(plan.manifest, run, cluster, 1, lambda text: None, plan=plan)
        except PipelineError as error:
            refusals.append(error.what)
        else:
            assert isinstance(planned, SubmissionPlan)
            if planned.finished == len(planned.manifest.workloads):
                return refusals
        assert slurm.now < slurm.began + 10 * 3600 * HOURS
        slurm.advance(60 * MINUTES_BETWEEN_SUBMITS)


@pytest.mark.parametrize("seed", SEEDS)
def test_sweep_is_recorded_once_and_takes_little_more_than_its_work(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plan, run, cluster = make_plan("virtual", sweep(NUM_TRIALS)), tmp_path / "run", cluster_in(tmp_path)
    packs = plan.manifest.workloads.values()
    unit = GPUS * HOURS * 3600 / sum(workload.operations for workload in packs)

    def seconds(workload: Workload) -> float:
        return unit * workload.operations * math.exp(random.Random(f"{seed} {workload.pack}").gauss(0.0, SPREAD))

    for workload in packs:  # as earlier jobs have measured it
        remember_job(cluster.name, cluster.profile.gpus, workload, unit * workload.operations)
    slurm = VirtualSlurm(
        tmp_path / "slurm", run, GPUS, seconds, lambda: plan.manifest.refined(run), KILLED, OUTAGE, seed
    )  # fmt: skip
    slurm.install(monkeypatch)
    refusals = submit_until_finished(plan, run, cluster, slurm)

    bound, makespan = sum(map(seconds, packs)) / GPUS, slurm.last_finished - slurm.began
    print(
        f"\nseed {seed}: {NUM_TRIALS} trials in {len(packs)} packs; {slurm.started} jobs begun, {slurm.kills} killed, "
        f"{len(refusals)} submits refused; makespan {makespan / 3600:.2f} h, {makespan / bound:.3f} of the bound"
    )
    assert slurm.kills
    assert any("Unable to contact slurm controller" in words for words in refusals)
    outcomes = read_outcomes(run)
    assert outcomes["trial"].sort().equals(pl.Series("trial", sorted(plan.trials)))
    times = scan_records(run).group_by("trial", "step").len().collect()
    assert times.height == 2 * NUM_TRIALS
    assert (times["len"] == 1).all()
    assert status(run).trials == {"done": NUM_TRIALS}
    assert makespan <= AT_MOST * bound
