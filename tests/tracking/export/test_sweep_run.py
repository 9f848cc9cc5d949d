"""The run of a sweep has the tables of the report that hold theory against measurement, cell by cell."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import polars as pl
import pytest
import wandb
from drawn_run import write_run
from wandb.proto import wandb_internal_pb2 as protocol
from wandb_server import WandbServer
from wandb_state import ENTITY, StoredRun

from pipeline.experiment.wandb_tracking import Tracking
from pipeline.plan import read_plan
from pipeline.records.store import read_outcomes, read_records
from pipeline.tracking.export import sweep_content
from pipeline.tracking.export.export import ExportResult, export, read_run
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.sweep_content import sweep_digest, wait_until_complete, write_sweep
from pipeline.tracking.retries import Clock
from pipeline.tracking.wandb_errors import TroubleError
from pipeline.tracking.wandb_files.client_folders import FOLDER_VARIABLES
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


def assert_one_version_of_each_artifact(server: WandbServer) -> None:
    names = [name for artifact in server.artifacts.values() for name in artifact["names"]]
    assert names
    assert len(names) == len(set(names))


@pytest.fixture
def of_the_sweep(run: Path, server: WandbServer, said: list[str], clock: Clock) -> Callable[[], ExportResult]:
    """Export the run of the sweep alone."""
    return lambda: export(run, Tracking(runs="none"), None, said.append, clock=clock)


def stored_sweep(server: WandbServer) -> StoredRun:
    return next(stored for place, stored in server.runs.items() if "-sweep" in place[2])


def test_a_list_that_is_late_is_waited_for_and_the_sweep_is_sent_once(
    server: WandbServer, of_the_sweep: Callable[[], ExportResult]
) -> None:
    server.late_seconds = 600
    for _ in range(2):
        done = of_the_sweep()
        assert (done.verified, done.problems) == (1, {})
    assert_one_version_of_each_artifact(server)


def test_a_sweep_that_was_taken_and_is_not_listed_yet_is_not_sent_again_whoever_asks(
    run: Path, server: WandbServer, said: list[str], of_the_sweep: Callable[[], ExportResult]
) -> None:
    """As ``sync --watch`` asks, again and again; before, each of seven questions was a sending of its own."""
    server.late_seconds = 120

    def end(_: float) -> NoReturn:
        server.let_pass(15)
        raise InterruptedError

    for _ in range(5):
        with pytest.raises(InterruptedError):
            export(run, Tracking(runs="none"), None, said.append, clock=Clock(server.now, end))
    assert of_the_sweep().problems == {}
    assert_one_version_of_each_artifact(server)


def test_the_sweep_of_another_training_is_left_alone(
    run: Path, server: WandbServer, said: list[str], of_the_sweep: Callable[[], ExportResult]
) -> None:
    of_the_sweep()
    before, artifacts = dict(stored_sweep(server).summary), len(server.artifacts)
    shutil.rmtree(run / "wandb")
    for part in (run / "records").glob("**/*.parquet"):
        pl.read_parquet(part).with_columns(pl.col("value") * (1 + 1e-12)).write_parquet(part)
    done = of_the_sweep()
    ((_, problem),) = done.problems.items()
    assert problem.startswith("W&B has the sweep of another training under its id, with other results: delete it there")
    assert (stored_sweep(server).summary, len(server.artifacts)) == (before, artifacts)


def test_a_sweep_that_has_come_further_replaces_what_is_there(
    run: Path, server: WandbServer, of_the_sweep: Callable[[], ExportResult]
) -> None:
    outcome = sorted((run / "outcomes").glob("*.parquet"))[0]
    kept = outcome.read_bytes()
    outcome.unlink()
    of_the_sweep()
    assert stored_sweep(server).summary["pending"] == 4
    outcome.write_bytes(kept)
    shutil.rmtree(run / "wandb")
    assert not of_the_sweep().problems
    assert stored_sweep(server).summary["pending"] == 0


@pytest.mark.parametrize("place", [None, "/dev/null/scratch"], ids=["nothing said", "said by the user"])
def test_it_arrives_from_a_machine_where_nothing_can_be_written_but_the_run(
    server: WandbServer, of_the_sweep: Callable[[], ExportResult], place: str | None
) -> None:
    os.environ["HOME"] = "/dev/null/home"
    for name in ("WANDB_CONFIG_DIR", *FOLDER_VARIABLES):
        os.environ.pop(name, None)
    os.environ.update({} if place is None else dict.fromkeys(FOLDER_VARIABLES, place))
    wandb.teardown()  # its service starts anew, as in a process of its own
    assert of_the_sweep().problems == {}
    assert stored_sweep(server).state == "finished"


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


def test_a_finished_sweep_has_its_plan_and_all_its_records_as_an_artifact(
    run: Path, server: WandbServer, to_wandb: Callable[[], ExportResult]
) -> None:
    assert not to_wandb().problems
    (id_,) = [id_ for id_, there in server.artifacts.items() if any("records-" in str(name) for name in there["names"])]
    assert server.artifacts[id_]["state"] == "COMMITTED"
    (sweep,) = [stored for place, stored in server.runs.items() if place[2].endswith("-sweep")]
    assert sweep.attributes["notes"] == "Does it arrive?\n\n    python -m pipeline run arrives.yaml"
    assert sweep.attributes.get("commit", "") == read_run(run).plan_provenance["code"].partition("+")[0]
    assert server.uploads[f"{id_}/plan.json"] == (run / "plan.json").read_bytes()
    records = pl.read_parquet(server.uploads[f"{id_}/records.parquet"])
    order = ["trial", "step", "diagnostic"]
    assert records.sort(order).equals(read_records(run).drop("pack").sort(order))
    outcomes = pl.read_parquet(server.uploads[f"{id_}/outcomes.parquet"])
    assert outcomes.sort("trial").equals(read_outcomes(run).sort("trial"))


def test_of_a_sweep_that_is_not_finished_no_records_are_sent(
    run: Path, server: WandbServer, to_wandb: Callable[[], ExportResult]
) -> None:
    (run / "outcomes" / f"{read_plan(run).packs[-1].id}.parquet").unlink()
    assert not to_wandb().problems
    assert not [there for there in server.artifacts.values() if "records-" in str(there["names"])]
