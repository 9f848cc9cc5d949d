"""How points and hidden units are cut into blocks for products of matrices."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.engines.gpu.thread_layout import power_of_two

LEAST = 16
"""Rows, columns and summands of a product that matrix units take at least."""


@dataclass(frozen=True)
class Block:
    """Points and hidden units that one program works on at a time, and its warps."""

    points: int
    units: int
    warps: int


@dataclass(frozen=True)
class LaunchBlocks:
    """The blocks of both launches: that of a program for some points, and that of one for some hidden units."""

    of_points: Block
    of_units: Block

    def num_places(self, num_points: int) -> int:
        """Points up to the end of the last block of either."""
        return rounded_up(num_points, max(self.of_points.points, self.of_units.points))


def launch_blocks(num_points: int, width: int, real_bytes: int, *, rounded: bool) -> LaunchBlocks:
    """The blocks of a shape. They do not depend on the pack, so neither do the numbers of a trial.

    Args:
        num_points: Of an update.
        width: Hidden units.
        real_bytes: Of a number.
        rounded: Whether products may be rounded to tf32.
    """
    points, units = max(LEAST, power_of_two(num_points)), max(LEAST, power_of_two(width))

    def block(most_points: int, most_units: int, warps: int) -> Block:
        return Block(min(points, most_points), min(units, most_units), warps)

    if real_bytes == 8:
        return LaunchBlocks(block(64, 64, 4), block(64, 64, 4))
    if rounded:
        return LaunchBlocks(block(128, 64, 8), block(64, 64, 4))
    return LaunchBlocks(block(64, 64, 8), block(32, 64, 8))


def padded_columns(number: int) -> int:
    """Columns that are read for so many inputs or outputs; one needs no matrix."""
    return 1 if number == 1 else max(LEAST, power_of_two(number))


def rounded_up(number: int, multiple: int) -> int:
    """The least multiple that is no less."""
    return -(-number // multiple) * multiple
