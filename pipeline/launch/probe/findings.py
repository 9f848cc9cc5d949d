"""Findings: the lines of a comparison between a profile and a live cluster."""

from __future__ import annotations

from typing import NamedTuple

AGREES = "agrees"
WITHIN = "within the limit"
NOT_REPORTED = "not told by the site"
INFORMATION = "for information"
FINE = (AGREES, WITHIN, NOT_REPORTED, INFORMATION)
"""Verdicts that ask for no change of the profile."""
NEAR = 0.1
"""Part by which memory may differ: what a node has and what it lends are never quite the same."""


class Finding(NamedTuple):
    """One line of a comparison.

    Args:
        field: What is compared, by its name in the profile where it has one.
        profile: What the profile says.
        live: What the cluster says.
        verdict: One of ``FINE``, or what to do.
    """

    field: str
    profile: str
    live: str
    verdict: str
