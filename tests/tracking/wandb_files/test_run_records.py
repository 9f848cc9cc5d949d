"""A run in W&B's words says what the run says."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest

from pipeline.tracking.export.run_content import DIGEST, STEP, Destination, RunContent
from pipeline.tracking.wandb_files.run_records import as_records

ROWS = [{STEP: 0, "loss": 3.0}, {STEP: 5, "loss": math.nan}, {STEP: 9, "loss": 2.0, "rank": 4.0}]
RUN = RunContent("id", "name", "group", "job", ("tag",), {"width": 8}, ROWS, {"loss": 2.0}, frozenset({"loss"}))


def values(items: Any) -> dict[str, Any]:
    return {item.key: json.loads(item.value_json) for item in items}


@pytest.mark.parametrize("first_row", [0, 1, 3])
def test_the_rows_after_those_that_are_there_are_written_each_with_its_own_step(first_row: int) -> None:
    written = [record.history for record in as_records(RUN, Destination("lab", "p"), first_row) if record.history.item]
    assert [row.step.num for row in written] == [row[STEP] for row in ROWS[first_row:]]
    for row, wanted in zip(written, ROWS[first_row:], strict=True):
        found = {name: value for name, value in values(row.item).items() if not name.startswith("_")}
        assert repr(found) == repr(wanted)  # NaN is not equal to itself


def test_each_metric_is_drawn_over_the_steps_of_training() -> None:
    metrics = {record.metric.name: record.metric for record in as_records(RUN, Destination("lab", "p"))}
    metrics.pop("", None)
    assert metrics.keys() == {STEP, "loss", "rank"}
    assert metrics["loss"].step_metric == metrics["rank"].step_metric == STEP
    assert metrics["loss"].summary.min
    assert not metrics["rank"].summary.min
    assert metrics[STEP].options.hidden


def test_the_digest_is_of_the_records_and_travels_in_the_configuration() -> None:
    same = dataclasses.replace(RUN, name="another name", summary={"loss": 2.0, "verdict": "another"})
    other = dataclasses.replace(RUN, rows=[*ROWS[:2], {STEP: 9, "loss": 2.0000000000000004, "rank": 4.0}])
    assert same.digest == RUN.digest != other.digest
    (run,) = [record.run for record in as_records(RUN, Destination("lab", "p")) if record.run.run_id]
    assert (run.entity, run.project, run.run_group, run.job_type, list(run.tags)) == (
        "lab",
        "p",
        "group",
        "job",
        ["tag"],
    )
    assert values(run.config.update) == {"width": 8, DIGEST: RUN.digest}


LONG = "of a long kind, " * 20


def test_what_is_too_long_for_wandb_is_cut_and_stands_whole_in_the_configuration() -> None:
    long = dataclasses.replace(RUN, name=f"{LONG}a", group=f"{LONG}b", job_type=f"{LONG}c", tags=("tag", f"{LONG}d"))
    (run,) = [record.run for record in as_records(long, Destination("lab", "p")) if record.run.run_id]
    assert [len(text) for text in (run.display_name, run.run_group, run.job_type, *run.tags)] == [128, 128, 64, 3, 64]
    whole = values(run.config.update)
    assert {name: whole[f"{name}_in_full"] for name in ("name", "group", "job_type", "tags")} == {
        "name": long.name,
        "group": long.group,
        "job_type": long.job_type,
        "tags": list(long.tags),
    }
    assert long.digest == RUN.digest


def test_what_is_not_cut_stands_there_once() -> None:
    (run,) = [record.run for record in as_records(RUN, Destination("lab", "p")) if record.run.run_id]
    assert not [name for name in values(run.config.update) if "in_full" in name]
