"""A job is known by the name that we gave it and by every id that squeue, sacct, qstat or qdel has for it."""

import pytest

from pipeline.launch.notes.array_tasks import array_task_indices
from pipeline.launch.notes.submission import Submission, folder_of

NAME = "xor-0a1b2c-1"
EVERY = [0, 1, 2, 3, 4, 5]


def array(scheduler, num_tasks=6, job="19"):
    tasks = tuple((f"p{index}",) for index in range(num_tasks))
    return Submission(
        NAME, "soc", (), scheduler, None, tasks, (1.0,) * num_tasks, {}, 30, 16.0, 60.0, 1, False, 0, None, "code", 0.0,
        job,
    )  # fmt: skip


@pytest.fixture
def pbs_run(tmp_path):
    """A run whose array a server of a full name has taken."""
    folder = folder_of(tmp_path, NAME)
    folder.mkdir(parents=True)
    (folder / "19_full_id").write_text("19[].pbs01.hpc.example.org\n")
    return tmp_path


@pytest.mark.parametrize(
    "what, tasks",
    [
        (NAME, EVERY),
        ("19", EVERY),
        ("19_3", [3]),
        ("19[]", EVERY),
        ("19[].pbs01", EVERY),
        ("19.pbs01", EVERY),
        ("19[].pbs01.hpc.example.org", EVERY),
        ("19[0]", [0]),
        ("19[3].pbs01", [3]),
        ("19[3-5].pbs01", [3, 4, 5]),
        ("19[0-5:2]", [0, 2, 4]),
        ("19[4-999999999]", [4, 5]),
        ("19[3].pbs02", []),
        ("19[3].pbs", []),
        ("19[6].pbs01", []),
        ("190[3].pbs01", []),
        ("1[9].pbs01", []),
        ("19[3", []),
        ("xor-0a1b2c-10", []),
    ],
)
def test_ids_of_pbs(pbs_run, what, tasks):
    assert array_task_indices(pbs_run, array("pbs"), what) == tasks


@pytest.mark.parametrize(
    "what, tasks",
    [
        (NAME, EVERY),
        ("19", EVERY),
        ("19_3", [3]),
        ("19_[3-5]", [3, 4, 5]),
        ("19_[0,3-4%2]", [0, 3, 4]),
        ("19_[0-5:2]", [0, 2, 4]),
        ("19.batch", EVERY),
        ("19_3.batch", [3]),
        ("19_3.extern", [3]),
        ("19_3.0", [3]),
        ("19_6", []),
        ("19_[6-9]", []),
        ("19_[0-3,...]", []),  # squeue cuts long lists: what it left out is not known
        ("190", []),
        ("19[3]", []),
        ("19.pbs01", []),
    ],
)
def test_ids_of_slurm(tmp_path, what, tasks):
    assert array_task_indices(tmp_path, array("slurm"), what) == tasks


def test_job_that_is_no_array_has_no_tasks(tmp_path):
    assert array_task_indices(tmp_path, array("slurm", num_tasks=1), "19") == [0]
    assert array_task_indices(tmp_path, array("slurm", num_tasks=1), "19.batch") == [0]
    assert array_task_indices(tmp_path, array("pbs", num_tasks=1), "19.pbs01") == [0]
    assert array_task_indices(tmp_path, array("slurm", num_tasks=1), "19_0") == []
    assert array_task_indices(tmp_path, array("pbs", num_tasks=1), "19[0]") == []


def test_what_has_no_job_yet_has_no_tasks(tmp_path):
    assert array_task_indices(tmp_path, array("slurm", job=None), NAME) == []
    assert array_task_indices(tmp_path, array("pbs", job=None), "None") == []
