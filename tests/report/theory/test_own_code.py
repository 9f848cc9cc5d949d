"""A part of a report in which code of a user's own fails is left out, with the reason; other errors stay errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.extensions.places import add_sources
from pipeline.report.theory.own_code import anything_left_out, in_sentences, parts_left_out, unless_own_code_fails


@pytest.fixture
def own(tmp_path: Path) -> Callable[[], int]:
    """A function of an extension, which fails."""
    path = tmp_path / "mine.py"
    path.write_text("def fail():\n    return {}[7]\n")
    add_sources([path])
    names: dict[str, Callable[[], int]] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    return names["fail"]


def test_what_own_code_fails_in_is_left_out_and_told_once_with_all_that_is_missing(
    own: Callable[[], int], tmp_path: Path
) -> None:
    with parts_left_out() as left_out, parts_left_out() as inner:
        assert inner is left_out
        assert [unless_own_code_fails(part, own, -1) for part in ("figure", "answer", "figure")] == [-1] * 3
        assert unless_own_code_fails("table", lambda: 5, -1) == 5
    assert in_sentences(left_out) == [f"left out: figure, answer; {tmp_path}/mine.py:2: KeyError: 7"]
    with parts_left_out() as again:
        pass
    assert in_sentences(again) == []


def test_whether_anything_was_left_out_is_known_in_the_block(own: Callable[[], int]) -> None:
    with parts_left_out():
        assert not anything_left_out()
        unless_own_code_fails("figure", own, -1)
        assert anything_left_out()
    assert not anything_left_out()


def test_an_error_of_other_code_and_one_that_nobody_notes_are_raised(own: Callable[[], int]) -> None:
    with pytest.raises(KeyError, match="7"):
        unless_own_code_fails("figure", own, -1)
    with parts_left_out(), pytest.raises(ZeroDivisionError, match="division"):
        unless_own_code_fails("figure", lambda: 1 // 0, -1)

    def damaged() -> int:
        raise PipelineError("is damaged")

    with parts_left_out(), pytest.raises(PipelineError, match="is damaged"):
        unless_own_code_fails("figure", damaged, -1)
