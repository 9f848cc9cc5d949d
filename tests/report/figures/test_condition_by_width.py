"""A condition number is drawn as far as float64 can tell it."""

from __future__ import annotations

import json

from synthetic_run import drawn, rows_with


def test_a_condition_number_beyond_float64_is_drawn_at_its_limit(run):
    spec = drawn("condition_by_width", run.tables)
    shown = {(row["name"], row["width"]): row["value"] for row in rows_with(spec, "name", "value")}
    assert shown["linear(monomial)", 4] == 1e15
    assert shown["linear(legendre)", 4] == 1e15
    assert shown["linear(legendre)", 2] == 10.0
    assert "float64 limit" in json.dumps(spec)
