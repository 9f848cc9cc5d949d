"""Bidiagonalisation ``A = U B V^T``, which keeps the singular values: Householder reflections from both sides.

What two reflections change is written when the next two are made, and these need nothing but sums over columns that
have just been changed, so that each pair goes over the matrix once, eight columns at a time.

Source: Howell, Demmel, Fulton, Hammarling and Marmol, Cache efficient bidiagonalization using BLAS 2.5 operators (ACM
TOMS 34(3), 2008), section 3; Golub and Van Loan, Matrix Computations (4th ed.), section 5.4.8.
"""

from __future__ import annotations

from pipeline.engines.cpu.codegen.simd import Program, Value
from pipeline.engines.cpu.kernels.householder import ColumnMatrix, Reflection


class Bidiagonalisation(ColumnMatrix):
    """The matrix while it is reduced, as ``A - left column_products^T - row_products right^T``.

    ``left`` is the vector of the last reflection of columns and ``right`` that of the last of rows; ``column_products``
    is what the one takes from each column, ``row_products`` what the other takes from each row. Zeros fill up the
    columns to eights.

    Args:
        p: The program.
    """

    def __init__(self, p: Program) -> None:
        super().__init__(p)
        self.diagonal, self.off_diagonal = p.array_parameter("diagonal"), p.array_parameter("off_diagonal")
        self.left, self.row_products, self.column_products = (
            p.array_parameter("left"),
            p.array_parameter("row_products"),
            p.array_parameter("column_products"),
        )
        self.next = Reflection(p.array_parameter("next_left"), p.variable(p.constant(0.0)))
        self.right = Reflection(p.array_parameter("right"), p.variable(p.constant(0.0)))
        self.product = p.array_parameter("product")

    def reduce(self) -> None:
        """Leave the diagonal of B, and from the second place on the diagonal above it."""
        p, lanes = self.p, self.p.lanes
        with p.loop(self.rows, step=lanes) as row:
            for vector in (self.left, self.row_products):
                vector.store(row, p.constant(0.0, lanes))
        with p.loop(self.columns) as number:
            base, behind = number / lanes * lanes, number + 1
            self.update(number, base)
            self.find(self.next, number, base)
            self.diagonal.store(number, self.column(number).load(number))
            with p.loop(self.rows, start=base, step=lanes) as row:
                self.product.store(row, p.constant(0.0, lanes))
            with p.loop(self.columns, start=behind, step=lanes) as first:
                self.pass_over(number, base, first)
            with p.when(behind < self.columns):
                self.reflect_rows(number, base)

    def update(self, number: Value, base: Value) -> None:
        """Write what the reflections made before change in a column."""
        p, lanes, column = self.p, self.p.lanes, self.column(number)
        column_products, right = (
            p.broadcast(-array.load(number), lanes) for array in (self.column_products, self.right.vector)
        )
        with p.loop(self.rows, start=base, step=lanes) as row:
            value = p.fma(column_products, self.left.load(row, lanes), column.load(row, lanes))
            column.store(row, p.fma(right, self.row_products.load(row, lanes), value))

    def pass_over(self, number: Value, base: Value, first: Value) -> None:
        """Write what changes in eight columns, reflect them, and add them to the product with their row.

        Args:
            number: Number of the row that is left in ``right``.
            base: The first row of its register.
            first: Number of the first column.
        """
        p, lanes = self.p, self.p.lanes
        columns = [self.column(first + n) for n in range(lanes)]
        column_products, right = (
            [p.broadcast(-array.load(first + n), lanes) for n in range(lanes)]
            for array in (self.column_products, self.right.vector)
        )
        sums = [p.variable(p.constant(0.0, lanes)) for _ in columns]
        with p.loop(self.rows, start=base, step=lanes) as row:
            left, behind, next_left = (
                array.load(row, lanes) for array in (self.left, self.row_products, self.next.vector)
            )
            for n, column in enumerate(columns):
                value = p.fma(right[n], behind, p.fma(column_products[n], left, column.load(row, lanes)))
                column.store(row, value)
                sums[n].set(p.fma(next_left, value, sums[n].get()))
        taken = p.horizontal_sums([sum_.get() for sum_ in sums]) * self.next.factor.get()
        self.column_products.store(first, taken)
        of_row = p.from_scalars([column.load(number) for column in columns])
        self.right.vector.store(first, p.fma(-taken, self.next.vector.load(number), of_row))
        factors = [p.broadcast(self.right.vector.load(first + n), lanes) for n in range(lanes)]
        with p.loop(self.rows, start=base, step=lanes) as row:
            value = self.product.load(row, lanes)
            for factor, column in zip(factors, columns, strict=True):
                value = p.fma(factor, column.load(row, lanes), value)
            self.product.store(row, value)

    def reflect_rows(self, number: Value, base: Value) -> None:
        """Find the reflection of the row that was left, and what it takes from each row.

        Its vector differs from the row in one place, so products with it follow from those with the row.
        """
        p, lanes, right, behind = self.p, self.p.lanes, self.right, number + 1
        square, between = self.dots([right.vector, self.column_products], [right.vector], behind, self.columns)
        off_diagonal = self.mirror(right, behind, square)
        self.off_diagonal.store(behind, off_diagonal)
        between = p.fma(-off_diagonal, self.column_products.load(behind), between)
        factor, column = p.broadcast(right.factor.get(), lanes), self.column(behind)
        first, second = p.broadcast(-off_diagonal, lanes), p.broadcast(-between, lanes)
        with p.loop(self.rows, start=base, step=lanes) as row:
            next_left = self.next.vector.load(row, lanes)
            value = p.fma(first, column.load(row, lanes), self.product.load(row, lanes))
            self.row_products.store(row, p.fma(second, next_left, value) * factor)
            self.left.store(row, next_left)
