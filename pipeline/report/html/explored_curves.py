"""Curves of the trials that a page explores: what was recorded of them step by step, and what theory predicts.

Shape letters: T trials, H recorded steps, R learning rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.experiment.trial import Shape
from pipeline.numerics.even_spacing import evenly_spaced
from pipeline.report.tables.results import criterion
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.predicted_losses import predicted_losses_of

MOST_STEPS = 60
MOST_NUMBERS = 300_000
"""Of all curves of a page: 0.8 MB of its text."""


@dataclass(frozen=True)
class ExploredCurves:
    """Curves by step.

    Args:
        steps: H steps.
        values: By the name of a diagnostic ``[T, H]``, NaN where it was not recorded.
        predicted: The training loss that theory predicts, ``[T, H]``; ``None`` where it says nothing.
        sentences: What was left out, and by which rule.
    """

    steps: tuple[int, ...]
    values: Mapping[str, NDArray[np.float64]]
    predicted: NDArray[np.float64] | None
    sentences: tuple[str, ...]


def explored_curves(
    tables: RunTables, trials: pl.DataFrame, shapes: Mapping[str, Shape], most_numbers: int = MOST_NUMBERS
) -> ExploredCurves:
    """The curves of some trials, of as many diagnostics as fit: the criterion, the loss, then in their order.

    Args:
        tables: Of the run.
        trials: Those of the page.
        shapes: Theirs, by id.
        most_numbers: Numbers of all curves at most; the criterion and the loss are there whatever they take.

    Returns:
        The curves; none of a diagnostic that was recorded at one step only.
    """
    experiment = tables.plan.experiment
    numbers = {shape.steps for shape in shapes.values()}
    recorded = sorted({step for number in numbers for step in experiment.recorded_steps(number)})
    steps = evenly_spaced(recorded, MOST_STEPS)
    first = dict.fromkeys((criterion(tables.results), "loss"))
    others = [one.name() for one in experiment.diagnostics if one.name() not in first and not one.only_at_ends()]
    room = max(0, most_numbers // max(1, trials.height * len(steps)) - len(first) - 1)
    values = _recorded(tables, trials["trial"], steps, [*first, *others])
    shown = {name: values[name] for name in [*first, *others] if _is_curve(values[name])}
    kept = dict(list(shown.items())[: len(first) + room])
    left = [name for name in shown if name not in kept]
    sentences = (f"Curves that would make the page large are left out: {', '.join(left)}.",) if left else ()
    predicted = _predicted(tables, trials, shapes, steps)
    return ExploredCurves(tuple(steps), kept, predicted if _is_curve(predicted) else None, sentences)


def _is_curve(values_TH: NDArray[np.float64]) -> bool:
    """Whether there is any value after the first step."""
    return not np.isnan(values_TH[:, 1:]).all()


def _recorded(
    tables: RunTables, trials: pl.Series, steps: Sequence[int], names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """The values of diagnostics of some trials at some steps, each ``[T, H]``; one pass over the records."""
    rows = pl.DataFrame({"trial": trials}).with_row_index("row")
    columns = pl.DataFrame({"step": pl.Series(steps, dtype=pl.Int64)}).with_row_index("column")
    wanted = tables.records_of(rows, *names)
    found = wanted.join(columns, on="step").join(rows, on="trial").select("diagnostic", "row", "column", "value")
    values = {name: np.full((len(trials), len(steps)), np.nan) for name in names}
    for (name,), part in found.partition_by("diagnostic", as_dict=True).items():
        values[str(name)][part["row"].to_numpy(), part["column"].to_numpy()] = part["value"].to_numpy()
    return values


def _predicted(
    tables: RunTables, trials: pl.DataFrame, shapes: Mapping[str, Shape], steps: Sequence[int]
) -> NDArray[np.float64]:
    """The loss that theory predicts of each trial, of networks that of the linearised one: ``[T, H]``, NaN for none."""
    values_TH = np.full((trials.height, len(steps)), np.nan)
    rows: dict[Shape, list[tuple[int, float]]] = {}
    for row, (trial, rate) in enumerate(trials.select("trial", "learning_rate").iter_rows()):
        if rate is not None and shapes[trial].model.linear:
            rows.setdefault(shapes[trial], []).append((row, rate))
    for shape, pairs in rows.items():
        rates = list(dict.fromkeys(rate for _, rate in pairs))
        losses_RH = predicted_losses_of(shape, rates, steps)
        if losses_RH is not None:
            after = np.array(steps) > shape.steps
            of_rate = dict(zip(rates, np.where(after, np.nan, losses_RH.numpy()), strict=True))
            for row, rate in pairs:
                values_TH[row] = of_rate[rate]
    _fill_linearised(tables, trials, steps, values_TH)
    return values_TH


def _fill_linearised(
    tables: RunTables, trials: pl.DataFrame, steps: Sequence[int], values_TH: NDArray[np.float64]
) -> None:
    rows = trials.select("trial").with_row_index("row")
    columns = pl.DataFrame({"step": pl.Series(steps, dtype=pl.Int64)}).with_row_index("column")
    known = tables.linearised.curves.join(rows, on="trial").join(columns, on="step")
    values_TH[known["row"].to_numpy(), known["column"].to_numpy()] = known["linearised_loss"].to_numpy()
