"""A run as records of W&B's own protocol, of which its transaction log and its file stream are made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from wandb.proto import wandb_internal_pb2 as protocol

from pipeline.tracking.export.name_lengths import LONGEST_JOB_TYPE, LONGEST_NAME, LONGEST_TAG, shortened
from pipeline.tracking.export.run_content import DIGEST, STEP, Destination, RunContent


def as_records(content: RunContent, destination: Destination, first_row: int = 0) -> Iterator[protocol.Record]:
    """The records of a run: header, run, metrics, history, summary, exit.

    Args:
        content: The run.
        destination: Entity and project.
        first_row: Number of rows that W&B has already; those after them are written.

    Yields:
        One record after the other, without numbers.
    """
    yield protocol.Record(header=protocol.HeaderRecord())
    yield protocol.Record(run=_run_record(content, destination))
    yield _metric(STEP, hidden=True)
    for name in content.metrics:
        yield _metric(name, smallest=name in content.smallest)
    for row in content.rows[first_row:]:
        history = protocol.HistoryRecord(step=protocol.HistoryStep(num=row[STEP]))
        seconds = content.seconds_at(row[STEP])
        when = {"_step": row[STEP], "_runtime": seconds, "_timestamp": content.began_at + seconds}
        history.item.extend(_items(protocol.HistoryItem, {**row, **when}))
        yield protocol.Record(history=history)
    summary = {**content.summary, "_runtime": content.seconds}
    yield protocol.Record(summary=protocol.SummaryRecord(update=_items(protocol.SummaryItem, summary)))
    end = protocol.RunExitRecord(exit_code=content.exit_code, runtime=round(content.seconds))
    yield protocol.Record(exit=end)


def _run_record(content: RunContent, destination: Destination) -> protocol.RunRecord:
    run = protocol.RunRecord(
        run_id=content.id,
        entity=destination.entity,
        project=destination.project,
        display_name=shortened(content.name, LONGEST_NAME),
        run_group=shortened(content.group, LONGEST_NAME),
        job_type=shortened(content.job_type, LONGEST_JOB_TYPE),
        tags=[shortened(tag, LONGEST_TAG) for tag in content.tags],
        host=str(content.config.get("host") or ""),
        notes=content.notes,
        git=protocol.GitRepoRecord(commit=content.commit),
    )
    run.start_time.FromNanoseconds(round(content.began_at * 1e9))
    config = {**content.config, **_in_full(content, run), DIGEST: content.digest}
    run.config.update.extend(_items(protocol.ConfigItem, config))
    return run


def _in_full(content: RunContent, run: protocol.RunRecord) -> dict[str, Any]:
    """Names that were truncated, whole, for the configuration."""
    whole = {"name": content.name, "group": content.group, "job_type": content.job_type, "tags": list(content.tags)}
    cut = {"name": run.display_name, "group": run.run_group, "job_type": run.job_type, "tags": list(run.tags)}
    return {f"{name}_in_full": text for name, text in whole.items() if text != cut[name]}


def _metric(name: str, *, hidden: bool = False, smallest: bool = False) -> protocol.Record:
    """The definition of a metric: its horizontal axis, and what its summary is."""
    metric = protocol.MetricRecord(name=name, options=protocol.MetricOptions(defined=True, hidden=hidden))
    if name != STEP:
        metric.step_metric = STEP
        metric.options.step_sync = True
    if smallest:
        metric.summary.min = metric.summary.last = True
    return protocol.Record(metric=metric)


def _items(kind: Any, values: Mapping[str, Any]) -> list[Any]:
    """Names and values in JSON; NaN and infinity are its bare words, which W&B reads."""
    return [kind(key=name, value_json=json.dumps(value)) for name, value in values.items()]
