"""The largest eigenvalue of the Hessian of each trial by Lanczos, from the first product to the certificate.

The method is that of ``pipeline/numerics/largest_eigenvalues.py``, one trial after another: after k products the
tridiagonal matrix ``T_k = V^T H V`` of the Krylov basis V has a Ritz value and vector whose residual is the last
off-diagonal entry times the last entry of the eigenvector. Vectors lie in rows as the weights do, with zeros
where a row is filled up.

Source: Golub and Van Loan, Matrix Computations (4th ed.), section 10.1.
"""

from __future__ import annotations

from pipeline.engines.cpu.codegen.simd import Array, Number, Program, Value
from pipeline.engines.cpu.kernels.hessian_product import HessianProduct
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.kernels.training import TrialRows
from pipeline.numerics.largest_eigenvalues import EPS, TOLERANCE

MOST_CORRECTIONS = 100
"""Steps towards the largest value of a small matrix at most; four are usual."""


class Krylov:
    """An orthonormal basis of the Krylov space of the Hessian, fully reorthogonalised.

    Args:
        p: The program.
        step: Products with the Hessian.
    """

    def __init__(self, p: Program, step: HessianProduct) -> None:
        self.p, self.step = p, step
        self.basis, self.start = p.array_parameter("basis"), p.array_parameter("start", "size")

    def vector(self, number: Number) -> Array:
        """One vector of the basis."""
        return Array(self.p, self.basis.at(self.step.size * number), self.p.real)

    def begin(self) -> None:
        """Copy the start vector, of length 1, to the first place."""
        self.step.remember()
        first = self.vector(0)
        with self.p.loop(self.step.size, step=self.p.lanes) as place:
            first.store(place, self.start.load(place, self.p.lanes))

    def advance(self, number: Value) -> tuple[Value, Value]:
        """One product with the Hessian, and the next vector.

        Where the space holds all that powers of the Hessian reach, the next vector is rounding, or not a number: the
        off-diagonal entry is so small that the eigenvalue is certain.

        Args:
            number: Number of the last vector.

        Returns:
            The next entries on the diagonal and beside it.
        """
        p, lanes = self.p, self.p.lanes
        before, after = self.vector(number), self.vector(number + 1)
        self.step.direction = before
        self.step.value_and_gradient()
        with p.loop(self.step.size, step=lanes) as place:
            after.store(place, self.step.gradient.load(place, lanes))
        diagonal = self.dot(before, after)
        # Gram-Schmidt twice: once leaves what rounding has made of the parts that cancel ("twice is enough").
        with p.loop(2), p.loop(number + 1) as earlier:
            self.orthogonalise(after, self.vector(earlier))
        off_diagonal = p.intrinsic("sqrt", self.dot(after, after))
        self.scale(after, 1.0 / off_diagonal)
        return diagonal, off_diagonal

    def combined(self, factors: Array, count: Value, scale: Value) -> Array:
        """The combination ``scale sum_n factors_n v_n`` of the first ``count`` vectors, in the place of the next one.

        Not in that of the gradient, whose filled-up places must stay zero even after a trial that is not finite.

        Args:
            factors: An array of ``count`` numbers.
            count: How many vectors.
            scale: A common factor.

        Returns:
            The place.
        """
        p, lanes = self.p, self.p.lanes
        whole = self.vector(count)
        with p.loop(self.step.size, step=lanes) as place:
            whole.store(place, p.constant(0.0, lanes))
        with p.loop(count) as number:
            self.add(whole, factors.load(number) * scale, self.vector(number))
        return whole

    def dot(self, a: Array, b: Array) -> Value:
        """The scalar product of two vectors."""
        p, lanes = self.p, self.p.lanes
        sums = p.variable(p.constant(0.0, lanes))
        with p.loop(self.step.size, step=lanes) as place:
            sums.set(p.fma(a.load(place, lanes), b.load(place, lanes), sums.get()))
        return sums.get().sum()

    def orthogonalise(self, vector: Array, other: Array) -> None:
        """Subtract from a vector its projection on another, which has length 1."""
        self.add(vector, -self.dot(vector, other), other)

    def add(self, vector: Array, factor: Value, other: Array) -> None:
        """Add a multiple of another vector."""
        p, lanes = self.p, self.p.lanes
        with p.loop(self.step.size, step=lanes) as place:
            vector.store(place, p.fma(p.broadcast(factor, lanes), other.load(place, lanes), vector.load(place, lanes)))

    def scale(self, vector: Array, factor: Value) -> None:
        """Multiply a vector by a number."""
        with self.p.loop(self.step.size, step=self.p.lanes) as place:
            vector.store(place, vector.load(place, self.p.lanes) * factor)


class Tridiagonal:
    """The matrix ``T_k`` of a basis: its largest eigenvalue, which only grows with k, and the eigenvector.

    Args:
        p: The program.
        lanes: How many matrices, one in each lane.
    """

    def __init__(self, p: Program, lanes: int = 1) -> None:
        self.p, self.lanes = p, lanes
        self.diagonal, self.off_diagonal, self.eigenvector = (
            p.array_parameter("diagonal"),
            p.array_parameter("off_diagonal"),
            p.array_parameter("eigenvector"),
        )
        self.largest = p.variable(p.constant(0.0, lanes))

    def load(self, array: Array, number: Value) -> Value:
        """One entry, of each matrix."""
        return array.load(number * self.lanes, self.lanes)

    def store(self, array: Array, number: Value, value: Value) -> None:
        """Write one entry, of each matrix."""
        array.store(number * self.lanes, value)

    def grow(self, number: Value, diagonal: Value) -> None:
        """Add a row and a column. The largest eigenvalue is found by Laguerre's method from a bound above it.

        From there it comes down without passing it, since all roots of the characteristic polynomial are real. The
        bound is the larger eigenvalue of ``[[largest before, off_diagonal], [off_diagonal, diagonal]]``.

        Args:
            number: Number of the row.
            diagonal: Its entry on the diagonal.
        """
        p, first = self.p, self.p.compare("==", number, 0)
        self.store(self.diagonal, number, diagonal)
        before = p.select(first, diagonal, self.largest.get())
        off_diagonal = p.select(
            first, 0.0, self.load(self.off_diagonal, p.select(first, p.int_constant(0), number - 1))
        )
        half = (before - diagonal) * 0.5
        bound = (before + diagonal) * 0.5 + p.intrinsic("sqrt", p.fma(half, half, off_diagonal * off_diagonal))
        self.largest.set(p.fma(p.intrinsic("fabs", bound), 4 * EPS, bound))
        going = p.variable(p.int_constant(MOST_CORRECTIONS))
        with p.loop(going.get):
            x = self.largest.get()
            lower = x - self.correction(number, x)
            self.largest.set(p.select(lower < x, lower, x))
            with p.when(p.logical_not(p.any_lane(lower < x))):
                going.set(p.int_constant(0))

    def correction(self, number: Value, x: Value) -> Value:
        """How far the largest root of the characteristic polynomial lies below x, or less; not a number from it on.

        No root is nearer than Laguerre's ``n / (G + sqrt((n - 1) (n H - G^2)))``, where G and H are the sums of
        ``1 / (x - root)`` and of its square over all n roots. Newton's ``1 / G`` would need hundreds of steps where
        many roots are close to each other. G and H come from the pivots of ``x - T_k``, taken from the last row to the
        first, and their derivatives. What rounding may have taken from the difference is added again.

        Args:
            number: Number of the last row.
            x: A number above the largest root.

        Returns:
            The correction.
        """
        p, zero, one = self.p, self.p.constant(0.0, self.lanes), self.p.constant(1.0, self.lanes)
        pivot, slope, bend = p.variable(x - self.load(self.diagonal, number)), p.variable(one), p.variable(zero)
        least, inverse, degree = p.variable(pivot.get()), p.variable(1.0 / pivot.get()), p.variable(one)
        sum_, squares = p.variable(inverse.get()), p.variable(inverse.get() * inverse.get())
        with p.loop(number) as n:
            i = number - 1 - n
            off_diagonal, ratio = self.load(self.off_diagonal, i), slope.get() * inverse.get()
            part = off_diagonal * inverse.get()
            pivot.set(x - self.load(self.diagonal, i) - off_diagonal * part)
            bend.set(part * part * p.fma(slope.get() * ratio, 2.0, bend.get()))
            slope.set(p.fma(part * part, slope.get(), 1.0))
            least.set(p.select(pivot.get() < least.get(), pivot.get(), least.get()))
            inverse.set(1.0 / pivot.get())
            ratio = slope.get() * inverse.get()
            sum_.set(sum_.get() + ratio)
            squares.set(squares.get() + p.fma(ratio, ratio, bend.get() * inverse.get()))
            degree.set(degree.get() + 1.0)
        roots = degree.get()
        spread = (roots - 1.0) * p.fma(roots * squares.get(), p.fma(roots, 8 * EPS, 1.0), -(sum_.get() * sum_.get()))
        distance = roots / (sum_.get() + p.intrinsic("sqrt", spread))
        distance = p.select(spread < float("inf"), distance, 1.0 / sum_.get())  # squares of Hessians below 1e-138
        return p.select(least.get() > 0.0, distance, float("nan"))

    def last_entry(self, number: Value) -> Value:
        """The last entry of the eigenvector of length 1; the vector itself is left, with 1 in its place.

        From the last to the first, in which direction entries grow and nothing cancels.

        Args:
            number: Number of the last row.

        Returns:
            The entry.
        """
        p, x = self.p, self.largest.get()
        pivot = p.variable(x - self.load(self.diagonal, number))
        one = p.constant(1.0, self.lanes)
        entry, squares = p.variable(one), p.variable(one)
        self.store(self.eigenvector, number, one)
        with p.loop(number) as n:
            i = number - 1 - n
            off_diagonal = self.load(self.off_diagonal, i)
            entry.set(entry.get() * (pivot.get() / off_diagonal))
            self.store(self.eigenvector, i, entry.get())
            squares.set(p.fma(entry.get(), entry.get(), squares.get()))
            pivot.set(x - self.load(self.diagonal, i) - off_diagonal * (off_diagonal / pivot.get()))
        return 1.0 / p.intrinsic("sqrt", squares.get())


def lanczos_program(network: NetworkSpec) -> Program:
    """The kernel of the largest eigenvalue of each trial's Hessian at its weights, its residual and its Ritz vector."""
    p = Program(network.dtype)
    step = HessianProduct(p, network)
    trials = TrialRows(p, step, 0)
    krylov, matrix = Krylov(p, step), Tridiagonal(p)
    largest, residuals = p.array_parameter("largest", "num_trials"), p.array_parameter("residuals", "num_trials")
    vectors = p.array_parameter("vectors", "num_trials", "num_weights")
    num_trials, most_steps = p.int_parameter("num_trials"), p.int_parameter("most_steps")
    with p.loop(num_trials) as trial:
        trials.load(trial)
        krylov.begin()
        going, last = p.variable(most_steps), p.variable(p.int_constant(0))
        entry = p.variable(p.constant(1.0))
        with p.loop(going.get) as number:
            diagonal, off_diagonal = krylov.advance(number)
            matrix.grow(number, diagonal)
            matrix.store(matrix.off_diagonal, number, off_diagonal)
            entry.set(matrix.last_entry(number))
            last.set(number)
            residual = off_diagonal * entry.get()
            residuals.store(trial, residual)
            certain = p.fma(p.intrinsic("fabs", matrix.largest.get()), TOLERANCE, -residual)
            with p.when(p.logical_not(certain < 0.0)):  # or something is not finite
                going.set(p.int_constant(0))
        largest.store(trial, matrix.largest.get())
        vector = krylov.combined(matrix.eigenvector, last.get() + 1, entry.get())
        with p.loop(trials.num_weights) as n:
            vectors.store(trial * trials.num_weights + n, vector.load(trials.places.load(n)))
    return p
