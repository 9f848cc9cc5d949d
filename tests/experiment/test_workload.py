"""What a pack requires grows with its trials as the formulas say."""

import pytest

from pipeline.experiment.packing import make_pack, operations_of_pack
from pipeline.experiment.resources import bytes_of_pack, requirements_of
from pipeline.experiment.workload import OVERHEAD_OF_STEP, MemoryFootprint, Workload, operations_of_training


@pytest.mark.parametrize(("num_trials", "taken"), [(0, 100), (1, 115), (4, 160), (5, 170), (10, 220)])
def test_memory_grows_with_the_trials_and_what_diagnostics_take_is_bounded(num_trials, taken):
    assert MemoryFootprint(shared=100, trial=10, observed=5, most_observed=20).of(num_trials) == taken


def test_work_is_that_of_the_trials_and_the_calls_of_each_step():
    assert operations_of_training(3, 4, 1000) == 3 * (OVERHEAD_OF_STEP + 4000)


def test_a_workload_says_of_a_pack_what_the_pack_says(experiment):
    made = experiment()
    pack = make_pack(tuple(made.trials())[:6])
    requirements = requirements_of([pack.shape], made)[pack.shape]
    workload = Workload(pack.id, tuple(trial.id for trial in pack.trials), requirements)
    assert workload.num_trials == 6
    assert workload.memory_bytes == bytes_of_pack(pack.shape, 6)
    assert workload.operations == operations_of_pack(pack)
    assert workload.kind == f"{requirements.kind}-6"
