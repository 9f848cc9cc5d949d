"""Block sizes for products of matrices: how many points and hidden units a program works on at a time."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.engines.gpu.thread_layout import power_of_two

LEAST = 16
"""Rows, columns and summands of a product that matrix units take at least."""


@dataclass(frozen=True)
class Block:
    """What one program works on at a time.

    Args:
        points: Points.
        units: Hidden units.
        warps: Warps of the program.
    """

    points: int
    units: int
    warps: int


@dataclass(frozen=True)
class LaunchBlocks:
    """The blocks of both launches of a step: one program for some points, then one for some hidden units."""

    of_points: Block
    of_units: Block

    def num_places(self, num_points: int) -> int:
        """Rows for points in memory, up to the end of the last block of either launch."""
        return rounded_up(num_points, max(self.of_points.points, self.of_units.points))


def launch_blocks(num_points: int, width: int, real_bytes: int, *, rounded: bool) -> LaunchBlocks:
    """The blocks of a shape. They do not depend on the pack, so neither do the numbers of a trial.

    Args:
        num_points: Points of an update.
        width: W.
        real_bytes: Bytes of a weight.
        rounded: Whether factors of products may be rounded to tf32.

    Returns:
        Blocks whose sides are powers of two.
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
    """The columns that are read for ``number`` inputs or outputs; one needs no matrix unit."""
    return 1 if number == 1 else max(LEAST, power_of_two(number))


def rounded_up(number: int, multiple: int) -> int:
    """The least multiple of ``multiple`` that is not below ``number``."""
    return -(-number // multiple) * multiple
