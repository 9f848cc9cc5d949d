"""Fits that were kept at the end of trials are those of the explorer where there are no frames."""

import dataclasses

import numpy as np
import polars as pl
import pytest
import torch
from ended_run import ended
from unpacking import product, unpacked

from pipeline.records.schema import FITTED_SAMPLES, HIDDEN, LINE, PLANE
from pipeline.report.html.end_fits import end_fits, on_grid
from pipeline.report.html.explored_cells import explored_cells
from pipeline.report.html.explored_frames import letters_of, problem_data


def line(trial, value):
    """A straight line between -1 and 1 as training samples a fit."""
    x = np.linspace(-1, 1, 201)
    return [(trial, LINE, float(one), None, value * float(one)) for one in x]


@pytest.fixture
def run():
    """Three widths of two seeds, of which the second seed of the first two has a fit; the points of a page."""
    tables, _ = ended(lambda trial: 1.0, widths=(2, 3, 4), seeds=2)
    explored = explored_cells(tables)
    kept = [trial for trial in explored.trials["trial"] if tables.plan.trials[trial].seed == 1][:2]
    rows = [row for trial in kept for row in line(trial, 3.0)] + [(kept[0], HIDDEN, 0.0, 0.0, 1.0)]
    tables = dataclasses.replace(tables, fitted_samples=pl.DataFrame(rows, schema=FITTED_SAMPLES, orient="row"))
    label = explored.cells["panel_problem"][0]
    return (
        tables,
        explored,
        {label: problem_data(label, next(iter(tables.plan.trials.values())).shape.problem)[1]},
        kept,
    )


def test_a_kept_fit_is_one_frame_at_the_last_step_of_its_trial(run):
    tables, explored, grids, kept = run
    fits = end_fits(tables, explored, grids, ())
    assert [explored.trials["trial"][one.trial] for one in fits] == sorted(
        kept, key=list(explored.trials["trial"]).index
    )
    assert [one.cell for one in fits] == [explored.trials["cell"][one.trial] for one in fits]
    (grid_XD,) = grids.values()
    for one in fits:
        assert unpacked(one.steps).tolist() == [explored.trials["step"][one.trial]]
        np.testing.assert_allclose(product(one.fit)[0], 3 * grid_XD[:, 0], atol=7e-3)


def test_what_has_frames_needs_no_other_fit_and_frames_come_first_where_there_is_little_room(run):
    tables, explored, grids, _ = run
    first, second = end_fits(tables, explored, grids, ())
    assert end_fits(tables, explored, grids, (first,)) == (second,)
    assert end_fits(tables, explored, grids, (first,), letters_of(first) + letters_of(second) - 1) == ()
    assert end_fits(tables, explored, grids, (), letters_of(first)) == (first,)


def test_where_no_fit_is_drawn_there_is_none(run):
    tables, explored, grids, _ = run
    assert end_fits(tables, explored, dict.fromkeys(grids), ()) == ()


def test_between_samples_a_fit_is_linear_along_each_input():
    def f(x, y):
        return 1 + 2 * x - 3 * y + 0.5 * x * y  # what interpolation along both sides gives exactly

    sides = np.linspace(-1.3, 1.3, 31), np.linspace(-2, 2, 31)
    rows = [("trial", PLANE, x, y, f(x, y)) for y in sides[1] for x in sides[0]]
    samples = pl.DataFrame(rows, schema=FITTED_SAMPLES, orient="row")
    grid = torch.cartesian_prod(torch.linspace(-1, 1, 32).double(), torch.linspace(-2, 2, 32).double()).numpy()
    np.testing.assert_allclose(on_grid(samples, grid), f(grid[:, 0], grid[:, 1]), atol=1e-12)
    assert on_grid(samples.head(960), grid) is None  # not defined everywhere
    gap = samples.with_columns(value=pl.when(pl.col("x") > 1.2).then(np.inf).otherwise("value"))
    assert on_grid(gap, grid) is None
