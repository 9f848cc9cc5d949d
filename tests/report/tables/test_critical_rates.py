"""The phases of a two-layer linear network on one point, which follow from two numbers: the catapult lies in 2 to 4."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipeline.experiment.axes import TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Identity, Tanh
from pipeline.models.initialisations import Glorot
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Momentum
from pipeline.plans import Plan, make_plan
from pipeline.problems.losses import BinaryCrossEntropy
from pipeline.problems.targets import AbsoluteValue, Xor
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.tables.critical_rates import (
    CATAPULT,
    DIVERGES,
    EVENTS,
    FALLS,
    NEAR,
    STAYS_UP,
    critical_rates,
    order_sentence,
    phases,
    wide_rates,
)
from pipeline.report.tables.results import results

MULTIPLES = (0.2, 0.5, 0.9, 0.97, 1.03, 1.2, 1.5, 1.9, 1.97, 2.03, 2.5)
WIDTHS = (64, 128, 256, 1024, 4096)
NETWORKS = Experiment(
    "?",
    (Shallow(Identity()),),
    WIDTHS,
    target=(AbsoluteValue(),),
    learning_rates=TimesLimits(MULTIPLES),
    seeds=4,
    steps=200,
)


def recursion(f: float, sharpness: float, rate: float, width: int, steps: int) -> Iterator[tuple[float, float]]:
    """Output and tangent kernel ``(|u|^2 + |v|^2) / n`` of ``f = u.v / sqrt n`` under descent on ``f^2 / 2``.

    ``f' = f (1 - rate k + rate^2 f^2 / n)`` and ``k' = k + rate f^2 / n (rate k - 4)``, worked out by hand.
    """
    for _ in range(steps + 1):
        yield f, sharpness
        change = rate * f * f / width * (rate * sharpness - 4)
        f, sharpness = f * (1 - rate * sharpness + rate * rate * f * f / width), sharpness + change


def test_the_recursion_is_descent_on_both_layers():
    rng = np.random.default_rng(0)
    u, v, rate = rng.normal(size=16), rng.normal(size=16), 1.4
    start = float(u @ v) / 4, float(u @ u + v @ v) / 16
    for f, sharpness in recursion(*start, rate, 16, 30):
        assert (f, sharpness) == pytest.approx((u @ v / 4, (u @ u + v @ v) / 16), rel=1e-8)
        u, v = u - rate * f * v / 4, v - rate * f * u / 4


def of_one_point(plan: Plan, observed: Callable[[int], bool] = lambda step: True) -> pl.DataFrame:
    """The phases of the trials of a plan, each in place of its network a two-layer one on one point."""
    recorded, ended = [], []
    for number, trial in enumerate(plan.trials.values()):
        rng, width, steps = np.random.default_rng(number), trial.shape.width, trial.shape.steps
        u, v = rng.normal(size=(2, width))
        start = float(u @ v) / math.sqrt(width), float(u @ u + v @ v) / width
        rate = trial.learning_rate.times_limit * 2 / start[1]
        values = [(0.5 * f * f, k) for f, k in recursion(*start, rate, width, steps) if abs(f) < 1e10]
        status = "done" if len(values) > steps else "diverged"
        where = (0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
        ended.append((trial.id, status, len(values) - 1, "", rate, *where))
        for step in (*range(11), steps):
            if step < len(values):
                for name, value in zip(("loss", "sharpness"), values[step], strict=True):
                    if name == "loss" or observed(step):
                        recorded.append((trial.id, step, name, value, "pack"))
    records = pl.DataFrame(recorded, schema=RECORDS, orient="row")
    table = results(plan, records, pl.DataFrame(ended, schema=OUTCOMES, orient="row"))
    return phases(plan, table, records)


@pytest.fixture(scope="module")
def found():
    with np.errstate(over="ignore"):
        return of_one_point(make_plan("test", NETWORKS))


def test_wide_networks_fall_below_the_limit_come_back_up_to_twice_it_and_diverge_above(found):
    wide = found.filter(pl.col("width") == 4096)
    said = dict(wide.group_by("times_limit").agg(pl.col("phase").unique()).iter_rows())
    expected = {m: FALLS if m < 1 else CATAPULT if m < 2 else DIVERGES for m in MULTIPLES}
    assert said == {multiple: [phase] for multiple, phase in expected.items()}


def test_critical_rates_lie_between_the_multiples_around_them(found):
    table = critical_rates(found)
    wide = {row["event"]: row for row in table.filter(pl.col("width") == 4096).iter_rows(named=True)}
    assert [wide["loss rises"][name] for name in ("critical", "from", "to")] == pytest.approx([1.0, 0.97, 1.03])
    assert [wide["diverges"][name] for name in ("critical", "from", "to")] == pytest.approx([2.0, 1.97, 2.03])
    assert wide["sharpness rises"]["critical"] == pytest.approx(2.0), "the kernel shrinks at any rate below 4 / lambda"
    assert table["seeds"].to_list() == [4] * len(WIDTHS) * 3


def test_in_the_limit_of_wide_networks_both_limits_are_those_of_theory(found):
    for row in wide_rates(found).filter(pl.col("theory").is_not_null()).iter_rows(named=True):
        assert row["from"] <= row["theory"] <= row["to"]
        assert row["wide"] == pytest.approx(row["theory"], abs=0.03)
        assert row["widths"] == len(WIDTHS)


def test_an_interval_that_misses_theory_by_more_than_a_tenth_contradicts_it(found):
    """What theory has in the limit of wide linear networks is 1 and 2; of another it knows nothing."""

    def said(limit: float) -> dict[str, str | None]:
        moved = found.with_columns(diverges=pl.col("times_limit") > limit)
        return dict(wide_rates(moved).select("event", "verdict").iter_rows())

    assert said(2.0) == {"loss rises": "agrees", "sharpness rises": None, "diverges": "agrees"}
    assert said(1.93)["diverges"] == NEAR  # between 1.9 and 1.97
    assert said(1.4)["diverges"] == "contradicts"


def test_the_interval_holds_nine_of_ten_intercepts_of_seeds_drawn_again(found):
    """Of each width the medians of all 256 ways to draw four seeds from four, and the line through them."""
    limits = {0: 1.0, 1: 1.35, 2: 1.7, 3: 1.95}
    moved = found.with_columns(diverges=pl.col("times_limit") > pl.col("seed").replace_strict(limits))
    row = wide_rates(moved).row(by_predicate=pl.col("event") == "diverges", named=True)
    weights_C = np.linalg.pinv(np.stack([np.ones(len(WIDTHS)), 1 / np.array(WIDTHS)], axis=1))[0]
    for end, values, share in (("from", (0.97, 1.2, 1.5, 1.9), 0.05), ("to", (1.03, 1.5, 1.9, 1.97), 0.95)):
        medians = np.median(list(itertools.product(values, repeat=4)), axis=1)
        intercepts = np.random.default_rng(1).choice(medians, size=(20_000, len(WIDTHS))) @ weights_C
        assert row[end] == pytest.approx(np.quantile(intercepts, share), abs=0.4 * intercepts.std())


@pytest.mark.parametrize(
    ("theory", "model", "fields"),
    [
        ([1.0, 2.0], Shallow(Identity()), {}),
        ([1.0, None], Shallow(Tanh()), {}),
        ([1.0, None], Shallow(), {}),
        ([None, None], Shallow(Identity(), Glorot()), {}),  # whose hidden weights shrink as the width grows
        ([None, None], Shallow(Identity()), {"optimizer": Momentum()}),
        ([None, None], Shallow(Identity()), {"loss": BinaryCrossEntropy(), "target": (Xor(),)}),
    ],
)
def test_theory_is_of_wide_networks_under_gradient_descent_by_squares(theory, model, fields):
    with np.errstate(over="ignore"):
        table = wide_rates(of_one_point(make_plan("test", replace(NETWORKS, models=(model,), **fields))))
    known = dict(table.select("event", "theory").iter_rows())
    assert [known["loss rises"], known["diverges"]] == theory


def test_the_order_of_the_critical_rates_is_counted_over_the_widths(found):
    assert "c_loss <= c_sharp <= c_max, at 5 of 5 widths" in order_sentence(critical_rates(found))
    early = (pl.col("width") == 64) & (pl.col("times_limit") > 0.4)
    moved = found.with_columns(pl.col("sharpness rises") | early)
    assert "at 4 of 5 widths" in order_sentence(critical_rates(moved))
    never = found.with_columns(pl.lit(value=False).alias(event) for event in EVENTS)
    assert "at 5 of 5 widths" in order_sentence(critical_rates(never))
    unknown = found.with_columns(pl.lit(None, pl.Boolean).alias("sharpness rises"))
    assert order_sentence(critical_rates(unknown)) == order_sentence(pl.DataFrame()) == ""


def test_what_happens_already_at_the_least_multiple_has_no_law_of_the_width(found):
    always = found.with_columns(pl.lit(value=True).alias("loss rises"))
    assert "loss rises" not in set(wide_rates(always)["event"])


def test_a_law_of_the_width_needs_five_widths_at_which_it_happened(found):
    assert wide_rates(found.filter(pl.col("width") > 64)).is_empty()
    assert set(wide_rates(found.with_columns(diverges=pl.lit(False)))["event"]) == {"loss rises", "sharpness rises"}


def test_what_never_happens_has_an_infinite_rate_and_what_was_not_recorded_none(found):
    narrow = found.filter(pl.col("times_limit") < 1)
    assert set(critical_rates(narrow)["critical"]) == {math.inf}
    unknown = found.with_columns(pl.lit(None, pl.Boolean).alias("sharpness rises"))
    assert set(critical_rates(unknown)["event"]) == {"loss rises", "diverges"}


@pytest.mark.parametrize(
    ("rises_at", "last", "phase"), [(1, 2.0, STAYS_UP), (1, 0.5, CATAPULT), (10, 0.5, CATAPULT), (11, 0.5, FALLS)]
)
def test_a_loss_that_rises_in_the_first_ten_steps_comes_back_or_stays_above(rises_at, last, phase):
    experiment = Experiment(
        "?", (Shallow(), Linear()), (4,), target=(AbsoluteValue(),), learning_rates=TimesLimits((1.5,)), seeds=1
    )
    plan = make_plan("test", experiment)
    network, linear = plan.trials
    where = ("", 0.1, 0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
    ended = [(trial, "done", experiment.steps, *where) for trial in (network, linear)]
    losses = [
        (network, step, "loss", loss, "pack") for step, loss in ((0, 1.0), (rises_at, 3.0), (experiment.steps, last))
    ]
    records = pl.DataFrame(losses, schema=RECORDS, orient="row")
    table = results(plan, records, pl.DataFrame(ended, schema=OUTCOMES, orient="row"))
    assert phases(plan, table, records).select("trial", "phase").rows() == [(network, phase)]


def test_rates_that_are_no_multiples_have_no_phases(run):
    assert phases(run.plan, run.results, run.records).is_empty()
    assert critical_rates(pl.DataFrame()).is_empty()
    assert wide_rates(pl.DataFrame()).is_empty()


def test_where_the_sharpness_was_not_looked_at_early_no_rate_at_which_it_rises_is_told():
    plan = make_plan("test", replace(NETWORKS, widths=(4,), seeds=1))
    with np.errstate(over="ignore"):
        found = of_one_point(plan, observed=lambda step: step in (0, 200))
    assert found["diverges"].any()
    assert found["diverges"].not_().any()
    assert set(critical_rates(found)["event"]) == {"loss rises", "diverges"}
