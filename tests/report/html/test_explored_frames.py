"""Frames of a page are the functions that the recorded weights make, on the grid of their problem."""

import dataclasses

import numpy as np
import polars as pl
import pytest
import torch
from ended_run import ended
from unpacking import product, unpacked

from pipeline.experiment.axes import Inputs
from pipeline.models.bases.local_basis import Hat
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import Gaussian, Xor
from pipeline.records.frame_store import FRAMES, write_frames
from pipeline.report.html.explored_cells import explored_cells
from pipeline.report.html.explored_frames import GRID_SIDE, LINE_POINTS, NO_FRAMES, explored_frames, problem_data

STEPS = (0, 3, 9)


def tables_of(folder, weights=None, atoms=None, **fields):
    """A run of which the first seed of each cell has frames of random weights, or of those that are given."""
    tables = dataclasses.replace(ended(lambda trial: 1.0 + trial.shape.width, **fields)[0], run=folder)
    rng = np.random.default_rng(0)
    for pack in tables.plan.packs:
        rows = [
            (trial.id, step, weights or rng.normal(size=pack.shape.num_weights).tolist(), atoms)
            for trial in pack.trials
            if trial.seed == 0
            for step in STEPS
        ]
        write_frames(folder, pack.id, 0, pl.DataFrame(rows, schema=FRAMES, orient="row"))
    return tables


def frames_of(tables, **limits):
    explored = explored_cells(tables)
    shapes = {trial: tables.plan.trials[trial].shape for trial in explored.trials["trial"]}
    labels = explored.cells.select("panel_problem", "first").unique("panel_problem").iter_rows()
    grids = {label: problem_data(label, shapes[first].problem)[1] for label, first in labels}
    return explored, explored_frames(tables, explored, shapes, grids, **limits)


@pytest.mark.parametrize("model", [Linear(), Shallow()], ids=lambda model: model.label())
def test_a_fit_is_the_function_of_its_weights_on_two_hundred_points(tmp_path, model):
    tables = tables_of(tmp_path, models=(model,), widths=(5,))
    explored, made = frames_of(tables)
    assert made.sentences == ()
    (frames,) = made.frames
    trial = explored.trials["trial"][frames.trial]
    weights_FN = np.stack(pl.read_parquet(tmp_path / "frames").filter(pl.col("trial") == trial)["weights"].to_list())
    x = np.linspace(-1, 1, LINE_POINTS)
    if model.linear:
        fits = weights_FN @ model.prepare(torch.from_numpy(x[:, None]), 5).numpy()
    else:
        hidden, last = weights_FN[:, :10].reshape(-1, 5, 2), weights_FN[:, 10:]
        units = np.maximum(hidden[:, :, :1] * x + hidden[:, :, 1:], 0)
        fits = np.einsum("fw,fwx->fx", last[:, :5], units) + last[:, 5:]
    tolerance = 2.1e-3 * np.abs(fits).max(axis=1, keepdims=True)
    assert (np.abs(product(frames.fit) - fits) < tolerance).all()
    if model.linear:
        assert frames.units is None
    else:
        of_length_one = hidden / np.linalg.norm(hidden, axis=-1, keepdims=True)
        np.testing.assert_allclose(product(frames.units), of_length_one.reshape(len(hidden), -1), atol=6e-4)
    assert unpacked(frames.steps).tolist() == list(STEPS)


@pytest.mark.parametrize("inputs", [1, 2])
def test_a_unit_bends_where_its_weights_say_however_small_they_are_beside_others(tmp_path, inputs):
    hidden = np.random.default_rng(1).normal(size=(3, inputs + 1)) * np.array([[1e-4], [1.0], [1e4]])
    weights = [*hidden.ravel().tolist(), 1e8, -1e8, 1.0, 0.0]
    axes = {"target": (Xor(),), "inputs": Inputs(dimension=(2,))} if inputs == 2 else {}
    _, made = frames_of(tables_of(tmp_path, weights=weights, models=(Shallow(),), widths=(3,), **axes))
    of_length_one = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
    np.testing.assert_allclose(product(made.frames[0].units)[0], of_length_one.ravel(), atol=6e-4)


def test_a_unit_without_weights_bends_nowhere(tmp_path):
    _, made = frames_of(tables_of(tmp_path, weights=[0.0, 0.0, 1.0, -1.0, 1.0, 0.0, 2.0], widths=(2,)))
    np.testing.assert_allclose(product(made.frames[0].units)[0], [0, 0, 0.5**0.5, -(0.5**0.5)], atol=1e-3)


def test_a_greedy_model_is_drawn_by_the_functions_that_it_chose(tmp_path):
    tables = tables_of(tmp_path, weights=[2.0, -1.0], atoms=[3, 0], models=(Greedy(),), widths=(2,))
    _, made = frames_of(tables)
    (frames,) = made.frames
    x = np.linspace(-1, 1, LINE_POINTS)
    assert frames.atoms == [3, 0]
    np.testing.assert_allclose(product(frames.fit), np.tile(2 * x**3 - 1, (3, 1)), atol=7e-3)


def test_kinks_of_a_fixed_basis_are_those_of_its_mesh(tmp_path):
    _, made = frames_of(tables_of(tmp_path, models=(Linear(Hat()),), widths=(5,)))
    np.testing.assert_allclose(unpacked(made.frames[0].kinks), np.linspace(-1, 1, 5), atol=1e-6)


def test_over_the_plane_an_answer_is_told_by_the_sign_of_a_fit(tmp_path):
    tables = tables_of(tmp_path, models=(Shallow(),), widths=(2,), target=(Xor(),), inputs=Inputs(dimension=(2,)))
    shape = next(iter(tables.plan.trials.values())).shape
    data, grid = problem_data("xor", shape.problem)
    _, made = frames_of(tables)
    assert made.frames[0].fit.right.shape[1] == GRID_SIDE**2 == len(grid)
    side = unpacked(data.grid.y)
    np.testing.assert_allclose(grid[1], [unpacked(data.grid.x)[0], side[1]], atol=1e-6)
    np.testing.assert_array_equal(unpacked(data.grid.truth), shape.problem.target(grid.numpy()))


def test_the_target_and_the_training_points_are_those_of_the_problem():
    tables, _ = ended(lambda trial: 1.0, inputs=Inputs(train=(600,), test=50, noise=(0.1,)))
    problem = next(iter(tables.plan.trials.values())).shape.problem
    data, grid = problem_data("f", problem)
    np.testing.assert_allclose(unpacked(data.grid.truth), grid[:, 0].abs().numpy(), rtol=1e-6)
    assert unpacked(data.points).shape == (256, 1)
    assert set(unpacked(data.targets)) <= set(problem.load().train_targets_PK[:, 0].float().tolist())


def test_of_three_inputs_nothing_is_drawn_and_that_is_said(tmp_path):
    inputs = Inputs(dimension=(3,), train=(16,), test=50)
    tables = tables_of(tmp_path, target=(Gaussian(),), inputs=inputs)
    data, grid = problem_data("g", next(iter(tables.plan.trials.values())).shape.problem)
    assert (data.grid, data.points, grid) == (None, None, None)
    assert (
        data.sentence == "Fits are drawn of one or two inputs and one output: this problem has 3 inputs and 1 output."
    )
    assert frames_of(tables)[1].frames == ()


def test_a_run_without_frames_says_so_in_one_sentence(tmp_path):
    tables = dataclasses.replace(ended(lambda trial: 1.0)[0], run=tmp_path)
    assert frames_of(tables)[1].sentences == (NO_FRAMES,)
    before = tables.results.with_columns(status=pl.lit("pending"))
    assert frames_of(dataclasses.replace(tables, results=before))[1].sentences == ()


def test_damaged_frames_are_named_and_the_others_are_drawn(tmp_path):
    tables = tables_of(tmp_path, models=(Linear(), Shallow()))
    path = sorted((tmp_path / "frames").iterdir())[0]
    path.write_bytes(b"half")
    _, made = frames_of(tables)
    assert len(made.frames) == 1
    assert made.sentences == (f"1 file of frames cannot be read, and what was in it is missing here: {path.name}.",)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_frame_that_is_no_number_is_left_out(tmp_path, bad):
    assert frames_of(tables_of(tmp_path, weights=[bad, 1.0], models=(Linear(),)))[1].frames == ()


def test_where_frames_do_not_fit_the_best_rate_of_each_width_comes_first_and_the_rule_is_said(tmp_path):
    rates = tuple(0.125 * (k + 1) for k in range(9))
    tables = tables_of(tmp_path, models=(Linear(),), widths=tuple(range(1, 10)), rates=rates)
    _, all_of_them = frames_of(tables)
    assert len(all_of_them.frames) == 81
    explored, made = frames_of(tables, most_letters=1)
    best = explored.cells.filter(pl.col("best") > 0)["cell"].to_list()
    assert [frames.cell for frames in made.frames] == best
    assert made.sentences == ("Of 81 cells 9 have frames here: the best learning rate of each width.",)
    most = sum(len(one.fit.right.base64) + len(one.fit.left.base64) for one in all_of_them.frames) // 2
    explored, made = frames_of(tables, most_letters=most)
    kept = explored.cells.filter(pl.col("cell").is_in([frames.cell for frames in made.frames]))
    assert {(w, rates[k]) for w in (1, 9) for k in (0, 8)} <= set(kept.select("width", "rate_axis").rows())
    assert 13 <= kept.height < 81
    assert " width and learning rate." in made.sentences[-1]
