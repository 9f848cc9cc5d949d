"""Frames that a page plays: the function of one trial of each cell at its recorded steps on a grid, its hidden units.

Shape letters: F frames, X points of a grid, D inputs, A rows made of the inputs, M kinks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor

from pipeline.errors import number_of
from pipeline.experiment.frame_choice import can_be_drawn, frame_choice
from pipeline.experiment.trial import Shape
from pipeline.models.greedy import Greedy, SelectedFunctions
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.even_spacing import evenly_spaced
from pipeline.problems.losses import Task, threshold
from pipeline.problems.problem import FunctionProblem, Problem
from pipeline.records.frame_store import read_frames
from pipeline.report.html.explored_cells import ExploredCells, on_every
from pipeline.report.html.explorer_data import DrawnGrid, FramesData, ProblemData
from pipeline.report.html.packed_arrays import LowRank, PackedArray, low_rank, packed
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.initial_modes import dataset_of

LINE_POINTS = 200
GRID_SIDE = 32
"""Points along each side of a grid over the plane."""
MOST_POINTS = 256
"""Training points that are shown."""
MOST_LETTERS = 2_400_000
"""Of all frames of a page."""
TOLERANCE_OF_FITS, TOLERANCE_OF_UNITS = 2e-3, 5e-4
NO_FRAMES = "This run has no frames of its trials: it was trained before they were recorded, or their folder is gone."


def problem_data(label: str, problem: Problem) -> tuple[ProblemData, Tensor | None]:
    """A problem as the page shows it, and the points at which fits are drawn.

    Args:
        label: In words.
        problem: The problem.

    Returns:
        The problem, and points ``[X, D]`` in float64; ``None`` where no fit is drawn.
    """
    sentence, dataset = _why_not(problem), None
    if not sentence:
        dataset = dataset_of(problem)
        sentence = "" if dataset else "The table was moved or has changed since, so that no fit is drawn over it."
    plain = (label, problem.num_inputs, problem.num_outputs, problem.task.value)
    if dataset is None:
        return ProblemData(*plain, None, None, None, sentence), None
    number = LINE_POINTS if problem.num_inputs == 1 else GRID_SIDE
    low_D, high_D = dataset.test_inputs_PD.amin(dim=0).double(), dataset.test_inputs_PD.amax(dim=0).double()
    sides = [
        torch.linspace(float(a), float(b), number, dtype=torch.float64) for a, b in zip(low_D, high_D, strict=True)
    ]
    grid_XD = torch.cartesian_prod(*sides).reshape(-1, problem.num_inputs)
    truth = packed(problem.target(grid_XD.numpy()), "float32") if isinstance(problem, FunctionProblem) else None
    grid = DrawnGrid(packed(sides[0], "float32"), packed(sides[1], "float32") if len(sides) > 1 else None, truth)
    some = evenly_spaced(range(len(dataset.train_inputs_PD)), MOST_POINTS)
    points, targets = dataset.train_inputs_PD[some], dataset.train_targets_PK[some, 0]
    return ProblemData(*plain, grid, packed(points, "float32"), packed(targets, "float32"), ""), grid_XD


def _why_not(problem: Problem) -> str:
    if can_be_drawn(problem):
        return ""
    has = f"{number_of(problem.num_inputs, 'input')} and {number_of(problem.num_outputs, 'output')}"
    return f"Fits are drawn of one or two inputs and one output: this problem has {has}."


@dataclass(frozen=True)
class ExploredFrames:
    """Frames of a page.

    Args:
        frames: Of some cells.
        sentences: What was left out, and by which rule.
    """

    frames: tuple[FramesData, ...]
    sentences: tuple[str, ...]


def explored_frames(
    tables: RunTables,
    explored: ExploredCells,
    shapes: Mapping[str, Shape],
    grids: Mapping[str, Tensor | None],
    most_letters: int = MOST_LETTERS,
) -> ExploredFrames:
    """The frames of as many cells as fit: the best of each width first, then of ever denser widths and rates.

    Args:
        tables: Of the run.
        explored: Cells and trials of the page.
        shapes: Of the trials, by id.
        grids: Points at which fits are drawn, by the label of the problem.
        most_letters: Of all frames at most.

    Returns:
        The frames, in the order of the cells.
    """
    if all(grid is None for grid in grids.values()):
        return ExploredFrames((), ())
    recorded, damaged = read_frames(tables.run) if tables.run else (pl.DataFrame(), [])
    if recorded.is_empty():
        has_begun = bool((explored.trials["status"] != "pending").any())
        return ExploredFrames((), _damage_in_words(damaged) or ((NO_FRAMES,) if has_begun else ()))
    cells = explored.cells.with_columns(problem=pl.col("panel_problem").cast(pl.String))
    numbers = explored.trials.select("trial").with_row_index("number")
    recorded = recorded.filter(pl.col("trial").is_in(cells["first"].implode())).sort("trial", "step")
    by_trial = {str(trial): rows for (trial,), rows in recorded.partition_by("trial", as_dict=True).items()}
    known = cells.join(numbers, left_on="first", right_on="trial").filter(pl.col("first").is_in(list(by_trial)))
    kept: dict[int, FramesData] = {}
    letters, stride_of_kept = 0, 0
    prepared = PreparedGrids(grids)
    for stride, level in _levels(known):
        made = {
            cell: frames
            for cell, number, trial, problem in level.select("cell", "number", "first", "problem").iter_rows()
            if (frames := prepared.frames(cell, number, shapes[trial], problem, by_trial[trial]))
        }
        letters += sum(letters_of(frames) for frames in made.values())
        if letters > most_letters and kept:
            break
        kept |= made
        stride_of_kept = stride
    rule = _rule_in_words(stride_of_kept, len(kept), known.height)
    choice = frame_choice(tables.plan.experiment).in_words()
    sentences = (*_damage_in_words(damaged), *([choice] if choice else []), *rule)
    return ExploredFrames(tuple(kept[cell] for cell in sorted(kept)), sentences)


def _levels(cells: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    """Cells in the order in which they come into the page, with the stride of the widths and rates then in it."""
    yield 0, cells.filter(pl.col("best") > 0)
    left, stride = cells.filter(pl.col("best") == 0), 16
    while left.height:
        wanted = on_every(cells, stride)
        yield stride, left.filter(wanted)
        left, stride = left.filter(~wanted), stride // 2


def _rule_in_words(stride: int, shown: int, known: int) -> tuple[str, ...]:
    if shown == known or not shown:
        return ()
    also = f", and every {'second' if stride == 2 else f'{stride}th'} width and learning rate" if stride else ""
    return (f"Of {known} cells {shown} have frames here: the best learning rate of each width{also}.",)


def _damage_in_words(damaged: list[Path]) -> tuple[str, ...]:
    if not damaged:
        return ()
    files = number_of(len(damaged), "file")
    return (f"{files} of frames cannot be read, and what was in it is missing here: {damaged[0].name}.",)


def letters_of(frames: FramesData) -> int:
    """How many letters of a page the frames of one trial take, about."""
    arrays = [frames.fit, frames.units]
    return sum(len(one.left.base64) + len(one.right.base64) for one in arrays if one) + 200


class PreparedGrids:
    """Frames of trials, with the grid prepared once for all trials of a shape.

    Args:
        grids: Points at which fits are drawn, by the label of the problem.
    """

    def __init__(self, grids: Mapping[str, Tensor | None]) -> None:
        self.grids = grids
        self._prepared: tuple[Shape, Model, Tensor] | None = None

    def frames(self, cell: int, trial: int, shape: Shape, problem: str, rows: pl.DataFrame) -> FramesData | None:
        """The frames of one trial.

        Args:
            cell: Its number.
            trial: The number of the trial.
            shape: Of the trial.
            problem: Its label.
            rows: Of ``FRAMES``, by step.

        Returns:
            ``None`` where nothing can be drawn.
        """
        grid_XD = self.grids[problem]
        if grid_XD is None:
            return None
        model, prepared_AX = self._model(shape, rows["atoms"][0], grid_XD)
        weights_FN = torch.from_numpy(np.stack(rows["weights"].to_list()))
        fit_FX = model.outputs(weights_FN, prepared_AX, shape.width, 1)[:, 0]
        if shape.problem.task is Task.LABELS:
            fit_FX = fit_FX - threshold(shape.loss)
        defined_X = model.defined_at(grid_XD)
        fit_FX = torch.where(defined_X, fit_FX, torch.zeros_like(fit_FX))
        finite = (fit_FX.isfinite().all(dim=1) & weights_FN.isfinite().all(dim=1)).numpy()
        if not finite.any():
            return None
        atoms, steps = rows["atoms"][0], rows["step"].to_numpy()[finite]
        return FramesData(
            cell,
            trial,
            packed(steps, "int32"),
            low_rank(fit_FX.numpy()[finite], TOLERANCE_OF_FITS),
            _units(weights_FN[torch.from_numpy(finite)], shape) if isinstance(model, Shallow) else None,
            None if atoms is None else list(atoms),
            _kinks(model, shape, weights_FN[:1]),
            None if bool(defined_X.all()) else packed(defined_X.numpy(), "uint8"),
        )

    def _model(self, shape: Shape, atoms: pl.Series | None, grid_XD: Tensor) -> tuple[Model, Tensor]:
        if self._prepared is None or self._prepared[0] is not shape:
            model = shape.model
            if isinstance(model, Greedy):
                assert atoms is not None
                model = SelectedFunctions(model, tuple(atoms), model.size_for(shape.width))
            self._prepared = (shape, model, model.prepare(grid_XD, shape.width))
        return self._prepared[1:]


def _units(weights_FN: Tensor, shape: Shape) -> LowRank:
    """The hidden layer, each unit over its length: it bends in the same place, and a small one as exactly there."""
    fans = shape.problem.num_inputs + 1
    units_FWD = weights_FN[:, : shape.width * fans].double().reshape(len(weights_FN), shape.width, fans)
    unit_FWD = torch.nn.functional.normalize(units_FWD, dim=-1, eps=torch.finfo(torch.float64).tiny)
    return low_rank(unit_FWD.flatten(1).numpy(), TOLERANCE_OF_UNITS)


def _kinks(model: Model, shape: Shape, weights_1N: Tensor) -> PackedArray | None:
    """Where a fixed basis bends."""
    kinks_1M = model.kinks(weights_1N, shape.width, 1) if model.linear and shape.problem.num_inputs == 1 else None
    if kinks_1M is None:
        return None
    kinks_M = kinks_1M[0][kinks_1M[0].isfinite()]
    return packed(kinks_M, "float32") if len(kinks_M) else None
