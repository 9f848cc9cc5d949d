"""The fused engine on a GPU beside its peers there: ``python -m pipeline.bench.gpu``.

First its numbers are checked against the reference engine on the same device. Then networks
of each shape are trained in packs by full-batch gradient descent in float32, by the fused engine, by the reference
engine (stacked PyTorch), by the same operations replayed as a CUDA graph, and by JAX (``vmap`` over
trials of a ``scan`` over steps, under ``jit``). A figure is the median of its repetitions. Last come other layouts for
the fused engine, so that the choice in ``engines/gpu/thread_layout.py`` can be judged. What fails or is not
covered says so in its row. It needs PyTorch, Triton and, for its peer, JAX, and nothing else of what this project
needs; without a GPU it runs where TRITON_INTERPRET=1 is set, for a test.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from typing import Any

import torch

from pipeline.bench.gpu_checks import checks
from pipeline.bench.gpu_peers import PEERS
from pipeline.bench.gpu_timings import (
    GpuBenchOptions,
    families_compared,
    layouts_tried,
    measured_row,
    product_rate,
    row,
)
from pipeline.models.activations import ACTIVATIONS

SHAPES = ((256, 2, 64, 1), (1024, 8, 256, 1), (4096, 2, 1024, 1), (64, 1, 256, 1), (32, 1, 16, 1), (1437, 64, 256, 10))
"""Points, inputs, hidden units, outputs, the one with a goal first."""
PACKS = (1024, 32, 1, 512)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, measure and print; 1 if a check has failed."""
    options = parsed(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = False
    rate = product_rate(device)
    print(f"device: {torch.cuda.get_device_name() if device.type == 'cuda' else 'none; interpreted'}")
    print(f"PyTorch {torch.__version__}; matrix products in float32: {rate / 1e12:.3g} TFLOP/s")
    wrong = 0
    for what, difference, allowed in checks(device):
        wrong += not difference <= allowed
        print(f"check: {what}: {difference:.1e} {'within' if difference <= allowed else 'NOT WITHIN'} {allowed:.0e}")
    print("\nfigures are trial-steps/s; TFLOP/s by 4 d + 6 K + 4 operations a point and hidden unit", flush=True)
    print(row("activation", "N x d x m x K", "pack", "fused", "TFLOP/s", "of 67", "of products", "spread", *PEERS))
    for activation, num_trials, shape in itertools.product(options.activations, options.packs, options.shapes):
        print(measured_row(options, activation, shape, num_trials, device, rate), flush=True)
    print("\nboth families of kernels, ReLU, packs of 32 and the largest:")
    print(row("N x d x m x K", "pack", "family", "products", "trial-steps/s", "TFLOP/s", "of products"))
    for line in families_compared(options, device):
        print(line, flush=True)
    print("\nother layouts, ReLU, the largest pack:\n" + row("N x d x m x K", "trial-steps/s", "layout"))
    for line in layouts_tried(options, device):
        print(line, flush=True)
    return int(wrong > 0)


def parsed(arguments: Sequence[str] | None) -> GpuBenchOptions:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.bench.gpu", description=__doc__)
    parser.add_argument("--seconds", type=float, default=420, help="begin nothing new after so long (default: 420)")
    parser.add_argument("--shapes", default=" ".join("x".join(map(str, shape)) for shape in SHAPES))
    parser.add_argument("--packs", default=" ".join(map(str, PACKS)))
    parser.add_argument("--activations", default="relu tanh")
    parser.add_argument("--peers", default=", ".join(PEERS))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--repetition-seconds", type=float, default=0.1)
    given = parser.parse_args(arguments)
    shapes: list[Any] = [tuple(map(int, shape.split("x"))) for shape in given.shapes.split()]
    return GpuBenchOptions(
        shapes,
        [int(number) for number in given.packs.split()],
        [ACTIVATIONS[name]() for name in given.activations.split()],
        given.peers.split(", "),
        given.repetitions,
        given.repetition_seconds,
        time.monotonic() + given.seconds,
    )


if __name__ == "__main__":
    raise SystemExit(main())
