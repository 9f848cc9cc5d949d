"""Tiny sweeps go to processors, large ones to GPUs, and what a person asks for always counts."""

import re

import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.parallelism import Parallel
from pipeline.launch.clusters.lookup import Cluster, profiles, read_cluster, read_profile
from pipeline.launch.cost.device_choice import LEAST_BUSY, suited
from pipeline.launch.cost.estimate import gpu_busy, queue_without_gpus
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine


def manifest(width=8, **fields):
    usual = {"question": "?", "models": (Shallow(),), "widths": (width,), "target": (Sine(),), "seeds": 4}
    usual |= {"learning_rates": (0.1,), "inputs": Inputs(train=(32,), test=32)}
    return make_plan("small", Experiment(**usual | fields)).manifest


LARGE = manifest(4096, inputs=Inputs(train=(8192,), test=32), seeds=100)


def chosen(cluster, sweep, name="soc"):
    said = []
    return suited(cluster, name, sweep, said.append), said


def test_a_tiny_sweep_asks_for_processors_and_is_told_how_to_ask_otherwise():
    cluster, said = chosen(read_cluster("soc", ["memory_gib=8"]), manifest())
    assert cluster == read_cluster("soc", ["memory_gib=8", "gpus=0"])
    (line,) = said
    assert re.fullmatch(
        r"a GPU would be busy for about \S+ % of the time, so the jobs ask for processors only \(queue normal\); "
        "GPUs all the same: --set cluster.gpus=1",
        line,
    )


def test_a_large_sweep_keeps_its_gpus():
    assert gpu_busy(list(LARGE.workloads.values())) > LEAST_BUSY > gpu_busy(list(manifest().workloads.values()))
    cluster = read_cluster("soc")
    assert chosen(cluster, LARGE) == (cluster, [])


@pytest.mark.parametrize(
    "overrides", [["gpus=1"], ["gpu_type=a100-40"], ["queue=gpu"], ["walltime_minutes=4000", "queue=gpu-long"]]
)
def test_what_a_person_asks_for_counts(overrides):
    cluster = read_cluster("soc", overrides)
    assert chosen(cluster, manifest()) == (cluster, [])


@pytest.mark.parametrize(
    "fields", [{"accelerator": "cuda"}, {"parallel": Parallel(devices=2)}], ids=lambda one: next(iter(one))
)
def test_what_an_experiment_asks_for_counts(fields):
    cluster = read_cluster("soc")
    assert chosen(cluster, manifest(**fields)) == (cluster, [])


def test_a_walltime_that_only_gpus_grant_keeps_them(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "description: Mine.\nscheduler: slurm\nfolder: /scratch/runs\nqueue: gpu\ncpus: 1\nmemory_gib: 8\n"
        "bands: [{queue: gpu, hours: 9, gpus: [1, 1]}, {queue: cpu, hours: 3, gpus: [0, 0]}]\n"
    )
    found, said = chosen(read_cluster(str(file)), manifest(), str(file))
    assert (found.profile.gpus, found.profile.queue) == (0, "cpu")
    assert "(queue cpu)" in said[0]
    longer = read_cluster(str(file), ["walltime_minutes=500"])
    assert chosen(longer, manifest(), str(file)) == (longer, [])


@pytest.mark.parametrize("name", profiles())
def test_every_cluster_has_a_queue_without_gpus_or_keeps_them(name):
    profile = read_profile(name)
    cluster = Cluster(name, profile)
    queue = queue_without_gpus(profile) if profile.bands else None
    if not profile.gpus or queue is None:
        assert chosen(cluster, manifest(), name) == (cluster, [])
    else:
        assert queue in {tier.queue or "" for tier in profile.bands}
