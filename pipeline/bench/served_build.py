"""Packs that are trained in a process of their own, one line of JSON in for each call and one out when it is done.

It is run with the modules of another checkout of this project, perhaps an older one, so that two builds are timed in
turns: nothing is imported here but what an older one has as well, under the name that it had.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from collections.abc import Callable
from typing import Any, TextIO

BENCHES = (("pipeline.bench.bench_packs", "pipeline.bench.peers"), ("pipeline.training.bench",) * 2)
"""Where an own pack for the bench is made, and where it is trained: now, and in November 2026."""


def served_steps(request: dict[str, Any]) -> Callable[[int], None]:
    """What is asked for, as a function of how often: steps of a pack, or largest eigenvalues at its initial weights."""
    from pipeline.models.activations import ACTIVATIONS
    from pipeline.models.bases import BASES
    from pipeline.models.linear import Linear
    from pipeline.models.shallow import Shallow

    packs, peers = (importlib.import_module(name) for name in _names_of_bench())
    activation = ACTIVATIONS.get(request["model"])
    model = Linear(BASES[request["model"]]()) if activation is None else Shallow(activation())
    pack = packs.bench_pack(tuple(request["shape"]), request["trials"], model)
    shape = dataclasses.replace(pack.shape, dtype=request["dtype"])
    pack = dataclasses.replace(pack, shape=shape, trials=tuple(trial._replace(shape=shape) for trial in pack.trials))
    if request["what"] == "step":
        steps: Callable[[int], None] = peers.stacked(pack)[0]
        return steps
    module = peers.PackModule(pack, [1])
    weights_TN = module.weights.detach().double()

    def evaluate(count: int) -> None:
        for _ in range(count):
            module.engine.shortcuts.top_of_hessian(weights_TN)

    return evaluate


def _names_of_bench() -> tuple[str, str]:
    """The modules of the bench of the build whose modules these are."""
    for packs, peers in BENCHES:
        try:
            importlib.import_module(packs)
        except ModuleNotFoundError:
            continue
        return packs, peers
    raise ModuleNotFoundError("this build has no bench that is known")


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are no more; what one is about is made when it is asked for the first time."""
    made: dict[str, Callable[[int], None]] = {}
    for line in requests:
        request = json.loads(line)
        count = request.pop("count")
        name = json.dumps(request)
        if name not in made:
            made = {name: served_steps(request)}  # a pack is not asked for again after the next
        made[name](count)
        print("done", file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
