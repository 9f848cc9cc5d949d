"""Data parallelism: how many processes train one pack together."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import FieldError


@dataclass(frozen=True)
class Parallel:
    """Data parallelism of each pack: every process holds all weights and an equal shard of the points.

    Args:
        nodes: Nodes of the cluster.
        devices: Processes on each node; with ``accelerator: cuda`` each has a GPU of its own.
    """

    nodes: int = 1
    devices: int = 1

    def __post_init__(self) -> None:
        for field in ("nodes", "devices"):
            if getattr(self, field) < 1:
                what = f"{field} must be positive, not {getattr(self, field)!r}"
                raise FieldError((field,), what, hint="take an integer from 1")

    @property
    def processes(self) -> int:
        """World size: the processes on all nodes."""
        return self.nodes * self.devices
