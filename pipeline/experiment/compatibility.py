"""Compatibility: which problems, losses, models, optimizers and engines can be trained together.

Each part of an experiment refuses what it cannot be by itself; here is refused what two of them cannot be together.
Every refusal names the field to change, so that a complaint can point at its line.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from pipeline.errors import FieldError
from pipeline.experiment.axes import FROM_ONE, MAX_STEPS, Inputs, LogSpacedSteps, Place, distinct, place, several
from pipeline.experiment.engine_names import CLOSED_FORM
from pipeline.experiment.precision import STORED, Dtype
from pipeline.experiment.trial import LearningRate
from pipeline.models.model import Model
from pipeline.optimizers.rules import GradientDescent, Optimizer
from pipeline.optimizers.stability_limits import limit_of
from pipeline.problems.datasets import Data
from pipeline.problems.losses import DEFAULT_LOSS, HalfMeanSquare, Loss
from pipeline.problems.problem import Problem
from pipeline.problems.targets import Target

Objectives = Sequence[tuple[Problem, tuple[Loss, ...]]]
"""Every problem, with the losses to minimise on it."""


def check_source(target: Sequence[Target], data: Sequence[Data], inputs: Inputs) -> None:
    """Refuse points that are both sampled of a target and rows of a table, or neither.

    Raises:
        FieldError: If both are given, or none, or one of them twice; or if ``inputs`` says of a table what is for
            targets, or the reverse.
    """
    if bool(target) == bool(data):
        what = "both target and data are given" if target else "neither target nor data is given"
        hint = "give one: target for a function, data for a table"
        raise FieldError(("data",) if target else (), what, hint=hint)
    distinct("target" if target else "data", tuple(target or data))
    if target and inputs.split != "random":
        what = f"split {inputs.split} is for tables, whose rows are split; a target is sampled"
        raise FieldError(("inputs", "split"), what, hint="leave split out")
    if data:
        for field in ("measure", "dimension"):
            if getattr(inputs, field) is not None:
                what = f"{field} is for targets; a table has its own inputs"
                raise FieldError(("inputs", field), what, hint=f"leave {field} out")
        if inputs.noise != (0.0,):
            what = "noise is for targets; a table has its own"
            raise FieldError(("inputs", "noise"), what, hint="leave noise out")


def check_draws(objectives: Objectives) -> None:
    """Refuse several seeds of the points where each would give the same ones.

    Raises:
        FieldError: At the seed.
    """
    for problem, _ in objectives:
        if not problem.random:
            what = f"every seed gives the same points of {problem.label()}: they are not random, and have no noise"
            raise FieldError(("inputs", "seed"), what, hint="leave it out, or add noise")


def check_losses(objectives: Objectives, *, listed: bool) -> None:
    """Refuse a loss that is not of a problem's task.

    Args:
        objectives: Of the experiment.
        listed: Whether the losses are written as a list.

    Raises:
        FieldError: At the loss.
    """
    for problem, losses in objectives:
        for position, loss in enumerate(losses):
            if problem.task not in loss.tasks:
                what = f"{loss.name()} does not fit {problem.label()}, whose outputs are {problem.task.value}"
                hint = f"leave it out for {DEFAULT_LOSS[problem.task].name()}"
                raise FieldError(("loss", position) if listed else ("loss",), what, hint=hint)


def check_models(models: Sequence[Model], widths: Sequence[int], objectives: Objectives) -> None:
    """Refuse a width that a model cannot have, or a problem that it cannot learn.

    Raises:
        FieldError: At the model.
    """
    # A model checks no more of a problem than this, and a file may have hundreds that differ in size or noise.
    differing = {(problem.num_inputs, problem.bounds): problem for problem, _ in objectives}
    for position, model in enumerate(models):
        for problem, width in itertools.product(differing.values(), widths):
            with _about_model(position, model):
                model.check(width, problem)


@contextmanager
def _about_model(position: int, model: Model) -> Iterator[None]:
    """Let the complaints of a model say which one it is."""
    try:
        yield
    except FieldError as error:
        path = ("models", position, model.name(), *error.path)
        raise FieldError(path, error.what, hint=error.hint) from None


def check_optimizer(
    optimizer: Optimizer, models: Sequence[Model], objectives: Objectives, dtypes: Sequence[Dtype], where: Place
) -> None:
    """Refuse models, losses and precisions that an optimizer is not for.

    Args:
        optimizer: One of the experiment.
        models: All that it is to train.
        objectives: Of the experiment.
        dtypes: Every precision that it is to be computed in.
        where: The optimizer stands.

    Raises:
        FieldError: At the model, or the optimizer.
    """
    name = optimizer.name()
    for position, model in enumerate(models):
        if optimizer.only_networks if model.linear else optimizer.only_linear:
            solved = "linear models" if optimizer.only_linear else "networks"
            hint = f"leave {model.name()} out, or take an optimizer of every model: {GradientDescent.name()}"
            raise FieldError(("models", position), f"{name} solves {solved}, not {model.name()}", hint=hint)
    if optimizer.only_square_loss and not all(loss.quadratic for _, losses in objectives for loss in losses):
        raise FieldError(where, f"{name} minimises the square loss only", hint="set loss: half_mean_square")
    if optimizer.only_float64 and set(dtypes) != {"float64"}:
        what = f"{name} needs float64: in float32 it would stop long before the minimum"
        raise FieldError(where, what, hint="set dtype: float64")


def check_range_of_rates(rates: Sequence[LearningRate], dtype: Dtype, where: Place, *, listed: bool) -> None:
    """Refuse a learning rate that overflows, or is denormal, in the precision of the arithmetic.

    Args:
        rates: The learning rates; those relative to a limit are not known yet.
        dtype: The precision.
        where: The rates stand.
        listed: Whether the rates are written as a list.

    Raises:
        FieldError: At the rate.
    """
    limits = np.finfo(STORED[dtype])
    least, most = float(limits.tiny), float(limits.max)
    for position, rate in enumerate(rates):
        if isinstance(rate, float) and not least <= rate <= most:
            path = (*where, position) if listed else where
            what = f"learning rate {rate!r} cannot be written in {dtype}"
            raise FieldError(path, what, hint=f"stay between {least:.3g} and {most:.3g}")


def check_limits(optimizer: Optimizer, models: Sequence[Model], objectives: Objectives, *, minibatches: bool) -> None:
    """Refuse learning rates as multiples of a stability limit that is not known before training.

    It is known of linear models, whose lambda_max does not change, of networks on all points, at their initial weights,
    and of minibatches for linear models with one rule and one loss.

    Raises:
        FieldError: At the model, or the rates.
    """
    hint = "give the learning rates themselves"
    if optimizer.stability_factor() is None:
        what = f"{optimizer.name()} has no limit that follows from lambda_max"
        own = f"{hint}, as in learning_rates: {{{optimizer.name()}: [0.001, 0.01]}}"
        raise FieldError(("learning_rates",), what, hint=own)
    for position, model in enumerate(models):
        if minibatches and not model.linear:
            what = f"of minibatches no limit is known for {model.name()}"
            raise FieldError(("models", position), what, hint=f"{hint}, or take batch_size: full")
    for loss in (loss for _, losses in objectives for loss in losses if minibatches):
        if limit_of(optimizer, loss, linear=True, minibatches=True) is None:
            what = f"of minibatches no limit is known for {optimizer.name()} with {loss.name()}"
            known = f"or take {GradientDescent.name()} with {HalfMeanSquare.name()}, or batch_size: full"
            raise FieldError(("learning_rates",), what, hint=f"{hint}; {known}")


def check_batch_size(batch_size: int, optimizers: Sequence[Optimizer], objectives: Objectives, where: Place) -> None:
    """Refuse a minibatch that is empty, is more than all points, or is given to an optimizer that takes all of them.

    Args:
        batch_size: Points of the minibatch.
        optimizers: All of the experiment.
        objectives: Of the experiment.
        where: The size stands.

    Raises:
        FieldError: At the size.
    """
    if batch_size < 1:
        what = f"batch_size must be positive, not {batch_size!r}"
        raise FieldError(where, what, hint=f"{FROM_ONE}, or full")
    for optimizer in optimizers:
        if optimizer.all_points:
            raise FieldError(where, f"{optimizer.name()} takes all points at once", hint="leave batch_size out")
    for problem, _ in objectives:
        if batch_size > problem.train:
            what = f"batch_size {batch_size} is more than the {problem.train} training points"
            raise FieldError(where, what, hint=f"take at most {problem.train}, or full")


def check_steps(steps: int | tuple[int, ...], record_at: tuple[int, ...] | LogSpacedSteps) -> None:
    """Refuse a training of no steps or without an end, and a recorded step that no trial reaches.

    Raises:
        FieldError: At the number of steps, or the recorded step.
    """
    for position, number in enumerate(several(steps)):
        if number < 1:
            what = f"steps must be positive, not {number!r}"
            raise FieldError(place("steps", steps, position), what, hint=FROM_ONE)
        if number > MAX_STEPS:
            what = f"{number} steps are more than {MAX_STEPS}, which take twelve days at a million a second"
            raise FieldError(place("steps", steps, position), what, hint="take fewer")
    if isinstance(record_at, tuple):
        distinct("record_at", record_at)
        most = max(several(steps))
        for position, step in enumerate(record_at):
            if not 0 <= step <= most:
                what = f"step {step!r} is not between 0 and steps {most}"
                hint = "raise steps, or leave it out" if step > most else "count steps from 0"
                raise FieldError(("record_at", position), what, hint=hint)


def check_closed_form(
    optimizer: Optimizer,
    models: Sequence[Model],
    objectives: Objectives,
    batch_size: int | None,
    num_processes: int,
) -> None:
    """Refuse the closed form where there is none: it is that of full-batch descent on a quadratic.

    Args:
        optimizer: Of the experiment.
        models: Likewise.
        objectives: Likewise.
        batch_size: Points of a minibatch; none: all.
        num_processes: Processes that train each pack together.

    Raises:
        FieldError: At the engine.
    """
    for what, hint in _without_closed_form(optimizer, models, objectives, batch_size, num_processes):
        also = f"; or {hint}" if hint else ""
        default = "leave engine out: the default computes everything"
        raise FieldError(("engine",), f"{CLOSED_FORM} {what}", hint=f"{default}{also}")


def _without_closed_form(
    optimizer: Optimizer, models: Sequence[Model], objectives: Objectives, batch_size: int | None, num_processes: int
) -> Iterator[tuple[str, str]]:
    """Reasons against the closed form, each with what else to change."""
    if optimizer.on_quadratics() is None:
        yield f"has no formula for {optimizer.name()}", f"take {GradientDescent.name()}"
    for model in models:
        if not model.linear:
            yield f"is for linear models, not {model.name()}", ""
    for loss in (loss for _, losses in objectives for loss in losses):
        if not loss.quadratic:
            yield f"is for the square loss, not {loss.name()}", "set loss: half_mean_square"
    if batch_size is not None:
        yield f"takes all points at every step, not {batch_size}", "leave batch_size out"
    if num_processes > 1:
        yield f"computes in one process, not in {num_processes}", "leave parallel out"
