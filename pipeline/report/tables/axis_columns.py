"""Axes of trials as columns: model, basis and activation, and how each is trained, with numbers as numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from pipeline.definitions import Definition
from pipeline.experiment.trial import Shape
from pipeline.models.model import Model
from pipeline.plans import Plan
from pipeline.report.tables.cells import TRAINING

LABEL = "label"
"""Column of the model in words, as figures and pages name it: ``shallow(tanh)``."""
LOSS = "loss_function"
"""Column of what is minimised; ``loss`` is its last value."""


def with_axis_columns(plan: Plan, results: pl.DataFrame) -> pl.DataFrame:
    """The results with a column for each axis in place of the words that pages have.

    ``model`` is its name (linear, greedy, shallow); beside it stand its parts (``basis``, ``dictionary``,
    ``activation``, ``initialisation``), their parameters as far as one differs from its default, such as
    ``activation_slope``, and ``label``, all of it in words. ``loss_function``, ``optimizer``, ``batch_size`` (null for
    all points), ``dtype`` and ``steps`` are there in every run, so that tables of several runs can be joined.

    Args:
        plan: Of the run.
        results: One row for each trial, as ``results`` has them.

    Returns:
        As many rows, in their order.
    """
    shapes = list(dict.fromkeys(pack.shape for pack in plan.packs))
    columns = _columns(shapes, results.columns)
    number_of = {shape: number for number, shape in enumerate(shapes)}
    packs = [(number_of[pack.shape], pack.trials) for pack in plan.packs]  # a shape takes long to hash
    numbers = {trial.id: number for number, trials in packs for trial in trials}
    rows = pl.Series([numbers[trial] for trial in results["trial"]], dtype=pl.Int64)
    series = {name: _series(name, values) for name, values in columns.items()}
    series["batch_size"] = series["batch_size"].cast(pl.Int64)  # also where every trial has all points
    axes = {name: values.gather(rows) for name, values in series.items()}
    before = results.columns[: results.columns.index("model")]
    after = [name for name in results.columns if name not in {*before, *axes}]
    return results.with_columns(**axes).select(*before, *axes, *after)


def _columns(shapes: Sequence[Shape], taken: Sequence[str]) -> dict[str, list[object]]:
    """The values of each axis, one for each shape."""
    models = [dict(_parts("", shape.model)) for shape in shapes]
    wanted = dict.fromkeys(name for parts in models for name, part in parts.items() if part.shown)
    columns: dict[str, list[object]] = {"model": [shape.model.name() for shape in shapes]}
    for name in wanted:
        column = f"model_{name}" if name in taken or name in TRAINING else name
        columns[column] = [parts[name].value if name in parts else None for parts in models]
    columns[LABEL] = [shape.model.label() for shape in shapes]
    columns[LOSS] = [shape.loss.label() for shape in shapes]
    columns |= {
        "optimizer": [shape.optimizer.label() for shape in shapes],
        "batch_size": [shape.batch_size for shape in shapes],
        "dtype": [shape.dtype for shape in shapes],
        "steps": [shape.steps for shape in shapes],
    }
    return columns


@dataclasses.dataclass(frozen=True)
class Part:
    """A part or a parameter of a model.

    Args:
        value: A number, a name, or ``None``.
        shown: Whether it is a part of its own, or a parameter that is not at its default.
    """

    value: object
    shown: bool


def _parts(prefix: str, definition: Definition) -> Iterator[tuple[str, Part]]:
    """The parts of a definition, and theirs, by the names of their columns."""
    for field in dataclasses.fields(definition):  # type: ignore[arg-type]
        value, name = getattr(definition, field.name), f"{prefix}{field.name}"
        changed = field.default is dataclasses.MISSING or value != field.default
        if isinstance(value, Definition):
            yield name, Part(value.name(), changed or isinstance(definition, Model))
            yield from _parts(f"{name}_", value)
        else:
            yield name, Part(value, changed)


def _series(name: str, values: Sequence[object]) -> pl.Series:
    """A column of numbers or truth values where all are, else of texts; ``None`` is null."""
    present = [value for value in values if value is not None]
    for kind, dtype in NUMBERS.items():
        if present and all(type(value) in kind for value in present):
            return pl.Series(name, values, dtype)
    return pl.Series(name, [None if value is None else str(value) for value in values], pl.String)


NUMBERS: Mapping[tuple[type, ...], type[pl.DataType]] = {
    (bool,): pl.Boolean,
    (int,): pl.Int64,
    (int, float): pl.Float64,
}
