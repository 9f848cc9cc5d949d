"""Sentences on who does best: models, losses, optimizers or other values of an axis, on each problem."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.report.answer.best import LEAST_DIFFERENCE, ROUNDING
from pipeline.report.answer.compared_axis import Comparison, compared_trials, ranked_levels
from pipeline.report.answer.phrases import from_to, listed, setting_in_words, short, times
from pipeline.report.tables.run_tables import RunTables

MOST_DETAILED = 2
"""Problems up to which each has a sentence of its own."""
KINDS = {"linear": "a linear model", "greedy": "a basis chosen from the data", "shallow": "a network"}
"""Kinds of models by the first word of their label."""
NOUNS = {"dtype": "precision", "steps": "number of steps", "batch_size": "batch size"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Ranking:
    """The values of an axis on one problem, the best first.

    Args:
        group: The problem in words; empty where there is one.
        rows: One for each value that has a rank.
        unranked: The other values: all of their trials diverged, or none has ended.
        metric: What they are ranked by, in words.
        rounding: The error at or below which nothing but rounding is left.
        several_widths: Whether there is more than one width to say.
        several_rates: Whether there is more than one learning rate to say.
        relative: Whether learning rates are multiples of the limit.
        verb: What the best does where a test error is 0.
        several_curves: Whether a value stands for several models, or ways to train one.
    """

    group: str
    rows: tuple[Row, ...]
    unranked: tuple[str, ...]
    metric: str
    rounding: float
    several_widths: bool
    several_rates: bool
    relative: bool
    verb: str = "solves it"
    several_curves: bool = False

    def at(self, row: Row) -> str:
        """Where a value was at its best, in words that follow others; empty where that is the same everywhere."""
        words = setting_in_words(row, self.several_widths, self.several_rates, self.relative)
        curve, level = str(row["name"]), str(row["level"]).removeprefix("training for ")
        curve = curve.replace(f"{level}, ", "").replace(f", {level}", "")
        return ", ".join(filter(None, [curve if self.several_curves else "", words]))

    @property
    def tied(self) -> list[Row]:
        """The best, and what ties with it."""
        return [row for row in self.rows if row["tied"]]


def ranking_sentences(tables: RunTables, comparison: Comparison) -> list[str]:
    """Who does best on each problem, by how much, and what cannot be told apart.

    Args:
        tables: Of the run.
        comparison: By the criterion.

    Returns:
        Sentences; of more than two problems one for all of them.
    """
    rankings = rankings_of(tables, comparison)
    lead = [*_kinds(rankings)] if comparison.axis == "model" else []
    if len(rankings) == 1:
        return [": ".join([*(text.removesuffix(".") for text in lead), _detailed(rankings[0])])]
    if len(rankings) <= MOST_DETAILED:
        return lead + [_detailed(ranking) for ranking in rankings]
    noun = NOUNS.get(comparison.axis or "", (comparison.axis or "setting").replace("_", " "))
    return [*lead, _over_all(rankings, noun), _each_in_short(rankings)]


def rankings_of(tables: RunTables, comparison: Comparison) -> list[Ranking]:
    """The ranking on each problem, in the order of the plan; problems of which nothing has a rank are left out."""
    trials = compared_trials(tables, comparison)
    ranked = ranked_levels(trials)
    groups = trials["group"].unique(maintain_order=True).to_list()
    rate_axes = tables.named.filter(pl.col("rate_axis").is_not_null())["rate_axis"].n_unique()
    rankings = []
    for group in groups:
        rows = tuple(ranked.filter(pl.col("group") == group).iter_rows(named=True))
        levels = trials.filter(pl.col("group") == group)["level"].unique(maintain_order=True)
        unranked = tuple(str(level) for level in levels if level not in {row["level"] for row in rows})
        metric = comparison.by.replace("_", " ")
        words = "" if len(groups) == 1 else str(group)
        widths = tables.named["width"].n_unique() > 1 and not comparison.at_largest_width
        if rows:
            rounding = ROUNDING[trials.filter(pl.col("name") == rows[0]["name"])["precision"][0]]
            verb = "is solved" if comparison.axis == "problem" else "solves it"
            curves = trials.select("level", "name").unique().height > trials["level"].n_unique()
            said = (widths, rate_axes > 1, tables.relative_rates, verb, curves)
            rankings.append(Ranking(words, rows, unranked, metric, rounding, *said))
    return rankings


def _kinds(rankings: Sequence[Ranking]) -> Iterator[str]:
    """Whether a network, a linear model or a basis chosen from the data does best, where there are several kinds."""
    kinds = [{str(row["level"]).split("(")[0] for row in ranking.rows} for ranking in rankings]
    if not rankings or len(set.union(*kinds)) < 2:
        return
    best = [{str(row["level"]).split("(")[0] for row in ranking.tied} for ranking in rankings]
    if any(len(found) > 1 or not found <= KINDS.keys() for found in best):
        return
    words = [KINDS[next(iter(found))] for found in best]
    if len(set(words)) == 1:
        where = "" if len(rankings) == 1 else f" on all {len(rankings)} problems" if len(rankings) > 2 else " on both"
        yield f"{words[0].capitalize()} does best{where}."
    elif len(rankings) <= 3:
        pairs = [f"{word} on {ranking.group}" for word, ranking in zip(words, rankings, strict=True)]
        first, *others = pairs
        first = first.replace(" on ", " does best on ", 1)
        yield f"{first[0].upper()}{first[1:]}, {', '.join(others)}."


def _detailed(ranking: Ranking) -> str:
    """One sentence on one problem."""
    text = _solved(ranking) if ranking.rows[0]["solved"] is not None else _by_error(ranking)
    if ranking.unranked:
        text += f"; of {listed(ranking.unranked)} no setting has a finite median"
    return f"On {ranking.group}, {text}." if ranking.group else f"{text}."


def _solved(ranking: Ranking) -> str:
    """Who solves the problem, for how many seeds."""
    best, *others = ranking.rows
    share = f"{_count(best)} of {best['seeds']} {'seed' if best['seeds'] == 1 else 'seeds'}"
    text = f"{best['level']} {ranking.verb} for {share}{_beside(ranking.at(best))}"
    some = [row for row in others if row["solved"]]
    none = [str(row["level"]) for row in others if not row["solved"]]  # null: nothing solves its problem or its loss
    if some:
        told = [f"{row['level']} for {_count(row)} of {row['seeds']}{_other_width(ranking, row)}" for row in some]
        text += f", {listed(told)}"
        ties = [str(row["level"]) for row in some if row["tied"]]
        if ties and len(ties) < len(some):
            text += f" (the seeds do not tell {listed(ties)} from the best)"
        elif ties:
            text += _no_difference(len(ties)) if best["seeds"] > 1 else ""
    if none:
        text += f"; {listed(none)} for none"
    return text


def _no_difference(num_ties: int) -> str:
    """Each was held against the best alone."""
    return ", which the seeds do not tell apart" if num_ties == 1 else ", which the seeds do not tell from the best"


def _other_width(ranking: Ranking, row: Row) -> str:
    """The width at which a value was at its best, where the best had another one: its features may be what counts."""
    differs = ranking.several_widths and row["width"] != ranking.rows[0]["width"]
    return f" (width {row['width']})" if differs else ""


def _count(row: Row) -> int:
    return round(row["solved"] * row["seeds"])


def _by_error(ranking: Ranking) -> str:
    """Who has the lowest error, and what cannot be told from it."""
    best, tied = ranking.rows[0], ranking.tied
    rest = [row for row in ranking.rows if not row["tied"]]
    if best["median"] <= ranking.rounding:
        exact = [f"{row['level']}{_beside(ranking.at(row))}" for row in tied]
        text = f"{listed(exact)} {'is' if len(tied) == 1 else 'are'} exact to rounding"
        return text + _next(rest)
    if len(tied) > 1:
        return _tie(ranking, tied, rest)
    lowest = f"{short(best['median'])}{_beside(ranking.at(best))}"
    text = f"{best['level']} has the lowest {_metric(ranking, best)}, {lowest}"
    if not rest:
        return text
    factor, second = times(rest[0]["median"], best["median"]), _with_error(rest[0])
    return text + (f"; that of {second} is {factor} as high" if factor else f"; the next is {second}")


def _tie(ranking: Ranking, tied: Sequence[Row], rest: Sequence[Row]) -> str:
    """Values that are equal, or that seeds do not tell from the best."""
    best = tied[0]
    if all(row["median"] <= best["median"] * (1 + LEAST_DIFFERENCE) for row in tied):
        return _equal(ranking, tied) + _next(rest)
    if len(tied) == 2 and all(row["median"] > tied[1]["median"] for row in rest):
        names, seeds = listed([str(row["level"]) for row in tied]), max(row["seeds"] for row in tied)
        between = from_to([row["median"] for row in tied])
        return f"{names} cannot be told apart by {seeds} seeds: {_metric(ranking, best)} {between}{_next(rest)}"
    return _not_told_from_the_best(ranking, tied, rest)


def _equal(ranking: Ranking, tied: Sequence[Row]) -> str:
    """Values that are equal, and which of them settles first."""
    best, names = tied[0], listed([str(row["level"]) for row in tied])
    text = f"{names} end at the same {_metric(ranking, best)}, {short(best['median'])}"
    slowest = max(tied, key=lambda row: row["settled"] or 0)
    if best["settled"] is not None and slowest["settled"] > best["settled"]:
        text += f"; {best['level']} settles first, after {best['settled']:g} step{'s' * (best['settled'] != 1)}"
        text += f", {slowest['level']} {'last, ' if len(tied) > 2 else ''}after {slowest['settled']:g}"
    return text


def _not_told_from_the_best(ranking: Ranking, tied: Sequence[Row], rest: Sequence[Row]) -> str:
    """Each was held against the best alone: what ties with it need not tie with the others, nor lie below the rest."""
    best, *others = tied
    lowest = f"{short(best['median'])}{_beside(ranking.at(best))}"
    seeds, like_it = max(row["seeds"] for row in tied), listed([_with_error(row) for row in others])
    text = f"{best['level']} has the lowest {_metric(ranking, best)}, {lowest}"
    text += f"; {seeds} seeds do not tell it from {like_it}"
    return text + (f", but do tell it from {_with_error(rest[0])}" if rest else "")


def _next(rest: Sequence[Row]) -> str:
    return f"; the next is {_with_error(rest[0])}" if rest else ""


def _metric(ranking: Ranking, row: Row) -> str:
    return f"median {ranking.metric}" if row["seeds"] > 1 else ranking.metric


def _with_error(row: Row) -> str:
    return f"{row['level']} ({short(row['median'])})"


def _beside(words: str) -> str:
    return f" ({words})" if words else ""


def _over_all(rankings: Sequence[Ranking], noun: str) -> str:
    """Whether one value is best on all problems."""
    best_of = [{str(row["level"]) for row in ranking.tied} for ranking in rankings]
    first = (str(row["level"]) for row in rankings[0].tied)
    everywhere = [level for level in first if all(level in best for best in best_of)]
    if not everywhere:
        return f"No {noun} does best on all {len(rankings)} problems."
    return f"{listed(everywhere)} {'does' if len(everywhere) == 1 else 'do'} best on all {len(rankings)} problems."


def _each_in_short(rankings: Sequence[Ranking]) -> str:
    """The best on every problem, those with the same best together."""

    def best(ranking: Ranking) -> str:
        return listed([str(row["level"]) for row in ranking.tied], most=3)

    told = []
    for level, group in itertools.groupby(rankings, key=best):
        where = [f"{ranking.group} ({_shown(ranking)})" for ranking in group]
        told.append(f"{level} on {listed(where)}")
    text = listed(told, most=8)
    return f"Best: {text}."


def _shown(ranking: Ranking) -> str:
    best = ranking.rows[0]
    if best["solved"] is not None:
        return f"{_count(best)} of {best['seeds']} seeds {'solves' if best['solved'] == 1 else 'solve'} it"
    return "exact to rounding" if best["median"] <= ranking.rounding else short(best["median"])
