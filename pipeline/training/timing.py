"""How long a pack will take, from a short training of it whose results are thrown away."""

from __future__ import annotations

import dataclasses
import functools
import gc
import itertools
import math
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import lightning as L

from pipeline.engines.choice import ChosenEngine, choose_engine
from pipeline.experiment.axes import Inputs
from pipeline.experiment.engine_names import CLOSED_FORM
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import Pack, make_pack
from pipeline.experiment.parallelism import Parallel
from pipeline.models.linear import Linear
from pipeline.problems.targets import Sine
from pipeline.records.outcome_provenance import NO_JOB
from pipeline.records.store import write_outcomes
from pipeline.training.deadline import Deadline
from pipeline.training.fit import chosen_accelerator, device_name, new_module, outcomes, train
from pipeline.training.fitted_function import write_best_fit
from pipeline.training.module import PackModule
from pipeline.training.recorder import Recorder
from pipeline.training.segments import RemainingSegments, Segment

BUDGET_S = 0.5
"""Time of the updates of a pilot, seconds; a segment that was begun is finished."""

OBSERVED = 3
"""Recorded steps of a pilot besides step 0."""


@dataclass(frozen=True)
class Timing:
    """What training a pack takes, seconds.

    Args:
        startup_s: Of a process, before its first pack: imports, the first use of a GPU. Not measured here.
        setup_s: Of a pack, once: its points, its weights, its learning rates, what only step 0 records, and Lightning's
            beginning and end.
        step_s: Of an update of the whole pack.
        observe_s: Of a recorded step: all diagnostics, and the end of a segment.
        device: Where: the name of a GPU, or the architecture of the processor.
    """

    startup_s: float
    setup_s: float
    step_s: float
    observe_s: float
    device: str

    def seconds(self, steps: int, recorded_steps: int) -> float:
        """Time of the whole training of a pack in a process that has started."""
        return self.setup_s + steps * self.step_s + recorded_steps * self.observe_s


Accelerator = Literal["auto", "cpu", "cuda"]


def measure(pack: Pack, experiment: Experiment, accelerator: Accelerator, *, budget_s: float = BUDGET_S) -> Timing:
    """Train a pack for a moment, in this process, and time the parts of that.

    Args:
        pack: What to time.
        experiment: What is recorded.
        accelerator: Where: ``auto``, ``cpu`` or ``cuda``.
        budget_s: Time of the updates, seconds.
    """
    alone = dataclasses.replace(experiment, accelerator=accelerator, parallel=Parallel())
    warm_up(accelerator)
    device_type = chosen_accelerator(accelerator)
    engine = choose_engine(alone.engine, pack.shape, device_type)
    engine.compile(pack.shape, alone.diagnostics)  # once, like the start of a process
    return _timed(pack, alone, budget_s, engine)


@functools.cache
def warm_up(accelerator: Accelerator) -> None:
    """Do once what is slow the first time in a process, so that no pack is blamed for it."""
    smallest = Experiment(
        "How long does the first take?", (Linear(),), (2,), (Sine(),), inputs=Inputs(train=(8,), test=8),
        learning_rates=(0.1,), steps=8, seeds=2, accelerator=accelerator,
    )  # fmt: skip
    _timed(make_pack(tuple(smallest.trials())), smallest, BUDGET_S)


class Pilot(Recorder):
    """Looks at a pack as the recorder does, but at a few steps only, and writes down the times instead of the numbers.

    Args:
        experiment: What is recorded.
        folder: Where records go.
        budget_s: Time of the updates, seconds.
    """

    def __init__(self, experiment: Experiment, folder: Path, budget_s: float) -> None:
        asked = (experiment.diagnostics, experiment.recorded_steps())
        super().__init__(folder, *asked, folder / "last.ckpt", math.inf, lambda trial_steps: None, Deadline())
        self.budget_s = budget_s
        self.observations: list[float] = []
        self.updates: list[Updates] = []
        self.mark = math.inf

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.timed_observation(pl_module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: object) -> None:
        now, step = time.perf_counter(), int(pl_module.steps_done)  # type: ignore[arg-type]
        self.updates.append(Updates(step - self.steps_reported, now - self.mark))
        self.mark, self.steps_reported = now, step
        if len(self.observations) <= OBSERVED:
            self.timed_observation(pl_module)

    def timed_observation(self, module: L.LightningModule) -> None:
        """Take the time of all diagnostics."""
        assert isinstance(module, PackModule)
        started = time.perf_counter()
        self.record(module)
        self.mark = time.perf_counter()
        self.observations.append(self.mark - started)

    def segments(self, steps: int) -> Iterator[Segment]:
        """Segments each as long as all before it, until the time is spent.

        Lightning asks for one before it trains the last one asked for: where a third of the time is spent, two thirds
        to four thirds will be.
        """
        done, spent = 0, 0.0
        while done < steps and spent <= self.budget_s / 3:
            last = min(steps, max(1, 2 * done))
            yield Segment(done, last)
            done, spent = last, sum(updates.seconds for updates in self.updates)


class Updates(NamedTuple):
    """So many updates in one segment, and their time in seconds, with what Lightning does around them."""

    number: int
    seconds: float


class GrowingSegments(RemainingSegments):
    """The segments of a pilot as Lightning takes them."""

    def __init__(self, pilot: Pilot, steps: int) -> None:
        super().__init__((), lambda: 0)
        self.pilot, self.steps = pilot, steps

    def __iter__(self) -> Iterator[Segment]:
        return self.pilot.segments(self.steps)


def _timed(pack: Pack, experiment: Experiment, budget_s: float, engine: ChosenEngine | None = None) -> Timing:
    with tempfile.TemporaryDirectory() as folder, no_collection():
        started = time.perf_counter()
        module = new_module(pack, experiment, engine=engine)
        pilot = Pilot(experiment, Path(folder), budget_s)
        module.segments = GrowingSegments(pilot, pack.shape.steps)
        train(module, experiment, pilot, resumes=False)
        write_best_fit(Path(folder), module)
        write_outcomes(Path(folder), pack.id, outcomes(module, 0.0, NO_JOB))
        whole = time.perf_counter() - started
    jumps = module.engine.name == CLOSED_FORM
    step_s, segment_s = cost_of_jumps(pilot.updates) if jumps else costs(pilot.updates)
    observe_s = statistics.median(pilot.observations[1:]) + segment_s
    counted = sum(updates.number * step_s + segment_s for updates in pilot.updates)
    counted += len(pilot.observations) * (observe_s - segment_s)
    return Timing(0.0, max(0.0, whole - counted), step_s, observe_s, device_name(module.weights.device))


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage, which takes 0.2 s now and then, as long as a short pilot."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def costs(every: Sequence[Updates]) -> tuple[float, float]:
    """Seconds of an update, and of a segment whatever its length; the first segment, which is slow, does not count.

    A moment in which the machine did something else hits one segment, perhaps the longest or the shortest. So the slope
    is a median over pairs of segments. Weights grow with the square root of the difference: long ones are
    exact, yet the longest alone decides nothing.
    """
    warm = sorted(every[1:] or every)
    pairs = [(short, long) for short, long in itertools.combinations(warm, 2) if short.number < long.number]
    slopes = [(long.seconds - short.seconds) / (long.number - short.number) for short, long in pairs]
    update_s = weighted_median(slopes, [(long.number - short.number) ** 0.5 for short, long in pairs])
    if update_s <= 0:
        return statistics.median(seconds / number for number, seconds in warm), 0.0
    shorter = warm[: (len(warm) + 1) // 2]
    return update_s, max(0.0, statistics.median(seconds - number * update_s for number, seconds in shorter))


def cost_of_jumps(every: Sequence[Updates]) -> tuple[float, float]:
    """The same of an engine that does not iterate: an update costs nothing, and every segment the same.

    The slope over segments of different lengths would be noise, times all the steps.
    """
    return 0.0, statistics.median(updates.seconds for updates in every[1:] or every)


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The least value below or at which lies half of the weight; 0 of no values."""
    below = 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        below += weight
        if 2 * below >= sum(weights):
            return value
    return 0.0
