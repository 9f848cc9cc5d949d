"""A server that fails, throttles, loses or has something else is never said to have what it has not."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from arrivals import TRIALS, assert_all_there, assert_nothing_noted_that_is_not_there, expected, measured, trial_runs
from recorded_run import EXPERIMENT, write_run
from wandb_server import WandbServer
from wandb_state import ENTITY, Fault

from pipeline.models.bases.random import RandomFourier
from pipeline.models.greedy import Greedy
from pipeline.tracking.dashboard.run_filters import runs_of
from pipeline.tracking.export.connection import Connection
from pipeline.tracking.export.delivery import Delivery
from pipeline.tracking.export.destination import DEFAULT_PROJECT
from pipeline.tracking.export.export import ExportResult, export, read_run, send_trials
from pipeline.tracking.export.export_context import ExportContext
from pipeline.tracking.export.ledger import Ledger
from pipeline.tracking.export.name_lengths import shortened
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.retries import Clock
from pipeline.tracking.wandb_errors import RefusedError, TroubleError
from pipeline.tracking.wandb_files.client_folders import client_folder

Export = Callable[[], ExportResult]

OfTrials = Callable[[Clock], ExportContext]

LONG_NAMED = Greedy(RandomFourier(scale=0.0625, seed=1), size=256, rule="inner_product")
"""A model whose label is longer than a type of job may be."""

FAULTS: list[tuple[str, tuple[int | str, ...]]] = [
    ("UpsertBucket", (401, 403)),
    ("UpsertBucket", (429, 500)),
    ("file_stream", (400, 409)),
    ("file_stream", (429, 500)),
    ("file_stream", ("reset", "cut")),
    ("file_stream", ("lose",)),
    ("Runs", (400, 403, 500)),
    ("CreateArtifact", (500,)),
    ("upload", (403,)),
    ("any", ("reset",)),
]
"""Each costs a try or three of the real client, some seconds."""


def complaints(to_wandb: Export) -> str:
    """What an export that goes wrong says."""
    try:
        return " ".join(to_wandb().problems.values())
    except (TroubleError, RefusedError) as error:
        return str(error)


@pytest.mark.parametrize(("where", "ways"), FAULTS, ids=[f"{where}-{ways[0]}" for where, ways in FAULTS])
def test_a_server_that_fails_is_never_said_to_have_it_all_and_has_it_once_it_is_well(
    run: Path, server: WandbServer, to_wandb: Export, where: str, ways: tuple[int | str, ...]
) -> None:
    for what in ways:
        server.faults = [Fault(where, what)]
        assert complaints(to_wandb), f"{where} {what}"
        assert_nothing_noted_that_is_not_there(server, run)
    server.faults = []
    assert not to_wandb().problems
    assert_all_there(server, run)


@pytest.mark.parametrize("what", [429, "reset"])
def test_a_short_trouble_is_lived_through(run: Path, server: WandbServer, to_wandb: Export, what: int | str) -> None:
    server.faults = [Fault("file_stream", what, times=6)]
    assert not to_wandb().problems
    assert_all_there(server, run)


LATE = [
    {"late_seconds": 60},
    {"late_seconds": 600, "direct_late_seconds": 600},
    {"late_seconds": 20, "count_late_seconds": 50, "appends": True},
    {"count_late_seconds": 50, "appends": True},
]
"""Servers whose lists are late; some put rows after those that are there, whatever place they are sent with."""


def make_late(server: WandbServer, lateness: dict[str, float]) -> None:
    for name, value in lateness.items():
        setattr(server, name, value)


def rows_sent(server: WandbServer) -> int:
    """Rows of trials that were sent, those sent again included."""
    files = [content.get("files", {}) for where, content in server.bodies if where == "file_stream"]
    return sum(len(said["wandb-history.jsonl"]["content"]) for said in files if "wandb-history.jsonl" in said)


class KilledError(Exception):
    """What stands for a kill: nothing is done after it."""


def killed_while_waiting(server: WandbServer, waits: int) -> Clock:
    """A clock that ends the export at one of its waits."""
    left = iter(range(waits))

    def sleep(seconds: float) -> None:
        if next(left, None) is None:
            raise KilledError
        server.let_pass(seconds)

    return Clock(server.now, sleep)


@pytest.fixture
def of_trials(run: Path, server: WandbServer, said: list[str]) -> Iterator[Callable[[Clock], ExportContext]]:
    """Send the runs of trials alone, by a new connection."""
    with client_folder(run / "wandb") as scratch:
        connection = Connection(scratch)

        def sent(clock: Clock) -> ExportContext:
            source = read_run(run)
            ledger = Ledger(run / "wandb", "here", clock.now)
            streaming = connection.streaming(server.url, clock, said.append)
            to = Destination(ENTITY, DEFAULT_PROJECT)
            context = ExportContext(connection, to, ledger, run / "wandb" / "none", said.append, clock)
            delivery = Delivery(context, streaming)
            send_trials(source, list(source.plan.trials), delivery)
            return context

        yield sent


def assert_sent_once(server: WandbServer, run: Path) -> None:
    """Every row is on the server once, and was sent once."""
    server.late_seconds = server.direct_late_seconds = server.count_late_seconds = 0.0
    wanted = expected(run)
    there = {trial: [measured(row) for row in stored.rows] for trial, stored in trial_runs(server).items()}
    assert there == wanted
    assert {stored.state for stored in server.runs.values()} == {"finished"}
    assert rows_sent(server) == sum(len(rows) for rows in wanted.values())


@pytest.mark.parametrize("lateness", LATE, ids=str)
def test_a_list_that_is_late_is_waited_for_and_every_row_is_sent_once(
    run: Path, server: WandbServer, of_trials: OfTrials, said: list[str], clock: Clock, lateness: dict[str, float]
) -> None:
    make_late(server, lateness)
    problems = of_trials(clock).problems
    if "count_late_seconds" not in lateness:
        assert not problems
        assert [text for text in said if "does not list yet" in text]
    assert_sent_once(server, run)


@pytest.mark.parametrize("waits", [0, 2])
@pytest.mark.parametrize("lateness", LATE[1:3], ids=str)
def test_killed_and_typed_again_under_a_late_list_sends_nothing_twice(
    run: Path, server: WandbServer, of_trials: OfTrials, clock: Clock, lateness: dict[str, float], waits: int
) -> None:
    make_late(server, lateness)
    with pytest.raises(KilledError):
        of_trials(killed_while_waiting(server, waits))
    assert not of_trials(clock).problems
    assert_sent_once(server, run)


@pytest.mark.parametrize("lateness", [{"late_seconds": 60}, {"late_seconds": 60, "appends": True}], ids=str)
def test_rows_whose_answer_is_lost_are_not_sent_again_once_they_are_there(
    run: Path, server: WandbServer, of_trials: OfTrials, clock: Clock, lateness: dict[str, float]
) -> None:
    make_late(server, lateness)
    server.faults = [Fault("file_stream", "cut", times=5)]
    assert not of_trials(clock).problems
    assert_sent_once(server, run)


def test_a_list_that_is_later_than_anybody_waits_ends_with_what_to_do_and_nothing_twice(
    run: Path, server: WandbServer, of_trials: OfTrials, clock: Clock
) -> None:
    server.late_seconds = 4000
    problems = of_trials(clock).problems
    assert len(problems) == TRIALS
    assert all("the same command asks again, and sends nothing twice" in text for text in problems.values())
    server.let_pass(4000)
    assert not of_trials(clock).problems
    assert_sent_once(server, run)


def test_an_account_of_few_requests_a_minute_gets_all_of_it_in_its_time(
    run: Path, server: WandbServer, to_wandb: Export, said: list[str]
) -> None:
    os.environ["WANDB__GRAPHQL_RETRY_WAIT_MAX_SECONDS"] = "15"
    server.most_a_minute = 30
    before = server.now()
    assert not to_wandb().problems
    assert_all_there(server, run)
    assert 60 < server.now() - before < 400
    assert [text for text in said if text.startswith("W&B limits requests (HTTP 429); retrying in")]


def test_rows_that_nobody_has_sent_are_told_of(exported: Path, server: WandbServer, to_wandb: Export) -> None:
    place, stored = next(iter((stored.place, stored) for stored in trial_runs(server).values()))
    rows = len(stored.history)
    stored.history += stored.history
    done = to_wandb()
    said = f"W&B has {2 * rows} rows of it, and {rows} were sent: delete it there, and the same command sends it again"
    assert done.problems == {place[2]: said}
    assert done.verified == TRIALS


def test_a_run_takes_two_requests(exported: Path, server: WandbServer) -> None:
    of_the_sweep = {"CreateRunFiles", "upload", "page", "Viewer", "GetDefaultEntity", "ServerFeaturesQuery"}
    made = [name for name in server.requests if "Artifact" not in name and name not in of_the_sweep]
    assert made.count("UpsertBucket") == TRIALS + 2
    assert made.count("file_stream") <= TRIALS + 3
    assert made.count("Runs") <= 5
    assert len(made) == sum(made.count(name) for name in ("UpsertBucket", "file_stream", "Runs"))


@pytest.mark.parametrize("rows_there", [1, 7])
def test_of_an_interrupted_run_the_rest_is_sent(
    exported: Path, server: WandbServer, to_wandb: Export, rows_there: int
) -> None:
    before, missing = rows_sent(server), 0
    for stored in trial_runs(server).values():
        missing += len(stored.history[rows_there:])
        del stored.history[rows_there:]
        stored.summary, stored.state = {}, "running"
    (exported / "wandb" / "ledger.jsonl").unlink()
    to_wandb()
    assert_all_there(server, exported)
    assert rows_sent(server) - before == missing


@pytest.mark.parametrize("ledger", ["kept", "lost"])
def test_a_run_that_was_deleted_comes_under_another_id(
    exported: Path, server: WandbServer, to_wandb: Export, said: list[str], ledger: str
) -> None:
    place = next(place for place in server.runs if not place[2].endswith("-sweep"))
    server.delete(place)
    if ledger == "lost":
        (exported / "wandb" / "ledger.jsonl").unlink()
    assert not to_wandb().problems
    assert (*place[:2], f"{place[2]}-g2") in server.runs
    assert f"run {place[2]} was deleted on W&B; it goes there under another id" in said
    assert_all_there(server, exported)


def test_a_project_that_was_deleted_is_asked_for_and_made_again(
    exported: Path, server: WandbServer, to_wandb: Export, said: list[str]
) -> None:
    server.delete_project(ENTITY, DEFAULT_PROJECT)
    done = to_wandb()
    assert (done.verified, done.problems) == (TRIALS + 1, {})
    assert len([text for text in said if "was deleted on W&B" in text]) == TRIALS + 1
    assert {place[2][-3:] for place in server.runs} == {"-g2"}


def test_another_result_under_the_same_id_is_left_alone(exported: Path, server: WandbServer, to_wandb: Export) -> None:
    (exported / "wandb" / "ledger.jsonl").unlink()
    place, stored = next((place, stored) for place, stored in server.runs.items() if not place[2].endswith("-sweep"))
    stored.config["content_digest"]["value"] = "another"
    before = list(stored.history)
    done = to_wandb()
    assert list(done.problems) == [place[2]]
    assert "W&B has another result under its id" in done.problems[place[2]]
    assert stored.history == before
    assert done.verified == TRIALS


@pytest.mark.parametrize("status", [400, 403])
def test_one_run_that_is_refused_keeps_neither_the_others_nor_that_of_the_sweep(
    exported: Path, server: WandbServer, to_wandb: Export, status: int
) -> None:
    """It is the only one of the last batch."""
    place = next(place for place in server.runs if not place[2].endswith("-sweep"))
    sweep = next(place for place in server.runs if place[2].endswith("-sweep"))
    del server.runs[place], server.runs[sweep]
    (exported / "wandb" / "ledger.jsonl").unlink()
    server.refused[place[2]] = (status, "64 limit exceeded for JobType")
    done = to_wandb()
    assert done.problems == {place[2]: f"HTTP {status}: 64 limit exceeded for JobType"}
    assert done.verified == TRIALS
    assert sweep in server.runs


def test_long_names_arrive_and_the_dashboard_finds_them(tmp_path: Path, server: WandbServer, said: list[str]) -> None:
    """The longest names of models and tables are beyond every limit of the server."""
    folder = tmp_path / "long"
    plan = write_run(folder, name="n" * 180, experiment=dataclasses.replace(EXPERIMENT, models=(LONG_NAMED,), seeds=1))
    (folder / "report.html").write_text("<p>the report</p>")
    done = export(folder, None, None, said.append)
    assert (done.problems, done.verified) == ({}, len(plan.trials) + 1)
    groups = {stored.attributes["groupName"] for stored in server.runs.values()}
    (wanted,) = runs_of(plan.folder_name)["filters"]
    assert groups == {wanted["value"]}
    types = {stored.attributes["jobType"] for stored in trial_runs(server).values()}
    assert types == {shortened(LONG_NAMED.label(), 64)} != {LONG_NAMED.label()}
    assert {stored.config["model"]["value"] for stored in trial_runs(server).values()} == {LONG_NAMED.label()}


def test_no_key_is_in_any_file_of_the_run(run: Path, server: WandbServer, to_wandb: Export) -> None:
    server.faults = [Fault("file_stream", 500)]
    with pytest.raises(TroubleError, match=re.escape("told to say 500")):
        to_wandb()
    key = os.environ["WANDB_API_KEY"].encode()
    assert all(key not in path.read_bytes() for path in run.rglob("*") if path.is_file())
