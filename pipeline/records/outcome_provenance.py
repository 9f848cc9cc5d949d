"""Where an outcome comes from: the job that trained it, which attempt it was, and the code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutcomeProvenance:
    """What is written beside every outcome; the defaults say that no job but a person's command trained it.

    Args:
        job: Id of the job, with the number of its array task; empty outside of a job.
        attempt: Number of the attempt at the job, from 1.
        code: Commit of the code and a hash of what was changed since; empty where it is not known.
    """

    job: str = ""
    attempt: int = 1
    code: str = ""


NO_JOB = OutcomeProvenance()
"""Trained here, by code of which nothing is known."""
