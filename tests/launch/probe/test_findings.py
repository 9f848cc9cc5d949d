"""Verdicts that ask for no change are known by their words."""

from pipeline.launch.probe.findings import AGREES, FINE, INFORMATION, NOT_REPORTED, WITHIN, Finding


def test_what_agrees_is_within_is_not_reported_or_is_information_asks_for_no_change() -> None:
    assert set(FINE) == {AGREES, WITHIN, NOT_REPORTED, INFORMATION}
    assert Finding("max_array", "100", "10", "set max_array: 10").verdict not in FINE
