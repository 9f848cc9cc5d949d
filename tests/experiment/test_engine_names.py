"""An experiment names the engines that there are."""

from typing import get_args

import pytest

from pipeline.config import read_canonical
from pipeline.definitions import canonical
from pipeline.experiment.axes import Inputs
from pipeline.experiment.engine_names import CLOSED_FORM, LEAST_POINTS, EngineChoice, fastest
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Relu, Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.losses import BinaryCrossEntropy
from pipeline.problems.targets import Xor


def test_every_name_can_be_written_in_a_file(experiment):
    for name in get_args(EngineChoice):
        written = canonical(experiment(models=(Linear(),), engine=name))
        assert read_canonical(written, Experiment, "here").engine == name


@pytest.mark.parametrize(
    "fields, name",
    [
        ({"models": (Shallow(Relu()),)}, "one_input"),
        ({"models": (Shallow(Relu()),), "batch_size": 4}, "fused"),
        ({"models": (Shallow(Tanh()),), "inputs": Inputs(train=(LEAST_POINTS,))}, "chebyshev"),
        ({"models": (Shallow(Tanh()),), "inputs": Inputs(train=(LEAST_POINTS - 1,))}, "fused"),
        ({"models": (Shallow(Tanh()),), "inputs": Inputs(train=(LEAST_POINTS,)), "batch_size": 4}, "fused"),
        ({"models": (Shallow(Relu()),), "target": (Xor(),), "inputs": Inputs()}, "fused"),
        ({"models": (Linear(),)}, "linear_qr"),
        ({"models": (Linear(),), "batch_size": 4}, "fused"),
        ({"models": (Linear(),), "target": (Xor(),), "inputs": Inputs(), "loss": BinaryCrossEntropy()}, "fused"),
        ({"models": (Linear(),), "inputs": Inputs(train=(2,))}, "fused"),
    ],
)
def test_auto_stands_for_an_engine_that_iterates(experiment, fields, name):
    whole = experiment(**fields)
    (engine,) = {fastest(pack.shape) for pack in make_plan("x", whole).packs}
    assert engine == name != CLOSED_FORM
