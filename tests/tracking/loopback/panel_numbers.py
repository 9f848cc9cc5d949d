"""The numbers of a sweep under the names by which panels of W&B refer to them, and the panels that would show none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.tracking.export.run_content import STEP
from pipeline.tracking.export.sweep_content import counts
from pipeline.tracking.export.trial_runs import RecordedRun, trial_runs

HISTORY = {"run": pl.String, "name": pl.String, "step": pl.Int64, "value": pl.Float64}


@dataclass(frozen=True)
class Numbers:
    """What the panels of a workspace may refer to.

    Args:
        runs: One row for each run; columns ``run``, and as W&B names them ``config:width.value``, ``summary:loss``...
        history: Columns ``run``, ``name``, ``step``, ``value``.
        sweep: The summary of the sweep's own run.
    """

    runs: pl.DataFrame
    history: pl.DataFrame
    sweep: Mapping[str, Any]


def numbers_of(source: RecordedRun) -> Numbers:
    """The numbers of all trials."""
    runs, history = [], []
    for content in trial_runs(source, source.results["trial"].to_list()):
        plain = {name: value for name, value in content.config.items() if not isinstance(value, dict | list)}
        config = {f"config:{name}.value": value for name, value in plain.items()}
        runs.append({"run": content.id, **config, **_flat("summary:", content.summary)})
        for row in content.rows:
            history += [(content.id, name, row[STEP], value) for name, value in row.items() if name != STEP]
    table = pl.DataFrame(runs, infer_schema_length=None, strict=False)
    return Numbers(table, pl.DataFrame(history, schema=HISTORY, orient="row"), counts(source))


def _flat(before: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A summary with the values inside of others beside them, under names with a dot."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(f"{before}{name}.", value) if isinstance(value, Mapping) else {f"{before}{name}": value}
    return flat


def is_empty(panel: Mapping[str, Any], numbers: Numbers) -> bool:
    """Whether a panel has no number to show; of a panel that only W&B can draw nobody knows."""
    config = panel["config"]
    match panel["viewType"]:
        case "Run History Line Plot":
            rows = numbers.history.filter(pl.col("name").is_in(config["metrics"]), pl.col("value").is_finite())
            grouped = f"config:{config['groupBy']}" in numbers.runs.columns
            return not grouped or rows.filter(_shown(pl.col("value"), config.get("yLogScale"))).is_empty()
        case "Scatter Plot":
            axes = {
                config[f"{axis}Axis"]: config.get(f"{axis}AxisLogScale") for axis in "xyz" if f"{axis}Axis" in config
            }
            return _lacks(numbers.runs, axes)
        case "Bar Chart":
            return _lacks(
                numbers.runs, {f"summary:{config['metrics'][0]}": False, f"config:{config['groupBy']}": False}
            )
        case "Parallel Coordinates Plot":
            return _lacks(numbers.runs, {column["accessor"]: column.get("log") for column in config["columns"]})
        case "Scalar Chart":
            return numbers.sweep.get(config["metrics"][0]) is None
        case "Markdown Panel":
            return not config["value"].strip()
    return False


def _lacks(runs: pl.DataFrame, axes: Mapping[str, bool | None]) -> bool:
    """Whether no run has a number on every axis; a logarithmic one shows none that is not positive."""
    if not axes.keys() <= set(runs.columns):
        return True
    numeric = [name for name in axes if runs.schema[name].is_numeric()]
    finite = [_shown(pl.col(name).cast(pl.Float64), axes[name]) for name in numeric]
    return runs.drop_nulls(list(axes)).filter(pl.lit(True), *finite).is_empty()


def _shown(value: pl.Expr, log: bool | None) -> pl.Expr:
    return value.is_finite() & (value > 0) if log else value.is_finite()
