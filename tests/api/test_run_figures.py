"""Figures of a run are those of its page, by name."""

from __future__ import annotations

import altair as alt
import pytest

from pipeline.api.opened_run import Run
from pipeline.errors import PipelineError
from pipeline.report.figures.catalogue import DRAWN_LAST, ORDER, draw


def test_figures_are_those_of_the_page(trained: Run) -> None:
    figures, drawn = trained.figures, list(draw(trained._contents().tables))
    names = [spec.figure.name for spec in drawn]
    assert names[-2:] == list(DRAWN_LAST)
    assert list(figures) == sorted(names, key=ORDER.index)
    assert len(figures) == len(drawn)
    assert isinstance(figures["loss_by_step"], alt.TopLevelMixin)
    assert figures["loss_by_step"] is figures["loss_by_step"]
    assert "loss_by_step" in repr(figures)


def test_a_figure_that_is_not_there_is_refused_with_those_that_are(trained: Run) -> None:
    assert "hidden_space" not in trained.figures
    assert "loss_by_stop" not in trained.figures
    assert trained.figures.get("error_by_width") is not None
    with pytest.raises(PipelineError, match=r"^there is no figure 'loss_by_stop'\n  hint: did you mean 'loss_by_step'"):
        trained.figures["loss_by_stop"]
    with pytest.raises(PipelineError, match=r"this run has nothing to show in 'hidden_space'\n  hint: it has error_by"):
        trained.figures["hidden_space"]
