"""What engines of full batches are meant to reach, and whether a table of the bench says that they do.

Goals against another build are those against commit 81eab59 of November 2026, the last one without these engines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from pipeline.bench.full_batches import JAX, LARGE, LINEAR, MIDDLE, OTHER, SHAPES

Size = tuple[int, int, int, int]


@dataclass(frozen=True)
class FullBatchGoal:
    """How many times faster than a peer a pack is to be.

    Args:
        model: Name of the model in the table.
        shape: Points, inputs, hidden units or features, outputs.
        least: What is to be reached.
        peer: Whom it is set against.
        dtype: Precision.
    """

    model: str
    shape: Size
    least: float
    peer: str = OTHER
    dtype: str = "float32"


LARGEST_GROWTH = 20.0
"""How many times longer a step of 16 times as many points and units may take; evaluating each takes 256 times."""

GOALS = (
    *(FullBatchGoal("relu", shape, least) for shape, least in zip(SHAPES, (1.5, 4, 6, 30, 120), strict=True)),
    *(
        FullBatchGoal("relu", shape, least, dtype="float64")
        for shape, least in zip(SHAPES[2:], (10, 60, 240), strict=True)
    ),
    FullBatchGoal("relu", SHAPES[3], 300, peer=JAX),
    *(FullBatchGoal("linear(haar)", shape, least) for shape, least in zip(LINEAR, (6, 2), strict=True)),
    FullBatchGoal("relu, sharpness", MIDDLE, 5),
    FullBatchGoal("tanh", MIDDLE, 2),
    FullBatchGoal("tanh", LARGE, 8),
)


def full_batch_verdicts(table: pl.DataFrame) -> pl.DataFrame:
    """One row per goal: what was reached, and ``met``, ``not met``, or ``not measured`` where a figure is missing.

    Args:
        table: As ``full_batches.microseconds`` makes it, of packs of 32 and more.

    Returns:
        A table for people.
    """
    found = [_verdict(goal, table) for goal in GOALS]
    times = [_figure(table, "relu", shape, "float32", "pack") for shape in (MIDDLE, LARGE)]
    growth = times[1] / times[0] if None not in times else None  # type: ignore[operator]
    reached = None if growth is None else growth <= LARGEST_GROWTH
    name = f"growth from {_name(MIDDLE)}, at most"
    return pl.DataFrame([*found, _row("relu", LARGE, "float32", name, LARGEST_GROWTH, growth, reached)])


def _verdict(goal: FullBatchGoal, table: pl.DataFrame) -> dict[str, str | float | None]:
    figure = _figure(table, goal.model, goal.shape, goal.dtype, f"x {goal.peer}")
    met = None if figure is None else figure >= goal.least
    return _row(goal.model, goal.shape, goal.dtype, f"x {goal.peer}, at least", goal.least, figure, met)


def _row(
    model: str, shape: Size, dtype: str, figure: str, goal: float, reached: float | None, met: bool | None
) -> dict[str, str | float | None]:
    verdict = "not measured" if met is None else "met" if met else "not met"
    columns = {"model": model, "at": _name(shape), "dtype": dtype, "figure": figure}
    return {**columns, "goal": float(goal), "reached": reached, "verdict": verdict}


def _figure(table: pl.DataFrame, model: str, shape: Size, dtype: str, column: str) -> float | None:
    """A number of the row of a case; ``None`` where there is none."""
    own = table.filter(pl.col("pack of") > 1, **{"model": model, "N x d x m x K": _name(shape), "dtype": dtype})
    number = own[column][0] if column in table.columns and len(own) else None
    return None if number is None or math.isnan(number) else float(number)


def _name(shape: Size) -> str:
    return " x ".join(map(str, shape))
