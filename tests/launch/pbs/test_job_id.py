"""An id of PBS has a number, perhaps an index, and perhaps a server."""

from __future__ import annotations

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.pbs.job_id import parse_id


@pytest.mark.parametrize("text", ["", "abc", "12[x].s", "[3].s"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(PipelineError, match="is no job of PBS"):
        parse_id(text)


def test_an_id_has_a_number_an_index_and_a_server() -> None:
    for text in ("12.pbs01", "12[].pbs01", "12[3].pbs01.site.sg", "12"):
        assert str(parse_id(text)) == text
    assert str(parse_id("12[3].pbs01").array) == "12[].pbs01"
