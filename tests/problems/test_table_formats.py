"""An array of an NPZ file is a column or a block of columns, or refused in few words."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import FieldError
from pipeline.problems.table_formats import Layout, NpzFile


def npz(**arrays: Any) -> NpzFile:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return NpzFile(Path("t.npz"), ".npz", file.getvalue(), Layout())


def refused(file: NpzFile, name: str, message: str) -> None:
    with pytest.raises(FieldError, match=f"^inputs.0: {re.escape(message)}\n  hint: ."):
        file.columns([(("inputs", 0), name)])


WIDE = np.dtype([(f"a long name of a field, number {number}", "f8") for number in range(100)])


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.zeros((40, 0)), "t.npz: 'a' is a block of 40 rows and no columns"),
        (np.zeros((0, 0)), "t.npz: 'a' is a block of 0 rows and no columns"),
        (np.zeros((0, 3, 0)), "t.npz: 'a' is 3-dimensional, of float64"),
        (np.array(1.0), "t.npz: 'a' is 0-dimensional, of float64"),
        (np.zeros(3, complex), "t.npz: 'a' is 1-dimensional, of complex128"),
        (np.zeros(3, "S2"), "t.npz: 'a' is 1-dimensional, of |S2"),
        (np.zeros(3, "V4"), "t.npz: 'a' is 1-dimensional, of |V4"),
        (
            np.zeros(3, WIDE),
            "t.npz: 'a' is 1-dimensional, of [('a long name of a field, num... field, number 99', '<f8')]",
        ),
    ],
)
def test_an_array_that_is_no_column_is_refused_briefly(array: np.ndarray, what: str) -> None:
    refused(npz(a=array), "a", what)


@pytest.mark.parametrize("dtype", [">i2", ">u8", ">f4", ">f8", "f2", "g", "?", "<U3", ">U3"])
def test_numbers_and_words_are_read_in_every_order_of_bytes(dtype: str) -> None:
    values = np.array([0, 1, 1], dtype)
    (column,) = npz(a=values).columns([(("inputs", 0), "a")])
    assert column.cells.to_list() == values.tolist()


@pytest.mark.parametrize("shape", [(0,), (0, 3)])
def test_no_rows_are_none(shape: tuple[int, ...]) -> None:
    assert {len(column.cells) for column in npz(a=np.zeros(shape)).columns([(("inputs", 0), "a")])} == {0}


def test_a_member_that_is_no_array_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "by hand")
    refused(NpzFile(Path("t.npz"), ".npz", file.getvalue(), Layout()), "notes.txt", "t.npz: 'notes.txt' is no array")


def test_a_name_of_any_length_makes_a_short_message() -> None:
    refused(npz(a=np.zeros(3)), "b" * 10_000, f"t.npz has no column '{'b' * 30}...{'b' * 27}'")
