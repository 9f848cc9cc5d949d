"""Linear models on fixed bases beside the same peers as networks: the same measurement with other packs.

To the peers a linear model is one layer without biases on features that were computed before. In full batches all
trials of a pack have the same features, so that a step of a pack is two products of matrices, for the peers too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Literal

from pipeline.bench.bench_packs import bench_pack
from pipeline.bench.timings import CaseColumns, PeerTiming, timed_cases
from pipeline.experiment.packing import Pack
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.bases.trigonometric import Fourier
from pipeline.models.bases.wavelet import Haar
from pipeline.models.linear import Linear

BatchSize = int | Literal["full"]
LinearShape = tuple[int, int, int]

SMALL, MIDDLE, CLASSES, LARGE = (256, 16, 1), (256, 64, 1), (256, 64, 10), (1024, 129, 1)
"""Points, features, outputs; those with ten outputs are digits."""
QUICK: tuple[Basis, LinearShape, BatchSize, int] = (Haar(), MIDDLE, "full", 32)
CASES: tuple[tuple[Basis, LinearShape, BatchSize, int], ...] = (
    (Haar(), SMALL, "full", 1),
    (Haar(), SMALL, "full", 32),
    (Haar(), MIDDLE, "full", 1),
    QUICK,
    (Haar(), MIDDLE, "full", 512),
    (Legendre(), CLASSES, "full", 32),
    (Fourier(), LARGE, "full", 32),
    (Haar(), MIDDLE, 32, 1),
    (Haar(), MIDDLE, 32, 32),
)
"""Bases, shapes, sizes of batches and packs."""

SECONDS_TO_SETTLE = 0.05
"""Pause before each repetition: no peer gives back as much memory as with networks."""


def measure_linear(*, quick: bool, say: Callable[[str], None]) -> list[PeerTiming]:
    """Measure packs of linear models and their peers; ``quick`` takes only one case."""
    cases = [case_of(*case) for case in ((QUICK,) if quick else CASES)]
    return timed_cases(cases, say, SECONDS_TO_SETTLE)


def case_of(
    basis: Basis, shape: LinearShape, batch_size: BatchSize, num_trials: int
) -> tuple[CaseColumns, Callable[[], Pack]]:
    """The columns of a case, and what makes its pack."""
    num_points, width, num_outputs = shape
    columns: CaseColumns = {
        "basis": basis.name(),
        "N x F x K": " x ".join(map(str, shape)),
        "batch": str(batch_size),
        "pack of": num_trials,
    }
    networks_shape = (num_points, 1, width, num_outputs)
    return columns, functools.partial(bench_pack, networks_shape, num_trials, Linear(basis), batch_size)
