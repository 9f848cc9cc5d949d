"""Pages of runs of three sizes: how many megabytes each has, and how long a browser takes to open it."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from pipeline.bench.browser_turns import FLAGS, browser_of_machine, finished
from pipeline.bench.sweep import CONFIG, finished_command
from pipeline.errors import PipelineError

SHORT = (
    "models=[shallow: {activation: relu}, shallow: {activation: tanh}]",
    "inputs={dimension: 1, train: 32, test: 64}",
    "steps=30",
    "record_at={log_spaced: 20}",
)
RATES = "learning_rates={{log_from: 1e-2, log_to: 1, num: {}}}"
SIZES: Mapping[int, Sequence[str]] = {
    80: ("widths=[4, 16]", RATES.format(2), "seeds=10"),
    1_750: ("widths=[2, 4, 8, 16, 32]", RATES.format(7), "seeds=25"),
    100_000: (f"widths={list(range(1, 51))}", RATES.format(100), "seeds=10"),
}
"""Changes of the configuration, by the number of trials that they make."""
DRAWN = 'role="grid"'
"""What the map of the explorer is in the page once it is drawn."""
ROUNDS = 3
MOST_MEGABYTES, MOST_SECONDS = 8.0, 3.0
"""Of a page of a hundred thousand trials."""


def measure_pages(sizes: Mapping[int, Sequence[str]] = SIZES, *, say: Callable[[str], None]) -> pl.DataFrame:
    """Train a run of each size as a user would, and open its page.

    Args:
        sizes: Changes of the configuration, by the number of trials.
        say: Told what is measured.

    Returns:
        A row for each size.

    Raises:
        PipelineError: If there is no browser, or a run or a page fails.
    """
    rows = []
    for trials, changes in sizes.items():
        say(f"the page of {trials:,} trials")
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            settings = [argument for change in (*SHORT, *changes) for argument in ("--set", change)]
            finished_command(["run", str(CONFIG), "--out", str(run), *settings])
            rows.append(row(trials, (run / "report.html").stat().st_size, opening_seconds(run / "report.html")))
    return pl.DataFrame(rows)


def row(trials: int, size: int, seconds: float) -> dict[str, object]:
    """A row of the table.

    Args:
        trials: Of the run.
        size: Of its page, in bytes.
        seconds: Until it is drawn.

    Returns:
        Values by column.
    """
    meets = size < MOST_MEGABYTES * 1e6 and seconds < MOST_SECONDS
    goal = f"under {MOST_MEGABYTES:g} MB and {MOST_SECONDS:g} s"
    return {"trials": trials, "page, MB": size / 1e6, "to open, s": seconds, goal: "yes" if meets else "no"}


def opening_seconds(page: Path) -> float:
    """Seconds that a browser takes longer for a page than for an empty one, the median of a few turns.

    Args:
        page: Of a run.

    Returns:
        Until it is loaded and its map drawn, and the page written out again.

    Raises:
        PipelineError: If there is no browser, or it has not drawn the map.
    """
    empty = page.with_name("empty.html")
    empty.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
    if DRAWN not in _opened(page):
        raise PipelineError(f"the browser has not drawn the map of {page.name}", hint="open it and see its console")
    turns = [(_seconds(page), _seconds(empty)) for _ in range(ROUNDS)]
    return statistics.median(whole - start for whole, start in turns)


def _seconds(page: Path) -> float:
    started = time.perf_counter()
    _opened(page)
    return time.perf_counter() - started


def _opened(page: Path) -> str:
    """The page as a browser shows it."""
    profile = f"--user-data-dir={page.parent / 'profile'}"
    return finished([browser_of_machine(), *FLAGS, profile, "--dump-dom", page.resolve().as_uri()])
