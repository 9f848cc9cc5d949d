"""The speed of a pack beside its peers, as ratios measured in one run.

A pack is computed by the engine that it would be trained with. Operations are set against the rate of matrix
products on this machine. The peers take turns, in another order each repetition, so that a busy machine slows all of
them; a figure is the median of its repetitions.
"""

from __future__ import annotations

import functools
import itertools
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import torch

from pipeline.bench.bench_packs import BENCHED, PACKS, QUICK_SHAPE, SHAPES, bench_pack
from pipeline.bench.peers import Peers, Steps, available_peers
from pipeline.experiment.packing import Pack
from pipeline.experiment.resources import operations_of_step
from pipeline.models.shallow import Shallow

REPETITIONS = 5
SECONDS_OF_REPETITION = 0.25
SECONDS_TO_SETTLE = 0.3
"""Pause before each repetition: a peer that gives back hundreds of megabytes slows the next by half."""
CaseColumns = Mapping[str, str | int]
"""What is trained, whoever does: the first columns of its rows."""


@dataclass
class PeerTiming:
    """Seconds of one trial-step, measured some times.

    Args:
        case: The first columns of its row.
        peer: Who trained.
        operations: Floating-point operations of one trial-step.
        seconds: One number a repetition.
    """

    case: CaseColumns
    peer: str
    operations: int
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of its repetitions."""
        return statistics.median(self.seconds)


def measure(*, quick: bool, say: Callable[[str], None]) -> list[PeerTiming]:
    """Measure packs of networks and their peers; ``quick`` takes only one shape in packs of 32."""
    kinds = itertools.product(BENCHED, [QUICK_SHAPE] if quick else SHAPES, [32] if quick else PACKS)
    cases: list[tuple[CaseColumns, Callable[[], Pack]]] = [
        (
            {"activation": activation.name(), "N x d x m x K": " x ".join(map(str, shape)), "pack of": num_trials},
            functools.partial(bench_pack, shape, num_trials, Shallow(activation)),
        )
        for activation, shape, num_trials in kinds
    ]
    return timed_cases(cases, say, SECONDS_TO_SETTLE)


def timed_cases(
    cases: Sequence[tuple[CaseColumns, Callable[[], Pack]]],
    say: Callable[[str], None],
    settle_s: float,
    peers_of: Callable[[Pack], Peers] = available_peers,
) -> list[PeerTiming]:
    """Time every case, given by its columns and what makes its pack, with a pause before each repetition."""
    every: list[PeerTiming] = []
    for number, (case, made) in enumerate(cases, 1):
        say(f"{number}/{len(cases)}: {', '.join(f'{name} {value}' for name, value in case.items())}")
        pack = made()
        peers = {name: make(pack) for name, make in peers_of(pack)}
        measured = {name: PeerTiming(case, name, operations_of_step(pack.shape)) for name in peers}
        counts = {name: calibrated_count(steps) for name, (steps, _) in peers.items()}
        for repetition in range(REPETITIONS):
            turn = list(peers.items())
            random.Random(repetition).shuffle(turn)
            for name, (steps, trained) in turn:
                time.sleep(settle_s)
                started = time.perf_counter()
                steps(counts[name])
                measured[name].seconds.append((time.perf_counter() - started) / (counts[name] * trained))
        every += measured.values()
    return every


def rows(every: list[PeerTiming], product_rate: float) -> pl.DataFrame:
    """One row per case and peer: how fast, with its spread, and how many times faster the pack is.

    Args:
        every: What was timed.
        product_rate: Floating-point operations a second of matrix products on this machine.

    Returns:
        The columns of the case, then speeds and ratios.
    """
    packs = {tuple(m.case.values()): m.median for m in every if m.peer == "pack"}
    return pl.DataFrame(
        {
            **m.case,
            "peer": m.peer,
            "trial-steps/s": 1 / m.median,
            "spread": (max(m.seconds) - min(m.seconds)) / m.median,
            "GFLOP/s": m.operations / m.median / 1e9,
            "of matrix products": m.operations / m.median / product_rate,
            "pack is faster by": m.median / packs[tuple(m.case.values())],
        }
        for m in every
    )


def matrix_product_rate() -> float:
    """Floating-point operations a second of a large matrix product in float32, on all cores; the best of some."""
    size = 1024
    left, right = torch.rand(size, size), torch.rand(size, size)
    seconds = []
    for _ in range(30):
        started = time.perf_counter()
        torch.mm(left, right)
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds)


def calibrated_count(steps: Steps) -> int:
    """How many steps fill a repetition; the first call, which compiles and warms up, does not count."""
    steps(1)
    count = 1
    while True:
        started = time.perf_counter()
        steps(count)
        seconds = time.perf_counter() - started
        if seconds > SECONDS_OF_REPETITION / 4:
            return max(1, round(count * SECONDS_OF_REPETITION / seconds))
        count *= 2
