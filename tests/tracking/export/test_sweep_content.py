"""The run of a sweep has the tables of the report that hold theory against measurement, cell by cell."""

from __future__ import annotations

import json
import math
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import polars as pl
import pytest
from drawn_run import write_run
from wandb.proto import wandb_internal_pb2 as protocol
from wandb_state import ENTITY

from pipeline.tracking.export import sweep_content
from pipeline.tracking.export.export import read_run
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.sweep_content import sweep_digest, wait_until_complete, write_sweep
from pipeline.tracking.wandb_errors import TroubleError
from pipeline.tracking.wandb_files.transaction_log import HEADER, is_complete, write_log


@pytest.mark.usefixtures("server")
def test_tables_of_what_theory_says_are_those_of_the_report(tmp_path: Path) -> None:
    """Errors of 1 / width at six widths have a rate, excess losses a prediction, and no hidden unit was looked at."""
    folder = write_run(tmp_path / "run", widths=(2, 4, 8, 16, 32, 64))
    (folder / "report.html").write_text("<p>the report</p>")
    source = read_run(folder)
    assert set(source.theory_tables) == {"rates", "descent"}
    rates = {row["model"]: row for row in source.theory_tables["rates"].to_dicts()}
    assert rates["linear(legendre)"]["bound"] == 1.5
    assert rates["shallow(relu)"]["rate"] == pytest.approx(1, abs=1e-6)
    written = write_sweep(source, Destination(ENTITY, "p"), tmp_path / "waiting").parent
    found = [path for path in written.rglob("*.table.json") if path.name.split("_")[0] in source.theory_tables]
    there = {path.name.split("_")[0]: json.loads(path.read_text()) for path in found}
    assert there.keys() == source.theory_tables.keys()
    for name, table in source.theory_tables.items():
        assert there[name]["columns"] == table.columns
        assert there[name]["data"] == [list(row) for row in table.rows()]


def test_the_run_of_a_sweep_is_the_same_whatever_is_concluded_from_its_records(drawn: Path) -> None:
    source = read_run(drawn)
    otherwise = replace(source, results=source.results.with_columns(verdict=pl.lit("concluded by another machine")))
    assert sweep_digest(otherwise) == sweep_digest(source)
    changed = replace(source, results=source.results.with_columns(loss=pl.col("loss") * (1 + 1e-15)))
    assert sweep_digest(changed) != sweep_digest(source)


@pytest.mark.usefixtures("server")
def test_its_tables_are_json_for_every_reader(run: Path) -> None:
    """Python's own takes the bare words Infinity and NaN, and no other."""
    infinite = pl.when(pl.col("diagnostic") == "condition_number").then(math.inf).otherwise("value")
    for part in (run / "records").glob("**/*.parquet"):
        pl.read_parquet(part).with_columns(infinite.alias("value")).write_parquet(part)
    written = write_sweep(read_run(run), Destination(ENTITY, "p"), run / "waiting").parent
    tables = [path.read_bytes() for path in written.rglob("*.table.json")]
    assert len(tables) == 3

    def refuse(word: str) -> NoReturn:
        raise AssertionError(word)

    cells = [cell for body in tables for row in json.loads(body, parse_constant=refuse)["data"] for cell in row]
    assert "inf" in cells


def test_a_file_that_holds_its_header_alone_is_waited_for(tmp_path: Path) -> None:
    """As wandb 0.31.0 leaves it now and then when its ``finish()`` returns."""
    file = tmp_path / "run-x.wandb"
    file.write_bytes(HEADER)
    end = protocol.Record(exit=protocol.RunExitRecord())
    later = threading.Timer(0.1, write_log, (file, [end]))
    later.start()
    wait_until_complete(tmp_path)
    assert is_complete(file)
    later.join()


def test_a_file_that_never_becomes_whole_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_content, "WRITE_TIMEOUT_SECONDS", 0.05)
    (tmp_path / "run-x.wandb").write_bytes(HEADER)
    said = "W&B's client has not written the run of the sweep to its end"
    with pytest.raises(TroubleError, match=re.escape(said)):
        wait_until_complete(tmp_path)
