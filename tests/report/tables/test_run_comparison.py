"""Two runs are compared trial by trial, by id."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest
from synthetic_run import outcomes_of, results_of

from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, GradientDescent
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.tables.run_comparison import RecordedSweep, compare_runs, first_ranks

MODELS = (Linear(), Shallow(), Shallow(Tanh()))
EXPERIMENT = Experiment("?", MODELS, (2,), target=(AbsoluteValue(),), learning_rates=(0.1, 0.2), seeds=1)
WRITTEN = [0.5, math.nan, math.inf, 1.0, 2.0, 3.0]


def sweep(numbers=WRITTEN, experiment=EXPERIMENT, status="done", **provenance):
    """A run whose trials ended with these test errors, in the order of the plan."""
    plan = make_plan("test", experiment)
    place = {trial: index for index, trial in enumerate(plan.trials)}
    table = results_of(experiment, lambda trial: [(10, "test_error", numbers[place[trial.id]])], status)
    return RecordedSweep(plan, outcomes_of(plan, status), table, provenance)


def test_a_run_is_equal_to_itself():
    found = compare_runs(sweep(), sweep())
    assert found.both == 6
    assert all(table.is_empty() for table in (found.question, found.origin, found.endings, found.alone))
    of_error = found.numbers.filter(found.numbers["diagnostic"] == "test_error").row(0, named=True)
    assert (of_error["trials"], of_error["differ"], of_error["difference"]) == (6, 0, 0.0)
    loss = found.numbers.filter(found.numbers["diagnostic"] == "loss").row(0, named=True)
    assert (loss["trials"], loss["difference"], loss["trial"]) == (0, None, None)


@pytest.mark.parametrize(
    "changed, most, difference",
    [({3: 1.25, 4: 2.0 + 1e-9}, 3, 0.2), ({1: 0.5, 3: 1.25}, 1, math.inf), ({2: -math.inf}, 2, math.inf)],
)
def test_the_largest_difference_is_shown_with_its_trial(changed, most, difference):
    there = [changed.get(index, value) for index, value in enumerate(WRITTEN)]
    found = compare_runs(sweep(), sweep(there))
    row = found.numbers.filter(found.numbers["diagnostic"] == "test_error").row(0, named=True)
    assert (row["differ"], row["difference"]) == (len(changed), difference)
    assert row["trial"] == list(make_plan("test", EXPERIMENT).trials)[most]


def test_trials_in_one_only_and_what_differs_in_the_question_are_named():
    found = compare_runs(sweep(), sweep(experiment=replace(EXPERIMENT, question="Why?", learning_rates=(0.1, 0.4))))
    assert found.both == 3
    assert found.alone.group_by("run", maintain_order=True).len().rows() == [("first", 3), ("second", 3)]
    assert set(found.alone["learning_rate"]) == {0.2, 0.4}
    assert found.question.rows() == [("question", '"?"', '"Why?"'), ("learning_rates", "[0.1, 0.2]", "[0.1, 0.4]")]


def test_trials_are_the_same_whatever_their_order():
    found = compare_runs(sweep(), sweep(experiment=replace(EXPERIMENT, models=MODELS[::-1])))
    assert found.both == 6
    assert found.question["field"].to_list() == ["models"]


def test_trials_that_ended_otherwise_and_where_they_were_trained_are_shown():
    found = compare_runs(sweep(date="today"), sweep(status="diverged", date="tomorrow"))
    assert found.endings.height == 6
    assert found.endings.row(0, named=True)["second"] == "diverged at step 10"
    assert found.origin.rows() == [("planned", "today", "tomorrow")]


def test_the_best_of_each_run_is_shown_with_its_run():
    found = compare_runs(sweep(), sweep([0.5, 0.5, 0.1, 0.1, 0.4, 0.4]))
    assert found.best.select("run", "model", "median").rows()[-1] == ("second", "shallow(relu)", 0.1)


def test_who_trained_what_is_said_where_optimizers_are_compared():
    rules = replace(EXPERIMENT, models=(Shallow(),), optimizer=(GradientDescent(), Adam()))
    found = compare_runs(sweep([0.5, 0.4, 0.1, 0.2], rules), sweep())
    assert found.best.select("run", "optimizer").rows() == [("first", "adam"), ("second", None)]
    assert set(found.alone.filter(run="first")["optimizer"]) == {"adam"}


@pytest.mark.parametrize(
    "here, there, said",
    [
        ([("x", "a")], [("x", "a")], ["a ranks first in both"]),
        ([("x", "a")], [("x", "b")], ["a ranks first in the first, b in the second"]),
        (
            [("x", "a"), ("y", "a")],
            [("x", "a"), ("y", "b"), ("z", "b")],
            ["on 1 of the 2 problems that are in both, the"],
        ),
        ([("x", "a")], [("y", "a")], ["no problem is in both"]),
        ([("x", "a")], [], []),
    ],
)
def test_what_ranks_first_in_both_is_said(here, there, said):
    rows = [("first", *row) for row in here] + [("second", *row) for row in there]
    columns = {"dimension": 1, "train": 2, "noise": 0.0}
    best = pl.DataFrame(rows, schema=["run", "problem", "model"], orient="row").with_columns(
        **{name: pl.lit(value) for name, value in columns.items()}
    )
    found = first_ranks(best)
    assert len(found) == len(said)
    assert all(sentence.startswith(words) for sentence, words in zip(found, said, strict=True))
