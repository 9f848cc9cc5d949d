"""The forward pass of networks with one hidden layer alone, on lanes of points: features or outputs at some points."""

from __future__ import annotations

from pipeline.engines.cpu.codegen.buffers import TILE_REGISTERS
from pipeline.engines.cpu.codegen.simd import Array, Program, Value
from pipeline.engines.cpu.kernels.network import NetworkSpec, NetworkStep
from pipeline.engines.cpu.kernels.training import TrialRows
from pipeline.engines.cpu.kernels.training_step import Tile


class ForwardPass(NetworkStep):
    """The forward pass, whose values are kept.

    Args:
        p: The program.
        network: The spec.
    """

    def __init__(self, p: Program, network: NetworkSpec) -> None:
        super().__init__(p, network, "all")
        self.kept_stride = p.int_parameter("kept_stride")

    @property
    def inputs_in_lanes(self) -> bool:
        return False

    def over_tiles(self, kept: Array, *, features: bool) -> None:
        """Write the pass over all points; a row is kept of each hidden unit, or of each output."""
        wide = self.p.lanes * TILE_REGISTERS
        with self.p.loop(self.wide_tiles) as number:
            self._keep(kept, number * wide, wide, features=features)
        with self.p.loop(self.narrow_tiles) as number:
            self._keep(kept, self.wide_tiles * wide + number * self.p.lanes, self.p.lanes, features=features)

    def _keep(self, kept: Array, first: Value, lanes: int, *, features: bool) -> None:
        outputs = self.forward(Tile(self.p, self, first, lanes, first))
        if not features:
            for k, f in enumerate(outputs):
                kept.store(self.kept_stride * k + first, f)
            return
        with self.p.loop(self.width) as unit:
            kept.store(self.kept_stride * unit + first, self.hidden.load(unit * lanes, lanes))


def forward_program(network: NetworkSpec, *, features: bool) -> Program:
    """The kernel of the features of each trial, or of its outputs, in rows of points filled up to full registers."""
    p = Program(network.dtype)
    values = ForwardPass(p, network)
    trials = TrialRows(p, values, 0)
    kept = p.array_parameter("kept", "num_trials", "kept_of_trial")
    kept_of_trial, num_trials = p.int_parameter("kept_of_trial"), p.int_parameter("num_trials")
    with p.loop(num_trials) as trial:
        trials.load(trial)
        values.over_tiles(Array(p, kept.at(trial * kept_of_trial), p.real), features=features)
    return p
