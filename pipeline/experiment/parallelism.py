"""How many processes train one pack together."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import FieldError


@dataclass(frozen=True)
class Parallel:
    """Processes that train each pack together: so many on each of so many nodes.

    Every process holds all weights and an equal share of the points. On CUDA each has a GPU of its own.
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
        """Processes in all."""
        return self.nodes * self.devices
