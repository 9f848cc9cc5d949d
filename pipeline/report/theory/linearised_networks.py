"""Losses of linearised networks beside those of the networks of a run: what the tangent kernel at the start predicts.

For a network, the square loss, all points at every step and a rule with a recurrence on quadratics. Every trial starts
from weights of its own, so each has a kernel of its own. Where all trials together would take long, the first seeds of
each cell are taken.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch

from pipeline.experiment.initial_weights import initial_weights_of
from pipeline.experiment.packing import Pack
from pipeline.experiment.trial import Shape, Trial
from pipeline.models.shallow import Shallow
from pipeline.models.tangent_kernel import MOST_ROWS, linearised_loss_curves, linearised_losses, rows_of_gram
from pipeline.plans import Plan
from pipeline.report.theory.initial_modes import dataset_of
from pipeline.report.theory.rule_on_quadratics import recurrence_of, stability_factor_of
from pipeline.report.theory.theory_folder import kept, on_all_cores

METHOD = "linearised_networks_1"
"""Raise the number when other numbers come out."""
MOST_WORK = 2e9
"""Cubed rows of the Gram matrices of all trials at most, a thousand for each number of a curve, and a million for each
trial: two seconds."""
OF_A_CURVE = 1000
OF_A_TRIAL = 1_000_000
"""Of the calls of each, a millisecond, beside which kernels of few points are nothing."""
SCHEMA = {"trial": pl.String, "step": pl.Int64, "linearised_loss": pl.Float64, "rate_over_limit": pl.Float64}


@dataclass(frozen=True)
class LinearisedTrials:
    """Trials of one shape whose linearised networks are trained on paper.

    Args:
        shape: What they have in common.
        trials: The trials.
        rates: Their learning rates.
        steps: Recorded steps.
    """

    shape: Shape
    trials: tuple[Trial, ...]
    rates: tuple[float, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Linearised:
    """Curves of linearised networks.

    Args:
        curves: Columns ``trial``, ``step``, ``linearised_loss``, and ``rate_over_limit``, the learning rate over the
            largest that is stable for the linearised network; no rows where there is nothing to be linearised.
        left_out: Why some have none, as sentences.
    """

    curves: pl.DataFrame
    left_out: Sequence[str] = ()


def rows_of(shape: Shape) -> int:
    """Rows of the Gram matrix whose eigenvectors are needed."""
    return rows_of_gram(shape.problem.train, shape.problem.num_outputs, shape.num_weights)


def work_of_a_trial(shape: Shape, num_steps: int) -> int:
    """What the curve of one trial of a shape costs, at so many recorded steps."""
    rows = rows_of(shape)
    return OF_A_TRIAL + rows**3 + OF_A_CURVE * rows * num_steps


def can_be_linearised(shape: Shape) -> bool:
    """Whether descent on the linearised network has a closed form."""
    on_quadratic = shape.loss.quadratic and recurrence_of(shape) is not None
    return isinstance(shape.model, Shallow) and shape.batch_size is None and on_quadratic


def linearised_of_plan(plan: Plan, results: pl.DataFrame, run: Path | None) -> Linearised:
    """Curves of the linearised networks of a run, at its recorded steps.

    Args:
        plan: Of the run.
        results: One row for every trial, with its learning rate.
        run: Folder of the run, where curves are kept; ``None`` to keep nothing.

    Returns:
        Curves of the trials that have a learning rate.
    """
    packs = [pack for pack in plan.packs if can_be_linearised(pack.shape)]
    left_out = [_too_many_rows(pack.shape) for pack in packs if rows_of(pack.shape) > MOST_ROWS]
    packs = [pack for pack in packs if rows_of(pack.shape) <= MOST_ROWS]
    unknown = frozenset(results.filter(pl.col("learning_rate").is_null())["trial"])
    seeds, of_seeds = _first_seeds(plan, packs, unknown)
    if seeds and len(of_seeds) < len(seeds):
        what = f"only those of {len(of_seeds)} of {len(seeds)} seeds are" if of_seeds else "none is"
        left_out.append(f"The linearised networks of all seeds would take long: {what} computed.")
    tasks = _tasks(plan, packs, results, of_seeds)
    tables = on_all_cores(functools.partial(_table, run), tasks)
    return Linearised(pl.concat([pl.DataFrame(schema=SCHEMA), *tables]), list(dict.fromkeys(left_out)))


def _first_seeds(plan: Plan, packs: Sequence[Pack], unknown: frozenset[str]) -> tuple[list[int], list[int]]:
    """All seeds, and as many of the first as fit into the work; counted, so that a million trials take no second.

    Args:
        plan: Of the run.
        packs: Those that are linearised.
        unknown: Trials without a learning rate so far.

    Returns:
        Seeds of trials whose learning rate is known; those that are taken.
    """
    work: Counter[int] = Counter()
    for pack in packs:
        of_a_trial = work_of_a_trial(pack.shape, len(plan.experiment.recorded_steps(pack.shape.steps)))
        known = Counter(trial.seed for trial in pack.trials if trial.id not in unknown)
        work.update({seed: number * of_a_trial for seed, number in known.items()})
    seeds = sorted(work)
    number = sum(so_far <= MOST_WORK for so_far in itertools.accumulate(work[seed] for seed in seeds))
    return seeds, seeds[:number]


def _tasks(
    plan: Plan, packs: Sequence[Pack], results: pl.DataFrame, seeds: Sequence[int]
) -> Sequence[LinearisedTrials]:
    """The trials of some seeds whose learning rate is known, pack by pack."""
    among, tasks = frozenset(seeds), []
    chosen = [(pack, [trial for trial in pack.trials if trial.seed in among]) for pack in packs]
    ids = pl.DataFrame({"trial": [trial.id for _, trials in chosen for trial in trials]}, schema={"trial": pl.String})
    known = results.select("trial", "learning_rate").drop_nulls().join(ids, on="trial", how="semi")
    rates = dict(known.iter_rows())
    for pack, trials in chosen:
        with_rate = tuple(trial for trial in trials if trial.id in rates)
        if with_rate:
            steps = plan.experiment.recorded_steps(pack.shape.steps)
            rates_of_pack = tuple(rates[trial.id] for trial in with_rate)
            tasks.append(LinearisedTrials(pack.shape, with_rate, rates_of_pack, steps))
    return tasks


def _too_many_rows(shape: Shape) -> str:
    rows, memory_mib = rows_of(shape), rows_of(shape) ** 2 * 8 / 2**20
    name = f"{shape.problem.label()}, {shape.model.label()}, width {shape.width}"
    return (
        f"{name}: no linearised network, whose kernel would have {rows} rows ({memory_mib:.0f} MiB), above {MOST_ROWS}."
    )


def _table(run: Path | None, task: LinearisedTrials) -> pl.DataFrame:
    """The curves of a task. The ids of the trials say all that they depend on, but for rates and steps."""
    content = [[[trial.id for trial in task.trials], list(task.rates)], list(task.steps)]
    return kept(run, METHOD, content, functools.partial(_computed, task))


def _computed(task: LinearisedTrials) -> pl.DataFrame:
    dataset, shape = dataset_of(task.shape.problem), task.shape
    recurrence, factor = recurrence_of(shape), stability_factor_of(shape)
    assert isinstance(shape.model, Shallow), "only networks are linearised"
    if dataset is None or recurrence is None or factor is None:
        return pl.DataFrame(schema=SCHEMA)
    weights_TN = initial_weights_of(task.trials, torch.float64)
    start = linearised_losses(shape.model, weights_TN, shape.width, dataset.train_inputs_PD, dataset.train_targets_PK)
    rates_T = torch.tensor(task.rates, dtype=torch.float64)
    losses_TH = linearised_loss_curves(start, rates_T, torch.tensor(task.steps), *recurrence)
    over_T = rates_T * start.eigenvalues_TS[:, 0] / factor
    return pl.concat(list(_rows(task, losses_TH.tolist(), over_T.tolist())))


def _rows(task: LinearisedTrials, losses: list[list[float]], over: list[float]) -> Iterator[pl.DataFrame]:
    for trial, curve, ratio in zip(task.trials, losses, over, strict=True):
        columns = {"trial": trial.id, "step": list(task.steps), "linearised_loss": curve, "rate_over_limit": ratio}
        yield pl.DataFrame(columns, schema=SCHEMA)
