"""Whatever happens on the way, what W&B holds in the end is what the records say, once."""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import preloaded
import pytest
import wandb
from arrivals import TRIALS, assert_all_there, expected, measured, trial_runs
from recorded_run import ROOT, sync, write_run
from wandb_log import history
from wandb_server import WandbServer
from wandb_state import ENTITY, OTHERS

from pipeline.experiment.wandb_tracking import ChosenRuns, Tracking
from pipeline.launch.job.exporting import EXIT_UNREACHABLE
from pipeline.plans import read_plan
from pipeline.records.atomic_writes import replacing
from pipeline.records.locks import EXPORT
from pipeline.records.store import DamagedFileError
from pipeline.tracking.export import consistent_read
from pipeline.tracking.export.export import ExportResult, export
from pipeline.tracking.export.run_content import STEP
from pipeline.tracking.wandb_errors import RefusedError

Export = Callable[[], ExportResult]


def test_every_exported_value_is_the_recorded_one(run: Path, server: WandbServer, to_wandb: Export) -> None:
    done = to_wandb()
    assert (done.verified, done.problems, done.offline_reason) == (TRIALS + 1, {}, "")
    assert_all_there(server, run)
    assert not server.unknown
    one = next(stored for stored in trial_runs(server).values() if stored.config["seed"]["value"] == 1)
    assert one.attributes["groupName"] == read_plan(run).folder_name
    assert one.attributes["jobType"] == one.config["model"]["value"]
    assert one.config["experiment"]["value"]["question"] == "Does it arrive?"
    assert one.summary["status"] in ("done", "diverged")
    assert one.summary["loss"].keys() == {"last", "min"}


def test_the_sweep_has_its_tables_counts_and_report(exported: Path, server: WandbServer) -> None:
    sweep = next(stored for place, stored in server.runs.items() if place[2].endswith("-sweep"))
    assert sweep.summary["trials"] == TRIALS
    assert sweep.summary["diverged"] == 4
    assert {"results", "aggregates", "verdicts", "report"} <= sweep.summary.keys()
    rows = json.loads(server.uploads[f"{sweep.place[2]}/{sweep.summary['results']['path']}"])
    assert len(rows["data"]) == TRIALS
    assert {artifact["state"] for artifact in server.artifacts.values()} == {"COMMITTED"}
    assert "planned" in sweep.config


def test_exporting_again_sends_nothing(exported: Path, server: WandbServer, to_wandb: Export) -> None:
    server.requests.clear()
    assert to_wandb().verified == TRIALS + 1
    assert {"UpsertBucket", "file_stream", "upload"}.isdisjoint(server.requests)


def test_without_its_ledger_an_export_finds_what_is_there(
    exported: Path, server: WandbServer, to_wandb: Export
) -> None:
    (exported / "wandb" / "ledger.jsonl").unlink()
    server.requests.clear()
    to_wandb()
    assert "file_stream" not in server.requests or server.requests.count("file_stream") <= 3  # of the sweep
    assert_all_there(server, exported)


def test_without_a_key_the_runs_wait_in_files(run: Path, server: WandbServer) -> None:
    del os.environ["WANDB_API_KEY"]
    done = sync(str(run))
    assert done.returncode == 0
    assert "there is no key for W&B here: wandb login, or WANDB_API_KEY" in done.stderr
    wanted = expected(run)
    files = {path: history(path) for path in (run / "wandb" / "offline-run-trials").glob("*.wandb")}
    assert len(files) == TRIALS
    assert not server.runs
    found = sorted(json.dumps([measured(row) for row in rows]) for rows in files.values())
    assert found == sorted(json.dumps(rows) for rows in wanted.values())


def test_files_that_waited_are_sent_later_and_a_damaged_one_is_told_of(
    run: Path, server: WandbServer, to_wandb: Export, said: list[str]
) -> None:
    os.environ["WANDB_MODE"] = "offline"
    assert to_wandb().waiting == TRIALS + 1
    outbox = run / "wandb" / "offline-run-trials"
    one = sorted(outbox.iterdir())[0]
    one.write_bytes(one.read_bytes()[:-20])
    del os.environ["WANDB_MODE"]
    wandb.teardown()
    done = to_wandb()
    assert not done.offline_reason
    assert [text for text in said if "damaged" in text] == [f"{one} is damaged; it is written again from the records"]
    assert_all_there(server, run)
    assert not outbox.exists()


def test_another_entity_without_access_is_refused(run: Path, server: WandbServer, said: list[str]) -> None:
    with pytest.raises(RefusedError, match=re.escape("W&B refuses the runs: HTTP 403: permission denied to others/x")):
        export(run, Tracking(entity=OTHERS, project="x"), None, said.append)


def test_only_finished_trials_are_exported_and_the_rest_when_they_are(
    run: Path, server: WandbServer, to_wandb: Export
) -> None:
    pack = read_plan(run).packs[-1]
    outcome = run / "outcomes" / f"{pack.id}.parquet"
    kept = outcome.read_bytes()
    outcome.unlink()
    done = to_wandb()
    assert (done.verified, done.finished) == (TRIALS - len(pack.trials) + 1, False)
    outcome.write_bytes(kept)
    done = to_wandb()
    assert (done.verified, done.finished) == (TRIALS + 1, True)
    assert_all_there(server, run)


@pytest.mark.parametrize("content", [b"", None], ids=["empty", "missing"])
def test_of_a_run_with_damaged_records_nothing_is_sent(
    run: Path, server: WandbServer, to_wandb: Export, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setattr(consistent_read, "PAUSE_SECONDS", 0.0)
    part = next((run / "records").glob(f"{read_plan(run).packs[0].id}-*"))
    part.unlink()
    if content is not None:
        part.write_bytes(content)
    with pytest.raises(DamagedFileError, match=re.escape(f"{part.parent}/{read_plan(run).packs[0].id}-")):
        to_wandb()
    assert "UpsertBucket" not in server.requests


def test_two_exports_do_not_work_in_one_folder(run: Path, server: WandbServer) -> None:
    from pipeline.tracking.export.export import exclusive_export

    with exclusive_export(run, print):
        done = sync(str(run))
    assert done.returncode == 2
    assert "another sync is at work in this run" in done.stderr


def test_a_job_that_only_looks_whether_it_may_export_keeps_nobody_from_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lets go while the other one waits."""
    from pipeline.tracking.export.export import exclusive_export

    (run / "wandb").mkdir()
    with (run / EXPORT).open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waits = SimpleNamespace(sleep=lambda _: fcntl.flock(held, fcntl.LOCK_UN))
        monkeypatch.setattr("pipeline.tracking.export.export.time", waits)
        with exclusive_export(run, print) as folder:
            assert folder == run / "wandb"


@pytest.mark.parametrize("number", [errno.ENOSYS, 524])
def test_where_there_are_no_locks_an_export_says_so_and_goes_on(
    run: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    from pipeline.tracking.export.export import exclusive_export

    def refused(file: object, operation: int) -> None:
        raise OSError(number, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refused)
    told: list[str] = []
    with exclusive_export(run, told.append):
        pass
    assert told == [f"the file system of {run / 'wandb'} has no locks: start nothing twice in this run"]


def test_what_a_job_exports_it_sends_or_leaves_alone(run: Path, server: WandbServer) -> None:
    from pipeline.tracking.export.export import exclusive_export

    with exclusive_export(run, print):
        busy = sync(str(run), "--online")
    assert (busy.returncode, "another sync is at work in this run" in busy.stderr) == (0, True)
    server.keys.clear()
    refused = sync(str(run), "--online")
    assert (refused.returncode, "the key is refused" in refused.stderr) == (EXIT_UNREACHABLE, True)
    del os.environ["WANDB_API_KEY"]
    closed = sync(str(run), "--online")
    assert (closed.returncode, "there is no key for W&B here" in closed.stderr) == (EXIT_UNREACHABLE, True)
    assert [path.name for path in (run / "wandb").iterdir()] == ["lock"]
    assert not server.runs


def test_a_chosen_few_are_exported(run: Path, server: WandbServer, said: list[str]) -> None:
    done = export(run, Tracking(runs=ChosenRuns(best=1, diverged=1, random=0)), None, said.append)
    assert done.verified == 3 + 1
    statuses = sorted(stored.summary["status"] for stored in trial_runs(server).values())
    assert statuses == ["diverged", "done", "done"]


def test_entity_and_project_come_from_set_then_the_environment(run: Path, server: WandbServer) -> None:
    os.environ["WANDB_PROJECT"] = "mine"
    assert sync(str(run), "--set", "tracking.runs=none").returncode == 0
    assert {place[:2] for place in server.runs} == {(ENTITY, "mine")}
    assert sync(str(run), "--set", "tracking.runs=none", "--set", "tracking.project=other").returncode == 0
    assert {place[:2] for place in server.runs} == {(ENTITY, "mine"), (ENTITY, "other")}


def test_what_is_not_about_tracking_cannot_be_set(run: Path) -> None:
    done = sync(str(run), "--set", "steps=5")
    assert done.returncode == 2
    assert "'steps' is not about tracking" in done.stderr


def test_a_run_is_the_same_whoever_exports_it(tmp_path: Path, server: WandbServer) -> None:
    os.environ["WANDB_MODE"] = "offline"
    files = []
    for name in ("here", "there"):
        write_run(tmp_path / name)
        (tmp_path / name / "report.html").write_text("")
        export(tmp_path / name, Tracking(runs="all"), None, print)
        files.append(sorted(path.name for path in (tmp_path / name / "wandb" / "offline-run-trials").iterdir()))
    assert files[0] == files[1]
    assert len(files[0]) == TRIALS


def test_nan_and_infinity_arrive(exported: Path, server: WandbServer) -> None:
    for stored in trial_runs(server).values():
        by_step = {row[STEP]: row["loss"] for row in stored.rows}
        assert math.isnan(by_step[100])
        assert (by_step[150], by_step[200]) == (math.inf, -math.inf)


def test_watching_ends_with_the_run(run: Path, server: WandbServer) -> None:
    pack = read_plan(run).packs[-1]
    outcome = run / "outcomes" / f"{pack.id}.parquet"
    kept = outcome.read_bytes()
    outcome.unlink()
    watching = preloaded.begin("sync", str(run), "--watch", "0.2", cwd=ROOT)
    first = watching.line() + watching.line()
    with replacing(outcome) as part:
        part.write_bytes(kept)
    _, said = watching.communicate()
    assert f"{TRIALS - len(pack.trials) + 1} runs are on W&B" in first
    assert watching.returncode == 0
    assert f"{TRIALS + 1} runs are on W&B" in said
    assert_all_there(server, run)


def test_watching_goes_on_while_wandb_is_out_of_reach_and_ends_when_it_is_not(run: Path, server: WandbServer) -> None:
    server.stop()
    try:
        watching = preloaded.begin("sync", str(run), "--watch", "0.1", "--set", "tracking.runs=none", cwd=ROOT)
        first = [watching.line() for _ in range(4)]
    finally:
        server.start()
    _, said = watching.communicate()
    assert len([line for line in first if "nothing was sent" in line]) == 2
    assert (watching.returncode, "on W&B (" in said) == (0, True)
