"""Data that the page of a run explores, as ``scripts/explorer/run_data.js`` describes them.

The names of the fields are those of the JSON. Trials and cells are tables by columns: entry i of every column is of
trial i, or of cell i. An index into a list is -1 where there is none.

Shape letters: T trials, C cells, H steps, F frames, X points of a grid, P points, D inputs, M kinks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.html.packed_arrays import LowRank, PackedArray

VERSION = 1
NONE = -1
"""Index of nothing."""


@dataclass(frozen=True)
class DrawnGrid:
    """Points on which fits are drawn: along one input, or side by side over the plane, all y of the first x first.

    Args:
        x: float32, ``[X]`` along a line, ``[side]`` over the plane.
        y: float32 ``[side]``; ``None`` along a line.
        truth: float32 ``[X]``, the target there; ``None`` where only points are known.
    """

    x: PackedArray
    y: PackedArray | None
    truth: PackedArray | None


@dataclass(frozen=True)
class ProblemData:
    """A problem.

    Args:
        label: In words.
        inputs: D.
        outputs: K.
        task: regression, classes or labels.
        grid: ``None`` where a fit cannot be drawn.
        points: float32 ``[P, D]``, some of the training inputs; ``None`` without a grid.
        targets: float32 ``[P]``, what is to be learned there.
        sentence: Why no fit is drawn; empty where one is.
    """

    label: str
    inputs: int
    outputs: int
    task: str
    grid: DrawnGrid | None
    points: PackedArray | None
    targets: PackedArray | None
    sentence: str


@dataclass(frozen=True)
class ModelData:
    """A model.

    Args:
        label: With how it was trained where that differs.
        kind: linear, greedy, shallow, or the name of a model of an extension.
        activation: Of a network; empty for others.
        kinked: Whether each hidden unit has a kink, at ``-bias / slope``.
    """

    label: str
    kind: str
    activation: str
    kinked: bool


@dataclass(frozen=True)
class DiagnosticData:
    """A quantity that was recorded.

    Args:
        name: As in YAML.
        label: In words.
        logarithmic: Whether an axis of it should be.
    """

    name: str
    label: str
    logarithmic: bool


@dataclass(frozen=True)
class FramesData:
    """What one trial of a cell was at some steps; at a single one, the last, where only its fit at the end was kept.

    Args:
        cell: Index.
        trial: Index.
        steps: int32 ``[F]``, ascending.
        fit: ``[F, X]`` on the grid of the problem: the output, of labels less the threshold of a yes.
        units: ``[F, W * (D + 1)]`` of a network: slopes and bias of each hidden unit, bias last, over the length of all
            of them; ``None`` for others.
        atoms: Numbers of the functions that a greedy model has chosen, in its order; ``None`` for others.
        kinks: float32 ``[M]``, where a fixed basis bends; ``None`` for others.
        defined: uint8 ``[X]``, whether the model has a value there; ``None`` where it has one everywhere.
    """

    cell: int
    trial: int
    steps: PackedArray
    fit: LowRank
    units: LowRank | None
    atoms: Sequence[int] | None
    kinks: PackedArray | None
    defined: PackedArray | None


@dataclass(frozen=True)
class TrialColumns:
    """The trials of the page.

    Args:
        id: 64 hexadecimal digits each.
        cell: int32 ``[T]``.
        seed: int32 ``[T]``, index into ``seeds``.
        data_seed: int32 ``[T]``, seed of the points; -1 where there is one sample only.
        own_points: uint8 ``[T]``, whether it was trained on the points that are shown of its problem.
        status: uint8 ``[T]``, index into ``statuses``.
        step: int32 ``[T]``, the last one reached; -1 before the first.
        learning_rate: float64 ``[T]``, NaN for a solver, or where it is not known yet.
        limit: float32 ``[T]``, the largest stable rate predicted of it, at the first weights of a network; NaN: none.
        verdict: int32 ``[T]``, index into ``verdicts``.
        grounds: int32 ``[T]``, index into ``grounds``.
        last: By the name of a diagnostic, float32 ``[T]``: its last value, NaN where it was not recorded.
    """

    id: Sequence[str]
    cell: PackedArray
    seed: PackedArray
    data_seed: PackedArray
    own_points: PackedArray
    status: PackedArray
    step: PackedArray
    learning_rate: PackedArray
    limit: PackedArray
    verdict: PackedArray
    grounds: PackedArray
    last: Mapping[str, PackedArray]


@dataclass(frozen=True)
class CellColumns:
    """Problem x model x width x rate; medians are over the trials that did not diverge.

    Args:
        problem: int32 ``[C]``.
        model: int32 ``[C]``.
        width: int32 ``[C]``, index into ``widths``.
        rate: int32 ``[C]``, index into ``rates``; -1 for a solver.
        trial: int32 ``[C]``, the trial of the first seed.
        trials: int32 ``[C]``, how many it has in the run.
        ended: int32 ``[C]``, how many of these are done or have diverged.
        diverged: int32 ``[C]``, how many of these have diverged.
        loss: float32 ``[C]``, the last training loss.
        score: float32 ``[C]``, the last value of the criterion.
        limit: float32 ``[C]``, the predicted limit of the rate on the axis of rates; NaN for none.
        limit_words: int32 ``[C]``, index into ``limit_words``.
        best: uint8 ``[C]``, 1 for the best rate of its width, 2 for the best width and rate of its model, 3 for those
            of the best model of its problem.
        frames: int32 ``[C]``, index into ``frames``.
    """

    problem: PackedArray
    model: PackedArray
    width: PackedArray
    rate: PackedArray
    trial: PackedArray
    trials: PackedArray
    ended: PackedArray
    diverged: PackedArray
    loss: PackedArray
    score: PackedArray
    limit: PackedArray
    limit_words: PackedArray
    best: PackedArray
    frames: PackedArray


@dataclass(frozen=True)
class RunData:
    """All that the page explores.

    Args:
        sentences: What was left out of the page and by which rule, and why a fit or a step is missing.
        criterion: Name of the diagnostic that trials are judged by.
        criterion_title: What it is, and its unit.
        loss_title: What the training loss is.
        rate_title: What ``rates`` are: learning rates, or multiples of the predicted limit.
        problems: In the order of the plan.
        models: In the order of the plan.
        widths: Ascending.
        rates: Ascending.
        seeds: In the order of the experiment.
        diagnostics: In the order of the experiment.
        statuses: done, diverged, failed, pending.
        verdicts: What theory says of trials.
        grounds: What verdicts rest on.
        limit_words: What is known of rates below a limit.
        trials: Table of trials.
        cells: Table of cells.
        steps: int32 ``[H]``, the recorded steps of curves.
        curves: By the name of a diagnostic, bfloat16 ``[T, H]``: NaN where it was not recorded.
        predicted: bfloat16 ``[T, H]``, the training loss that theory predicts; ``None`` where none is.
        frames: Of some cells.
        version: Of this description.
    """

    sentences: Sequence[str]
    criterion: str
    criterion_title: str
    loss_title: str
    rate_title: str
    problems: Sequence[ProblemData]
    models: Sequence[ModelData]
    widths: Sequence[int]
    rates: Sequence[float]
    seeds: Sequence[int]
    diagnostics: Sequence[DiagnosticData]
    statuses: Sequence[str]
    verdicts: Sequence[str]
    grounds: Sequence[str]
    limit_words: Sequence[str]
    trials: TrialColumns
    cells: CellColumns
    steps: PackedArray
    curves: Mapping[str, PackedArray]
    predicted: PackedArray | None
    frames: Sequence[FramesData]
    version: int = VERSION

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return dataclasses.asdict(self)
