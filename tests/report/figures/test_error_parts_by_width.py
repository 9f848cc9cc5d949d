"""Parts of the squared error are stacked to the whole of it, without those that lower it."""

from __future__ import annotations

import pytest
from synthetic_run import drawn, rows_with

from pipeline.report.tables.error_fractions import PARTS


def test_bars_of_a_width_add_up_to_one_and_a_negative_part_has_no_height(run) -> None:
    bars = [row for row in rows_with(drawn("error_parts_by_width", run.tables), "part", "height") if row["width"] == 4]
    heights = {row["part"]: row["height"] for row in bars}
    assert heights["rounding"] == 0
    assert sum(heights.values()) == pytest.approx(1, abs=1e-5)
    assert {row["part"]: row["share"] for row in bars}["rounding"] == pytest.approx(-0.125)


def test_parts_lie_on_each_other_from_the_target_on(run) -> None:
    bars = rows_with(drawn("error_parts_by_width", run.tables), "part", "order")
    order = [part for _, part in sorted({(row["order"], row["part"]) for row in bars})]
    assert order == [part for part in PARTS if part in order]
    assert len(order) > 3
