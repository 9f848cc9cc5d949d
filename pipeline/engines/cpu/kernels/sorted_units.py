"""Networks of one input with a piecewise linear activation under the square loss: a step in ``m`` operations.

With units in the order of their kinks the network is a straight line ``s x + i`` between any two neighbours, and the
sums of ``r x`` and ``r``, of the errors ``r = s x + i - y`` at the points there, are

    ``s sum x^2 + i sum x - sum x y``,  ``s sum x + i sum 1 - sum y``.

These sums over points are differences of tables, which all trials have in common; a unit keeps what the tables say at
its place, and looks again when its place has moved. So a step reads each unit twice, once for the running sums (see
``prefix_sums.py``) and once for its update, and no point at all, but where a kink has passed one.

Each lane, a trial, has its units in an order of its own: by places, equal ones by the numbers of the units, so that it
depends on nothing that was before. Where kinks have passed each other, neighbours are exchanged; where that takes
long, all units are put in order anew.
"""

from __future__ import annotations

import numpy as np

from pipeline.engines.cpu.codegen.simd import Array, Program, Value, Variable
from pipeline.engines.cpu.kernels.lane_trials import LaneTrials
from pipeline.engines.cpu.kernels.prefix_sums import LaneUpdate, Totals
from pipeline.engines.cpu.kernels.unit_order import UnitOrder
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec, UnitPlaces
from pipeline.optimizers.rules import UpdateRule

NUMBER_BITS = 20
"""Bits of a key for the number of a unit, below those for its place."""

MOST_EXCHANGES = 2
"""Exchanges of neighbours in a step, as a multiple of the units, after which all units are put in order anew."""

EDGES = 2
"""Inputs that a unit keeps: of the last point before its place, and of the first one from there on."""

FOREVER = 1 << 60


def num_sums(num_outputs: int) -> int:
    """Sums over points in a table: of 1, x, x^2, and of y and x y for each output."""
    return 3 + 2 * num_outputs


def tables(inputs_P: np.ndarray, targets_KP: np.ndarray) -> tuple[np.ndarray, float]:
    """Sums over the points before each one, and before the end, with the weight ``1 / P`` of a point.

    Args:
        inputs_P: Inputs x in order.
        targets_KP: Targets y.

    Returns:
        Shape ``[P + 1, sums]``, each row 1, x, x^2, then y and x y of each output; and the sum of all ``y^2``.
    """
    x_P, y_KP = inputs_P.astype(np.longdouble), targets_KP.astype(np.longdouble)
    of_outputs = [row_P for y_P in y_KP for row_P in (y_P, x_P * y_P)]
    rows = np.stack([np.ones_like(x_P), x_P, x_P * x_P, *of_outputs]) / len(x_P)
    sums = np.concatenate([np.zeros((len(rows), 1), rows.dtype), np.cumsum(rows, axis=1)], axis=1)
    return np.ascontiguousarray(sums.T.astype(np.float64)), float((y_KP * y_KP).sum() / len(x_P))


def sorted_unit_sizes(spec: OneInputSpec, rule: UpdateRule, width: int, lanes: int) -> dict[str, int]:
    """Numbers in each array that a step works in, all in float64."""
    own = dict.fromkeys(["own_weights", *(f"own_slot_{n}" for n in range(rule.slots))], spec.num_weights(width) * lanes)
    kept = width * (EDGES + num_sums(spec.num_outputs)) * lanes
    return {**own, "kept": kept, "unit_sums": width * 2 * spec.num_outputs * lanes}


class SortedUnits(UnitPlaces):
    """The training of as many trials as there are lanes.

    Args:
        p: The program, in float64.
        spec: The networks; their loss is the square loss.
        rule: The update rule.
    """

    def __init__(self, p: Program, spec: OneInputSpec, rule: UpdateRule) -> None:
        super().__init__(p, spec)
        self.rule, self.order, self.size = rule, UnitOrder(self), num_sums(spec.num_outputs)
        self.tables = p.array_parameter("tables")
        self.square_of_targets = p.array_parameter("square_of_targets")
        self.keys = p.array_parameter("keys", "width", p.lanes, integers=True)
        shape = ("num_blocks", "num_weights", p.lanes)
        self.all_slots = [p.array_parameter(f"slot_{number}", *shape) for number in range(rule.slots)]
        names = ("own_weights", *(f"own_slot_{number}" for number in range(rule.slots)))
        self.own = [p.array_parameter(name, "num_weights", p.lanes) for name in names]
        self.kept, self.sums = p.array_parameter("kept"), p.array_parameter("unit_sums")
        zero = p.constant(0.0, p.lanes)
        self.starts = [(p.variable(zero), p.variable(zero)) for _ in self.outputs]
        self.last_key, self.in_order = p.variable(self.lane * 0), p.variable(p.boolean(value=True))

    # From the order of the weights to that of the places, and back.

    def begin(self, block: Value) -> None:
        """Turn to a block of trials: find where its units act and put them in order."""
        p = self.p
        self.find_places(block)
        self.order.sort()
        for own, flat in zip(self.own, self._of_block(block), strict=True):
            for place, number in self.order.of_weights():
                own.store(place * p.lanes, p.gather(flat, number * p.lanes + self.lane))
        with p.loop(self.width) as unit:
            number = self.order.load(unit)
            place = p.gather(self.places, number * p.lanes + self.lane)
            self.keys.store(unit * p.lanes, self._key(place, number))
            self._look_up(unit, place)
        self._add_all()

    def finish(self, block: Value) -> None:
        """Write the weights of a block back in their own order."""
        p = self.p
        with p.loop(self.width) as unit:
            self.order.store(unit, p.bitwise("and", self.load(self.keys, unit), self._whole((1 << NUMBER_BITS) - 1)))
        for own, flat in zip(self.own, self._of_block(block), strict=True):
            for place, number in self.order.of_weights():
                p.scatter(flat, number * p.lanes + self.lane, self.load(own, place))

    def _of_block(self, block: Value) -> list[Array]:
        """Weights and slots of a block as they are told."""
        p = self.p
        first = block * self.num_weights * p.lanes
        return [Array(p, array.at(first), p.real) for array in (self.all_weights, *self.all_slots)]

    # What a unit keeps.

    def _whole(self, number: int) -> Value:
        return self.p.broadcast(self.p.int_constant(number), self.p.lanes)

    def _key(self, place: Value, number: Value) -> Value:
        return self.p.bitwise("or", self.p.bitwise("shl", place, self._whole(NUMBER_BITS)), number)

    def _kept_at(self, unit: Value, number: int) -> Value:
        return (unit * (EDGES + self.size) + number) * self.p.lanes

    def _of_unit(self, unit: Value, k: int, quantity: int) -> Value:
        """The place of a number that a unit has for each output: one that goes with inputs, and a plain one."""
        return (unit * (2 * len(self.outputs)) + (2 * k + quantity)) * self.p.lanes

    def _look_up(self, unit: Value, place: Value) -> None:
        """Keep what stands in the tables at a place, and the inputs on both sides of it; the ends have none beyond."""
        p, infinity = self.p, float("inf")
        before = p.gather(self.x, self._clamped(place - 1))
        here = p.gather(self.x, self._clamped(place))
        edges = [
            p.select(place > self.lane * 0, before, -infinity),
            p.select(place < p.broadcast(self.num_points, p.lanes), here, infinity),
        ]
        sums = [p.gather(self.tables, place * self.size + number) for number in range(self.size)]
        for number, value in enumerate([*edges, *sums]):
            self.kept.store(self._kept_at(unit, number), value)

    # The line before the first kink, and what each kink changes.

    def _forget(self) -> None:
        for slope, intercept in self.starts:
            slope.set(self.p.constant(0.0, self.p.lanes))
            intercept.set(self.p.constant(0.0, self.p.lanes))
        self.last_key.set(self.lane * 0)
        self.in_order.set(self.p.boolean(value=True))

    def _add_all(self) -> None:
        """Write the line before the first kink; sums are in the order that the units have now."""
        self._forget()
        with self.p.loop(self.width) as unit:
            a, c = (self.load(self.own[0], unit * 2 + n) for n in range(2))
            self._add(a, c, [self.load(self.own[0], self.output(k, unit)) for k in self.outputs])
        self._add_biases()

    def _add(self, a: Value, c: Value, weights: list[Value]) -> None:
        """Add what a unit is before the first kink."""
        p, below, falls = self.p, self.spec.below, a < 0.0
        for line, w in zip(self.starts, weights, strict=True):
            for sum_, factor in zip(line, (a, c), strict=True):
                whole = w * factor
                sum_.set(sum_.get() + p.select(falls, whole, whole * below if below else 0.0))

    def _pass(self, unit: Value, lines: list[tuple[Variable, Variable]]) -> None:
        """Change the lines at the kink of a unit."""
        p, below, (a, c) = self.p, self.spec.below, (self.load(self.own[0], unit * 2 + n) for n in range(2))
        falls = a < 0.0
        for k, line in zip(self.outputs, lines, strict=True):
            w = self.load(self.own[0], self.output(k, unit))
            change = w * (1.0 - below) if below else w
            change = p.select(falls, -change, change)
            for sum_, factor in zip(line, (a, c), strict=True):
                sum_.set(p.fma(change, factor, sum_.get()))

    def _add_biases(self) -> None:
        for k, (_, intercept) in zip(self.outputs, self.starts, strict=True):
            intercept.set(intercept.get() + self.load(self.own[0], self.output(k, self.width)))

    # One step.

    def losses(self) -> tuple[Value, Totals]:
        """Write the running sums over units; the losses are returned, and the sums over all points."""
        p, lanes = self.p, self.p.lanes
        zero = p.constant(0.0, lanes)
        lines = [(p.variable(slope.get()), p.variable(intercept.get())) for slope, intercept in self.starts]
        sums = [(p.variable(zero), p.variable(zero)) for _ in self.outputs]
        before = [p.variable(zero) for _ in range(self.size)]
        twice = p.variable(p.broadcast(self.square_of_targets.load(0), lanes))

        def add_points(here: list[Value]) -> None:
            """Add the points between two places."""
            ones, of_x, of_squares, *of_targets = (
                now - earlier.get() for now, earlier in zip(here, before, strict=True)
            )
            for k, ((slope, intercept), (with_x, plain)) in enumerate(zip(lines, sums, strict=True)):
                s, i = slope.get(), intercept.get()
                y, of_xy = of_targets[2 * k], of_targets[2 * k + 1]
                errors_x = p.fma(s, of_squares, p.fma(i, of_x, -of_xy))
                errors = p.fma(s, of_x, p.fma(i, ones, -y))
                twice.set(p.fma(s, errors_x - of_xy, p.fma(i, errors - y, twice.get())))
                with_x.set(with_x.get() + errors_x)
                plain.set(plain.get() + errors)
            for earlier, now in zip(before, here, strict=True):
                earlier.set(now)

        with p.loop(self.width) as unit:
            add_points([self.kept.load(self._kept_at(unit, EDGES + n), lanes) for n in range(self.size)])
            for k in self.outputs:
                for quantity in range(2):
                    self.sums.store(self._of_unit(unit, k, quantity), sums[k][quantity].get())
            self._pass(unit, lines)
        end = self.num_points * self.size
        add_points([p.broadcast(self.tables.load(end + number), lanes) for number in range(self.size)])
        return twice.get() * 0.5, [(with_x.get(), plain.get()) for with_x, plain in sums]

    def update(self, totals: Totals, update: LaneUpdate, fine: Value) -> None:
        """Write the updates of all weights, and look where each unit acts with those that it has then."""
        p, lanes = self.p, self.p.lanes
        self._forget()
        with p.loop(self.width) as unit:
            a, c = (self.load(self.own[0], unit * 2 + n) for n in range(2))
            of_a, of_c, weights = p.constant(0.0, lanes), p.constant(0.0, lanes), []
            for k, total in zip(self.outputs, totals, strict=True):
                place = self.output(k, unit)
                w = self.load(self.own[0], place)
                with_x, plain = (
                    self.where_active(a, self.sums.load(self._of_unit(unit, k, quantity), lanes), total[quantity])
                    for quantity in range(2)
                )
                of_a, of_c = p.fma(w, with_x, of_a), p.fma(w, plain, of_c)
                weights.append(update.make(fine, place, p.fma(a, with_x, c * plain)))
            a, c = update.make(fine, unit * 2, of_a), update.make(fine, unit * 2 + 1, of_c)
            if self.spec.below != 1.0:
                self._follow(unit, a, c)
            self._add(a, c, weights)
        for k, (_, plain) in zip(self.outputs, totals, strict=True):
            update.make(fine, self.output(k, self.width), plain)
        self._add_biases()

    def _follow(self, unit: Value, a: Value, c: Value) -> None:
        """Note where a kink has gone, if it has passed a point, and whether units are still in order."""
        p, falls = self.p, a < 0.0
        before, here = (
            p.bitwise("xor", self.acts(a, c, self.kept.load(self._kept_at(unit, number), p.lanes)), falls)
            for number in range(EDGES)
        )
        with p.when(p.any_lane(p.bitwise("or", before, p.logical_not(here)))):
            key = self.load(self.keys, unit)
            place = self.settled(a, c, p.bitwise("lshr", key, self._whole(NUMBER_BITS)))
            number = p.bitwise("and", key, self._whole((1 << NUMBER_BITS) - 1))
            self.keys.store(unit * p.lanes, self._key(place, number))
            self._look_up(unit, place)
        key = self.load(self.keys, unit)
        right = p.logical_not(p.any_lane(key < self.last_key.get()))
        self.in_order.set(p.bitwise("and", self.in_order.get(), right))
        self.last_key.set(key)

    # Kinks that have passed each other.

    def exchange_neighbours(self) -> Value:
        """Put units in order again by exchanges of neighbours; returns whether they are, or too many were needed."""
        p = self.p
        position, left = p.variable(p.int_constant(1)), p.variable(self.width * MOST_EXCHANGES)
        going = p.variable(p.int_constant(FOREVER))
        with p.loop(going.get):
            with p.when(p.logical_not(position.get() < self.width)):
                going.set(p.int_constant(0))
            with p.when(position.get() < self.width):
                unit = position.get()
                wrong = self.load(self.keys, unit) < self.load(self.keys, unit - 1)
                with p.when(p.any_lane(wrong)):
                    self._exchange(unit, wrong)
                    left.set(left.get() - 1)
                    position.set(p.select(unit < 2, p.int_constant(1), unit - 1))
                    with p.when(left.get() < 0):
                        going.set(p.int_constant(0))
                with p.when(p.logical_not(p.any_lane(wrong))):
                    position.set(unit + 1)
        self._add_all()
        return p.logical_not(left.get() < 0)

    def _exchange(self, unit: Value, wrong: Value) -> None:
        """Exchange a unit with the one before it in some lanes."""
        lanes, numbers = self.p.lanes, [(unit * 2 + n, 2) for n in range(2)]
        numbers += [(self.output(k, unit), 1) for k in self.outputs]
        pairs = [(array, place * lanes, (place - back) * lanes) for array in self.own for place, back in numbers]
        for array, count in ((self.kept, EDGES + self.size), (self.keys, 1)):
            places = [(unit * count + n) * lanes for n in range(count)]
            pairs += [(array, place, place - count * lanes) for place in places]
        for array, here, there in pairs:
            self._exchange_numbers(array, here, there, wrong)

    def _exchange_numbers(self, array: Array, here: Value, there: Value, wrong: Value) -> None:
        p = self.p
        high, low = array.load(here, p.lanes), array.load(there, p.lanes)
        array.store(here, p.select(wrong, low, high))
        array.store(there, p.select(wrong, high, low))


def sorted_unit_training(spec: OneInputSpec, rule: UpdateRule, lanes: int | None = None) -> Program:
    """Some updates of blocks of trials; a trial whose loss is out of bounds is left as it is.

    Args:
        spec: The networks.
        rule: The update rule.
        lanes: Trials of a block; none: as many as fit into a register.

    Returns:
        The program.
    """
    p = Program("float64", lanes)
    step = SortedUnits(p, spec, rule)
    num_blocks, num_steps = p.int_parameter("num_blocks"), p.int_parameter("num_steps")
    trials = LaneTrials(p)
    with p.loop(num_blocks) as block:
        trials.begin(block)
        done, orders = p.variable(p.int_constant(0)), p.variable(p.int_constant(FOREVER))
        with p.loop(orders.get):
            step.begin(block)
            going = p.variable(num_steps)
            with p.loop(going.get, start=done.get()) as number:
                loss, totals = step.losses()
                fine = trials.within_bounds(number, loss)
                step.update(totals, LaneUpdate(step, rule, step.own, trials.factors(number)), fine)
                done.set(number + 1)
                with p.when(p.logical_not(p.any_lane(fine))):
                    going.set(p.int_constant(0))
                    done.set(num_steps)
                with p.when(p.logical_not(step.in_order.get())):
                    going.set(p.select(step.exchange_neighbours(), going.get(), p.int_constant(0)))
            step.finish(block)
            with p.when(p.logical_not(done.get() < num_steps)):
                orders.set(p.int_constant(0))
    return p
