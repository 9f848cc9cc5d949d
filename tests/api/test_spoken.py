"""Prose stays off standard output."""

from __future__ import annotations

import pytest

from pipeline.api.spoken import say


def test_prose_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("waiting")
    assert capsys.readouterr() == ("", "waiting\n")
