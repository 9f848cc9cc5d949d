"""Provenance of an outcome: the job that trained it, the attempt at the job, and the code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutcomeProvenance:
    """Columns of every outcome that say what trained it; by default a person's command, with code that is not known.

    Args:
        job: Id of the job, with the number of its array task; empty outside of a job.
        attempt: Number of the attempt at the job, from 1.
        code: Commit of the code and a hash of what was changed since; empty where it is not known.
    """

    job: str = ""
    attempt: int = 1
    code: str = ""


NO_JOB = OutcomeProvenance()
"""Of what was trained outside of a job, by code that is not known."""
