"""Errors are drawn at the best learning rate, with what theory knows beside them."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from synthetic_run import BY_NAME, drawn, rows_with, tables_of

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue, Gaussian, OnePlusPower, Xor
from pipeline.report.figures.charts import NAME_OF_ROW, PIXELS_OF_A_ROW
from pipeline.report.figures.error_by_width import THEORIES, error_table
from pipeline.report.figures.figure import drawn_in
from pipeline.report.theory.yardsticks import NO_NETWORK_BELOW


def test_errors_are_medians_over_seeds_at_the_best_rate_with_theory_beside_them(run):
    rows = rows_with(drawn("error_by_width", run.tables), "median", "theory")
    shown = {(row["name"], row["width"]): row for row in rows}
    row = shown["linear(legendre)", 2]
    assert [row[column] for column in ("low", "median", "high")] == pytest.approx([0.1, 0.105, 0.11])
    assert row["theory"] == pytest.approx(0.0525)
    assert row["rate"] == 0.5
    assert set(shown) == {(f"linear({basis})", width) for basis in ("monomial", "legendre") for width in (2, 4)}


def test_best_error_is_dotted_where_it_is_known(run):
    spec = drawn("error_by_width", run.tables)
    rows = {(row["name"], row["width"]): row["best"] for row in rows_with(spec, "median", "best")}
    for model, width in rows:
        # The polynomial of degree 1 nearest to |x| is its mean 1/2; a square more leaves 1/192 of its square.
        assert rows[model, width] == pytest.approx(math.sqrt({2: 1 / 12, 4: 1 / 192}[width]), rel=1e-5)
    assert {model for model, _ in rows} == {"linear(monomial)", "linear(legendre)"}
    scales = {json.dumps(layer["encoding"]["strokeDash"]["scale"]) for layer in spec["layer"][3:]}
    assert [json.loads(scale)["domain"] for scale in scales] == [
        ["theory: exact least squares", "theory: best possible"]
    ]
    caption = BY_NAME["error_by_width"].caption_of(spec)
    assert all(word in caption for word in ("Dashed:", "Dotted:"))


def test_the_caption_explains_what_is_drawn_and_nothing_else():
    experiment = Experiment("?", (Shallow(),), (2, 4), target=(Xor(),), learning_rates=(0.1,), seeds=1)

    def caption(**fields):
        spec = drawn("error_by_width", tables_of(replace(experiment, **fields), lambda trial: [(0, "test_error", 0.5)]))
        return BY_NAME["error_by_width"].caption_of(spec)

    assert caption() == "Each model and width at its best learning rate."
    assert caption(seeds=3) == (
        "Each model and width at its best learning rate. "
        "The line is the median over seeds, the band their middle half, or all of fewer than five."
    )
    assert caption(widths=(4,), models=(Shallow(), Linear())) == "Each model at its best learning rate."
    assert caption(widths=(4,), learning_rates=(0.1, 1.0)) == "The model at each learning rate."


def test_every_mark_that_a_caption_explains_can_be_drawn():
    figure = BY_NAME["error_by_width"]
    several = Experiment("?", (Shallow(), Linear()), (2, 4), target=(AbsoluteValue(),), learning_rates=(0.1,), seeds=3)
    rates = {"models": (Shallow(),), "widths": (4,), "learning_rates": (0.1, 1.0)}
    kinds = [replace(several, **fields) for fields in ({}, {"widths": (4,)}, rates)]
    errors = [(0, "test_error", 0.1), (0, "least_squares_error", 0.1)]
    known = set().union(*(drawn_in(drawn("error_by_width", tables_of(kind, lambda trial: errors))) for kind in kinds))
    beside_theory = {"line yardstick", "rule yardstick", NO_NETWORK_BELOW}
    assert set(figure.remarks) - known == beside_theory


def test_nothing_is_dotted_where_no_best_error_is_known_or_the_error_is_another():
    experiment = Experiment("?", (Shallow(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    spec = drawn("error_by_width", tables_of(experiment, lambda trial: [(0, "test_error", 1.0)]))
    assert "best possible" not in json.dumps(spec)
    linear = replace(experiment, models=(Linear(),))
    spec = drawn("error_by_width", tables_of(linear, lambda trial: [(0, "loss", 1.0)]))
    assert "best possible" not in json.dumps(spec)
    # Four polynomials hold 1 + x^3 exactly; an error of zero has no place on a logarithmic axis.
    exact = replace(linear, target=(OnePlusPower(power=3),), widths=(2, 4))
    rows = error_table(tables_of(exact, lambda trial: [(0, "test_error", 1.0)]))
    assert rows["best"].is_null().to_list() == [False, True]


def test_the_band_is_the_middle_half_of_the_seeds():
    experiment = Experiment("?", (Shallow(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,), seeds=5)
    tables = tables_of(experiment, lambda trial: [(10, "test_error", 0.1 * (trial.seed + 1))])
    row = error_table(tables).row(0, named=True)
    assert [row[column] for column in ("seeds", "low", "median", "high")] == pytest.approx([5, 0.2, 0.3, 0.4])


def test_errors_that_reach_zero_are_drawn_on_a_linear_axis():
    experiment = Experiment("?", (Shallow(),), (2, 4), target=(Xor(),), learning_rates=(0.1,))
    spec = drawn("error_by_width", tables_of(experiment, lambda trial: [(10, "test_error", 0.0)]))
    assert spec["layer"][1]["encoding"]["y"]["scale"]["type"] == "linear"
    assert spec["layer"][1]["encoding"]["y"]["title"] == "test error (share of wrong answers)"


def test_errors_of_one_width_stand_in_a_row_for_each_model_with_theory_beside_them():
    models = (Linear(), Shallow())
    experiment = Experiment("?", models, (4,), target=(AbsoluteValue(),), learning_rates=(0.1,), seeds=3)

    def numbers(trial):
        return [(10, "test_error", 0.1 * (trial.seed + 1)), (0, "least_squares_error", 0.05)]

    spec = drawn("error_by_width", tables_of(experiment, numbers))
    places = [layer["encoding"] for layer in spec["layer"] if "x2" in layer["encoding"] or "y2" in layer["encoding"]]
    assert {encoding["x"]["field"] for encoding in places} == {"low", *THEORIES}
    assert {tuple(encoding["y"]["scale"]["domain"]) for encoding in places} == {("linear(legendre)", "shallow(relu)")}
    (names,) = [layer["encoding"] for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    assert [row["name"] for row in rows_with(spec, "name") if len(row) == 1] == ["linear(legendre)", "shallow(relu)"]
    assert names["x"] == {"value": 0}
    assert spec["height"] == 100


def test_no_mark_of_a_row_crosses_the_name_above_it():
    experiment = Experiment("?", (Linear(), Shallow()), (4,), target=(Gaussian(),), learning_rates=(0.1,))
    spec = drawn("error_by_width", tables_of(experiment, lambda trial: [(10, "test_error", 0.1)]))
    rules = [layer["encoding"] for layer in spec["layer"] if layer["mark"]["type"] == "rule"]
    assert "yardstick" in {encoding["x"]["field"] for encoding in rules}
    tops = {encoding["y"]["bandPosition"] for encoding in rules}
    assert min(tops) * PIXELS_OF_A_ROW >= NAME_OF_ROW * PIXELS_OF_A_ROW + 11  # letters are 11 pixels high


def test_seeds_of_one_width_are_dots_but_not_those_that_diverged():
    experiment = Experiment("?", (Shallow(),), (4,), target=(AbsoluteValue(),), learning_rates=(0.1,), seeds=120)
    errors = [math.inf, *(0.01 * (seed + 1) for seed in range(119))]
    tables = tables_of(experiment, lambda trial: [(10, "test_error", errors[trial.seed])])
    dots = [row["score"] for row in rows_with(drawn("error_by_width", tables), "score")]
    assert dots == pytest.approx([0.01 * (seed + 1) for seed in range(0, 119, 3)])


def test_one_model_at_one_width_is_drawn_over_its_learning_rates_with_theory_beside_it():
    rates = (0.01, 0.1, 1.0)
    experiment = Experiment("?", (Shallow(),), (4,), target=(Gaussian(),), learning_rates=rates, seeds=3)

    def numbers(trial):
        fails = trial.learning_rate == 1.0
        return [(10, "test_error", math.inf if fails else 0.1 * (trial.seed + 1) / trial.learning_rate)]

    spec = drawn("error_by_width", tables_of(experiment, numbers))
    shown = {row["rate_axis"]: row["median"] for row in rows_with(spec, "rate_axis", "median")}
    assert shown == pytest.approx({0.01: 20.0, 0.1: 2.0})
    axes = [layer["encoding"]["x"]["field"] for layer in spec["layer"] if "x" in layer["encoding"]]
    assert axes == ["rate_axis"] * 3
    assert len(rows_with(spec, "yardstick")) >= 1
    assert spec["height"] == 320
