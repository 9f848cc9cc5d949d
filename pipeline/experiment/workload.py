"""Workloads: packs as a scheduler sees them, by their resource requirements.

Apart from how the requirements are computed, because a login node sends packs without waiting for PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass

OVERHEAD_OF_STEP = 100_000
"""Operations that the calls of one update of a whole pack cost, about 30 us."""


@dataclass(frozen=True)
class MemoryFootprint:
    """Bytes that training a pack of one shape adds to a process, as a function of its number of trials T.

    ``shared + T * trial + min(T * observed, most_observed)``

    Args:
        shared: Points and buffers, which are there once.
        trial: Weights and optimizer memory of one trial.
        observed: What the diagnostics of one trial take.
        most_observed: What diagnostics take at most; more trials are looked at in turn.
    """

    shared: int
    trial: int
    observed: int
    most_observed: int

    def of(self, num_trials: int) -> int:
        """Bytes of a pack.

        Args:
            num_trials: T, its trials.

        Returns:
            Bytes.
        """
        return self.shared + num_trials * self.trial + min(num_trials * self.observed, self.most_observed)


@dataclass(frozen=True)
class ResourceRequirements:
    """Resource requirements of the packs of one shape, for each of their trials.

    Args:
        kind: Hash of what packs that take equally long for each step have in common, but for their number of trials.
        model: Label of the model.
        steps: Updates of each trial.
        operations: Floating-point operations of one update of one trial.
        memory: Bytes.
    """

    kind: str
    model: str
    steps: int
    operations: int
    memory: MemoryFootprint


@dataclass(frozen=True)
class Workload:
    """A pack as it is sent to a scheduler: its trials by id, and what it requires.

    Args:
        pack: Id of the pack.
        trials: Ids of its trials.
        requirements: Of its shape.
    """

    pack: str
    trials: tuple[str, ...]
    requirements: ResourceRequirements

    @property
    def num_trials(self) -> int:
        """T, the trials of the pack."""
        return len(self.trials)

    @property
    def kind(self) -> str:
        """What packs that take equally long for each step have in common: all but their seeds, rates and steps."""
        return f"{self.requirements.kind}-{self.num_trials}"

    @property
    def memory_bytes(self) -> int:
        """Bytes that training it adds to a process."""
        return self.requirements.memory.of(self.num_trials)

    @property
    def operations(self) -> int:
        """Work of the whole pack in floating-point operations; only ratios mean anything."""
        return operations_of_training(self.requirements.steps, self.num_trials, self.requirements.operations)


def operations_of_training(steps: int, num_trials: int, operations: int) -> int:
    """Floating-point operations of training a pack, with what the calls of each update cost counted as operations.

    ``steps * (OVERHEAD_OF_STEP + num_trials * operations)``

    Args:
        steps: Updates of each trial.
        num_trials: T, trials of the pack.
        operations: Of one update of one trial.

    Returns:
        Operations; only their ratios mean anything.
    """
    return steps * (OVERHEAD_OF_STEP + num_trials * operations)
