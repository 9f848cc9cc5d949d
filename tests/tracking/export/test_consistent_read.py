"""A run that is written while it is read is read again."""

from __future__ import annotations

import pytest

from pipeline.errors import PipelineError
from pipeline.tracking.export import consistent_read
from pipeline.tracking.export.consistent_read import ATTEMPTS, read_consistently


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistent_read, "PAUSE_SECONDS", 0.0)


@pytest.mark.parametrize("failures", range(ATTEMPTS))
def test_it_is_read_until_it_can_be(failures: int) -> None:
    left = iter(range(failures))

    def read() -> str:
        if next(left, None) is not None:
            raise PipelineError("a pack has rows that its outcome does not have")
        return "whole"

    assert read_consistently(read) == "whole"


def test_what_cannot_be_read_the_last_time_either_is_an_error() -> None:
    tries = []

    def read() -> None:
        tries.append(1)
        raise PipelineError("damaged")

    with pytest.raises(PipelineError, match=r"^damaged$"):
        read_consistently(read)
    assert len(tries) == ATTEMPTS
