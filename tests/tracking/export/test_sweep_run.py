"""The run of a sweep arrives once, in its newest state, and only if it is of this training."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import polars as pl
import pytest
import wandb
from wandb_server import WandbServer
from wandb_state import StoredRun

from pipeline.experiment.wandb_tracking import Tracking
from pipeline.plans import read_plan
from pipeline.records.store import read_outcomes, read_records
from pipeline.tracking.export.export import ExportResult, export, read_run
from pipeline.tracking.retries import Clock
from pipeline.tracking.wandb_files.client_folders import FOLDER_VARIABLES


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
    (missing,) = (pack for pack in read_plan(run).packs if pack.id == outcome.stem)
    assert stored_sweep(server).summary["pending"] == len(missing.trials)
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


def test_a_finished_sweep_has_its_plan_and_all_its_records_as_an_artifact(
    run: Path, server: WandbServer, to_wandb: Callable[[], ExportResult]
) -> None:
    assert not to_wandb().problems
    (id_,) = [id_ for id_, there in server.artifacts.items() if any("records-" in str(name) for name in there["names"])]
    assert server.artifacts[id_]["state"] == "COMMITTED"
    (sweep,) = [stored for place, stored in server.runs.items() if place[2].endswith("-sweep")]
    assert sweep.attributes["notes"] == "Does it arrive?\n\n    python -m pipeline run arrives.yaml"
    assert sweep.attributes.get("commit", "") == read_run(run).plan_provenance["code"].partition("+")[0]
    command = json.loads(server.uploads[f"{sweep.place[2]}/wandb-metadata.json"])
    assert command == {"program": "-m pipeline", "args": ["run", "arrives.yaml"]}
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
