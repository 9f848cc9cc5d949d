"""The picture of a dashboard that is drawn here, of the runs that are exported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.records.atomic_writes import replacing
from pipeline.report.preview import Numbers, preview
from pipeline.tracking.export.run_content import STEP
from pipeline.tracking.export.sweep_run import counts
from pipeline.tracking.export.trial_runs import Exportable, trial_runs

MOST_PANELS = 3
"""Panels of each section that are drawn."""
RUN = {"run": pl.String}
HISTORY = {**RUN, "name": pl.String, "step": pl.Int64, "value": pl.Float64}
CAPTION = "drawn here from dashboard.json, with a look of its own"


def draw_dashboard(file: Path, source: Exportable, trials: Sequence[str]) -> Path:
    """Draw the workspace of a dashboard from its JSON and the numbers of its runs, as a PNG beside the file.

    Args:
        file: The dashboard as JSON.
        source: The sweep.
        trials: Those that have a run on W&B.
    """
    view = json.loads(file.read_bytes())["view"]
    sections = view["spec"]["section"]["panelBankConfig"]["sections"]
    path = file.with_suffix(".png")
    with replacing(path) as part:
        part.write_bytes(preview(sections, numbers_of(source, trials), f"{source.group}: {CAPTION}", MOST_PANELS))
    return path


def numbers_of(source: Exportable, trials: Sequence[str]) -> Numbers:
    """The numbers of some trials, named as the panels of W&B name them."""
    runs, history = [], []
    for content in trial_runs(source, trials):
        said = {f"config:{name}.value": value for name, value in content.config.items() if _is_plain(value)}
        runs.append({"run": content.id, **said, **_flat("summary:", content.summary)})
        for row in content.rows:
            step = row[STEP]
            history += [(content.id, name, step, value) for name, value in row.items() if name != STEP]
    table = pl.DataFrame(runs, infer_schema_length=None, strict=False) if runs else pl.DataFrame(schema=RUN)
    return Numbers(table, pl.DataFrame(history, schema=HISTORY, orient="row"), counts(source))


def _flat(before: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A summary with the values inside of others beside them, under names with a dot."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(f"{before}{name}.", value) if isinstance(value, Mapping) else {f"{before}{name}": value}
    return flat


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)
