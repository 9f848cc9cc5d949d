"""Steps of smooth networks of one input under the square loss, on Chebyshev nodes where these are enough.

Units are evaluated at the nodes, forward and backward, as they would be at points. In between, the slopes at the nodes
are ``G e + d`` (see ``chebyshev_nodes.py``): what the slopes at all points are worth there, for any function that the
polynomial through the nodes follows. How many nodes are enough the weights of each step say, and nothing before them; a
unit that is too steep for any of them sends its trial to all points.
"""

from __future__ import annotations

from pipeline.engines.cpu.codegen.simd import Array, Program, Value, total
from pipeline.engines.cpu.kernels.network import NetworkSpec, NetworkStep
from pipeline.engines.cpu.kernels.training import TrialRows, Update
from pipeline.engines.cpu.kernels.training_step import Tile
from pipeline.optimizers.rules import UpdateRule

NODE_REGISTERS = 2
"""Registers of nodes worked on at a time."""


def node_buffer_sizes(width: int, num_outputs: int, most_nodes: int) -> dict[str, int]:
    """Numbers in each array that a step on nodes works in, besides those of a step on points."""
    return {"node_hidden": width * most_nodes, "node_errors": num_outputs * most_nodes}


class NodeStep(NetworkStep):
    """The forward and backward pass on nodes, written into a program.

    Args:
        p: The program.
        network: The spec.
    """

    def __init__(self, p: Program, network: NetworkSpec) -> None:
        super().__init__(p, network, "node")
        self.num_levels = p.int_parameter("num_levels")
        self.counts = p.array_parameter("node_counts", "num_levels", integers=True)
        self.slopes = p.array_parameter("node_slopes", "num_levels")
        self.constants = p.array_parameter("node_constants", "num_levels")
        self.all_inputs, self.all_targets = self.x, self.y
        self.all_offsets, self.all_grams = p.array_parameter("node_offsets"), p.array_parameter("node_grams")
        self.values, self.errors = p.array_parameter("node_hidden"), p.array_parameter("node_errors")

    def level(self) -> Value:
        """The first level whose nodes are enough for the units of a trial, ``num_levels`` where there is none."""
        p = self.p
        largest = p.variable(p.constant(0.0, p.lanes))
        with p.loop(self.row, step=p.lanes) as unit:
            slope = p.intrinsic("fabs", self.weights.load(unit, p.lanes))
            largest.set(p.select(slope > largest.get(), slope, largest.get()))
        steepest = largest.get()
        while steepest.lanes > 1:
            low, high = steepest.parts(steepest.lanes // 2)
            steepest = p.select(low > high, low, high)
        found = p.variable(self.num_levels)
        with p.loop(self.num_levels) as number:
            level = self.num_levels - 1 - number
            found.set(p.select(steepest <= self.slopes.load(level), level, found.get()))
        return found.get()

    def on_nodes(self, level: Value) -> Value:
        """Write forward and backward pass on the nodes of a level; the gradient is left in its rows.

        Returns:
            The loss.
        """
        p, wide, outputs = self.p, self.p.lanes * NODE_REGISTERS, self.network.num_outputs
        count, nothing = self.counts.load(level), p.int_constant(0)
        self.x, self.y = self._of_level(self.all_inputs, level, 1), self._of_level(self.all_targets, level, outputs)
        offsets = self._of_level(self.all_offsets, level, outputs)
        for number in range(self.num_biases + 1):
            self.output_sums.store(number * p.lanes, p.constant(0.0, p.lanes))
        with p.loop(count, step=wide) as first:
            self._go_to(first)
            for k, f in enumerate(self.forward(Tile(p, self, first, wide, nothing))):
                place = self.stride * k + first
                self.errors.store(place, f - self.y.load(place, wide))
        with p.loop(count, step=wide) as first:
            self._go_to(first)
            slopes = self._slopes(level, count, first, offsets)
            both = [
                self.errors.load(self.stride * k + first, wide) * (slope + offsets.load(self.stride * k + first, wide))
                for k, slope in enumerate(slopes)
            ]
            for number, summand in enumerate([*slopes, total(both)]):
                before = self.output_sums.load(number * p.lanes, p.lanes)
                self.output_sums.store(number * p.lanes, total([before, *summand.parts(p.lanes)]))
            self.backward(Tile(p, self, first, wide, nothing), slopes)
        (twice,) = self.collect(self.gradient)
        return (twice + self.constants.load(level)) * 0.5

    def _slopes(self, level: Value, count: Value, first: Value, offsets: Array) -> list[Value]:
        """What the slopes at all points are worth at the nodes of a tile, for each output."""
        p, wide = self.p, self.p.lanes * NODE_REGISTERS
        gram = self._of_level(self.all_grams, level, self.stride)
        places = [self.stride * k for k in range(self.network.num_outputs)]
        sums = [p.variable(offsets.load(place + first, wide)) for place in places]
        with p.loop(count) as node:
            row = gram.load(self.stride * node + first, wide)
            for place, sum_ in zip(places, sums, strict=True):
                sum_.set(p.fma(row, p.broadcast(self.errors.load(place + node), wide), sum_.get()))
        return [sum_.get() for sum_ in sums]

    def _of_level(self, array: Array, level: Value, rows: Value | int) -> Array:
        return Array(self.p, array.at(level * (self.stride * rows)), self.p.real)

    def _go_to(self, first: Value) -> None:
        """The hidden values are now those of the tile that starts at a node."""
        self.hidden = Array(self.p, self.values.at(self.width * first), self.p.real)


def node_training(network: NetworkSpec, rule: UpdateRule) -> Program:
    """Many updates of trials, each on nodes or on all points; a trial whose loss is out of bounds is left at once."""
    p = Program(network.dtype)
    points, nodes = network.step(p, "all"), NodeStep(p, network)
    trials = TrialRows(p, points, rule.slots)
    update = Update(p, trials, rule)
    num_trials, num_steps = p.int_parameter("num_trials"), p.int_parameter("num_steps")
    with p.loop(num_trials) as trial:
        trials.load(trial)
        going = p.variable(num_steps)
        update.begin()
        with p.loop(going.get) as number:
            level, loss = nodes.level(), p.variable(p.constant(0.0))
            are_enough = level < nodes.num_levels
            with p.when(are_enough):
                loss.set(nodes.on_nodes(level))
            with p.when(p.logical_not(are_enough)):
                loss.set(points.value_and_gradient()[0])
            with p.when(p.logical_not(update.make(trial, number, [loss.get()]))):
                going.set(p.int_constant(0))
        trials.write_back(trial)
    return p
