"""Index of finished trials: which trials the runs of a folder have finished, without opening their tables.

``runs/.trials/<run>-<stamp>.parquet`` holds one row for each finished trial of a run. The stamp is the time at which a
file in the run's ``outcomes/`` last appeared or vanished, so an index is of use for as long as its name fits; else the
run is read again. Nothing is ever written into the folder of a run. An index that cannot be written is made each time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl

from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import replacing
from pipeline.records.store import read_outcomes

INDEX = ".trials"
"""Folder of the indexes, in a folder of runs."""

FINISHED = pl.Schema(
    {
        "key": pl.Int64,  # the first 15 hexadecimal digits of the id
        "pack": pl.String,
        "engine": pl.String,
        "device": pl.String,
        "numerics": pl.String,
        "observed": pl.String,  # what its run records of it, as JSON; the same in each row of a run
    }
)
"""One finished trial a row."""

STILL_SECONDS = 2.0
"""How long nothing must have changed before an index is kept: the clocks of file systems are that coarse."""


def runs_in(folders: Sequence[Path]) -> list[Path]:
    """The runs that are named, and those in folders of runs, each once.

    Args:
        folders: Of runs, or of one run.

    Returns:
        Folders of runs in which something is finished, by name.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        one = [folder] if _is_there(folder / "plan.json") else sorted(folder.glob("*"))
        for run in one:
            if _is_there(run / "outcomes"):
                found.setdefault(run.resolve(), run)
    return list(found.values())


def _is_there(path: Path) -> bool:
    """Whether a path is there; not if it lies where this user may not look, as among the temporary files of others."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def keys_of(trials: pl.Series) -> pl.Series:
    """Numbers by which trials are looked up: the first 60 bits of their ids, of which a million all differ.

    Args:
        trials: Ids.

    Returns:
        As many numbers, Int64.
    """
    return trials.str.slice(0, 15).str.to_integer(base=16, strict=True).cast(pl.Int64).alias("key")


def finished_trials(runs: Sequence[Path], wanted: Sequence[str]) -> pl.DataFrame:
    """Find which of some trials runs have finished.

    Args:
        runs: Folders of runs.
        wanted: Ids of trials.

    Returns:
        Columns ``trial``, ``run`` (the position of its folder) and those of ``FINISHED`` but the key, one row for each
        trial and each run that has finished it.
    """
    asked = pl.DataFrame({"trial": wanted}, schema={"trial": pl.String})
    asked = asked.with_columns(keys_of(asked["trial"]))
    indexes = [(position, index) for position, run in enumerate(runs) if (index := _index_of(run)) is not None]
    try:
        return _hits(indexes, asked)
    except (pl.exceptions.PolarsError, OSError):  # an index that was damaged, or removed since
        for index in (index for _, index in indexes if isinstance(index, Path)):
            index.unlink(missing_ok=True)
        again = [(position, rows) for position, _ in indexes if (rows := _rows_of(runs[position])) is not None]
        return _hits(again, asked)


def _hits(indexes: Sequence[tuple[int, Path | pl.DataFrame]], asked: pl.DataFrame) -> pl.DataFrame:
    """Rows of indexes, each with the position of its run, of the trials that are asked for."""
    paths = {index: position for position, index in indexes if isinstance(index, Path)}
    parts = [
        index.lazy().with_columns(run=pl.lit(position, pl.Int64))
        for position, index in indexes
        if not isinstance(index, Path)
    ]
    if paths:
        numbers = pl.DataFrame({"file": [str(path) for path in paths], "run": list(paths.values())}).lazy()
        kept = pl.scan_parquet(list(paths), schema=FINISHED, glob=False, include_file_paths="file")
        parts.append(kept.join(numbers, on="file", how="inner").drop("file"))
    columns = ["trial", "run", *FINISHED.names()[1:]]
    empty = pl.DataFrame(schema={"trial": pl.String, "run": pl.Int64, **FINISHED}).select(columns).lazy()
    found = [part.join(asked.lazy(), on="key", how="inner").select(columns) for part in parts]
    return pl.concat([empty, *found]).collect()


def _index_of(run: Path) -> Path | pl.DataFrame | None:
    """The index of a run: its file, or its rows where it cannot be kept; none where nothing can be read."""
    folder = run.parent / INDEX
    try:
        stamp = (run / "outcomes").stat().st_mtime_ns
        path = folder / f"{run.name}-{stamp}.parquet"
    except OSError:
        return None
    if path.exists():
        return path
    rows = _rows_of(run)
    if rows is None:
        return None
    if time.time() - stamp / 1e9 < STILL_SECONDS:
        return rows
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        with replacing(path) as part:
            rows.write_parquet(part)
        _remove_outdated(folder, run, path)
        return path
    return rows


def _rows_of(run: Path) -> pl.DataFrame | None:
    """The finished trials of a run; none if it cannot be read: it is being deleted, or was damaged."""
    try:
        observed = json.loads((run / "plan.json").read_bytes()).get("observed")
        outcomes = read_outcomes(run)
    except (OSError, PipelineError, ValueError, AttributeError):
        return None
    failed = outcomes.filter(pl.col("status") == "failed")["pack"].unique()
    rows = outcomes.filter(~pl.col("pack").is_in(failed.implode()))
    rows = rows.with_columns(keys_of(rows["trial"]), observed=pl.lit(json.dumps(observed)))
    return rows.select(pl.col(name).cast(kind) for name, kind in FINISHED.items())


def _remove_outdated(folder: Path, run: Path, path: Path) -> None:
    """Remove earlier indexes of a run, and those of runs that are gone."""
    for other in folder.glob("*.parquet"):
        name = other.stem.rpartition("-")[0]
        if other != path and (name == run.name or not (folder.parent / name).exists()):
            other.unlink(missing_ok=True)
