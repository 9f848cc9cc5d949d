"""Import of Lightning, without what none of it needs here.

Its dependency torchmetrics imports ``scipy.signal`` wherever SciPy is installed, for metrics of sound and to give it a
name that it has lost: 0.6 processor seconds and 60 MiB of each process that trains. Meanwhile an empty module stands in
its place.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

LEFT_OUT = "scipy.signal"
NAME_THAT_IS_GIVEN = "hamming"


def import_lightning() -> None:
    """Import Lightning; what was left out can be imported afterwards as ever."""
    if sys.modules.keys() & {LEFT_OUT, "torchmetrics"}:
        return
    stand_in = ModuleType(LEFT_OUT)
    setattr(stand_in, NAME_THAT_IS_GIVEN, None)
    sys.modules[LEFT_OUT] = stand_in
    try:
        importlib.import_module("lightning")
    finally:
        del sys.modules[LEFT_OUT]
