"""A model is compared with each yardstick that is known for its problem."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from pipeline.diagnostics.convergence import TestError as RecordedTestError
from pipeline.diagnostics.convergence import TestErrorBar
from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.models.activations import Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.plans import make_plan, write_plan
from pipeline.problems.losses import HalfMeanSquare, Task
from pipeline.problems.targets import AbsoluteValue, Gaussian, XSquared
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.html.run_page import Comparisons, page
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.tables.yardstick_ratios import yardstick_ratios
from pipeline.report.theory.yardsticks import yardsticks_of

WIDTHS = (1, 2, 4, 8)


def tables_of(
    error: Callable[[Trial], float],
    model,
    target,
    diagnostic="test_error",
    bar: float | Callable | None = 1e-9,
    **fields,
) -> RunTables:
    """Sources of a run in which every trial ended with ``error(trial)``, known to within a bar."""
    arguments = {"target": (target,), "learning_rates": (0.5,), "seeds": 1, **fields}
    plan = make_plan("test", Experiment("?", (model,), WIDTHS, **arguments))
    records = pl.DataFrame(
        [
            (trial.id, 10, name, value, "pack")
            for trial in plan.trials.values()
            for name, value in ((diagnostic, error(trial)), ("test_error_bar", bar(trial) if callable(bar) else bar))
            if value is not None
        ],
        schema=RECORDS,
        orient="row",
    )
    where = (0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
    ended = [(trial.id, "done", 10, "", trial.learning_rate, *where) for trial in plan.trials.values()]
    outcomes = pl.DataFrame(ended, schema=OUTCOMES, orient="row")
    return RunTables(plan, results(plan, records, outcomes), records, pl.DataFrame(schema=FITTED_SAMPLES))


def verdicts(error: Callable[[Trial], float], model, target, **fields) -> pl.DataFrame:
    tables = tables_of(error, model, target, **fields)
    return yardstick_ratios(tables.plan, tables.results)


def problem_of(target, **inputs):
    return next(Experiment("?", (Shallow(),), (2,), target=(target,), inputs=Inputs(**inputs)).problems())


def errors_of(target, widths=WIDTHS, **inputs) -> dict[str, dict[int, float]]:
    return {one.name: one.errors for one in yardsticks_of(problem_of(target, **inputs), widths)}


@pytest.mark.parametrize("times, verdict", [(1.0, "agrees (3 of 3 trials)"), (0.9, "contradicts (3 of 3 trials)")])
def test_no_network_of_relus_may_be_below_the_best_one(times, verdict) -> None:
    best = errors_of(XSquared())["best ReLU network"]
    table = verdicts(lambda trial: times * best.get(trial.shape.width, 1.0), Shallow(), XSquared())
    row = table.row(0, named=True)
    assert (row["yardstick"], row["width"], row["verdict"]) == ("best ReLU network", 8, verdict)
    assert row["ratio"] == pytest.approx(times)
    assert row["ratio"] * row["yardstick_error"] == pytest.approx(row["test_error"])


@pytest.mark.parametrize(
    "bar, verdict",
    [
        (0.04, "agrees (3 of 3 trials)"),
        (0.03, "contradicts (3 of 3 trials)"),  # by more than three bars
        (1e-9, "contradicts (3 of 3 trials)"),
        (None, "cannot say: no test_error_bar is recorded"),
    ],
)
def test_an_error_counts_as_below_if_its_bar_does_not_reach_the_best_one(bar, verdict) -> None:
    best = errors_of(XSquared())["best ReLU network"]
    model = {"model": Shallow(), "target": XSquared(), "bar": bar}
    below = verdicts(lambda trial: best.get(trial.shape.width, 1.0) - (0.1 if bar in (0.03, 0.04) else 1e-4), **model)
    assert below["verdict"].item() == verdict
    above = verdicts(lambda trial: best.get(trial.shape.width, 1.0) + 1e-4, **model)
    assert above["verdict"].item() == "agrees (3 of 3 trials)"


def best_network(width: int) -> torch.Tensor:
    """Flat weights of the best ReLU network for x^2 on [-1, 1]: of even width, the middle one of its pieces is flat."""
    size = 2 / (width + 1)
    knots = size * (np.arange(width // 2) + 0.5)
    hidden = np.stack([np.repeat([1.0, -1.0], width // 2), -np.tile(knots, 2)], axis=1)
    lowest = size**2 / 4 - size**2 / 6  # of a chord, less what makes the pieces lie on both sides of the curve
    return torch.from_numpy(np.concatenate([hidden.ravel(), np.full(width, 2 * size), [lowest]]))[None]


@pytest.mark.parametrize("test", [8, 16, 64, 400])
def test_the_best_network_itself_contradicts_nothing_however_few_the_test_points(test) -> None:
    """Its kinks lie between them, where the rule may see less of the error than there is."""
    problem, best, error, bar = problem_of(XSquared(), test=test), errors_of(XSquared())["best ReLU network"], {}, {}
    shared = (GradientDescent(), HalfMeanSquare(), Task.REGRESSION, problem.load(), torch.float64)
    for width in best:
        weights_1N, nothing_1 = best_network(width), torch.zeros(1)
        context = PackContext(Shallow(), width, *shared)
        snapshot = Snapshot(context, 0, weights_1N, nothing_1, weights_1N, nothing_1, lambda kept=weights_1N: kept)
        error[width], bar[width] = float(RecordedTestError()(snapshot)), float(TestErrorBar()(snapshot))
        assert abs(error[width] - best[width]) <= bar[width] + 1e-14
    if test < 64:
        assert min(error[width] / best[width] for width in best) < 0.999
    table = verdicts(
        lambda trial: error.get(trial.shape.width, 1.0),
        Shallow(),
        XSquared(),
        bar=lambda trial: bar.get(trial.shape.width, 1.0),
        dtype="float64",
    )
    assert table["verdict"].item() == "agrees (3 of 3 trials)"


def test_one_trial_that_is_below_contradicts() -> None:
    best = errors_of(XSquared())["best ReLU network"]
    table = verdicts(
        lambda trial: (0.5 if trial.shape.width == 4 else 2.0) * best.get(trial.shape.width, 1.0), Shallow(), XSquared()
    )
    assert table["verdict"].item() == "contradicts (1 of 3 trials)"


@pytest.mark.parametrize(
    ("model", "target"), [(Shallow(Tanh()), XSquared()), (Linear(), XSquared()), (Shallow(), Gaussian())]
)
def test_what_is_no_bound_of_a_model_is_contradicted_by_nothing(model, target) -> None:
    known = errors_of(target).values()
    least, most = ({w: of(one.get(w, 1.0) for one in known) for w in WIDTHS} for of in (min, max))
    for errors, verdict in (
        ({w: 0.1 * least[w] for w in WIDTHS}, "below"),
        ({w: 10 * most[w] for w in WIDTHS}, "above"),
    ):
        table = verdicts(lambda trial, errors=errors: errors[trial.shape.width], model, target)
        assert table["verdict"].to_list() == [verdict] * len(known)


def test_there_is_no_row_without_a_test_error() -> None:
    assert verdicts(lambda trial: 1.0, Shallow(), XSquared(), diagnostic="loss").is_empty()
    assert verdicts(lambda trial: math.nan, Shallow(), XSquared()).is_empty()
    assert verdicts(lambda trial: 1.0, Shallow(), AbsoluteValue()).is_empty()


def drawn(tables: RunTables):
    (figure,) = [figure for figure in FIGURES if figure.name == "error_by_width"]
    return json.loads(json.dumps(figure.draw(tables).to_dict(), allow_nan=False))


def test_yardsticks_are_drawn_beside_the_errors_with_a_label() -> None:
    spec = drawn(tables_of(lambda trial: 0.01, Shallow(Tanh()), XSquared()))
    lines = [rows for rows in spec["datasets"].values() if "yardstick" in rows[0]]
    below, found, limit = ({row["width"]: row["yardstick"] for row in rows} for rows in lines)
    expected = errors_of(XSquared())["best ReLU network"]
    assert {width: below[width] for width in expected} == pytest.approx(expected, rel=4e-3)
    assert {width: found[width] for width in expected} == pytest.approx(expected, rel=4e-3)
    assert limit.keys() == {1}  # where the bracket is wide
    line = spec["layer"][-1]
    domain = ["theory: infinite width", "no ReLU network below", "best ReLU network found"]
    domain += ["best linear pieces (limit)"]
    assert line["encoding"]["strokeDash"]["scale"]["domain"] == domain
    low, high = line["encoding"]["y"]["scale"]["domain"]
    assert low < min(expected.values())
    assert high > max(expected.values())


def test_no_yardstick_is_drawn_beside_what_is_no_test_error() -> None:
    spec = drawn(tables_of(lambda trial: 0.01, Shallow(Tanh()), XSquared(), diagnostic="loss"))
    assert "yardstick" not in json.dumps(spec)


def test_the_page_has_a_table_of_them_where_there_are_any(tmp_path: Path) -> None:
    def written(target) -> str:
        tables = tables_of(lambda trial: 0.01, Shallow(), target)
        write_plan(tables.plan, tmp_path / target.name())
        compared = Comparisons(yardsticks=yardstick_ratios(tables.plan, tables.results))
        return page(tmp_path / target.name(), tables.plan, tables.results, pl.DataFrame(schema=OUTCOMES), [], compared)

    text = written(XSquared())
    assert "<h2>Yardsticks</h2>" in text
    assert '<td class="contradicts">contradicts (2 of 3 trials)</td>' in text
    assert "<h2>Yardsticks</h2>" not in written(AbsoluteValue())
