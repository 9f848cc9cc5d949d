"""The requests say what the records of a run say, in as many parts as it is large."""

from __future__ import annotations

import json
import math

import pytest

from pipeline.tracking.export import request_bodies
from pipeline.tracking.export.request_bodies import SENDING, stream_parts, upsert_variables
from pipeline.tracking.export.run_content import DIGEST, STEP, Destination, RunContent
from pipeline.tracking.wandb_files.run_records import as_records

ROWS = [{STEP: step, "loss": math.nan if step == 1 else 1 / (1 + step)} for step in range(5)]
RUN = RunContent("id", "name", "group", "", ("tag",), {"width": 8}, ROWS, {"loss": 0.2}, exit_code=1)
RECORDS = list(as_records(RUN, Destination("lab", "p")))


def test_an_upsert_names_what_the_run_has_and_leaves_out_what_it_has_not() -> None:
    variables = upsert_variables(RECORDS, "nonce")
    config = json.loads(variables.pop("config"))
    described = {"name": "id", "project": "p", "entity": "lab", "groupName": "group", "displayName": "name"}
    assert variables == described | {"tags": ["tag"]}
    assert {name: config[name]["value"] for name in ("width", DIGEST, SENDING)} == {
        "width": 8,
        DIGEST: RUN.digest,
        SENDING: "nonce",
    }


def test_one_request_has_rows_summary_and_end() -> None:
    (part,) = stream_parts(RECORDS, 0)
    assert (part["complete"], part["exitcode"]) == (True, 1)
    rows = [json.loads(line) for line in part["files"]["wandb-history.jsonl"]["content"]]
    assert [row["_step"] for row in rows] == list(range(5))
    assert math.isnan(rows[1]["loss"])
    (summary,) = part["files"]["wandb-summary.json"]["content"]
    assert json.loads(summary)["loss"] == 0.2


@pytest.mark.parametrize("first_row", [0, 2])
def test_each_part_stands_where_the_one_before_has_ended(first_row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "MOST_BYTES", 150)
    parts = list(stream_parts(list(as_records(RUN, Destination("lab", "p"), first_row)), first_row))
    assert len(parts) > 1
    place = first_row
    for part in parts:
        history = part["files"]["wandb-history.jsonl"]
        assert history["offset"] == place
        place += len(history["content"])
    assert place == len(ROWS)
    assert ["complete" in part for part in parts] == [False] * (len(parts) - 1) + [True]


def test_without_rows_the_end_is_sent_alone() -> None:
    (part,) = stream_parts(list(as_records(RUN, Destination("lab", "p"), len(ROWS))), len(ROWS))
    assert "wandb-history.jsonl" not in part["files"]
    assert part["complete"]
