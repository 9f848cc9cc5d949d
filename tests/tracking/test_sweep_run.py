"""The run of a sweep has the tables of the report that hold theory against measurement, cell by cell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from drawn_run import write_run
from wandb_state import ENTITY

from pipeline.tracking.content import Destination
from pipeline.tracking.export import read_run
from pipeline.tracking.sweep_run import digest_of, write_sweep


@pytest.mark.usefixtures("server")
def test_tables_of_what_theory_says_are_those_of_the_report(tmp_path: Path) -> None:
    """Errors of 1 / width at six widths have a rate, excess losses a prediction, and no hidden unit was looked at."""
    folder = write_run(tmp_path / "run", widths=(2, 4, 8, 16, 32, 64))
    (folder / "report.html").write_text("<p>the report</p>")
    source = read_run(folder)
    assert set(source.beside_theory) == {"rates", "descent"}
    rates = {row["model"]: row for row in source.beside_theory["rates"].to_dicts()}
    assert rates["linear(legendre)"]["bound"] == 1.5
    assert rates["shallow(relu)"]["rate"] == pytest.approx(1, abs=1e-6)
    written = write_sweep(source, Destination(ENTITY, "p"), tmp_path / "waiting").parent
    found = [path for path in written.rglob("*.table.json") if path.name.split("_")[0] in source.beside_theory]
    there = {path.name.split("_")[0]: json.loads(path.read_text()) for path in found}
    assert there.keys() == source.beside_theory.keys()
    for name, table in source.beside_theory.items():
        assert there[name]["columns"] == table.columns
        assert there[name]["data"] == [list(row) for row in table.rows()]


def test_the_run_of_a_sweep_is_the_same_whatever_is_concluded_from_its_records(drawn: Path) -> None:
    source = read_run(drawn)
    otherwise = replace(source, results=source.results.with_columns(verdict=pl.lit("concluded by another machine")))
    assert digest_of(otherwise) == digest_of(source)
    changed = replace(source, results=source.results.with_columns(loss=pl.col("loss") * (1 + 1e-15)))
    assert digest_of(changed) != digest_of(source)
