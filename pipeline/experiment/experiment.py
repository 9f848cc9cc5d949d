"""Experiments: a question, and the product of named axes that answers it."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.definitions import canonical
from pipeline.diagnostics import DEFAULT_DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import FieldError
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
from pipeline.experiment.engine_names import CLOSED_FORM, EngineChoice
from pipeline.experiment.identity import HOW_IT_RUNS
from pipeline.experiment.parallelism import Parallel
from pipeline.experiment.precision import STORED, Dtype
from pipeline.experiment.trial import LearningRate, Shape, TimesLimit, Trial
from pipeline.experiment.wandb_tracking import Tracking
from pipeline.models.model import Model
from pipeline.optimizers.rules import GradientDescent, Optimizer
from pipeline.optimizers.stability_limits import limit_of
from pipeline.problems.datasets import Data
from pipeline.problems.losses import DEFAULT_LOSS, HalfMeanSquare, Loss
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
        target: Functions to learn; or else
        data: tables to learn.
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
        self._check_problem()
        self._check_models()
        self._check_optimizer()
        self._check_steps()
        self._check_engine()
        self._check_size()

    def _check_models(self) -> None:
        # A model checks no more of a problem than this, and a file may have hundreds that differ in size or noise.
        differing = {(problem.num_inputs, problem.bounds): problem for problem in self.problems()}
        for position, model in enumerate(self.models):
            for problem, width in itertools.product(differing.values(), self.widths):
                with _about_model(position, model):
                    model.check(width, problem)

    def _check_problem(self) -> None:
        if bool(self.target) == bool(self.data):
            what = "both target and data are given" if self.target else "neither target nor data is given"
            hint = "give one: target for a function, data for a table"
            raise FieldError(("data",) if self.target else (), what, hint=hint)
        distinct("target" if self.target else "data", self.target or self.data)
        if self.data:
            for field in ("measure", "dimension"):
                if getattr(self.inputs, field) is not None:
                    what = f"{field} is for targets; a table has its own inputs"
                    raise FieldError(("inputs", field), what, hint=f"leave {field} out")
            if self.inputs.noise != (0.0,):
                raise FieldError(
                    ("inputs", "noise"), "noise is for targets; a table has its own", hint="leave noise out"
                )
        elif self.inputs.split != "random":
            what = f"split {self.inputs.split} is for tables, whose rows are split; a target is sampled"
            raise FieldError(("inputs", "split"), what, hint="leave split out")
        if isinstance(self.loss, tuple):
            distinct("loss", self.loss)
        for problem in self.problems():
            for position, loss in enumerate(self.losses(problem)):
                if problem.task not in loss.tasks:
                    default = DEFAULT_LOSS[problem.task].name()
                    raise FieldError(
                        ("loss", position) if isinstance(self.loss, tuple) else ("loss",),
                        f"{loss.name()} does not fit {problem.label()}, whose outputs are {problem.task.value}",
                        hint=f"leave it out for {default}",
                    )

    def _check_optimizer(self) -> None:
        name = self.optimizer.name()
        if not self.optimizer.uses_learning_rate and self.learning_rates is not None:
            raise FieldError(("learning_rates",), f"{name} has no learning rate", hint="leave learning_rates out")
        for position, model in enumerate(self.models):
            refused = self.optimizer.only_networks if model.linear else self.optimizer.only_linear
            if refused:
                solved = "linear models" if self.optimizer.only_linear else "networks"
                hint = f"leave {model.name()} out, or take an optimizer of every model: {GradientDescent.name()}"
                raise FieldError(("models", position), f"{name} solves {solved}, not {model.name()}", hint=hint)
        if self.optimizer.only_square_loss:
            for problem in self.problems():
                if not all(loss.quadratic for loss in self.losses(problem)):
                    raise FieldError(
                        ("optimizer",), f"{name} minimises the square loss only", hint="set loss: half_mean_square"
                    )
        if self.optimizer.only_float64 and self.dtype != "float64":
            what = f"{name} needs float64: in float32 it would stop long before the minimum"
            raise FieldError(("optimizer",), what, hint="set dtype: float64")
        if isinstance(self.learning_rates, tuple):
            distinct("learning_rates", self.learning_rates)
            positive("learning_rates", self.learning_rates)
        self._check_rates_fit_the_dtype()
        if isinstance(self.learning_rates, TimesLimits):
            if self.optimizer.stability_factor() is None:
                what = f"{name} has no limit that follows from lambda_max"
                raise FieldError(("learning_rates",), what, hint="give the learning rates themselves")
            for position, model in enumerate(self.models):
                if not model.linear:
                    what = f"times_limit needs lambda_max, which changes while {model.name()} trains"
                    raise FieldError(("models", position), what, hint="give the learning rates themselves")
            self._check_minibatches_have_a_limit()

    def _check_minibatches_have_a_limit(self) -> None:
        """Refuse multiples of a limit that nobody knows: that of minibatches is known of one rule and one loss."""
        if self.batch_size == "full":
            return
        for problem in self.problems():
            for loss in self.losses(problem):
                if limit_of(self.optimizer, loss, linear=True, minibatches=True) is None:
                    what = f"of minibatches no limit is known for {self.optimizer.name()} with {loss.name()}"
                    known = f"or take {GradientDescent.name()} with {HalfMeanSquare.name()}, or batch_size: full"
                    raise FieldError(("learning_rates",), what, hint=f"give the learning rates themselves; {known}")

    def _check_rates_fit_the_dtype(self) -> None:
        limits = np.finfo(STORED[self.dtype])
        least, most = float(limits.tiny), float(limits.max)
        for position, rate in enumerate(self.resolved_learning_rates()):
            if isinstance(rate, float) and not least <= rate <= most:
                path = (position,) if isinstance(self.learning_rates, tuple) else ()
                raise FieldError(
                    ("learning_rates", *path),
                    f"learning rate {rate!r} cannot be written in {self.dtype}",
                    hint=f"stay between {least:.3g} and {most:.3g}",
                )

    def _check_steps(self) -> None:
        if self.steps < 1:
            raise FieldError(("steps",), f"steps must be positive, not {self.steps!r}", hint=FROM_ONE)
        self._check_batch_size()
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

    def _check_batch_size(self) -> None:
        if self.batch_size == "full":
            return
        if self.batch_size < 1:
            what = f"batch_size must be positive, not {self.batch_size!r}"
            raise FieldError(("batch_size",), what, hint=f"{FROM_ONE}, or full")
        if self.optimizer.all_points:
            what = f"{self.optimizer.name()} takes all points at once"
            raise FieldError(("batch_size",), what, hint="leave batch_size out")
        for problem in self.problems():
            if self.batch_size > problem.train:
                what = f"batch_size {self.batch_size} is more than the {problem.train} training points"
                raise FieldError(("batch_size",), what, hint=f"take at most {problem.train}, or full")

    def _check_engine(self) -> None:
        """Refuse the closed form where there is none: it is of descent on all points of a quadratic."""
        if self.engine != CLOSED_FORM:
            return
        hint = "leave engine out: the default computes everything"
        if self.optimizer.on_quadratics() is None:
            what = f"{CLOSED_FORM} has no formula for {self.optimizer.name()}"
            raise FieldError(("engine",), what, hint=f"{hint}; or take {GradientDescent.name()}")
        for model in self.models:
            if not model.linear:
                raise FieldError(("engine",), f"{CLOSED_FORM} is for linear models, not {model.name()}", hint=hint)
        for problem in self.problems():
            for loss in self.losses(problem):
                if not loss.quadratic:
                    what = f"{CLOSED_FORM} is for the square loss, not {loss.name()}"
                    raise FieldError(("engine",), what, hint=f"{hint}; or set loss: half_mean_square")
        if self.batch_size != "full":
            what = f"{CLOSED_FORM} takes all points at every step, not {self.batch_size}"
            raise FieldError(("engine",), what, hint=f"{hint}; or leave batch_size out")
        if self.parallel.processes > 1:
            what = f"{CLOSED_FORM} computes in one process, not in {self.parallel.processes}"
            raise FieldError(("engine",), what, hint=f"{hint}; or leave parallel out")

    def _check_size(self) -> None:
        num_problems = sum(len(self.losses(problem)) for problem in self.problems())
        num_seeds = self.seeds if isinstance(self.seeds, int) else len(self.seeds)
        axes = (num_problems, len(self.models), len(self.widths), len(self.resolved_learning_rates()), num_seeds)
        if math.prod(axes) > MAX_TRIALS:
            named = " x ".join(
                f"{num} {axis}"
                for num, axis in zip(axes, ("problems", "models", "widths", "rates", "seeds"), strict=True)
            )
            what = f"{named} are {math.prod(axes)} trials, more than {MAX_TRIALS}"
            raise FieldError(("seeds",), what, hint="take fewer seeds, or ask in several files")

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


@contextmanager
def _about_model(position: int, model: Model) -> Iterator[None]:
    """Let the complaints of a model say which one it is."""
    try:
        yield
    except FieldError as error:
        path = ("models", position, model.name(), *error.path)
        raise FieldError(path, error.what, hint=error.hint) from None


def _placed(make: Callable[[], Problem]) -> Problem:
    """A problem, whose complaints are about the inputs."""
    try:
        return make()
    except FieldError as error:
        raise FieldError(("inputs", *error.path), error.what, hint=error.hint) from None


def _json(value: object) -> str:
    return json.dumps(canonical(value, identity=True), sort_keys=True, separators=(",", ":"))
