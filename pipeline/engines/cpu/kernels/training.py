"""Value, gradient and updates of trials, each from its first step to its last, whatever the model.

Points are worked through a tile at a time, forward and backward, so that of a trial
nothing is written but its sums over points and what one tile needs. Lanes are
points; a sum over points is kept as one sum for each lane until all tiles are done.

Many points come in chunks of tiles, each with sums and a gradient of its own; these are
added in the order of the chunks, so that it does not matter which core computes which chunk.

Weights of a trial lie in rows, padded to full registers with zeros.
"""

from __future__ import annotations

import functools
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from pipeline.engines.cpu.codegen.simd import Array, Dtype, Number, Program, Value, total
from pipeline.engines.cpu.kernels.losses import loss_and_slopes
from pipeline.engines.cpu.kernels.updates import updated
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.losses import Loss

TILE_REGISTERS = 4
"""Registers of points worked on at a time: enough that no instruction waits for the one before."""


def padded(number: int, lanes: int) -> int:
    """The next multiple of the lanes."""
    return -(-number // lanes) * lanes


class KernelSpec(ABC):
    """What a kernel is written for; widths and numbers of points are told to it when it runs."""

    num_outputs: int
    loss: Loss
    dtype: Dtype

    @property
    def together(self) -> int:
        """Trials worked on together: inputs are then loaded once for all of them."""
        return 1

    @property
    def grouped(self) -> KernelSpec:
        """The same for as many trials together as is fastest, none of whose numbers change by it."""
        return self

    @property
    def inputs_in_lanes(self) -> bool:
        """Whether lanes are inputs, not points, in the sums for the weights of inputs."""
        return False

    def multiple_in_points(self, lanes: int) -> int:
        """What inputs and targets of a point are each filled up to a multiple of, where batches are gathered from."""
        return 1

    @abstractmethod
    def operations(self, width: int) -> int:
        """Floating-point operations at one point, forward and backward."""

    @abstractmethod
    def size(self, width: int, lanes: int) -> int:
        """Numbers in the rows of a trial."""

    @abstractmethod
    def places(self, width: int, lanes: int) -> np.ndarray:
        """Where each of the flat weights of a trial lies in its rows, shape ``[N]``."""

    @abstractmethod
    def buffer_sizes(self, width: int, lanes: int, batch: int) -> dict[str, int]:
        """Numbers in each of the arrays that its step works in, batches of so many lanes included."""

    @abstractmethod
    def step(self, p: Program, of: str) -> TrainingStep:
        """Its forward and backward pass: on ``all`` points or those of a ``batch``."""


class Tile:
    """Some points, one in each lane.

    Args:
        p: The program.
        step: Where the points lie.
        first: The first of them.
        lanes: How many.
        start: The first point of the chunk that they belong to.
    """

    def __init__(self, p: Program, step: TrainingStep, first: Value, lanes: int, start: Value) -> None:
        self.p, self.step, self.first, self.lanes, self.start = p, step, first, lanes, start
        inputs = step.num_inputs
        self.x = [self.load(i) for i in range(inputs)] if step.inputs_in_registers and isinstance(inputs, int) else None

    def load(self, i: Number) -> Value:
        """One input of all points."""
        return self.step.x.load(self.step.stride * i + self.first, self.lanes)

    def for_each_input(self, work: Callable[[Number, Value], None]) -> None:
        """Do work with the number and the values of every input: few stay in registers, of many a loop is made."""
        if self.x is not None:
            for i, x in enumerate(self.x):
                work(i, x)
        else:
            with self.p.loop(self.step.num_inputs) as number:
                work(number, self.load(number))


class TrainingStep(ABC):
    """The forward and backward pass, written into a program.

    Args:
        p: The program.
        form: What to compute.
        of: On which points: ``all`` or those of a ``batch``.
    """

    num_inputs: Number
    """Rows of the inputs."""
    inputs_in_registers: bool
    """Whether a tile keeps all its inputs in registers."""
    with_biases: bool = True
    """Whether outputs have biases, whose gradients are sums of slopes."""

    def __init__(self, p: Program, spec: KernelSpec, of: str) -> None:
        self.p, self.spec, self.together = p, spec, spec.together
        self.width, self.row, self.size = p.int_parameter("width"), p.int_parameter("row"), p.int_parameter("size")
        self.num_chunks, self.chunks = (
            p.int_parameter(f"{of}_num_chunks"),
            p.array_parameter(f"{of}_chunks", f"{of}_num_chunks", integers=True),
        )
        self.wide_tiles, self.narrow_tiles = p.int_parameter(f"{of}_wide_tiles"), p.int_parameter(f"{of}_narrow_tiles")
        self.stride, self.point_weight = (
            p.int_parameter(f"{of}_stride"),
            p.array_parameter(f"{of}_point_weights", f"{of}_stride"),
        )
        self.x = p.array_parameter(f"{of}_inputs", f"{of}_stride")
        self.y = p.array_parameter(f"{of}_targets", f"{of}_stride", spec.num_outputs)
        self.weights, self.gradient = p.array_parameter("own_weights", "size"), p.array_parameter("own_gradient")
        self.sums, self.zeros = p.array_parameter("sums"), p.array_parameter("zeros")
        self.output_sums, self.chunk_losses = p.array_parameter("output_sums"), p.array_parameter("chunk_losses")

    @property
    @abstractmethod
    def num_sums(self) -> int:
        """Sums over points that are taken for each hidden unit or feature."""

    @abstractmethod
    def forward(self, tile: Tile) -> list[Value]:
        """The outputs at the points of a tile."""

    @abstractmethod
    def backward(self, tile: Tile, slopes: list[Value]) -> None:
        """Add the tile to the sums over points."""

    def bring(self, point: Array, lane: Value) -> None:
        """Bring the inputs of a point to a lane of the batch; a step on all points brings none."""
        raise NotImplementedError

    @abstractmethod
    def collect(self, gradient: Array) -> list[Value]:
        """Add up the lanes of all sums into rows of the gradient of a chunk; returns its loss in each trial."""

    def value_and_gradient(self) -> list[Value]:
        """Write the pass over all points; the gradient is left in its rows, the loss of each trial is returned."""
        with self.p.loop(self.num_chunks) as number:
            self.chunk(number)
        return self.add_chunks()

    def chunk(self, number: Value) -> None:
        """Write the pass over the points of a chunk; its gradient and its loss are left in places of their own."""
        p, wide = self.p, self.p.lanes * TILE_REGISTERS
        first, last = self.chunks.load(number), self.chunks.load(number + 1)
        for place in range(self.num_biases + self.together):
            self.output_sums.store(place * p.lanes, p.constant(0.0, p.lanes))
        with p.loop(last, start=first) as tile:
            self.tile(tile * wide, wide, first * wide)
        with p.loop(p.select(last < self.wide_tiles, p.int_constant(0), self.narrow_tiles)) as tile:
            self.tile(self.wide_tiles * wide + tile * p.lanes, p.lanes, first * wide)
        losses = self.collect(Array(p, self.gradient.at(number * self.whole_size), p.real))
        for n, loss in enumerate(losses):
            self.chunk_losses.store(number * self.together + n, loss)

    def add_chunks(self) -> list[Value]:
        """Add the gradients of all chunks to that of the first, in their order; returns the loss of each trial."""
        p, lanes, whole = self.p, self.p.lanes, self.whole_size
        with p.loop(self.num_chunks, start=1) as number:
            with p.loop(whole, step=lanes) as place:
                before = self.gradient.load(place, lanes)
                self.gradient.store(place, before + self.gradient.load(number * whole + place, lanes))
            for n in range(self.together):
                loss = self.chunk_losses.load(n) + self.chunk_losses.load(number * self.together + n)
                self.chunk_losses.store(n, loss)
        return [self.chunk_losses.load(n) for n in range(self.together)]

    @property
    def whole_size(self) -> Value:
        """Numbers in the rows of all trials worked on together."""
        return self.size * self.together

    @property
    def num_biases(self) -> int:
        """Biases of outputs."""
        return self.spec.num_outputs if self.with_biases else 0

    def tile(self, first: Value, lanes: int, start: Value) -> None:
        """Points from one on, as many as lanes, of the chunk that starts at a point."""
        p, outputs = self.p, self.spec.num_outputs
        tile = Tile(p, self, first, lanes, start)
        f = self.forward(tile)
        y = [self.y.load(self.stride * k + first, lanes) for k in range(outputs)]
        point_weight = self.point_weight.load(first, lanes)
        of_trials = [f[start : start + outputs] for start in range(0, len(f), outputs)]
        found = [loss_and_slopes(p, self.spec.loss, own, y, point_weight) for own in of_trials]
        values, slopes_of_trials = zip(*found, strict=True)
        slopes = list(itertools.chain(*slopes_of_trials))
        for place, summand in enumerate([*slopes[: self.num_biases], *values]):
            before = self.output_sums.load(place * p.lanes, p.lanes)
            self.output_sums.store(place * p.lanes, total([before, *summand.parts(p.lanes)]))
        self.backward(tile, slopes)

    def sums_of(self, tile: Tile) -> Callable[[Value, Number, list[Value], list[Value] | None], None]:
        """What adds the lanes of some values of a tile, or of their products with others, to one sum of a unit.

        The first tile of a chunk adds to zeros instead of what was left there before.
        """
        p, num_sums = self.p, self.num_sums
        is_first = p.compare("==", tile.first, tile.start)
        base = Array(p, p.builder.select(is_first.ir, self.zeros.address, self.sums.address), p.real)
        pace = p.select(is_first, p.int_constant(0), p.int_constant(num_sums * p.lanes))

        def add(unit: Value, place: Number, left: list[Value], right: list[Value] | None) -> None:
            place = p.int_constant(place) * p.lanes
            before = base.load(pace * unit + place, p.lanes)
            after = total([before, *left]) if right is None else plus_products(p, before, left, right)
            self.sums.store(unit * (num_sums * p.lanes) + place, after)

        return add

    def losses(self) -> list[Value]:
        """The sum of what the points of a chunk add to the loss of each trial."""
        lanes, first = self.p.lanes, self.num_biases
        return [self.output_sums.load((first + n) * lanes, lanes).sum() for n in range(self.together)]

    def summed(self, unit: Value, place: Number) -> Value:
        """One sum over all points of as many units as lanes, each in one lane."""
        lanes, num_sums = self.p.lanes, self.num_sums
        first = unit * (num_sums * lanes) + self.p.int_constant(place) * lanes
        return self.p.horizontal_sums([self.sums.load(first + n * num_sums * lanes, lanes) for n in range(lanes)])


def plus_products(p: Program, start: Value, a: list[Value], b: list[Value]) -> Value:
    """A sum and the products of some values, from left to right."""
    for left, right in zip(a, b, strict=True):
        start = p.fma(left, right, start)
    return start


class TrialRows:
    """The weights of one trial after another, or some at a time, brought from the stack into rows and back."""

    def __init__(self, p: Program, step: TrainingStep, slots: int) -> None:
        self.p, self.step = p, step
        self.num_weights = p.int_parameter("num_weights")
        self.places = p.array_parameter("places", "num_weights", integers=True)
        names = ("weights", *(f"slot_{n}" for n in range(slots)))
        self.flat = [p.array_parameter(name, "num_trials", "num_weights") for name in names]
        self.own = [step.weights, *(p.array_parameter(f"own_slot_{n}", "size") for n in range(slots))]

    def fetch(self, trial: Value) -> None:
        """Bring a trial into rows, and those that are worked on together with it."""
        for flat, own, place, own_place in self._numbers(trial):
            own.store(own_place, flat.load(place))

    def write_back(self, trial: Value) -> None:
        """Bring the rows back to the stack."""
        for flat, own, place, own_place in self._numbers(trial):
            flat.store(place, own.load(own_place))

    def _numbers(self, trial: Value) -> Iterator[tuple[Array, Array, Value, Value]]:
        """For each number of a trial the array in the stack and that of rows, and its places there."""
        with self.p.loop(self.num_weights) as n:
            place = self.places.load(n)
            for number in range(self.step.together):
                for flat, own in zip(self.flat, self.own, strict=True):
                    yield flat, own, (trial + number) * self.num_weights + n, self.step.size * number + place


def gradient_program(spec: KernelSpec) -> Program:
    """Loss and gradient of trials at their weights."""
    p = Program(spec.dtype)
    step = spec.step(p, "all")
    trials = TrialRows(p, step, 0)
    losses, flat_gradient = (
        p.array_parameter("losses", "num_trials"),
        p.array_parameter("gradient", "num_trials", "num_weights"),
    )
    num_trials = p.int_parameter("num_trials")
    with p.loop(num_trials) as trial:
        trials.fetch(trial)
        (loss,) = step.value_and_gradient()
        losses.store(trial, loss)
        with p.loop(trials.num_weights) as n:
            flat_gradient.store(trial * trials.num_weights + n, step.gradient.load(trials.places.load(n)))
    return p


def training_program(spec: KernelSpec, rule: UpdateRule, *, minibatches: bool) -> Program:
    """Some updates of trials; a trial whose loss is out of bounds is left at once."""
    p = Program(spec.dtype)
    step = spec.step(p, "batch" if minibatches else "all")
    trials = TrialRows(p, step, rule.slots)
    update = Update(p, trials, rule)
    num_trials, num_steps = p.int_parameter("num_trials"), p.int_parameter("num_steps")
    batch = Batch(p, step) if minibatches else None
    with p.loop(num_trials, step=step.together) as trial:
        trials.fetch(trial)
        going = p.variable(num_steps)  # becomes zero when the trials have diverged, which ends their loop
        update.begin()
        with p.loop(going.get) as number:
            if batch is not None:
                batch.fetch(trial, number)
            fine = update.make(trial, number, step.value_and_gradient())
            with p.when(p.logical_not(fine)):
                going.set(p.int_constant(0))
        trials.write_back(trial)
    return p


def chunk_program(spec: KernelSpec) -> Program:
    """One chunk of the gradient of a trial whose weights lie in rows."""
    p = Program(spec.dtype)
    step = spec.step(p, "all")
    step.chunk(p.int_parameter("chunk"))
    return p


def update_program(spec: KernelSpec, rule: UpdateRule) -> Program:
    """One update of a trial that lies in rows, once all chunks of its gradient are there."""
    p = Program(spec.dtype)
    step = spec.step(p, "all")
    update = Update(p, TrialRows(p, step, rule.slots), rule)
    update.begin()
    update.make(p.int_constant(0), p.int_parameter("number"), step.add_chunks())
    return p


class Update:
    """The updates of a trial in rows."""

    def __init__(self, p: Program, trials: TrialRows, rule: UpdateRule) -> None:
        self.p, self.trials, self.rule = p, trials, rule
        self.rates, self.bounds = p.array_parameter("rates", "num_trials"), p.array_parameter("bounds", "num_trials")
        self.corrections = p.array_parameter("corrections", 2, "num_steps")
        self.diverged = p.array_parameter("diverged", "num_trials", integers=True)

    def begin(self) -> None:
        """No trial has diverged yet."""
        self.going = [self.p.variable(self.p.boolean(value=True)) for _ in range(self.trials.step.together)]

    def make(self, trial: Value, number: Value, losses: list[Value]) -> Value:
        """Update trials whose loss is within bounds; note the step of divergence of others; returns if any goes on."""
        for n, (loss, going) in enumerate(zip(losses, self.going, strict=True)):
            fine = loss <= self.bounds.load(trial + n)
            with self.p.when(self.p.bitwise("and", going.get(), self.p.logical_not(fine))):
                self.diverged.store(trial + n, number)
                going.set(self.p.boolean(value=False))
            with self.p.when(going.get()):
                self._make(trial + n, number, self.trials.step.size * n)
        return functools.reduce(lambda a, b: self.p.bitwise("or", a, b), [going.get() for going in self.going])

    def _make(self, trial: Value, number: Value, first: Value) -> None:
        """Update a trial whose rows begin at a place."""
        p, step = self.p, self.trials.step
        rate = self.rates.load(trial) * self.corrections.load(number * 2)
        root = self.corrections.load(number * 2 + 1)
        with p.loop(first + step.size, start=first, step=p.lanes) as place:
            own = [array.load(place, p.lanes) for array in self.trials.own]
            gradient = step.gradient.load(place, p.lanes)
            weights, slots = updated(p, self.rule, own[0], gradient, own[1:], rate, root)
            for array, value in zip(self.trials.own, [weights, *slots], strict=True):
                array.store(place, value)


class Batch:
    """The points of an update, gathered from all points in the orders of the trial's epochs, one after another."""

    def __init__(self, p: Program, step: TrainingStep) -> None:
        self.p, self.step = p, step
        self.points, self.permutations = (
            p.array_parameter("points"),
            p.array_parameter("permutations", "num_trials", "permutation_size", integers=True),
        )
        self.permutation_size, self.batch_size = p.int_parameter("permutation_size"), p.int_parameter("batch_size")
        self.first_batch = p.int_parameter("first_batch")

    def fetch(self, trial: Value, number: Value) -> None:
        """Gather the batch of a step; lanes left over hold its last point again."""
        p, step = self.p, self.step
        inputs, outputs = p.int_constant(step.num_inputs), step.spec.num_outputs
        size = inputs + padded(outputs, step.spec.multiple_in_points(p.lanes))
        start = trial * self.permutation_size + (self.first_batch + number) * self.batch_size
        with p.loop(step.stride) as lane:
            last = self.batch_size - 1
            place = self.permutations.load(start + p.select(lane < last, lane, last)) * size
            point = Array(p, self.points.at(place), p.real)
            step.bring(point, lane)
            for k in range(outputs):
                step.y.store(step.stride * k + lane, point.load(inputs + k))
