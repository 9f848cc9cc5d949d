"""Thread layouts: how hidden units and points of a trial are divided among the threads of its program."""

from __future__ import annotations

from dataclasses import dataclass

WARP_THREADS = 32
"""Threads of a warp, which a GPU runs together."""
UNIT_THREADS = 8
"""Threads of a warp along hidden units; the others are along points. A sum over units then takes three exchanges
between threads for each point, and a sum over points two for each weight, once a step."""
MOST_WARPS = 16
"""Warps of a program; each thread then has 128 registers."""
FEW_ROWS = 6
"""Weights of a hidden unit up to which more points are worked on together, and more warps share the registers."""
REGISTERS_OF_WEIGHTS = 96
"""Registers of a thread that hold weights, their memory and their sums over points; the rest are for arithmetic."""
SHARED_REGISTERS = 128
"""Registers of a thread where weights are few: eight programs of two warps then fit on a processor. The compiler
would take 168, for six; kept to 128 it spills 12 numbers outside the loop over points."""
PAIRS_OF_THREAD = 256
"""Pairs of a point and a hidden unit that a thread has at least in each step before there is another warp for points:
below it, sums over points that cross threads take as long as the pairs."""


@dataclass(frozen=True)
class ThreadLayout:
    """Hidden units and points that the threads of one program work on at a time.

    A thread has ``unit_rows`` units and one point at a time; ``unit_lanes x point_lanes`` are
    the threads of a warp, ``unit_warps x point_warps`` the warps. ``points_together`` points of a
    thread are written out, so that no instruction waits for the one before.
    """

    unit_rows: int
    unit_warps: int
    unit_lanes: int
    point_warps: int
    point_lanes: int
    points_together: int
    most_registers: int | None = None
    """What the compiler may take for a thread, where fewer let more programs run side by side."""

    @property
    def warps(self) -> int:
        """Warps of a program."""
        return self.unit_warps * self.point_warps

    @property
    def units(self) -> int:
        """Hidden units that it has room for."""
        return self.unit_rows * self.unit_warps * self.unit_lanes

    @property
    def points(self) -> int:
        """Points worked on before the next loop."""
        return self.point_warps * self.point_lanes * self.points_together


def most_unit_rows(rows: int, slots: int, real_bytes: int) -> int:
    """Hidden units of a thread whose weights stay in its registers.

    Args:
        rows: Weights of a hidden unit, ``D + 1 + K``.
        slots: Tensors that the update rule remembers.
        real_bytes: Bytes of a weight.

    Returns:
        A power of two.
    """
    of_unit = rows * (2 + slots) * (real_bytes // 4)
    return 1 << max(0, (REGISTERS_OF_WEIGHTS // of_unit).bit_length() - 1)


def most_units(rows: int, slots: int, real_bytes: int) -> int:
    """The most hidden units that a program has registers for.

    Args:
        rows: Weights of a hidden unit, ``D + 1 + K``.
        slots: Tensors that the update rule remembers.
        real_bytes: Bytes of a weight.

    Returns:
        A power of two.
    """
    return most_unit_rows(rows, slots, real_bytes) * MOST_WARPS * UNIT_THREADS


def thread_layout(num_points: int, width: int, rows: int, slots: int, real_bytes: int) -> ThreadLayout:
    """The layout of a shape. It does not depend on the pack, so neither do the numbers of a trial.

    Args:
        num_points: Points of an update.
        width: W.
        rows: Weights of a hidden unit, ``D + 1 + K``.
        slots: Tensors that the update rule remembers.
        real_bytes: Bytes of a weight.

    Returns:
        Numbers of threads and of values of a thread, all powers of two.
    """
    wide = power_of_two(width)
    unit_lanes = min(UNIT_THREADS, wide)
    point_lanes = WARP_THREADS // unit_lanes
    unit_rows = min(most_unit_rows(rows, slots, real_bytes), 8, wide // unit_lanes)
    if wide > unit_rows * MOST_WARPS * unit_lanes:
        unit_rows = wide // (MOST_WARPS * unit_lanes)
    unit_warps = wide // (unit_rows * unit_lanes)
    wanted = max(1, num_points * width // (WARP_THREADS * PAIRS_OF_THREAD * unit_warps))
    most_warps = MOST_WARPS if rows <= FEW_ROWS else MOST_WARPS // 2
    point_warps = min(max(1, most_warps // unit_warps), 1 << (wanted.bit_length() - 1))
    rest = power_of_two(-(-num_points // (point_warps * point_lanes)))
    few = rows <= FEW_ROWS and not slots and real_bytes == 4
    return ThreadLayout(
        unit_rows,
        unit_warps,
        unit_lanes,
        point_warps,
        point_lanes,
        min(4 if rows <= FEW_ROWS else 2, rest),
        SHARED_REGISTERS if few else None,
    )


def power_of_two(number: int) -> int:
    """The least power of two that is not below ``number``."""
    return 1 << (number - 1).bit_length()
