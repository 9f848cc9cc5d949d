"""Where no job is there any more, that is said, and it is no error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli.cancelling import CancelOptions, cancel


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_is_ended_where_nothing_was_sent(
    as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.json").write_text("{}")
    assert cancel(CancelOptions((str(tmp_path),), json=as_json)) == 0
    said = capsys.readouterr()
    if as_json:
        assert json.loads(said.out) == []
    else:
        assert (said.out, said.err) == ("", "no job of this run was there any more\n")
