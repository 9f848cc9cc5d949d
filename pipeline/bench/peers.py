"""The peers of a pack: other ways to train the same models on the same points, by gradient descent in float32.

They are (a) the reference engine, (b) one Lightning Trainer per trial, (c) a hand-written PyTorch loop per trial,
(d) ``torch.func``, and (e) its step by ``torch.compile``, where there is a compiler, (f) JAX: ``vmap`` over trials of
``jit`` of a ``scan`` over steps, where JAX is installed.

Shape letters: B points of a minibatch, E epochs.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import shutil
import warnings
from collections.abc import Callable, Iterator

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader

from pipeline.bench.bench_packs import LEARNING_RATE, QUICK_SHAPE
from pipeline.experiment.engine_names import EngineChoice
from pipeline.experiment.packing import Pack
from pipeline.experiment.resources import operations_of_step
from pipeline.models.activations import Activation, Tanh
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy
from pipeline.training.module import PackModule
from pipeline.training.trainer import silence_lightning

PEER_BYTES = 4 << 30
"""Memory that a peer may take for the hidden units of a pack at all points; a larger pack it does not train."""
COMPILED_PACK = 32
"""The pack that ``torch.compile`` is measured with, at the width of the quick shape: it takes half a minute each."""
JAX_STEPS = 20
"""Steps of one call of JAX."""
LARGE_CALL = 10e9
"""Operations of ``JAX_STEPS`` steps from which on a call makes a tenth of them: it takes more than 0.1 s even so."""
Steps = Callable[[int], None]
"""Trains every trial of a pack by a number of steps."""
Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]
"""Inputs and targets of one update after another."""

Peers = Iterator[tuple[str, Callable[[Pack], tuple[Steps, int]]]]
"""Names, with what makes a function that trains some steps, and says how many trials it trains."""


def has_jax() -> bool:
    """Whether JAX is installed."""
    return importlib.util.find_spec("jax") is not None


def available_peers(pack: Pack) -> Peers:
    """The peers of a pack."""
    yield "pack", stacked
    yield "reference engine", functools.partial(stacked, engine="reference")
    if not pack.shape.model.linear:
        yield "Lightning per trial", lightning_per_trial
    yield "PyTorch loop per trial", loop_per_trial
    width = pack.shape.width
    size = len(pack.trials) * width * pack.shape.problem.train * 4
    if size <= PEER_BYTES:
        yield "torch.func", torch_func
        is_compiled = not pack.shape.model.linear and len(pack.trials) == COMPILED_PACK and width == QUICK_SHAPE[2]
        if is_compiled and shutil.which("c++"):
            yield "torch.compile", functools.partial(torch_func, compiled=True)
        if has_jax():
            yield "JAX vmap", jax_vmap


def stacked(pack: Pack, engine: EngineChoice = "auto") -> tuple[Steps, int]:
    """The pack, through an engine of its module."""
    module = PackModule(pack, [pack.shape.steps], engine=engine)
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

    Args:
        pack: Whose first shape and points are trained.

    Returns:
        A function that trains some steps, and 1 for the one trial.
    """
    network, loss, inputs_PD, targets_PK = plain_network(pack)
    module = OneTrial(network, loss)

    def steps(count: int) -> None:
        same = [(inputs_PD, targets_PK)] * count
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of SLURM, which this machine may have, and of few workers
            trainer = L.Trainer(accelerator="cpu", devices=1, max_epochs=1, barebones=True)
            trainer.fit(module, DataLoader(same, batch_size=None))  # type: ignore[arg-type]

    silence_lightning()
    return steps, 1


def loop_per_trial(pack: Pack) -> tuple[Steps, int]:
    """A training loop in PyTorch as one writes it by hand, one trial after another; one trial is measured."""
    network, loss, inputs_PD, targets_PK = plain_network(pack)
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
    batches = batches_of(inputs_PD, targets_PK, pack.shape.batch_size)

    def steps(count: int) -> None:
        for inputs_BD, targets_BK in itertools.islice(batches, count):
            optimizer.zero_grad()
            loss(network(inputs_BD), targets_BK).backward()
            optimizer.step()

    return steps, 1


def activation_of(pack: Pack) -> Activation:
    """The activation of the networks of a pack."""
    assert isinstance(pack.shape.model, Shallow)
    return pack.shape.model.activation


def plain_network(pack: Pack) -> tuple[torch.nn.Module, Callable, torch.Tensor, torch.Tensor]:
    """The model of a pack in plain PyTorch, its loss in the same convention, and its points, or their features."""
    shape = pack.shape
    inputs_PD, targets_PK = points_of(pack)
    network: torch.nn.Module
    if shape.model.linear:
        network = torch.nn.Linear(shape.width, shape.problem.num_outputs, bias=False)
    else:
        network = torch.nn.Sequential(
            torch.nn.Linear(shape.problem.num_inputs, shape.width),
            torch.nn.Tanh() if activation_of(pack) == Tanh() else torch.nn.ReLU(),
            torch.nn.Linear(shape.width, shape.problem.num_outputs),
        )
    if isinstance(shape.loss, SoftmaxCrossEntropy):
        return network, torch.nn.CrossEntropyLoss(), inputs_PD, targets_PK.argmax(dim=1)
    assert isinstance(shape.loss, HalfMeanSquare)
    return network, lambda outputs, targets: (outputs - targets).square().mean() / 2, inputs_PD, targets_PK


def points_of(pack: Pack) -> tuple[torch.Tensor, torch.Tensor]:
    """What a pack learns from, in float32: inputs, or features where a model is linear in its weights, and targets."""
    shape, dataset = pack.shape, pack.shape.problem.load()
    inputs_PD = dataset.train_inputs_PD
    if shape.model.linear:
        inputs_PD = shape.model.prepare(inputs_PD, shape.width).mT.contiguous()
    return inputs_PD.float(), dataset.train_targets_PK.float()


def batches_of(
    inputs_PD: torch.Tensor, targets_PK: torch.Tensor, batch_size: int | None, trials: tuple[int, ...] = ()
) -> Batches:
    """All points for ever, or minibatches, each epoch in another order; with a number of trials, of each its own."""
    while batch_size is None:
        yield inputs_PD, targets_PK
    num_points = len(inputs_PD)
    while True:
        order_TP = torch.rand(*trials, num_points).argsort(dim=-1)
        for start in range(0, num_points - batch_size + 1, batch_size):
            rows_TB = order_TP[..., start : start + batch_size]
            yield inputs_PD[rows_TB], targets_PK[rows_TB]


def torch_func(pack: Pack, *, compiled: bool = False) -> tuple[Steps, int]:
    """PyTorch's own way to an ensemble: ``vmap`` of ``grad`` of one network, over stacked weights; perhaps compiled."""
    network, loss, inputs_PD, targets_PK = plain_network(pack)
    batch_size = pack.shape.batch_size
    own = None if batch_size is None else 0
    batches = batches_of(inputs_PD, targets_PK, batch_size, (len(pack.trials),))

    def loss_of_one(
        weights: dict[str, torch.Tensor], inputs_BD: torch.Tensor, targets_BK: torch.Tensor
    ) -> torch.Tensor:
        value: torch.Tensor = loss(torch.func.functional_call(network, weights, inputs_BD), targets_BK)
        return value

    def descend(
        weights: dict[str, torch.Tensor], inputs_BD: torch.Tensor, targets_BK: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        slopes = torch.func.vmap(torch.func.grad(loss_of_one), in_dims=(0, own, own))(weights, inputs_BD, targets_BK)
        return {name: weight - LEARNING_RATE * slopes[name] for name, weight in weights.items()}

    step = torch.compile(descend) if compiled else descend
    stacked_weights = {
        name: weight.detach().expand(len(pack.trials), *weight.shape).clone()
        for name, weight in network.named_parameters()
    }

    def steps(count: int) -> None:
        weights = stacked_weights
        with torch.no_grad():
            for inputs_BD, targets_BK in itertools.islice(batches, count):
                weights = step(weights, inputs_BD, targets_BK)

    return steps, len(pack.trials)


def jax_vmap(pack: Pack) -> tuple[Steps, int]:
    """JAX: the training loop of one trial as a ``scan``, ``vmap`` over trials, ``jit`` over all."""
    import jax
    import jax.numpy as jnp

    shape, batch_size = pack.shape, pack.shape.batch_size
    inputs_PD, targets_PK = (jnp.asarray(array.numpy()) for array in points_of(pack))
    num_points, num_trials = len(inputs_PD), len(pack.trials)
    rng = np.random.default_rng(0)

    def drawn(*size: int) -> jax.Array:
        return jnp.asarray(rng.uniform(-1, 1, (num_trials, *size)) / size[0] ** 0.5, jnp.float32)

    inputs, outputs = shape.problem.num_inputs, shape.problem.num_outputs
    weights: tuple = (drawn(shape.width, outputs), jnp.zeros((num_trials, outputs), jnp.float32))
    if shape.model.linear:
        weights = weights[:1]
    else:
        weights = (drawn(inputs, shape.width), jnp.zeros((num_trials, shape.width), jnp.float32), *weights)
        activate = jnp.tanh if activation_of(pack) == Tanh() else jax.nn.relu

    def outputs_of(weights: tuple, inputs_BD: jax.Array) -> jax.Array:
        if shape.model.linear:
            return inputs_BD @ weights[0]
        hidden, hidden_bias, last, last_bias = weights
        return activate(inputs_BD @ hidden + hidden_bias) @ last + last_bias

    def loss(weights: tuple, inputs_BD: jax.Array, targets_BK: jax.Array) -> jax.Array:
        outputs_BK = outputs_of(weights, inputs_BD)
        if isinstance(shape.loss, SoftmaxCrossEntropy):
            return -(targets_BK * jax.nn.log_softmax(outputs_BK)).sum(axis=1).mean()
        return jnp.square(outputs_BK - targets_BK).sum(axis=1).mean() / 2

    def descend(weights: tuple, rows_B: jax.Array | None) -> tuple[tuple, None]:
        points = (inputs_PD, targets_PK) if rows_B is None else (inputs_PD[rows_B], targets_PK[rows_B])
        slopes = jax.grad(loss)(weights, *points)
        return jax.tree.map(lambda w, g: w - LEARNING_RATE * g, weights, slopes), None

    operations = JAX_STEPS * operations_of_step(shape) * num_trials
    length = JAX_STEPS if operations < LARGE_CALL else JAX_STEPS // 10
    per_epoch = num_points // (batch_size or num_points)
    epochs = -(-length // per_epoch)
    if batch_size is not None:
        length = epochs * per_epoch

    def train_one(weights: tuple, key: jax.Array) -> tuple:
        rows_HB = None
        if batch_size is not None:
            order_EP = jax.random.uniform(key, (epochs, num_points)).argsort(axis=1)
            rows_HB = order_EP[:, : per_epoch * batch_size].reshape(length, batch_size)
        return jax.lax.scan(descend, weights, rows_HB, length=length)[0]

    @jax.jit
    def train(weights: tuple, key: jax.Array) -> tuple:
        return jax.vmap(train_one)(weights, jax.random.split(key, num_trials))

    key = jax.random.key(0)

    def steps(count: int) -> None:
        current = weights
        for call in range(count):
            current = train(current, jax.random.fold_in(key, call) if batch_size is not None else key)
        jax.block_until_ready(current)

    return steps, num_trials * length
