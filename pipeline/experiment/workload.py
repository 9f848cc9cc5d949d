"""What a pack asks of a machine. On its own, because it is asked where nothing heavy may be imported."""

from __future__ import annotations

from dataclasses import dataclass

OVERHEAD_OF_STEP = 100_000
"""Operations that the calls of one update of a whole pack cost, about 30 us."""


@dataclass(frozen=True)
class MemoryFootprint:
    """Bytes that training packs of one shape adds to a process.

    Args:
        shared: Of points and buffers, which are there once.
        trial: That each trial adds.
        observed: That observing one trial takes.
        most_observed: That observing takes at most, however many trials there are.
    """

    shared: int
    trial: int
    observed: int
    most_observed: int

    def of(self, num_trials: int) -> int:
        """Bytes of a pack of so many trials."""
        return self.shared + num_trials * self.trial + min(num_trials * self.observed, self.most_observed)


@dataclass(frozen=True)
class ResourceRequirements:
    """What the packs of one shape ask of a machine, however many trials they hold.

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
    """A pack without what its trials mean: all that sending it takes.

    Args:
        pack: Id of the pack.
        trials: Ids of its trials.
        requirements: What its shape asks of a machine.
    """

    pack: str
    trials: tuple[str, ...]
    requirements: ResourceRequirements

    @property
    def num_trials(self) -> int:
        """How many trials it has."""
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
    """Operations of so many updates of a whole pack, the cost of the calls included.

    Args:
        steps: Updates of each trial.
        num_trials: Trials of the pack.
        operations: Of one update of one trial.
    """
    return steps * (OVERHEAD_OF_STEP + num_trials * operations)
