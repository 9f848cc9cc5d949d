"""What a submission will take is said before it is sent, and what cannot work is refused."""

import pytest

from pipeline.errors import PipelineError
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.launch.clusters.lookup import Cluster, read_cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.cost.estimate import estimate, gpu_busy, table
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine


def packs(**fields):
    """The packs of an experiment, as far as a launch knows them."""
    usual = {"question": "How long?", "models": (Shallow(),), "widths": (8,), "target": (Sine(),), "seeds": 4}
    usual |= {"learning_rates": (0.1,), "inputs": Inputs(train=(32,), test=32)}
    return list(make_plan("xor", Experiment(**usual | fields)).manifest.workloads.values())


def judged(cluster, chosen, seconds=3600.0, links=1, startup_s=0.0):
    named = {pack.pack: pack for pack in chosen}
    found = plan_submissions(
        SubmissionRequest(cluster, dict.fromkeys(named, seconds), {}, links), "code", "xor-0a1b2c-1"
    )
    return estimate(found, named, cluster, startup_s), table(found, named, startup_s)


def cluster(**fields):
    usual = {"description": "a cluster", "scheduler": "slurm", "folder": "runs", "bands": (WalltimeTier(1.0),)}
    return Cluster("somewhere", Profile(**usual | {"gpus": 0, "memory_gib": 8.0} | fields))


def test_cost_is_in_the_units_of_the_site():
    found, _ = judged(read_cluster("aspire2a"), packs())
    assert found.gpu_hours == pytest.approx(1)
    assert found.cost == pytest.approx({"SU": 64})
    assert found.reserved["SU"] >= 2 * 64  # the walltime asked for is twice what is expected, and more
    four, _ = judged(read_cluster("aspire2a", ["gpus=4"]), packs())
    assert four.cost == pytest.approx({"SU": 4 * 64})


def test_start_of_a_worker_is_paid_for_too():
    found, rows = judged(read_cluster("aspire2a"), packs(), startup_s=360.0)
    assert found.cost == pytest.approx({"SU": 64 * 1.1})
    assert found.job_seconds == pytest.approx(3960)
    assert rows["longest job s"].to_list() == [3960]


def test_next_links_of_a_chain_are_expected_to_cost_nothing():
    found, rows = judged(read_cluster("aspire2a"), packs(), links=3)
    assert found.cost == pytest.approx({"SU": 64})
    assert found.jobs == 3
    assert rows["link"].to_list() == [0, 1, 2]
    assert rows["trials"].to_list() == [4, 4, 4]


def test_job_that_needs_more_memory_than_it_asks_for_is_refused_with_enough():
    with pytest.raises(PipelineError, match=r"a job needs about 3\.\d GiB, and somewhere gives it 1") as refusal:
        judged(cluster(gpus=1, memory_gib=1.0), packs())
    enough = float(refusal.value.hint.split("memory_gib=")[1].split(",")[0])
    judged(cluster(gpus=1, memory_gib=enough), packs())
    judged(cluster(gpus=1, memory_gib=None), packs())  # the site fills it in


def test_two_workers_need_twice_the_memory():
    one, _ = judged(cluster(gpus=1), packs())
    two, _ = judged(cluster(gpus=2), packs())
    assert two.memory_gib == pytest.approx(2 * one.memory_gib)


def test_gpu_with_little_to_do_is_warned_of():
    found, _ = judged(cluster(gpus=1), packs(), 600.0)
    (warning,) = found.warnings
    assert "a GPU would be busy for about" in warning
    assert "--set cluster.gpus=0" in warning
    without, _ = judged(cluster(), packs(), 600.0)
    assert without.warnings == ()


@pytest.mark.parametrize(
    "bands, way",
    [
        ((WalltimeTier(1.0),), "without GPUs: --set cluster.gpus=0"),
        ((WalltimeTier(1.0, "gpu", (1, 2)), WalltimeTier(3.0, "gpu", (0, 0))), "without GPUs: --set cluster.gpus=0"),
        (
            (WalltimeTier(1.0, "gpu", (1, 2)), WalltimeTier(3.0, "cpu", (0, 0))),
            "cluster.gpus=0 --set cluster.queue=cpu",
        ),
        ((WalltimeTier(1.0, "gpu", (1, 2)),), "so take another one, or your own machine (--cluster local)"),
    ],
)
def test_who_is_warned_of_an_idle_gpu_is_told_of_a_way_that_the_cluster_takes(bands, way):
    queue = "gpu" if bands[0].queue else None
    (warning,) = judged(cluster(gpus=1, bands=bands, queue=queue), packs(), 600.0)[0].warnings
    assert warning.endswith(way)


def test_this_machine_needs_no_queue_to_do_without_a_gpu():
    here = cluster(scheduler="local", gpus=1, bands=())
    assert judged(here, packs(), 600.0)[0].warnings[0].endswith("; without GPUs: --set cluster.gpus=0")


def test_gpu_with_much_to_do_is_not_warned_of():
    huge = packs(widths=(1024,), seeds=1000, inputs=Inputs(train=(1024,), test=32))
    found, _ = judged(cluster(gpus=1, memory_gib=64.0), huge, 60.0)
    assert found.warnings == ()
    assert 0 < gpu_busy(packs()) < 0.05 < 0.9 < gpu_busy(huge) < 1


def test_job_that_outlasts_every_walltime_is_warned_of_unless_another_goes_on():
    long = 7200.0
    found, _ = judged(cluster(), packs(), long)
    assert found.warnings == ("the longest job takes more than its walltime of 60 min: add --chain, or submit again",)
    assert judged(cluster(), packs(), long, links=2)[0].warnings == ()
    assert judged(cluster(requeue=True), packs(), long)[0].warnings == ()
    assert judged(cluster(), packs(), 600.0)[0].warnings == ()
