"""What should be on the server after an export, and what is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wandb_server import WandbServer
from wandb_state import StoredRun

from pipeline.records.store import read_records
from pipeline.tracking.export.run_content import STEP
from pipeline.tracking.export.trial_runs import PREDICTED

TRIALS = 16
"""Of the recorded run."""


def expected(run: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each trial, straight from the records, as text: NaN is not equal to itself."""
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for trial, step, diagnostic, value, _ in read_records(run).sort("step").iter_rows():
        rows.setdefault(trial, {}).setdefault(step, {STEP: step})[diagnostic] = repr(value)
    return {trial: list(steps.values()) for trial, steps in rows.items()}


def measured(row: dict[str, Any]) -> dict[str, Any]:
    """What was recorded, without what the export adds."""
    added = (PREDICTED, "_step", "_timestamp", "_runtime")
    return {name: value if name == STEP else repr(float(value)) for name, value in row.items() if name not in added}


def trial_runs(server: WandbServer) -> dict[str, StoredRun]:
    """The runs of trials on the server, by trial."""
    return {run.config["trial"]["value"]: run for place, run in server.runs.items() if not place[2].endswith("-sweep")}


def assert_all_there(server: WandbServer, run: Path) -> None:
    """Every trial is on the server once and whole, and the sweep beside them."""
    there = trial_runs(server)
    assert len(server.runs) == TRIALS + 1
    wanted = expected(run)
    assert there.keys() == wanted.keys()
    for trial, stored in there.items():
        assert [measured(row) for row in stored.rows] == wanted[trial]
        assert all(row["_step"] == row[STEP] for row in stored.rows)
        assert stored.state == "finished"


def noted(run: Path) -> set[str]:
    """Ids of the runs that the ledger says are there."""
    path = run / "wandb" / "ledger.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {line["run"] for line in lines if line["state"] == "verified"}


def assert_nothing_noted_that_is_not_there(server: WandbServer, run: Path) -> None:
    wanted = expected(run)
    whole = {
        stored.place[2]
        for trial, stored in trial_runs(server).items()
        if len(stored.history) == len(wanted[trial]) and stored.state == "finished"
    }
    assert {id_ for id_ in noted(run) if not id_.endswith("-sweep")} <= whole
