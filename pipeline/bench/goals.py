"""What the fused engine is meant to reach beside its peers, and whether a table of the bench says that it does."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import polars as pl

from pipeline.bench.bench_packs import PACKS, QUICK_SHAPE, SHAPES
from pipeline.bench.peers import PEER_BYTES

SHAPE, FASTER = "N x d x m x K", "pack is faster by"
LARGE_PACKS = tuple(size for size in PACKS if size >= 32)


@dataclass(frozen=True)
class Goal:
    """A figure to reach, at every row that it speaks of or in their geometric mean.

    Args:
        activation: Of the networks.
        peer: Whose rows are looked at.
        least: What is to be reached.
        column: Where the figure stands.
        shapes: Points, inputs, hidden units, outputs.
        packs: Sizes of packs.
        mean: Whether the geometric mean is meant rather than the worst row.
    """

    activation: str
    peer: str
    least: float
    column: str = FASTER
    shapes: tuple[tuple[int, int, int, int], ...] = (QUICK_SHAPE,)
    packs: tuple[int, ...] = LARGE_PACKS
    mean: bool = False

    @property
    def num_rows(self) -> int:
        """Rows that a whole bench has for it; JAX has none where its memory does not suffice."""
        cases = itertools.product(self.shapes, self.packs)
        return sum(
            self.peer != "JAX vmap" or points * width * pack * 4 <= PEER_BYTES for (points, _, width, _), pack in cases
        )


GOALS = (
    Goal("relu", "JAX vmap", 10),
    Goal("relu", "Lightning per trial", 500),
    Goal("relu", "pack", 0.8, column="of matrix products"),
    Goal("relu", "JAX vmap", 6, shapes=SHAPES, mean=True),
    Goal("relu", "JAX vmap", 2, shapes=SHAPES),
    Goal("relu", "JAX vmap", 0.8, shapes=SHAPES, packs=(1,)),
    Goal("tanh", "JAX vmap", 4),
)


def means(table: pl.DataFrame) -> pl.DataFrame:
    """How many times faster a pack is than each peer, as the geometric mean over its shapes, for each size of pack."""
    kinds = ["activation", "pack of", "peer"]
    others = table.filter(pl.col("peer") != "pack")
    return others.group_by(kinds, maintain_order=True).agg(
        pl.len().alias("shapes"), pl.col(FASTER).log().mean().exp().alias(f"{FASTER}, geometric mean")
    )


def verdicts(table: pl.DataFrame) -> pl.DataFrame:
    """One row per goal: what was reached, and ``met``, ``not met``, or ``not measured`` where rows are missing."""
    return pl.DataFrame([_verdict(goal, table) for goal in GOALS])


def _verdict(goal: Goal, table: pl.DataFrame) -> dict[str, str | int | float | None]:
    shapes = [" x ".join(map(str, shape)) for shape in goal.shapes]
    figures = table.filter(
        pl.col(SHAPE).is_in(shapes), pl.col("pack of").is_in(goal.packs), activation=goal.activation, peer=goal.peer
    )[goal.column].to_list()
    reached = None
    if figures:
        reached = math.exp(sum(map(math.log, figures)) / len(figures)) if goal.mean else min(figures)
    if reached is None or len(figures) < goal.num_rows:
        verdict = "not measured"
    else:
        verdict = "met" if reached >= goal.least else "not met"
    return {
        "activation": goal.activation,
        "at": shapes[0] if len(shapes) == 1 else f"{len(shapes)} shapes",
        "packs of": ", ".join(map(str, goal.packs)),
        "figure": f"{goal.column} ({goal.peer}), {'geometric mean' if goal.mean else 'worst row'}",
        "goal": float(goal.least),
        "reached": reached,
        "rows": f"{len(figures)} of {goal.num_rows}",
        "verdict": verdict,
    }
