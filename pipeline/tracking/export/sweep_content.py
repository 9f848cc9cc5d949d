"""The content of the run of a sweep on W&B: tables, aggregates over seeds, verdicts, report, provenance."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.definitions import canonical
from pipeline.records.store import scan_records
from pipeline.report.tables.printing import json_number
from pipeline.report.tables.summary import best_of_each_model, summary
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS, decided
from pipeline.tracking.dashboard.custom_charts import MOST_ROWS, custom_charts
from pipeline.tracking.dashboard.local_report import local_report
from pipeline.tracking.export.name_lengths import LONGEST_NAME, shortened
from pipeline.tracking.export.request_bodies import SENDING
from pipeline.tracking.export.run_content import DIGEST, Destination
from pipeline.tracking.export.trial_runs import RecordedRun, commit_of, notes_of
from pipeline.tracking.wandb_errors import TroubleError
from pipeline.tracking.wandb_files.client_folders import REMOVED_VARIABLES, client_environment
from pipeline.tracking.wandb_files.transaction_log import is_complete

UNDECIDED = "undecided"
"""Trials of which theory says neither."""
VERDICT = "verdict_"
"""Prefix of the numbers of trials by verdict."""
VERSION = 9
"""Version of the content; a new one is sent to sweeps that W&B has already."""
RECORDS = "records"
"""Key of the digests of some trials' records in the configuration of a sweep."""
NUM_IDENTIFYING_TRIALS = 32
"""Trials by whose records the sweep is identified."""
WRITE_TIMEOUT_SECONDS = 60.0


def sweep_id(source: RecordedRun) -> str:
    """The id of the run of a sweep."""
    return f"{source.prefix}-sweep"


def sweep_digest(source: RecordedRun) -> str:
    """SHA-256 of the records that the run of the sweep is made of, not of what is calculated from them."""
    said = json.dumps([VERSION, record_digests(source, source.results["trial"].to_list())], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def record_digests(source: RecordedRun, trials: Sequence[str]) -> dict[str, str]:
    """Digests of some trials: of status, last step and last recorded values of each that is done or diverged.

    Args:
        source: The recorded run.
        trials: Their ids.

    Returns:
        Eight hexadecimal digits, by the first 16 digits of the trial's id.
    """
    columns = source.results.columns
    names = ["status", "step", *columns[columns.index("verdict") + 1 :]]
    wanted = pl.col("trial").is_in(trials) & pl.col("status").is_in(["done", "diverged"])
    rows = source.results.filter(wanted).select("trial", *names)
    return {
        trial[:16]: hashlib.sha256(json.dumps(dict(zip(names, said, strict=True))).encode()).hexdigest()[:8]
        for trial, *said in rows.iter_rows()
    }


def write_sweep(source: RecordedRun, destination: Destination, folder: Path, name: str = "", sending: str = "") -> Path:
    """Write the run of the sweep as W&B's client does when it is offline.

    Args:
        source: The recorded run.
        destination: Entity and project.
        folder: Gets ``offline-run-sweep``, in place of one that is there.
        name: The id of the run on W&B; by default the first that it has.
        sending: The nonce of the sending.

    Returns:
        The transaction log, for ``wandb sync``.

    Raises:
        TroubleError: If W&B's client does not write it to its end.
    """
    import wandb

    place = folder / "offline-run-sweep"
    for old in (place, folder / "staging"):
        shutil.rmtree(old, ignore_errors=True)
    with _client_folder(folder / "staging"):
        run = wandb.init(
            entity=destination.entity or None,
            project=destination.project,
            id=name or sweep_id(source),
            name=shortened(f"{source.plan.name} (sweep)", LONGEST_NAME),
            group=shortened(source.group, LONGEST_NAME),
            job_type="sweep",
            notes=notes_of(source),
            config=sweep_config(source, sending),
            dir=str(folder / "staging"),
            reinit="create_new",
            settings=_offline(source),
        )
        try:
            page = _page(source)
            run.summary.update({**_tables(source), **counts(source), **_answer(source), "report": page})
            run.summary[DIGEST] = sweep_digest(source)
            if bool((source.results["status"] != "pending").all()):
                run.log_artifact(_records(source, folder / "staging"))
            _save_metadata(source, run)
            written = Path(run.dir).parent
        finally:
            run.finish()
    wait_until_complete(written)
    shutil.move(written, place)
    for leftover in ("logs", "tmp"):
        shutil.rmtree(place / leftover, ignore_errors=True)
    return next(place.glob("run-*.wandb"))


def _offline(source: RecordedRun) -> Any:
    """Settings of W&B's client: a file, and nothing of this machine in it."""
    import wandb

    return wandb.Settings(
        mode="offline",
        console="off",
        silent=True,
        disable_git=True,
        disable_code=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        git_commit=commit_of(source, next(reversed(provenance(source)["trained"]["code"]), "")) or None,
    )


def _save_metadata(source: RecordedRun, run: Any) -> None:
    """Save ``wandb-metadata.json``, from which W&B has the *Command* of a run, as the client writes it.

    That of wandb 0.31.0, switched off here, would have the command that exports, and this machine.
    """
    module, *arguments = shlex.split(source.command.removeprefix("python -m "))
    path = Path(run.dir) / "wandb-metadata.json"
    path.write_text(json.dumps({"program": f"-m {module}", "args": arguments}))
    run.save(str(path), base_path=run.dir, policy="end")


def wait_until_complete(written: Path) -> None:
    """Wait until the client's service has written a run to its end.

    When ``finish()`` of wandb 0.31.0 returns, its file may hold seven bytes, for some milliseconds.

    Raises:
        TroubleError: If it is not whole in the end.
    """
    until = time.monotonic() + WRITE_TIMEOUT_SECONDS
    while not any(is_complete(file) for file in written.glob("run-*.wandb")):
        if time.monotonic() > until:
            what = "W&B's client has not written the run of the sweep to its end"
            raise TroubleError(what, where=str(written), hint="is the disk full?")
        time.sleep(0.01)


def sweep_config(source: RecordedRun, sending: str) -> dict[str, Any]:
    """The configuration of a sweep's run: experiment, command, provenance, and digests that identify it.

    Args:
        source: The recorded run.
        sending: The nonce of the sending.

    Returns:
        By key.
    """
    ours = {RECORDS: record_digests(source, identifying_trials(source)), SENDING: sending}
    return {"experiment": canonical(source.plan.experiment), "command": source.command, **provenance(source), **ours}


def identifying_trials(source: RecordedRun) -> list[str]:
    """The trials by whose records a sweep is identified: the first ids, whichever of them are finished."""
    return sorted(source.plan.trials)[:NUM_IDENTIFYING_TRIALS]


@contextmanager
def _client_folder(staging: Path) -> Iterator[None]:
    """Within it W&B's client keeps its files in a staging folder, and sees no run of the user's environment."""
    staging.mkdir(parents=True)
    before = dict(os.environ)
    os.environ.update(client_environment(staging))
    for name in REMOVED_VARIABLES:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tables(source: RecordedRun) -> dict[str, Any]:
    """Tables of results, of aggregates over seeds, of verdicts, of theory, and those of the custom charts.

    The charts are those of the local report, which must be up to date.

    Returns:
        Tables of W&B, by key of the summary.
    """
    tables = {
        "results": source.results.head(MOST_ROWS),
        "aggregates": summary(source.results),
        "verdicts": best_of_each_model(source.results),
        **{name: table.head(MOST_ROWS) for name, table in source.theory_tables.items()},
    }
    return {
        **{name: _table(table.columns, table.rows()) for name, table in tables.items()},
        **{chart.table: _table(chart.columns, chart.rows) for chart in custom_charts(source.folder)},
    }


def _answer(source: RecordedRun) -> dict[str, str]:
    """The answer of the report in words, and the verdict on the question."""
    return {"answer": source.answer.text, "answer_verdict": f"{source.answer.about}: {source.answer.verdict}"}


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    import wandb

    spelled = [[_in_json(value) for value in row] for row in rows]
    return wandb.Table(columns=list(columns), data=spelled, allow_mixed_types=True)


def _in_json(value: Any) -> Any:
    """A value of JSON; infinity and NaN, which the client would write as bare words, are strings."""
    return json_number(value) if isinstance(value, float) else value


def _records(source: RecordedRun, staging: Path) -> Any:
    """An artifact of plan, records and outcomes, from which everything can be made again."""
    import wandb

    artifact = wandb.Artifact(f"records-{sweep_id(source)}", "records", description=source.plan.experiment.question)
    artifact.add_file(str(source.folder / "plan.json"), policy="immutable")  # read where it is, and not copied
    tables = {"records": scan_records(source.folder).drop("pack"), "outcomes": source.outcomes.lazy()}
    for name, table in tables.items():
        path = staging.resolve() / f"{name}.parquet"
        table.sort("trial", maintain_order=True).sink_parquet(path)
        artifact.add_file(str(path), policy="immutable")
    return artifact


def _page(source: RecordedRun) -> Any:
    """The local report as HTML; written again if trials have finished since."""
    import wandb

    return wandb.Html(local_report(source.folder).read_text(encoding="utf-8"), inject=False)


def counts(source: RecordedRun) -> dict[str, Any]:
    """Numbers of trials by status and by verdict, and the training time in seconds."""
    by_status = dict(source.results["status"].value_counts().iter_rows())
    verdict = pl.when(decided(pl.col("verdict"))).then("verdict").otherwise(pl.lit(UNDECIDED))
    by_verdict = dict(source.results.select(verdict.alias("verdict"))["verdict"].value_counts().iter_rows())
    return {
        "trials": source.results.height,
        **{status: by_status.get(status, 0) for status in ("done", "diverged", "failed", "pending")},
        **{verdict_key(word): by_verdict.get(word, 0) for word in (AGREES, CONTRADICTS, UNDECIDED)},
        "training_seconds": float(source.outcomes["seconds"].sum()),
    }


def verdict_key(word: str) -> str:
    """Key of the number of trials with a verdict: W&B sorts and filters by letters, digits and underscores only."""
    return f"{VERDICT}{word.replace(' ', '_')}"


def provenance(source: RecordedRun) -> dict[str, Any]:
    """Provenance: of the plan, and the versions, code, hosts, devices and engines that trained it."""
    columns = ("version", "code", "host", "device", "engine")
    trained = {name: sorted(source.outcomes[name].drop_nulls().unique().to_list()) for name in columns}
    return {"planned": source.plan_provenance, "trained": trained, "plan": source.group}
