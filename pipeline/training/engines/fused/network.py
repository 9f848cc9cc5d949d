"""Value, gradient and updates of networks with one hidden layer, each trial from its first step to its last.

Points are worked through a tile at a time, forward and backward, so that of a trial
nothing is written but the hidden values of one tile and its sums over points. Lanes are
points; a sum over points is kept as one sum for each lane until all tiles are done. In the
sums for the weights of many inputs lanes are inputs, since those of all lanes would be too many.

Many points come in chunks of tiles, each with sums and a gradient of its own; these are
added in the order of the chunks, so that it does not matter which core computes which chunk.

Weights of a trial lie in rows of hidden units, padded to full registers with zeros: one row
for each input, one for the biases, one for each output; then the biases of the outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.models.activations import Activation
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.losses import Loss
from pipeline.training.engines.fused.activations import STRAIGHT, activate, times_derivative
from pipeline.training.engines.fused.lanes import Array, Dtype, Number, Program, Value, total
from pipeline.training.engines.fused.losses import loss_and_slopes
from pipeline.training.engines.fused.updates import updated

TILE_REGISTERS = 4
"""Registers of points worked on at a time: enough that no instruction waits for the one before."""

MOST_WRITTEN_OUT = 8
"""Inputs that are kept in registers, or where the processor has too few, on the stack."""
UNITS_TOGETHER = 4

MOST_SUMS_OF_LANES = 32
"""Inputs up to which a sum is kept for each lane of points; of more, so many sums would not stay in the cache."""
REGISTERS_TOGETHER = 4
"""Registers of inputs that are summed together: with the units, half as many sums as AVX-512 has registers."""


@dataclass(frozen=True)
class Network:
    """What a kernel is written for; widths and numbers of points are told to it when it runs."""

    num_inputs: int
    num_outputs: int
    activation: Activation
    loss: Loss
    dtype: Dtype

    @property
    def together(self) -> int:
        """Hidden units worked on together: of many inputs each is then loaded once for all of them."""
        return 1 if self.num_inputs <= MOST_WRITTEN_OUT else UNITS_TOGETHER

    @property
    def operations_of_unit(self) -> int:
        """Floating-point operations at one point, forward and backward."""
        return 4 * self.num_inputs + 6 * self.num_outputs + 4

    @property
    def rows(self) -> int:
        """Rows of weights of hidden units."""
        return self.num_inputs + 1 + self.num_outputs

    @property
    def derived(self) -> bool:
        """Whether the gradient of the output weights follows from that of the hidden ones.

        It is the sum over points of slope times value; the value of a straight activation is
        its derivative times ``a x + c``.
        """
        return self.num_outputs == 1 and isinstance(self.activation, STRAIGHT)

    @property
    def inputs_in_lanes(self) -> bool:
        """Whether lanes are inputs, not points, in the sums for the weights of inputs."""
        return self.num_inputs > MOST_SUMS_OF_LANES

    @property
    def place_of_bias(self) -> int:
        """The place of the sum for the bias among those with points in their lanes."""
        return 0 if self.inputs_in_lanes else self.num_inputs

    @property
    def sums(self) -> int:
        """Sums over points that are taken for each hidden unit, with points in their lanes."""
        return self.place_of_bias + 1 + (0 if self.derived else self.num_outputs)


def padded(number: int, lanes: int) -> int:
    """The next multiple of the lanes."""
    return -(-number // lanes) * lanes


def places(network: Network, width: int, lanes: int) -> np.ndarray:
    """Where each of the flat weights of a trial lies in its rows, shape ``[N]``."""
    row, inputs, outputs = padded(width, lanes), network.num_inputs, network.num_outputs
    hidden_WC = np.arange(inputs + 1)[None, :] * row + np.arange(width)[:, None]
    output_KF = np.empty((outputs, width + 1), dtype=np.int64)
    output_KF[:, :width] = (inputs + 1 + np.arange(outputs))[:, None] * row + np.arange(width)
    output_KF[:, width] = network.rows * row + np.arange(outputs)
    return np.concatenate([hidden_WC.ravel(), output_KF.ravel()])


class Tile:
    """Some points, one in each lane.

    Args:
        p: The program.
        step: Where the points lie.
        first: The first of them.
        lanes: How many.
        start: The first point of the chunk that they belong to.
    """

    def __init__(self, p: Program, step: Step, first: Value, lanes: int, start: Value) -> None:
        self.p, self.step, self.first, self.lanes, self.start = p, step, first, lanes, start
        few = step.network.num_inputs <= MOST_WRITTEN_OUT
        self.x = [self.load(i) for i in range(step.network.num_inputs)] if few else None

    def load(self, i: Number) -> Value:
        """One input of all points."""
        return self.step.x.load(self.step.stride * i + self.first, self.lanes)

    def for_each_input(self, work: Callable[[Number, Value], None]) -> None:
        """Do work with the number and the values of every input: few stay in registers, of many a loop is made."""
        if self.x is not None:
            for i, x in enumerate(self.x):
                work(i, x)
        else:
            with self.p.loop(self.step.network.num_inputs) as number:
                work(number, self.load(number))


class Step:
    """The forward and backward pass, written into a program.

    Args:
        p: The program.
        network: What to compute.
        of: On which points: ``all`` or those of a ``batch``.
    """

    def __init__(self, p: Program, network: Network, of: str) -> None:
        self.p, self.network = p, network
        self.width, self.row, self.size = p.size("width"), p.size("row"), p.size("size")
        self.num_chunks, self.chunks = p.size(f"{of}_num_chunks"), p.array(f"{of}_chunks", whole=True)
        self.wide_tiles, self.narrow_tiles = p.size(f"{of}_wide_tiles"), p.size(f"{of}_narrow_tiles")
        self.stride, self.share = p.size(f"{of}_stride"), p.array(f"{of}_share")
        self.x, self.y = p.array(f"{of}_inputs"), p.array(f"{of}_targets")
        self.weights, self.gradient = p.array("own_weights"), p.array("own_gradient")
        self.hidden, self.sums, self.zeros = p.array("hidden"), p.array("sums"), p.array("zeros")
        self.output_sums, self.chunk_losses = p.array("output_sums"), p.array("chunk_losses")
        self.output_biases = self.row * network.rows
        if self.inputs_in_lanes:
            self.columns, self.input_sums = p.array(f"{of}_columns"), p.array("input_sums")
            self.column = padded(network.num_inputs, p.lanes)

    @property
    def inputs_in_lanes(self) -> bool:
        """Whether lanes are inputs, not points, in the sums for the weights of inputs."""
        return self.network.inputs_in_lanes

    @property
    def num_sums(self) -> int:
        """Sums over points that are taken for each hidden unit."""
        return self.network.sums

    def value_and_gradient(self) -> Value:
        """Write the pass over all points; the gradient is left in its rows, the loss is returned."""
        with self.p.loop(self.num_chunks) as number:
            self.chunk(number)
        return self.add_chunks()

    def chunk(self, number: Value) -> None:
        """Write the pass over the points of a chunk; its gradient and its loss are left in places of their own."""
        p, wide = self.p, self.p.lanes * TILE_REGISTERS
        first, last = self.chunks.load(number), self.chunks.load(number + 1)
        for place in range(self.network.num_outputs + 1):
            self.output_sums.store(place * p.lanes, p.number(0.0, p.lanes))
        with p.loop(last, start=first) as tile:
            self.tile(tile * wide, wide, first * wide)
        with p.loop(p.select(last < self.wide_tiles, p.whole(0), self.narrow_tiles)) as tile:
            self.tile(self.wide_tiles * wide + tile * p.lanes, p.lanes, first * wide)
        self.chunk_losses.store(number, self.collect(Array(p, self.gradient.at(number * self.size), p.real)))

    def add_chunks(self) -> Value:
        """Add the gradients of all chunks to that of the first, in their order; returns the loss."""
        p, lanes = self.p, self.p.lanes
        with p.loop(self.num_chunks, start=1) as number:
            with p.loop(self.size, step=lanes) as place:
                before = self.gradient.load(place, lanes)
                self.gradient.store(place, before + self.gradient.load(number * self.size + place, lanes))
            self.chunk_losses.store(0, self.chunk_losses.load(0) + self.chunk_losses.load(number))
        return self.chunk_losses.load(0)

    def tile(self, first: Value, lanes: int, start: Value) -> None:
        """Points from one on, as many as lanes, of the chunk that starts at a point."""
        p, outputs = self.p, self.network.num_outputs
        tile = Tile(p, self, first, lanes, start)
        f = self.forward(tile)
        y = [self.y.load(self.stride * k + first, lanes) for k in range(outputs)]
        value, slopes = loss_and_slopes(p, self.network.loss, f, y, self.share.load(first, lanes))
        for place, summand in enumerate([*slopes, value]):
            before = self.output_sums.load(place * p.lanes, p.lanes)
            self.output_sums.store(place * p.lanes, total([before, *summand.parts(p.lanes)]))
        self.backward(tile, slopes)

    def over_units(self, work: Callable[[Value, int], None]) -> None:
        """Do work on all hidden units: the first of some, and how many."""
        p, together = self.p, self.network.together
        whole = self.width / together * together
        with p.loop(whole, step=together) as unit:
            work(unit, together)
        if together > 1:
            with p.loop(self.width, start=whole) as unit:
                work(unit, 1)

    def forward(self, tile: Tile) -> list[Value]:
        """The outputs; the hidden values of the tile are kept for the way back."""
        p, inputs, outputs = self.p, self.network.num_inputs, self.network.num_outputs
        biases = [self.weights.load(self.output_biases + k) for k in range(outputs)]
        f = [p.variable(p.spread(bias, tile.lanes)) for bias in biases]

        def work(unit: Value, count: int) -> None:
            biases = [self.weights.load(self.row * inputs + unit + n) for n in range(count)]
            z = [p.variable(p.spread(bias, tile.lanes)) for bias in biases]

            def add_input(i: Number, x: Value) -> None:
                for n in range(count):
                    z[n].set(p.fma(self.weights.load(self.row * i + unit + n), x, z[n].get()))

            tile.for_each_input(add_input)
            h = [activate(p, self.network.activation, value.get()) for value in z]
            for n in range(count):
                self.hidden.store((unit + n) * tile.lanes, h[n])
            for k in range(outputs):
                for n in range(count):
                    weight = self.weights.load(self.row * (inputs + 1 + k) + unit + n)
                    f[k].set(p.fma(weight, h[n], f[k].get()))

        self.over_units(work)
        return [output.get() for output in f]

    def sums_of(self, tile: Tile) -> Callable[[Value, Number, list[Value], list[Value] | None], None]:
        """What adds the lanes of some values of a tile, or of their products with others, to one sum of a unit.

        The first tile of a chunk adds to zeros instead of what was left there before.
        """
        p, num_sums = self.p, self.num_sums
        is_first = p.compare("==", tile.first, tile.start)
        base = Array(p, p.builder.select(is_first.ir, self.zeros.address, self.sums.address), p.real)
        pace = p.select(is_first, p.whole(0), p.whole(num_sums * p.lanes))

        def add(unit: Value, place: Number, left: list[Value], right: list[Value] | None) -> None:
            place = p.whole(place) * p.lanes
            before = base.load(pace * unit + place, p.lanes)
            after = total([before, *left]) if right is None else plus_products(p, before, left, right)
            self.sums.store(unit * (num_sums * p.lanes) + place, after)

        return add

    def backward(self, tile: Tile, slopes: list[Value]) -> None:
        """Add the tile to the sums over points."""
        p, network, bias = self.p, self.network, self.network.place_of_bias
        add = self.sums_of(tile)
        slope_parts = [slope.parts(p.lanes) for slope in slopes]

        def work(unit: Value, count: int) -> None:
            units = [unit + n for n in range(count)]
            h = [self.hidden.load(own * tile.lanes, tile.lanes) for own in units]
            slope = [self.slope_of_hidden(own, slopes) for own in units]
            whole = [times_derivative(p, network.activation, s, value) for s, value in zip(slope, h, strict=True)]
            q = [value.parts(p.lanes) for value in whole]

            def add_input(i: Number, x: Value) -> None:
                for n, own in enumerate(units):
                    add(own, i, q[n], x.parts(p.lanes))

            if not self.inputs_in_lanes:
                tile.for_each_input(add_input)
            for n, own in enumerate(units):
                add(own, bias, q[n], None)
                if not network.derived and len(slopes) == 1:  # a product that the derivative has taken already
                    add(own, bias + 1, (slopes[0] * h[n]).parts(p.lanes), None)
                elif not network.derived:
                    for k, parts in enumerate(slope_parts):
                        add(own, bias + 1 + k, parts, h[n].parts(p.lanes))
                if self.inputs_in_lanes:
                    self.hidden.store(own * tile.lanes, whole[n])  # its value is not needed any more

        self.over_units(work)
        if self.inputs_in_lanes:
            self.over_units(self.input_sums_of(tile))

    def input_sums_of(self, tile: Tile) -> Callable[[Value, int], None]:
        """What adds a tile to the sums for the weights of inputs, once slopes stand where hidden values were."""
        p, lanes = self.p, self.p.lanes
        is_first = p.compare("==", tile.first, tile.start)
        base = Array(p, p.builder.select(is_first.ir, self.zeros.address, self.input_sums.address), p.real)
        pace = p.select(is_first, p.whole(0), p.whole(self.column))

        def work(unit: Value, count: int) -> None:
            units = [unit + n for n in range(count)]
            for start in range(0, self.column, REGISTERS_TOGETHER * lanes):
                places = range(start, min(start + REGISTERS_TOGETHER * lanes, self.column), lanes)
                sums = [[p.variable(base.load(pace * own + place, lanes)) for place in places] for own in units]
                with p.loop(tile.lanes) as point:
                    x = [self.columns.load((tile.first + point) * self.column + place, lanes) for place in places]
                    for own, of_unit in zip(units, sums, strict=True):
                        slope = self.hidden.load(own * tile.lanes + point)
                        for value, sum_ in zip(x, of_unit, strict=True):
                            sum_.set(p.fma(slope, value, sum_.get()))
                for own, of_unit in zip(units, sums, strict=True):
                    for place, sum_ in zip(places, of_unit, strict=True):
                        self.input_sums.store(own * self.column + place, sum_.get())

        return work

    def slope_of_hidden(self, unit: Value, slopes: list[Value]) -> Value:
        """The slope of the loss in a hidden value; of one output, its weight comes in once all points are summed."""
        if len(slopes) == 1:
            return slopes[0]
        first = self.row * (self.network.num_inputs + 1) + unit
        slope = slopes[0] * self.weights.load(first)
        for k in range(1, len(slopes)):
            slope = self.p.fma(slopes[k], self.weights.load(first + self.row * k), slope)
        return slope

    def collect(self, gradient: Array) -> Value:
        """Add up the lanes of all sums into rows of the gradient of a chunk; returns its loss."""
        p, network, lanes = self.p, self.network, self.p.lanes
        inputs, outputs = network.num_inputs, network.num_outputs
        with p.loop(self.row, step=lanes) as unit:
            last = self.row * (inputs + 1) + unit
            factor = self.weights.load(last, lanes) if outputs == 1 else p.number(1.0, lanes)
            derived = p.variable(p.number(0.0, lanes))

            def take(number: Number, value: Value, unit: Value = unit) -> None:
                if network.derived:
                    derived.set(p.fma(self.weights.load(self.row * number + unit, lanes), value, derived.get()))
                gradient.store(self.row * number + unit, factor * value)

            if self.inputs_in_lanes:
                with p.loop(inputs) as number:
                    take(
                        number,
                        p.gathered([self.input_sums.load((unit + n) * self.column + number) for n in range(lanes)]),
                    )
                take(inputs, self.summed(unit, network.place_of_bias))
            else:
                with p.loop(inputs + 1) as number:
                    take(number, self.summed(unit, number))
            if network.derived:
                gradient.store(last, derived.get())
            else:
                with p.loop(outputs) as number:
                    gradient.store(last + self.row * number, self.summed(unit, number + (network.place_of_bias + 1)))
        for k in range(outputs):
            gradient.store(self.output_biases + k, self.output_sums.load(k * lanes, lanes).sum())
        return self.output_sums.load(outputs * lanes, lanes).sum()

    def summed(self, unit: Value, place: Number) -> Value:
        """One sum over all points of as many units as lanes, each in one lane."""
        lanes, num_sums = self.p.lanes, self.num_sums
        first = unit * (num_sums * lanes) + self.p.whole(place) * lanes
        return self.p.sums([self.sums.load(first + n * num_sums * lanes, lanes) for n in range(lanes)])


def plus_products(p: Program, start: Value, a: list[Value], b: list[Value]) -> Value:
    """A sum and the products of some values, from left to right."""
    for left, right in zip(a, b, strict=True):
        start = p.fma(left, right, start)
    return start


class Trial:
    """The weights of one trial after another, brought from the stack into rows and back."""

    def __init__(self, p: Program, step: Step, slots: int) -> None:
        self.p, self.step = p, step
        self.num_weights = p.size("num_weights")
        self.places = p.array("places", whole=True)
        self.flat = [p.array(name) for name in ("weights", *(f"slot_{n}" for n in range(slots)))]
        self.own = [step.weights, *(p.array(f"own_slot_{n}") for n in range(slots))]

    def fetch(self, trial: Value) -> None:
        """Bring a trial into rows."""
        with self.p.loop(self.num_weights) as n:
            place = self.places.load(n)
            for flat, own in zip(self.flat, self.own, strict=True):
                own.store(place, flat.load(trial * self.num_weights + n))

    def give_back(self, trial: Value) -> None:
        """Bring the rows back to the stack."""
        with self.p.loop(self.num_weights) as n:
            place = self.places.load(n)
            for flat, own in zip(self.flat, self.own, strict=True):
                flat.store(trial * self.num_weights + n, own.load(place))


def gradient_program(network: Network) -> Program:
    """Loss and gradient of trials at their weights."""
    p = Program(network.dtype)
    step = Step(p, network, "all")
    trials = Trial(p, step, 0)
    losses, flat_gradient = p.array("losses"), p.array("gradient")
    num_trials = p.size("num_trials")
    with p.loop(num_trials) as trial:
        trials.fetch(trial)
        losses.store(trial, step.value_and_gradient())
        with p.loop(trials.num_weights) as n:
            flat_gradient.store(trial * trials.num_weights + n, step.gradient.load(trials.places.load(n)))
    return p


def training_program(network: Network, rule: UpdateRule, *, minibatches: bool) -> Program:
    """Some updates of trials; a trial whose loss is out of bounds is left at once."""
    p = Program(network.dtype)
    step = Step(p, network, "batch" if minibatches else "all")
    trials = Trial(p, step, rule.slots)
    update = Update(p, trials, rule)
    num_trials, num_steps = p.size("num_trials"), p.size("num_steps")
    batch = Batch(p, step) if minibatches else None
    with p.loop(num_trials) as trial:
        trials.fetch(trial)
        going = p.variable(num_steps)  # becomes zero when the trial has diverged, which ends its loop
        with p.loop(going.get) as number:
            if batch is not None:
                batch.fetch(trial, number)
            fine = update.make(trial, number, step.value_and_gradient())
            with p.when(p.negation(fine)):
                going.set(p.whole(0))
        trials.give_back(trial)
    return p


def chunk_program(network: Network) -> Program:
    """One chunk of the gradient of a trial whose weights lie in rows."""
    p = Program(network.dtype)
    step = Step(p, network, "all")
    step.chunk(p.size("chunk"))
    return p


def update_program(network: Network, rule: UpdateRule) -> Program:
    """One update of a trial that lies in rows, once all chunks of its gradient are there."""
    p = Program(network.dtype)
    step = Step(p, network, "all")
    update = Update(p, Trial(p, step, rule.slots), rule)
    update.make(p.whole(0), p.size("number"), step.add_chunks())
    return p


class Update:
    """The updates of a trial in rows."""

    def __init__(self, p: Program, trials: Trial, rule: UpdateRule) -> None:
        self.p, self.trials, self.rule = p, trials, rule
        self.rates, self.bounds = p.array("rates"), p.array("bounds")
        self.corrections, self.diverged = p.array("corrections"), p.array("diverged", whole=True)

    def make(self, trial: Value, number: Value, loss: Value) -> Value:
        """Update a trial if its loss is within bounds, or note the step as that of its divergence; returns which."""
        p, step = self.p, self.trials.step
        fine = loss <= self.bounds.load(trial)
        with p.when(p.negation(fine)):
            self.diverged.store(trial, number)
        with p.when(fine):
            rate = self.rates.load(trial) * self.corrections.load(number * 2)
            root = self.corrections.load(number * 2 + 1)
            with p.loop(step.size, step=p.lanes) as place:
                own = [array.load(place, p.lanes) for array in self.trials.own]
                gradient = step.gradient.load(place, p.lanes)
                weights, slots = updated(p, self.rule, own[0], gradient, own[1:], rate, root)
                for array, value in zip(self.trials.own, [weights, *slots], strict=True):
                    array.store(place, value)
        return fine


class Batch:
    """The points of an update, gathered from all points in the order of the trial's epoch."""

    def __init__(self, p: Program, step: Step) -> None:
        self.p, self.step = p, step
        self.points, self.orders = p.array("points"), p.array("orders", whole=True)
        self.num_points, self.batch_size = p.size("num_points"), p.size("batch_size")
        self.first_batch = p.size("first_batch")

    def fetch(self, trial: Value, number: Value) -> None:
        """Gather the batch of a step; lanes left over hold its last point again."""
        p, network = self.p, self.step.network
        columns = network.num_inputs + network.num_outputs
        start = trial * self.num_points + (self.first_batch + number) * self.batch_size
        with p.loop(self.step.stride) as lane:
            last = self.batch_size - 1
            point = self.orders.load(start + p.select(lane < last, lane, last)) * columns
            for i in range(network.num_inputs):
                value = self.points.load(point + i)
                self.step.x.store(self.step.stride * i + lane, value)
                if self.step.inputs_in_lanes:
                    self.step.columns.store(lane * self.step.column + i, value)
            for k in range(network.num_outputs):
                value = self.points.load(point + (network.num_inputs + k))
                self.step.y.store(self.step.stride * k + lane, value)
