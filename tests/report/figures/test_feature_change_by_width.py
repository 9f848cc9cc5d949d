"""How far hidden units move is drawn against the width, after the first step and the last."""

from __future__ import annotations

import json

import pytest
from synthetic_run import BY_NAME, drawn, outcomes_of, rows_with, tables_of

from pipeline.diagnostics.convergence import TestError
from pipeline.diagnostics.representation import FeatureChange
from pipeline.experiment.answers import Answers
from pipeline.experiment.experiment import Experiment
from pipeline.models.initialisations import Glorot, Lecun
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.answer.answer import answer_of
from pipeline.report.figures.feature_change_by_width import change_table
from pipeline.report.tables.coordinate_check import CHANGE

NAME = "feature_change_by_width"
MODELS = (Shallow(initialisation=Lecun()), Shallow(initialisation=Glorot()))
RECORDED = (TestError(), FeatureChange())
FIELDS = {"target": (AbsoluteValue(),), "learning_rates": (0.1, 1.0), "seeds": 3, "diagnostics": RECORDED}


def moved(widths=(4, 8, 16), **fields):
    """Units that move by 1/width in the first step, and by seed/width up to step 10; further at a greater rate."""
    experiment = Experiment("?", MODELS, widths, **{**FIELDS, **fields})

    def numbers(trial):
        by = (10 if trial.learning_rate == 1.0 else 1) / trial.shape.width
        return [(0, "test_error", 1.0), (0, CHANGE, 0.0), (1, CHANGE, by), (10, CHANGE, (trial.seed + 1) * by)]

    return tables_of(experiment, numbers)


def test_medians_over_the_seeds_at_the_smallest_rate_are_drawn_after_the_first_step_and_the_last():
    table = change_table(moved())
    assert table["width"].to_list() == [4, 8, 16] * 4
    assert table["step"].to_list() == [1] * 6 + [10] * 6
    assert table["change"].to_list() == pytest.approx([1 / 4, 1 / 8, 1 / 16] * 2 + [2 / 4, 2 / 8, 2 / 16] * 2)
    assert table["high"].to_list()[6:] == pytest.approx([3 / 4, 3 / 8, 3 / 16] * 2)


def test_theory_is_a_power_of_the_width_through_the_median_at_the_greatest_width():
    rows = change_table(moved())
    first = {name: of["theory"].to_list() for (step, name), of in rows.group_by("step", "name") if step == 1}
    # Output weights are as 1/sqrt(width); by Glorot hidden weights are so too, and wide networks learn as much.
    assert first[MODELS[0].label()] == pytest.approx([2 / 16, 2**0.5 / 16, 1 / 16], rel=1e-5)
    assert first[MODELS[1].label()] == pytest.approx([1 / 16] * 3, rel=1e-5)
    assert rows.filter(step=10)["theory"].null_count() == 6


def test_there_is_a_panel_for_the_first_step_and_one_for_the_last():
    spec = drawn(NAME, moved())
    assert [plot["title"] for plot in spec["concat"]] == [["after 1 step"], ["after 10 steps"]]
    assert "Dashed:" in BY_NAME[NAME].caption_of(spec)
    assert "theory" not in json.dumps([layer["encoding"] for layer in spec["concat"][1]["layer"]])
    assert len(rows_with(spec, "change", "theory")) == 12


def test_nothing_is_drawn_of_one_width_or_where_nothing_was_recorded():
    assert drawn(NAME, moved(widths=(4,))) is None
    experiment = Experiment("?", MODELS, (4, 8), **FIELDS)
    assert drawn(NAME, tables_of(experiment, lambda trial: [(0, "test_error", 1.0)])) is None


def test_units_that_do_not_move_have_no_place_on_a_logarithmic_axis():
    experiment = Experiment("?", MODELS, (4, 8), **FIELDS)
    spec = drawn(NAME, tables_of(experiment, lambda trial: [(0, "test_error", 1.0), (1, CHANGE, 0.0)]))
    assert {row["change"] for row in rows_with(spec, "change")} == {None}


def test_it_stands_below_the_answer_to_a_question_about_it():
    tables = moved(answers=Answers(compare="model", by=CHANGE))
    assert answer_of(tables, outcomes_of(tables.plan, "done")).figures[0] == NAME
