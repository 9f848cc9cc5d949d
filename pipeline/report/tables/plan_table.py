"""A plan as a table: how many trials, packs and weights each model and width has."""

from __future__ import annotations

import itertools

import polars as pl

from pipeline.experiment.packing import operations_of_pack
from pipeline.experiment.resources import bytes_of_pack
from pipeline.plan import Plan
from pipeline.report.tables.cells import objective_of, problem_labels, training_of


def plan_table(plan: Plan) -> pl.DataFrame:
    """One row per problem, model, training and width: trials, packs, memory of the largest pack, part of the work.

    Args:
        plan: Any plan; nothing of it needs to have run.

    Returns:
        A table in the order of the plan.
    """
    whole = sum(operations_of_pack(pack) for pack in plan.packs)
    rows, labels, varied = [], problem_labels(plan), plan.experiment.varied()
    for shape, group in itertools.groupby(plan.packs, key=lambda pack: pack.shape):
        packs = list(group)
        rows.append(
            {
                "problem": labels[objective_of(shape)],
                "train": shape.problem.train,
                "model": shape.model.label(),
                **{name: value for name, value in training_of(shape).items() if name in varied},
                "width": shape.width,
                "weights": shape.num_weights,
                "trials": sum(len(pack.trials) for pack in packs),
                "packs": len(packs),
                "memory MiB": max(bytes_of_pack(shape, len(pack.trials)) for pack in packs) / 2**20,
                "share of work %": 100 * sum(operations_of_pack(pack) for pack in packs) / whole,
            }
        )
    return pl.DataFrame(rows)
