"""What a definition claims to draw from a seed is what differs between two trained seeds, bit by bit."""

import itertools

import pytest
import torch

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import make_pack
from pipeline.experiment.ways import TRAINING_AXES, Way
from pipeline.models import MODELS
from pipeline.models.bases.random import RandomFourier
from pipeline.models.linear import Linear
from pipeline.optimizers import OPTIMIZERS
from pipeline.problems.targets import Sine
from pipeline.training.module import PackModule
from pipeline.training.segments import Segment

STEPS = 5
CASES = [
    (optimizer(), MODELS[name](), size)
    for optimizer, name, size in itertools.product(OPTIMIZERS.values(), MODELS, (None, 4))
    if not (optimizer.only_networks if MODELS[name].linear else optimizer.only_linear)
    and not (optimizer.all_points and size)
]


def trained(optimizer, model, batch_size):
    """The weights of two trials that differ in the seed only, each trained alone."""
    rates = (0.1,) if optimizer.uses_learning_rate else None
    made = Experiment(
        "?", (model,), (3,), (Sine(),), inputs=Inputs(train=(12,), test=8), optimizer=optimizer, learning_rates=rates,
        steps=STEPS, batch_size=batch_size or "full", dtype="float64", seeds=2,
    )  # fmt: skip
    for trial in made.trials(copies=True):
        module = PackModule(make_pack((trial,)), made.recorded_steps(), engine="reference")
        module.on_fit_start()
        module._advance(Segment(0, made.num_steps), module.configure_optimizers())
        yield module.weights.detach().clone()


@pytest.mark.parametrize(
    "optimizer, model, batch_size", CASES, ids=[f"{o.name()} {m.name()} {b or 'full'}" for o, m, b in CASES]
)
def test_two_seeds_differ_exactly_where_it_is_claimed(optimizer, model, batch_size):
    first, second = trained(optimizer, model, batch_size)
    assert torch.equal(first, second) != Way(optimizer, batch_size, "float64", STEPS).draws_for(model)


def test_random_features_are_drawn_for_each_seed():
    assert Way(OPTIMIZERS["adam"](), None, "float32", 1).draws_for(Linear(RandomFourier()))
    assert not Way(OPTIMIZERS["adam"](), None, "float32", 1).draws_for(Linear(RandomFourier(seed=0)))
    assert Way._fields == TRAINING_AXES
