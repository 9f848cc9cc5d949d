"""What can be written in a YAML file is listed with a sentence each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.cli.listing import ListOptions, list_kind
from pipeline.errors import PipelineError
from pipeline.home import PACKAGE


def test_clusters_are_listed_by_the_description_of_their_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_kind(ListOptions("clusters")) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert {"local", "soc"} <= lines.keys()
    assert all(re.fullmatch(rf"\S.*\.  \S*slurm/{name}\.yaml", sentence) for name, sentence in lines.items())


def test_experiments_are_listed_by_their_question_and_say_where_they_lie(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.yaml").write_text("question: Is it mine?\n")
    assert list_kind(ListOptions("configs")) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["mine"] == "Is it mine?  configs/mine.yaml"
    assert lines["xor"].endswith(f"?  {PACKAGE / 'configs' / 'xor.yaml'}")


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(PipelineError, match=r"^unknown kind 'basis'\n  hint: did you mean 'bases'"):
        list_kind(ListOptions("basis"))
    with pytest.raises(
        PipelineError, match=r"^python -m pipeline list: a kind is missing\n  hint: known: activations, "
    ):
        list_kind(ListOptions(""))
