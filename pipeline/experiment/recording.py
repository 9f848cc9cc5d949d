"""Recording: which diagnostics of a trial are recorded at which steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.experiment.axes import LogSpacedSteps
from pipeline.experiment.trial import Shape


def recorded_steps(record_at: tuple[int, ...] | LogSpacedSteps, steps: int) -> tuple[int, ...]:
    """Steps at which a trial is looked at, ascending, 0 and the last one always among them.

    Args:
        record_at: As the experiment says.
        steps: Updates of the trial.

    Returns:
        Those of ``record_at`` that it has; logarithmically spaced ones over its own steps.
    """
    if isinstance(record_at, LogSpacedSteps):
        spaced = np.geomspace(1, steps, record_at.log_spaced).round().astype(int)
        return tuple(sorted({0, *spaced.tolist(), steps}))
    return tuple(sorted({0, *(step for step in record_at if step < steps), steps}))


def is_due(diagnostic: Diagnostic, shape: Shape, *, at_first: bool, at_last: bool) -> bool:
    """Whether a diagnostic is recorded of trials of a shape at a recorded step.

    Args:
        diagnostic: What may be recorded.
        shape: Of the trials.
        at_first: Whether the step is the first recorded one, where also what no step changes is recorded.
        at_last: Whether it is the last.

    Returns:
        Whether it is.
    """
    return (
        diagnostic.concerns(shape.model, shape.loss, shape.optimizer, minibatches=shape.batch_size is not None)
        and (at_first or not diagnostic.constant(shape.model, shape.loss))
        and (at_first or at_last or not diagnostic.only_at_ends())
    )


def steps_of_records(shape: Shape, diagnostics: Iterable[Diagnostic], recorded_steps: Sequence[int]) -> np.ndarray:
    """The step of each record of a trial that does not diverge; one that does has those before its divergence.

    Args:
        shape: Of the trial.
        diagnostics: What is recorded.
        recorded_steps: When, ascending.

    Returns:
        Steps, ascending, as often as diagnostics are due there.
    """
    first, last = recorded_steps[0], recorded_steps[-1]
    due = [
        step
        for diagnostic in diagnostics
        for step in recorded_steps
        if is_due(diagnostic, shape, at_first=step == first, at_last=step == last)
    ]
    return np.sort(np.array(due, dtype=np.int64))
