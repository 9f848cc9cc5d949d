"""The largest eigenvalue of the Hessian of each trial by Lanczos, with a trial in each lane.

The method is that of ``hessian_lanczos.py``; here no sum over a vector is one over lanes, and a block of trials goes on
until the last of them is certain. A trial that is certain keeps what was found: its vectors are zeros from then on.
"""

from __future__ import annotations

from pipeline.engines.cpu.codegen.buffers import round_up
from pipeline.engines.cpu.codegen.simd import Array, Number, Program, Value
from pipeline.engines.cpu.kernels.hessian_lanczos import Tridiagonal
from pipeline.engines.cpu.kernels.piecewise_curvature import PiecewiseCurvature
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec
from pipeline.numerics.largest_eigenvalues import TOLERANCE

ROWS_TOGETHER = 4
"""Sums that run beside each other, since an addition has to wait for the one before it."""


def vector_size(num_weights: int, lanes: int) -> int:
    """Numbers of a vector of each lane, filled up with zeros to whole groups of rows."""
    return round_up(num_weights, ROWS_TOGETHER) * lanes


class LaneKrylov:
    """Orthonormal bases of the Krylov spaces of as many Hessians as there are lanes, fully reorthogonalised.

    Args:
        p: The program.
        hessian: Products with the Hessians.
    """

    def __init__(self, p: Program, hessian: PiecewiseCurvature) -> None:
        self.p, self.hessian = p, hessian
        self.size, self.most_steps = p.int_parameter("vector_size"), p.int_parameter("most_steps")
        self.basis, self.start = p.array_parameter("basis"), p.array_parameter("start", "num_weights")
        self.factors = p.array_parameter("factors")

    def vector(self, number: Number) -> Array:
        """One vector of the basis."""
        return Array(self.p, self.basis.at(self.size * number), self.p.real)

    def begin(self) -> None:
        """Write the start vector, of length 1, to the first place, its units in the order of each trial."""
        first = self.vector(0)
        for place, own in self.hessian.order.of_weights():
            first.store(place * self.p.lanes, self.p.gather(self.start, own))
        self._fill_up(first)
        with self.p.loop(self.most_steps) as number:
            self.factors.store(number * self.p.lanes, self.p.constant(0.0, self.p.lanes))

    def multiply(self, number: Value, off_diagonal: Value) -> tuple[Value, Value]:
        """The product of the Hessian with a vector of the basis, in the next place, orthogonal to all vectors.

        Args:
            number: Number of the last vector.
            off_diagonal: The length of the product before, zero at first.

        Returns:
            The next entries on the diagonal and beside it.
        """
        before, after = self.vector(number), self.vector(number + 1)
        self.hessian.product(before, after)
        self._fill_up(after)
        diagonal = self.dot(before, after)
        # The recurrence, then Gram-Schmidt once: what rounding has left of the parts that cancel ("twice is enough").
        earlier = self.vector(self.p.select(self.p.compare("==", number, 0), number, number - 1))
        self.subtract(after, [diagonal, off_diagonal], [before, earlier])
        self._orthogonalise(after, number + 1)
        return diagonal, self.p.intrinsic("sqrt", self.dot(after, after))

    def keep(self, number: Value, found: Value, factor: Value, eigenvector: Array) -> None:
        """Keep the eigenvector of the small matrix in the lanes of trials that are certain now."""
        p, lanes = self.p, self.p.lanes
        with p.loop(number + 1) as entry:
            place = entry * lanes
            value = eigenvector.load(place, lanes) * factor
            self.factors.store(place, p.select(found, value, self.factors.load(place, lanes)))

    def combined(self, count: Value) -> Array:
        """The Ritz vectors, combined from the first ``count`` vectors, in the place of the next one."""
        p, lanes = self.p, self.p.lanes
        whole = self.vector(count)
        with p.loop(self.size, step=lanes) as place:
            whole.store(place, p.constant(0.0, lanes))
        with p.loop(count) as number:
            self.subtract(whole, [-self.factors.load(number * lanes, lanes)], [self.vector(number)])
        return whole

    def dot(self, a: Array, b: Array) -> Value:
        """Scalar products of two vectors of each lane."""
        p, lanes = self.p, self.p.lanes
        sums = [p.variable(p.constant(0.0, lanes)) for _ in range(ROWS_TOGETHER)]
        with p.loop(self.size, step=ROWS_TOGETHER * lanes) as place:
            for number, sum_ in enumerate(sums):
                own = place + number * lanes
                sum_.set(p.fma(a.load(own, lanes), b.load(own, lanes), sum_.get()))
        low, high = sums[0].get() + sums[1].get(), sums[2].get() + sums[3].get()
        return low + high

    def scale(self, vector: Array, factor: Value) -> None:
        """Multiply a vector by a number."""
        with self.p.loop(self.size, step=self.p.lanes) as place:
            vector.store(place, vector.load(place, self.p.lanes) * factor)

    def subtract(self, vector: Array, factors: list[Value], others: list[Array]) -> None:
        """Subtract multiples of some vectors."""
        p, lanes = self.p, self.p.lanes
        with p.loop(self.size, step=lanes) as place:
            value = vector.load(place, lanes)
            for factor, other in zip(factors, others, strict=True):
                value = p.fma(-factor, other.load(place, lanes), value)
            vector.store(place, value)

    def _orthogonalise(self, vector: Array, count: Value) -> None:
        """Subtract the projections on the first vectors of the basis, some at a time, then those that are left over."""
        p = self.p
        groups = count / ROWS_TOGETHER * ROWS_TOGETHER
        with p.loop(groups, step=ROWS_TOGETHER) as first:
            self._project_out(vector, [self.vector(first + number) for number in range(ROWS_TOGETHER)])
        with p.loop(count, start=groups) as number:
            other = self.vector(number)
            self.subtract(vector, [self.dot(vector, other)], [other])

    def _project_out(self, vector: Array, others: list[Array]) -> None:
        """Subtract the projections on some vectors, whose scalar products run beside each other."""
        p, lanes = self.p, self.p.lanes
        sums = [p.variable(p.constant(0.0, lanes)) for _ in others]
        with p.loop(self.size, step=lanes) as place:
            value = vector.load(place, lanes)
            for sum_, other in zip(sums, others, strict=True):
                sum_.set(p.fma(value, other.load(place, lanes), sum_.get()))
        self.subtract(vector, [sum_.get() for sum_ in sums], others)

    def _fill_up(self, vector: Array) -> None:
        """Write zeros behind the weights."""
        p, lanes = self.p, self.p.lanes
        with p.loop(self.size, start=self.hessian.num_weights * lanes, step=lanes) as place:
            vector.store(place, p.constant(0.0, lanes))


def lane_lanczos_program(spec: OneInputSpec) -> Program:
    """The kernel of the largest eigenvalue of each trial's Hessian, its residual and its Ritz vector, in blocks."""
    p = Program("float64")
    hessian = PiecewiseCurvature(p, spec)
    krylov, matrix = LaneKrylov(p, hessian), Tridiagonal(p, p.lanes)
    largest, residuals = (p.array_parameter(name, "num_blocks", p.lanes) for name in ("largest", "residuals"))
    vectors = p.array_parameter("vectors", "num_blocks", "num_weights", p.lanes)
    zero = p.constant(0.0, p.lanes)
    with p.loop(p.int_parameter("num_blocks")) as block:
        hessian.remember(block)
        krylov.begin()
        first = block * p.lanes
        uncertain, beside = p.variable(p.compare("==", hessian.lane, hessian.lane)), p.variable(zero)
        going, count = p.variable(krylov.most_steps), p.variable(p.int_constant(0))
        with p.loop(going.get) as number:
            diagonal, off_diagonal = krylov.multiply(number, beside.get())
            matrix.grow(number, diagonal)
            matrix.store(matrix.off_diagonal, number, off_diagonal)
            entry = matrix.last_entry(number)
            residual = off_diagonal * entry
            certain = p.fma(p.intrinsic("fabs", matrix.largest.get()), TOLERANCE, -residual)
            is_last = p.broadcast(p.compare("==", number, krylov.most_steps - 1), p.lanes)
            ended = p.bitwise("or", p.logical_not(certain < 0.0), is_last)  # or something is not finite
            found = p.bitwise("and", uncertain.get(), ended)
            uncertain.set(p.bitwise("and", uncertain.get(), p.logical_not(ended)))
            with p.when(p.any_lane(found)):
                krylov.keep(number, found, entry, matrix.eigenvector)
                for array, value in ((largest, matrix.largest.get()), (residuals, residual)):
                    array.store(first, p.select(found, value, array.load(first, p.lanes)))
            beside.set(p.select(uncertain.get(), off_diagonal, zero))
            krylov.scale(krylov.vector(number + 1), p.select(uncertain.get(), 1.0 / off_diagonal, zero))
            count.set(number + 1)
            with p.when(p.logical_not(p.any_lane(uncertain.get()))):
                going.set(p.int_constant(0))
        vector = krylov.combined(count.get())
        own_vectors = Array(p, vectors.at(first * hessian.num_weights), p.real)
        for place, own in hessian.order.of_weights():
            p.scatter(own_vectors, own * p.lanes + hessian.lane, vector.load(place * p.lanes, p.lanes))
    return p
