"""Curves of a page are those that were recorded, beside those that theory predicts."""

import numpy as np
import pytest
from ended_run import LAST, ended

from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.report.html.explored_cells import explored_cells
from pipeline.report.html.explored_curves import MOST_STEPS, explored_curves


def loss_of(trial, step):
    return (1 + trial.seed) * np.exp(-step / 1000 * trial.learning_rate)


def also(trial):
    recorded = [0, 1, 10, LAST]
    return [
        *((step, "loss", loss_of(trial, step)) for step in recorded),
        *((step, "gradient_norm", np.inf if step else 0.0) for step in recorded),
        (0, "condition_number", 3.0),
    ]


@pytest.fixture(scope="module")
def tables():
    return ended(lambda trial: 0.5, models=(Linear(), Shallow()), widths=(2, 4), rates=(0.1, 0.2), also=also, seeds=2)[
        0
    ]


def curves_of(tables, **limits):
    trials = explored_cells(tables).trials
    shapes = {trial: tables.plan.trials[trial].shape for trial in trials["trial"]}
    return trials, explored_curves(tables, trials, shapes, **limits)


def test_every_recorded_value_stands_at_its_step_and_nothing_elsewhere(tables):
    trials, curves = curves_of(tables)
    assert len(curves.steps) <= MOST_STEPS
    for row, trial in enumerate(trials["trial"]):
        values = dict(zip(curves.steps, curves.values["loss"][row], strict=True))
        known = {step: value for step, value in values.items() if not np.isnan(value)}
        assert known == {step: loss_of(tables.plan.trials[trial], step) for step in (0, 1, 10, LAST)}
    assert np.isinf(curves.values["gradient_norm"][:, -1]).all()


def test_a_diagnostic_of_one_step_has_no_curve(tables):
    _, curves = curves_of(tables)
    assert "condition_number" not in curves.values
    assert list(curves.values)[:2] == ["test_error", "loss"]


def test_the_criterion_and_the_loss_are_there_whatever_is_left_out(tables):
    _, curves = curves_of(tables, most_numbers=1)
    assert list(curves.values) == ["test_error", "loss"]
    assert curves.sentences == ("Curves that would make the page large are left out: gradient_norm.",)


def test_descent_of_a_linear_model_is_predicted_as_a_loop_over_its_steps_makes_it(tables):
    trials, curves = curves_of(tables)
    for row, trial in enumerate(trials["trial"]):
        shape, rate = tables.plan.trials[trial].shape, tables.plan.trials[trial].learning_rate
        if not shape.model.linear:
            continue
        dataset = shape.problem.load()
        features = shape.model.prepare(dataset.train_inputs_PD, shape.width).mT.numpy()
        targets, weights = dataset.train_targets_PK[:, 0].numpy(), np.zeros(shape.width)
        for step in range(11):
            residual = features @ weights - targets
            if step in curves.steps:
                predicted = curves.predicted[row, curves.steps.index(step)]
                assert predicted == pytest.approx((residual**2).mean() / 2, rel=1e-10)
            weights -= rate * features.T @ residual / len(targets)


def test_descent_of_a_network_is_predicted_as_that_of_its_linearised_one(tables):
    trials, curves = curves_of(tables)
    known = tables.linearised.curves
    for row, trial in enumerate(trials["trial"]):
        if not tables.plan.trials[trial].shape.model.linear:
            losses = dict(known.filter(known["trial"] == trial).select("step", "linearised_loss").iter_rows())
            assert losses
            np.testing.assert_array_equal(curves.predicted[row], [losses[step] for step in curves.steps])
