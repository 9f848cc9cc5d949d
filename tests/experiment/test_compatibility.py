"""Parts of an experiment that cannot be trained together are refused at the field to change, with what to change."""

import pytest

from pipeline.experiment.axes import Inputs, LogSpaced, TimesLimits
from pipeline.experiment.parallelism import Parallel
from pipeline.models import MODELS
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, LeastSquares, Momentum
from pipeline.optimizers.solvers import Solver, VariableProjection
from pipeline.problems.datasets import Digits
from pipeline.problems.losses import BinaryCrossEntropy, HalfMeanSquare
from pipeline.problems.targets import Xor

SOLVERS = {name: kind for name, kind in OPTIMIZERS.items() if issubclass(kind, Solver)}
CLASSES = {"target": (), "data": (Digits(),)}
IN_CLOSED_FORM = {"engine": "closed_form", "models": (MODELS["linear"](),)}
INCOMPATIBLE = [
    ({"target": ()}, (), "neither target nor data is given"),
    ({"data": (Digits(),)}, ("data",), "both target and data are given"),
    ({"target": (), "data": (Digits(),), "inputs": Inputs(noise=(0.1,))}, ("inputs", "noise"), "noise is for targets"),
    (
        {"target": (), "data": (Digits(),), "inputs": Inputs(dimension=(2,))},
        ("inputs", "dimension"),
        "dimension is for",
    ),
    ({"loss": BinaryCrossEntropy()}, ("loss",), "binary_cross_entropy does not fit absolute_value, whose outputs are"),
    (
        {"loss": (HalfMeanSquare(), BinaryCrossEntropy())},
        ("loss", 1),
        "binary_cross_entropy does not fit absolute_value",
    ),
    (
        {"models": (Shallow(), Linear(coordinates="polar"))},
        ("models", 1, "linear", "coordinates"),
        "only the plane has polar coordinates, not 1 input",
    ),
    ({"optimizer": LeastSquares()}, ("learning_rates",), "least_squares has no learning rate"),
    (
        {"optimizer": LeastSquares(), "learning_rates": None},
        ("models", 1),
        "least_squares solves linear models, not shallow",
    ),
    (
        {"optimizer": VariableProjection(), "learning_rates": None},
        ("models", 0),
        "variable_projection solves networks, not linear",
    ),
    (
        {"optimizer": VariableProjection(), "learning_rates": None, "models": (Shallow(),), **CLASSES},
        ("optimizer",),
        "variable_projection minimises the square loss only",
    ),
    *(
        ({"optimizer": solver(), "learning_rates": None, "models": (Shallow(),), **fields}, path, f"{name} {what}")
        for name, solver in SOLVERS.items()
        for fields, path, what in (
            ({"learning_rates": (0.1,)}, ("learning_rates",), "has no learning rate"),
            ({}, ("optimizer",), "needs float64: in float32 it would stop long before the minimum"),
            ({"dtype": "float64", "batch_size": 8}, ("batch_size",), "takes all points at once"),
        )
    ),
    (
        {"learning_rates": TimesLimits((0.5,)), "batch_size": 8},
        ("models", 1),
        "of minibatches no limit is known for shallow",
    ),
    ({"learning_rates": TimesLimits((0.5,)), "optimizer": Adam()}, ("learning_rates",), "adam has no limit"),
    (
        {"learning_rates": TimesLimits((0.5,)), "models": (Linear(),), "optimizer": Momentum(), "batch_size": 8},
        ("learning_rates",),
        "of minibatches no limit is known for momentum with half_mean_square",
    ),
    (
        {"learning_rates": TimesLimits((0.5,)), "models": (Linear(),), **CLASSES, "batch_size": 8},
        ("learning_rates",),
        "of minibatches no limit is known for gradient_descent with softmax_cross_entropy",
    ),
    ({"learning_rates": (0.1, 1e-300)}, ("learning_rates", 1), "learning rate 1e-300 cannot be written in float32"),
    ({"learning_rates": LogSpaced(1, 1e300, 3)}, ("learning_rates",), "learning rate 1e+150 cannot be written in"),
    (
        {"inputs": Inputs(split="stratified")},
        ("inputs", "split"),
        "split stratified is for tables, whose rows are split",
    ),
    ({"batch_size": 0}, ("batch_size",), "batch_size must be positive, not 0"),
    ({"batch_size": 257}, ("batch_size",), "batch_size 257 is more than the 256 training points"),
    ({"engine": "closed_form"}, ("engine",), "closed_form is for linear models, not shallow"),
    ({"engine": "closed_form", "optimizer": Adam()}, ("engine",), "closed_form has no formula for adam"),
    ({**IN_CLOSED_FORM, "batch_size": 8}, ("engine",), "closed_form takes all points at every step, not 8"),
    ({**IN_CLOSED_FORM, "parallel": Parallel(2, 3)}, ("engine",), "closed_form computes in one process, not in 6"),
    ({**IN_CLOSED_FORM, "target": (Xor(),)}, ("engine",), "closed_form is for the square loss, not binary_cross"),
]


@pytest.mark.parametrize("fields, path, what", INCOMPATIBLE, ids=[what for _, _, what in INCOMPATIBLE])
def test_what_does_not_fit_is_refused_where_it_stands(experiment, refuses, fields, path, what):
    with refuses(path, what) as refused:
        experiment(**fields)
    assert refused.value.hint


@pytest.mark.parametrize("optimizer", [kind() for kind in OPTIMIZERS.values() if kind().on_quadratics()])
def test_the_closed_form_is_there_for_descent_on_the_square_loss(experiment, optimizer):
    made = experiment(**IN_CLOSED_FORM, optimizer=optimizer)
    assert made.identity() == experiment(models=made.models, optimizer=optimizer).identity()
    assert experiment(**IN_CLOSED_FORM, target=(Xor(),), loss=HalfMeanSquare()).engine == "closed_form"
