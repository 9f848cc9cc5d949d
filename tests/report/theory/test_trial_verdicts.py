"""Every trial has a verdict, or a reason for none in the words of a reader."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, LeastSquares
from pipeline.optimizers.solvers import LevenbergMarquardt
from pipeline.optimizers.stability_limits import Limit
from pipeline.problems.losses import BinaryCrossEntropy
from pipeline.problems.targets import AbsoluteValue, Xor
from pipeline.report.theory.stable_rates import EMPTY, GROUNDS, MEANINGS, TOO_SHORT
from pipeline.report.theory.trial_verdicts import PENDING, silences, unspoken


@pytest.mark.parametrize(
    "expected, model, changed",
    [
        ("on minibatches: no exact limit", Linear(), {"batch_size": 8}),
        ("on minibatches: no exact limit", Shallow(), {"batch_size": 8, "optimizer": Adam()}),
        ("without a closed form for adam", Linear(), {"optimizer": Adam()}),
        ("without a closed form for adam", Shallow(), {"optimizer": Adam()}),
        ("solved by least_squares", Linear(), {"optimizer": LeastSquares()}),
        ("solved by levenberg_marquardt", Shallow(), {"optimizer": LevenbergMarquardt(), "dtype": "float64"}),
        (
            "without an exact limit for binary_cross_entropy",
            Linear(),
            {"loss": BinaryCrossEntropy(), "target": (Xor(),)},
        ),
    ],
)
def test_what_no_theory_speaks_about_has_its_reason(expected, model, changed):
    experiment = Experiment("?", (model,), (4,), **{"target": (AbsoluteValue(),)} | changed)
    short, full = unspoken(next(experiment.shapes()))
    assert short == expected
    assert not full.endswith(".")
    assert ("size of earlier ones" in full) is (short == "without a closed form for adam")


def test_reasons_are_counted_and_limits_that_are_not_exact_explained():
    verdicts = ["agrees", EMPTY, EMPTY, TOO_SHORT, PENDING]
    table = pl.DataFrame(
        {
            "verdict": verdicts,
            "grounds": [GROUNDS.get(verdict, "") for verdict in verdicts],
            "limit": [Limit.LOCAL.value, "exact", "", "", ""],
        }
    )
    assert silences(table) == [
        f"Of 2 trials nothing is said: {GROUNDS[EMPTY]}.",
        f"Of 1 trial nothing is said: {GROUNDS[TOO_SHORT]}.",
        MEANINGS[Limit.LOCAL],
    ]
