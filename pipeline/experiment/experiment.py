"""Experiments: a question, and the product of named axes that answers it."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from pipeline.definitions import canonical
from pipeline.diagnostics import DEFAULT_DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import FieldError, nearest
from pipeline.experiment.answers import Answers
from pipeline.experiment.axes import (
    FROM_ONE,
    MAX_TRIALS,
    BatchSize,
    Inputs,
    LogSpaced,
    LogSpacedSteps,
    Place,
    TimesLimits,
    distinct,
    place,
    positive,
    several,
)
from pipeline.experiment.compatibility import (
    Objectives,
    check_batch_size,
    check_closed_form,
    check_limits,
    check_losses,
    check_models,
    check_optimizer,
    check_range_of_rates,
    check_source,
)
from pipeline.experiment.engine_names import CLOSED_FORM, EngineChoice
from pipeline.experiment.identity import HOW_IT_RUNS
from pipeline.experiment.parallelism import Parallel
from pipeline.experiment.precision import Dtype
from pipeline.experiment.trial import LearningRate, Shape, TimesLimit, Trial
from pipeline.experiment.wandb_tracking import Tracking
from pipeline.models.model import Model
from pipeline.optimizers.rules import GradientDescent, Optimizer
from pipeline.problems.datasets import Data
from pipeline.problems.losses import DEFAULT_LOSS, Loss
from pipeline.problems.problem import FunctionProblem, Problem, TableProblem
from pipeline.problems.targets import Target

TRAINING_AXES = ("optimizer", "batch_size", "dtype", "steps")
"""Fields that say how a model is trained: one value, or an axis in a list."""


@dataclass(frozen=True)
class Experiment:
    """A question, and the axes whose Cartesian product is the trials that answer it.

    The fields are the keys of a YAML file. The axes are problems (of ``target`` or ``data``, and ``inputs``), losses,
    models, widths, learning rates and seeds; and optimizers, batch sizes, precisions and numbers of steps where
    they are written as lists.

    Args:
        question: What is to be answered, in words.
        models: Linear models, each with a basis, or networks, each with an activation.
        widths: Number of features or hidden units, W.
        target: Functions to learn; none where data is given.
        data: Tables to learn; none where target is given.
        inputs: Distribution and number of the points.
        loss: What is minimised; by default that of the task: half the mean square, or a cross-entropy.
        optimizer: The rules or solvers.
        learning_rates: The rates, or how they are spaced, for every optimizer or by the name of each; by default 7 from
            0.001 to 1.
        steps: Updates of each trial.
        batch_size: Points of a minibatch; ``full`` is all.
        seeds: Seeds of initial weights and minibatches, or how many: 3 are 0, 1 and 2.
        dtype: Precision of the arithmetic.
        diagnostics: What is computed at the recorded steps.
        record_at: The recorded steps; 0 and the last are always among them.
        accelerator: Device; ``auto`` is a CUDA GPU if there is one, else the CPU.
        engine: How packs are computed; ``auto`` is the fastest that iterates.
        pack_memory_gib: Most memory that the trials of a pack take.
        checkpoint_seconds: Wall-clock time between two checkpoints.
        parallel: Processes that train each pack together.
        tracking: What is sent to W&B.
        answers: Which comparison answers the question; left out, it follows from the axes.
    """

    question: str
    models: tuple[Model, ...]
    widths: tuple[int, ...]
    target: tuple[Target, ...] = ()
    data: tuple[Data, ...] = ()
    inputs: Inputs = Inputs()
    loss: Loss | tuple[Loss, ...] | None = None
    optimizer: Optimizer | tuple[Optimizer, ...] = GradientDescent()
    learning_rates: (
        tuple[float, ...] | LogSpaced | TimesLimits | Mapping[str, tuple[float, ...] | LogSpaced | TimesLimits] | None
    ) = field(default=None, hash=False)
    steps: int | tuple[int, ...] = 2000
    batch_size: BatchSize | tuple[BatchSize, ...] = "full"
    seeds: int | tuple[int, ...] = 3
    dtype: Dtype | tuple[Dtype, ...] = "float32"
    diagnostics: tuple[Diagnostic, ...] = DEFAULT_DIAGNOSTICS
    record_at: tuple[int, ...] | LogSpacedSteps = LogSpacedSteps(40)
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    engine: EngineChoice = "auto"
    pack_memory_gib: float = 1.0
    checkpoint_seconds: float = 30.0
    parallel: Parallel = Parallel()
    tracking: Tracking = Tracking()
    answers: Answers = Answers()

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise FieldError(("question",), "the question is empty", hint="write what the experiment is to answer")
        for axis in ("models", "widths"):
            distinct(axis, getattr(self, axis))
        distinct("diagnostics", tuple(diagnostic.name() for diagnostic in self.diagnostics))
        positive("widths", self.widths)
        for name in ("pack_memory_gib", "checkpoint_seconds"):
            if not getattr(self, name) > 0:
                hint = "take a number above 0"
                raise FieldError((name,), f"{name} must be positive, not {getattr(self, name)!r}", hint=hint)
        check_source(self.target, self.data, self.inputs)
        for axis in ("loss", *TRAINING_AXES):
            if isinstance(written := getattr(self, axis), tuple):
                distinct(axis, written)
        objectives = [(problem, self.losses(problem)) for problem in self.problems()]
        check_losses(objectives, listed=isinstance(self.loss, tuple))
        check_models(self.models, self.widths, objectives)
        self._check_ways(objectives)
        self._check_steps(objectives)
        if self.engine == CLOSED_FORM:
            for optimizer, batch_size in itertools.product(self.optimizers, self.batch_sizes):
                check_closed_form(optimizer, self.models, objectives, batch_size, self.parallel.processes)
        self._check_size(objectives)
        self._check_answers(objectives)

    def _check_ways(self, objectives: Objectives) -> None:
        by_rule = [optimizer for optimizer in self.optimizers if optimizer.uses_learning_rate]
        if not by_rule and self.learning_rates is not None:
            names = " and ".join(optimizer.name() for optimizer in self.optimizers)
            what = f"{names} {'has' if len(self.optimizers) == 1 else 'have'} no learning rate"
            raise FieldError(("learning_rates",), what, hint="leave learning_rates out")
        if isinstance(self.learning_rates, Mapping):
            known = {optimizer.name() for optimizer in by_rule}
            for name in self.learning_rates:
                if name not in known:
                    what = f"{name!r} is no optimizer of this experiment that has a learning rate"
                    raise FieldError(("learning_rates", name), what, hint=nearest(name, known))
        for position, optimizer in enumerate(self.optimizers):
            where = place("optimizer", self.optimizer, position)
            check_optimizer(optimizer, self.models, objectives, self.dtypes, where)
        for optimizer in by_rule:
            self._check_rates_of(optimizer, objectives)

    def _check_rates_of(self, optimizer: Optimizer, objectives: Objectives) -> None:
        """Refuse learning rates of one optimizer that cannot be."""
        own = isinstance(self.learning_rates, Mapping)
        where: Place = ("learning_rates", optimizer.name()) if own else ("learning_rates",)
        written = self._written_rates(optimizer)
        listed = isinstance(written, tuple)
        if isinstance(written, tuple):
            distinct(where, written)
            positive(where, written)
        for dtype in self.dtypes:
            check_range_of_rates(self.rates_of(optimizer), dtype, where, listed=listed)
        if isinstance(written, TimesLimits):
            for batch_size in self.batch_sizes:
                check_limits(optimizer, self.models, objectives, minibatches=batch_size is not None)

    def _check_steps(self, objectives: Objectives) -> None:
        for position, steps in enumerate(several(self.steps)):
            if steps < 1:
                what = f"steps must be positive, not {steps!r}"
                raise FieldError(place("steps", self.steps, position), what, hint=FROM_ONE)
        for position, batch_size in enumerate(self.batch_sizes):
            if batch_size is not None:
                where = place("batch_size", self.batch_size, position)
                check_batch_size(batch_size, self.optimizers, objectives, where)
        if isinstance(self.seeds, int):
            if self.seeds < 1:
                hint = "take how many seeds to train, from 1, or a list of them"
                raise FieldError(("seeds",), f"seeds must be positive, not {self.seeds!r}", hint=hint)
        else:
            distinct("seeds", self.seeds)
        if isinstance(self.record_at, tuple):
            distinct("record_at", self.record_at)
            most = max(several(self.steps))
            for position, step in enumerate(self.record_at):
                if not 0 <= step <= most:
                    what = f"step {step!r} is not between 0 and steps {most}"
                    hint = "raise steps, or leave it out" if step > most else "count steps from 0"
                    raise FieldError(("record_at", position), what, hint=hint)

    def _check_size(self, objectives: Objectives) -> None:
        num_seeds = self.seeds if isinstance(self.seeds, int) else len(self.seeds)
        num_rates = sum(len(self.rates_of(optimizer)) * len(self.steps_of(optimizer)) for optimizer in self.optimizers)
        axes = {
            "problems": sum(len(losses) for _, losses in objectives),
            "models": len(self.models),
            "widths": len(self.widths),
            "rates": num_rates,
            "batch sizes": len(self.batch_sizes),
            "dtypes": len(self.dtypes),
            "seeds": num_seeds,
        }
        if (num_trials := math.prod(axes.values())) > MAX_TRIALS:
            always = ("problems", "models", "widths", "rates", "seeds")
            named = " x ".join(f"{num} {axis}" for axis, num in axes.items() if num > 1 or axis in always)
            what = f"{named} are {num_trials} trials, more than {MAX_TRIALS}"
            raise FieldError(("seeds",), what, hint="take fewer seeds, or ask in several files")

    def _check_answers(self, objectives: Objectives) -> None:
        try:
            self.answers.check(
                {
                    "model": len(self.models),
                    "loss": max(len(losses) for _, losses in objectives),
                    "optimizer": len(self.optimizers),
                    "batch_size": len(self.batch_sizes),
                    "dtype": len(self.dtypes),
                    "steps": max(len(self.steps_of(optimizer)) for optimizer in self.optimizers),
                    "width": len(self.widths),
                    "learning_rate": max(len(self.rates_of(optimizer)) for optimizer in self.optimizers),
                    "problem": len(objectives),
                },
                (diagnostic.name() for diagnostic in self.diagnostics),
            )
        except FieldError as error:
            raise FieldError(("answers", *error.path), error.what, hint=error.hint) from None

    def problems(self) -> Iterator[Problem]:
        """Every problem, with the defaults of its inputs filled in.

        Yields:
            A problem for each target or table, dimension, number of training points and noise.

        Raises:
            FieldError: If a target cannot be sampled, or a table cannot be split, as ``inputs`` says.
        """
        inputs = self.inputs
        for data in self.data:
            rows = data.num_rows
            for train in inputs.train or (rows * 4 // 5,):
                test = inputs.test or rows - train
                yield _placed(functools.partial(TableProblem, data, train, test, inputs.seed, inputs.split))
        for target in self.target:
            measure = inputs.measure or target.natural_measure
            for dimension in inputs.dimension or (target.dimensions or 1,):
                sizes = measure.default_sizes(dimension)
                test = inputs.test or sizes[1]
                for train in inputs.train or (sizes[0],):
                    for noise in inputs.noise:
                        content = (target, measure, dimension, train, test, noise, inputs.seed)
                        yield _placed(functools.partial(FunctionProblem, *content))

    def warnings(self) -> Iterator[str]:
        """What a person should know before anything is trained.

        A table that cannot be read warns of nothing: it is refused when it is trained on.

        Yields:
            Sentences.
        """
        for problem in self.problems():
            if isinstance(problem, TableProblem):
                with suppress(FieldError):
                    yield from problem.warnings()

    def losses(self, problem: Problem) -> tuple[Loss, ...]:
        """The losses to minimise on a problem: those of the file, or by default that of its task."""
        if self.loss is None:
            return (DEFAULT_LOSS[problem.task],)
        return self.loss if isinstance(self.loss, tuple) else (self.loss,)

    @property
    def optimizers(self) -> tuple[Optimizer, ...]:
        """The rules and solvers, in their order."""
        return several(self.optimizer)

    @property
    def batch_sizes(self) -> tuple[int | None, ...]:
        """Points of the minibatches; ``None`` for all."""
        sizes: tuple[BatchSize, ...] = several(self.batch_size)
        return tuple(None if size == "full" else size for size in sizes)

    @property
    def dtypes(self) -> tuple[Dtype, ...]:
        """The precisions of the arithmetic."""
        return several(self.dtype)

    def steps_of(self, optimizer: Optimizer) -> tuple[int, ...]:
        """Numbers of updates that it is given; an exact solver takes one."""
        return (1,) if optimizer.in_one_step else several(self.steps)

    @property
    def num_steps(self) -> int:
        """Updates of the longest trials."""
        return max(max(self.steps_of(optimizer)) for optimizer in self.optimizers)

    def varied(self) -> tuple[str, ...]:
        """Which of ``TRAINING_AXES`` have several values: what trials of one model and width differ in besides."""
        return tuple(axis for axis in TRAINING_AXES if len(several(getattr(self, axis))) > 1)

    def _written_rates(self, optimizer: Optimizer) -> tuple[float, ...] | LogSpaced | TimesLimits | None:
        """The learning rates of an optimizer as the file has them; ``None`` for the default."""
        rates = self.learning_rates
        return rates.get(optimizer.name()) if isinstance(rates, Mapping) else rates

    def rates_of(self, optimizer: Optimizer) -> tuple[LearningRate, ...]:
        """The learning-rate axis of an optimizer, one value each; a single ``None`` for one that has no rate."""
        if not optimizer.uses_learning_rate:
            return (None,)
        match self._written_rates(optimizer):
            case None:
                return LogSpaced(1e-3, 1.0, 7).values()
            case LogSpaced() as spaced:
                return spaced.values()
            case TimesLimits(multiples):
                return tuple(TimesLimit(multiple) for multiple in multiples)
            case rates:
                return tuple(float(rate) for rate in rates)

    def resolved_seeds(self) -> tuple[int, ...]:
        """The seeds, one by one."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    def recorded_steps(self, steps: int | None = None) -> tuple[int, ...]:
        """Steps at which diagnostics are computed, ascending, 0 and the last step always among them.

        Args:
            steps: Updates of the trial that is looked at; by default those of the longest trials.

        Returns:
            Those of ``record_at`` that it has; logarithmically spaced ones over its own steps.
        """
        steps = steps or self.num_steps
        if isinstance(self.record_at, LogSpacedSteps):
            spaced = np.geomspace(1, steps, self.record_at.log_spaced).round().astype(int)
            return tuple(sorted({0, *spaced.tolist(), steps}))
        return tuple(sorted({0, *(step for step in self.record_at if step < steps), steps}))

    def shapes(self) -> Iterator[Shape]:
        """What packs are made of: one shape for each problem, loss, model, width and way to train."""
        trained = [
            (optimizer, batch_size, dtype, steps)
            for optimizer, batch_size, dtype in itertools.product(self.optimizers, self.batch_sizes, self.dtypes)
            for steps in self.steps_of(optimizer)
        ]
        for problem in self.problems():
            for loss, model, width in itertools.product(self.losses(problem), self.models, self.widths):
                for optimizer, batch_size, dtype, steps in trained:
                    yield Shape(problem, model, width, optimizer, loss, steps, batch_size, dtype)

    def trials(self) -> Iterator[Trial]:
        """Every trial, those of one shape together."""
        rates_of = {
            optimizer: [(rate, _json(rate)) for rate in self.rates_of(optimizer)] for optimizer in self.optimizers
        }
        seeds = self.resolved_seeds()
        for shape in self.shapes():
            # Equal to the hash of the whole content; the shape is written and hashed once for all its rates and seeds,
            # so that planning 100,000 trials takes less than two seconds.
            prefix = hashlib.sha256(f'{{"shape":{_json(shape)},"learning_rate":'.encode())
            for rate, rate_text in rates_of[shape.optimizer]:
                with_rate = prefix.copy()
                with_rate.update(f'{rate_text},"seed":'.encode())
                for seed in seeds:
                    whole = with_rate.copy()
                    whole.update(f"{seed}}}".encode())
                    yield Trial(whole.hexdigest(), shape, rate, seed)

    def identity(self) -> str:
        """SHA-256 of all that the records depend on: the trials, and what is observed of them when."""
        content = canonical(self, identity=True)
        for name in ("question", *HOW_IT_RUNS):
            del content[name]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _placed(make: Callable[[], Problem]) -> Problem:
    """A problem, whose complaints are about the inputs."""
    try:
        return make()
    except FieldError as error:
        raise FieldError(("inputs", *error.path), error.what, hint=error.hint) from None


def _json(value: object) -> str:
    return json.dumps(canonical(value, identity=True), sort_keys=True, separators=(",", ":"))
