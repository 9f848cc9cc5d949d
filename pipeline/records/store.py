"""Records and outcomes on disk: written in parts while training, read as one table.

``records/<pack>-<first step>.parquet`` holds the numbers of one pack from one checkpoint
to the next; ``outcomes/<pack>.parquet`` appears last and says that the pack is finished.
A part is named by where it starts, and a checkpoint follows each part: training that was
killed starts again at a checkpoint and writes the part after it under the same name, so
nothing is ever there twice.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.errors import PipelineError
from pipeline.records.files import replacing
from pipeline.records.schema import FITS, OUTCOMES, RECORDS


def write_fits(run: Path, pack: str, rows: pl.DataFrame) -> None:
    """Write the fitted function of the best trial of a pack."""
    _write(run / "fits" / f"{pack}.parquet", rows, FITS)


def write_records(run: Path, pack: str, first_step: int, rows: pl.DataFrame) -> None:
    """Write the part of a pack that starts at a step, in place of an earlier one that did."""
    _write(run / "records" / f"{pack}-{first_step:012d}.parquet", rows, RECORDS)


def write_outcomes(run: Path, pack: str, rows: pl.DataFrame) -> None:
    """Say that every trial of a pack is finished, and how."""
    _write(run / "outcomes" / f"{pack}.parquet", rows, OUTCOMES)


def remove_records(run: Path, pack: str, first_step: int) -> None:
    """Remove the parts of a pack that start at a step or later."""
    for path in (run / "records").glob(f"{pack}-*.parquet"):
        if int(path.stem.rpartition("-")[2]) >= first_step:
            path.unlink()


def remove_unfinished_writes(run: Path, pack: str) -> None:
    """Remove what a killed process had begun to write of a pack and never renamed."""
    for folder in ("records", "outcomes", "fits"):
        for path in (run / folder).glob(f".{pack}*.part"):
            path.unlink(missing_ok=True)


def finished_packs(run: Path) -> set[str]:
    """Ids of the packs whose every trial is done or has diverged; those that failed are to be tried again."""
    outcomes = read_outcomes(run)
    failed = outcomes.filter(pl.col("status") == "failed")["pack"].unique()
    return set(outcomes["pack"].unique()) - set(failed)


def read_records(run: Path) -> pl.DataFrame:
    """All numbers of a run so far, one a row; empty before the first part."""
    return _read(run / "records", RECORDS)


def read_outcomes(run: Path) -> pl.DataFrame:
    """All finished trials of a run, one a row; empty before the first."""
    return _read(run / "outcomes", OUTCOMES)


def read_fits(run: Path) -> pl.DataFrame:
    """The fitted functions of a run, one point a row; empty where no problem has one input."""
    return _read(run / "fits", FITS)


def _write(path: Path, rows: pl.DataFrame, schema: pl.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        rows.select(schema.names()).cast(schema).write_parquet(part)


def _read(folder: Path, schema: pl.Schema) -> pl.DataFrame:
    paths = sorted(folder.glob("*.parquet"))
    tables = []
    for path in paths:
        try:
            tables.append(pl.read_parquet(path, schema=schema))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise PipelineError(
                f"not a readable table of records: {error}",
                where=str(path),
                hint="if the file was damaged, delete it and the outcome of its pack, and run again",
            ) from None
    return pl.concat(tables) if tables else pl.DataFrame(schema=schema)
