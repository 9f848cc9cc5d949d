"""What a page explores is the results of its run, cell by cell and trial by trial."""

import json
import math

import numpy as np
import pytest
from unpacking import unpacked

from pipeline.report.html.explored_run import STATUSES, run_data
from pipeline.report.html.rendering import script_json


@pytest.fixture(scope="module")
def data(run):
    return run_data(run.tables)


def test_every_trial_has_its_axes_its_end_and_its_last_values(run, data):
    rows = {row["trial"]: row for row in run.results.iter_rows(named=True)}
    assert sorted(data.trials.id) == sorted(rows)
    columns = {
        name: unpacked(getattr(data.trials, name)) for name in ("cell", "seed", "status", "step", "learning_rate")
    }
    cells = {name: unpacked(getattr(data.cells, name)) for name in ("model", "width", "rate", "problem")}
    verdicts = unpacked(data.trials.verdict)
    for number, trial in enumerate(data.trials.id):
        row, cell = rows[trial], columns["cell"][number]
        assert data.models[cells["model"][cell]].label == row["model"]
        assert data.widths[cells["width"][cell]] == row["width"]
        assert data.rates[cells["rate"][cell]] == row["learning_rate"] == columns["learning_rate"][number]
        assert data.problems[cells["problem"][cell]].label == row["problem"]
        assert data.seeds[columns["seed"][number]] == row["seed"]
        assert STATUSES[columns["status"][number]] == row["status"]
        assert columns["step"][number] == (-1 if row["step"] is None else row["step"])
        assert row["verdict"] == (data.verdicts[verdicts[number]] if verdicts[number] >= 0 else "")
        for name, values in data.trials.last.items():
            last = np.nan if row[name] is None else np.float32(row[name])
            np.testing.assert_equal(unpacked(values)[number], last)


def test_the_points_that_are_shown_are_those_of_the_trials_with_their_seed(run, data):
    own = unpacked(data.trials.own_points)
    seeds = {row["trial"]: row["seed"] for row in run.results.iter_rows(named=True)}
    assert [bool(value) for value in own] == [seeds[trial] == 0 for trial in data.trials.id]


def test_the_limit_of_a_trial_is_its_own(run, data):
    rows = {row["trial"]: row for row in run.results.iter_rows(named=True)}
    for trial, limit in zip(data.trials.id, unpacked(data.trials.limit), strict=True):
        times = rows[trial]["times_first_limit"]
        expected = math.nan if times is None else rows[trial]["learning_rate"] / times
        np.testing.assert_allclose(limit, expected, rtol=1e-6)


def test_a_cell_points_at_a_trial_of_its_own(data):
    cell = unpacked(data.trials.cell)
    for number, trial in enumerate(unpacked(data.cells.trial)):
        assert cell[trial] == number


def test_models_say_what_their_units_are(data):
    kinds = {model.label: (model.kind, model.activation, model.kinked) for model in data.models}
    assert kinds["shallow(relu)"] == ("shallow", "relu", True)
    assert kinds["linear(monomial)"] == ("linear", "", False)


def test_quantities_with_a_sign_have_no_logarithmic_axis(data):
    logarithmic = {one.name: one.logarithmic for one in data.diagnostics}
    assert logarithmic["loss"]
    assert logarithmic["test_error"]


def test_an_old_run_says_that_it_has_no_frames_and_has_all_else(data):
    assert data.frames == ()
    assert [sentence for sentence in data.sentences if "frames" in sentence]
    assert len(data.trials.id) == 24


def test_infinite_and_missing_numbers_are_json(data):
    assert json.loads(script_json(data.as_json()))["version"] == 1
