"""A page explores every cell of a run, or those that its rule takes; the best of each model is always among them."""

import dataclasses
import math

import pytest
from ended_run import ended

from pipeline.experiment.axes import Inputs
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import LeastSquares
from pipeline.report.html.explored_cells import (
    BEST_OF_MODEL,
    BEST_OF_PROBLEM,
    BEST_OF_WIDTH,
    explored_cells,
)

WIDTHS, RATES = tuple(range(1, 13)), (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def error_of(trial):
    """Least at width 6 and rate 0.02 among networks, at width 4 and rate 0.2 among linear models; 1.0 diverges."""
    if trial.learning_rate == 1.0:
        return math.inf
    width, rate = (4, 0.2) if trial.shape.model.linear else (6, 0.02)
    return 1 + abs(trial.shape.width - width) + abs(math.log(trial.learning_rate / rate)) + trial.seed / 100


@pytest.fixture(scope="module")
def tables():
    return ended(error_of, models=(Linear(), Shallow()), widths=WIDTHS, rates=RATES, seeds=3)[0]


def test_every_cell_and_trial_is_there_where_they_fit(tables):
    explored = explored_cells(tables)
    assert explored.sentences == ()
    assert explored.cells.height == 2 * 12 * 7
    assert explored.trials.height == 12 * 7 * (1 + 3)
    assert explored.cells["cell"].to_list() == list(range(168))


def test_a_cell_counts_its_trials_and_has_the_medians_of_those_that_did_not_diverge(tables):
    explored = explored_cells(tables)
    for row in explored.cells.iter_rows(named=True):
        network = row["name"] == "shallow(relu)"
        gone = row["rate_axis"] == 1.0
        assert (row["trials"], row["ended"], row["diverged"]) == ((3, 3, 3 * gone) if network else (1, 1, gone))
        trials = [t for t in tables.plan.trials.values() if t.shape.model.label() == row["name"]]
        seeds = [t for t in trials if (t.shape.width, t.learning_rate) == (row["width"], row["rate_axis"])]
        assert row["score"] == (None if gone else pytest.approx(sorted(map(error_of, seeds))[len(seeds) // 2]))


def test_the_trial_of_a_cell_is_that_of_the_first_seed_in_whatever_order_they_ran(tables):
    backwards = dataclasses.replace(tables, results=tables.results.reverse())
    for one in (tables, backwards):
        seeds = {tables.plan.trials[trial].seed for trial in explored_cells(one).cells["first"]}
        assert seeds == {0}


def test_the_best_rate_of_each_width_and_the_best_of_each_model_and_of_all_are_marked(tables):
    cells = explored_cells(tables).cells
    of = {best: set(cells.filter(best=best).select("name", "width", "rate_axis").rows()) for best in range(4)}
    assert of[BEST_OF_PROBLEM] == {("linear(legendre)", 4, 0.2)}
    assert of[BEST_OF_MODEL] == {("shallow(relu)", 6, 0.02)}
    assert of[BEST_OF_WIDTH] == {("linear(legendre)", w, 0.2) for w in WIDTHS if w != 4} | {
        ("shallow(relu)", w, 0.02) for w in WIDTHS if w != 6
    }


@pytest.mark.parametrize(
    ("most", "stride", "words"),
    [(167, 2, "every second width"), (30, 4, "every 4th width"), (14, 8, "every 8th width")],
)
def test_every_second_width_and_rate_is_left_out_until_the_cells_fit(tables, most, stride, words):
    explored = explored_cells(tables, most_cells=most)
    widths, rates = {*WIDTHS[::stride], 12}, {*RATES[::stride], 1.0}
    kept = set(explored.cells.select("name", "width", "rate_axis").rows())
    even = {(name, w, r) for name in ("linear(legendre)", "shallow(relu)") for w in widths for r in rates}
    assert kept == even | {("linear(legendre)", 4, 0.2), ("shallow(relu)", 6, 0.02)}
    assert len(kept) <= most
    (sentence,) = explored.sentences
    assert sentence.startswith(f"Of 168 cells {len(kept)} are here: {words} and learning rate")
    assert set(explored.trials["cell"]) == set(range(len(kept)))


def test_trials_are_those_of_the_first_seeds_where_not_all_fit(tables):
    explored = explored_cells(tables, most_trials=300)
    assert set(explored.trials["seed"]) == {0, 1}
    assert explored.sentences == ("Of 336 trials of these cells 252 are here: the first 2 trials of each.",)
    assert set(explored_cells(tables, most_trials=1).trials["seed"]) == {0}


def test_a_solver_has_a_cell_for_each_width():
    tables, _ = ended(lambda trial: 1.0, models=(Linear(),), widths=(2, 3), rates=None, optimizer=LeastSquares())
    explored = explored_cells(tables)
    assert explored.cells.select("width", "rate_axis").rows() == [(2, None), (3, None)]
    assert explored.trials.height == 2


def test_trials_on_several_samples_of_points_are_of_one_cell():
    inputs = Inputs(train=(8,), test=20, noise=(0.1,), seed=(0, 1))
    tables, _ = ended(lambda trial: 1.0, widths=(2,), rates=(0.1, 0.2), seeds=2, inputs=inputs)
    explored = explored_cells(tables)
    assert explored.cells["trials"].to_list() == [4, 4]
    firsts = {tables.plan.trials[trial].shape.problem.seed for trial in explored.cells["first"]}
    assert firsts == {0}
