"""Cells and trials of a run that its page explores: all of them, or of a large run those that a stated rule takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from pipeline.errors import number_of
from pipeline.numerics.even_spacing import every
from pipeline.report.answer.best import ranked
from pipeline.report.figures.loss_by_rate_and_width import AT_START
from pipeline.report.tables.cells import PROBLEM, cell_of, curve_of
from pipeline.report.tables.results import TIMES_FIRST_LIMIT
from pipeline.report.tables.run_tables import RunTables

MOST_CELLS = 2000
MOST_TRIALS = 3000
CELL = ("panel_problem", "name", "width", "rate_axis")
BEST_OF_WIDTH, BEST_OF_MODEL, BEST_OF_PROBLEM = 1, 2, 3


@dataclass(frozen=True)
class ExploredCells:
    """Cells and trials of a page.

    Args:
        cells: One row for each cell, ``cell`` its number: the columns of ``CELL``, ``first``, the id of the trial of
            the first seed, ``trials``, ``ended``, ``diverged``, the medians ``loss`` and ``score``, ``limit``,
            ``limit_words`` and ``best``.
        trials: One row for each trial, with ``cell`` and all that is known of it.
        sentences: What was left out, and by which rule.
    """

    cells: pl.DataFrame
    trials: pl.DataFrame
    sentences: tuple[str, ...]


def explored_cells(tables: RunTables, most_cells: int = MOST_CELLS, most_trials: int = MOST_TRIALS) -> ExploredCells:
    """The cells and trials of a run that fit into its page.

    Where there are too many cells, every second width and rate is left out, but the ends, and again, until they fit;
    the best of each model stays. Where they have too many trials, the first seeds are taken.

    Args:
        tables: Of the run.
        most_cells: Cells of the page at most.
        most_trials: Trials of the page at most, but one for each cell.

    Returns:
        The tables of both.
    """
    named = _with_limits(tables, _in_order_of_seeds(tables))
    cells = named.group_by(*CELL, maintain_order=True).agg(*_of_cell(named.columns))
    cells = cells.join(_best(tables), on=CELL, how="left", nulls_equal=True, maintain_order="left")
    cells = cells.with_columns(pl.col("best").fill_null(0)).sort(*CELL, nulls_last=True)
    kept, left_out = _thinned(cells, most_cells)
    kept = kept.with_row_index("cell").with_columns(pl.col("cell").cast(pl.Int32))
    places = named.select(CELL).with_row_index("place")  # without the other columns, of which a large run has 1 GiB
    trials = places.join(kept.select(*CELL, "cell"), on=CELL, nulls_equal=True, maintain_order="left")
    trials = trials.with_columns(repetition=pl.int_range(pl.len()).over("cell"))
    num_seeds = _fitting(trials["repetition"], most_trials)
    taken = trials.filter(pl.col("repetition") < num_seeds)
    some = named[taken["place"]].with_columns(taken["cell"])
    return ExploredCells(kept, some, (*left_out, *_seeds_in_words(some.height, trials.height, num_seeds)))


def _in_order_of_seeds(tables: RunTables) -> pl.DataFrame:
    """The scored results, trials of one cell in the order of their seeds, which plans need not have."""
    named, seeds = tables.named, tables.plan.experiment.resolved_seeds()
    places = {seed: place for place, seed in enumerate(seeds)}
    order = pl.col("seed").replace_strict(places, default=len(seeds), return_dtype=pl.Int64)
    several = ["data_seed"] if "data_seed" in named.columns else []
    return named.with_columns(seed_place=order).sort("seed_place", *several, maintain_order=True)


def _with_limits(tables: RunTables, named: pl.DataFrame) -> pl.DataFrame:
    """The same with ``first_limit``, the predicted limit on the axis of rates, of networks the median over seeds."""
    limits = pl.col("learning_rate") / pl.col(TIMES_FIRST_LIMIT)
    known = pl.when(limits.is_finite()).then(limits).median().over("panel_problem", "name", "width")
    return named.with_columns(first_limit=pl.when(known.is_not_null()).then(1.0) if tables.relative_rates else known)


def _of_cell(columns: Iterable[str]) -> list[pl.Expr]:
    done, gone = pl.col("status") == "done", pl.col("status") == "diverged"
    loss = pl.col("loss") if "loss" in columns else pl.lit(None, pl.Float64)
    return [
        pl.col("trial").first().alias("first"),
        pl.len().alias("trials"),
        (done | gone).sum().alias("ended"),
        gone.sum().alias("diverged"),
        loss.filter(done).median().alias("loss"),
        pl.col("score").filter(done).median().alias("score"),
        pl.col("first_limit").first().alias("limit"),
        pl.when(pl.col("first_limit").is_not_null())
        .then(pl.col("limit").fill_null(AT_START))
        .first()
        .alias("limit_words"),
    ]


def _best(tables: RunTables) -> pl.DataFrame:
    """The best rate of each width, and the best width and rate of each model and of all, as ``best`` says."""
    at_best = tables.best.filter(pl.col("rate").is_not_null())
    if at_best.is_empty():
        return pl.DataFrame(schema={name: at_best.schema[name] for name in CELL} | {"best": pl.Int32})
    setting = [*cell_of(tables.results), "rate"]
    of_width = at_best.select(*dict.fromkeys((*CELL, *setting))).unique(maintain_order=True)
    top = ranked(at_best, curve_of(tables.results), ["width", "rate"]).filter("best").select(setting)
    first = ranked(
        at_best.join(top, on=setting, how="semi", nulls_equal=True), PROBLEM, [n for n in setting if n not in PROBLEM]
    ).filter("best")
    of_all = first.select(*setting, best=pl.lit(BEST_OF_PROBLEM))
    top = top.join(of_all, on=setting, how="left", nulls_equal=True)
    top = top.with_columns(pl.col("best").fill_null(BEST_OF_MODEL))
    both = of_width.join(top, on=setting, how="left", nulls_equal=True)
    return both.select(*CELL, pl.col("best").fill_null(BEST_OF_WIDTH).cast(pl.Int32)).unique(CELL, keep="first")


def _thinned(cells: pl.DataFrame, most: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The cells that fit, and a sentence where these are not all."""
    kept, stride = cells, 1
    longest = max(cells["width"].n_unique(), cells["rate_axis"].n_unique())
    while kept.height > most and stride < longest:
        stride *= 2
        kept = cells.filter(on_every(cells, stride) | (pl.col("best") >= BEST_OF_MODEL))
    kept = kept.head(most)
    if kept.height == cells.height:
        return kept, ()
    words = "second" if stride == 2 else f"{stride}th"
    rule = f"every {words} width and learning rate, the last, and the best of each model"
    return kept, (f"Of {cells.height} cells {kept.height} are here: {rule}.",)


def on_every(cells: pl.DataFrame, stride: int) -> pl.Expr:
    """Whether the width and the rate of a cell are among every N of them, or the last ones.

    Args:
        cells: With ``width`` and ``rate_axis``.
        stride: N.

    Returns:
        An expression; a solver, which has no rate, is there at each width.
    """
    widths = every(sorted(cells["width"].unique()), stride)
    rates = every(sorted(cells["rate_axis"].drop_nulls().unique()), stride) if cells["rate_axis"].count() else []
    return pl.col("width").is_in(widths) & (pl.col("rate_axis").is_null() | pl.col("rate_axis").is_in(rates))


def _fitting(repetitions: pl.Series, most: int) -> int:
    """How many of the first seeds of each cell fit, at least one."""
    counts = repetitions.value_counts().sort(repetitions.name)["count"].cum_sum()
    return max(1, int((counts <= most).sum()))


def _seeds_in_words(shown: int, known: int, num_seeds: int) -> tuple[str, ...]:
    if shown == known:
        return ()
    seeds = "trial" if num_seeds == 1 else f"{num_seeds} trials"
    return (f"Of {number_of(known, 'trial')} of these cells {shown} are here: the first {seeds} of each.",)
