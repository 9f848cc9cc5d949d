"""Packs: trials of one shape, trained together as one stack."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.errors import FieldError
from pipeline.experiment.identity import id_of_pack
from pipeline.experiment.resources import bytes_of_iteration, bytes_of_trial, operations_of_step
from pipeline.experiment.trial import Shape, Trial
from pipeline.experiment.workload import operations_of_training
from pipeline.optimizers.solvers import Lbfgs

MOST_TRIALS = 4096
"""Trials of a pack at most, however small they are, so that progress shows and an interruption costs little."""


MOST_ITERATION_BYTES = 256 << 20
"""Memory of the matrices of a solver's iteration: its work grows with the number of weights times that."""


@dataclass(frozen=True)
class Pack:
    """Trials of one shape; the id is a hash of theirs, so a pack is known by what it trains."""

    id: str
    shape: Shape
    trials: tuple[Trial, ...]

    @property
    def trial_steps(self) -> int:
        """Updates that training the whole pack takes, over all its trials."""
        return len(self.trials) * self.shape.steps


def make_pack(trials: tuple[Trial, ...]) -> Pack:
    """A pack of trials that share one shape."""
    return Pack(id_of_pack(trial.id for trial in trials), trials[0].shape, trials)


def packs(trials: Iterable[Trial], memory_gib: float) -> Iterator[Pack]:
    """Group trials into packs of one shape each, within a memory limit and as equal in size as possible.

    Args:
        trials: Those of one shape together, as ``Experiment.trials`` yields them.
        memory_gib: Most memory that the trials of a pack take, by ``bytes_of_trial``.

    Yields:
        Packs, in the order of their trials.

    Raises:
        FieldError: If one trial alone is above the limit.
    """
    for shape, group in itertools.groupby(trials, key=lambda trial: trial.shape):
        members = tuple(group)
        _check_iteration(shape)
        largest = min(MOST_TRIALS, int(memory_gib * 2**30 / bytes_of_trial(shape)))
        if not largest:
            raise FieldError(
                ("widths",),
                f"one trial of {shape.model.label()} of width {shape.width} takes "
                f"{bytes_of_trial(shape) / 2**30:.3g} GiB, more than {memory_gib:g}",
                hint="raise pack_memory_gib if the machine has the memory, or take a smaller width",
            )
        num_packs = -(-len(members) // largest)  # rounded up
        bounds = [len(members) * index // num_packs for index in range(num_packs + 1)]
        for first, last in itertools.pairwise(bounds):
            yield make_pack(members[first:last])


def _check_iteration(shape: Shape) -> None:
    """Refuse a solver whose matrices are beyond what it is for.

    Raises:
        FieldError: If those of one trial are above the limit.
    """
    if (needed := bytes_of_iteration(shape)) > MOST_ITERATION_BYTES:
        num_residuals = shape.problem.train * shape.problem.num_outputs
        other = "" if isinstance(shape.optimizer, Lbfgs) else f", or {Lbfgs.name()}"
        raise FieldError(
            ("optimizer",),
            f"{shape.optimizer.name()} of {shape.model.label()} of width {shape.width} makes matrices of "
            f"{shape.num_weights} weights by {num_residuals} residuals: {needed / 2**30:.3g} GiB a trial, more than "
            f"{MOST_ITERATION_BYTES / 2**30:g}, and {operations_of_step(shape):.1g} operations a step",
            hint=f"take a smaller width or fewer training points{other}",
        )


def operations_of_pack(pack: Pack) -> int:
    """Work of a whole pack in floating-point operations, the cost of the calls included; only ratios mean anything."""
    return operations_of_training(pack.shape.steps, len(pack.trials), operations_of_step(pack.shape))
