"""A file of a known ending is read once, unpacked if it is gzipped; what cannot be read is refused with its path."""

import errno
import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.definitions import canonical
from pipeline.errors import FieldError
from pipeline.problems.datasets import Data, Table

FLOWERS = "length,width,kind,tall\n1.5,2,iris,0\n2.5,1e1,rose,true\n-3,.5,iris,False\n4,7,tulip,1\n"


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    return write(tmp_path / "flowers.csv", FLOWERS)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def everything(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and outputs of all rows, the training rows being all but the last."""
    rows = np.arange(data.num_rows)
    train, test = data.split(rows[:-1], rows[-1:])
    return np.concatenate([train[0], test[0]]), np.concatenate([train[1], test[1]])


def refused(make: Callable[[], Any], message: str, path: tuple[str | int, ...] | None = None) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$") as error:
        make()
    assert error.value.hint
    if path is not None:
        assert error.value.path == path


def test_a_table_is_read_once_in_a_process(flowers: Path) -> None:
    data = Table(flowers, ("length",), ("width",))
    first = everything(data)
    flowers.unlink()
    np.testing.assert_array_equal(everything(data)[0], first[0])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    refused(lambda: Table(path, ("a",), ("y",)), f"path: there is no file {path}\n  hint: look at the path", ("path",))


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    refused(
        lambda: Table(tmp_path / "t.csv", ("a",), ("y",)),
        f"path: {tmp_path / 't.csv'} is a folder\n  hint: give the path of one file",
    )


def test_a_file_that_may_not_be_read_is_refused(flowers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(type(flowers), "read_bytes", refuse)
    what = f"path: {flowers} cannot be read: {os.strerror(errno.EACCES)}\n  hint: look at its permissions"
    refused(lambda: Table(flowers, ("length",), ("width",)), what, ("path",))


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.gz", "t.npz.gz"])
def test_a_type_of_file_that_nobody_reads_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, FLOWERS)
    what = (
        f"path: {path} ends in {path.suffix!r}, which is no table that can be read\n"
        "  hint: known: .csv, .csv.gz, .npz, .parquet, .tsv, .tsv.gz"
    )
    refused(lambda: Table(path, ("a",), ("y",)), what, ("path",))


def test_one_type_of_file_may_be_written_in_capitals(tmp_path: Path) -> None:
    assert Table(write(tmp_path / "T.CSV", FLOWERS), ("length",), ("width",)).num_rows == 4


@pytest.mark.parametrize(("text", "num_rows"), [("a,y\n", 0), ("a,y\n1,2\n", 1), ("a,y\n\n\n", 0)])
def test_a_table_too_short_to_split_is_refused(tmp_path: Path, text: str, num_rows: int) -> None:
    path = write(tmp_path / "t.csv", text)
    what = f"path: {path} has {num_rows} row{'' if num_rows == 1 else 's'}, too few to train on some and test on others"
    refused(lambda: Table(path, ("a",), ("y",)), what + "\n  hint: give a table of at least 2 rows", ("path",))


def test_arrays_of_different_length_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=np.arange(3), y=np.arange(4))
    refused(
        lambda: Table(tmp_path / "t.npz", ("a",), ("y",)),
        "output.0: t.npz: 'y' has 4 rows, but 'a' has 3\n  hint: give every array one row for each point",
        ("output", 0),
    )


@pytest.mark.parametrize("name", ["t.csv.gz", "T.CSV.GZ"])
def test_a_gzipped_table_is_that_within(flowers: Path, tmp_path: Path, name: str) -> None:
    packed = tmp_path / name
    packed.write_bytes(gzip.compress(FLOWERS.encode(), mtime=1) + gzip.compress(b"5,9,rose,1\n"))
    whole = write(tmp_path / "whole.csv", FLOWERS + "5,9,rose,1\n")
    one, two = (Table(path, ("length", "width"), ("kind",), "classes") for path in (packed, whole))
    assert canonical(one, identity=True) == canonical(two, identity=True)
    np.testing.assert_array_equal(everything(one)[0], everything(two)[0])


@pytest.mark.parametrize(
    "content",
    [FLOWERS.encode(), gzip.compress(FLOWERS.encode())[:-9], gzip.compress(b"")[:5], b""],
    ids=["text", "cut", "begun", "empty"],
)
def test_a_broken_gzip_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(content)
    with pytest.raises(FieldError, match=f"^{re.escape(f'path: {path} cannot be read as .csv.gz: ')}"):
        Table(path, ("length",), ("width",))
