"""Small packs that a solver trains, driven by hand."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.models.activations import Tanh
from pipeline.models.shallow import Shallow
from pipeline.numerics.threads import threads_of_operation
from pipeline.plans import make_plan
from pipeline.problems.measures import Grid
from pipeline.problems.targets import AbsoluteValue
from pipeline.training.module import PackModule
from pipeline.training.segments import Segment


@pytest.fixture
def pack() -> Callable[..., Pack]:
    """A function that makes a pack of four networks on 24 noisy points, with any field changed."""

    def make(solver, **fields) -> Pack:
        chosen = {
            "question": "Does it work?",
            "models": (Shallow(Tanh()),),
            "widths": (3,),
            "inputs": Inputs(measure=Grid(), train=(24,), test=50, noise=(0.1,)),
            "optimizer": solver,
            "steps": 40,
            "seeds": 4,
            "dtype": "float64",
        }
        if not {"target", "data"} & fields.keys():
            chosen["target"] = (AbsoluteValue(),)
        return make_plan("test", Experiment(**(chosen | fields))).packs[0]

    return make


@pytest.fixture
def trained() -> Callable[..., PackModule]:
    """A function that trains a pack, in segments that end at ``stops``."""

    def train(pack, *, stops=None, start=None, targets=None) -> PackModule:
        module = PackModule(pack, [pack.shape.steps])
        if targets is not None:
            module.context.dataset.train_targets_PK.copy_(targets)
        if start is not None:
            module.weights.data.copy_(start)
        module.on_fit_start()
        module.optimizer = module.configure_optimizers()
        first = 0
        for stop in stops or [pack.shape.steps]:
            module._advance(Segment(first, stop), module.optimizer)
            first = stop
        return module

    return train


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As while training: on a busy machine two threads in one small operation wait for each other, 20 times as long."""
    with threads_of_operation(1):
        yield


@pytest.fixture
def scattered() -> Callable[..., torch.Tensor]:
    """A function that gives ReLU networks of one input with random kinks on [-1, 1], every other unit facing left."""

    def start(num_trials: int, width: int, seed: int = 0) -> torch.Tensor:
        rng = np.random.default_rng(seed)
        sign_W = np.where(np.arange(width) % 2, -1.0, 1.0)
        kinks_TW = np.sort(rng.uniform(-1, 1, (num_trials, width)))
        hidden_TWA = np.stack([np.broadcast_to(sign_W, kinks_TW.shape), -sign_W * kinks_TW], axis=-1)
        output_TF = rng.standard_normal((num_trials, width + 1)) / width
        return torch.from_numpy(np.concatenate([hidden_TWA.reshape(num_trials, -1), output_TF], axis=1))

    return start
