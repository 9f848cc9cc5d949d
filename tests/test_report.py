"""Experiments drawn at random over all tables: no verdict on them is refuted by a second way.

The second way is plain NumPy in float64: descent by matrices, spectra of dense ones. It shares the features of a model
and the points of a problem with what it checks, and nothing else. ``make test-verdicts`` draws more of them.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from pipeline.diagnostics.conditioning import LargestStableLearningRate
from pipeline.diagnostics.convergence import TrainingLoss
from pipeline.diagnostics.prediction import ExcessLoss
from pipeline.errors import FieldError, PipelineError
from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.models.activations import ACTIVATIONS
from pipeline.models.bases import BASES
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent, Momentum, Nesterov, Optimizer
from pipeline.optimizers.stability_limits import Limit
from pipeline.plans import Plan, make_plan
from pipeline.problems.datasets import Table
from pipeline.problems.losses import LOSSES, HalfMeanSquare, Task
from pipeline.problems.measures import Corners, Grid, Measure, Normal, Rings, Uniform
from pipeline.problems.targets import TARGETS, Target
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.tables.excess_losses import predicted_and_measured
from pipeline.report.tables.results import results
from pipeline.report.theory.stable_rates import MARGIN
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS
from pipeline.training.diagnostic_values import evaluate_diagnostics
from pipeline.training.module import NEVER, PackModule
from pipeline.training.segments import Segment
from pipeline.training.stacked_optimizer import StackedOptimizer

NUM_TRIALS = int(os.environ.get("DRAWN_TRIALS", "2000"))
RATES = (0.03, 0.3, 0.7, 0.95, 0.985, 0.995, 0.9990, 1.0, 1.0008, 1.005, 1.015, 1.03, 1.1, 1.3, 1.7, 2.5)
DIAGNOSTICS = (TrainingLoss(), LargestStableLearningRate(), ExcessLoss())


Array = np.ndarray


# Drawing.


def one_of(rng: np.random.Generator, *choices):
    return choices[int(rng.integers(len(choices)))]


def drawn_measure(rng: np.random.Generator) -> Measure:
    low, size = float(rng.uniform(-2, 0.5)), float(rng.uniform(0.2, 3))
    inside = (Uniform(), Grid(), Uniform(0.0, 1.0), Uniform(-0.5, 0.5))
    return one_of(rng, *inside, Uniform(low, low + size), Grid(low, low + size), Normal(), Normal(3.0))


def drawn_inputs(rng: np.random.Generator, target: Target) -> Inputs:
    points = 2 ** int(rng.integers(1, 6))
    common = {"train": (points,), "test": 4, "seed": int(rng.integers(1000))}
    if target.task is not Task.REGRESSION:
        size = 4 if isinstance(target.natural_measure, Corners) else points
        return Inputs(**(common | {"train": (size,)}))
    dimension = target.dimensions or int(rng.integers(1, 3))
    measure = one_of(rng, drawn_measure(rng), Rings() if dimension == 2 else Uniform())
    square = {"train": (16,)} if isinstance(measure, Grid) and dimension == 2 else {}
    noise = one_of(rng, (0.0,), (0.1,))
    return Inputs(measure=measure, dimension=(dimension,), noise=noise, **(common | square))


def drawn_rule(rng: np.random.Generator) -> Optimizer:
    momentum = float(one_of(rng, 0.0, 0.3, 0.9, 0.99, rng.uniform()))
    return one_of(rng, GradientDescent(), GradientDescent(), Momentum(momentum), Nesterov(momentum))


def drawn_experiment(rng: np.random.Generator, tables: list[Table]) -> Experiment:
    """One model on one problem, at many multiples of its limit."""
    target = one_of(rng, *TARGETS.values())()
    asked = {"target": (target,), "inputs": drawn_inputs(rng, target)}
    task = target.task
    if rng.random() < 0.2:
        asked, task = {"data": (one_of(rng, *tables),)}, Task.REGRESSION
    losses = [loss() for loss in LOSSES.values() if task in loss.tasks]
    loss, steps = one_of(rng, HalfMeanSquare(), HalfMeanSquare(), *losses), int(one_of(rng, 1, 3, 30, 300, 1000))
    return Experiment(
        "?",
        (Linear(one_of(rng, *BASES.values())()),),
        (int(rng.integers(1, 9)),),
        **asked,
        loss=loss,
        optimizer=drawn_rule(rng),
        learning_rates=TimesLimits(tuple(sorted(rng.choice(RATES, size=10, replace=False).tolist()))),
        steps=steps,
        record_at=tuple(sorted({int(step) for step in rng.integers(0, steps + 1, size=8)})),
        batch_size=one_of(rng, "full", "full", "full", "full", 1, 2),
        seeds=1,
        dtype=one_of(rng, "float32", "float64"),
        diagnostics=DIAGNOSTICS,
        engine=one_of(rng, "reference", "auto") if loss.quadratic else "reference",  # one kernel takes half a second
    )


def drawn_tables(folder: Path) -> list[Table]:
    """Tables whose columns are alike, or standardised to a mean of zero, give or take a rounding."""
    rng = np.random.default_rng(0)
    tables = []
    for rows in (6, 30):
        a, c = rng.standard_normal((2, rows))
        path = folder / f"{rows}.csv"
        pl.DataFrame({"a": a, "b": a, "c": c, "y": (a - a.mean()) / a.std(), "z": a * c - c}).write_csv(path)
        asked = itertools.product((("a", "b"), ("c",)), ("y", "z"))
        tables += [Table(path, inputs=inputs, output=(output,)) for inputs, output in asked]
    return tables


# Training, without what Lightning does around it.


@dataclass(frozen=True)
class Run:
    plan: Plan
    records: pl.DataFrame
    outcomes: pl.DataFrame
    modules: dict[str, PackModule]


def trained(experiment: Experiment) -> Run:
    """A run of an experiment, in this process."""
    plan = make_plan("drawn", experiment)
    rows, ended, modules = [], [], {}
    for pack in plan.packs:
        module = modules[pack.id] = PackModule(pack, experiment.recorded_steps(), engine=experiment.engine)
        rows += train(module, pack, experiment)
        ends = zip(pack.trials, module.learning_rates_T.tolist(), module.diverged_at.tolist(), strict=True)
        for trial, rate, at in ends:
            status, step = ("done", experiment.steps) if at == NEVER else ("diverged", at)
            where = (0.0, module.engine.name, "cpu", "host", "0", pack.id, "", 1, "", "", "")
            ended.append((trial.id, status, step, "", rate, *where))
    records = pl.DataFrame(rows, schema=RECORDS, orient="row")
    return Run(plan, records, pl.DataFrame(ended, schema=OUTCOMES, orient="row"), modules)


def train(module: PackModule, pack: Pack, experiment: Experiment) -> Iterator[tuple[str, int, str, float, str]]:
    rates_T = module.learning_rates_T.to(module.weights.dtype)
    optimizer = StackedOptimizer(module.weights, pack.shape.optimizer, rates_T)
    module.on_fit_start()
    for first, last in itertools.pairwise((0, *experiment.recorded_steps())):
        if last:
            stack = module.stack_of_all(optimizer)
            left_T = module.update(stack, slice(None), Segment(first, last))
            module.diverged_at.copy_(torch.where(module.diverged_at == NEVER, left_T, module.diverged_at))
        module.steps_done.fill_(last)
        for values in evaluate_diagnostics(
            module, experiment.diagnostics, at_first=last == 0, at_last=last == experiment.num_steps
        ):
            for position, value in zip(values.positions_T, values.values_T, strict=True):
                yield pack.trials[position].id, values.step, values.diagnostic, float(value), pack.id


# The second way.


def curvature_limit(rule: Optimizer) -> float:
    """The largest stable rate times the largest eigenvalue, from the textbook."""
    momentum = getattr(rule, "momentum", 0.0)
    return (2 + 2 * momentum) / (1 + 2 * momentum) if isinstance(rule, Nesterov) else 2 + 2 * momentum


def descent(features_PF: Array, targets_PK: Array, rule: Optimizer, rates_R: Array, steps: int) -> Array:
    """Losses of descent from zero at every step, ``[steps + 1, R]``; weights are ``[R, F, K]``."""
    weights = np.zeros((len(rates_R), features_PF.shape[1], targets_PK.shape[1]))
    velocity, rate = np.zeros_like(weights), rates_R[:, None, None]
    momentum, seen = getattr(rule, "momentum", 0.0), []
    for _ in range(steps + 1):
        residuals = features_PF @ weights - targets_PK
        seen.append((residuals**2).sum(axis=(1, 2)) / (2 * len(targets_PK)))
        gradient = features_PF.T @ residuals / len(targets_PK)
        velocity = momentum * velocity + gradient
        weights = weights - rate * (gradient + momentum * velocity if isinstance(rule, Nesterov) else velocity)
    return np.array(seen)


def mean_square_radius(features_PF: Array, batch_size: int, rate: float) -> float:
    """Spectral radius of the map of second moments, over all batches of points that are drawn once."""
    steps = [
        np.eye(features_PF.shape[1]) - rate * features_PF[list(batch)].T @ features_PF[list(batch)] / batch_size
        for batch in itertools.combinations(range(len(features_PF)), batch_size)
    ]
    range_FS = np.linalg.svd(features_PF)[2][: np.linalg.matrix_rank(features_PF)].T
    seen = np.kron(range_FS, range_FS)
    return float(np.abs(np.linalg.eigvals(seen.T @ np.mean([np.kron(one, one) for one in steps], axis=0) @ seen)).max())


# Holding one against the other.


def refuted(run: Run, counts: Counter[str]) -> Iterator[str]:
    """What is said of a run that the second way denies; counted is what was said."""
    table = results(run.plan, run.records, run.outcomes)
    predicted = predicted_and_measured(run.plan, table, run.records, run.outcomes)
    (pack,) = run.plan.packs
    shape, context = pack.shape, run.modules[pack.id].context
    features_PF = context.prepared_AP.numpy().T
    targets_PK = context.dataset.train_targets_PK.numpy()
    limits = table["largest_stable_learning_rate"].drop_nulls().to_list()
    meaning = table["limit"][0]
    yield from wrong_limit(shape, features_PF, limits, meaning)
    losses = by_trial(run.records, "loss")
    with np.errstate(all="ignore"):
        curves_HR = descent(features_PF, targets_PK, shape.optimizer, table["learning_rate"].to_numpy(), shape.steps)
    for place, row in enumerate(table.iter_rows(named=True)):
        counts[row["verdict"]] += 1
        counts[f"limit: {meaning}"] += 1
        seen = losses.get(row["trial"], run.records.clear()).sort("step")
        if meaning == Limit.FALLS.value and row["times_limit"] < 0.99:
            rises = np.diff(seen["value"].to_numpy()) > 1e-5 * seen["value"].to_numpy()[:-1]
            if rises.any() or row["status"] == "diverged":
                yield f"the loss rises below the limit: {row}"
        if row["verdict"] == "contradicts":
            yield f"theory is a theorem, but contradicted by {row}"
        if row["verdict"] == "agrees" and meaning == Limit.EXACT.value:
            yield from wrong_agreement(row, seen, curves_HR[:, place], features_PF, shape)
    for row in predicted.iter_rows(named=True):
        counts[f"curve {row['verdict']}"] += 1
        if row["verdict"] == "contradicts":
            yield f"the curve is a theorem, but contradicted by {row}"
    yield from wrong_curves(run, table, predicted, curves_HR, features_PF, targets_PK)


def by_trial(records: pl.DataFrame, diagnostic: str) -> dict[str, pl.DataFrame]:
    parts = records.filter(pl.col("diagnostic") == diagnostic).partition_by("trial", as_dict=True)
    return {trial: part for (trial,), part in parts.items()}


def wrong_limit(shape, features_PF: Array, limits: list[float], meaning: str) -> Iterator[str]:
    largest = np.linalg.svd(features_PF, compute_uv=False)[0] ** 2 / len(features_PF) if features_PF.any() else 0.0
    for limit in set(limits):
        if meaning == Limit.MEAN_SQUARE.value:
            if 1 < len(features_PF) <= 8 and features_PF.shape[1] <= 4 and np.isfinite(limit):
                if not mean_square_radius(features_PF, shape.batch_size, 0.995 * limit) < 1 + 1e-12:
                    yield f"mean square limit {limit} too large"
                if not mean_square_radius(features_PF, shape.batch_size, 1.005 * limit) > 1 - 1e-12:
                    yield f"mean square limit {limit} too small"
        elif meaning:
            exact = curvature_limit(shape.optimizer) / (largest * shape.loss.largest_curvature) if largest else np.inf
            if limit != pytest.approx(exact, rel=1e-9):
                yield f"limit {limit} instead of {exact}"
        elif not np.isnan(limit):
            yield f"limit {limit} of which nothing is known"


def wrong_agreement(row: dict, seen: pl.DataFrame, curve_H: Array, features_PF: Array, shape) -> Iterator[str]:
    """Whether exact descent did not do what a trial is said to have done as theory says."""
    first = curve_H[0]
    largest = np.linalg.svd(features_PF, compute_uv=False)[0] ** 2 / len(features_PF)
    times = row["learning_rate"] * largest / curvature_limit(shape.optimizer) if largest else np.nan
    if np.isnan(times):
        yield f"said of features of zeros: {row}"
    elif abs(times - 1) < 0.9 * MARGIN[shape.stored]:
        yield f"said of a rate at the limit: {row}"
    elif times < 1 and not (row["status"] == "done" and curve_H[row["step"]] <= first * (1 + 2e-4) + 1e-300):
        yield f"did not converge below the limit: {row}"
    elif times > 1 and row["status"] == "done":
        grown = seen["value"][-1] - seen["value"].min()
        exact = curve_H[seen["step"].to_list()]
        if not (exact[-1] - exact.min() >= 0.05 * grown and grown > 0):
            yield f"did not grow above the limit: {row}, {exact[-1] - exact.min()}, {grown}"


def wrong_curves(run: Run, table, predicted, curves_HR, features_PF, targets_PK) -> Iterator[str]:
    """Curves said to agree whose excess is far from that of exact descent, while much is left of it."""
    floor = np.square(features_PF @ np.linalg.lstsq(features_PF, targets_PK)[0] - targets_PK).sum() / (
        2 * len(targets_PK)
    )
    left_PS = np.linalg.svd(features_PF, full_matrices=False)[0]
    empty = bool((np.square(left_PS.T @ targets_PK).sum(axis=1) < 1e-20 * np.square(targets_PK).sum()).any())
    places = {trial: place for place, trial in enumerate(table["trial"])}
    excess = by_trial(run.records, "excess_loss")
    for trial in predicted.filter(pl.col("verdict") == "agrees")["trial"]:
        curve_H = curves_HR[:, places[trial]] - floor
        if table["times_limit"][places[trial]] > 1 and empty:
            continue  # there rounding of the second way, too, may bring a mode to life
        for step, value in excess[trial].select("step", "value").iter_rows():
            known = curve_H[step] > 0.01 * curve_H[0] and curve_H[0] > 1e-3 * (curve_H[0] + floor)
            if known and step <= 300 and abs(np.log(value / curve_H[step])) > 0.03:
                yield f"excess {value} instead of {curve_H[step]} at step {step} of {trial}"


def drawn_runs(rng: np.random.Generator, tables: list[Table]) -> Iterator[tuple[Experiment, Run]]:
    """Runs of what can be asked; what is refused is drawn again."""
    while True:
        try:
            experiment = drawn_experiment(rng, tables)
            yield experiment, trained(experiment)
        except (FieldError, PipelineError):
            continue


def test_no_verdict_on_trials_drawn_at_random_is_refuted(tmp_path):
    rng, counts, found, number = np.random.default_rng(2026), Counter(), [], 0
    for experiment, run in drawn_runs(rng, drawn_tables(tmp_path)):
        found += [f"{experiment}\n  {what}" for what in refuted(run, counts)]
        number += len(run.plan.trials)
        if number >= NUM_TRIALS:
            break
    print(number, dict(counts))
    assert not found, "\n".join(found[:5])
    spoken = counts["agrees"] / number
    assert spoken > 0.3  # a report that says nothing is not refuted either
    assert min(counts[f"limit: {limit.value}"] for limit in Limit) >= 0.01 * number


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS.keys())
def test_of_a_network_no_limit_and_no_curve_is_claimed_whatever_it_does(activation):
    """Its curvature changes while it trains; one of identities is a product of weights, and no linear model either."""
    for optimizer, batch_size, rate in itertools.product((GradientDescent(), Momentum(0.9)), ("full", 2), (0.05, 3.0)):
        experiment = Experiment(
            "?", (Shallow(activation()),), (3,), (TARGETS["sine"](),), inputs=Inputs(train=(8,), test=4),
            optimizer=optimizer, learning_rates=(rate,), steps=30, batch_size=batch_size, seeds=2, engine="reference",
            diagnostics=DIAGNOSTICS,
        )  # fmt: skip
        run = trained(experiment)
        table = results(run.plan, run.records, run.outcomes)
        assert not {AGREES, CONTRADICTS} & set(table["verdict"])
        assert set(table["limit"]) == {""}
        assert predicted_and_measured(run.plan, table, run.records, run.outcomes).is_empty()
