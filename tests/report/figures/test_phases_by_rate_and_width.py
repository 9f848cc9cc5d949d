"""The map of phases shows what most seeds do at each multiple of the limit."""

from __future__ import annotations

import pytest
import vl_convert
from synthetic_run import drawn, rows_with, tables_of

from pipeline.experiment.axes import TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue, Sine
from pipeline.report.figures.phases_by_rate_and_width import phase_map
from pipeline.report.tables.critical_rates import CATAPULT, FALLS

NETWORKS = Experiment(
    "?",
    (Shallow(),),
    (2, 4),
    target=(AbsoluteValue(), Sine()),
    learning_rates=TimesLimits((0.5, 2.0)),
    seeds=3,
    steps=10,
)


def numbers(trial: Trial) -> list[tuple[int, str, float]]:
    """Above the limit the loss rises, but for the first seed."""
    rises = trial.learning_rate.times_limit > 1 and trial.seed > 0
    return [(0, "loss", 1.0), (1, "loss", 1.5 if rises else 0.9), (10, "loss", 0.1)]


def test_a_cell_has_the_phase_of_most_seeds_and_their_share():
    cells = phase_map(tables_of(NETWORKS, numbers))
    assert cells.height == 2 * 2 * 2
    for row in cells.iter_rows(named=True):
        above = row["times_limit"] > 1
        assert row["phase"] == (CATAPULT if above else FALLS)
        assert row["share"] == pytest.approx(2 / 3 if above else 1.0)
        assert row["bottom"] < row["times_limit"] < row["top"]
        assert row["trials"] == 3


def test_each_phase_that_occurs_is_in_the_map_and_its_legend():
    spec = drawn("phases_by_rate_and_width", tables_of(NETWORKS, numbers))
    assert {row["phase"] for row in rows_with(spec, "phase")} == {FALLS, CATAPULT}
    assert vl_convert.vegalite_to_svg(spec).count("<path") > 8


def test_one_multiple_or_rates_as_numbers_make_no_map():
    for rates in (TimesLimits((2.0,)), (0.5, 2.0)):
        experiment = Experiment("?", (Shallow(),), (2,), target=(AbsoluteValue(),), learning_rates=rates)
        assert drawn("phases_by_rate_and_width", tables_of(experiment, lambda trial: [(0, "loss", 1.0)])) is None
