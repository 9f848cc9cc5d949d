"""Sentences on learning rates: which of them converge, which is best, and of networks where the loss rises first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from pipeline.errors import number_of
from pipeline.report.answer.best import LEAST_DIFFERENCE, ranked
from pipeline.report.answer.compared_axis import Comparison, compared_trials
from pipeline.report.answer.phrases import listed, short
from pipeline.report.tables.cells import with_curve_labels
from pipeline.report.tables.critical_rates import (
    CATAPULT,
    DIVERGES,
    FALLS,
    WIDE_LINEAR,
    critical_rates,
    phases,
    wide_rates,
)
from pipeline.report.tables.run_tables import RunTables, panel_problem

MOST_CURVES_TOLD = 4
"""Curves that have a sentence of their own."""
VERBS = {"loss rises": "rises", "diverges": "diverges"}
"""What is said of the events that theory speaks of."""


def rate_sentences(tables: RunTables, comparison: Comparison) -> list[str]:
    """Up to which learning rate trials converge, and which one is best for each model; of phases the critical rates.

    Args:
        tables: Of the run.
        comparison: Of learning rates, by the criterion.

    Returns:
        Sentences.
    """
    found = told_phases(tables)
    if not found.is_empty():
        return phase_sentences(tables, found)
    trials = compared_trials(tables, comparison)
    told = list(_best_of_each(tables, trials))
    more = len(told) - MOST_CURVES_TOLD
    rest = [f"The table below has {more} more."] if more > 0 else []
    return [*_where_it_diverges(tables, trials), *told[:MOST_CURVES_TOLD], *rest]


def told_phases(tables: RunTables) -> pl.DataFrame:
    """The phases of the trials of a run that they answer.

    Args:
        tables: Of the run.

    Returns:
        What ``phases`` returns; no rows unless there are several rates, all multiples of the limit of networks, and the
        loss of one of the first steps is recorded.
    """
    if "loss" not in tables.results.columns:
        return pl.DataFrame()
    found = phases(tables.plan, tables.results, tables.records)
    ended = tables.results["status"].is_in(["done", "diverged"]).sum()
    multiples = pl.Series() if found.is_empty() else found["times_limit"]
    if found.height != ended or multiples.n_unique() < 2 or multiples.has_nulls():
        return pl.DataFrame()
    unseen = found.filter(pl.col("phase") != DIVERGES)["peak of loss"].null_count()
    return pl.DataFrame() if unseen else found


def phase_sentences(tables: RunTables, found: pl.DataFrame) -> list[str]:
    """At which multiples of the limit the loss of the widest networks rises and diverges, and what theory says.

    Args:
        tables: Of the run.
        found: What ``told_phases`` returns, with rows.

    Returns:
        One sentence on the greatest width, and on how many trials come back; one on theory, and on the critical rates
        extrapolated to infinite width where there are five widths.
    """
    critical = critical_rates(found).filter(pl.col("event").is_in(list(VERBS)))
    width: int = critical.select(pl.col("width").max()).item()
    multiples = sorted(found["times_limit"].unique())
    curves = _of_curves(tables, critical.filter(pl.col("width") == width), lambda row: _critical(row, multiples))
    losses = "; that of ".join(curves[:MOST_CURVES_TOLD])
    back = _comes_back(found.filter(pl.col("width") == width))
    told = [f"In units of the limit at the first weights, at width {width}, the loss of {losses}{back}."]
    more = len(curves) - MOST_CURVES_TOLD
    rest = [f"The table below has {more} more."] if more > 0 else []
    return [*told, f"{_theory(tables, found)}.", *rest]


def _of_curves(tables: RunTables, rows: pl.DataFrame, told: Callable[[dict[str, Any]], str]) -> list[str]:
    """Each curve by its name with what is told of its rows, in the order of the plan."""
    several = tables.named["panel_problem"].n_unique() > 1
    group = panel_problem(tables.results).cast(tables.named.schema["panel_problem"]).alias("group")
    named = with_curve_labels(tables.plan, rows.with_columns(group)).sort("group", "name", maintain_order=True)
    curves: dict[str, list[str]] = {}
    for row in named.iter_rows(named=True):
        curve = f"{row['name']} on {row['group']}" if several else str(row["name"])
        curves.setdefault(curve, []).append(f"{VERBS[row['event']]} {told(row)}")
    return [f"{curve} {' and '.join(parts)}" for curve, parts in curves.items()]


def _critical(row: dict[str, Any], multiples: list[float]) -> str:
    """Where the median over seeds lies among the multiples that were trained."""
    least, greatest = multiples[0], multiples[-1]
    if row["critical"] < least:
        return f"already at {short(least)}"
    if math.isfinite(row["critical"]):
        return f"from {short(row['critical'])} on"
    some = "" if row["from"] >= greatest else " for at least half of the seeds"
    return f"at no rate up to {short(greatest)}{some}"


def _comes_back(found: pl.DataFrame) -> str:
    """How many of the trials whose loss rises, but that do not diverge, end below their first loss."""
    between = found.filter(~pl.col("phase").is_in([FALLS, DIVERGES]))["phase"]
    back = (between == CATAPULT).sum()
    return f"; in between, that of {back} of {number_of(len(between), 'trial')} comes back" if len(between) else ""


def _theory(tables: RunTables, found: pl.DataFrame) -> str:
    """Where theory has both, and the critical rates of infinitely wide networks where the widths tell them."""
    rises, diverges = WIDE_LINEAR["loss rises"], WIDE_LINEAR["diverges"]
    told = f"By theory the loss of wide networks rises from {rises:g} on, and that of linear ones diverges from "
    told += f"{diverges:g} on"
    wide = wide_rates(found)
    rows = wide if wide.is_empty() else wide.filter(pl.col("event").is_in(list(VERBS)))
    if rows.is_empty():
        return told
    curves = _of_curves(tables, rows, _with_interval)
    return f"{told}; extrapolated to infinite width, that of {'; that of '.join(curves[:MOST_CURVES_TOLD])}"


def _with_interval(row: dict[str, Any]) -> str:
    return f"from {short(row['wide'])} ({short(row['from'])} to {short(row['to'])}) on"


def _where_it_diverges(tables: RunTables, trials: pl.DataFrame) -> Iterator[str]:
    """The highest rate at which nothing diverged, the lowest at which all did, and what is between."""
    ended = trials.filter(pl.col("status").is_in(["done", "diverged"]))
    diverged = (pl.col("status") == "diverged").sum().alias("diverged")
    rates = ended.group_by("rate_axis").agg(diverged, pl.len().alias("trials")).sort("rate_axis").to_dicts()
    if not rates:
        return
    if not any(rate["diverged"] for rate in rates):
        yield f"No trial diverged, up to {_in_words(tables, rates[-1]['rate_axis'])}."
        return
    calm = list(itertools.takewhile(lambda rate: not rate["diverged"], rates))
    wild = list(itertools.takewhile(lambda rate: rate["diverged"] == rate["trials"], reversed(rates)))[::-1]
    parts = []
    if calm:
        count = sum(rate["trials"] for rate in calm)
        parts.append(f"none of the {count} trials at up to {_in_words(tables, calm[-1]['rate_axis'])} diverged")
    if wild:
        count = sum(rate["trials"] for rate in wild)
        parts.append(f"all {count} from {_in_words(tables, wild[0]['rate_axis'])} on diverged")
    between = rates[len(calm) : len(rates) - len(wild)]
    if between:
        count, whole = sum(rate["diverged"] for rate in between), sum(rate["trials"] for rate in between)
        parts.append(f"{count} of {whole} {_between(tables, [rate['rate_axis'] for rate in between])} diverged")
    text = "; ".join(parts)
    yield f"{text[0].upper()}{text[1:]}."


def _between(tables: RunTables, rates: list[float]) -> str:
    if len(rates) == 1:
        return f"at {_in_words(tables, rates[0])}"
    return f"from {short(rates[0])} to {_in_words(tables, rates[-1])}"


def _in_words(tables: RunTables, rate: float) -> str:
    return f"{rate:g} times the limit" if tables.relative_rates else f"a learning rate of {short(rate)}"


def _best_of_each(tables: RunTables, trials: pl.DataFrame) -> Iterator[str]:
    """Which rate is best for each model on each problem, at each width."""
    rates = ranked(trials, ["group", "name", "width"], ["rate_axis"])
    best = rates.filter("best")
    for group, name in trials.select("group", "name").unique(maintain_order=True).iter_rows():
        of_curve = (pl.col("group") == group) & (pl.col("name") == name)
        rows = best.filter(of_curve).sort("width").to_dicts()
        if not rows:
            continue
        curve = f"{name} on {group}" if tables.named["panel_problem"].n_unique() > 1 else str(name)
        if len(rows) == 1:
            yield _at_one_width(tables, curve, rates.filter(of_curve).to_dicts(), trials["width"].n_unique() > 1)
        else:
            yield _over_widths(tables, curve, rows, rates.filter(of_curve & pl.col("tied")))


def _over_widths(tables: RunTables, curve: str, rows: list[dict[str, Any]], tied: pl.DataFrame) -> str:
    """Whether the best rate changes with the width."""
    by_rate: dict[float, list[str]] = {}
    for row in rows:
        by_rate.setdefault(row["rate_axis"], []).append(str(row["width"]))
    best = f"The best learning rate for {curve} is"
    if len(by_rate) == 1:
        rate = _rate(tables, rows[0]["rate_axis"])
        return f"{best} {rate} at every width from {rows[0]['width']} to {rows[-1]['width']}."
    told = [
        f"{_rate(tables, rate)} at width{'s' * (len(widths) > 1)} {listed(widths)}" for rate, widths in by_rate.items()
    ]
    everywhere = tied.group_by("rate_axis").len().filter(pl.col("len") == len(rows))["rate_axis"].sort().to_list()
    if not everywhere:
        return f"{best} {listed(told)}: it changes with the width."
    same = listed([_rate(tables, rate) for rate in everywhere])
    return f"{best} {listed(told)}, but at no width do the seeds tell {same} from it."


def _at_one_width(tables: RunTables, curve: str, rows: list[dict[str, Any]], say_width: bool) -> str:
    """Which rate is best, and which ones end at the same error, sooner or later."""
    best = rows[0]
    equal = sorted((row for row in rows if _as_low(row, best)), key=lambda row: row["rate_axis"])
    where = f" at width {best['width']}" if say_width else ""
    if len(equal) == 1:
        ties = [short(row["rate_axis"]) for row in rows if row["tied"] and row is not best]
        also = f"; seeds do not tell {listed(ties)} from it" if ties else ""
        return f"The best learning rate for {curve} is {_rate(tables, best['rate_axis'])}{where}{also}."
    slowest = max(equal, key=lambda row: row["settled"] or 0)
    lowest, highest = short(equal[0]["rate_axis"]), _in_words(tables, equal[-1]["rate_axis"])
    text = f"{curve} ends at the same error{where} at all {len(equal)} rates from {lowest} to {highest}"
    if best["settled"] is None or slowest["settled"] == best["settled"]:
        return f"{text}."
    first = f"{short(best['rate_axis'])} takes {_steps(best)}"
    return f"{text}, but {first} and {short(slowest['rate_axis'])} takes {slowest['settled']:g}."


def _steps(row: dict[str, Any]) -> str:
    return f"{row['settled']:g} step{'' if row['settled'] == 1 else 's'}"


def _rate(tables: RunTables, rate: float) -> str:
    return f"{rate:g} times the limit" if tables.relative_rates else short(rate)


def _as_low(row: dict[str, Any], best: dict[str, Any]) -> bool:
    return bool(row["tied"] and row["median"] <= best["median"] * (1 + LEAST_DIFFERENCE))
