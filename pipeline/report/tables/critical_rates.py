"""Phases of descent on networks by learning rate, and the critical rates that part them, in units of the first limit.

Below ``2 / lambda_0``, with lambda_0 the largest eigenvalue of the Hessian at the initial weights, the loss of a wide
network falls from the first step. Above it the loss rises first; it comes back where that flattens the curvature, the
*catapult*, and further up it diverges: for a wide two-layer linear network from ``4 / lambda_0`` on, which is twice
the limit; ReLU networks were seen to come back from up to about ``12 / lambda_0``. By that unit there are three
critical rates of each width, half of the constants ``c = rate lambda_0`` of Kalra and Barkeshli:

- ``loss rises``, c_loss: the loss exceeds its first value at one of the first 10 steps, as theirs does;
- ``sharpness rises``, c_sharp: lambda exceeds its first value there by a tenth, or the trial diverges. Theirs is any
  rise, at c from 1 on, of deep networks, whose sharpness falls at first. That of one hidden layer moves by a few
  percent at any rate, so that any rise would tell of the lowest rate that was trained;
- ``diverges``, c_max: the least rate of a trial that does so in its training; theirs is the greatest whose loss stays
  below 1e5 in the first 10 steps.

They take the mean over initial weights, here it is the median. Of the limit of wide networks theory knows c_loss = 2,
as they are linear in their weights then, and c_max = 4 for linear ones; both under gradient descent by squares, from
initial weights whose variance is a constant over the inputs of their layer.

Source: Lewkowycz et al., arXiv 2003.02218, section 2 (phases, and both limits of a two-layer linear network); Kalra,
Barkeshli, arXiv 2302.12250 (critical constants of loss, sharpness and divergence, and their growth with depth over
width).

Shape letters: B bootstrap samples, C widths.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from pipeline.diagnostics.convergence import TrainingLoss
from pipeline.diagnostics.sharpness import Sharpness
from pipeline.models.activations import Identity
from pipeline.models.shallow import Shallow
from pipeline.numerics.rate_windows import LEAST_POINTS
from pipeline.plans import Plan
from pipeline.records.schema import Records
from pipeline.report.tables.cells import cell_of, curve_of, relative_rates
from pipeline.report.tables.departures import theory_of
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS

FALLS, CATAPULT, STAYS_UP, DIVERGES = "falls", "catapult", "stays above", "diverges"
PHASES = (FALLS, CATAPULT, STAYS_UP, DIVERGES)
"""The loss falls from the first step; it rises and ends below its first value; it ends above; it diverges."""
EVENTS = ("loss rises", "sharpness rises", "diverges")
EARLY_STEPS = 10
"""Steps within which a rise counts as one of the start."""
RISE = {TrainingLoss.name(): 1.0, Sharpness.name(): 1.1}
"""Times its first value that a number has risen above; the sharpness of any network moves a little at any rate."""
WIDE, WIDE_LINEAR = {"loss rises": 1.0}, {"loss rises": 1.0, "diverges": 2.0}
"""Critical rates of wide networks and of wide linear ones of two layers, in units of the first limit."""
TOLERANCE = 0.1
"""In that unit: by how much an interval must miss theory to contradict it, as a line in 1/width is a guess itself."""
NEAR = "close to theory"
RESAMPLES = 400


def phases(plan: Plan, results: pl.DataFrame, records: Records) -> pl.DataFrame:
    """The phase of every trial of a network whose rate is a multiple of the limit at its first weights.

    Args:
        plan: Of the run.
        results: One row for every trial.
        records: All that was recorded.

    Returns:
        The rows of the results that have ended, with ``phase``, and with whether each of ``EVENTS`` happened; that of
        the sharpness is null in a cell where it is not known at one of the first steps of a trial that did not diverge.
        And ``lazy`` and ``linear``, whether theory knows c_loss of wide networks of that kind, and c_max.
    """
    if not relative_rates(results):
        return pl.DataFrame()
    networks = pl.DataFrame(list(_networks(plan)), schema=["trial", "lazy", "linear"], orient="row")
    if networks.is_empty():
        return pl.DataFrame()
    ended = results.filter(pl.col("status").is_in(["done", "diverged"]))
    ended = ended.join(networks, on="trial", maintain_order="left")
    cell = cell_of(ended)
    for name in RISE:
        ended = ended.join(_early(records, name), on="trial", how="left", maintain_order="left")
    diverged = pl.col("status") == "diverged"
    loss, sharpness = (pl.col(f"peak of {name}") > RISE[name] * pl.col(f"first {name}") for name in RISE)
    rises = loss.fill_null(value=False)
    phase = (
        pl.when(diverged)
        .then(pl.lit(DIVERGES))
        .when(~rises)
        .then(pl.lit(FALLS))
        .when(pl.col("loss") < pl.col("first loss"))
        .then(pl.lit(CATAPULT))
        .otherwise(pl.lit(STAYS_UP))
    )
    # That some diverged tells nothing of the sharpness where it was not looked at in the trials that did not.
    unseen = (pl.col(f"peak of {Sharpness.name()}").is_null() & ~diverged).any().over(cell)
    events = dict(zip(EVENTS, (rises | diverged, pl.when(~unseen).then(sharpness | diverged), diverged), strict=True))
    return ended.with_columns(phase=phase, **events)


def _networks(plan: Plan) -> Iterator[tuple[str, bool, bool]]:
    """The trials of networks, with what theory knows of them."""
    for pack in plan.packs:
        shape = pack.shape
        if isinstance(shape.model, Shallow):
            lazy = shape.loss.quadratic and shape.batch_size is None and theory_of(shape)[0] is not None
            linear = lazy and isinstance(shape.model.activation, Identity)
            yield from ((trial.id, lazy, linear) for trial in pack.trials)


def _early(records: Records, name: str) -> pl.DataFrame:
    """Of each trial the first value of a diagnostic and the greatest of the first steps."""
    early = records.lazy().filter(pl.col("diagnostic") == name, pl.col("step") <= EARLY_STEPS)
    value, step = pl.col("value").fill_nan(None), pl.col("step")  # NaN is a sharpness that is not certain
    first, later = (pl.when(when).then(value).max() for when in (step == 0, step > 0))
    found = early.group_by("trial").agg(first.alias(f"first {name}"), later.alias(f"peak of {name}"))
    return found.collect(engine="streaming")


def critical_rates(found: pl.DataFrame) -> pl.DataFrame:
    """The critical rates of each network and width, over the limit at the first weights.

    Args:
        found: What ``phases`` returns.

    Returns:
        Columns: problem, model and training; ``event``, ``width``, ``seeds``; ``critical``, the median over seeds, and
        ``from`` and ``to``, between which it lies for all seeds; infinite where the event did not happen.
    """
    if found.is_empty():
        return pl.DataFrame()
    of_width = critical_by_seed(found).group_by([*cell_of(found), "event"], maintain_order=True)
    rows = of_width.agg(
        pl.len().alias("seeds"),
        pl.col("critical").median(),
        pl.col("below").min().alias("from"),
        pl.col("above").max().alias("to"),
    )
    return rows.select(*curve_of(found), "event", "width", "seeds", "critical", "from", "to")


def critical_by_seed(found: pl.DataFrame) -> pl.DataFrame:
    """The critical rate of each network, width and seed, for each event that could be seen.

    Args:
        found: What ``phases`` returns.

    Returns:
        Columns of the cell, ``seed`` and ``event``; ``above``, the least multiple at which the event happened, infinite
        if it did at none, ``below``, the one before it, zero if it was the first, and ``critical``, the mean of both.
    """
    order, group, multiple = pl.Enum(EVENTS), [*cell_of(found), "seed"], pl.col("times_limit")
    parts = []
    for event in EVENTS:
        above = multiple.filter(event).min().fill_null(math.inf)
        below = multiple.filter(multiple < above).max().fill_null(0.0)
        of_event = found.filter(pl.col(event).is_not_null()).group_by(group, maintain_order=True)
        kind = pl.col("lazy", "linear").first()
        parts.append(of_event.agg(above.alias("above"), below.alias("below"), kind, event=pl.lit(event, order)))
    known = pl.concat(parts).with_columns(critical=(pl.col("below") + pl.col("above")) / 2)
    return known.sort([*curve_of(found), "event", "width"], maintain_order=True)


def wide_rates(found: pl.DataFrame) -> pl.DataFrame:
    """How the critical rates go with the width: ``c(width) = wide + slope / width``, by least squares on the medians.

    Args:
        found: What ``phases`` returns.

    Returns:
        Columns: problem, model and training; ``event``, ``widths``, ``wide`` with ``from`` and ``to``, an interval of
        90 % by resampling the seeds of each width, at the lower and the upper ends of where each critical rate lies;
        ``by_1_over_width``, the slope; ``theory`` and the ``verdict``, null where theory knows nothing: it agrees in
        the interval, and contradicts further than ``TOLERANCE`` from it. No row where the event happened at fewer than
        five widths between the multiples that were trained.
    """
    if found.is_empty():
        return pl.DataFrame()
    rows, axes = [], curve_of(found)
    for key, part in critical_by_seed(found).group_by([*axes, "event"], maintain_order=True):
        by_width = part.group_by("width", maintain_order=True).agg("critical", "below", "above")
        between = pl.col("above").list.max().is_finite() & (pl.col("below").list.min() > 0)
        happened = by_width.filter(between)
        if happened.height < LEAST_POINTS:
            continue
        widths_C = happened["width"].to_numpy()
        wide, slope = _line(widths_C, np.array([np.median(seeds) for seeds in happened["critical"]]))
        low, high = (_resampled(widths_C, happened[end].to_list()) for end in ("below", "above"))
        ends = np.quantile(low, 0.05), np.quantile(high, 0.95)
        slope = round(slope, 6) + 0.0  # not the rounding of equal medians
        theory = _theory(part["lazy"][0], part["linear"][0]).get(str(key[-1]))
        rows.append((*key, happened.height, wide, *ends, slope, theory, _verdict(theory, *ends)))
    names = ("event", "widths", "wide", "from", "to", "by_1_over_width", "theory", "verdict")
    types = (pl.String, pl.Int64, *(pl.Float64,) * 5, pl.String)
    schema = {name: found.schema[name] for name in axes} | dict(zip(names, types, strict=True))
    return pl.DataFrame(rows, schema=schema, orient="row")


def _theory(lazy: bool, linear: bool) -> dict[str, float]:
    """The critical rates that theory knows in the limit of wide networks."""
    return WIDE_LINEAR if linear else WIDE if lazy else {}


def _verdict(theory: float | None, low: float, high: float) -> str | None:
    if theory is None:
        return None
    off = max(low - theory, theory - high)
    return AGREES if off <= 0 else CONTRADICTS if off > TOLERANCE else NEAR


def order_sentence(table: pl.DataFrame) -> str:
    """At how many widths the loss rises first, then the sharpness, and then descent diverges.

    Args:
        table: What ``critical_rates`` returns.

    Returns:
        A sentence; empty where not all three are known of any width.
    """
    if table.is_empty():
        return ""
    axes = [*curve_of(table), "width"]
    known = table.filter(pl.len().over(axes) == len(EVENTS))
    if known.is_empty():
        return ""
    later = pl.col("critical").sort_by("event").diff()  # NaN, not below 0, where neither ever happens
    ordered = known.group_by(axes).agg((later.min() >= 0).alias("ordered"))["ordered"]
    where = f"{ordered.sum()} of {len(ordered)} widths"
    return (
        "The loss rises no later than the sharpness, and the sharpness no later than descent diverges, c_loss <= "
        f"c_sharp <= c_max, at {where}, as Kalra and Barkeshli found it in deep networks."
    )


def _line(widths_C: np.ndarray, values_C: np.ndarray) -> np.ndarray:
    """Intercept and slope in 1 / width, of one or of several columns of values."""
    design_C2 = np.stack([np.ones(len(widths_C)), 1 / widths_C], axis=1)
    return np.linalg.lstsq(design_C2, values_C)[0]


def _resampled(widths_C: np.ndarray, seeds: Sequence[Sequence[float]]) -> np.ndarray:
    """Intercepts from medians of seeds drawn again, shape ``[B]``."""
    rng = np.random.default_rng(0)
    medians = [np.median(rng.choice(values, size=(RESAMPLES, len(values))), axis=1) for values in seeds]
    return _line(widths_C, np.array(medians))[0]
