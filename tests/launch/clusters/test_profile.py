"""What a profile grants to jobs, what they cost, and what cannot be asked of it."""

from __future__ import annotations

import getpass
import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import FieldError
from pipeline.launch.clusters.lookup import filled_in
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import Charging, GpuType, Node, WalltimeTier

BANDS = (
    WalltimeTier(hours=72, queue="long", gpus=(1, 4), factor=1.5),
    WalltimeTier(hours=3, queue="gpu", gpus=(1, 8), running=2),
    WalltimeTier(hours=3, queue="cpu", gpus=(0, 0)),
)


def profile(**changes: Any) -> Profile:
    given: dict[str, Any] = {"description": "One.", "scheduler": "slurm", "folder": "/x", "bands": BANDS, "cpus": 4}
    return Profile(**(given | changes))


@pytest.mark.parametrize(
    ("minutes", "gpus", "queue"), [(10, 1, "gpu"), (180, 8, "gpu"), (181, 1, "long"), (10, 0, "cpu")]
)
def test_a_job_goes_where_the_shortest_band_grants_its_walltime(minutes: int, gpus: int, queue: str) -> None:
    assert profile(gpus=gpus).tier(minutes).queue == queue


def test_the_order_in_which_bands_are_written_does_not_matter() -> None:
    for bands in itertools.permutations(BANDS):
        assert [tier.queue for tier in profile(bands=bands).tiers_of_size()] == ["gpu", "long"]


def test_gpus_of_all_nodes_count() -> None:
    assert profile(gpus=4).tier(10, nodes=2).queue == "gpu"
    with pytest.raises(FieldError, match="no queue takes jobs of 16 GPUs"):
        profile(gpus=4).tier(10, nodes=4)


def test_a_walltime_above_the_band_is_refused_with_the_longest_and_another_queue() -> None:
    with pytest.raises(FieldError, match=r"4321 minutes is above the 72 hours of long") as refusal:
        profile(walltime_minutes=4321)
    assert "at most 4320" in refusal.value.hint
    with pytest.raises(FieldError, match="above the 3 hours of gpu") as refusal:
        profile(walltime_minutes=200, queue="gpu")
    assert "queue=long, which grants 72 hours" in refusal.value.hint


def test_a_queue_that_no_band_names_is_refused_with_the_nearest() -> None:
    with pytest.raises(FieldError, match="do not name the queue 'gup'") as refusal:
        profile(queue="gup").tiers_of_size()
    assert "'gpu'" in refusal.value.hint


def test_a_band_without_a_queue_is_of_any_queue() -> None:
    assert profile(bands=(WalltimeTier(hours=1),), queue="whatever").tier(60).hours == 1


def test_more_gpus_than_a_node_has_are_refused() -> None:
    with pytest.raises(FieldError, match="3 GPUs are more than the 2 of a node") as refusal:
        profile(gpus=3, node=Node(2, 72, 480))
    assert refusal.value.path == ("gpus",)


TYPES = (
    GpuType("small", 1, 40, per_hour=10),
    GpuType("free", 2, 80, per_hour=0),
    GpuType("big", 4, 141, None, ("gpu",)),
)


def test_the_gpus_of_a_node_are_those_of_the_type_that_is_asked_for() -> None:
    assert profile(gpu_types=TYPES, gpu_type="big", gpus=4).gpus_of_node == 4
    with pytest.raises(FieldError, match="2 GPUs are more than the 1 of a node"):
        profile(gpu_types=TYPES, gpu_type="small", gpus=2)


def test_a_gpu_that_the_cluster_does_not_have_is_refused_with_the_nearest() -> None:
    with pytest.raises(FieldError, match="unknown GPU 'samll'") as refusal:
        profile(gpu_types=TYPES, gpu_type="samll")
    assert "'small'" in refusal.value.hint
    with pytest.raises(FieldError, match="not said which GPUs"):
        profile(gpu_types=TYPES)


def test_a_gpu_is_sought_only_in_the_queues_that_have_it() -> None:
    assert [tier.queue for tier in profile(gpu_types=TYPES, gpu_type="big").tiers_of_size()] == ["gpu"]
    with pytest.raises(FieldError, match="long has no big") as refusal:
        profile(gpu_types=TYPES, gpu_type="big", queue="long").tiers_of_size()
    assert refusal.value.hint == "it is in gpu"


def test_a_job_without_gpus_needs_no_type_of_them() -> None:
    assert profile(gpu_types=TYPES, gpus=0).tier(10).queue == "cpu"
    assert profile(gpu_types=TYPES, gpu_type="big", gpus=0).tier(10).queue == "cpu"


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ({}, {"SU": 2 * 64}),
        ({"gpus": 2}, {"SU": 2 * 128}),
        ({"gpus": 0}, {"SU": 2 * 4}),
        ({"gpu_types": TYPES, "gpu_type": "small"}, {"SU": 2 * 10}),
        ({"gpu_types": TYPES, "gpu_type": "free"}, {"SU": 0}),
        ({"gpu_types": TYPES, "gpu_type": "big"}, {"SU": 2 * 64}),
    ],
)
def test_a_job_costs_its_gpus_or_else_its_processors(changes: dict[str, Any], cost: dict[str, float]) -> None:
    charging = Charging("SU", per_gpu_hour=64, per_cpu_hour=1)
    asked = profile(charging=charging, **changes)
    assert asked.cost(2, asked.tier(10)) == cost


def test_sites_may_count_processors_apart_and_beside_gpus() -> None:
    charging = Charging("GPU-hours", 1, 1, cpu_unit="CPU-hours", cpus_beside_gpus=True)
    assert profile(charging=charging, gpus=2).cost(3, BANDS[1]) == {"GPU-hours": 6, "CPU-hours": 24}
    assert profile(charging=charging, gpus=0).cost(3, BANDS[2]) == {"CPU-hours": 12}


def test_a_queue_may_cost_more_and_nodes_multiply() -> None:
    asked = profile(charging=Charging("SU", per_gpu_hour=10))
    assert asked.cost(2, BANDS[0]) == {"SU": 30}
    assert asked.cost(2, BANDS[1], nodes=3) == {"SU": 60}


def test_what_a_person_has_to_give_is_asked_for_by_name() -> None:
    with pytest.raises(FieldError, match="somewhere needs a project") as refusal:
        filled_in(profile(needs=("project",)), "somewhere")
    assert "--set cluster.project=" in refusal.value.hint
    with pytest.raises(FieldError, match="somewhere needs a project"):
        filled_in(profile(needs=("project",), project=""), "somewhere")
    assert filled_in(profile(needs=("project",), project="p1"), "somewhere").project == "p1"


def test_a_queue_may_need_what_another_does_not() -> None:
    bands = (WalltimeTier(hours=1, queue="free"), WalltimeTier(hours=9, queue="paid", needs=("project",)))
    assert profile(bands=bands).needed() == ()
    assert profile(bands=bands, queue="paid").needed() == ("project",)
    assert profile(bands=(WalltimeTier(hours=1, needs=("project",)), WalltimeTier(hours=9))).needed() == ()


def test_placeholders_are_filled_in() -> None:
    user = getpass.getuser()
    whole = filled_in(
        profile(
            folder="/scratch/{user}/{project}",
            project="personal-{user}",
            setup=("module load x", "export A=${user}/{user} B=$USER"),
            options=("-l container_image={home}/x.sqsh",),
            slurm_conf="{checkout}/.slurm/slurm.conf",
        ),
        "somewhere",
    )
    assert whole.folder == f"/scratch/{user}/personal-{user}"
    assert whole.setup[1] == f"export A=${{user}}/{user} B=$USER"
    assert whole.options == (f"-l container_image={Path.home()}/x.sqsh",)
    assert Path(str(whole.slurm_conf)) == Path(__file__).parents[3] / ".slurm" / "slurm.conf"


def test_a_placeholder_without_a_value_is_asked_for() -> None:
    with pytest.raises(FieldError, match=r"folder of somewhere needs a account: '/work/\{account\}'"):
        filled_in(profile(folder="/work/{account}"), "somewhere")


@pytest.mark.parametrize("field", ["folder", "project", "python", "slurm_conf"])
def test_an_unknown_placeholder_is_refused(field: str) -> None:
    with pytest.raises(FieldError, match=r"unknown placeholder \{usr\}") as refusal:
        profile(**{field: "/scratch/{usr}"})
    assert refusal.value.path == (field,)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"gpus": -1}, "gpus must be at least 0"),
        ({"cpus": 0}, "cpus must be at least 1"),
        ({"walltime_minutes": 0}, "walltime_minutes must be at least 1"),
        ({"max_array": 0}, "max_array must be at least 1"),
        ({"memory_gib": 0.0}, "memory_gib must be positive"),
        ({"stop_margin_seconds": -1.0}, "stop_margin_seconds must be positive"),
        ({"needs": ("porject",)}, "no field 'porject'"),
        ({"bands": (WalltimeTier(hours=1, needs=("porject",)),)}, "no field 'porject'"),
        ({"bands": ()}, "no bands"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(FieldError, match=complaint):
        profile(**changes)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("hours", 0.0, "0.0 hours is none"),
        ("gpus", (4, 1), r"\[4, 1\] is no range"),
        ("gpus", (1,), r"\[1\] is no range"),
        ("running", 0, "running must be at least 1"),
        ("factor", -1.0, "would earn money"),
    ],
)
def test_a_band_that_cannot_be_is_refused(field: str, value: Any, complaint: str) -> None:
    with pytest.raises(FieldError, match=complaint):
        WalltimeTier(**({"hours": 1.0} | {field: value}))


def test_processes_of_this_machine_have_no_queue() -> None:
    here = profile(scheduler="local", bands=(), walltime_minutes=10_000)
    assert not here.on_cluster
    assert here.workers == 1
    assert filled_in(here, "local") == here


@pytest.mark.parametrize("field", ["project", "entity"])
@pytest.mark.parametrize("name", ["lab/proj", "n" * 129, " "])
def test_a_name_that_wandb_does_not_take_is_refused(field: str, name: str) -> None:
    with pytest.raises(FieldError, match=re.escape(f"W&B has no {field} named {name!r}")) as refusal:
        profile(**{f"wandb_{field}": name})
    assert refusal.value.path == (f"wandb_{field}",)
    assert profile(**{f"wandb_{field}": "n" * 128})
