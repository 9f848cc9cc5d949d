"""A plan as a table: how many trials, packs and weights each model and width has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.experiment.packing import Pack, operations_of_pack
from pipeline.experiment.resources import bytes_of_pack
from pipeline.experiment.trial import Shape
from pipeline.plans import Plan
from pipeline.report.tables.cells import Objective, objective_of, problem_labels, training_of


def plan_table(plan: Plan) -> pl.DataFrame:
    """One row per problem, model, training and width: trials, packs, memory of the largest pack, part of the work.

    Args:
        plan: Any plan; nothing of it needs to have run.

    Returns:
        A table in the order of the plan.
    """
    whole = sum(operations_of_pack(pack) for pack in plan.packs)
    labels, varied = problem_labels(plan), plan.experiment.varied()
    rows: dict[tuple[tuple[str, object], ...], list[Pack]] = {}
    for pack in plan.packs:
        rows.setdefault(tuple(_axes(pack.shape, labels, varied).items()), []).append(pack)
    return pl.DataFrame([{**dict(axes), **_sizes(packs, whole)} for axes, packs in rows.items()])


def _axes(shape: Shape, labels: Mapping[Objective, str], varied: Sequence[str]) -> dict[str, object]:
    """What the trials of a row have in common."""
    training = {name: value for name, value in training_of(shape).items() if name in varied}
    model = {"model": shape.model.label(), **training, "width": shape.width, "weights": shape.num_weights}
    return {"problem": labels[objective_of(shape)], "train": shape.problem.train, **model}


def _sizes(packs: Sequence[Pack], whole: int) -> dict[str, object]:
    """How much there is of it."""
    return {
        "trials": sum(len(pack.trials) for pack in packs),
        "packs": len(packs),
        "memory MiB": max(bytes_of_pack(pack.shape, len(pack.trials)) for pack in packs) / 2**20,
        "share of work %": 100 * sum(operations_of_pack(pack) for pack in packs) / whole,
    }
