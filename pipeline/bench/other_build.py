"""Another checkout of this project as a peer: what it trains is timed in turns with what this one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pipeline.bench import served_build
from pipeline.bench.peers import Steps, activation_of
from pipeline.errors import PipelineError
from pipeline.experiment.packing import Pack
from pipeline.models.linear import Linear

Work = Literal["step", "sharpness"]


class OtherBuild:
    """A process with the modules of another checkout.

    Args:
        process: It takes requests and answers them.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def steps_of(self, pack: Pack, what: Work = "step") -> tuple[Steps, int]:
        """A function that makes it do something some times, and for how many trials it does."""
        shape = pack.shape
        model = shape.model.basis.name() if isinstance(shape.model, Linear) else activation_of(pack).name()
        size = (shape.problem.train, shape.problem.num_inputs, shape.width, shape.problem.num_outputs)
        request = {"what": what, "model": model, "shape": size, "trials": len(pack.trials), "dtype": shape.dtype}

        def steps(count: int) -> None:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            try:
                self.process.stdin.write(json.dumps(request | {"count": count}) + "\n")
                self.process.stdin.flush()
                answer = self.process.stdout.readline()
            except BrokenPipeError:
                answer = ""
            if answer != "done\n":
                raise PipelineError("the other build ended before it had answered", hint="it has said why above")

        return steps, len(pack.trials)


@contextmanager
def other_build(checkout: Path) -> Iterator[OtherBuild]:
    """The build of another checkout.

    Args:
        checkout: Its folder, in which ``pipeline`` lies.

    Yields:
        The build, whose process ends with the block.

    Raises:
        PipelineError: If it is no checkout.
    """
    if not (checkout / "pipeline" / "__main__.py").exists():
        raise PipelineError(f"no checkout of this project: {str(checkout)!r}", hint="name the folder of `pipeline`")
    command = [sys.executable, "-P", served_build.__file__]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    with process:
        try:
            yield OtherBuild(process)
        finally:
            process.kill()
