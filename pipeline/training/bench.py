"""The speed of a pack beside its peers, as ratios measured in one run.

Peers train the same networks on the same points by full-batch gradient descent in
float32: (a) one Lightning Trainer per trial, (b) a hand-written PyTorch loop per trial,
(c) JAX: ``vmap`` over trials of ``jit`` of a ``scan`` over steps, where JAX is
installed. The peers take turns, in another order each repetition, so that a busy machine
slows all of them; a figure is the median of its repetitions.
"""

from __future__ import annotations

import importlib.util
import itertools
import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import lightning as L
import numpy as np
import polars as pl
import torch
from torch.utils.data import DataLoader

from pipeline.experiment.axes import Inputs
from pipeline.experiment.estimate import operations_of_step
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack, make_pack
from pipeline.models.shallow import Shallow
from pipeline.plan import make_plan
from pipeline.problems.datasets import Digits
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy
from pipeline.problems.targets import Gaussian
from pipeline.training.fit import quiet
from pipeline.training.module import PackModule

SHAPES = ((32, 1, 16, 1), (256, 2, 64, 1), (1024, 8, 256, 1), (1437, 64, 256, 10))
"""Points, inputs, hidden units, outputs; the last are the digits."""
PACKS = (1, 32, 512)
REPETITIONS = 5
SECONDS_OF_REPETITION = 0.25
SECONDS_TO_SETTLE = 0.3
"""Pause before each repetition: a peer that gives back hundreds of megabytes slows the next by half."""
LEARNING_RATE = 0.01

Steps = Callable[[int], None]
"""Trains every trial of a pack by so many steps."""


@dataclass
class Measured:
    """Seconds of one trial-step, one number a repetition."""

    shape: tuple[int, int, int, int]
    num_trials: int
    peer: str
    operations: int
    seconds: list[float] = field(default_factory=list)


def measure(*, quick: bool, say: Callable[[str], None]) -> list[Measured]:
    """Measure the pack and its peers; ``quick`` takes only the second shape in packs of 32."""
    every: list[Measured] = []
    cases = [(SHAPES[1], 32)] if quick else list(itertools.product(SHAPES, PACKS))
    for number, (shape, num_trials) in enumerate(cases, 1):
        say(f"{number}/{len(cases)}: {' x '.join(map(str, shape))}, packs of {num_trials}")
        pack = bench_pack(shape, num_trials)
        peers = {name: make(pack) for name, make in available_peers()}
        measured = {name: Measured(shape, num_trials, name, operations_of_step(pack.shape)) for name in peers}
        counts = {name: calibrated(steps) for name, (steps, _) in peers.items()}
        for repetition in range(REPETITIONS):
            turn = list(peers.items())
            random.Random(repetition).shuffle(turn)
            for name, (steps, trained) in turn:
                time.sleep(SECONDS_TO_SETTLE)
                started = time.perf_counter()
                steps(counts[name])
                measured[name].seconds.append((time.perf_counter() - started) / (counts[name] * trained))
        every += measured.values()
    return every


def rows(every: list[Measured]) -> pl.DataFrame:
    """One row per shape, pack and peer: trial-steps per second, their spread, and how many times faster the pack is."""
    packs = {(m.shape, m.num_trials): statistics.median(m.seconds) for m in every if m.peer == "pack"}
    return pl.DataFrame(
        {
            "N x d x m x K": " x ".join(map(str, m.shape)),
            "pack of": m.num_trials,
            "peer": m.peer,
            "trial-steps/s": 1 / statistics.median(m.seconds),
            "spread": (max(m.seconds) - min(m.seconds)) / statistics.median(m.seconds),
            "GFLOP/s": m.operations / statistics.median(m.seconds) / 1e9,
            "pack is faster by": statistics.median(m.seconds) / packs[m.shape, m.num_trials],
        }
        for m in every
    )


def bench_pack(shape: tuple[int, int, int, int], num_trials: int) -> Pack:
    """A pack of ReLU networks of a shape."""
    num_points, dimension, width, num_outputs = shape
    inputs = Inputs(train=(num_points,), test=64)
    function = {"target": (Gaussian(),), "inputs": Inputs(dimension=(dimension,), train=(num_points,), test=64)}
    experiment = Experiment(
        question="How fast?",
        models=(Shallow(),),
        widths=(width,),
        **({"data": (Digits(),), "inputs": inputs} if num_outputs == 10 else function),  # type: ignore[arg-type]
        learning_rates=(LEARNING_RATE,),
        steps=1_000_000,
        seeds=num_trials,
    )
    return make_pack(tuple(itertools.chain.from_iterable(pack.trials for pack in make_plan("bench", experiment).packs)))


def available_peers() -> Iterator[tuple[str, Callable[[Pack], tuple[Steps, int]]]]:
    """Names, and what makes a function that trains so many steps and says how many trials it trains."""
    yield "pack", stacked
    yield "Lightning per trial", lightning_per_trial
    yield "PyTorch loop per trial", loop_per_trial
    if importlib.util.find_spec("jax"):
        yield "JAX vmap", jax_vmap


def calibrated(steps: Steps) -> int:
    """How many steps fill a repetition; the first call, which compiles and warms up, does not count."""
    steps(1)
    count = 1
    while True:
        started = time.perf_counter()
        steps(count)
        seconds = time.perf_counter() - started
        if seconds > SECONDS_OF_REPETITION / 4:
            return max(1, round(count * SECONDS_OF_REPETITION / seconds))
        count *= 2


def stacked(pack: Pack) -> tuple[Steps, int]:
    """The pack, through the engine that its module uses."""
    module = PackModule(pack, [pack.shape.steps])
    module.on_fit_start()
    stack = module.stack_of_all(module.configure_optimizers())

    def steps(count: int) -> None:
        module.engine.advance(stack, 0, count)

    return steps, len(pack.trials)


class OneTrial(L.LightningModule):
    """One network as Lightning's documentation would write it."""

    def __init__(self, network: torch.nn.Module, loss: Callable) -> None:
        super().__init__()
        self.network, self.loss = network, loss

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        inputs_PD, targets_PK = batch
        loss: torch.Tensor = self.loss(self.network(inputs_PD), targets_PK)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=LEARNING_RATE)


def lightning_per_trial(pack: Pack) -> tuple[Steps, int]:
    """One Lightning Trainer per trial, with everything switched off that a trial does not need.

    A trial is measured, not all of a pack: they are trained one after another. All
    steps are batches of one epoch, which spares the loop the end of an epoch each step.
    """
    network, loss, inputs_PD, targets_PK = plain_network(pack)
    module = OneTrial(network, loss)

    def steps(count: int) -> None:
        same = [(inputs_PD, targets_PK)] * count
        trainer = L.Trainer(
            accelerator="cpu", devices=1, max_epochs=1, barebones=True
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.fit(module, DataLoader(same, batch_size=None))  # type: ignore[arg-type]

    quiet()
    return steps, 1


def loop_per_trial(pack: Pack) -> tuple[Steps, int]:
    """A training loop in PyTorch as one writes it by hand, one trial after another; one trial is measured."""
    network, loss, inputs_PD, targets_PK = plain_network(pack)
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            loss(network(inputs_PD), targets_PK).backward()
            optimizer.step()

    return steps, 1


def plain_network(pack: Pack) -> tuple[torch.nn.Module, Callable, torch.Tensor, torch.Tensor]:
    """The network of a pack in plain PyTorch, its loss in the same convention, and its points."""
    shape, dataset = pack.shape, pack.shape.problem.load()
    network = torch.nn.Sequential(
        torch.nn.Linear(shape.problem.num_inputs, shape.width),
        torch.nn.ReLU(),
        torch.nn.Linear(shape.width, shape.problem.num_outputs),
    )
    inputs_PD, targets_PK = dataset.train_inputs_PD.float(), dataset.train_targets_PK.float()
    if isinstance(shape.loss, SoftmaxCrossEntropy):
        return network, torch.nn.CrossEntropyLoss(), inputs_PD, targets_PK.argmax(dim=1)
    assert isinstance(shape.loss, HalfMeanSquare)
    return network, lambda outputs, targets: (outputs - targets).square().mean() / 2, inputs_PD, targets_PK


def jax_vmap(pack: Pack) -> tuple[Steps, int]:
    """JAX: the training loop of one trial as a ``scan``, ``vmap`` over trials, ``jit`` over all."""
    import jax
    import jax.numpy as jnp

    shape, dataset = pack.shape, pack.shape.problem.load()
    inputs_PD, targets_PK = (
        jnp.asarray(array.float().numpy()) for array in (dataset.train_inputs_PD, dataset.train_targets_PK)
    )
    rng = np.random.default_rng(0)
    sizes = ((shape.problem.num_inputs, shape.width), (shape.width, shape.problem.num_outputs))
    weights = tuple(
        (
            jnp.asarray(rng.uniform(-1, 1, (len(pack.trials), *size)) / size[0] ** 0.5, jnp.float32),
            jnp.zeros((len(pack.trials), size[1]), jnp.float32),
        )
        for size in sizes
    )

    def loss(weights: tuple) -> jax.Array:
        (hidden, hidden_bias), (last, last_bias) = weights
        outputs_PK = jnp.maximum(inputs_PD @ hidden + hidden_bias, 0) @ last + last_bias
        if isinstance(shape.loss, SoftmaxCrossEntropy):
            return -(targets_PK * jax.nn.log_softmax(outputs_PK)).sum(axis=1).mean()
        return jnp.square(outputs_PK - targets_PK).sum(axis=1).mean() / 2

    def descend(weights: tuple, _: None) -> tuple[tuple, None]:
        slopes = jax.grad(loss)(weights)
        return jax.tree.map(lambda w, g: w - LEARNING_RATE * g, weights, slopes), None

    length = 20

    @jax.jit
    def train(weights: tuple) -> tuple:
        return jax.vmap(lambda one: jax.lax.scan(descend, one, None, length=length)[0])(weights)

    def steps(count: int) -> None:
        current = weights
        for _ in range(count):
            current = train(current)
        jax.block_until_ready(current)

    return steps, len(pack.trials) * length
