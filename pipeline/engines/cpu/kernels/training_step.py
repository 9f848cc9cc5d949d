"""The training step of a kernel: forward and backward pass, whatever the model.

Points are worked through a tile at a time, forward and backward, so that of a trial
nothing is written but its sums over points and what one tile needs. Lanes are
points; a sum over points is kept as one sum for each lane until all tiles are done.

Many points come in chunks of tiles, each with sums and a gradient of its own; these are
added in the order of the chunks, so that it does not matter which core computes which chunk.

Weights of a trial lie in rows, padded to full registers with zeros.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from pipeline.engines.cpu.codegen.buffers import TILE_REGISTERS
from pipeline.engines.cpu.codegen.simd import Array, FloatDtype, Number, Program, Value, total
from pipeline.engines.cpu.kernels.losses import loss_and_slopes
from pipeline.problems.losses import Loss


class KernelSpec(ABC):
    """What a kernel is compiled for: model, loss and dtype. Widths and numbers of points are arguments of the kernel.

    Specs that compare equal have the same kernels.
    """

    num_outputs: int
    loss: Loss
    dtype: FloatDtype

    @property
    def together(self) -> int:
        """Trials worked on together: each input is then loaded once for all of them."""
        return 1

    @property
    def grouped(self) -> KernelSpec:
        """The spec for as many trials together as is fastest, none of whose numbers change by it."""
        return self

    @property
    def inputs_in_lanes(self) -> bool:
        """Whether lanes are inputs, not points, in the sums for the weights of inputs."""
        return False

    def multiple_in_points(self, lanes: int) -> int:
        """The multiple that inputs and targets of a point are each filled up to, where batches are gathered from.

        Args:
            lanes: Lanes of a register.

        Returns:
            1 where numbers are gathered one by one.
        """
        return 1

    @abstractmethod
    def input_rows(self, of: str) -> int | str:
        """Rows of the inputs, on ``all`` points or those of a ``batch``: an integer, or the parameter that holds it."""

    @abstractmethod
    def operations(self, width: int) -> int:
        """Floating-point operations at one point, forward and backward, for a width."""

    @abstractmethod
    def size(self, width: int, lanes: int) -> int:
        """Numbers in the rows of one trial, for a width and the lanes of a register."""

    @abstractmethod
    def places(self, width: int, lanes: int) -> np.ndarray:
        """Where each flattened weight of a trial lies in its rows.

        Args:
            width: W.
            lanes: Lanes of a register.

        Returns:
            Indices, shape ``[N]``, int64.
        """

    @abstractmethod
    def buffer_sizes(self, width: int, lanes: int, batch: int) -> dict[str, int]:
        """Numbers in each array that the step works in.

        Args:
            width: W.
            lanes: Lanes of a register.
            batch: Points of a minibatch, filled up to full registers.

        Returns:
            Lengths by the names of the kernel's parameters.
        """

    @abstractmethod
    def step(self, p: Program, of: str) -> TrainingStep:
        """Its forward and backward pass, on ``all`` points or those of a ``batch``."""


class Tile:
    """Neighbouring points, one in each lane.

    Args:
        p: The program.
        step: The step whose points they are.
        first: Number of the first.
        lanes: How many: one register of them or ``TILE_REGISTERS``.
        start: The first point of the chunk that they belong to.
    """

    def __init__(self, p: Program, step: TrainingStep, first: Value, lanes: int, start: Value) -> None:
        self.p, self.step, self.first, self.lanes, self.start = p, step, first, lanes, start
        inputs = step.num_inputs
        self.x = [self.load(i) for i in range(inputs)] if step.inputs_in_registers and isinstance(inputs, int) else None

    def load(self, i: Number) -> Value:
        """Input i of all its points."""
        return self.step.x.load(self.step.stride * i + self.first, self.lanes)

    def for_each_input(self, work: Callable[[Number, Value], None]) -> None:
        """Call ``work(i, x_i)`` for every input: few are written out and stay in registers, many take a loop."""
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
        spec: Model and loss.
        of: Prefix of the parameters of its points: ``all``, or those of a ``batch``.
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
        self.x = p.array_parameter(f"{of}_inputs", f"{of}_stride", spec.input_rows(of))
        self.y = p.array_parameter(f"{of}_targets", f"{of}_stride", spec.num_outputs)
        self.weights, self.gradient = p.array_parameter("own_weights", "size"), p.array_parameter("own_gradient")
        self.sums, self.zeros = p.array_parameter("sums"), p.array_parameter("zeros")
        self.output_sums, self.chunk_losses = p.array_parameter("output_sums"), p.array_parameter("chunk_losses")

    @property
    @abstractmethod
    def num_sums(self) -> int:
        """Sums over points that are kept for each hidden unit or feature."""

    @abstractmethod
    def forward(self, tile: Tile) -> list[Value]:
        """The outputs f at the points of a tile: K values of each trial, one trial after another."""

    @abstractmethod
    def backward(self, tile: Tile, slopes: list[Value]) -> None:
        """Add a tile to the sums over points, given the slopes ``dl/df`` at its points."""

    def gather_inputs(self, point: Array, lane: Value) -> None:
        """Copy the inputs of a point to a lane of the batch; a step on all points copies none."""
        raise NotImplementedError

    @abstractmethod
    def collect(self, gradient: Array) -> list[Value]:
        """Add up the lanes of all sums into the rows of a gradient.

        Args:
            gradient: Rows of the gradient of a chunk.

        Returns:
            The loss of each trial on the chunk.
        """

    def value_and_gradient(self) -> list[Value]:
        """Write the pass over all points, chunk after chunk; the gradient is left in its rows.

        Returns:
            The loss of each trial.
        """
        with self.p.loop(self.num_chunks) as number:
            self.chunk(number)
        return self.add_chunks()

    def chunk(self, number: Value) -> None:
        """Write the pass over the points of one chunk, whose gradient and loss are left at its number."""
        p, wide = self.p, self.p.lanes * TILE_REGISTERS
        first, last = self.chunks.load(number), self.chunks.load(number + 1)
        # Sums of hidden units need no zeros: the first tile of a chunk overwrites them (``sums_of``).
        for place in range(self.num_biases + self.together):
            self.output_sums.store(place * p.lanes, p.constant(0.0, p.lanes))
        with p.loop(last, start=first) as tile:
            self.tile(tile * wide, wide, first * wide)
        # The registers that fill no wide tile belong to the last chunk.
        with p.loop(p.select(last < self.wide_tiles, p.int_constant(0), self.narrow_tiles)) as tile:
            self.tile(self.wide_tiles * wide + tile * p.lanes, p.lanes, first * wide)
        losses = self.collect(Array(p, self.gradient.at(number * self.whole_size), p.real))
        for n, loss in enumerate(losses):
            self.chunk_losses.store(number * self.together + n, loss)

    def add_chunks(self) -> list[Value]:
        """Add the gradients of all chunks to that of the first, in their order.

        Returns:
            The loss of each trial.
        """
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
        """Write forward and backward pass of one tile.

        Args:
            first: Number of its first point.
            lanes: Its points.
            start: The first point of the chunk.
        """
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
        """The function that adds a tile to the sums over points.

        The first tile of a chunk adds to zeros instead of what was left there before.

        Args:
            tile: The tile.

        Returns:
            ``add(unit, place, left, right)``: it adds the lanes of ``left``, or of its products with ``right``, to the
            sum of a unit at a place.
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
        """The loss of each trial on a chunk: its lanes added up."""
        lanes, first = self.p.lanes, self.num_biases
        return [self.output_sums.load((first + n) * lanes, lanes).sum() for n in range(self.together)]

    def summed(self, unit: Value, place: Number) -> Value:
        """One sum over points of as many neighbouring units as lanes, each in one lane."""
        lanes, num_sums = self.p.lanes, self.num_sums
        first = unit * (num_sums * lanes) + self.p.int_constant(place) * lanes
        return self.p.horizontal_sums([self.sums.load(first + n * num_sums * lanes, lanes) for n in range(lanes)])


def plus_products(p: Program, start: Value, a: list[Value], b: list[Value]) -> Value:
    """``start + a_1 b_1 + a_2 b_2 + ...`` from left to right, each step rounded once."""
    for left, right in zip(a, b, strict=True):
        start = p.fma(left, right, start)
    return start
