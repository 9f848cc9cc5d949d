"""In a notebook one sentence stands in the cell and is replaced; elsewhere progress goes to standard error."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pipeline.api.notebook_progress import NotebookProgress, new_progress


class Cell:
    """What IPython's ``display`` shows below a cell."""

    def __init__(self) -> None:
        self.outputs: list[str] = []

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> SimpleNamespace:
        assert raw
        assert display_id
        self.outputs.append(data["text/plain"])
        position = len(self.outputs) - 1

        def update(data: dict[str, str], *, raw: bool) -> None:
            self.outputs[position] = data["text/plain"]

        return SimpleNamespace(update=update)


@pytest.fixture
def ipython(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes this process one of IPython, with a shell of some attributes."""

    def begin(**shell: object) -> Cell:
        cell, main, display = Cell(), ModuleType("IPython"), ModuleType("IPython.display")
        main.get_ipython = lambda: SimpleNamespace(**shell)  # type: ignore[attr-defined]
        display.display = cell.display  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "IPython", main)
        monkeypatch.setitem(sys.modules, "IPython.display", display)
        return cell

    return begin


def test_a_sentence_in_a_notebook_takes_the_place_of_the_one_before(ipython: Any, pack: Any) -> None:
    cell, progress = ipython(kernel=object()), new_progress()
    assert isinstance(progress, NotebookProgress)
    one = pack(seeds=1)
    progress.start([one], [one])
    progress.say("engine: fused for 1 pack")
    assert cell.outputs == ["engine: fused for 1 pack"]
    progress.start_pack(one)
    progress.advance(1)
    progress.finish_pack(one)
    progress.stop()
    assert len(cell.outputs) == 1
    assert cell.outputs[0].startswith(f"{len(one.trials)}/{len(one.trials)} trials, ")


def test_a_terminal_of_ipython_and_a_plain_process_have_their_standard_error(ipython: Any) -> None:
    assert new_progress().stream is sys.stderr
    ipython()
    assert new_progress().stream is sys.stderr
