"""Each learning rate has one name and one colour, and steps begin at 0."""

from __future__ import annotations

import polars as pl

from pipeline.report.figures.charts import ramp
from pipeline.report.figures.curves import rate_colour, step_axis, up_to_the_frame


def test_learning_rates_are_named_by_three_digits_and_coloured_in_their_order(run) -> None:
    column, colour = rate_colour(run.tables, [4.0, 0.12345, 4.0])
    names = pl.DataFrame({"rate_axis": [4.0, 0.12345]}).select(column)["rate"].to_list()
    assert names == ["4", "0.123"]
    scale = colour.to_dict()["scale"]
    assert scale == {"domain": ["0.123", "4"], "range": ramp(2)}


def test_no_learning_rate_has_a_legend_of_nothing(run) -> None:
    _, colour = rate_colour(run.tables, [])
    assert colour.to_dict()["scale"]["domain"] == []


def test_steps_have_a_tick_at_zero_and_are_logarithmic_beyond_one(run) -> None:
    axis = step_axis(run.tables).to_dict()
    assert axis["axis"]["values"][0] == 0
    assert max(axis["axis"]["values"]) <= run.plan.experiment.num_steps
    frame = [0, run.plan.experiment.num_steps]
    assert axis["scale"] == {"type": "symlog", "constant": 1, "domain": frame, "nice": False}


def test_of_a_line_beyond_its_frame_the_part_up_to_the_frame_is_left() -> None:
    heights = {"grows": [1.0, 10.0, 1e3, 1e200, 1e300], "returns": [1e9, 1e3, 50.0, 1e4, 1e5], "away": [1e9, 1e9, 1e9]}
    rows = [(name, step, height) for name, curve in heights.items() for step, height in enumerate(curve)]
    curves = pl.DataFrame(rows, schema=["rate", "step", "loss"], orient="row")
    left = up_to_the_frame(curves, "loss", "rate", 0.1, 100.0)
    assert left["rate", "step"].rows() == [
        *(("grows", step) for step in (0, 1, 2)),
        *(("returns", step) for step in (1, 2, 3)),
    ]
