"""The page holds the slopes of surrogate losses against their theory, and counts the steps to few wrong answers."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan, make_plan, write_plan
from pipeline.problems.losses import LOSSES, BinaryCrossEntropy, BrierScore, HalfMeanSquare
from pipeline.problems.targets import OuterRing
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.html.run_page import Comparisons, page
from pipeline.report.tables.results import results
from pipeline.report.tables.surrogate_losses import LOGITS, NO_RATIO, NO_THEORY, slopes, steps_to_accuracy

EXPERIMENT = Experiment(
    "Which?",
    (Linear(Monomial()), Shallow()),
    (3,),
    target=(OuterRing(),),
    inputs=Inputs(train=(20,), test=10, seed="trial"),
    loss=(BinaryCrossEntropy(), BrierScore(), HalfMeanSquare()),
    learning_rates=(0.1,),
    seeds=3,
    steps=100,
)
PLAN = make_plan("surrogates", EXPERIMENT)
FIRST_GRADIENTS = {"binary_cross_entropy": 0.5, "brier_score": 0.25, "half_mean_square": 0.7}
WRONG = {
    "binary_cross_entropy": (0.5, 0.15, 0.04),
    "brier_score": (0.5, 0.2, 0.15),
    "half_mean_square": (0.5, 0.5, 0.3),
}


def ended(plan: Plan, gradients: dict[str, float] = FIRST_GRADIENTS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Results and records of a run in which every loss went its own way; of each cell one seed never got anywhere."""
    records, outcomes = [], []
    for trial in plan.trials.values():
        loss = trial.shape.loss.name()
        wrong = (0.5, 0.5, 0.5) if trial.seed == 2 else WRONG[loss]
        steps = (0, 10 + trial.seed, 100)
        seen = [("test_error", step, value) for step, value in zip(steps, wrong, strict=True)]
        for name, step, value in [*seen, ("gradient_norm", 0, gradients[loss]), ("gradient_norm", 100, 0.1)]:
            records.append({"trial": trial.id, "step": step, "diagnostic": name, "value": value})
        outcomes.append({"trial": trial.id, "status": "done", "step": 100, "reason": "", "learning_rate": 0.1})
    frames = [
        pl.DataFrame(rows, infer_schema_length=None).select(
            (pl.col(name) if name in rows[0] else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in schema.items()
        )
        for rows, schema in ((records, RECORDS), (outcomes, OUTCOMES))
    ]
    return results(plan, *frames), frames[0]


def test_slopes_of_both_losses_are_in_the_ratio_that_theory_says():
    table = slopes(PLAN)
    assert table["logit"].to_list() == list(LOGITS)
    assert set(table["verdict"]) == {"agrees"}
    for z, ratio in table.select("logit", "ratio").iter_rows():
        s = 1 / (1 + math.exp(-z))
        assert ratio == pytest.approx(1 / (2 * s * (1 - s)), rel=1e-7)


@pytest.mark.parametrize("missing", [BinaryCrossEntropy(), BrierScore()])
def test_slopes_are_shown_only_where_both_losses_are_asked_for(missing):
    losses = tuple(loss for loss in EXPERIMENT.loss if loss != missing)
    assert slopes(make_plan("one", replace(EXPERIMENT, loss=losses))).is_empty()


def test_steps_are_counted_to_the_first_record_with_few_enough_wrong_answers():
    table = steps_to_accuracy(PLAN, *ended(PLAN))
    assert len(table) == len(LOSSES.keys() - {"softmax_cross_entropy"}) * 2
    for row in table.iter_rows(named=True):
        steps = {
            "outer_ring by binary_cross_entropy": (11.0, 100.0, 100.0, None),
            "outer_ring by brier_score": (11.0, None, None, None),
            "outer_ring by half_mean_square": (None, None, None, None),
        }[row["problem"]]
        assert tuple(row[f"to_{percent}%"] for percent in (20, 10, 5, 2)) == steps
    assert table["wrong"].to_list()[:1] == [0.04]


def test_first_gradient_of_a_linear_model_is_held_against_the_ratio_two():
    table = steps_to_accuracy(PLAN, *ended(PLAN))
    rows = {(row["problem"].split()[-1], row["model"]): row for row in table.iter_rows(named=True)}
    linear, network = rows["brier_score", "linear(monomial)"], rows["brier_score", "shallow(relu)"]
    assert (linear["first_gradient"], linear["theory"], linear["verdict"]) == (2.0, 2.0, "agrees")
    assert (network["first_gradient"], network["theory"], network["verdict"]) == (2.0, None, NO_THEORY)
    others = [row for key, row in rows.items() if key[0] != "brier_score"]
    assert {(row["first_gradient"], row["verdict"]) for row in others} == {(None, NO_RATIO)}
    wrong = steps_to_accuracy(PLAN, *ended(PLAN, FIRST_GRADIENTS | {"brier_score": 0.26}))
    assert wrong["verdict"].to_list().count("contradicts") == 1


def test_page_shows_both_tables_and_nothing_of_a_run_by_one_loss(tmp_path):
    table, records = ended(PLAN)
    outcomes = pl.DataFrame(schema=OUTCOMES)
    write_plan(PLAN, tmp_path)
    shown = page(
        tmp_path, PLAN, table, outcomes, [], Comparisons(steps_to_accuracy=steps_to_accuracy(PLAN, table, records))
    )
    assert "Surrogate losses" in shown
    assert "to 20%" in shown
    assert "to 20%" not in page(tmp_path, PLAN, table, outcomes, [])
    alone = make_plan("alone", replace(EXPERIMENT, loss=BinaryCrossEntropy()))
    assert steps_to_accuracy(alone, *ended(alone)).is_empty()
    assert slopes(alone).is_empty()
