"""Experiments: a question, and the product of named axes that answers it."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pipeline.definitions import canonical
from pipeline.diagnostics import DEFAULT_DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import FieldError
from pipeline.experiment.answers import Answers
from pipeline.experiment.axes import (
    MAX_TRIALS,
    BatchSize,
    Inputs,
    LogSpaced,
    LogSpacedSteps,
    TimesLimits,
    check_seeds,
    distinct,
    distinct_labels,
    place,
    positive,
    several,
)
from pipeline.experiment.compatibility import (
    Objectives,
    check_batch_size,
    check_closed_form,
    check_draws,
    check_losses,
    check_models,
    check_optimizer,
    check_source,
    check_steps,
)
from pipeline.experiment.engine_names import CLOSED_FORM, EngineChoice
from pipeline.experiment.identity import HOW_IT_RUNS
from pipeline.experiment.optimizer_rates import check_rates, check_rates_of_training, rates_for
from pipeline.experiment.parallelism import Parallel
from pipeline.experiment.precision import Dtype
from pipeline.experiment.problem_axes import placed_problems
from pipeline.experiment.recording import recorded_steps
from pipeline.experiment.trial import LearningRate, Shape, Trial
from pipeline.experiment.trial_ids import identified_trials, with_texts
from pipeline.experiment.wandb_tracking import Tracking
from pipeline.experiment.ways import TRAINING_AXES, Way
from pipeline.extensions.extension import Extension
from pipeline.models.model import Model
from pipeline.numerics.randomness import TRIAL
from pipeline.optimizers.rules import GradientDescent, Optimizer
from pipeline.problems.datasets import Data
from pipeline.problems.losses import DEFAULT_LOSS, Loss
from pipeline.problems.problem import Problem, TableProblem
from pipeline.problems.targets import Target


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
        seeds: Seeds of initial weights, minibatches and random features, or how many: 3 are 0, 1 and 2. Trials that
            draw nothing from it have the first one only.
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
        use: Files and packages with definitions of your own.
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
    use: tuple[Extension, ...] = ()
    unwritten: ClassVar[Mapping[str, tuple[Extension, ...]]] = {"use": ()}
    """A plan of what is built in says nothing of extensions."""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise FieldError(("question",), "the question is empty", hint="write what the experiment is to answer")
        for axis in ("models", "widths"):
            distinct(axis, getattr(self, axis))
        distinct("diagnostics", tuple(diagnostic.name() for diagnostic in self.diagnostics))
        distinct_labels(self.models)
        positive("widths", self.widths)
        for name in ("pack_memory_gib", "checkpoint_seconds"):
            if not getattr(self, name) > 0:
                hint = "take a number above 0"
                raise FieldError((name,), f"{name} must be positive, not {getattr(self, name)!r}", hint=hint)
        check_source(self.target, self.data, self.inputs)
        for axis in ("loss", *TRAINING_AXES):
            if isinstance(written := getattr(self, axis), tuple):
                distinct(axis, written)
        objectives = [(problem, self.losses(problem)) for problem in self._problems()]
        if self.inputs.seed == TRIAL or isinstance(self.inputs.seed, tuple):
            check_draws(objectives)
        check_losses(objectives, listed=isinstance(self.loss, tuple))
        check_models(self.models, self.widths, objectives)
        self._check_training(objectives)
        if self.engine == CLOSED_FORM:
            for optimizer, batch_size in itertools.product(self.optimizers, self.batch_sizes):
                check_closed_form(optimizer, self.models, objectives, batch_size, self.parallel.processes)
        self._check_size(objectives)
        self._check_answers(objectives)

    def _check_training(self, objectives: Objectives) -> None:
        check_rates(self.learning_rates, self.optimizers)
        for position, optimizer in enumerate(self.optimizers):
            where = place("optimizer", self.optimizer, position)
            check_optimizer(optimizer, self.models, objectives, self.dtypes, where)
        check_rates_of_training(
            self.learning_rates, self.optimizers, self.models, objectives, self.dtypes, self.batch_sizes
        )
        check_steps(self.steps, self.record_at)
        for position, batch_size in enumerate(self.batch_sizes):
            if batch_size is not None:
                where = place("batch_size", self.batch_size, position)
                check_batch_size(batch_size, self.optimizers, objectives, where)
        check_seeds(self.seeds)

    def _check_size(self, objectives: Objectives) -> None:
        num_objectives = sum(len(losses) for _, losses in objectives)
        num_trials = num_objectives * len(self.widths) * self._num_each()
        if num_trials > MAX_TRIALS:
            axes = {
                "problems": num_objectives,
                "models": len(self.models),
                "widths": len(self.widths),
                "rates": sum(len(self.rates_of(way.optimizer)) for way in self._ways()),
                "seeds": self.num_seeds,
            }
            named = " x ".join(f"{num} {axis}" for axis, num in axes.items())
            what = f"{named} are {num_trials} trials that differ, more than {MAX_TRIALS}"
            raise FieldError(("seeds",), what, hint="take fewer seeds, or ask in several files")

    def _num_each(self) -> int:
        """Trials of one problem, loss and width, its samples of points included."""
        own = self.inputs.seed == TRIAL
        num_samples = 1 if own or not isinstance(self.inputs.seed, tuple) else len(self.inputs.seed)
        repeated = sum(
            len(self.rates_of(way.optimizer)) * (self.num_seeds if own or way.draws_for(model) else 1)
            for model, way in itertools.product(self.models, self._ways())
        )
        return num_samples * repeated

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

    def data_seeds(self) -> tuple[int, ...]:
        """Seeds of the points, one by one; those of the trials where each draws its own."""
        seed = self.inputs.seed
        if isinstance(seed, tuple):
            return seed
        return self.resolved_seeds() if seed == TRIAL else (seed,)

    def _first_data_seed(self) -> int:
        seed = self.inputs.seed
        if seed != TRIAL:
            return seed[0] if isinstance(seed, tuple) else seed
        return self.seeds[0] if isinstance(self.seeds, tuple) and self.seeds else 0

    def problems(self) -> Iterator[Problem]:
        """Every problem, with the defaults of its inputs filled in.

        Yields:
            A problem for each target or table, dimension, number of training points, noise and seed of these.
        """
        seeds = self.data_seeds()
        for problem in self._problems():
            yield from (problem.with_seed(seed) for seed in seeds)

    def _problems(self) -> Iterator[Problem]:
        """Every problem but for its seeds: each with the first of them.

        Returns:
            A problem for each target or table, dimension, number of training points and noise.

        Raises:
            FieldError: If a target cannot be sampled, or a table cannot be split, as ``inputs`` says.
        """
        return placed_problems(self.target, self.data, self.inputs, self._first_data_seed())

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

    def rates_of(self, optimizer: Optimizer) -> tuple[LearningRate, ...]:
        """The learning-rate axis of an optimizer, one value each; a single ``None`` for one that has no rate."""
        return rates_for(optimizer, self.learning_rates)

    @property
    def num_seeds(self) -> int:
        """How many seeds there are."""
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds)

    def seeds_in_words(self) -> str:
        """How often each trial is repeated: ``seeds: 5, of which linear models need 1``."""
        said = f"seeds: {self.num_seeds}"
        if isinstance(self.inputs.seed, tuple):
            said += f" on each of {len(self.inputs.seed)} samples of points"
        if self.inputs.seed == TRIAL:
            return f"{said}, each with points of its own"
        once = [(model, way) for model in self.models for way in self._ways() if not way.draws_for(model)]
        if self.num_seeds == 1 or not once:
            return said
        if len(once) == len(self.models) * len(self._ways()):
            return f"{said}, of which 1 is needed: nothing else is random"
        fixed = "" if not any(model.draws_features for model in self.models) else " on fixed features"
        full = "" if all(size is None for size in self.batch_sizes) else " on full batches"
        return f"{said}, of which linear models{fixed}{full} need 1"

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
        return recorded_steps(self.record_at, steps or self.num_steps)

    def observed(self) -> dict[str, Any]:
        """What is recorded of each trial, as plain JSON types: the diagnostics, and when."""
        return {
            "diagnostics": [canonical(diagnostic, identity=True) for diagnostic in self.diagnostics],
            "record_at": canonical(self.record_at),
        }

    def shapes(self) -> Iterator[Shape]:
        """What packs are made of: one shape for each problem, loss, model, width and way to train."""
        return (shape for shape, _ in self._shapes_and_seeds())

    def _shapes_and_seeds(self, *, copies: bool = False) -> Iterator[tuple[Shape, tuple[int, ...]]]:
        """Every shape with the seeds of its trials: the first alone where trials would not differ.

        What a seed draws before training, points or random features, is in the shape, which then has that seed only.

        Args:
            copies: Whether all seeds are given where one says everything.

        Yields:
            A shape, and seeds.
        """
        seeds, ways = self.resolved_seeds(), self._ways()
        for problem in self.problems():
            own = (problem.seed,) if self.inputs.seed == TRIAL else seeds
            for loss, model, width in itertools.product(self.losses(problem), self.models, self.widths):
                for way in ways:
                    for drawn, of_trials in _drawn(model, own):
                        shape = Shape(problem, drawn, width, way.optimizer, loss, way.steps, way.batch_size, way.dtype)
                        yield shape, of_trials if copies or shape.draws_from_seed else of_trials[:1]

    def _ways(self) -> list[Way]:
        """Every way of training."""
        return [
            Way(optimizer, batch_size, dtype, steps)
            for optimizer, batch_size, dtype in itertools.product(self.optimizers, self.batch_sizes, self.dtypes)
            for steps in self.steps_of(optimizer)
        ]

    def trials(self, *, copies: bool = False) -> Iterator[Trial]:
        """Every trial, those of one shape together; none that would equal another but for its seed.

        Args:
            copies: Whether those are among them, as in plans of older versions.

        Yields:
            Trials.
        """
        rates_of = {optimizer: with_texts(self.rates_of(optimizer)) for optimizer in self.optimizers}
        for shape, seeds in self._shapes_and_seeds(copies=copies):
            yield from identified_trials(shape, rates_of[shape.optimizer], seeds)

    def identity(self) -> str:
        """SHA-256 of all that the records depend on: the trials, and what is observed of them when."""
        content = canonical(self, identity=True)
        for name in ("question", "use", *HOW_IT_RUNS):  # what is used of an extension holds the digest of its source
            del content[name]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _drawn(model: Model, seeds: tuple[int, ...]) -> list[tuple[Model, tuple[int, ...]]]:
    """A model with the seeds of its trials; one that draws features for each of them."""
    if not model.draws_features:
        return [(model, seeds)]
    return [(model.with_seed(seed), (seed,)) for seed in seeds]
