"""Timing runs: how long a pack will take, from a short training of it whose results are thrown away."""

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
from pipeline.training.fit import new_module, train
from pipeline.training.fitted_function import write_best_fit
from pipeline.training.module import PackModule
from pipeline.training.outcomes import device_name, outcomes
from pipeline.training.recorder import Recorder
from pipeline.training.segments import RemainingSegments, Segment
from pipeline.training.trainer import chosen_accelerator

BUDGET_S = 0.5
"""Time of the updates of a timing run, seconds; a segment that was begun is finished."""

RECORDED_STEPS = 3
"""Recorded steps of a timing run besides step 0."""


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
        """Time of the whole training of a pack in a process that has started.

        Args:
            steps: Updates.
            recorded_steps: How many of them are recorded.

        Returns:
            Seconds.
        """
        return self.setup_s + steps * self.step_s + recorded_steps * self.observe_s


Accelerator = Literal["auto", "cpu", "cuda"]


def measure(pack: Pack, experiment: Experiment, accelerator: Accelerator, *, budget_s: float = BUDGET_S) -> Timing:
    """Time the parts of training a pack, by a timing run in this process.

    Args:
        pack: What to time.
        experiment: What is recorded.
        accelerator: Where: ``auto``, ``cpu`` or ``cuda``.
        budget_s: Time of the updates, seconds.

    Returns:
        The times of its parts.

    Raises:
        PipelineError: If the engine that the experiment asks for cannot compute the pack.
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


class TimingRecorder(Recorder):
    """Records as in a training, but at a few steps only, and keeps the times instead of the values.

    Args:
        pack: What is timed.
        experiment: What is recorded.
        folder: Where records go.
        budget_s: Time of the updates, seconds.
    """

    def __init__(self, pack: Pack, experiment: Experiment, folder: Path, budget_s: float) -> None:
        diagnostics, steps = experiment.diagnostics, experiment.recorded_steps(pack.shape.steps)
        checkpoint = folder / "last.ckpt"
        super().__init__(folder, diagnostics, steps, checkpoint, math.inf, lambda trial_steps: None, Deadline())
        self.budget_s = budget_s
        self.recording_s: list[float] = []
        self.segment_times: list[SegmentTime] = []
        self.segment_began = math.inf

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._timed_record(pl_module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: object) -> None:
        now, step = time.perf_counter(), int(pl_module.steps_done)  # type: ignore[arg-type]
        self.segment_times.append(SegmentTime(step - self.steps_reported, now - self.segment_began))
        self.segment_began, self.steps_reported = now, step
        if len(self.recording_s) <= RECORDED_STEPS:
            self._timed_record(pl_module)

    def _timed_record(self, module: L.LightningModule) -> None:
        assert isinstance(module, PackModule)
        started = time.perf_counter()
        self.record(module)
        self.segment_began = time.perf_counter()
        self.recording_s.append(self.segment_began - started)

    def segments(self, steps: int) -> Iterator[Segment]:
        """Segments each as long as all before it, until the time is spent.

        Lightning asks for one before it trains the last one asked for: where a third of the time is spent, two thirds
        to four thirds will be.

        Args:
            steps: Updates of the whole training, where the segments end.

        Yields:
            A segment.
        """
        done, spent = 0, 0.0
        while done < steps and spent <= self.budget_s / 3:
            last = min(steps, max(1, 2 * done))
            yield Segment(done, last)
            done, spent = last, sum(segment.seconds for segment in self.segment_times)


class SegmentTime(NamedTuple):
    """The time of a segment, with what Lightning does around it.

    Args:
        steps: Its updates.
        seconds: Their time.
    """

    steps: int
    seconds: float


class GrowingSegments(RemainingSegments):
    """The segments of a timing run, as Lightning iterates over them.

    Args:
        recorder: Yields them.
        steps: Updates of the whole training.
    """

    def __init__(self, recorder: TimingRecorder, steps: int) -> None:
        super().__init__((), lambda: 0)
        self.recorder, self.steps = recorder, steps

    def __iter__(self) -> Iterator[Segment]:
        return self.recorder.segments(self.steps)


def _timed(pack: Pack, experiment: Experiment, budget_s: float, engine: ChosenEngine | None = None) -> Timing:
    with tempfile.TemporaryDirectory() as folder, no_garbage_collection():
        started = time.perf_counter()
        module = new_module(pack, experiment, engine=engine)
        recorder = TimingRecorder(pack, experiment, Path(folder), budget_s)
        module.segments = GrowingSegments(recorder, pack.shape.steps)
        train(module, experiment, recorder, resumes=False)
        write_best_fit(Path(folder), module)
        write_outcomes(Path(folder), pack.id, outcomes(module, 0.0, NO_JOB))
        whole = time.perf_counter() - started
    constant = module.engine.name == CLOSED_FORM
    step_s, segment_s = constant_costs(recorder.segment_times) if constant else linear_costs(recorder.segment_times)
    observe_s = statistics.median(recorder.recording_s[1:]) + segment_s
    accounted = sum(segment.steps * step_s + segment_s for segment in recorder.segment_times)
    accounted += len(recorder.recording_s) * (observe_s - segment_s)
    return Timing(0.0, max(0.0, whole - accounted), step_s, observe_s, device_name(module.weights.device))


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Switch Python's garbage collector off: it takes 0.2 s now and then, as long as a short timing run."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def linear_costs(segments: Sequence[SegmentTime]) -> tuple[float, float]:
    """Slope and intercept of the time of a segment over its length, by a weighted Theil-Sen estimator.

    A moment in which the machine did something else hits one segment, perhaps the longest or the shortest. So the slope
    is a median over pairs of segments. Weights grow with the square root of the difference in length: long segments are
    exact, yet the longest alone decides nothing. The first segment, which is slow, does not count.

    Args:
        segments: In the order in which they were trained.

    Returns:
        Seconds of an update, and of a segment whatever its length.

    Source: Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968).
    """
    warm = sorted(segments[1:] or segments)
    pairs = [(short, long) for short, long in itertools.combinations(warm, 2) if short.steps < long.steps]
    slopes = [(long.seconds - short.seconds) / (long.steps - short.steps) for short, long in pairs]
    step_s = weighted_median(slopes, [(long.steps - short.steps) ** 0.5 for short, long in pairs])
    if step_s <= 0:
        return statistics.median(seconds / steps for steps, seconds in warm), 0.0
    shorter = warm[: (len(warm) + 1) // 2]
    return step_s, max(0.0, statistics.median(seconds - steps * step_s for steps, seconds in shorter))


def constant_costs(segments: Sequence[SegmentTime]) -> tuple[float, float]:
    """The same of an engine that does not iterate: an update costs nothing, and every segment the same.

    The slope over segments of different lengths would be noise, times all the steps.

    Args:
        segments: In the order in which they were trained.

    Returns:
        Zero, and the median seconds of a segment.
    """
    return 0.0, statistics.median(segment.seconds for segment in segments[1:] or segments)


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The least value at or below which lies half of the weight.

    Args:
        values: In any order.
        weights: As many, none negative.

    Returns:
        The value; 0 of none.
    """
    below = 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        below += weight
        if 2 * below >= sum(weights):
            return value
    return 0.0
