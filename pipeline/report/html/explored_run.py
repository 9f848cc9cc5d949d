"""The data of the page's explorer, made from the tables of a run and its frames.

Shape letters: T trials, H recorded steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.experiment.trial import Shape
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.report.html.end_fits import end_fits
from pipeline.report.html.explored_cells import ExploredCells, explored_cells
from pipeline.report.html.explored_curves import explored_curves
from pipeline.report.html.explored_frames import explored_frames, problem_data
from pipeline.report.html.explorer_data import (
    NONE,
    CellColumns,
    DiagnosticData,
    FramesData,
    ModelData,
    RunData,
    TrialColumns,
)
from pipeline.report.html.packed_arrays import NumberType, PackedArray, packed
from pipeline.report.tables.results import TIMES_FIRST_LIMIT, criterion
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.trial_verdicts import UNREADABLE

STATUSES = ("done", "diverged", "failed", "pending")
"""Those of a run all of which can be read."""


def run_data(tables: RunTables) -> RunData:
    """All that the page of a run explores.

    Args:
        tables: Of the run.

    Returns:
        The data, as they stand in the page.
    """
    explored = explored_cells(tables)
    cells, trials = explored.cells, explored.trials
    shapes = _shapes(tables, trials["trial"])
    firsts = cells.group_by("panel_problem", maintain_order=True).agg(pl.col("first").first())
    problems = {label: problem_data(label, shapes[first].problem) for label, first in firsts.iter_rows()}
    labels, drawn = list(problems), {label: shapes[first].problem for label, first in firsts.iter_rows()}
    of_trials = trials.select("trial", "panel_problem").iter_rows()
    own_points = [shapes[trial].problem == drawn[label] for trial, label in of_trials]
    grids = {label: grid for label, (_, grid) in problems.items()}
    curves = explored_curves(tables, trials, shapes)
    frames = explored_frames(tables, explored, shapes, grids)
    fits = (*frames.frames, *end_fits(tables, explored, grids, frames.frames))
    verdicts, grounds, words = (
        Numbered(column) for column in (trials["verdict"], trials["grounds"], cells["limit_words"])
    )
    widths, rates = sorted(cells["width"].unique()), sorted(cells["rate_axis"].drop_nulls().unique())
    return RunData(
        sentences=(*explored.sentences, *curves.sentences, *frames.sentences),
        criterion=criterion(tables.results),
        criterion_title=tables.error_title,
        loss_title=tables.loss_title,
        rate_title=tables.rate_title,
        problems=[problems[label][0] for label in labels],
        models=_models(tables, explored, shapes),
        widths=widths,
        rates=rates,
        seeds=tables.plan.experiment.resolved_seeds(),
        diagnostics=_diagnostics(tables),
        statuses=(*STATUSES, *((UNREADABLE,) if tables.damage.trials else ())),
        verdicts=verdicts.texts,
        grounds=grounds.texts,
        limit_words=words.texts,
        trials=_trial_columns(tables, trials, own_points, verdicts, grounds),
        cells=_cell_columns(explored, labels, widths, rates, words, fits),
        steps=packed(curves.steps, "int32"),
        curves={name: packed(values_TH, "bfloat16") for name, values_TH in curves.values.items()},
        predicted=None if curves.predicted is None else packed(curves.predicted, "bfloat16"),
        frames=fits,
    )


class Numbered:
    """Texts by number, and the number of each entry of a column; -1 for none.

    Args:
        column: Texts, some of them null or empty.
    """

    def __init__(self, column: pl.Series) -> None:
        self.texts: list[str] = sorted(set(column.drop_nulls()) - {""})
        numbers = {text: number for number, text in enumerate(self.texts)}
        self.numbers = packed([numbers.get(text, NONE) for text in column], "int32")


def _shapes(tables: RunTables, trials: pl.Series) -> dict[str, Shape]:
    """The shapes of some trials, by id; of a million no table is made for them."""
    wanted = set(trials)
    return {trial.id: pack.shape for pack in tables.plan.packs for trial in pack.trials if trial.id in wanted}


def _models(tables: RunTables, explored: ExploredCells, shapes: dict[str, Shape]) -> list[ModelData]:
    of_label = {str(name): shapes[trial].model for name, trial in explored.cells.select("name", "first").iter_rows()}
    return [_model_data(label, of_label.get(label)) for label in tables.models]


def _model_data(label: str, model: Model | None) -> ModelData:
    if isinstance(model, Shallow):
        return ModelData(label, model.name(), model.activation.name(), model.activation.kinked)
    return ModelData(label, "" if model is None else model.name(), "", kinked=False)


def _diagnostics(tables: RunTables) -> list[DiagnosticData]:
    return [_diagnostic_data(one) for one in tables.plan.experiment.diagnostics if one.name() in tables.results.columns]


def _diagnostic_data(diagnostic: Diagnostic) -> DiagnosticData:
    label = diagnostic.unit or diagnostic.name().replace("_", " ")
    return DiagnosticData(diagnostic.name(), label, logarithmic=not diagnostic.signed)


def _trial_columns(
    tables: RunTables, trials: pl.DataFrame, own_points: list[bool], verdicts: Numbered, grounds: Numbered
) -> TrialColumns:
    statuses = {status: number for number, status in enumerate((*STATUSES, UNREADABLE))}
    names = [one.name() for one in tables.plan.experiment.diagnostics if one.name() in trials.columns]
    has_seeds = "data_seed" in trials.columns
    limits = trials["learning_rate"] / trials[TIMES_FIRST_LIMIT]
    return TrialColumns(
        id=trials["trial"].to_list(),
        cell=packed(trials["cell"], "int32"),
        seed=packed(trials["seed_place"], "int32"),
        data_seed=packed(trials["data_seed"] if has_seeds else np.full(trials.height, NONE), "int32"),
        own_points=packed(own_points, "uint8"),
        status=packed([statuses[status] for status in trials["status"]], "uint8"),
        step=packed(trials["step"].fill_null(NONE), "int32"),
        learning_rate=_floats(trials["learning_rate"], "float64"),
        limit=_floats(pl.select(pl.when(limits.is_finite()).then(limits)).to_series()),
        verdict=verdicts.numbers,
        grounds=grounds.numbers,
        last={name: _floats(trials[name]) for name in names if trials[name].count()},
    )


def _cell_columns(
    explored: ExploredCells,
    labels: Sequence[str],
    widths: Sequence[int],
    rates: Sequence[float],
    words: Numbered,
    frames: Sequence[FramesData],
) -> CellColumns:
    cells, trials = explored.cells, explored.trials
    places = {label: place for place, label in enumerate(labels)}
    number_of_trial = {trial: number for number, trial in enumerate(trials["trial"])}
    place_of_rate = {rate: place for place, rate in enumerate(rates)}
    number_of_frames = {one.cell: number for number, one in reversed(list(enumerate(frames)))}  # the first of each

    def integers(values: Sequence[int] | pl.Series) -> PackedArray:
        return packed(values, "int32")

    return CellColumns(
        problem=integers([places[label] for label in cells["panel_problem"]]),
        model=integers(cells["name"].to_physical()),
        width=integers([widths.index(width) for width in cells["width"]]),
        rate=integers([place_of_rate.get(rate, NONE) for rate in cells["rate_axis"]]),
        trial=integers([number_of_trial[trial] for trial in cells["first"]]),
        trials=integers(cells["trials"]),
        ended=integers(cells["ended"]),
        diverged=integers(cells["diverged"]),
        loss=_floats(cells["loss"]),
        score=_floats(cells["score"]),
        limit=_floats(cells["limit"]),
        limit_words=words.numbers,
        best=packed(cells["best"], "uint8"),
        frames=integers([number_of_frames.get(cell, NONE) for cell in cells["cell"]]),
    )


def _floats(column: pl.Series, kind: NumberType = "float32") -> PackedArray:
    """Numbers, NaN for null."""
    return packed(column.cast(pl.Float64).fill_null(np.nan), kind)
