"""Answers: which comparison of an experiment answers its question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import FieldError, nearest

Axis = Literal["model", "loss", "optimizer", "batch_size", "dtype", "steps", "width", "learning_rate", "problem"]
"""What may be compared."""


@dataclass(frozen=True)
class Answers:
    """The comparison that a report begins with; no number depends on it.

    Args:
        compare: The axis whose values are compared; by default the first that has several: models, losses, optimizers,
            batch sizes, precisions, numbers of steps, widths, learning rates, problems.
        by: The diagnostic that they are compared by; by default what best means of the problem.
        at: Where each is compared: at the learning rate and width that are best for it, or at the greatest width, and
            the learning rate that is best for it there.
    """

    compare: Axis | None = None
    by: str | None = None
    at: Literal["best_learning_rate", "largest_width"] = "best_learning_rate"

    def check(self, sizes: Mapping[Axis, int], diagnostics: Iterable[str]) -> None:
        """Refuse a comparison that an experiment does not make.

        Args:
            sizes: How many values each axis has.
            diagnostics: Names of what is recorded.

        Raises:
            FieldError: If the axis has one value, or the diagnostic is not recorded.
        """
        if self.compare is not None and sizes[self.compare] < 2:
            varied = [axis for axis, size in sizes.items() if size > 1]
            hint = f"take one of what varies: {', '.join(varied)}" if varied else "leave it out: nothing varies here"
            raise FieldError(("compare",), f"there is one {self.compare} only, so nothing is compared", hint=hint)
        recorded = list(diagnostics)
        if self.by is not None and self.by not in recorded:
            what = f"{self.by!r} is not recorded"
            raise FieldError(("by",), what, hint=f"add it to diagnostics; {nearest(self.by, recorded)}")
