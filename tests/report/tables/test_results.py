"""The tables say what the plan has and the records hold, no more and no less."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from synthetic_run import results_of

from pipeline.diagnostics.convergence import TestError as RecordedTestError
from pipeline.diagnostics.prediction import ExcessLoss, PredictedSteps
from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import packs
from pipeline.models.activations import Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan, make_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.tables import results as tables_results
from pipeline.report.tables.results import results, results_by_packs, tolerance_of
from pipeline.report.tables.summary import summary
from pipeline.report.tables.trial_summaries import RecordSource
from pipeline.report.theory.at_rest import AT_THE_EDGE, STUCK
from pipeline.report.theory.stable_rates import NO_START, ONE_LOSS

ABSOLUTE = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.5, 1.0), seeds=1)
NO_RECORDS, NO_OUTCOMES = pl.DataFrame(schema=RECORDS), pl.DataFrame(schema=OUTCOMES)


def of(table: pl.DataFrame, **wanted: object) -> pl.DataFrame:
    return table.filter(pl.col(column) == value for column, value in wanted.items())


def test_every_trial_of_the_plan_has_one_row_in_its_order(run):
    assert run.results["trial"].to_list() == list(run.plan.trials)


def test_statuses_are_those_of_the_outcomes_and_pending_where_there_is_none(run):
    counts = dict(run.results["status"].value_counts().iter_rows())
    assert counts == {"done": 10, "diverged": 8, "failed": 2, "pending": 4}


def test_trials_that_were_taken_name_the_run_that_trained_them_and_others_have_no_such_column(run):
    assert "trained_in" not in run.results.columns
    first = run.outcomes["trial"][0]
    outcomes = run.outcomes.with_columns(run=pl.when(pl.col("trial") == first).then(pl.lit("xor-0a1b")).otherwise(None))
    named = results(run.plan, run.records, outcomes)
    assert named["trained_in"].value_counts(sort=True).rows() == [("", named.height - 1), ("xor-0a1b", 1)]
    assert named.row(by_predicate=pl.col("trial") == first, named=True)["trained_in"] == "xor-0a1b"


def test_the_axes_are_those_of_the_trial(run):
    row = run.results.row(0, named=True)
    axes = ("problem", "dimension", "train", "noise", "model", "width", "learning_rate", "seed")
    assert tuple(row[axis] for axis in axes) == ("absolute_value", 1, 256, 0.0, "linear(monomial)", 2, 0.5, 0)


def test_a_diagnostic_shows_its_last_value(run):
    done = of(run.results, model="linear(legendre)", width=4, learning_rate=0.5)
    assert done["test_error"].to_list() == pytest.approx([0.05, 0.055])
    assert done["loss"].to_list() == pytest.approx([0.05**2 / 2, 0.055**2 / 2])
    assert done["largest_stable_learning_rate"].to_list() == [2.0, 2.0]
    assert of(run.results, status="diverged")["loss"].unique().to_list() == [9.0]


def test_a_step_is_the_last_one_or_that_of_the_divergence_or_the_last_recorded(run):
    steps = {word: of(run.results, status=word)["step"].unique().to_list() for word in ("done", "diverged", "pending")}
    assert steps == {"done": [10], "diverged": [7], "pending": [1]}


def test_infinite_and_nan_are_kept_and_null_is_what_was_not_recorded(run):
    assert of(run.results, model="linear(legendre)", width=4)["condition_number"].to_list() == [math.inf] * 4
    networks = of(run.results, model="shallow(relu)", width=2, learning_rate=0.5)
    assert networks["test_error"].is_nan().to_list() == [False, True]
    assert networks["condition_number"].null_count() == 2
    assert run.results["effective_rank"].null_count() == 24  # in the plan, recorded nowhere


def test_what_is_not_in_the_plan_but_was_recorded_has_a_column_too(run):
    invented = pl.DataFrame([(next(iter(run.plan.trials)), 0, "invented", 5.0, "pack")], schema=RECORDS, orient="row")
    table = results(run.plan, pl.concat([run.records, invented]), run.outcomes)
    others = ["approximation_part", "excess_loss", "invented", "optimisation_part", "predicted_steps", "measured_steps"]
    others += ["rounding_part", "sampling_part", "stability_index", "test_error_bar", "weight_norm"]
    assert table.columns[-12:] == [*others, "times_first_limit"]
    assert table["invented"].drop_nulls().to_list() == [5.0]


def test_a_run_without_records_is_all_pending(run):
    table = results(run.plan, NO_RECORDS, NO_OUTCOMES)
    assert table["status"].unique().to_list() == ["pending"]
    assert table["learning_rate"].null_count() == 0
    assert table["verdict"].unique().to_list() == ["pending"]
    assert summary(table)["pending"].sum() == 24


def test_a_multiple_of_the_limit_is_shown_beside_the_rate_it_came_to():
    experiment = Experiment(
        "?",
        (Linear(),),
        (2,),
        target=(AbsoluteValue(),),
        learning_rates=TimesLimits((0.5,)),
        seeds=2,
        inputs=Inputs(seed="trial"),
    )
    plan = make_plan("multiples", experiment)
    first, _ = plan.trials
    ended = (first, "done", 10, "", 0.75, 0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
    table = results(plan, NO_RECORDS, pl.DataFrame([ended], schema=OUTCOMES, orient="row"))
    assert table["times_limit"].to_list() == [0.5, 0.5]
    assert table["learning_rate"].to_list() == [0.75, None]


def test_a_rate_of_a_network_is_compared_with_the_limit_at_its_first_weights():
    network = replace(ABSOLUTE, models=(Shallow(),))
    table = results_of(network, lambda trial: [(0, "sharpness", 8.0), (10, "sharpness", 1.0)])
    assert table["times_first_limit"].to_list() == [2.0, 4.0]
    linear = results_of(ABSOLUTE, lambda trial: [(0, "largest_stable_learning_rate", 0.25)])
    assert linear["times_first_limit"].to_list() == [2.0, 4.0]
    assert results_of(ABSOLUTE, lambda trial: [])["times_first_limit"].null_count() == 2


@pytest.mark.parametrize(
    "before, verdict", [(1e-4, "contradicts"), (1e-3, STUCK), (0.9, AT_THE_EDGE)], ids=["less", "same", "moving"]
)
def test_a_network_at_rest_above_its_limit_contradicts_if_it_was_at_rest_before(before, verdict):
    network = replace(ABSOLUTE, models=(Shallow(Tanh()),), learning_rates=(1.0,), steps=10, record_at=(0, 5, 10))
    last = [(10, "loss", 0.5), (10, "gradient_norm", 1e-3), (10, "sharpness", 900.0)]
    table = results_of(network, lambda trial: [(0, "loss", 1.0), (5, "gradient_norm", before), *last])
    assert table["verdict"].to_list() == [verdict]


@pytest.mark.parametrize("without", [(), ("test_error",)], ids=["all", "no errors"])
def test_of_records_a_trial_at_a_time_the_results_are_the_same_to_the_last_bit(run, without):
    """Of some trials here no test error is recorded, or no predicted steps, which the others have."""
    records = run.records.filter(~pl.col("diagnostic").is_in(without))
    parts = (RecordSource(part.lazy()) for part in records.partition_by("trial"))
    of_all = results(run.plan, records, run.outcomes)
    assert_frame_equal(results_by_packs(run.plan, parts, run.outcomes), of_all, check_exact=True)


@pytest.mark.parametrize("rows", [1, 7])
def test_verdicts_on_a_few_packs_at_a_time_are_the_same_to_the_last_bit(run, monkeypatch, rows):
    monkeypatch.setattr(tables_results, "ROWS_AT_ONCE", rows)
    assert_frame_equal(results(run.plan, run.records, run.outcomes), run.results, check_exact=True)


@pytest.mark.parametrize("num_alone", [0, 1])
def test_what_settles_is_the_same_in_all_packs(num_alone):
    """Where a test error is recorded of any trial, the loss of no other one settles in its place."""
    plan = make_plan("test", ABSOLUTE)
    rows = [(trial, step, "loss", 2.0 - step, "pack") for trial in plan.trials for step in (0, 1)]
    rows += [(trial, 1, "test_error", 1.0, "pack") for trial in list(plan.trials)[:num_alone]]
    records = pl.DataFrame(rows, schema=RECORDS, orient="row")
    parts = (RecordSource(part.lazy()) for part in records.partition_by("trial"))
    settled = results_by_packs(plan, parts, NO_OUTCOMES)["settled"].to_list()
    assert settled == ([1, None] if num_alone else [1, 1])


def test_records_of_other_trials_are_left_out(run):
    stranger = pl.DataFrame([("f" * 64, 0, "loss", 5.0, "pack")], schema=RECORDS, orient="row")
    assert results(run.plan, stranger, NO_OUTCOMES)["loss"].null_count() == 24


@pytest.mark.parametrize(
    "numbers, verdict",
    [
        ([(0, 1.0), (10, 0.5)], "agrees"),
        ([(0, 1.0), (10, 2.0)], "contradicts"),
        ([(10, 0.5)], ONE_LOSS),
        ([(0, math.inf), (10, 0.5)], NO_START),
    ],
)
def test_a_verdict_needs_a_finite_first_loss_and_a_later_one(numbers, verdict):
    losses = [(step, "loss", loss) for step, loss in numbers]
    table = results_of(ABSOLUTE, lambda trial: [(0, "largest_stable_learning_rate", 2.0), *losses])
    assert table["verdict"].to_list() == [verdict] * 2


@pytest.mark.parametrize("status", ["done", "diverged"])
def test_data_beyond_the_dtype_give_no_verdict(status):
    numbers = [(0, "largest_stable_learning_rate", 2.0), (0, "loss", math.inf)]
    assert set(results_of(ABSOLUTE, lambda trial: numbers, status)["verdict"]) == {NO_START}


@pytest.mark.parametrize(
    "number, words",
    [
        (10.0, "trusted"),
        (1e12, "one digit"),
        (9e14, "one digit"),
        (1e15, "at least"),
        (math.inf, "dependent features"),
        (math.nan, None),
    ],
)
def test_results_say_how_far_to_trust_a_condition_number(number, words):
    table = results_of(ABSOLUTE, lambda trial: [(0, "condition_number", number)] if trial.learning_rate == 0.5 else [])
    assert table["condition_number_trust"].to_list() == [words, None]
    assert table.columns.index("condition_number_trust") == table.columns.index("condition_number") + 1


def test_without_condition_numbers_there_is_nothing_to_trust():
    table = results_of(replace(ABSOLUTE, diagnostics=(RecordedTestError(),)), lambda trial: [])
    assert "condition_number_trust" not in table.columns


@pytest.mark.parametrize("tolerance, steps", [(0.9, 1.0), (0.25, 5.0), (0.2, 10.0), (1e-3, None)])
def test_measured_steps_are_the_first_recorded_at_which_the_tolerance_was_reached(tolerance, steps):
    experiment = replace(ABSOLUTE, diagnostics=(ExcessLoss(), PredictedSteps(tolerance)))
    excess = [(step, "excess_loss", value) for step, value in ((0, 4.0), (1, 3.0), (10, 0.5), (5, 1.0))]
    table = results_of(experiment, lambda trial: [*excess, (0, "predicted_steps", 3.0)])
    assert table["measured_steps"].to_list() == [steps, steps]
    assert table.columns.index("measured_steps") == table.columns.index("predicted_steps") + 1
    assert tolerance_of(make_plan("test", experiment)) == tolerance
    alone = results_of(replace(ABSOLUTE, diagnostics=(PredictedSteps(),)), lambda trial: [(0, "predicted_steps", 3.0)])
    assert "measured_steps" not in alone.columns


@pytest.mark.parametrize(
    ("errors", "step"),
    [
        ([4, 2, 1.02, 1.005, 1], 3),
        ([4, 1, 1, 1, 1], 1),
        ([1, 1, 1, 1, 1], 0),
        ([4, 1, 0.9, 1, 1], 3),
        ([4, 3, 2, math.nan, 1], 4),
        ([1, 1, 1, 1, 0], 4),
        ([1, 1, 1, 1, math.inf], None),
    ],
)
def test_a_trial_has_settled_once_its_error_stays_within_a_hundredth_of_its_last(errors, step):
    numbers = [(place, "test_error", value) for place, value in enumerate(errors)]
    assert results_of(ABSOLUTE, lambda trial: [*numbers, (0, "loss", 9.0)])["settled"].to_list() == [step] * 2


def test_without_test_errors_it_is_the_loss_that_settles():
    assert results_of(ABSOLUTE, lambda trial: [(0, "loss", 2.0), (5, "loss", 1.0)])["settled"].to_list() == [5, 5]


def test_copies_in_the_plan_of_an_older_version_are_not_counted():
    """Of a linear model on the same points, that differ in the seed alone; networks of two seeds are two."""
    experiment = replace(ABSOLUTE, models=(Linear(), Shallow()), learning_rates=(0.1, 0.2), seeds=3)
    old = Plan("old", experiment, tuple(packs(experiment.trials(copies=True), experiment.pack_memory_gib)))
    records, outcomes = (pl.DataFrame(schema=schema) for schema in (RECORDS, OUTCOMES))
    new = make_plan("new", experiment)
    assert old.num_trials > new.num_trials
    assert results(old, records, outcomes)["trial"].to_list() == list(new.trials)
