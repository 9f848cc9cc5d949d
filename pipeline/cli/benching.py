"""The verb bench."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.prose import print_json, print_json_rows, say
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class BenchOptions:
    """Options of bench.

    Args:
        json: Whether the output is for a program.
        quick: Whether only the middle shapes are measured, in packs of 32.
        sweep: Whether whole sweeps are measured instead.
        browser: Whether descent in a page, and pages of runs, are measured instead.
        against: Another checkout of this project, timed in turns with this one; ``None`` for none.
    """

    json: bool
    quick: bool
    sweep: bool
    browser: bool = False
    against: Path | None = None


def bench(options: BenchOptions) -> int:
    """Measure the speed of packs of networks and of linear models beside their peers, as ratios in one run."""
    from pipeline.bench.closed_form import closed_form_sweep, measure_closed_form
    from pipeline.bench.goals import means, verdicts
    from pipeline.bench.linear import measure_linear
    from pipeline.bench.timings import matrix_product_rate, measure, rows
    from pipeline.report.tables.printing import as_json_rows, as_text
    from pipeline.training.trainer import chosen_accelerator

    if options.sweep:
        return _bench_of_sweep(options)
    if options.browser:
        tables = [_in_browser(), _pages()]
        if options.json:
            print_json([row for table in tables for row in as_json_rows(table)])
        else:
            print("\n".join(as_text(table) for table in tables))
        return 0
    rate = matrix_product_rate()
    say(f"matrix products: {rate / 1e9:.0f} GFLOP/s")
    full_batches = _of_full_batches(options)
    sweep = closed_form_sweep(num_rates=16 if options.quick else 128)
    measured = rows(measure(quick=options.quick, say=say), rate)
    linear = rows(measure_linear(quick=options.quick, say=say), rate)
    tables = [measured, means(measured), verdicts(measured), linear, *full_batches]
    tables.append(measure_closed_form(sweep, say=say))
    try:
        tables.append(_in_browser())
    except PipelineError as error:
        say(f"descent in a page is not measured: {error.what}")
    if options.json:
        print_json([row for table in tables for row in as_json_rows(table)])
    else:
        print("\n".join(as_text(table) for table in tables))
    return _bench_of_gpu(options) if chosen_accelerator("auto") == "cuda" else 0


def _of_full_batches(options: BenchOptions) -> list[pl.DataFrame]:
    """Engines that need less than every point beside the fused one, and beside another build if one is named."""
    from pipeline.bench.full_batch_goals import full_batch_verdicts
    from pipeline.bench.full_batches import measure_full_batches, measure_sharpness, microseconds
    from pipeline.bench.other_build import other_build

    with other_build(options.against) if options.against else contextlib.nullcontext() as other:
        kinds = (measure_full_batches, measure_sharpness)
        table = microseconds([timing for kind in kinds for timing in kind(quick=options.quick, say=say, other=other)])
    return [table, full_batch_verdicts(table)]


def _in_browser() -> pl.DataFrame:
    """Descent in a page beside TensorFlow.js."""
    from pipeline.bench.browser_turns import measure_in_browser
    from pipeline.report.html.scripts import script

    say("descent in a page, in turns with TensorFlow.js")
    return measure_in_browser(script("bench/turns.js"))


def _pages() -> pl.DataFrame:
    """Pages of runs: how large they are, and how soon they are open."""
    from pipeline.bench.page_openings import measure_pages

    return measure_pages(say=say)


def _bench_of_gpu(options: BenchOptions) -> int:
    """Measure the engine for GPUs, too; its rows are for people, so a program gets none of them."""
    from pipeline.bench import gpu

    with contextlib.redirect_stdout(sys.stderr if options.json else sys.stdout):
        return gpu.main(["--packs", "32", "--shapes", "256x2x64x1"] if options.quick else [])


def _bench_of_sweep(options: BenchOptions) -> int:
    from pipeline.bench.sweep import measure_sweep, values_per_second

    say(f"records: {values_per_second():,.0f} values written a second")
    _print(measure_sweep(say=say), options)
    return 0


def _print(table: pl.DataFrame, options: BenchOptions) -> None:
    """One table, for people or for a program."""
    from pipeline.report.tables.printing import as_text

    if options.json:
        print_json_rows(table)
    else:
        print(as_text(table))
