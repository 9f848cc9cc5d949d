"""A figure shows what the records hold, whatever the numbers are."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import vl_convert

from pipeline.experiment.axes import LogSpaced, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.bases.polynomial import Chebyshev, Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import LeastSquares
from pipeline.plan import make_plan
from pipeline.problems.targets import AbsoluteValue, OnePlusPower, Step, Xor
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.figures.charts import MOST_PANELS, chart_of, log_scale, log_ticks, number_label
from pipeline.report.figures.error_by_width import error_table
from pipeline.report.figures.loss_by_rate_and_width import cell_edges, loss_map
from pipeline.report.figures.loss_by_step import loss_curves
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables, evenly_spaced

BY_NAME = {figure.name: figure for figure in FIGURES}


def tables_of(experiment, numbers, status="done"):
    """Sources of a run in which every trial recorded ``numbers(trial)``, rows of step, diagnostic, value."""
    plan = make_plan("test", experiment)
    rows = [(trial.id, *row, "pack") for trial in plan.trials.values() for row in numbers(trial)]
    records = pl.DataFrame(rows, schema=RECORDS, orient="row")
    ended = [(key, status, 10, "", 0.5, 0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "") for key in plan.trials]
    outcomes = pl.DataFrame(ended, schema=OUTCOMES, orient="row").with_columns(learning_rate=pl.lit(None, pl.Float64))
    return RunTables(plan, results(plan, records, outcomes), records, pl.DataFrame(schema=FITTED_SAMPLES))


def drawn(name, tables):
    """The specification of a figure as a browser reads it; fails on numbers that JSON does not have."""
    chart = BY_NAME[name].draw(tables)
    return None if chart is None else json.loads(json.dumps(chart.to_dict(), allow_nan=False))


def rows_with(spec, *columns):
    """Rows of the data sets of a figure that have all of these columns."""
    return [row for rows in spec["datasets"].values() for row in rows if set(columns) <= set(row)]


@pytest.fixture(params=FIGURES, ids=BY_NAME)
def figure(request):
    return request.param


def test_every_figure_has_a_name_a_title_and_a_caption():
    assert len(BY_NAME) == len(FIGURES)
    assert all(figure.title and figure.caption.endswith(".") for figure in FIGURES)


def test_every_figure_draws_the_run_with_infinite_and_nan_values(run, figure):
    spec = drawn(figure.name, run.tables)
    assert vl_convert.vegalite_to_svg(spec).count("<path") > 5


def test_no_figure_is_drawn_of_nothing(run, figure):
    empty = pl.DataFrame(schema=RECORDS), pl.DataFrame(schema=OUTCOMES)
    tables = RunTables(run.plan, results(run.plan, *empty), empty[0], pl.DataFrame(schema=FITTED_SAMPLES))
    assert figure.draw(tables) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0])
@pytest.mark.parametrize("status", ["done", "diverged"])
def test_every_figure_survives_a_run_of_one_odd_value(figure, value, status):
    experiment = Experiment("?", (Linear(), Shallow()), (2, 4), target=(AbsoluteValue(),), learning_rates=(0.1, 1.0))
    names = ("loss", "test_error", "condition_number", "largest_stable_learning_rate", "least_squares_error")
    names += ("stability_index", "weight_norm", "gradient_norm")
    names += ("gram_condition_number", "predicted_steps", "excess_loss")
    spec = drawn(figure.name, tables_of(experiment, lambda trial: [(0, name, value) for name in names], status))
    assert spec is None or vl_convert.vegalite_to_vega(spec)


def test_a_chart_holds_null_for_what_json_cannot_write():
    chart = chart_of(pl.DataFrame({"y": [math.nan, math.inf, -math.inf, 1.0]})).mark_point().encode(y="y:Q")
    assert [row["y"] for row in next(iter(chart.to_dict()["datasets"].values()))] == [None, None, None, 1.0]


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
    assert all(word in BY_NAME["error_by_width"].caption for word in ("Dashed", "Dotted"))


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
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,), seeds=5)
    tables = tables_of(experiment, lambda trial: [(10, "test_error", 0.1 * (trial.seed + 1))])
    row = error_table(tables).row(0, named=True)
    assert [row[column] for column in ("seeds", "low", "median", "high")] == pytest.approx([5, 0.2, 0.3, 0.4])


def test_errors_that_reach_zero_are_drawn_on_a_linear_axis():
    experiment = Experiment("?", (Shallow(),), (2, 4), target=(Xor(),), learning_rates=(0.1,))
    spec = drawn("error_by_width", tables_of(experiment, lambda trial: [(10, "test_error", 0.0)]))
    assert spec["layer"][1]["encoding"]["y"]["scale"]["type"] == "linear"
    assert spec["layer"][1]["encoding"]["y"]["title"] == "test error (share of wrong answers)"


def test_loss_curves_stop_where_trials_diverge_and_a_cross_says_when(run):
    spec = drawn("loss_by_step", run.tables)
    at_start = {row["loss"] for row in rows_with(spec, "loss", "step") if row["step"] == 0}
    assert at_start == {1.0}
    crosses = rows_with(spec, "ceiling")
    assert {row["step"] for row in crosses} == {7}
    assert {row["rate"] for row in crosses} == {"4"}
    assert {row["trials"] for row in crosses} == {2}
    assert not [row for row in rows_with(spec, "loss", "step") if row["rate"] == "4" and row["step"] == 10]


def test_a_median_counts_diverged_trials_as_infinite():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,), seeds=3, steps=10)
    plan = make_plan("test", experiment)
    first, *others = plan.trials
    starts = [(trial, 0, "loss", 1.0, "pack") for trial in plan.trials]
    records = pl.DataFrame([*starts, (first, 10, "loss", 0.2, "pack")], schema=RECORDS, orient="row")
    statuses = [(first, "done"), *((trial, "diverged") for trial in others)]
    ended = [(trial, status, 10, "", 0.1, 0.1, "e", "d", "h", "v", "p", "", 1, "") for trial, status in statuses]
    outcomes = pl.DataFrame(ended, schema=OUTCOMES, orient="row")
    curves, marks = loss_curves(RunTables(plan, results(plan, records, outcomes), records, pl.DataFrame()))
    assert curves.select("step", "loss").rows() == [(0, 1.0)]  # at step 10 two of three are infinite
    assert marks["trials"].to_list() == [2]


def test_a_map_has_a_cell_for_each_rate_and_width_and_the_predicted_limit(run):
    table = loss_map(run.tables)
    cells = {(row["name"], row["width"], row["rate_axis"]): row for row in table.to_dicts()}
    low, high = (cells["linear(legendre)", 4, rate] for rate in (0.5, 4.0))
    assert low["loss"] == pytest.approx((0.05**2 + 0.055**2) / 4)
    assert (low["diverged"], high["diverged"], high["loss"]) == (0.0, 1.0, None)
    assert low["limit"] == high["limit"] == 2.0
    assert low["top"] == high["bottom"] == pytest.approx(math.sqrt(0.5 * 4.0), rel=1e-5)
    assert cells["shallow(relu)", 2, 0.5]["limit"] is None


def test_a_limit_outside_the_map_is_left_out():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1, 0.2))
    numbers = [(0, "loss", 1.0), (0, "largest_stable_learning_rate", 50.0)]
    assert loss_map(tables_of(experiment, lambda trial: numbers))["limit"].null_count() == 2


def test_multiples_of_the_limit_are_drawn_against_a_limit_of_one():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=TimesLimits((0.5, 2.0)))
    numbers = [(0, "loss", 1.0), (0, "largest_stable_learning_rate", 0.03)]
    tables = tables_of(experiment, lambda trial: numbers)
    assert set(loss_map(tables)["limit"]) == {1.0}
    assert "learning rate / predicted limit" in json.dumps(drawn("loss_by_rate_and_width", tables))


def test_a_limit_that_is_not_exact_says_in_the_map_what_it_is():
    experiment = Experiment(
        "?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=TimesLimits((0.5, 2.0)), batch_size=4
    )
    numbers = [(0, "loss", 1.0), (0, "largest_stable_learning_rate", 0.03)]
    drawing = json.dumps(drawn("loss_by_rate_and_width", tables_of(experiment, lambda trial: numbers)))
    assert "predicted limit: mean square of batches drawn afresh" in drawing


@pytest.mark.parametrize("rates", [(1e300, 1e308), (1e-200, 1e-180), (1e-307, 1e307)])
@pytest.mark.parametrize("loss", [1.0, 1e308, 1e-320])
def test_every_figure_survives_extreme_learning_rates_and_losses(figure, rates, loss):
    experiment = Experiment("?", (Linear(),), (2, 4), target=(AbsoluteValue(),), learning_rates=rates, dtype="float64")
    names = ("loss", "test_error", "largest_stable_learning_rate", "condition_number")
    spec = drawn(figure.name, tables_of(experiment, lambda trial: [(0, name, loss) for name in names]))
    assert spec is None or vl_convert.vegalite_to_vega(spec)


def test_cells_meet_halfway_between_rates_in_the_logarithm():
    assert cell_edges([1e300, 1e304]) == pytest.approx([1e298, 1e302, 1e306], rel=1e-9)
    assert cell_edges([1e-200, 1e-180]) == pytest.approx([1e-210, 1e-190, 1e-170], rel=1e-9)


def test_a_solver_has_an_error_but_no_learning_rates():
    experiment = Experiment("?", (Linear(),), (2, 4), target=(AbsoluteValue(),), optimizer=LeastSquares())
    tables = tables_of(experiment, lambda trial: [(1, "test_error", 0.3), (0, "loss", 1.0), (1, "loss", 0.1)])
    assert {row["median"] for row in rows_with(drawn("error_by_width", tables), "median")} == {0.3}
    assert drawn("loss_by_step", tables) is None
    assert drawn("loss_by_rate_and_width", tables) is None


def test_fitted_functions_lie_over_the_target(run):
    spec = drawn("fitted", run.tables)
    targets = [rows for rows in spec["datasets"].values() if set(rows[0]) == {"x", "value"}]
    assert targets
    for rows in targets:
        np.testing.assert_allclose([row["value"] for row in rows], [abs(row["x"]) for row in rows], atol=1e-6)
    fits = [row for row in rows_with(spec, "x", "value", "width") if row["x"] == 0]
    assert {(row["width"], round(row["value"], 4)) for row in fits} == {
        (2, 0.05),
        (4, 0.025),
        (2, 0.1),
        (4, 0.05),
        (2, 0.15),
    }


def test_a_condition_number_beyond_float64_is_drawn_at_its_limit(run):
    spec = drawn("condition_by_width", run.tables)
    shown = {(row["name"], row["width"]): row["value"] for row in rows_with(spec, "name", "value")}
    assert shown["linear(monomial)", 4] == 1e15
    assert shown["linear(legendre)", 4] == 1e15
    assert shown["linear(legendre)", 2] == 10.0
    assert "float64 limit" in json.dumps(spec)


def test_a_large_sweep_gives_small_figures():
    experiment = Experiment(
        "?",
        (Linear(Monomial()), Linear(), Linear(Chebyshev()), Shallow()),
        tuple(range(2, 12)),
        target=(AbsoluteValue(), Step(), Step(0.1), Step(0.2)),
        learning_rates=LogSpaced(1e-3, 10, 50),
        seeds=1,
    )
    numbers = [(step, "loss", 1 / (1 + step)) for step in range(0, 2000, 250)]
    tables = tables_of(experiment, lambda trial: numbers)
    assert tables.results.height == 8000
    assert len(json.dumps(drawn("loss_by_step", tables))) < 300_000
    spec = drawn("loss_by_rate_and_width", tables)
    assert len(spec["concat"]) == MOST_PANELS
    assert spec["title"] == "The first 12 of 16 panels"
    assert len(json.dumps(spec)) < 1_500_000


def test_panels_name_the_problem_by_what_differs():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    inputs = replace(experiment.inputs, noise=(0.0, 0.1), train=(64, 128))
    tables = tables_of(replace(experiment, inputs=inputs), lambda trial: [(0, "test_error", 1.0)])
    assert tables.named["panel_problem"].unique(maintain_order=True).to_list() == [
        f"absolute_value, {train} points, noise {noise}" for train in (64, 128) for noise in (0.0, 0.1)
    ]


@pytest.mark.parametrize(
    "low, high, ticks",
    [
        (1e-8, 1.0, ["1e-8", "1e-6", "1e-4", "0.01", "1"]),
        (0.02, 0.3, ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"]),
        (1.0, 1e15, ["1", "1000", "1e6", "1e9", "1e12", "1e15"]),
    ],
)
def test_ticks_are_round(low, high, ticks):
    assert [number_label(tick) for tick in log_ticks(low, high)] == ticks


@pytest.mark.parametrize("values", [[0.3], [1e15], [1e15, 1e15], [1.0, 1.2], [1e-8, 1.0]])
def test_a_logarithmic_axis_holds_its_values_and_two_ticks(values):
    scale, axis = (part.to_dict() for part in log_scale(values))
    low, high = scale["domain"]
    assert low < min(values) <= max(values) < high
    assert sum(low <= tick <= high for tick in axis["values"]) >= 2


@pytest.mark.parametrize("figure", ["error_by_width", "condition_by_width"])
def test_one_value_has_an_axis_with_ticks(figure):
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    numbers = [(0, "test_error", 0.3), (0, "condition_number", math.inf)]
    encoding = drawn(figure, tables_of(experiment, lambda trial: numbers))["layer"][1]["encoding"]["y"]
    low, high = encoding["scale"]["domain"]
    assert sum(low <= tick <= high for tick in encoding["axis"]["values"]) >= 2


def test_evenly_keeps_both_ends():
    assert evenly_spaced(range(100), 4) == [0, 33, 66, 99]
    assert evenly_spaced([1, 2], 4) == [1, 2]


# --- the stability index ---

WAYS = {0: 0.5, 5: 0.9, 10: 1.0}


def edge(models, rates=(0.1, 1.0), seeds=1, value=lambda trial, index: index):
    """A run that recorded the stability index at three steps."""
    experiment = Experiment("?", models, (2, 4), target=(AbsoluteValue(),), learning_rates=rates, seeds=seeds, steps=10)
    numbers = [(step, "stability_index", index) for step, index in WAYS.items()]
    return tables_of(experiment, lambda trial: [(step, name, value(trial, index)) for step, name, index in numbers])


def test_index_is_drawn_for_each_rate_at_the_greatest_width_with_the_edge_at_one():
    spec = drawn("stability_by_step", edge((Shallow(),), value=lambda trial, index: index * trial.learning_rate))
    shown = {(row["rate"], row["step"]): row["index"] for row in rows_with(spec, "rate", "step")}
    expected = {(f"{rate:g}", step): rate * index for rate in (0.1, 1.0) for step, index in WAYS.items()}
    assert shown == pytest.approx(expected)
    assert [row["index"] for row in rows_with(spec, "text")] == [1.0]
    assert "width 4" in json.dumps(spec)
    assert "width 2" not in json.dumps(spec)


def test_index_is_the_median_of_the_seeds_that_have_one():
    value = lambda trial, index: math.nan if trial.seed == 0 else index + trial.seed  # noqa: E731
    spec = drawn("stability_by_step", edge((Shallow(),), rates=(0.1,), seeds=4, value=value))
    assert {row["step"]: row["index"] for row in rows_with(spec, "rate", "step")} == pytest.approx(
        {step: index + 2 for step, index in WAYS.items()}
    )


def test_index_that_is_recorded_once_is_no_curve():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    assert drawn("stability_by_step", tables_of(experiment, lambda trial: [(0, "stability_index", 0.5)])) is None


def test_index_far_beyond_the_edge_is_cut_off():
    spec = drawn("stability_by_step", edge((Shallow(),), value=lambda trial, index: 1e9 * index))
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0.0, 3.0]
    spec = drawn("stability_by_step", edge((Shallow(),), value=lambda trial, index: -index))
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == [-1.0, 1.2]


# --- gradient and weights ---


def growing(rates=(0.1, 1.0), names=("gradient_norm", "weight_norm"), status="done"):
    """A run whose weights grow with the step and the learning rate, and whose gradients fall."""
    experiment = Experiment(
        "?", (Shallow(),), (2, 4), target=(AbsoluteValue(),), learning_rates=rates, seeds=3, steps=10
    )
    exponent = {"gradient_norm": -1, "weight_norm": 1}

    def numbers(trial):
        sizes = [(step, (1 + step + trial.seed) * trial.learning_rate) for step in (0, 10)]
        return [(step, name, size ** exponent[name]) for step, size in sizes for name in names]

    return tables_of(experiment, numbers, status)


def test_norms_of_trials_that_diverged_are_not_drawn():
    assert drawn("weights_by_step", growing(status="diverged")) is None


def test_both_norms_are_drawn_for_each_rate_at_the_greatest_width():
    spec = drawn("weights_by_step", growing())
    shown = {(row["norm"], row["rate"], row["step"]): row["value"] for row in rows_with(spec, "norm", "rate")}
    sizes = {(f"{rate:g}", step): (2 + step) * rate for rate in (0.1, 1.0) for step in (0, 10)}  # of the middle seed
    expected = {("weight norm", *key): size for key, size in sizes.items()}
    assert shown == pytest.approx(
        expected | {("gradient norm", *key): 1 / size for key, size in sizes.items()}, rel=1e-5
    )
    assert "width 4" in json.dumps(spec)
    assert "width 2" not in json.dumps(spec)


def test_one_norm_alone_says_nothing_about_the_other():
    assert drawn("weights_by_step", growing(names=("gradient_norm",))) is None
