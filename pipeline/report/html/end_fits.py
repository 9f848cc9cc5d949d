"""Fits at the end of trials that have no frames: of each pack one was kept, that of its lowest training loss.

Shape letters: X points of a grid, S samples.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate, takewhile

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor

from pipeline.records.schema import HIDDEN
from pipeline.report.html.explored_cells import ExploredCells
from pipeline.report.html.explored_frames import MOST_LETTERS, TOLERANCE_OF_FITS, letters_of
from pipeline.report.html.explorer_data import FramesData
from pipeline.report.html.packed_arrays import low_rank, packed
from pipeline.report.tables.run_tables import RunTables


def end_fits(
    tables: RunTables,
    explored: ExploredCells,
    grids: Mapping[str, Tensor | None],
    frames: Collection[FramesData],
    most_letters: int = MOST_LETTERS,
) -> tuple[FramesData, ...]:
    """The fits that a run has kept at the end of trials without frames, each as a single frame at the last step.

    Args:
        tables: Of the run.
        explored: Cells and trials of the page.
        grids: Points at which fits are drawn, by the label of the problem.
        frames: Those of other trials, which come first.
        most_letters: Of all frames at most.

    Returns:
        In the order of the trials, as many as there is room for.
    """
    made = list(_end_fits(tables, explored, grids, {one.trial for one in frames}))
    room = most_letters - sum(map(letters_of, frames))
    sums = accumulate(map(letters_of, made))
    return tuple(made[: sum(1 for _ in takewhile(lambda letters: letters <= room, sums))])


def _end_fits(
    tables: RunTables, explored: ExploredCells, grids: Mapping[str, Tensor | None], played: Collection[int]
) -> Iterator[FramesData]:
    samples = tables.fitted_samples.filter(pl.col("space") != HIDDEN)
    of_trial = {str(trial): rows for (trial,), rows in samples.partition_by("trial", as_dict=True).items()}
    columns = explored.trials.with_row_index("number").select("trial", "number", "cell", "step", "panel_problem")
    for trial, number, cell, step, problem in columns.iter_rows():
        grid_XD = grids[str(problem)]
        if trial not in of_trial or number in played or grid_XD is None:
            continue
        fit_X = on_grid(of_trial[trial], grid_XD.numpy())
        if fit_X is not None:
            fit = low_rank(fit_X[None], TOLERANCE_OF_FITS)
            yield FramesData(cell, number, packed([step or 0], "int32"), fit, None, None, None, None)


def on_grid(samples: pl.DataFrame, grid_XD: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Samples of a function, interpolated linearly along each input.

    Args:
        samples: Rows of ``FITTED_SAMPLES`` of one trial, along a line or over the whole of a grid of the plane.
        grid_XD: Points within their range.

    Returns:
        Values ``[X]``; ``None`` where the model has no finite value at one of the samples.
    """
    plane = grid_XD.shape[1] == 2
    x, y = samples["x"].unique().sort().to_numpy(), samples["y"].unique().sort().to_numpy() if plane else np.zeros(1)
    values_S = samples.sort("x", "y")["value"].to_numpy()
    if len(values_S) != len(x) * len(y) or not np.isfinite(values_S).all():
        return None
    if not plane:
        return np.interp(grid_XD[:, 0], x, values_S)
    place_X = np.clip(np.searchsorted(x, grid_XD[:, 0], side="right") - 1, 0, len(x) - 2)
    share_X = (grid_XD[:, 0] - x[place_X]) / (x[place_X + 1] - x[place_X])
    rows = values_S.reshape(len(x), len(y))
    left_X, right_X = (_along(rows[place_X + side], y, grid_XD[:, 1]) for side in (0, 1))
    return np.asarray((1 - share_X) * left_X + share_X * right_X)


def _along(rows_XS: NDArray[np.float64], y: NDArray[np.float64], at_X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row of values at ``y``, interpolated at a place of its own."""
    place_X = np.clip(np.searchsorted(y, at_X, side="right") - 1, 0, len(y) - 2)
    share_X = (at_X - y[place_X]) / (y[place_X + 1] - y[place_X])
    each = np.arange(len(at_X))
    return np.asarray((1 - share_X) * rows_XS[each, place_X] + share_X * rows_XS[each, place_X + 1])
