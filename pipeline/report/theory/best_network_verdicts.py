"""Whether a trial is at least as far from its target as the best network of its width: below it nothing can be.

The lower end of the bracket is exact on the very points whose mean square the test error is, so that neither a sample
nor a quadrature rule leaves room below it; only the rounding of outputs does. A trial that lies below shows an error of
this package, of its training or of the bound.
"""

from __future__ import annotations

import polars as pl
import torch

from pipeline.experiment.precision import Dtype
from pipeline.report.theory.verdicts import CONTRADICTS, Said

EPS: dict[Dtype, float] = {
    "float32": torch.finfo(torch.float32).eps,
    "float64": torch.finfo(torch.float64).eps,
    "tf32": 2.0**-10,
}
ROUNDINGS = 64
"""Roundings of the largest value that an error may lie below the bound: outputs are sums of many terms."""
BELOW = "the test error is below that of every continuous piecewise linear function with as many kinks"


def rounding(dtype: Dtype, scale: float) -> float:
    """What roundings may take off a test error.

    Args:
        dtype: Of the training.
        scale: Largest held-out value.

    Returns:
        In units of the target; never below what the bound itself may have lost.
    """
    return ROUNDINGS * max(EPS[dtype], EPS["float64"]) * scale


def best_network_verdict() -> Said:
    """What the bound says of each trial: ``contradicts`` below it, nothing above, where every trial should lie.

    Columns: ``status``, ``test_error``, ``least_network_error``, null where no bound is known, and
    ``network_rounding``.

    Returns:
        Null but for trials that contradict.
    """
    below = pl.col("test_error") < pl.col("least_network_error") - pl.col("network_rounding")
    broken = (below & (pl.col("status") == "done")).fill_null(value=False)
    return Said(pl.when(broken).then(pl.lit(CONTRADICTS)), pl.when(broken).then(pl.lit(BELOW)))
