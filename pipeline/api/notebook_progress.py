"""Progress of training in the cell of a notebook: one sentence, rewritten in place."""

from __future__ import annotations

import io
import sys
from typing import Any

from pipeline.training.progress import TrainingProgress

SECONDS_BETWEEN_SENTENCES = 0.5


class CellOutput(io.StringIO):
    """An output of a cell that shows the last line that was written to it.

    Args:
        display: ``display`` of IPython.
    """

    def __init__(self, display: Any) -> None:
        super().__init__()
        self._display = display
        self._handle: Any = None

    def write(self, text: str) -> int:
        """Show the last line of a text in place of what was shown before."""
        lines = text.strip().splitlines()
        if lines:
            shown = {"text/plain": lines[-1]}
            if self._handle is None:
                self._handle = self._display(shown, raw=True, display_id=True)
            else:
                self._handle.update(shown, raw=True)
        return len(text)


class NotebookProgress(TrainingProgress):
    """Shows the sentence of ``TrainingProgress`` in the output of a cell.

    Args:
        display: ``display`` of IPython.
    """

    seconds_between_lines = SECONDS_BETWEEN_SENTENCES

    def __init__(self, display: Any) -> None:
        super().__init__(CellOutput(display))


def new_progress() -> TrainingProgress:
    """Progress in the cell of a notebook, or on standard error where there is none."""
    display = notebook_display()
    return NotebookProgress(display) if display else TrainingProgress()


def notebook_display() -> Any:
    """The function ``display`` of IPython in a notebook, where it is loaded; ``None`` elsewhere, as in a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return sys.modules["IPython.display"].display if hasattr(shell, "kernel") else None
