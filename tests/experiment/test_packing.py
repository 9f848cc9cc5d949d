"""Packs: every trial once, one shape each, none above its limits."""

import pytest

from pipeline.experiment.identity import id_of_pack
from pipeline.experiment.packing import MOST_ITERATION_BYTES, make_pack, operations_of_pack, packs
from pipeline.experiment.resources import bytes_of_iteration, bytes_of_trial, operations_of_step
from pipeline.experiment.workload import OVERHEAD_OF_STEP
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.solvers import Solver

SOLVERS = {name: kind for name, kind in OPTIMIZERS.items() if issubclass(kind, Solver)}


def test_packs_hold_every_trial_once_and_one_shape_each(experiment):
    trials = list(experiment(seeds=50).trials())
    made = list(packs(trials, memory_gib=1.0))
    assert [trial for pack in made for trial in pack.trials] == trials
    assert all({trial.shape for trial in pack.trials} == {pack.shape} for pack in made)
    assert len(made) == 4


def test_memory_limit_splits_packs_evenly(experiment):
    trials = [trial for trial in experiment(batch_size=8, seeds=50).trials() if trial.shape.width == 4][:100]
    limit = 30 * bytes_of_trial(trials[0].shape)
    sizes = [len(pack.trials) for pack in packs(trials, memory_gib=limit / 2**30)]
    assert sizes == [25, 25, 25, 25]


def test_pack_is_never_so_large_that_progress_would_not_show(experiment):
    trials = [trial for trial in experiment(batch_size=8, seeds=2500).trials() if trial.shape.width == 2][:5000]
    assert [len(pack.trials) for pack in packs(trials, memory_gib=1000)] == [2500, 2500]


def test_one_trial_larger_than_the_limit_is_refused(experiment, refuses):
    with refuses(("widths",), "one trial of linear(legendre) of width 2 takes "):
        list(packs(experiment().trials(), memory_gib=1e-9))


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS.keys())
def test_matrices_of_a_solver_beyond_what_it_is_for_are_refused_with_their_size(experiment, refuses, solver):
    fields = {"optimizer": solver(), "learning_rates": None, "models": (Shallow(),), "dtype": "float64", "seeds": 1}
    small, large = (list(experiment(**fields, widths=(width,)).trials()) for width in (4, 200_000))
    assert len(list(packs(small, memory_gib=1.0))) == 1
    needed = bytes_of_iteration(large[0].shape)
    assert needed > MOST_ITERATION_BYTES
    what = (
        f"{solver.name()} of shallow(relu) of width 200000 makes matrices of 600001 weights by 256 residuals: "
        f"{needed / 2**30:.3g} GiB a trial, more than 0.25"
    )
    with refuses(("optimizer",), what):
        list(packs(large, memory_gib=1.0))


def test_a_pack_is_known_by_its_trials_in_their_order(experiment):
    trials = tuple(experiment().trials())[:6]
    pack = make_pack(trials)
    assert pack.id == id_of_pack(trial.id for trial in trials) != make_pack(trials[::-1]).id
    assert pack.shape is trials[0].shape
    assert pack.trial_steps == 6 * 2000


def test_work_of_a_pack_is_that_of_its_steps_with_the_calls(experiment):
    pack = make_pack(tuple(experiment(steps=10).trials())[:6])
    assert operations_of_pack(pack) == 10 * (OVERHEAD_OF_STEP + 6 * operations_of_step(pack.shape))
