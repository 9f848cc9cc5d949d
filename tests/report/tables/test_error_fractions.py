"""A report says what most of an error is and what would lower it, in fractions that add up to all of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import polars as pl
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.best_errors import best_error
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import LeastSquares
from pipeline.plans import make_plan
from pipeline.problems.datasets import Digits
from pipeline.problems.losses import HalfMeanSquare
from pipeline.problems.targets import AbsoluteValue, XSquared
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.report.figures.error_parts_by_width import COLOURS, MOST_LABELS, error_parts_by_width
from pipeline.report.tables.error_fractions import PARTS, RECORDED, advice, error_parts, in_percent, sentences
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables

EXACT = ["approximation", "features", "sampling", "optimisation", "rounding"]
MODELS = [Linear(), Greedy(), Shallow()]
ERROR = 0.3


def tables_of(fractions: dict[str, float], bar: float | None = 0.001, errors: tuple[float, ...] = (ERROR,), **fields):
    """Tables of a run in which trial s of every cell ended with error s, of these fractions."""
    arguments = {
        "models": (Linear(),),
        "widths": (2, 4),
        "target": (AbsoluteValue(),),
        "learning_rates": (0.5,),
        "inputs": Inputs(seed="trial"),
        **fields,
    }
    plan = make_plan("test", Experiment("?", seeds=len(errors), **arguments))
    rows = []
    for trial in plan.trials.values():
        error = errors[trial.seed]
        numbers = {"test_error": error, **{RECORDED[part]: fraction * error**2 for part, fraction in fractions.items()}}
        numbers |= {} if bar is None else {"test_error_bar": bar}
        rows += [(trial.id, 10, name, value, "pack") for name, value in numbers.items()]
    records = pl.DataFrame(rows, schema=RECORDS, orient="row")
    where = (0.5, 0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
    ended = [(key, "done", 10, "", *where) for key in plan.trials]
    outcomes = pl.DataFrame(ended, schema=OUTCOMES, orient="row")
    return RunTables(plan, results(plan, records, outcomes), records, pl.DataFrame(schema=FITTED_SAMPLES))


def fractions(**of_parts: float) -> dict[str, float]:
    return dict.fromkeys(RECORDED, 0.0) | of_parts


HALVES = fractions(approximation=0.5, sampling=0.375, optimisation=0.25, rounding=-0.125)


def test_fractions_are_those_of_the_run_and_add_up_to_one(run) -> None:
    table = error_parts(run.tables)
    assert table.select("name", "width").rows() == [
        ("linear(monomial)", 2), ("linear(monomial)", 4), ("linear(legendre)", 2), ("linear(legendre)", 4),
        ("shallow(relu)", 2),
    ]  # fmt: skip
    assert table.select(pl.sum_horizontal(EXACT)).to_series().to_list() == pytest.approx([1.0] * 5)
    row = table.row(0, named=True)
    assert [row[part] for part in RECORDED] == pytest.approx([0.5, 0.375, 0.25, -0.125])
    assert row["features"] is None
    assert row["mostly"] == "approximation"


def test_quadrature_is_by_how_much_the_square_may_be_off() -> None:
    row = error_parts(tables_of(HALVES, bar=0.01)).row(0, named=True)
    assert row["quadrature"] == pytest.approx(((ERROR + 0.01) ** 2 - ERROR**2) / ERROR**2)
    assert error_parts(tables_of(HALVES, bar=None)).row(0, named=True)["quadrature"] is None


@pytest.mark.parametrize("errors", [(0.9, 0.1, 0.5, math.nan), (0.9, 0.1, 0.5, 0.7)], ids=["three", "four"])
def test_trial_is_that_of_the_median_error(errors) -> None:
    """The lower of two in the middle: a mean of both is no trial's."""
    assert error_parts(tables_of(HALVES, errors=errors))["error"].to_list() == [0.5, 0.5]


def test_features_are_what_a_network_is_worse_than_the_best_of_its_width() -> None:
    tables = tables_of(HALVES, models=(Shallow(),), widths=(2, 3), target=(XSquared(),))
    known, unknown = error_parts(tables).iter_rows(named=True)
    best = best_error(next(tables.plan.experiment.problems()), Shallow(), 2) ** 2 / ERROR**2
    assert (known["approximation"], known["features"]) == pytest.approx((best, 0.5 - best))
    assert (unknown["approximation"], unknown["features"]) == (pytest.approx(0.5), None)


@pytest.mark.parametrize("part", [*RECORDED, "quadrature"])
def test_the_largest_part_is_named_with_what_lowers_it(part: str) -> None:
    other = "sampling" if part == "rounding" else "rounding"
    tables = tables_of(fractions(**{part: 0.8, other: 0.2}) if part in RECORDED
                         else fractions(), bar=0.2 if part == "quadrature" else 0.001)  # fmt: skip
    table = error_parts(tables)
    assert table["mostly"].to_list() == [part, part]
    shape = next(iter(tables.plan.trials.values())).shape
    (sentence,) = sentences(table)
    fraction = {"quadrature": 178}.get(part, 80)  # (0.3 + 0.2)^2 is 178 % above 0.3^2
    assert sentence == (
        f"absolute_value, linear(legendre), width 4: {fraction} % of the squared error is {part}. "
        f"What lowers it: {advice(shape, part)}."
    )


@pytest.mark.parametrize("model", MODELS, ids=Model.label)
def test_each_part_has_an_advice_of_its_own_that_fits_the_model(model: Model) -> None:
    plan = make_plan("test", Experiment("?", (model,), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,)))
    shape = plan.packs[0].shape
    advices = {part: advice(shape, part) for part in PARTS}
    assert len(set(advices.values())) == len(PARTS)
    assert ("variable_projection" in advices["optimisation"]) == (not model.linear)
    assert advices["rounding"] == "dtype: float64"
    assert "float64" not in advice(replace(shape, dtype="float64"), "rounding")
    assert advices["sampling"] == "more training points"
    noisy = Experiment("?", (model,), (2,), target=(AbsoluteValue(),), inputs=Inputs(noise=(0.1,)))
    assert advice(make_plan("test", noisy).packs[0].shape, "sampling") == "more training points, or less noise"
    if model.linear:
        assert advice(replace(shape, optimizer=LeastSquares()), "optimisation") == "train longer"


def test_nothing_is_said_where_a_square_would_be_negative() -> None:
    """Of features that depend on each other to rounding the projection is rounding as well."""
    tables = tables_of(fractions(approximation=74.8, sampling=-73.8))
    assert error_parts(tables)["mostly"].to_list() == ["cannot say"] * 2
    assert list(sentences(error_parts(tables))) == [
        "absolute_value, linear(legendre), width 4: cannot say, the features depend on each other to rounding."
    ]
    assert error_parts_by_width(tables) is None
    assert error_parts(tables_of(fractions(approximation=1.0, sampling=-1e-6)))["mostly"].to_list() == [
        "approximation", "approximation",
    ]  # fmt: skip


def sentence_and_percents(tables: RunTables) -> tuple[str, str]:
    """The sentence on the greatest width, and the percents of the table there."""
    table = error_parts(tables)
    (sentence,) = sentences(table)
    shown = in_percent(table).row(-1, named=True)
    assert (error_parts_by_width(tables) is None) == all(shown[name] is None for name in shown if "%" in name)
    return sentence, str([shown[name] for name in shown if "%" in name and shown[name] is not None])


CANCEL = "sampling adds 19 times the squared error, of which optimisation takes back 18"
THRESHOLD = "near the interpolation threshold, least squares on these points is no measure of what was trained"


def test_parts_that_cancel_are_said_in_words_and_not_in_percent() -> None:
    """Of 40 points for 40 features 1911 % had been called sampling."""
    cancelling = fractions(sampling=19.11, optimisation=-18.25, approximation=0.14)
    sentence, percents = sentence_and_percents(tables_of(cancelling, widths=(40,), inputs=Inputs(train=(40,))))
    assert sentence == (
        "absolute_value, linear(legendre), width 40: "
        f"{CANCEL}: with 40 training points for 40 features, {THRESHOLD}. "
        "What helps: more training points, or fewer features."
    )
    assert percents == "[]"
    assert sentence_and_percents(tables_of(cancelling, widths=(4,), inputs=Inputs(train=(40,))))[0] == (
        f"absolute_value, linear(legendre), width 4: {CANCEL}. What helps: more training points, or fewer features."
    )


def test_a_fraction_somewhat_above_the_error_is_still_said_in_percent() -> None:
    stopped_early = fractions(sampling=1.25, optimisation=-0.5, approximation=0.25)
    assert sentence_and_percents(tables_of(stopped_early))[0].startswith(
        "absolute_value, linear(legendre), width 4: 125 % of the squared error is sampling. "
    )


@pytest.mark.parametrize("sampling", [1332043710996811350016.0, 0.0, 511.0])
def test_parts_that_do_not_add_up_to_the_error_are_not_shown(sampling: float) -> None:
    """What least squares loses to rounding at 40 points and 40 features: sums of 0 or -512 for an error of 0.17."""
    lost = fractions(sampling=sampling, optimisation=-sampling)
    sentence, percents = sentence_and_percents(tables_of(lost, widths=(40,), inputs=Inputs(train=(40,))))
    assert sentence == (
        "absolute_value, linear(legendre), width 40: cannot say, the parts do not add up to the error: "
        "least squares on the training points is lost in rounding."
    )
    assert percents == "[]"


def test_what_the_quadrature_leaves_open_may_be_missing_from_the_sum() -> None:
    nearly = fractions(approximation=0.9)
    assert error_parts(tables_of(nearly, bar=0.03))["mostly"].to_list() == ["approximation"] * 2
    assert error_parts(tables_of(nearly, bar=0.001))["mostly"].to_list() == ["cannot say"] * 2


def test_of_classes_fractions_are_of_the_mean_square() -> None:
    """Their test error is a fraction of wrong answers, whose square is another number."""
    arguments = {"target": (), "data": (Digits(),), "loss": HalfMeanSquare(), "models": (Shallow(),)}
    row = error_parts(tables_of(fractions(approximation=3.0, sampling=1.0), **arguments)).row(0, named=True)
    assert (row["error"], row["approximation"], row["sampling"]) == (ERROR, pytest.approx(0.75), pytest.approx(0.25))
    assert (row["mostly"], row["quadrature"]) == ("approximation", None)


@pytest.mark.parametrize("missing", ["test_error", *RECORDED.values()])
def test_without_one_of_the_parts_there_is_nothing_to_say(missing: str) -> None:
    tables = tables_of(HALVES)
    without = replace(tables, results=tables.results.drop(missing))
    assert error_parts(without).is_empty()
    assert error_parts_by_width(without) is None


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_errors_that_have_no_fractions_are_left_out(value: float) -> None:
    assert error_parts(tables_of(HALVES, errors=(value,))).is_empty()


def test_bars_are_as_high_as_the_fractions_and_say_the_error() -> None:
    spec = error_parts_by_width(tables_of(HALVES)).to_dict()
    json.dumps(spec, allow_nan=False)
    rows = [row for rows in spec["datasets"].values() for row in rows]
    heights = {row["part"]: row["height"] for row in rows if row["width"] == 4 and "part" in row}
    quadrature = ((ERROR + 0.001) ** 2 - ERROR**2) / ERROR**2
    above = 0.5 + 0.375 + 0.25 + quadrature
    expected = {"approximation": 0.5, "sampling": 0.375, "optimisation": 0.25, "rounding": 0, "quadrature": quadrature}
    assert heights == pytest.approx({part: fraction / above for part, fraction in expected.items()}, rel=1e-5)
    assert sum(heights.values()) == pytest.approx(1, rel=1e-5)
    assert {row["text"] for row in rows if "text" in row} == {"0.3"}
    colours = spec["layer"][0]["encoding"]["color"]["scale"]
    assert (tuple(colours["domain"]), tuple(colours["range"])) == (PARTS, COLOURS)


def test_many_bars_leave_no_room_for_numbers() -> None:
    many = error_parts_by_width(tables_of(HALVES, widths=tuple(range(1, MOST_LABELS + 2)))).to_dict()
    assert len(many["layer"]) == 1


def test_page_shows_percent_without_zeros_below_zero() -> None:
    shown = in_percent(error_parts(tables_of(fractions(approximation=1.0, rounding=-1e-9)))).row(0, named=True)
    assert (shown["approximation %"], shown["features %"]) == (100.0, None)
    assert math.copysign(1, shown["rounding %"]) == 1
    assert list(shown)[:5] == ["problem", "model", "width", "test_error", "mostly"]
