"""Trials in the lanes of a block: their learning rates, and which of them still train."""

from __future__ import annotations

from pipeline.engines.cpu.codegen.simd import Program, Value, Variable


class LaneTrials:
    """The trials of one block after another, each in a lane; one whose loss is out of bounds trains no more.

    Args:
        p: The program.
    """

    alive: Variable

    def __init__(self, p: Program) -> None:
        self.p = p
        self.rates, self.bounds = (p.array_parameter(name, "num_blocks", p.lanes) for name in ("rates", "bounds"))
        self.corrections = p.array_parameter("corrections", 2, "num_steps")
        self.diverged = p.array_parameter("diverged", "num_blocks", p.lanes, integers=True)

    def begin(self, block: Value) -> None:
        """Turn to a block, of which all trials train."""
        p, self.first = self.p, block * self.p.lanes
        self.rate, self.bound = self.rates.load(self.first, p.lanes), self.bounds.load(self.first, p.lanes)
        self.alive = p.variable(p.compare("==", p.lane_numbers(), p.lane_numbers()))

    def within_bounds(self, number: Value, loss: Value) -> Value:
        """Which trials still train, with their losses before an update; what is out of bounds is written down.

        Args:
            number: The update, from 0.
            loss: Losses, one for each lane.

        Returns:
            A mask of lanes.
        """
        p = self.p
        fine = p.bitwise("and", self.alive.get(), loss <= self.bound)
        left = p.bitwise("and", self.alive.get(), p.logical_not(fine))
        before = self.diverged.load(self.first, p.lanes)
        self.diverged.store(self.first, p.select(left, p.broadcast(number, p.lanes), before))
        self.alive.set(fine)
        return fine

    def factors(self, number: Value) -> tuple[Value, Value]:
        """Learning rates times the first bias correction of an update, and its second one."""
        return self.rate * self.corrections.load(number * 2), self.corrections.load(number * 2 + 1)
