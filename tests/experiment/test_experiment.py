"""An experiment is the product of its axes, and a trial is its content."""

import itertools
import time

import pytest

from pipeline.diagnostics.convergence import TrainingLoss
from pipeline.experiment.answers import Answers
from pipeline.experiment.axes import Inputs, LogSpaced, LogSpacedSteps, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.identity import HOW_IT_RUNS
from pipeline.experiment.parallelism import Parallel
from pipeline.experiment.trial import TimesLimit
from pipeline.experiment.wandb_tracking import Tracking
from pipeline.models import MODELS
from pipeline.models.activations import Tanh
from pipeline.models.bases.random import RandomFourier, RandomRelu
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, LeastSquares, Momentum
from pipeline.optimizers.solvers import Solver
from pipeline.problems.datasets import Digits
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy
from pipeline.problems.measures import Corners, Grid
from pipeline.problems.targets import AbsoluteValue, OuterRing, Sine, Step, Xor

SOLVERS = {name: kind for name, kind in OPTIMIZERS.items() if issubclass(kind, Solver)}


def test_trials_are_the_product_of_the_axes(experiment):
    trials = list(experiment(target=(AbsoluteValue(), Sine()), models=(Shallow(), Shallow(Tanh()))).trials())
    assert len(trials) == 2 * 2 * 2 * 2 * 3
    points = {(t.shape.problem, t.shape.model, t.shape.width, t.learning_rate, t.seed) for t in trials}
    assert len(points) == len({trial.id for trial in trials}) == len(trials)


CHANGES = {
    "target": (Sine(),),
    "inputs": Inputs(seed=1),
    "loss": None,  # the default spelled out is the same trial
    "optimizer": Adam(),
    "learning_rates": (0.3,),
    "steps": 2001,
    "batch_size": 16,
    "seeds": (7,),
    "dtype": "float64",
    "models": (Shallow(Tanh()),),
    "widths": (3,),
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_that_is_trained_makes_another_trial(experiment, field):
    before, after = (
        {trial.id for trial in experiment(**changed).trials()} for changed in ({}, {field: CHANGES[field]})
    )
    assert before.isdisjoint(after) == (CHANGES[field] is not None)


def test_default_written_out_is_the_same_trial(experiment):
    spelled = experiment(loss=HalfMeanSquare(), inputs=Inputs(dimension=(1,), train=(256,), test=4096))
    assert [trial.id for trial in spelled.trials()] == [trial.id for trial in experiment().trials()]


def test_looking_at_a_trial_does_not_make_it_another_but_makes_another_run(experiment):
    looked = experiment(diagnostics=(TrainingLoss(),), record_at=(5,))
    assert [trial.id for trial in looked.trials()] == [trial.id for trial in experiment().trials()]
    assert looked.identity() != experiment().identity()


def test_several_losses_are_an_axis_and_each_is_the_trial_it_would_be_alone(experiment):
    every = {"data": (Digits(),), "target": (), "inputs": Inputs()}
    losses = (SoftmaxCrossEntropy(), HalfMeanSquare())
    ids = [trial.id for trial in experiment(loss=losses, **every).trials()]
    alone = [[trial.id for trial in experiment(loss=loss, **every).trials()] for loss in (None, HalfMeanSquare())]
    assert ids == alone[0] + alone[1]
    assert len(set(ids)) == len(ids)


WAYS = {
    "optimizer": (Adam(), Momentum(), Momentum(0.5)),
    "batch_size": ("full", 8, 16),
    "dtype": ("float64", "float32"),
    "steps": (10, 2000),
}


def ids(experiment):
    return [trial.id for trial in experiment.trials()]


@pytest.mark.parametrize("axis", WAYS)
def test_each_way_of_training_is_the_trial_that_it_would_be_alone(experiment, axis):
    together = ids(experiment(**{axis: WAYS[axis]}))
    alone = [ids(experiment(**{axis: value})) for value in WAYS[axis]]
    assert sorted(together) == sorted(itertools.chain.from_iterable(alone))
    assert len(set(together)) == len(together)
    assert ids(experiment(**{axis: WAYS[axis][:1]})) == alone[0]


def test_ways_of_training_multiply_and_are_known_by_what_is_varied(experiment):
    made = experiment(**WAYS)
    ways, of_linear, of_network = 3 * 2 * 2, 2 * 2 * (1 + 2 * 3), 2 * 2 * 3 * 3  # a full batch needs one seed
    assert len(set(ids(made))) == len(ids(made)) == ways * (of_linear + of_network)
    assert made.varied() == tuple(WAYS)
    assert experiment(steps=(5,)).varied() == experiment().varied() == ()


def test_each_optimizer_has_learning_rates_of_its_own(experiment):
    rates = {"adam": (0.001,), "momentum": TimesLimits((0.5, 0.9))}
    optimizers = (Adam(), Momentum(), Momentum(0.5), GradientDescent())
    made = experiment(optimizer=optimizers, learning_rates=rates, models=(Linear(),), seeds=1, widths=(2,))
    found = {optimizer: [] for optimizer in optimizers}
    for trial in made.trials():
        found[trial.shape.optimizer].append(trial.learning_rate)
    default = list(LogSpaced(1e-3, 1.0, 7).values())
    assert list(found.values()) == [[0.001], *[[TimesLimit(0.5), TimesLimit(0.9)]] * 2, default]


def test_a_solver_beside_rules_has_no_rate_and_an_exact_one_a_single_step(experiment):
    optimizers = (LeastSquares(), GradientDescent())
    made = experiment(optimizer=optimizers, models=(Linear(),), steps=(10, 20), seeds=1, widths=(2,))
    found = [(trial.shape.optimizer, trial.shape.steps, trial.learning_rate) for trial in made.trials()]
    assert found[0] == (LeastSquares(), 1, None)
    assert [steps for _, steps, _ in found[1:]] == [10, 10, 20, 20]
    assert made.num_steps == 20
    assert experiment(optimizer=(LeastSquares(),), models=(Linear(),), learning_rates=None).num_steps == 1


def test_trials_are_looked_at_over_their_own_steps(experiment):
    made = experiment(steps=(10, 1000), record_at=(3, 50))
    assert made.recorded_steps(10) == (0, 3, 10)
    assert made.recorded_steps(1000) == made.recorded_steps() == (0, 3, 50, 1000)
    spaced = experiment(steps=(10, 1000), record_at=LogSpacedSteps(4))
    assert spaced.recorded_steps(10) == experiment(steps=10, record_at=LogSpacedSteps(4)).recorded_steps()


def seeds_of(experiment):
    """The seeds of the trials of each model, and of their points and features."""
    found = {}
    for trial in experiment.trials():
        basis = getattr(trial.shape.model, "basis", None)
        drawn = (trial.seed, trial.shape.problem.seed, getattr(basis, "seed", None))
        found.setdefault(trial.shape.model.label(), set()).add(drawn)
    return found


ALL = (Linear(), Linear(RandomRelu()), Linear(RandomFourier(seed=7)), Shallow())
FIXED, RANDOM, PINNED, NETWORK = (model.label() for model in ALL)


def test_a_trial_that_draws_nothing_from_its_seed_is_there_once(experiment):
    assert seeds_of(experiment(models=ALL)) == {
        FIXED: {(0, 0, None)},
        RANDOM: {(0, 0, 0), (1, 0, 1), (2, 0, 2)},
        PINNED: {(0, 0, 7)},
        NETWORK: {(0, 0, None), (1, 0, None), (2, 0, None)},
    }
    assert seeds_of(experiment(models=(Linear(),), seeds=(5, 3))) == {FIXED: {(5, 0, None)}}
    assert len(seeds_of(experiment(models=(Linear(),), batch_size=8))[FIXED]) == 3


def test_points_are_drawn_for_each_seed_of_a_trial_or_for_a_list(experiment):
    own = seeds_of(experiment(models=ALL, inputs=Inputs(seed="trial"), seeds=(4, 6)))
    assert own[FIXED] == own[NETWORK] == {(4, 4, None), (6, 6, None)}
    assert own[RANDOM] == {(4, 4, 4), (6, 6, 6)}
    listed = seeds_of(experiment(models=ALL, inputs=Inputs(seed=(8, 9)), seeds=2))
    assert listed[FIXED] == {(0, 8, None), (0, 9, None)}
    assert listed[NETWORK] == {(seed, points, None) for seed in (0, 1) for points in (8, 9)}
    assert listed[RANDOM] == {(seed, points, seed) for seed in (0, 1) for points in (8, 9)}


def test_what_is_drawn_for_a_seed_is_the_trial_that_names_it(experiment):
    """So the trials of files that were written before keep their ids."""
    drawn = ids(experiment(models=(Linear(RandomRelu()),), inputs=Inputs(seed="trial"), seeds=(1,)))
    named = ids(experiment(models=(Linear(RandomRelu(seed=1)),), inputs=Inputs(seed=1), seeds=(1,)))
    assert drawn == named
    assert set(ids(experiment())) < {trial.id for trial in experiment().trials(copies=True)}
    assert ids(experiment(inputs=Inputs(seed=(3,)))) == ids(experiment(inputs=Inputs(seed=3)))


SAID = [
    ({}, "seeds: 3, of which linear models need 1"),
    ({"seeds": 1}, "seeds: 1"),
    ({"models": (Shallow(),)}, "seeds: 3"),
    ({"models": (Linear(),)}, "seeds: 3, of which 1 is needed: nothing else is random"),
    ({"models": (Linear(RandomRelu()),)}, "seeds: 3"),
    ({"models": ALL}, "seeds: 3, of which linear models on fixed features need 1"),
    ({"batch_size": ("full", 8)}, "seeds: 3, of which linear models on full batches need 1"),
    ({"batch_size": 8}, "seeds: 3"),
    ({"inputs": Inputs(seed="trial")}, "seeds: 3, each with points of its own"),
    ({"inputs": Inputs(seed=(1, 2))}, "seeds: 3 on each of 2 samples of points, of which linear models need 1"),
]


@pytest.mark.parametrize("fields, words", SAID, ids=[words for _, words in SAID])
def test_how_many_seeds_are_needed_is_said(experiment, fields, words):
    assert experiment(**fields).seeds_in_words() == words


def test_how_it_is_computed_is_not_part_of_what_it_is(experiment):
    told = (Tracking(runs="none"), Answers(compare="width"))
    how = dict(zip(HOW_IT_RUNS, ("cpu", "reference", 7.0, 7.0, Parallel(2, 3), *told), strict=True))
    assert experiment(**how).identity() == experiment().identity()
    assert [trial.id for trial in experiment(**how).trials()] == [trial.id for trial in experiment().trials()]
    assert experiment(question="Why?").identity() == experiment().identity()


def test_trials_that_differ_in_rate_and_seed_share_their_problem(experiment):
    trials = [trial for trial in experiment().trials() if trial.shape.width == 2]
    assert len({trial.shape.problem.identity for trial in trials}) == 1


def test_recorded_steps_hold_the_first_and_the_last(experiment):
    steps = experiment(steps=5000, record_at=LogSpacedSteps(60)).recorded_steps()
    assert steps[:4] == (0, 1, 2, 3)
    assert steps[-1] == 5000
    assert 45 <= len(steps) <= 61
    assert experiment(record_at=(7, 3)).recorded_steps() == (0, 3, 7, 2000)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS.keys())
def test_steps_of_a_solver_are_its_iterations(experiment, solver):
    made = experiment(optimizer=solver(), learning_rates=None, models=(Shallow(),), dtype="float64", steps=30)
    assert {(trial.learning_rate, trial.shape.steps) for trial in made.trials()} == {(None, 30)}
    assert made.recorded_steps()[-1] == 30


def test_exact_solver_takes_one_step_and_no_rate(experiment):
    exact = experiment(optimizer=LeastSquares(), learning_rates=None, models=(MODELS["linear"](),))
    assert {(trial.learning_rate, trial.shape.steps) for trial in exact.trials()} == {(None, 1)}


IMPOSSIBLE = [
    ({"question": "  "}, ("question",), "the question is empty"),
    ({"models": ()}, ("models",), "models is empty"),
    ({"models": (Shallow(), Shallow())}, ("models", 1), "models names shallow(relu) twice"),
    ({"widths": (4, 0)}, ("widths", 1), "widths must be positive, not 0"),
    ({"loss": (HalfMeanSquare(), HalfMeanSquare())}, ("loss", 1), "loss names half_mean_square twice"),
    ({"loss": ()}, ("loss",), "loss is empty"),
    ({"learning_rates": (0.1, -1.0)}, ("learning_rates", 1), "learning_rates must be positive, not -1.0"),
    ({"steps": 0}, ("steps",), "steps must be positive, not 0"),
    ({"seeds": 0}, ("seeds",), "seeds must be positive, not 0"),
    (
        {"seeds": 10**12},
        ("seeds",),
        "1 problems x 2 models x 2 widths x 2 rates x 1000000000000 seeds are 4000000000004 trials that differ",
    ),
    (
        {"inputs": Inputs(measure=Corners(), dimension=(17,))},
        ("inputs", "train"),
        "a cube in 17 dimensions has too many",
    ),
    ({"seeds": (1, 1)}, ("seeds", 1), "seeds names 1 twice"),
    ({"record_at": (3, 2001)}, ("record_at", 1), "step 2001 is not between 0 and steps 2000"),
    ({"pack_memory_gib": 0.0}, ("pack_memory_gib",), "pack_memory_gib must be positive, not 0.0"),
    (
        {"target": (Step(),), "inputs": Inputs(dimension=(2,))},
        ("inputs", "dimension"),
        "step is a function of 1 input,",
    ),
    ({"inputs": Inputs(measure=Grid(), dimension=(2,), train=(10,))}, ("inputs", "train"), "10 points do not fill a"),
    ({"target": (Xor(),), "inputs": Inputs(train=(6,))}, ("inputs", "train"), "6 points do not hold each of the 4"),
    ({"target": (OuterRing(),), "inputs": Inputs(noise=(0.1,))}, ("inputs", "noise"), "outer_ring gives labels, to"),
    (
        {"models": (Linear(RandomRelu()), Linear(RandomRelu(seed=1)))},
        ("models", 1),
        "models names linear(random_relu)",
    ),
    ({"inputs": Inputs(measure=Grid(), seed="trial")}, ("inputs", "seed"), "every seed gives the same points of abs"),
    (
        {"target": (Xor(),), "inputs": Inputs(seed=(0, 1))},
        ("inputs", "seed"),
        "every seed gives the same points",
    ),
    (
        {"inputs": Inputs(seed=(1, 2)), "seeds": 10**6},
        ("seeds",),
        "1 problems x 2 models x 2 widths",
    ),
    ({"inputs": Inputs(measure=Corners(), test=3)}, ("inputs", "test"), "3 points do not hold each of the 2 corners"),
]


@pytest.mark.parametrize("fields, path, what", IMPOSSIBLE, ids=[what for _, _, what in IMPOSSIBLE])
def test_impossible_value_is_refused_where_it_stands(experiment, refuses, fields, path, what):
    with refuses(path, what) as refused:
        experiment(**fields)
    assert refused.value.hint or what.startswith("outer_ring gives labels")


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_every_optimizer_makes_an_experiment(experiment, optimizer):
    rates = (0.1,) if optimizer.uses_learning_rate else None
    model = MODELS["shallow" if optimizer.only_networks else "linear"]()
    made = experiment(models=(model,), optimizer=optimizer(), learning_rates=rates, dtype="float64")
    assert len(list(made.trials())) == 2 * (1 if model.linear else 3)


def test_planning_a_hundred_thousand_trials_takes_less_than_two_seconds(experiment, tmp_path):
    from pipeline.plans import make_plan, write_plan

    networks = (Shallow(), Shallow(Tanh()))
    made = experiment(models=networks, widths=(2, 4, 8, 16, 32), learning_rates=LogSpaced(1e-4, 1, 100), seeds=100)

    def seconds() -> float:
        started = time.process_time()  # of this process: other work on the machine counts little, and not each time
        plan = make_plan("large", made)
        write_plan(plan, tmp_path)
        assert len(plan.trials) == 100_000
        return time.process_time() - started

    assert any(seconds() < 2 for _ in range(4))


def test_experiment_is_hashable_and_equal_by_content(experiment):
    assert experiment() == experiment()
    assert len({experiment(), experiment()}) == 1
    assert isinstance(experiment(), Experiment)
