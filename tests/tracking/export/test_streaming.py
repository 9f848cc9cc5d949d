"""A run is sent in two requests, each row with its place, and what W&B answers is told in its own words."""

from __future__ import annotations

import dataclasses
import json
import re
from email.utils import formatdate

import pytest
from wandb_server import WandbServer
from wandb_state import ENTITY, KEY, OTHERS, Fault

from pipeline.tracking.export import request_bodies
from pipeline.tracking.export.request_bodies import SENDING
from pipeline.tracking.export.run_content import STEP, Destination, RunContent
from pipeline.tracking.export.streaming import (
    DoubtfulError,
    RefusedRunError,
    Streaming,
    UpsertedRun,
    message_of,
    retry_after_seconds,
)
from pipeline.tracking.retries import Clock
from pipeline.tracking.wandb_errors import TroubleError

HERE = Destination(ENTITY, "p q")
ROWS = [{STEP: step, "loss": 1 / (1 + step)} for step in range(5)]
RUN = RunContent("id", "name", "group", "job", ("tag",), {"width": 8}, ROWS, {"loss": 0.2}, frozenset({"loss"}))


@pytest.fixture
def sender(server: WandbServer, clock: Clock, said: list[str]) -> Streaming:
    return Streaming(server.url, KEY, clock, said.append)


def test_a_run_arrives_with_all_that_it_says(server: WandbServer, sender: Streaming) -> None:
    assert sender.upsert(RUN, HERE, "first") == UpsertedRun(0, new=True)
    sender.send(RUN, HERE, 0)
    stored = server.runs[(ENTITY, "p q", "id")]
    assert [{name: row[name] for name in (STEP, "_step", "loss")} for row in stored.rows] == [
        {**row, "_step": row[STEP]} for row in ROWS
    ]
    assert (stored.state, stored.summary["loss"]) == ("finished", 0.2)
    assert {name: stored.config[name]["value"] for name in ("width", SENDING)} == {"width": 8, SENDING: "first"}
    names = {name: stored.attributes[name] for name in ("displayName", "groupName", "jobType", "tags")}
    assert names == {"displayName": "name", "groupName": "group", "jobType": "job", "tags": ["tag"]}
    step, loss = stored.config["_wandb"]["value"]["m"]
    assert step == {"1": STEP, "6": [2, 3], "7": []}  # as the file of wandb 0.31.0 arrives: defined and hidden
    assert loss == {"1": "loss", "5": 1, "6": [1, 3], "7": [1, 5]}
    assert sender.upsert(RUN, HERE, "second") == UpsertedRun(5, new=False)


def test_rows_that_are_sent_again_stand_where_they_stood(server: WandbServer, sender: Streaming) -> None:
    sender.upsert(RUN, HERE, "first")
    for first_row in (0, 0, 3, 5):
        sender.send(RUN, HERE, first_row)
        assert [row[STEP] for row in server.runs[(ENTITY, "p q", "id")].rows] == list(range(5))


def test_what_is_too_large_for_one_request_goes_in_several(
    server: WandbServer, sender: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "MOST_BYTES", 150)
    sender.upsert(RUN, HERE, "first")
    sender.send(RUN, HERE, 0)
    assert server.requests.count("file_stream") > 2
    stored = server.runs[(ENTITY, "p q", "id")]
    assert ([row[STEP] for row in stored.rows], stored.state) == (list(range(5)), "finished")


def test_a_failed_run_is_failed(server: WandbServer, sender: Streaming) -> None:
    sender.upsert(RUN, HERE, "first")
    sender.send(dataclasses.replace(RUN, exit_code=1), HERE, 0)
    assert server.runs[(ENTITY, "p q", "id")].state == "failed"


def test_a_refusal_is_told_in_the_words_of_the_server(sender: Streaming) -> None:
    with pytest.raises(RefusedRunError, match=re.escape("HTTP 403: permission denied to others/p")):
        sender.upsert(RUN, Destination(OTHERS, "p"), "first")


@pytest.mark.parametrize("what", [500, "reset", "cut"])
def test_of_rows_whose_answer_does_not_come_nobody_knows_and_they_are_not_sent_again(
    server: WandbServer, sender: Streaming, what: int | str
) -> None:
    sender.upsert(RUN, HERE, "first")
    server.faults = [Fault("file_stream", what)]
    with pytest.raises(DoubtfulError, match=r"^(HTTP 500: told to say 500|no answer: )"):
        sender.send(RUN, HERE, 0)
    assert server.requests.count("file_stream") == 1


def test_a_server_that_asks_for_patience_gets_it_once_for_all(
    server: WandbServer, sender: Streaming, said: list[str]
) -> None:
    server.faults = [Fault("UpsertBucket", 429, times=1, retry_after="40")]
    before = server.now()
    sender.upsert(RUN, HERE, "first")
    assert server.now() - before >= 40
    assert said == ["W&B limits requests (HTTP 429); retrying in 40 s"]


def test_a_server_that_asks_for_an_hour_is_left_alone_and_that_is_said(server: WandbServer, sender: Streaming) -> None:
    server.faults = [Fault("UpsertBucket", 429, retry_after="3600")]
    before = server.now()
    said = "HTTP 429: told to say 429 (it allows a retry in 1 h 0 min)"
    with pytest.raises(RefusedRunError, match=re.escape(said)):
        sender.upsert(RUN, HERE, "first")
    assert server.now() - before < 60


def test_retry_after_is_a_number_or_a_date() -> None:
    assert (retry_after_seconds(None, 0.0), retry_after_seconds("", 0.0), retry_after_seconds("soon", 0.0)) == (
        None,
        None,
        None,
    )
    assert (retry_after_seconds("inf", 0.0), retry_after_seconds("nan", 0.0)) == (None, None)
    assert (retry_after_seconds("12", 0.0), retry_after_seconds("-1", 0.0)) == (12, 0)
    assert retry_after_seconds(formatdate(1000.0, usegmt=True), 940.0) == 60


@pytest.mark.parametrize(
    "answer, words",
    [
        ({"errors": [{"message": "a"}, {"message": "b"}]}, "a; b"),
        ({"error": "c"}, "c"),
        ({"error": {"message": "d"}}, "d"),
        ({"odd": 1}, '{"odd": 1}'),
        ("<p>bad\n gateway", "<p>bad gateway"),
    ],
)
def test_the_words_of_an_answer_are_found(answer: object, words: str) -> None:
    assert message_of(json.loads(json.dumps(answer))) == words


def test_a_server_that_wants_to_be_left_alone_for_an_hour_is_not_asked_by_its_client(
    server: WandbServer, sender: Streaming, said: list[str]
) -> None:
    """The client of wandb 0.31.0 waits as long as it is told to, and says nothing."""
    server.faults = [Fault("Viewer", 429, retry_after="3600")]
    words = r"W&B limits requests now: HTTP 429: told to say 429 \(it allows a retry in 1 h 0 min"
    with pytest.raises(TroubleError, match=words) as trouble:
        sender.check_rate_limit()
    assert "the same command goes on" in trouble.value.hint
    assert said == []


@pytest.mark.parametrize("fault", [None, Fault("Viewer", 429, times=2, retry_after="5"), Fault("Viewer", 500)])
def test_any_other_server_is_asked_once_it_wants_to_be(
    server: WandbServer, sender: Streaming, clock: Clock, fault: Fault | None
) -> None:
    server.faults = [fault] if fault else []
    before = clock.now()
    sender.check_rate_limit()
    assert clock.now() - before == pytest.approx(10 if fault and fault.retry_after else 0, abs=1)


def test_what_a_question_is_answered_with_instead_is_told(server: WandbServer, sender: Streaming) -> None:
    server.faults = [Fault("Runs", 403)]
    query = ("Runs", "query Runs { runs }", {"entity": ENTITY, "project": "p"})
    assert sender.refusal_of(*query) == "HTTP 403: told to say 403"
    server.faults = []
    assert sender.refusal_of(*query) == ""
