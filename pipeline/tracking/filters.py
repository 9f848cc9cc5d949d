"""Which runs a view on W&B shows."""

from __future__ import annotations

from typing import Any

from pipeline.tracking.limits import LONGEST_JOB_TYPE, LONGEST_NAME, within

IN_WORDS = "the runs of the sweep"
"""Stands for the filter of a view, which has no words for every name."""


def runs_of(group: str, job_type: str = "") -> dict[str, Any]:
    """The filter that leaves the runs of a group, as W&B keeps it; and of these those of one type of job.

    It is set as it is kept: read from words, an equals sign or a bracket in a name would be taken for an operator.
    """
    conditions = [_is("group", within(group, LONGEST_NAME))]
    if job_type:
        conditions.append({**_is("jobType", within(job_type, LONGEST_JOB_TYPE)), "connector": "AND"})
    return {"filterFormat": "filterV2", "filters": conditions}


def _is(name: str, value: str) -> dict[str, Any]:
    return {"key": {"section": "run", "name": name}, "op": "=", "value": value, "disabled": False}
