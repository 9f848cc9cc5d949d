"""Frames on disk: the weights of chosen trials at some of the recorded steps, in parts as the records are.

``frames/<pack>-<first step>.parquet`` holds those of one pack from one checkpoint to the next. They are for the eye: a
report does without what is missing or damaged.
"""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from pipeline.records.atomic_writes import replacing

FRAMES = pl.Schema(
    {
        "trial": pl.String(),
        "step": pl.Int64(),  # number of updates done
        "weights": pl.List(pl.Float64),  # all of them, flattened; on disk as wide as they were trained
        "atoms": pl.List(pl.Int64),  # numbers of the functions that a greedy model has chosen; null for others
    }
)
"""The weights of one trial at one step a row."""


def write_frames(run: Path, pack: str, first_step: int, rows: pl.DataFrame) -> None:
    """Write the frames of a pack from one step on, in place of an earlier part that starts there.

    Args:
        run: Folder of the run.
        pack: Id of the pack.
        first_step: The first recorded step of the part.
        rows: As ``FRAMES``, of numbers of 32 or 64 bits.

    Raises:
        OSError: If the disk is full; it names the file.
    """
    path = run / "frames" / f"{pack}-{first_step:012d}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    rows.write_parquet(content, statistics=False)
    with replacing(path) as part:
        part.write_bytes(content.getvalue())


def remove_frames(run: Path, pack: str, first_step: int) -> None:
    """Remove the parts of a pack that start at a step or later."""
    for path in (run / "frames").glob(f"{pack}-*.parquet"):
        if int(path.stem.rpartition("-")[2]) >= first_step:
            path.unlink()


def read_frames(run: Path, pack: str = "") -> tuple[pl.DataFrame, list[Path]]:
    """The frames of a run, or of one of its packs.

    Args:
        run: Folder of the run.
        pack: Id of the pack; empty for all.

    Returns:
        Rows of ``FRAMES``, by the names of their files and as they were written, and the files that could not be read.
    """
    parts, damaged = [pl.DataFrame(schema=FRAMES)], []
    for path in sorted((run / "frames").glob(f"{pack}*.parquet")):
        try:
            parts.append(pl.read_parquet(path, glob=False).select(FRAMES.names()).cast(FRAMES))
        except (pl.exceptions.PolarsError, OSError):
            damaged.append(path)
    return pl.concat(parts), damaged
