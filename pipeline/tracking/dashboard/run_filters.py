"""Run filters of W&B: the runs that a view shows."""

from __future__ import annotations

from typing import Any

from pipeline.tracking.export.name_lengths import LONGEST_JOB_TYPE, LONGEST_NAME, shortened

FILTER_TEXT = "the runs of the sweep"
"""Stands for the filter of a view, which has no words for every name."""


def runs_of(group: str, job_type: str = "") -> dict[str, Any]:
    """The filter for the runs of a group, as W&B stores it.

    It is set as it is stored: parsed from text by wandb-workspaces, an equals sign or a bracket in a name would be
    taken for an operator.

    Args:
        group: Of the runs.
        job_type: Of the runs; by default any.

    Returns:
        The filter as JSON.
    """
    conditions = [_is("run", "group", shortened(group, LONGEST_NAME))]
    if job_type:
        conditions.append(_is("run", "jobType", shortened(job_type, LONGEST_JOB_TYPE)) | AND)
    return {"filterFormat": "filterV2", "filters": conditions}


def with_disabled_filters(runs: dict[str, Any], *statuses: str) -> dict[str, Any]:
    """A filter with further conditions on the status, all disabled: a click on W&B enables one.

    Args:
        runs: The filter.
        statuses: One for each condition.

    Returns:
        The filter as JSON; the given one is as it was.
    """
    choices = [_is("summary", "status", status) | AND | {"disabled": True} for status in statuses]
    return runs | {"filters": [*runs["filters"], *choices]}


AND = {"connector": "AND"}


def _is(section: str, name: str, value: str) -> dict[str, Any]:
    return {"key": {"section": section, "name": name}, "op": "=", "value": value, "disabled": False}
