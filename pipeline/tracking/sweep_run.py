"""The run of a whole sweep on W&B: tables, aggregates over seeds, verdicts, the report, and where it all comes from.

It has no history: everything is in its summary, which is replaced as a whole whenever the sweep
has come further, so that sending it twice does no harm.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.definitions import canonical
from pipeline.report.tables import best_of_each_model, summary
from pipeline.report.verdicts import AGREES, CANNOT_SAY, CONTRADICTS
from pipeline.tracking.content import DIGEST, Destination
from pipeline.tracking.custom_charts import MOST_ROWS, custom_charts
from pipeline.tracking.ledger import Entry, run_id
from pipeline.tracking.limits import LONGEST_NAME, within
from pipeline.tracking.local_report import local_report
from pipeline.tracking.network import TroubleError
from pipeline.tracking.remote import FINISHED, NOT_OURS, environment
from pipeline.tracking.trial_runs import Exportable

if TYPE_CHECKING:
    from pipeline.tracking.delivery import Delivery

VERDICT = "verdict_"
"""How the numbers of trials by verdict begin."""
VERSION = 5
"""One more whenever the run of a sweep says more, so that it is sent again."""


def sweep_id(source: Exportable) -> str:
    """The id of the run of a sweep."""
    return f"{source.prefix}-sweep"


def deliver_sweep(source: Exportable, delivery: Delivery, folder: Path) -> int:
    """Bring the run of the sweep to W&B, unless what is there says the same; 1 if it is there.

    Raises:
        TroubleError: If the server does not answer as it should.
    """
    id_, digest = sweep_id(source), digest_of(source)
    ledger, destination = delivery.ledger, delivery.destination
    known = ledger.verified(id_)
    if known is not None and known.digest == digest:
        return 1
    for _ in range(2):
        generation = ledger.generation(id_)
        name = run_id(id_, generation)
        file = write_sweep(source, destination, folder, name)
        said = delivery.remote.send([file]).get(file, "")
        if "deleted" in said:
            delivery.say(f"run {name} was deleted on W&B; it goes there under another id")
            ledger.add(Entry(id_, ledger.destination, "deleted", generation))
            continue
        held = delivery.remote.held(destination, [name]).get(name)
        arrived = held is not None and held.state in FINISHED and held.summary.get(DIGEST) == digest
        if said or not arrived:
            what = said or "W&B took it without a complaint and does not have it whole"
            delivery.problems[id_] = what
            return 0
        ledger.add(Entry(id_, ledger.destination, "verified", generation, 0, digest))
        for left in ("offline-run-sweep", "staging"):
            shutil.rmtree(folder / left, ignore_errors=True)
        return 1
    raise TroubleError("the run of the sweep is deleted whenever it is sent", where=destination.label())


def digest_of(source: Exportable) -> str:
    """Hash of the records that the run of the sweep is made of, not of what is calculated from them."""
    said = json.dumps([VERSION, records_of(source, source.results["trial"].to_list())], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def records_of(source: Exportable, trials: Sequence[str]) -> dict[str, str]:
    """A short hash of how each of some trials has ended and what was recorded last of it, by trial."""
    columns = source.results.columns
    names = ["status", "step", *columns[columns.index("verdict") + 1 :]]
    rows = source.results.filter(pl.col("trial").is_in(trials)).select("trial", *names)
    return {
        trial: hashlib.sha256(json.dumps(dict(zip(names, said, strict=True))).encode()).hexdigest()[:8]
        for trial, *said in rows.iter_rows()
    }


def write_sweep(source: Exportable, destination: Destination, folder: Path, name: str = "") -> Path:
    """Write the run of the sweep where it waits to be sent; the file for ``wandb sync``."""
    import wandb

    place = folder / "offline-run-sweep"
    for old in (place, folder / "staging"):
        shutil.rmtree(old, ignore_errors=True)
    with _client_at(folder / "staging"):
        settings = wandb.Settings(
            mode="offline",
            console="off",
            silent=True,
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
        )
        run = wandb.init(
            entity=destination.entity or None,
            project=destination.project,
            id=name or sweep_id(source),
            name=within(f"{source.plan.name} (sweep)", LONGEST_NAME),
            group=within(source.group, LONGEST_NAME),
            job_type="sweep",
            notes=source.plan.experiment.question,
            config={"experiment": canonical(source.plan.experiment), **provenance(source)},
            dir=str(folder / "staging"),
            reinit="create_new",
            settings=settings,
        )
        try:
            page = _page(source)
            run.summary.update({**_tables(source), **counts(source), "report": page})
            run.summary[DIGEST] = digest_of(source)
            written = Path(run.dir).parent
        finally:
            run.finish()
    shutil.move(written, place)
    for leftover in ("logs", "tmp"):
        shutil.rmtree(place / leftover, ignore_errors=True)
    return next(place.glob("run-*.wandb"))


@contextmanager
def _client_at(staging: Path) -> Iterator[None]:
    """Have W&B's client keep its files in a folder of ours, and take no run of the user's environment for its own."""
    staging.mkdir(parents=True)
    before = dict(os.environ)
    os.environ.update({**environment(staging), "WANDB_DATA_DIR": str(staging.resolve())})
    for name in NOT_OURS:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tables(source: Exportable) -> dict[str, Any]:
    """One row for each trial, one for each model and width with aggregates over seeds, one for each model; the charts'.

    And what theory says beside what was measured, where it says something.

    The charts are those of the local report, which is to be up to date.
    """
    tables = {
        "results": source.results.head(MOST_ROWS),
        "aggregates": summary(source.results),
        "verdicts": best_of_each_model(source.results),
        **{name: table.head(MOST_ROWS) for name, table in source.beside_theory.items()},
    }
    return {
        **{name: _table(table.columns, table.rows()) for name, table in tables.items()},
        **{chart.table: _table(chart.columns, chart.rows) for chart in custom_charts(source.folder)},
    }


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    import wandb

    return wandb.Table(columns=list(columns), data=[list(row) for row in rows], allow_mixed_types=True)


def _page(source: Exportable) -> Any:
    """The report of the run, which W&B shows as it is; written again if trials have finished since."""
    import wandb

    return wandb.Html(local_report(source.folder).read_text(encoding="utf-8"), inject=False)


def counts(source: Exportable) -> dict[str, Any]:
    """The sweep in a few numbers: trials by status and by verdict, and what it has cost."""
    by_status = dict(source.results["status"].value_counts().iter_rows())
    by_verdict = dict(source.results["verdict"].value_counts().iter_rows())
    return {
        "trials": source.results.height,
        **{status: by_status.get(status, 0) for status in ("done", "diverged", "failed", "pending")},
        **{verdict_key(word): by_verdict.get(word, 0) for word in (AGREES, CONTRADICTS, CANNOT_SAY)},
        "training_seconds": float(source.outcomes["seconds"].sum()),
    }


def verdict_key(word: str) -> str:
    """The name of the number of trials of a verdict: W&B sorts and filters by letters, digits and underscores only."""
    return f"{VERDICT}{word.replace(' ', '_')}"


def provenance(source: Exportable) -> dict[str, Any]:
    """Where the numbers come from: what the plan noted when it was made, and what trained it."""
    noted = json.loads((source.folder / "plan.json").read_bytes())
    columns = ("version", "code", "host", "device", "engine")
    trained = {name: sorted(source.outcomes[name].drop_nulls().unique().to_list()) for name in columns}
    return {"planned": noted.get("provenance", {}), "trained": trained, "plan": source.group}
