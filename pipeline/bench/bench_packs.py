"""The packs that the bench trains: shapes of networks, sizes of packs, and what makes one of any model."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Literal

import numpy as np

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack, make_pack
from pipeline.experiment.precision import Dtype
from pipeline.models.activations import Activation, Relu, Tanh
from pipeline.models.model import Model
from pipeline.plans import make_plan
from pipeline.problems.datasets import Digits
from pipeline.problems.targets import Gaussian

SHAPES = (
    (32, 1, 16, 1),
    (64, 1, 256, 1),
    (256, 2, 64, 1),
    (1024, 8, 256, 1),
    (1437, 64, 256, 10),
    (4096, 2, 1024, 1),
)
"""Points, inputs, hidden units, outputs; those with ten outputs are the digits."""
QUICK_SHAPE = (256, 2, 64, 1)
PACKS = (1, 32, 512)
BENCHED: tuple[Activation, ...] = (Relu(), Tanh())
LEARNING_RATE = 0.01


def bench_pack(
    shape: tuple[int, int, int, int], num_trials: int, model: Model, batch_size: int | Literal["full"] = "full"
) -> Pack:
    """A pack of a model: points, inputs, width and outputs; those of ten outputs are the digits, others a function."""
    num_points, dimension, width, num_outputs = shape
    inputs = Inputs(train=(num_points,), test=64)
    function = {"target": (Gaussian(),), "inputs": Inputs(dimension=(dimension,), train=(num_points,), test=64)}
    experiment = Experiment(
        question="How fast?",
        models=(model,),
        widths=(width,),
        **({"data": (Digits(),), "inputs": inputs} if num_outputs == 10 else function),  # type: ignore[arg-type]
        learning_rates=tuple((LEARNING_RATE * np.linspace(1, 0.5, num_trials)).tolist()),
        batch_size=batch_size,
        steps=1_000_000,
        seeds=1,
    )
    return make_pack(tuple(itertools.chain.from_iterable(pack.trials for pack in make_plan("bench", experiment).packs)))


def in_dtype(pack: Pack, dtype: Dtype) -> Pack:
    """The same trials in another precision."""
    shape = dataclasses.replace(pack.shape, dtype=dtype)
    return dataclasses.replace(pack, shape=shape, trials=tuple(trial._replace(shape=shape) for trial in pack.trials))
