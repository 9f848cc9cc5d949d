"""Kernels that train, of any model: value and gradient, many updates, one chunk of a gradient, one update.

A kernel copies the weights of a trial from the stack into rows, makes all updates there and copies them back.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from pipeline.engines.cpu.codegen.buffers import round_up
from pipeline.engines.cpu.codegen.simd import Array, Program, Value
from pipeline.engines.cpu.kernels.training_step import KernelSpec, TrainingStep
from pipeline.engines.cpu.kernels.updates import updated
from pipeline.optimizers.rules import UpdateRule


class TrialRows:
    """The weights and slots of one trial after another, or of some at a time, in rows of full registers.

    Args:
        p: The program.
        step: The step that works on the rows.
        slots: Tensors that the update rule remembers.
    """

    def __init__(self, p: Program, step: TrainingStep, slots: int) -> None:
        self.p, self.step = p, step
        self.num_weights = p.int_parameter("num_weights")
        self.places = p.array_parameter("places", "num_weights", integers=True)
        names = ("weights", *(f"slot_{n}" for n in range(slots)))
        self.flat = [p.array_parameter(name, "num_trials", "num_weights") for name in names]
        self.own = [step.weights, *(p.array_parameter(f"own_slot_{n}", "size") for n in range(slots))]

    def load(self, trial: Value) -> None:
        """Copy a trial into rows, and those that are worked on together with it."""
        for flat, own, place, own_place in self._numbers(trial):
            own.store(own_place, flat.load(place))

    def write_back(self, trial: Value) -> None:
        """Copy the rows back to the stack."""
        for flat, own, place, own_place in self._numbers(trial):
            flat.store(place, own.load(own_place))

    def _numbers(self, trial: Value) -> Iterator[tuple[Array, Array, Value, Value]]:
        """For each number of a trial its array in the stack, its array of rows, and its index in both."""
        with self.p.loop(self.num_weights) as n:
            place = self.places.load(n)
            for number in range(self.step.together):
                for flat, own in zip(self.flat, self.own, strict=True):
                    yield flat, own, (trial + number) * self.num_weights + n, self.step.size * number + place


def gradient_program(spec: KernelSpec) -> Program:
    """The kernel of losses and gradients of trials at their weights, on all points."""
    p = Program(spec.dtype)
    step = spec.step(p, "all")
    trials = TrialRows(p, step, 0)
    losses, flat_gradient = (
        p.array_parameter("losses", "num_trials"),
        p.array_parameter("gradient", "num_trials", "num_weights"),
    )
    num_trials = p.int_parameter("num_trials")
    with p.loop(num_trials) as trial:
        trials.load(trial)
        (loss,) = step.value_and_gradient()
        losses.store(trial, loss)
        with p.loop(trials.num_weights) as n:
            flat_gradient.store(trial * trials.num_weights + n, step.gradient.load(trials.places.load(n)))
    return p


def training_program(spec: KernelSpec, rule: UpdateRule, *, minibatches: bool) -> Program:
    """The kernel of many updates of trials; a trial whose loss is out of bounds is left at once.

    Args:
        spec: Model, loss and dtype.
        rule: The update rule.
        minibatches: Whether each update takes a batch of its own.

    Returns:
        The program, with its parameters.
    """
    p = Program(spec.dtype)
    step = spec.step(p, "batch" if minibatches else "all")
    trials = TrialRows(p, step, rule.slots)
    update = Update(p, trials, rule)
    num_trials, num_steps = p.int_parameter("num_trials"), p.int_parameter("num_steps")
    batch = Batch(p, step) if minibatches else None
    with p.loop(num_trials, step=step.together) as trial:
        trials.load(trial)
        going = p.variable(num_steps)  # becomes zero when the trials have diverged, which ends their loop
        update.begin()
        with p.loop(going.get) as number:
            if batch is not None:
                batch.gather(trial, number)
            # The loss comes with the gradient of the update, so that a bound costs no pass over the points.
            fine = update.make(trial, number, step.value_and_gradient())
            with p.when(p.logical_not(fine)):
                going.set(p.int_constant(0))
        trials.write_back(trial)
    return p


def chunk_program(spec: KernelSpec) -> Program:
    """The kernel of the gradient on one chunk of the points, of a trial whose weights lie in rows."""
    p = Program(spec.dtype)
    step = spec.step(p, "all")
    step.chunk(p.int_parameter("chunk"))
    return p


def update_program(spec: KernelSpec, rule: UpdateRule) -> Program:
    """The kernel of one update of a trial in rows, once the gradients of all chunks are there."""
    p = Program(spec.dtype)
    step = spec.step(p, "all")
    update = Update(p, TrialRows(p, step, rule.slots), rule)
    update.begin()
    update.make(p.int_constant(0), p.int_parameter("number"), step.add_chunks())
    return p


class Update:
    """The update of trials in rows.

    Args:
        p: The program.
        trials: The rows.
        rule: The update rule.
    """

    def __init__(self, p: Program, trials: TrialRows, rule: UpdateRule) -> None:
        self.p, self.trials, self.rule = p, trials, rule
        self.rates, self.bounds = p.array_parameter("rates", "num_trials"), p.array_parameter("bounds", "num_trials")
        self.corrections = p.array_parameter("corrections", 2, "num_steps")
        self.diverged = p.array_parameter("diverged", "num_trials", integers=True)

    def begin(self) -> None:
        """Note that no trial has diverged yet."""
        self.going = [self.p.variable(self.p.boolean(value=True)) for _ in range(self.trials.step.together)]

    def make(self, trial: Value, number: Value, losses: list[Value]) -> Value:
        """Update the trials whose loss is within bounds, and write down the step of those that have just diverged.

        Args:
            trial: Number of the first trial.
            number: Number of the update, from 0.
            losses: Loss of each trial worked on together.

        Returns:
            Whether any of them goes on.
        """
        for n, (loss, going) in enumerate(zip(losses, self.going, strict=True)):
            fine = loss <= self.bounds.load(trial + n)
            with self.p.when(self.p.bitwise("and", going.get(), self.p.logical_not(fine))):
                self.diverged.store(trial + n, number)
                going.set(self.p.boolean(value=False))
            with self.p.when(going.get()):
                self._make(trial + n, number, self.trials.step.size * n)
        return functools.reduce(lambda a, b: self.p.bitwise("or", a, b), [going.get() for going in self.going])

    def _make(self, trial: Value, number: Value, first: Value) -> None:
        """Update the trial whose rows begin at ``first``."""
        p, step = self.p, self.trials.step
        rate = self.rates.load(trial) * self.corrections.load(number * 2)
        root = self.corrections.load(number * 2 + 1)
        with p.loop(first + step.size, start=first, step=p.lanes) as place:
            own = [array.load(place, p.lanes) for array in self.trials.own]
            gradient = step.gradient.load(place, p.lanes)
            weights, slots = updated(p, self.rule, own[0], gradient, own[1:], rate, root)
            for array, value in zip(self.trials.own, [weights, *slots], strict=True):
                array.store(place, value)


class Batch:
    """The points of one update, gathered from all points by the permutations of the trial's epochs, one after another.

    Args:
        p: The program.
        step: The step that works on them.
    """

    def __init__(self, p: Program, step: TrainingStep) -> None:
        self.p, self.step = p, step
        self.points, self.permutations = (
            p.array_parameter("points"),
            p.array_parameter("permutations", "num_trials", "permutation_size", integers=True),
        )
        self.permutation_size, self.batch_size = p.int_parameter("permutation_size"), p.int_parameter("batch_size")
        self.first_batch = p.int_parameter("first_batch")

    def gather(self, trial: Value, number: Value) -> None:
        """Copy the points of a batch side by side; lanes that are left over hold its last point again."""
        p, step = self.p, self.step
        inputs, outputs = p.int_constant(step.num_inputs), step.spec.num_outputs
        size = inputs + round_up(outputs, step.spec.multiple_in_points(p.lanes))
        start = trial * self.permutation_size + (self.first_batch + number) * self.batch_size
        with p.loop(step.stride) as lane:
            last = self.batch_size - 1
            place = self.permutations.load(start + p.select(lane < last, lane, last)) * size
            point = Array(p, self.points.at(place), p.real)
            step.gather_inputs(point, lane)
            for k in range(outputs):
                step.y.store(step.stride * k + lane, point.load(inputs + k))
