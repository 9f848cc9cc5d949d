"""Best: which settings do best, and which of them cannot be told apart.

A setting is a point of the axes without the seed. One rule holds in every table, figure, page and export:

1. Where answers are right or wrong and some trial has a test error of 0, the best setting is the one that the largest
   share of seeds solves, of equal shares the one with the lowest median error. Elsewhere it is the one with the lowest
   median error over seeds. Where no test error was recorded, the loss takes its place. A diverged trial counts as
   infinite.
2. Settings are equal if the shares are, and the medians differ by less than a thousandth, or are both rounding;
   ``sqrt(eps)`` of float32 is a third of a thousandth. Of equal ones the best is the one that settles in the fewest
   steps, then the narrowest.
3. Another setting ties with the best if seeds do not tell the two apart: it is not worse on all of the seeds that both
   have or, from five seeds on, on as many as fair coins reach in one of twenty cases at most (the sign test); and one
   of the two medians lies in the band of the other: the middle half of the seeds, all where there are fewer than five.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl
import torch

from pipeline.report.tables.cells import PROBLEM, cell_of, curve_of, repeated_in
from pipeline.report.tables.results import criterion

LEAST_DIFFERENCE = 1e-3
"""Relative difference of two errors below which they are equal."""
ROUNDINGS = 100.0
"""Errors of at most N units in the last place of a target of size 1 are rounding; this is N."""
FEW = 5
"""Seeds from which on a sign test can tell two settings apart, and a band is the middle half of the seeds."""
CHANCE = 0.05
"""How often two equal settings may be told apart."""
EPSILON = 1e-17
"""A term that is less, as a fraction of a sum, does not change it."""
ROUNDING = {name: ROUNDINGS * torch.finfo(getattr(torch, name)).eps for name in ("float32", "float64")}
"""The error at or below which nothing but rounding is left, by what the numbers of a trial are stored in."""


def scored(results: pl.DataFrame) -> pl.DataFrame:
    """The results with ``score``, ``solves``, ``solvable`` and ``rate``.

    ``score`` is the criterion of each trial: a diverged one scores infinite whatever it recorded last, one that is
    pending or failed null. ``solves`` says whether its test error is 0, ``solvable`` whether that of any trial of the
    problem is; ``rate`` is the learning rate to 6 digits: of rates in the unit of the limit, which may be another one
    for every seed, the median.

    Args:
        results: One row for every trial.

    Returns:
        As many rows as results.
    """
    name = criterion(results)
    value = pl.col(name) if name in results.columns else pl.lit(None, pl.Float64)
    done = pl.when(pl.col("status") == "done").then(value.fill_nan(math.inf))
    score = pl.when(pl.col("status") == "diverged").then(pl.lit(math.inf)).otherwise(done)
    table = results.with_columns(score.alias("score"), _rate(results).round_sig_figs(6).alias("rate"))
    solves = pl.col("score").eq(0).fill_null(value=False) if name == "test_error" else pl.lit(False)
    table = table.with_columns(solves.alias("solves"))
    return table.with_columns(pl.col("solves").any().over(PROBLEM).alias("solvable"))


def _rate(results: pl.DataFrame) -> pl.Expr:
    """One learning rate for all repetitions of a setting."""
    rate = pl.col("learning_rate")
    if "times_limit" not in results.columns:
        return rate
    of_setting = rate.median().over([*cell_of(results), "times_limit"])
    return pl.when(pl.col("times_limit").is_null()).then(rate).otherwise(of_setting)


def ranked(trials: pl.DataFrame, within: Sequence[str], among: Sequence[str]) -> pl.DataFrame:
    """One row for each setting of each group: how it did, whether it ties with the best, and which one is taken.

    Args:
        trials: Scored.
        within: Columns that name a group.
        among: Columns that tell the settings of a group apart.

    Returns:
        ``within`` and ``among``; ``seeds``; ``solved``, the share of seeds without error, null where no trial solves
        the problem; ``median``, and ``low`` and ``high``, the band; ``settled``, the median; ``tied``; ``best``. The
        best of a group comes first. No row for a setting whose median is infinite, unless some seeds solve.
    """
    known = trials.filter(pl.col("score").is_not_null())
    settings = known.group_by(*within, *among, maintain_order=True).agg(*_how_it_did())
    settings = settings.filter(pl.col("median").is_finite() | (pl.col("solved") > 0).fill_null(value=False))
    settings = settings.sort(pl.col("solved").fill_null(0) * -1, "median", *_takes(), nulls_last=True)
    settings = settings.with_row_index("order").with_columns(_equal().over(within).alias("equal"))
    taking = [pl.when("equal").then(name) for name in _takes()]
    settings = settings.sort(~pl.col("equal"), *taking, "order", nulls_last=True).drop("order", "equal")
    settings = settings.with_row_index("setting").with_columns(pl.col("setting").first().over(within).alias("leader"))
    settings = settings.join(
        _told_apart(settings, known, [*within, *among]), on="setting", how="left", maintain_order="left"
    )
    is_first = pl.col("setting") == pl.col("leader")
    outside = (pl.col("median") > pl.col("top")) & (pl.col("middle") < pl.col("low") * (1 - LEAST_DIFFERENCE))
    tied = is_first | ~(pl.col("apart") | outside)
    inner = ("setting", "leader", "apart", "top", "middle", "narrowest", "rounding")
    return settings.with_columns(tied.alias("tied"), is_first.alias("best")).sort("setting").drop(inner)


def _takes() -> tuple[str, str]:
    """What decides between settings that are equal."""
    return "settled", "narrowest"


def _equal() -> pl.Expr:
    """Whether a setting is equal to the first of its group."""
    median, share = pl.col("median"), pl.col("solved").fill_null(0)
    close = median <= median.first() * (1 + LEAST_DIFFERENCE)
    return (share == share.first()) & (close | (median <= pl.col("rounding")))


def _how_it_did() -> list[pl.Expr]:
    """The columns of a setting, from its trials."""
    score, few = pl.col("score"), pl.len() < FEW
    return [
        pl.len().alias("seeds"),
        pl.when(pl.col("solvable").first()).then(pl.col("solves").mean()).alias("solved"),
        score.median().alias("median"),
        pl.when(few).then(score.min()).otherwise(score.quantile(0.25, "lower")).alias("low"),
        pl.when(few).then(score.max()).otherwise(score.quantile(0.75, "higher")).alias("high"),
        pl.col("settled").median(),
        pl.col("width").min().alias("narrowest"),
        _rounding().first().alias("rounding"),
    ]


def _rounding() -> pl.Expr:
    return pl.col("precision").replace_strict(ROUNDING, return_dtype=pl.Float64)


def _told_apart(settings: pl.DataFrame, known: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """For each ``setting`` whether it is ``apart`` from the leader of its group, ``middle`` and ``top`` of its band."""
    error = pl.when("solvable").then(1.0 - pl.col("solves")).otherwise(pl.max_horizontal("score", _rounding()))
    trials = known.join(settings.select(*columns, "setting", "leader"), on=columns, nulls_equal=True)
    trials = trials.select("setting", "leader", *repeated_in(known), error.alias("error"))
    counts = (
        _beside_leader(trials).group_by("setting").agg(_worse("error", "least"), _worse("least", "error"), pl.len())
    )
    cases = counts.select("error", "least", "len").unique()
    worse = pl.Series("apart", [tells_apart(*case) for case in cases.iter_rows()], pl.Boolean)
    counts = counts.join(cases.with_columns(worse), on=cases.columns).select("setting", "apart")
    top = pl.max_horizontal("high", "rounding") * (1 + LEAST_DIFFERENCE)
    band = settings.select(leader="setting", middle="median", top=top)
    above = settings.select("setting", "leader").join(band, on="leader", how="left").drop("leader")
    return above.join(counts, on="setting", how="left").with_columns(pl.col("apart").fill_null(value=False))


def _beside_leader(trials: pl.DataFrame) -> pl.DataFrame:
    """Each ``error`` beside ``least``, the leader's of the same seed; a lone seed is held against each of the other.

    Where points are drawn several times, errors of the same points are held against each other.

    Returns:
        One row for each pair.
    """
    repeated = repeated_in(trials)
    leading = trials.filter(pl.col("setting") == pl.col("leader")).select("leader", *repeated, least="error")
    seeds = leading.group_by("leader").agg(pl.col("seed").n_unique().alias("seeds"))
    trials = trials.join(seeds, on="leader")
    alone = (pl.col("seed").n_unique().over("setting") == 1) | (pl.col("seeds") == 1)
    parts = trials.with_columns(alone.alias("alone")).partition_by("alone", as_dict=True, include_key=False)
    empty = trials.clear()
    by_seed = parts.get((False,), empty).join(leading, on=["leader", *repeated])
    each = parts.get((True,), empty).join(leading.drop("seed"), on=["leader", *(set(repeated) - {"seed"})])
    return pl.concat([by_seed, each.select(by_seed.columns)])


def _worse(one: str, other: str) -> pl.Expr:
    """On how many seeds one error is above the other by more than a thousandth."""
    return (pl.col(one) * (1 - LEAST_DIFFERENCE) > pl.col(other)).sum().alias(one)


def tells_apart(worse: int, better: int, seeds: int) -> bool:
    """Whether a setting is worse on so many seeds that it does not tie: the one-sided sign test.

    Args:
        worse: Seeds on which it is worse.
        better: Seeds on which it is better; on the rest it is equal.
        seeds: All seeds.

    Returns:
        With fewer than five seeds whether it is worse on all, else whether ``sum_(k >= w) C(n, k) / 2^n <= 0.05`` for
        n = worse + better and w = worse.

    Source: Dixon, Mood, "The statistical sign test", J. Amer. Statist. Assoc. 41 (1946), with ties left out.
    """
    if seeds < FEW:
        return worse == seeds
    return _least_chance(worse, worse + better) <= CHANCE


def _least_chance(worse: int, decided: int) -> float:
    """``sum_(k >= w) C(n, k) / 2^n``, or 1/2 where it is more: of tens of thousands of seeds the integers are huge."""
    if 2 * worse <= decided:
        return 0.5
    logarithm = math.lgamma(decided + 1) - math.lgamma(worse + 1) - math.lgamma(decided - worse + 1)
    term = whole = math.exp(logarithm - decided * math.log(2))
    for k in range(worse, decided):
        term *= (decided - k) / (k + 1)
        if term < whole * EPSILON:
            break
        whole += term
    return whole


def best_rates(results: pl.DataFrame) -> pl.DataFrame:
    """For each cell the learning rate, ``rate``, that is best there, and its ``score``, the median over seeds.

    Args:
        results: One row for every trial.

    Returns:
        Columns of the cell, ``rate`` and ``score``; no row for a cell without a finite median.
    """
    best = ranked(scored(results), cell_of(results), ["rate"]).filter("best")
    return best.select(*cell_of(results), "rate", score="median")


def at_best_rate(results: pl.DataFrame) -> pl.DataFrame:
    """The scored trials that ran at the best learning rate of their cell; all trials of a cell that has none."""
    cell, trials = cell_of(results), scored(results)
    best = best_rates(results).select(*cell, "rate")
    chosen = trials.join(best, on=[*cell, "rate"], how="semi", nulls_equal=True)
    undecided = trials.join(best, on=cell, how="anti", nulls_equal=True).with_columns(rate=pl.lit(None, pl.Float64))
    return pl.concat([chosen, undecided])


def best_widths(results: pl.DataFrame) -> pl.DataFrame:
    """The widths of each model on each problem, each at its best learning rate, ranked.

    Returns:
        What ``ranked`` returns within the columns of ``curve_of``, among ``width`` and ``rate``.
    """
    return ranked(at_best_rate(results), curve_of(results), ["width", "rate"])


def best_models(results: pl.DataFrame) -> pl.DataFrame:
    """The models on each problem, each at its best width and learning rate, ranked.

    Returns:
        What ``ranked`` returns within ``PROBLEM``, among all other axes but the seed.
    """
    chosen = best_widths(results).filter("best").select(*cell_of(results), "rate")
    trials = scored(results).join(chosen, on=chosen.columns, how="semi", nulls_equal=True)
    return ranked(trials, PROBLEM, [name for name in chosen.columns if name not in PROBLEM])


def with_standings(results: pl.DataFrame) -> pl.DataFrame:
    """The results with ``standing`` behind ``settled``: how the setting of each trial stands among all of its problem.

    Args:
        results: One row for every trial.

    Returns:
        As many rows, with ``best``; ``ties`` for the best of a model that ties, and for another width or rate of the
        best that does; and an empty text for the rest.
    """
    cell, models, trials = cell_of(results), best_models(results), scored(results)
    top = models.filter("best").select(*cell, "rate")
    widths = best_widths(results).filter("tied").join(top, on=curve_of(results), how="semi", nulls_equal=True)
    rates = ranked(trials, cell, ["rate"]).filter("tied").join(top, on=cell, how="semi", nulls_equal=True)
    ties = pl.concat([part.select(top.columns) for part in (models.filter("tied"), widths, rates)]).unique()
    words = pl.concat([top.with_columns(standing=pl.lit("best")), ties.with_columns(standing=pl.lit("ties"))])
    words = words.unique(top.columns, keep="first", maintain_order=True)
    told = trials.join(words, on=top.columns, how="left", nulls_equal=True, maintain_order="left")
    return results.clone().insert_column(results.columns.index("settled") + 1, told["standing"].fill_null(""))
