"""Durations as people say them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A duration as people say it: 42 s, 3 min 5 s, 2 h 10 min.

    Args:
        seconds: Not negative; rounded to whole seconds, above an hour down to whole minutes.

    Returns:
        The two largest units of hours, minutes and seconds.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
