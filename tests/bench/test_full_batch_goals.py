"""A goal is met by what was measured, and by nothing else."""

import polars as pl
import pytest

from pipeline.bench.full_batch_goals import GOALS, LARGEST_GROWTH, full_batch_verdicts
from pipeline.bench.full_batches import JAX, LARGE, LINEAR, MIDDLE, OTHER, SHAPES


def table(faster, growth=1.0):
    """A whole table with the same ratio everywhere, in which a step grows with the shape."""
    cases = [("relu", shape, dtype) for shape in SHAPES for dtype in ("float32", "float64")]
    cases += [("tanh", shape, "float32") for shape in (MIDDLE, LARGE)]
    cases += [("linear(haar)", shape, "float32") for shape in LINEAR] + [("relu, sharpness", MIDDLE, "float32")]
    return pl.DataFrame(
        {"model": model, "N x d x m x K": " x ".join(map(str, shape)), "dtype": dtype, "pack of": pack,
         "pack": growth if shape == SHAPES[-1] else 1.0, f"x {JAX}": faster, f"x {OTHER}": faster if pack > 1 else 0.1}
        for model, shape, dtype in cases for pack in (32, 1)
    )  # fmt: skip


def test_a_whole_table_decides_every_goal():
    assert set(full_batch_verdicts(table(1000.0))["verdict"]) == {"met"}
    assert set(full_batch_verdicts(table(0.5, growth=256.0))["verdict"]) == {"not met"}
    assert len(full_batch_verdicts(table(1.0))) == len(GOALS) + 1


def test_goals_are_met_exactly_at_their_figures():
    found = full_batch_verdicts(table(6.0, growth=LARGEST_GROWTH))
    assert [verdict == "met" for verdict in found["verdict"]] == [goal.least <= 6 for goal in GOALS] + [True]


@pytest.mark.parametrize("missing", [JAX, OTHER])
def test_without_a_peer_its_goals_are_not_measured(missing):
    found = full_batch_verdicts(table(1000.0).drop(f"x {missing}"))
    expected = ["not measured" if goal.peer == missing else "met" for goal in GOALS]
    assert found["verdict"].to_list() == [*expected, "met"]


def test_a_missing_row_leaves_its_goals_undecided():
    found = full_batch_verdicts(table(1000.0).filter(pl.col("N x d x m x K") != " x ".join(map(str, SHAPES[-1]))))
    assert found.filter(pl.col("verdict") == "not measured")["at"].unique().to_list() == ["4096 x 1 x 1024 x 1"]
