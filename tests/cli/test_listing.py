"""What can be written in a YAML file is listed with a sentence each."""

from __future__ import annotations

import pytest

from pipeline.cli.listing import ListOptions, list_kind
from pipeline.errors import PipelineError


def test_clusters_are_listed_by_the_description_of_their_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_kind(ListOptions("clusters")) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert {"local", "soc"} <= lines.keys()
    assert all(sentence.endswith(".") for sentence in lines.values())


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(PipelineError, match=r"^unknown kind 'basis'\n  hint: did you mean 'bases'"):
        list_kind(ListOptions("basis"))
