"""Frames of a run: of which trials the weights are kept, at which of the recorded steps.

Of each problem, loss, model, width, way of training and learning rate the trial of the first seed, at all of the
recorded steps or 60 of them, evenly spaced, where a report can draw the function: of one or two inputs, one
output. Where the weights of all of these would take more than 64 MiB, every second width and every second rate is left
out, but the last, and again, until they fit; then every second step.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack
from pipeline.experiment.precision import STORED
from pipeline.numerics.even_spacing import evenly_spaced, every
from pipeline.problems.problem import Problem

MOST_BYTES = 64 << 20
"""Of all weights that are kept of a run."""
MOST_FRAMES = 60
"""Steps of a trial whose weights are kept."""
LEAST_FRAMES = 2
MOST_INPUTS = 2
"""Of a function that can be drawn."""
ITEM_BYTES = {"float32": 4, "float64": 8}


@dataclass(frozen=True)
class FrameChoice:
    """Whose weights are kept, and when.

    Args:
        experiment: Whose trials.
        stride: Of every so many widths, and of every so many rates, one is kept, and the last.
        most_frames: Steps of each trial at most; 0 to keep nothing.
    """

    experiment: Experiment
    stride: int = 1
    most_frames: int = MOST_FRAMES

    def positions(self, pack: Pack) -> tuple[int, ...]:
        """Positions of the trials of a pack whose weights are kept.

        Args:
            pack: Of the experiment.

        Returns:
            Ascending.
        """
        shape, experiment = pack.shape, self.experiment
        first_points = shape.problem.seed == experiment.data_seeds()[0]
        wanted = self.most_frames and can_be_drawn(shape.problem) and first_points
        if not wanted or shape.width not in every(experiment.widths, self.stride):
            return ()
        first, rates = experiment.resolved_seeds()[0], every(experiment.rates_of(shape.optimizer), self.stride)
        chosen = enumerate(pack.trials)
        return tuple(place for place, trial in chosen if trial.seed == first and trial.learning_rate in rates)

    def steps(self, num_steps: int) -> tuple[int, ...]:
        """The steps at which weights are kept.

        Args:
            num_steps: Updates of the trial.

        Returns:
            Recorded steps, ascending, the first and the last among them.
        """
        recorded = self.experiment.recorded_steps(num_steps)
        return tuple(evenly_spaced(recorded, self.most_frames)) if self.most_frames else ()

    def num_bytes(self) -> int:
        """Size of all weights that it keeps, before they are compressed."""
        experiment = self.experiment
        widths = every(experiment.widths, self.stride)
        per_weight = sum(
            len(every(experiment.rates_of(optimizer), self.stride)) * ITEM_BYTES[STORED[dtype]] * len(self.steps(steps))
            for optimizer, _, dtype in itertools.product(
                experiment.optimizers, experiment.batch_sizes, experiment.dtypes
            )
            for steps in experiment.steps_of(optimizer)
        )
        num_weights = sum(
            model.num_weights(width, problem.num_inputs, problem.num_outputs) * len(experiment.losses(problem))
            for problem in self._problems()
            for model, width in itertools.product(experiment.models, widths)
        )
        return per_weight * num_weights

    def _problems(self) -> Iterator[Problem]:
        first = self.experiment.data_seeds()[0]
        drawn = (problem for problem in self.experiment.problems() if problem.seed == first)
        return (problem for problem in drawn if can_be_drawn(problem))

    def _thinner(self) -> FrameChoice:
        """The next that keeps less."""
        longest = max(
            len(self.experiment.widths), *(len(self.experiment.rates_of(o)) for o in self.experiment.optimizers)
        )
        if self.stride < longest - 1:
            return dataclasses.replace(self, stride=2 * self.stride)
        fewer = self.most_frames // 2
        return dataclasses.replace(self, most_frames=fewer if fewer >= LEAST_FRAMES else 0)

    def in_words(self) -> str:
        """What was left out, as a sentence; empty where nothing was."""
        if not self.most_frames:
            return "Weights on the way are not kept: those of all cells of this run would take too much room."
        parts = []
        if self.stride > 1:
            parts.append(f"every {self.stride}th width and learning rate and the last".replace("2th", "second"))
        if self.most_frames < MOST_FRAMES:
            parts.append(f"{self.most_frames} steps")
        return f"Weights on the way are kept of {', at '.join(parts)}, to save room." if parts else ""


@functools.lru_cache(maxsize=2)
def frame_choice(experiment: Experiment, most_bytes: int = MOST_BYTES) -> FrameChoice:
    """Whose weights an experiment keeps, and when: the first of the ever thinner choices that fits.

    Args:
        experiment: Whose trials.
        most_bytes: Size of all weights that are kept.

    Returns:
        The choice; it is the same in every process that trains a part of the experiment.
    """
    choice = FrameChoice(experiment)
    while choice.most_frames and choice.num_bytes() > most_bytes:
        choice = choice._thinner()
    return choice


def can_be_drawn(problem: Problem) -> bool:
    """Whether the function of a model can be drawn: of a line or a plane, with one output."""
    return problem.num_inputs <= MOST_INPUTS and problem.num_outputs == 1
