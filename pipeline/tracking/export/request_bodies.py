"""Bodies of the requests to W&B: a run and its configuration for GraphQL, its rows for the file stream.

Source: https://github.com/wandb/wandb 0.31.0, core/internal/runupserter, core/internal/filestream.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wandb.proto import wandb_internal_pb2 as protocol

SENDING = "sending"
"""Where the nonce of the last sending is in a run's configuration: a list that has it is as late as that sending."""
MOST_BYTES = 8_000_000
"""Of rows in one request; the client of wandb 0.31.0 sends at most 10 MB."""

UPSERT = """mutation UpsertBucket($name: String, $project: String, $entity: String, $groupName: String,
    $displayName: String, $notes: String, $commit: String, $config: JSONString, $host: String, $program: String,
    $repo: String, $jobType: String, $tags: [String!]) {
  upsertBucket(input: {name: $name, groupName: $groupName, modelName: $project, entityName: $entity,
      displayName: $displayName, notes: $notes, config: $config, commit: $commit, host: $host, jobProgram: $program,
      jobRepo: $repo, jobType: $jobType, tags: $tags}) {
    bucket { id name displayName project { id name entity { id name } } historyLineCount }
    inserted
  }
}"""


def upsert_variables(records: Iterable[protocol.Record], sending: str) -> dict[str, Any]:
    """The variables of ``UpsertBucket``: names, configuration, and in that the definitions of metrics.

    Args:
        records: Of the run.
        sending: The nonce of this sending.

    Returns:
        By name; empty ones are left out.
    """
    run, metrics = protocol.RunRecord(), []
    for record in records:
        if record.HasField("run"):
            run = record.run
        elif record.HasField("metric"):
            metrics.append(record.metric)
    config = {item.key: {"value": json.loads(item.value_json)} for item in run.config.update}
    config |= {SENDING: {"value": sending}, "_wandb": {"value": {"m": _metric_definitions(metrics)}}}
    described = {
        "name": run.run_id,
        "project": run.project,
        "entity": run.entity,
        "groupName": run.run_group,
        "displayName": run.display_name,
        "notes": run.notes,
        "commit": run.git.commit,
        "repo": run.git.remote_url,
        "host": run.host,
        "jobType": run.job_type,
        "tags": list(run.tags),
        "config": json.dumps(config),
    }
    return {name: value for name, value in described.items() if value}


def _metric_definitions(metrics: Sequence[protocol.MetricRecord]) -> list[dict[str, Any]]:
    """Definitions of metrics as ``_wandb.m`` has them: fields by number, the horizontal axis by its place from 1."""
    places = {metric.name: place for place, metric in enumerate(metrics, 1)}
    described = []
    for metric in metrics:
        said: dict[str, Any] = {"1": metric.name}
        if metric.step_metric:
            said["5"] = places[metric.step_metric]
        options, summary = (
            [field.number for field, value in part.ListFields() if value] for part in (metric.options, metric.summary)
        )
        described.append(said | {"6": options, "7": summary})
    return described


def stream_parts(records: Sequence[protocol.Record], first_row: int) -> Iterator[dict[str, Any]]:
    """The bodies of a file stream; the last has the summary and the end of the run.

    Args:
        records: Of the run, its rows from ``first_row`` on.
        first_row: Offset of the first row.

    Yields:
        One body of at most 8 MB of rows after the other.
    """
    lines: list[str] = []
    size, offset = 0, first_row
    files: dict[str, Any] = {}
    code = 0
    for record in records:
        if record.HasField("history"):
            line = _line(record.history.item)
            if lines and size + len(line) > MOST_BYTES:
                yield {"files": {"wandb-history.jsonl": {"offset": offset, "content": lines}}}
                lines, size, offset = [], 0, offset + len(lines)
            lines.append(line)
            size += len(line)
        elif record.HasField("summary"):
            files["wandb-summary.json"] = {"offset": 0, "content": [_line(record.summary.update)]}
        elif record.HasField("exit"):
            code = record.exit.exit_code
    if lines:
        files["wandb-history.jsonl"] = {"offset": offset, "content": lines}
    yield {"files": files, "complete": True, "exitcode": code}


def _line(items: Iterable[Any]) -> str:
    """Names and values as JSON; NaN and infinity are its bare words, as W&B's client writes them."""
    return json.dumps({item.key: json.loads(item.value_json) for item in items})
