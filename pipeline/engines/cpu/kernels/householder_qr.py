"""QR decomposition of tall matrices, one after another: Householder reflections, two at a time, on lanes of rows.

Every two reflections go over the columns behind them once, so that these come from the second-level cache half as
often.

Source: Golub and Van Loan, Matrix Computations (4th ed.), section 5.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.engines.cpu.codegen.simd import Array, Program, Value
from pipeline.engines.cpu.kernels.householder import ColumnMatrix, Reflection

COLUMNS_TOGETHER = 4
"""With two reflections eight sums at a time, so that no instruction waits for the one before."""


class Reflections(ColumnMatrix):
    """A matrix while it is reduced, and the pair of reflections at work.

    Args:
        p: The program.
    """

    def __init__(self, p: Program) -> None:
        super().__init__(p)
        self.between = p.variable(p.constant(0.0))  # the scalar product of the two vectors
        self.pair = [Reflection(p.array_parameter(name), p.variable(p.constant(0.0))) for name in ("first", "second")]

    def reduce(self) -> None:
        """Reflect the matrix until what is read below its diagonal is zero."""
        p, together = self.p, COLUMNS_TOGETHER
        with p.loop(self.columns - 1, step=2) as number:
            base = number / p.lanes * p.lanes
            self.find(self.pair[0], number, base)
            self.apply(self.pair[:1], base, [self.column(number + 1)])
            self.find(self.pair[1], number + 1, base)
            self.between.set(self.dots([self.pair[0].vector], [self.pair[1].vector], base, self.rows)[0])
            behind = number + 2
            groups = (self.columns - behind) / together * together + behind
            with p.loop(groups, start=behind, step=together) as column:
                self.apply(self.pair, base, [self.column(column + n) for n in range(together)])
            with p.loop(self.columns, start=groups) as column:
                self.apply(self.pair, base, [self.column(column)])
        last = self.columns - 1  # of an odd number of columns the last has no partner
        with p.when(p.compare("==", last / 2 * 2, last)):
            self.find(self.pair[0], last, last / p.lanes * p.lanes)

    def apply(self, reflections: Sequence[Reflection], base: Value, columns: Sequence[Array]) -> None:
        """Reflect some columns, first by the one reflection and then by the other."""
        p, lanes = self.p, self.p.lanes
        vectors = [reflection.vector for reflection in reflections]
        dots = self.dots(vectors, columns, base, self.rows)
        factors = []
        for n in range(len(columns)):
            first = dots[n] * reflections[0].factor.get()
            factors.append([first])
            if len(reflections) > 1:
                rest = p.fma(-first, self.between.get(), dots[len(columns) + n])
                factors[n].append(rest * reflections[1].factor.get())
        spread = [[p.broadcast(-factor, lanes) for factor in of_column] for of_column in factors]
        with p.loop(self.rows, start=base, step=lanes) as row:
            v = [vector.load(row, lanes) for vector in vectors]
            for column, of_column in zip(columns, spread, strict=True):
                value = column.load(row, lanes)
                for factor, part in zip(of_column, v, strict=True):
                    value = p.fma(factor, part, value)
                column.store(row, value)


def triangular_program() -> Program:
    """The kernel of the triangular factor of each matrix, in columns, zeros below the diagonal."""
    p = Program("float64")
    reflections = Reflections(p)
    given = p.array_parameter("given", "num_matrices", "num_rows", "num_columns")
    factors = p.array_parameter("factors", "num_matrices", "num_columns", "num_columns")
    num_rows, num_matrices = p.int_parameter("num_rows"), p.int_parameter("num_matrices")
    columns = reflections.columns
    with p.loop(num_matrices) as number:
        reflections.load(Array(p, given.at(number * num_rows * columns), p.real), num_rows)
        reflections.reduce()
        factor = Array(p, factors.at(number * columns * columns), p.real)
        with p.loop(columns) as column:
            with p.loop(column + 1) as row:
                factor.store(column * columns + row, reflections.column(column).load(row))
            with p.loop(columns, start=column + 1) as row:
                factor.store(column * columns + row, p.constant(0.0))
    return p
