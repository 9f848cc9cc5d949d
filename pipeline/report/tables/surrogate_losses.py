"""Surrogate losses of the zero-one loss: their slopes in theory, and the steps each takes to few wrong answers.

With s the sigmoid of the logit of a yes that is right, cross-entropy has the slope ``s - 1`` and the Brier score
``2 (s - 1) s (1 - s)``. The ratio ``1 / (2 s (1 - s)) = 1 + cosh z`` is 2 where nothing is known yet, so at the zero
weights that a linear model starts from one whole gradient is twice the other; it has no bound where an answer is
wrong and sure of it, where descent on the Brier score stands still.
"""

from __future__ import annotations

import math

import polars as pl
import torch

from pipeline.experiment.trial import Shape
from pipeline.plans import Plan
from pipeline.problems.losses import BinaryCrossEntropy, BrierScore, Task
from pipeline.records.schema import Records
from pipeline.report.answer.best import at_best_rate
from pipeline.report.tables.cells import cell_of, objective_of, problem_labels
from pipeline.report.theory.verdicts import AGREES, CANNOT_SAY, CONTRADICTS

LOGITS = (-20.0, -10.0, -5.0, -2.0, 0.0, 2.0, 5.0)
LEVELS = (0.2, 0.1, 0.05, 0.02)
"""Fractions of wrong answers that steps are counted to."""
CLOSE = {"float32": 1e-5, "float64": 1e-10, "tf32": 1e-2}
"""Relative distance to the theory within which rounding decides, of a gradient over all points."""
RATIO_AT_ZERO = 2.0
ENTROPY, SQUARES = BinaryCrossEntropy(), BrierScore()
NO_RATIO = f"{CANNOT_SAY}: theory compares the first gradients of cross-entropy and the Brier score"
NO_THEORY = f"{CANNOT_SAY}: the ratio is known for linear models"


def slopes(plan: Plan) -> pl.DataFrame:
    """Slopes of both losses in the logit of a yes that is right, and their ratio; no rows without both losses.

    Columns: ``logit``, ``cross_entropy``, ``squares``, ``ratio``, ``theory``, ``verdict``.

    Returns:
        One row for each logit.
    """
    both = {ENTROPY, SQUARES} <= {pack.shape.loss for pack in plan.packs}
    logits = LOGITS if both else ()
    z_T11 = torch.tensor(logits, dtype=torch.float64)[:, None, None]
    steep_T, flat_T = (loss.gradient(z_T11, torch.ones(1, 1).double())[:, 0, 0] for loss in (ENTROPY, SQUARES))
    exact = [1 + math.cosh(z) for z in logits]
    ratio = (steep_T / flat_T).tolist()
    verdicts = [_verdict(found, known, CLOSE["float64"]) for found, known in zip(ratio, exact, strict=True)]
    columns = [logits, steep_T.tolist(), flat_T.tolist(), ratio, exact, verdicts]
    names = ("logit", "cross_entropy", "squares", "ratio", "theory")
    schema = dict.fromkeys(names, pl.Float64) | {"verdict": pl.String}
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)


def steps_to_accuracy(plan: Plan, results: pl.DataFrame, records: Records) -> pl.DataFrame:
    """One row for every classification by a loss, model and width: how soon few answers are wrong, and its first slope.

    At the best learning rate of each. Columns: those of the cell, ``learning_rate``, ``wrong``, the fraction of wrong
    answers at the end, and ``to_20%`` and so on, the first recorded step with at most that fraction, medians over
    seeds; null where most seeds did not get there. ``first_gradient`` is that of cross-entropy at step 0 over that of
    this loss, for the Brier score; ``theory``, the ratio 2, is known for linear models. No rows unless a
    problem is learned by several losses and its test error is recorded.

    Args:
        plan: Of the run.
        results: One row for every trial.
        records: All that was recorded.

    Returns:
        A table in the order of the plan.
    """
    shapes = {problem: shape for problem, shape in _shapes(plan).items() if shape.problem.task is not Task.REGRESSION}
    several = [problem for problem, shape in shapes.items() if len(plan.experiment.losses(shape.problem)) > 1]
    if not several:
        return pl.DataFrame()
    best = at_best_rate(results).filter(pl.col("problem").is_in(several), pl.col("status").is_in(["done", "diverged"]))
    if best.is_empty():
        return pl.DataFrame()
    first_steps = [pl.when(pl.col("value") <= level).then("step").min().alias(f"to_{level:.0%}") for level in LEVELS]
    wrong = records.lazy().filter(pl.col("diagnostic") == "test_error")
    reached = wrong.group_by("trial").agg(*first_steps).collect(engine="streaming")
    if reached.is_empty():
        return pl.DataFrame()
    names = [expression.meta.output_name() for expression in first_steps]
    at_last = [pl.col(name).fill_null(math.inf).median().alias(name) for name in names]
    table = (
        best.join(reached, on="trial", how="inner", maintain_order="left")
        .group_by(cell_of(best), maintain_order=True)
        .agg(pl.col("rate").first().alias("learning_rate"), pl.col("test_error").median().alias("wrong"), *at_last)
        .with_columns(pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in names)
    )
    return _with_first_gradient(plan, table, results, records, shapes)


def _with_first_gradient(
    plan: Plan, table: pl.DataFrame, results: pl.DataFrame, records: Records, shapes: dict[str, Shape]
) -> pl.DataFrame:
    """The table with ``first_gradient``, ``theory`` and ``verdict``."""
    at_first = records.lazy().filter(pl.col("diagnostic") == "gradient_norm", pl.col("step") == 0)
    first = at_first.select("trial", "value").collect()
    norms = results.join(first, on="trial").group_by(cell_of(results)).agg(pl.col("value").median())
    norm_of = {row[:-1]: row[-1] for row in norms.iter_rows()}
    labels = {(shape.problem.family, shape.loss): problem for problem, shape in shapes.items()}
    linear = {model.label() for model in plan.experiment.models if model.linear}
    ratios: list[float | None] = []
    for problem, *rest in table.select(cell_of(results)).iter_rows():
        shape = shapes[problem]
        by_entropy = labels.get((shape.problem.family, ENTROPY))
        norm, entropy = norm_of.get((problem, *rest)), norm_of.get((by_entropy, *rest))
        ratios.append(entropy / norm if shape.loss == SQUARES and norm and entropy else None)
    close = max(CLOSE[dtype] for dtype in plan.experiment.dtypes)
    theory = [
        RATIO_AT_ZERO if ratio is not None and model in linear else None
        for ratio, model in zip(ratios, table["model"], strict=True)
    ]
    verdicts = [_verdict(ratio, known, close) for ratio, known in zip(ratios, theory, strict=True)]
    return table.with_columns(
        pl.Series("first_gradient", ratios, dtype=pl.Float64),
        pl.Series("theory", theory, dtype=pl.Float64),
        pl.Series("verdict", verdicts, dtype=pl.String),
    )


def _verdict(found: float | None, exact: float | None, close: float) -> str:
    if found is None:
        return NO_RATIO
    if exact is None:
        return NO_THEORY
    return AGREES if math.isclose(found, exact, rel_tol=close) else CONTRADICTS


def _shapes(plan: Plan) -> dict[str, Shape]:
    """A shape of each problem by a loss, by its label in the tables."""
    labels = problem_labels(plan)
    return {labels[objective_of(pack.shape)]: pack.shape for pack in plan.packs}
