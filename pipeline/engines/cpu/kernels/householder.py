"""A matrix in columns, filled up to full registers with zeros, and the Householder reflections that reduce it.

Source: Golub and Van Loan, Matrix Computations (4th ed.), section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engines.cpu.codegen.simd import Array, Number, Program, Value, Variable

NEGLIGIBLE_SQUARE = 1e-280
"""Squares of lengths below it are taken for zero, as their inverse might overflow; the largest entry is above 1e-75."""


@dataclass(frozen=True)
class Reflection:
    """A Householder reflection ``I - factor v v^T``, where v starts with zeros."""

    vector: Array
    factor: Variable


class ColumnMatrix:
    """A matrix in columns while it is reduced; reflections leave the zeros that fill it up alone.

    Args:
        p: The program.
    """

    def __init__(self, p: Program) -> None:
        self.p = p
        self.rows, self.columns = p.int_parameter("padded_rows"), p.int_parameter("num_columns")
        self.matrix = p.array_parameter("matrix")

    def column(self, number: Number) -> Array:
        """One column."""
        return Array(self.p, self.matrix.at(self.rows * number), self.p.real)

    def load(self, given: Array, num_rows: Value) -> None:
        """Copy a matrix whose columns have ``num_rows`` rows; the rows that fill them up stay zero."""
        p, whole = self.p, num_rows / self.p.lanes * self.p.lanes
        with p.loop(self.columns) as number:
            column, start = self.column(number), num_rows * number
            with p.loop(whole, step=p.lanes) as row:
                column.store(row, given.load(start + row, p.lanes))
            with p.loop(num_rows, start=whole) as row:
                column.store(row, given.load(start + row))

    def find(self, reflection: Reflection, number: Value, base: Value) -> None:
        """The reflection that leaves nothing of a column below the diagonal, where its length is put.

        Of a column of zeros it is the identity.

        Args:
            reflection: Set.
            number: Number of the column.
            base: The first row of the register from which on the vector is needed.
        """
        p, lanes, vector, column = self.p, self.p.lanes, reflection.vector, self.column(number)
        with p.loop(self.rows, start=base, step=lanes) as row:
            vector.store(row, column.load(row, lanes))
        with p.loop(number, start=base) as row:
            vector.store(row, p.constant(0.0))
        (square,) = self.dots([vector], [vector], base, self.rows)
        there = self.mirror(reflection, number, square)
        column.store(number, there)

    def mirror(self, reflection: Reflection, corner: Value, square: Value) -> Value:
        """Make a vector v that of the reflection which leaves only one of its numbers.

        Args:
            reflection: Its vector is v and becomes that of the reflection, its factor is set.
            corner: The place of the number that is left.
            square: ``|v|^2``.

        Returns:
            What that number becomes, ``-sign(v_corner) |v|``.
        """
        p, vector = self.p, reflection.vector
        number, length = vector.load(corner), p.intrinsic("sqrt", square)
        there = p.select(number < 0.0, length, -length)  # of the other sign, so that nothing cancels
        vector.store(corner, number - there)
        half_square = p.fma(-number, there, square)
        reflection.factor.set(p.select(half_square < NEGLIGIBLE_SQUARE, 0.0, 1.0 / half_square))
        return there

    def dots(self, vectors: Sequence[Array], others: Sequence[Array], first: Value, last: Value) -> list[Value]:
        """The scalar products of all vectors with all others.

        Args:
            vectors: Vectors.
            others: Other vectors.
            first: The place from which on they are taken.
            last: The place where they end.

        Returns:
            Products of the first vector, then of the second.
        """
        p, lanes = self.p, self.p.lanes
        sums = [p.variable(p.constant(0.0, lanes)) for _ in range(len(vectors) * len(others))]
        with p.loop(last, start=first, step=lanes) as place:
            v, a = ([array.load(place, lanes) for array in arrays] for arrays in (vectors, others))
            for number, sum_ in enumerate(sums):
                sum_.set(p.fma(v[number // len(others)], a[number % len(others)], sum_.get()))
        return [sum_.get().sum() for sum_ in sums]
