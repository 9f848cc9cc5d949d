"""Engines that need less than every point or unit, beside the fused engine, JAX and, if asked for, another build.

Networks of one input and linear models on full batches, in packs of 32 and alone, in float32 and float64.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import polars as pl

from pipeline.bench.bench_packs import bench_pack, in_dtype
from pipeline.bench.other_build import OtherBuild
from pipeline.bench.peers import PEER_BYTES, Peers, Steps, has_jax, jax_vmap, stacked
from pipeline.bench.timings import CaseColumns, PeerTiming, timed_cases
from pipeline.engines.cpu.eigenvalues import LargestEigenvalues
from pipeline.experiment.packing import Pack
from pipeline.experiment.precision import Dtype
from pipeline.models.activations import Relu, Tanh
from pipeline.models.bases.wavelet import Haar
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.training.module import PackModule

SHAPES = ((32, 1, 16, 1), (64, 1, 256, 1), (256, 1, 64, 1), (1024, 1, 256, 1), (4096, 1, 1024, 1))
"""Points, inputs, hidden units, outputs."""
MIDDLE, LARGE = SHAPES[2], SHAPES[4]
PACK = 32
DTYPES: tuple[Dtype, ...] = ("float32", "float64")
LINEAR = ((256, 1, 16, 1), (256, 1, 64, 1))
SHARP_TRIALS = 1000
"""Trials whose sharpness is measured."""
SECONDS_TO_SETTLE = 0.05
"""Pause before each repetition."""

FUSED, JAX, OTHER = "fused engine", "JAX vmap", "other build"


def measure_full_batches(
    *, quick: bool, say: Callable[[str], None], other: OtherBuild | None = None
) -> list[PeerTiming]:
    """Measure steps; ``quick`` takes only the middle shapes, in packs of 32 and float32."""
    kinds: list[tuple[Model, tuple[int, int, int, int], Dtype, int]] = [
        (Shallow(Relu()), shape, dtype, PACK) for shape in SHAPES for dtype in DTYPES
    ]
    kinds += [(Shallow(Relu()), shape, "float32", 1) for shape in SHAPES]
    kinds += [(Shallow(Tanh()), shape, dtype, PACK) for shape in (MIDDLE, LARGE) for dtype in DTYPES]
    kinds += [(Linear(Haar()), shape, "float32", PACK) for shape in LINEAR]
    if quick:
        kinds = [(Shallow(Relu()), MIDDLE, "float32", PACK), (Linear(Haar()), LINEAR[1], "float32", PACK)]
    return timed_cases([case_of(*kind) for kind in kinds], say, SECONDS_TO_SETTLE, functools.partial(peers, other))


def case_of(
    model: Model, shape: tuple[int, int, int, int], dtype: Dtype, num_trials: int
) -> tuple[CaseColumns, Callable[[], Pack]]:
    """The columns of a case, and what makes its pack."""
    name = model.activation.name() if isinstance(model, Shallow) else model.label()
    size = " x ".join(map(str, shape))
    columns: CaseColumns = {"model": name, "N x d x m x K": size, "dtype": dtype, "pack of": num_trials}
    return columns, lambda: in_dtype(bench_pack(shape, num_trials, model), dtype)


def peers(other: OtherBuild | None, pack: Pack) -> Peers:
    """Who makes steps of a pack: the engine that it would be trained with, and others."""
    yield "pack", stacked
    yield FUSED, functools.partial(stacked, engine="fused")
    size = len(pack.trials) * pack.shape.width * pack.shape.problem.train * 4
    if has_jax() and pack.shape.dtype == "float32" and size <= PEER_BYTES:
        yield JAX, jax_vmap
    if other is not None:
        yield OTHER, other.steps_of


def measure_sharpness(*, quick: bool, say: Callable[[str], None], other: OtherBuild | None = None) -> list[PeerTiming]:
    """Measure largest eigenvalues of Hessians at initial weights, certified, as a pack's engine computes them."""
    columns, made = case_of(Shallow(Relu()), MIDDLE, "float32", PACK if quick else SHARP_TRIALS)
    return timed_cases([({**columns, "model": "relu, sharpness"}, made)], say, SECONDS_TO_SETTLE, _finders(other))


def _finders(other: OtherBuild | None) -> Callable[[Pack], Peers]:
    """Who finds the largest eigenvalues of a pack."""

    def finders(pack: Pack) -> Peers:
        yield "pack", functools.partial(sharpness, every_unit=False)
        yield FUSED, functools.partial(sharpness, every_unit=True)
        if other is not None:
            yield OTHER, functools.partial(other.steps_of, what="sharpness")

    return finders


def sharpness(pack: Pack, *, every_unit: bool) -> tuple[Steps, int]:
    """Largest eigenvalues of a pack, by its engine or with every unit evaluated at every point."""
    module = PackModule(pack, [1])
    find = LargestEigenvalues(module.context) if every_unit else module.engine.shortcuts.top_of_hessian
    assert find is not None
    weights_TN = module.weights.detach().double()

    def steps(count: int) -> None:
        for _ in range(count):
            find(weights_TN)

    return steps, len(pack.trials)


def microseconds(every: list[PeerTiming]) -> pl.DataFrame:
    """One row per case: microseconds of a trial-step of each peer by its name, and how much faster the pack is."""
    found: dict[tuple[str | int, ...], dict[str, str | int | float]] = {}
    for timing in every:
        row = found.setdefault(tuple(timing.case.values()), dict(timing.case))
        row[timing.peer] = timing.median * 1e6
    for row in found.values():
        row |= {
            f"x {peer}": float(row[peer]) / float(row["pack"]) for peer in (FUSED, "JAX vmap", OTHER) if peer in row
        }
    return pl.DataFrame(list(found.values()), infer_schema_length=None)
