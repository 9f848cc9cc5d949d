"""Records and outcomes on disk: written in parts while training, read as one table.

``records/<pack>-<first step>.parquet`` holds the numbers of one pack from one checkpoint
to the next; ``outcomes/<pack>.parquet`` appears last and says that the pack is finished.
A part is named by where it starts, and a checkpoint follows each part: training that was
killed starts again at a checkpoint and writes the part after it under the same name, so
nothing is ever there twice.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from pipeline.errors import PipelineError, reason_of
from pipeline.records.atomic_writes import replacing
from pipeline.records.schema import FITTED_SAMPLES, LINE, OUTCOMES, RECORDS

MOST_BYTES_READ = 1 << 20
"""Parts of records, in bytes on disk, that are read at once: in memory they take 20 times as much."""
MOST_BYTES_TOGETHER = 1 << 23
"""The same of the packs whose records are looked at together: many enough that few queries are asked."""
LEAST_BYTES_ALONE = 1 << 20
"""The same of a pack that is looked at by itself, so that what it says can be kept."""

FORBIDDEN = "no permission to read it"
"""Why a file cannot be read that may be whole."""

_WRITTEN = ("records", "outcomes", "fits", "frames", "logs")
"""Folders in which the name of a file begins with its pack."""


class DamagedFileError(PipelineError):
    """A file of records, outcomes or fits that cannot be read; what the others say is still known.

    Args:
        path: The file.
        why: Why it cannot be read.
    """

    def __init__(self, path: Path, why: str) -> None:
        hint = "if the file was damaged, delete it and the outcome of its pack, and run again"
        super().__init__(f"not a readable table of records: {why}", where=str(path), hint=hint)
        self.path, self.why = path, why


def write_fitted_samples(run: Path, pack: str, rows: pl.DataFrame) -> None:
    """Write samples of the function that the best trial of a pack has fitted.

    Args:
        run: Folder of the run.
        pack: Id of the pack.
        rows: As ``FITTED_SAMPLES``.
    """
    _write(run / "fits" / f"{pack}.parquet", rows, FITTED_SAMPLES)


def write_records(run: Path, pack: str, first_step: int, rows: pl.DataFrame) -> None:
    """Write the records of a pack from one step on, in place of an earlier part that starts there.

    Args:
        run: Folder of the run.
        pack: Id of the pack.
        first_step: The first recorded step of the part.
        rows: As ``RECORDS``.

    Raises:
        OSError: If the disk is full; it names the file.
    """
    _write(run / "records" / f"{pack}-{first_step:012d}.parquet", rows, RECORDS)


def write_outcomes(run: Path, pack: str, rows: pl.DataFrame) -> None:
    """Write how each trial of a pack ended. The pack is finished from now on, unless one failed.

    Args:
        run: Folder of the run.
        pack: Id of the pack.
        rows: As ``OUTCOMES``, one for each trial of the pack.
    """
    _write(outcomes_of(run, pack), rows, OUTCOMES)


def outcomes_of(run: Path, pack: str) -> Path:
    """The file of the outcomes of a pack; there once each of its trials has ended, and those that failed as well."""
    return run / "outcomes" / f"{pack}.parquet"


def link_records(source: Path, run: Path, pack: str, num_rows: int) -> bool:
    """Give a run the records of a pack of another as hard links: parts are replaced and never written to.

    The other run may be deleted meanwhile, so that what is linked is counted.

    Args:
        source: Folder of the other run.
        run: Folder of the run, which has none of them.
        pack: Id of the pack, the same in both.
        num_rows: Records that it has.

    Returns:
        Whether all are there now; if not, as on another file system, none is.
    """
    (run / "records").mkdir(parents=True, exist_ok=True)
    try:
        for path in (source / "records").glob(f"{pack}-*.parquet"):
            (run / "records" / path.name).hardlink_to(path)
        if _read(run / "records", RECORDS, pattern=f"{pack}-*.parquet", columns=["step"]).height == num_rows:
            return True
    except (OSError, PipelineError):
        pass
    remove_records(run, pack, 0)
    return False


def remove_records(run: Path, pack: str, first_step: int) -> None:
    """Remove the parts of a pack that start at a step or later."""
    for path in (run / "records").glob(f"{pack}-*.parquet"):
        if int(path.stem.rpartition("-")[2]) >= first_step:
            path.unlink()


def remove_unfinished_writes(run: Path, pack: str) -> None:
    """Remove temporary files of a pack, which a killed process had begun to write and never renamed."""
    for pattern in (*(f"{folder}/.{pack}*.part" for folder in _WRITTEN), f"checkpoints/{pack}/.*.part"):
        for path in run.glob(pattern):
            path.unlink(missing_ok=True)


def finished_packs(run: Path) -> set[str]:
    """Ids of the packs whose every trial is done or has diverged; those that failed are to be tried again."""
    outcomes = _read(run / "outcomes", OUTCOMES, missing="insert", columns=["pack", "status"])
    failed = outcomes.filter(pl.col("status") == "failed")["pack"].unique()
    return set(outcomes["pack"].unique()) - set(failed)


def is_finished(run: Path, pack: str) -> bool:
    """Whether one pack is finished, as ``finished_packs`` has it, without reading the others."""
    path = outcomes_of(run, pack)
    return path.exists() and "failed" not in _read_file(path, OUTCOMES, missing="insert")["status"]


def read_records(run: Path) -> pl.DataFrame:
    """All numbers of a run so far, one a row; empty before the first part."""
    return _read(run / "records", RECORDS)


def scan_records(run: Path, without: Collection[str] = ()) -> pl.LazyFrame:
    """The same numbers, lazily: a query streams them part by part, for those of a large run do not fit into memory.

    Those of a small run are read once, as to open its parts takes longer than what most queries do.

    Args:
        run: Folder of the run.
        without: Ids of packs that are passed over.

    Returns:
        Rows of ``RECORDS``; that a part is damaged is found out by a query.
    """
    paths = _parts(run, without)
    with suppress(pl.exceptions.PolarsError, OSError):
        if 0 < sum(path.stat().st_size for path in paths) <= MOST_BYTES_READ:
            return pl.read_parquet(paths, schema=RECORDS, glob=False).lazy()
    return pl.scan_parquet(paths, schema=RECORDS, glob=False) if paths else pl.LazyFrame(schema=RECORDS)


class PackedRecords(NamedTuple):
    """The records of a few whole packs, as they are on disk: who goes through them once has all of a trial together.

    Args:
        packs: Ids of the packs; none where nothing is recorded.
        parts: Their files, pack by pack and step by step.
    """

    packs: tuple[str, ...]
    parts: tuple[Path, ...]

    def scan(self) -> pl.LazyFrame:
        """Their numbers, lazily.

        Returns:
            Rows of ``RECORDS``.
        """
        if not self.parts:
            return pl.LazyFrame(schema=RECORDS)
        return pl.scan_parquet(list(self.parts), schema=RECORDS, glob=False)

    def stamp(self) -> list[tuple[str, int, int]]:
        """Name, size and time in ns of each part: a part is replaced and never written to, so that others differ."""
        known = [(path.name, path.stat()) for path in self.parts]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in known]


def records_by_packs(run: Path, without: Collection[str] = ()) -> Iterator[PackedRecords]:
    """The same numbers, those of a few packs at a time; a large pack is by itself.

    Args:
        run: Folder of the run.
        without: Ids of packs that are passed over.

    Yields:
        Packs in the order of their ids; one item without any where nothing is recorded.
    """
    found = groupby(_parts(run, without), pack_of_part)
    of_packs = [PackedRecords((pack,), tuple(parts)) for pack, parts in found]
    together, num_bytes = PackedRecords((), ()), 0
    for one in of_packs:
        of_pack = sum(path.stat().st_size for path in one.parts)
        if together.packs and (of_pack >= LEAST_BYTES_ALONE or num_bytes + of_pack > MOST_BYTES_TOGETHER):
            yield together
            together, num_bytes = PackedRecords((), ()), 0
        if of_pack >= LEAST_BYTES_ALONE:
            yield one
            continue
        together, num_bytes = PackedRecords(together.packs + one.packs, together.parts + one.parts), num_bytes + of_pack
    if together.packs or not of_packs:
        yield together


def pack_of_part(path: Path) -> str:
    """The id of the pack that a part of the records is of, by its name."""
    return path.name.rpartition("-")[0]


def _parts(run: Path, without: Collection[str]) -> list[Path]:
    return sorted(path for path in (run / "records").glob("*.parquet") if pack_of_part(path) not in without)


@contextmanager
def naming_damage(run: Path) -> Iterator[None]:
    """Name the part that is damaged if a query of ``scan_records`` in the block cannot be answered.

    Raises:
        DamagedFileError: If one is.
        PipelineError: If one has been removed since, by training that goes on from an earlier checkpoint.
        PolarsError: As the query raised it, if each part can be read.
        OSError: Likewise.
    """
    try:
        yield
    except FileNotFoundError as error:
        what = f"changed while they were read: {error}"
        raise PipelineError(what, where=str(run / "records"), hint="ask again") from None
    except (pl.exceptions.PolarsError, OSError):
        for path in sorted((run / "records").glob("*.parquet")):
            _read_file(path, RECORDS, missing="raise")
        raise


def read_records_of(run: Path, pack: str) -> pl.DataFrame:
    """The numbers of one pack so far, one a row."""
    return _read(run / "records", RECORDS, pattern=f"{pack}-*.parquet")


def read_outcomes_of(run: Path, pack: str) -> pl.DataFrame:
    """How the trials of one pack ended, one a row; empty if it is not finished."""
    return _read(run / "outcomes", OUTCOMES, missing="insert", pattern=f"{pack}.parquet")


def read_outcomes(run: Path, without: Collection[str] = ()) -> pl.DataFrame:
    """All finished trials of a run, one a row; empty before the first.

    A column that an earlier version did not write is null.

    Args:
        run: Folder of the run.
        without: Ids of packs that are passed over.

    Returns:
        Rows of ``OUTCOMES``.

    Raises:
        DamagedFileError: If a file cannot be read, or holds the trials of another pack.
    """
    paths = _of_packs(run / "outcomes", without)
    outcomes = _read_files(paths, OUTCOMES, missing="insert")
    packs = set(outcomes["pack"].drop_nulls().unique())
    if packs and packs != {path.stem for path in paths}:
        for path in paths:
            check_file(path, OUTCOMES)
    return outcomes


def read_fitted_samples(run: Path, without: Collection[str] = ()) -> pl.DataFrame:
    """Samples of the functions that the best trials of a run have fitted, one point a row; empty where none is drawn.

    An earlier version wrote lines only, and did not say so.

    Args:
        run: Folder of the run.
        without: Ids of packs that are passed over.

    Returns:
        Rows of ``FITTED_SAMPLES``.

    Raises:
        DamagedFileError: If a file cannot be read.
    """
    paths = _of_packs(run / "fits", without)
    samples = _read_files(paths, FITTED_SAMPLES, missing="insert")
    for path in paths:  # of an empty one Polars says nothing
        if path.is_dir():
            raise DamagedFileError(path, "it is a folder")
    return samples.with_columns(pl.col("space").fill_null(LINE))


def read_fitted_samples_of(run: Path, pack: str) -> pl.DataFrame:
    """The same of one pack."""
    samples = _read(run / "fits", FITTED_SAMPLES, missing="insert", pattern=f"{pack}.parquet")
    return samples.with_columns(pl.col("space").fill_null(LINE))


def _write(path: Path, rows: pl.DataFrame, schema: pl.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()  # Polars would not say "disk full" as an OSError
    rows.select(schema.names()).cast(schema).write_parquet(content)
    with replacing(path) as part:
        part.write_bytes(content.getvalue())


def _read(
    folder: Path,
    schema: pl.Schema,
    missing: Literal["insert", "raise"] = "raise",
    pattern: str = "*.parquet",
    columns: list[str] | None = None,
) -> pl.DataFrame:
    return _read_files(sorted(folder.glob(pattern)), schema, missing, columns)


def _of_packs(folder: Path, without: Collection[str]) -> list[Path]:
    return sorted(path for path in folder.glob("*.parquet") if path.stem not in without)


def check_file(path: Path, schema: pl.Schema) -> pl.DataFrame:
    """Read all of a file, and see that its rows are those of the pack that it is named by.

    Args:
        path: One of the records, outcomes or fits.
        schema: Its columns.

    Returns:
        Its rows.

    Raises:
        DamagedFileError: If it cannot be read, or holds those of another pack.
    """
    rows = _read_file(path, schema, "raise" if schema is RECORDS else "insert")
    pack = pack_of_part(path) if schema is RECORDS else path.stem
    if "pack" in schema and (rows.is_empty() or (rows["pack"] != pack).any()):  # null: of an earlier version
        raise DamagedFileError(path, "it holds nothing of the pack that it is named by")
    return rows


def _read_files(
    paths: Sequence[Path],
    schema: pl.Schema,
    missing: Literal["insert", "raise"] = "raise",
    columns: list[str] | None = None,
) -> pl.DataFrame:
    if not paths:
        return pl.DataFrame(schema=schema)
    try:
        # thrice as fast as one by one
        return pl.read_parquet(list(paths), columns=columns, schema=schema, missing_columns=missing, glob=False)
    except (pl.exceptions.PolarsError, OSError):  # to name the one that is damaged
        return pl.concat([_read_file(path, schema, missing) for path in paths])


def _read_file(path: Path, schema: pl.Schema, missing: Literal["insert", "raise"]) -> pl.DataFrame:
    try:
        if path.is_dir():
            raise IsADirectoryError
        return pl.read_parquet(path, schema=schema, missing_columns=missing, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DamagedFileError(path, _in_words(path, error)) from None


def _in_words(path: Path, error: Exception) -> str:
    """Why a file cannot be read, in a few words."""
    if path.is_dir():
        return "it is a folder"
    if isinstance(error, PermissionError):
        return FORBIDDEN
    if isinstance(error, OSError) and error.errno:
        return reason_of(error).lower()
    if path.exists() and not path.stat().st_size:
        return "it is empty"
    if "out of specification" in str(error):  # with the bytes that are there, whatever a terminal makes of them
        return "it is cut off or overwritten"
    return "".join(letter for letter in str(error).partition("\n")[0] if letter.isprintable())
