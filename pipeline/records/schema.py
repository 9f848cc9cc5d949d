"""Schemas of the tables that training writes: records, outcomes, samples of fitted functions."""

from __future__ import annotations

import polars as pl

RECORDS = pl.Schema(
    {
        "trial": pl.String,  # SHA-256 of the trial, 64 hexadecimal digits
        "step": pl.Int64,  # number of updates done
        "diagnostic": pl.String,  # its name in YAML
        "value": pl.Float64,  # infinite and NaN are values
        "pack": pl.String,  # what it was trained with
    }
)
"""One number a row."""

Records = pl.DataFrame | pl.LazyFrame
"""Rows of ``RECORDS``: in memory, or lazy, read by each query and only as far as it needs."""

OUTCOMES = pl.Schema(
    {
        "trial": pl.String,
        "status": pl.String,  # "done", "diverged" or "failed"
        "step": pl.Int64,  # last step reached; for "diverged" the first whose loss is out of bounds
        "reason": pl.String,  # why it failed; empty otherwise
        "learning_rate": pl.Float64,  # the rate in use, a multiple of the limit resolved; null for a solver
        "seconds": pl.Float64,  # wall-clock time of its pack divided by the trials of the pack
        "engine": pl.String,
        "device": pl.String,
        "host": pl.String,
        "version": pl.String,  # of this package
        "pack": pl.String,
        "job": pl.String,  # id of the job; empty where a person's command trained it
        "attempt": pl.Int64,  # number of the attempt at the job, from 1
        "code": pl.String,  # commit of the code, and a hash of what was changed since; empty where unknown
        "numerics": pl.String,  # hash of the code that its numbers come from
        "run": pl.String,  # name of the run that trained it, where it was taken from another; empty otherwise
    }
)
"""One finished trial a row; a trial without a row here is not finished."""

LINE, PLANE, HIDDEN = "line", "plane", "hidden"
"""Spaces in which a fit is drawn: along one input, over two inputs, over two hidden units."""

FITTED_SAMPLES = pl.Schema(
    {
        "trial": pl.String,
        "space": pl.String,
        "x": pl.Float64,
        "y": pl.Float64,  # null along a line
        "value": pl.Float64,  # the output; over the plane its distance from the threshold; of hidden units the label
    }
)
"""Samples of the function that the best trial of a pack has fitted, one point a row."""
