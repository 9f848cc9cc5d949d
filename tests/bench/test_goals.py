"""A goal is met by what was measured, and by nothing else."""

import polars as pl
import pytest

from pipeline.bench import goals
from pipeline.bench.bench_packs import PACKS, SHAPES
from pipeline.bench.goals import GOALS, means, verdicts


def table(faster=1000.0, share=1.0):
    """A whole bench; JAX has no row for the one pack that does not fit its memory."""
    rows = [
        {"activation": activation, "N x d x m x K": " x ".join(map(str, shape)), "pack of": pack, "peer": peer,
         "pack is faster by": 1.0 if peer == "pack" else faster, "of matrix products": share}
        for activation in ("relu", "tanh") for shape in SHAPES for pack in PACKS
        for peer in ("pack", "Lightning per trial", "JAX vmap")
        if not (peer == "JAX vmap" and shape == (4096, 2, 1024, 1) and pack == 512)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def test_a_whole_bench_decides_every_goal():
    assert set(verdicts(table())["verdict"]) == {"met"}
    assert set(verdicts(table(faster=0.1, share=0.1))["verdict"]) == {"not met"}


def test_a_goal_is_met_exactly_at_its_figure():
    found = verdicts(table(faster=4.0))
    by_goal = dict(zip(GOALS, found["verdict"], strict=True))
    assert by_goal[GOALS[-1]] == "met"  # tanh, 4
    assert by_goal[GOALS[0]] == "not met"


@pytest.mark.parametrize("goal", range(len(GOALS)))
def test_a_missing_row_leaves_a_goal_undecided(goal):
    undecided = GOALS[goal]
    names = [" x ".join(map(str, shape)) for shape in undecided.shapes]
    whole = table().with_row_index()
    mine = whole.filter(
        pl.col("N x d x m x K").is_in(names), pl.col("pack of").is_in(undecided.packs),
        activation=undecided.activation, peer=undecided.peer,
    )  # fmt: skip
    assert len(mine) == undecided.num_rows
    assert verdicts(whole.filter(pl.col("index") != mine["index"][0]))["verdict"][goal] == "not measured"


def test_one_slow_row_fails_the_worst_but_hardly_moves_the_mean():
    slow = (pl.col("peer") == "JAX vmap") & (pl.col("pack of") == 32) & (pl.col("N x d x m x K") == "32 x 1 x 16 x 1")
    one = table().with_columns(pl.when(slow).then(1.5).otherwise(goals.FASTER).alias(goals.FASTER))
    found = verdicts(one)
    assert found["verdict"].to_list()[3:5] == ["met", "not met"]
    assert found["reached"][3] == pytest.approx(1000 ** (10 / 11) * 1.5 ** (1 / 11))


def test_means_are_geometric_and_count_their_shapes():
    mixed = table().with_columns(pl.Series(goals.FASTER, [2.0, 8.0] * (len(table()) // 2)))
    row = means(mixed.filter(pl.col("peer") != "pack").head(2).with_columns(peer=pl.lit("p"), **{"pack of": 1}))
    assert row["shapes"].to_list() == [2]
    assert row[f"{goals.FASTER}, geometric mean"][0] == pytest.approx(4)
