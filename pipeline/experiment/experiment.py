"""Experiments: a question, and the product of named axes that answers it."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.definitions import canonical
from pipeline.diagnostics import DEFAULT_DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import FieldError
from pipeline.experiment.answers import Answers
from pipeline.experiment.axes import (
    FROM_ONE,
    MAX_TRIALS,
    Inputs,
    LogSpaced,
    LogSpacedSteps,
    TimesLimits,
    distinct,
    positive,
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


@dataclass(frozen=True)
class Experiment:
    """A question, and the axes whose Cartesian product is the trials that answer it.

    The fields are the keys of a YAML file. The axes are problems (of ``target`` or ``data``, and ``inputs``), losses,
    models, widths, learning rates and seeds.

    Args:
        question: What is to be answered, in words.
        models: Linear models, each with a basis, or networks, each with an activation.
        widths: Number of features or hidden units, W.
        target: Functions to learn; none where data is given.
        data: Tables to learn; none where target is given.
        inputs: Distribution and number of the points.
        loss: What is minimised; by default that of the task: half the mean square, or a cross-entropy.
        optimizer: One rule or solver for all trials.
        learning_rates: The rates, or how they are spaced; by default 7 from 0.001 to 1.
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
    optimizer: Optimizer = GradientDescent()
    learning_rates: tuple[float, ...] | LogSpaced | TimesLimits | None = None
    steps: int = 2000
    batch_size: int | Literal["full"] = "full"
    seeds: int | tuple[int, ...] = 3
    dtype: Dtype = "float32"
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
        for field in ("models", "widths", "diagnostics"):
            distinct(field, getattr(self, field))
        positive("widths", self.widths)
        for field in ("pack_memory_gib", "checkpoint_seconds"):
            if not getattr(self, field) > 0:
                hint = "take a number above 0"
                raise FieldError((field,), f"{field} must be positive, not {getattr(self, field)!r}", hint=hint)
        check_source(self.target, self.data, self.inputs)
        if isinstance(self.loss, tuple):
            distinct("loss", self.loss)
        objectives = [(problem, self.losses(problem)) for problem in self.problems()]
        check_losses(objectives, listed=isinstance(self.loss, tuple))
        check_models(self.models, self.widths, objectives)
        self._check_learning_rates(objectives)
        self._check_steps(objectives)
        if self.engine == CLOSED_FORM:
            batch_size = None if self.batch_size == "full" else self.batch_size
            check_closed_form(self.optimizer, self.models, objectives, batch_size, self.parallel.processes)
        self._check_size(objectives)
        self._check_answers(objectives)

    def _check_learning_rates(self, objectives: Objectives) -> None:
        if not self.optimizer.uses_learning_rate and self.learning_rates is not None:
            what = f"{self.optimizer.name()} has no learning rate"
            raise FieldError(("learning_rates",), what, hint="leave learning_rates out")
        check_optimizer(self.optimizer, self.models, objectives, self.dtype)
        listed = isinstance(self.learning_rates, tuple)
        if isinstance(self.learning_rates, tuple):
            distinct("learning_rates", self.learning_rates)
            positive("learning_rates", self.learning_rates)
        check_range_of_rates(self.resolved_learning_rates(), self.dtype, listed=listed)
        if isinstance(self.learning_rates, TimesLimits):
            check_limits(self.optimizer, self.models, objectives, minibatches=self.batch_size != "full")

    def _check_steps(self, objectives: Objectives) -> None:
        if self.steps < 1:
            raise FieldError(("steps",), f"steps must be positive, not {self.steps!r}", hint=FROM_ONE)
        if self.batch_size != "full":
            check_batch_size(self.batch_size, self.optimizer, objectives)
        if isinstance(self.seeds, int):
            if self.seeds < 1:
                hint = "take how many seeds to train, from 1, or a list of them"
                raise FieldError(("seeds",), f"seeds must be positive, not {self.seeds!r}", hint=hint)
        else:
            distinct("seeds", self.seeds)
        if isinstance(self.record_at, tuple):
            distinct("record_at", self.record_at)
            for position, step in enumerate(self.record_at):
                if not 0 <= step <= self.steps:
                    what = f"step {step!r} is not between 0 and steps {self.steps}"
                    hint = "raise steps, or leave it out" if step > self.steps else "count steps from 0"
                    raise FieldError(("record_at", position), what, hint=hint)

    def _check_size(self, objectives: Objectives) -> None:
        num_problems = sum(len(losses) for _, losses in objectives)
        num_seeds = self.seeds if isinstance(self.seeds, int) else len(self.seeds)
        axes = (num_problems, len(self.models), len(self.widths), len(self.resolved_learning_rates()), num_seeds)
        if math.prod(axes) > MAX_TRIALS:
            named = " x ".join(
                f"{num} {axis}"
                for num, axis in zip(axes, ("problems", "models", "widths", "rates", "seeds"), strict=True)
            )
            what = f"{named} are {math.prod(axes)} trials, more than {MAX_TRIALS}"
            raise FieldError(("seeds",), what, hint="take fewer seeds, or ask in several files")

    def _check_answers(self, objectives: Objectives) -> None:
        try:
            self.answers.check(
                {
                    "model": len(self.models),
                    "loss": max(len(losses) for _, losses in objectives),
                    "width": len(self.widths),
                    "learning_rate": len(self.resolved_learning_rates()),
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

    def resolved_learning_rates(self) -> tuple[LearningRate, ...]:
        """The learning-rate axis, one value each; a single ``None`` where there is no learning rate."""
        if not self.optimizer.uses_learning_rate:
            return (None,)
        match self.learning_rates:
            case None:
                return LogSpaced(1e-3, 1.0, 7).values()
            case LogSpaced():
                return self.learning_rates.values()
            case TimesLimits(multiples):
                return tuple(TimesLimit(multiple) for multiple in multiples)
            case rates:
                return tuple(float(rate) for rate in rates)

    def resolved_seeds(self) -> tuple[int, ...]:
        """The seeds, one by one."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    def recorded_steps(self) -> tuple[int, ...]:
        """Steps at which diagnostics are computed, ascending, 0 and the last step always among them."""
        if isinstance(self.record_at, LogSpacedSteps):
            spaced = np.geomspace(1, self.num_steps, self.record_at.log_spaced).round().astype(int)
            return tuple(sorted({0, *spaced.tolist(), self.num_steps}))
        return tuple(sorted({0, *self.record_at, self.num_steps}))

    @property
    def num_steps(self) -> int:
        """Updates of each trial; an exact solver takes one."""
        return 1 if self.optimizer.in_one_step else self.steps

    def shapes(self) -> Iterator[Shape]:
        """What packs are made of: one shape for each problem, loss, model and width."""
        batch_size = None if self.batch_size == "full" else self.batch_size
        for problem in self.problems():
            for loss, model, width in itertools.product(self.losses(problem), self.models, self.widths):
                yield Shape(problem, model, width, self.optimizer, loss, self.num_steps, batch_size, self.dtype)

    def trials(self) -> Iterator[Trial]:
        """Every trial, those of one shape together."""
        rates = [(rate, _json(rate)) for rate in self.resolved_learning_rates()]
        seeds = self.resolved_seeds()
        for shape in self.shapes():
            # Equal to the hash of the whole content; the shape is written and hashed once for all its rates and seeds,
            # so that planning 100,000 trials takes less than two seconds.
            prefix = hashlib.sha256(f'{{"shape":{_json(shape)},"learning_rate":'.encode())
            for rate, rate_text in rates:
                with_rate = prefix.copy()
                with_rate.update(f'{rate_text},"seed":'.encode())
                for seed in seeds:
                    whole = with_rate.copy()
                    whole.update(f"{seed}}}".encode())
                    yield Trial(whole.hexdigest(), shape, rate, seed)

    def identity(self) -> str:
        """SHA-256 of all that the records depend on: the trials, and what is observed of them when."""
        content = canonical(self, identity=True)
        for field in ("question", *HOW_IT_RUNS):
            del content[field]
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
