"""A run is known by its records, and summed up by its last and least values."""

from __future__ import annotations

import dataclasses
import math

from pipeline.tracking.export.run_content import STEP, RunContent, with_extremes

ROWS = [{STEP: 0, "loss": 3.0}, {STEP: 5, "loss": math.nan}, {STEP: 9, "loss": 2.0, "rank": 4.0}]
RUN = RunContent("id", "name", "group", "job", ("tag",), {"width": 8}, ROWS, {"loss": 2.0}, frozenset({"loss"}))


def test_the_summary_has_the_last_value_and_the_least_that_is_a_number() -> None:
    found = with_extremes(ROWS, frozenset({"loss", "test_error"}))
    assert found == {STEP: 9, "loss": {"last": 2.0, "min": 2.0}, "rank": 4.0}
    (only_nan,) = (with_extremes([{STEP: 1, "loss": math.nan}], frozenset({"loss"}))["loss"],)
    assert math.isnan(only_nan["last"])
    assert math.isnan(only_nan["min"])


def test_what_is_calculated_for_the_export_is_no_part_of_what_a_run_is() -> None:
    """Through LAPACK it differs in its last digits by the number of threads."""

    def predicting(value: float) -> RunContent:
        rows = [{**row, "predicted": value} for row in ROWS]
        summary = {"loss": 2.0, "predicted": value, "verdict": "agrees"}
        return dataclasses.replace(RUN, rows=rows, summary=summary, calculated=frozenset({"predicted"}))

    one, other = predicting(0.1), predicting(0.1 + 2e-17)
    assert one.rows != other.rows
    assert one.digest == other.digest == RUN.digest
    assert one.recorded_summary == other.recorded_summary == {"loss": 2.0}
