"""Each trial of a ReLU network of one input is held against the best network of its width."""

from __future__ import annotations

import math

import polars as pl
import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import LeakyRelu, Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue, Xor, XSquared
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.tables.network_ratios import RATIO, network_ratios, with_network_ratios
from pipeline.report.tables.results import results
from pipeline.report.theory.best_network_brackets import brackets_of_plan
from pipeline.report.theory.best_network_verdicts import BELOW


def least(width: int) -> float:
    """Of x^2, in closed form."""
    return math.sqrt(4 / 45) / (width + 1) ** 2


PARABOLA, NETWORK = XSquared(), (Shallow(),)


def tables_of(errors: dict[int, list[float]], target=PARABOLA, models=NETWORK, diagnostic="test_error"):
    """A plan and its results, in which the seeds of each width ended with given errors."""
    seeds = len(next(iter(errors.values())))
    experiment = Experiment("?", models, tuple(errors), target=(target,), learning_rates=(0.5,), seeds=seeds)
    plan = make_plan("test", experiment)
    place = dict.fromkeys(errors, 0)
    rows = []
    for trial in plan.trials.values():
        rows.append((trial.id, 10, diagnostic, errors[trial.shape.width][place[trial.shape.width] % seeds], "pack"))
        place[trial.shape.width] += 1
    records = pl.DataFrame(rows, schema=RECORDS, orient="row")
    where = (0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
    ended = [(trial.id, "done", 10, "", trial.learning_rate, *where) for trial in plan.trials.values()]
    outcomes = pl.DataFrame(ended, schema=OUTCOMES, orient="row")
    return plan, results(plan, records, outcomes)


def test_each_trial_has_its_ratio_to_the_least_error():
    plan, table = tables_of({2: [2 * least(2), 3 * least(2), 4 * least(2)], 4: [least(4)] * 3})
    told = with_network_ratios(plan, table)
    assert told[RATIO].to_list() == pytest.approx([2, 3, 4, 1, 1, 1], rel=1e-3)
    assert told.drop(RATIO).columns == table.columns
    narrow, wide = network_ratios(plan, told, brackets_of_plan(plan, None)).iter_rows(named=True)
    assert (narrow["median_ratio"], narrow["least_ratio"]) == pytest.approx((3, 2), rel=1e-3)
    assert narrow["no_network_below"] == pytest.approx(least(2), rel=1e-3)
    assert narrow["verdict"] == "agrees (3 of 3 trials)"
    assert wide["width"] == 4


@pytest.mark.parametrize("model", [Shallow(), Shallow(LeakyRelu())], ids=lambda model: model.label())
def test_a_trial_below_the_best_network_is_an_error_of_ours(model):
    plan, table = tables_of({2: [2 * least(2), 0.9 * least(2)]}, models=(model,))
    told = with_network_ratios(plan, table)
    assert told["verdict"].to_list()[1] == "contradicts"
    assert told["grounds"].to_list()[1] == BELOW
    assert told["verdict"].to_list()[0] == table["verdict"].to_list()[0]
    (row,) = network_ratios(plan, told, brackets_of_plan(plan, None)).iter_rows(named=True)
    assert row["verdict"] == "contradicts (1 of 2 trials)"


def test_the_parabola_is_learned_to_within_rounding_of_the_best_network():
    """The least error of the points of a rule is a little below that of the integral, and no trial below it."""
    plan, table = tables_of({2: [least(2)], 8: [least(8)]})
    assert "contradicts" not in with_network_ratios(plan, table)["verdict"].to_list()


def test_where_a_network_holds_the_target_there_is_a_bound_but_no_ratio():
    plan, table = tables_of({2: [1e-6, 1e-3]}, target=AbsoluteValue())
    told = with_network_ratios(plan, table)
    assert told[RATIO].null_count() == 2
    (row,) = network_ratios(plan, told, brackets_of_plan(plan, None)).iter_rows(named=True)
    assert (row["least_ratio"], row["verdict"]) == (None, "agrees (2 of 2 trials)")


@pytest.mark.parametrize(
    "changed",
    [
        {"models": (Linear(), Shallow(Tanh()))},
        {"target": Xor()},
        {"diagnostic": "loss"},
    ],
    ids=str,
)
def test_other_models_targets_and_numbers_stay_as_they_are(changed):
    plan, table = tables_of({2: [0.1]}, **changed)
    told = with_network_ratios(plan, table)
    assert told.equals(table)
    assert network_ratios(plan, told, brackets_of_plan(plan, None)).is_empty()


def test_only_the_networks_among_several_models_have_a_ratio():
    plan, table = tables_of({2: [0.1]}, models=(Linear(), Shallow()))
    assert with_network_ratios(plan, table)[RATIO].is_null().to_list() == [True, False]
