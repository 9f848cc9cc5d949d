"""Units in the order of their places, by counting: each lane has an order of its own, equal places by their number."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.engines.cpu.codegen.simd import Value
from pipeline.engines.cpu.kernels.unit_places import UnitPlaces


def order_sizes(width: int, num_points: int, lanes: int) -> dict[str, int]:
    """Integers in each array that units are put in order with."""
    return {"places": width * lanes, "order": width * lanes, "counts": (num_points + 1) * lanes}


class UnitOrder:
    """The numbers of units in the order of their places.

    Args:
        step: Who knows the places.
    """

    def __init__(self, step: UnitPlaces) -> None:
        self.step, self.p = step, step.p
        self.order, self.counts = (
            self.p.array_parameter("order", "width", self.p.lanes, integers=True),
            self.p.array_parameter("counts", integers=True),
        )

    def load(self, position: Value) -> Value:
        """The number of the unit at a position, in each lane."""
        return self.step.load(self.order, position)

    def store(self, position: Value, number: Value) -> None:
        """Write the number of the unit at a position."""
        self.order.store(position * self.p.lanes, number)

    def sort(self) -> None:
        """Sort units by their places, by counting; those of one place keep their order."""
        p, step, lanes = self.p, self.step, self.p.lanes
        with p.loop(step.num_points + 1) as place:
            self.counts.store(place * lanes, step.lane * 0)
        with p.loop(step.width) as unit:
            where = step.load_place(unit) * lanes + step.lane
            p.scatter(self.counts, where, p.gather(self.counts, where) + 1)
        before = p.variable(step.lane * 0)
        with p.loop(step.num_points + 1) as place:
            count = self.counts.load(place * lanes, lanes)
            self.counts.store(place * lanes, before.get())
            before.set(before.get() + count)
        with p.loop(step.width) as unit:
            where = step.load_place(unit) * lanes + step.lane
            position = p.gather(self.counts, where)
            p.scatter(self.counts, where, position + 1)
            p.scatter(self.order, position * lanes + step.lane, step.lane * 0 + unit)

    def of_weights(self) -> Iterator[tuple[Value, Value]]:
        """For each weight its number where units are in order, and in each lane that where they are as they were."""
        p, step = self.p, self.step
        with p.loop(step.width) as unit:
            own = self.load(unit)
            for number in range(2):
                yield unit * 2 + number, own * 2 + number
            for k in step.outputs:
                yield step.output(k, unit), own + step.output(k, p.int_constant(0))
        for k in step.outputs:
            bias = step.output(k, step.width)
            yield bias, step.lane * 0 + bias
