"""A column is numbers, labels or classes as it was written: nothing that differs in the file is made the same."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline.errors import FieldError
from pipeline.problems import table_columns
from pipeline.problems.table_columns import Column


def column(cells: list[Any] | np.ndarray, dtype: Any = None, **fields: Any) -> Column:
    return Column(("inputs", 0), "t.csv", pl.Series("a", cells, dtype), **fields)


def refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(f'inputs.0: t.csv, {message}')}\n  hint: ."):
        make()


BIG = 2**53


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ([f"{BIG}", "7", f"{BIG + 1}"], f"row 3, column 'a': '{BIG + 1}' is '{BIG}' in float64"),
        ([f"{BIG}", f"0{BIG + 1}.0"], f"row 2, column 'a': '0{BIG + 1}.0' is '{BIG}' in float64"),
        (np.array([1, BIG, BIG + 1]), f"row 3, column 'a': {BIG + 1} is {BIG} in float64"),
        (np.array([1, 2**64 - 1, 2**64 - 2], np.uint64), f"row 3, column 'a': {2**64 - 2} is {2**64 - 1} in float64"),
        (np.array([-(2**63), 5, 1 - 2**63]), f"row 3, column 'a': {1 - 2**63} is {-(2**63)} in float64"),
    ],
)
def test_integers_that_float64_cannot_tell_apart_are_refused(cells: Any, what: str) -> None:
    refused(lambda: column(cells).numbers(), f"{what}, which cannot tell them apart")


@pytest.mark.parametrize(
    "cells",
    [
        [f"{BIG}", f"0{BIG}", f"{BIG}.0", f"+{BIG}", "1"],
        np.array([2**63, 2**64 - 1], np.uint64),
        np.array([1e300, 1e300, 2.5]),
        ["1e300", "1e301", "3"],
        np.array([BIG, BIG, 1]),
    ],
)
def test_large_numbers_that_stay_apart_are_read(cells: Any) -> None:
    read = column(cells).numbers()
    np.testing.assert_array_equal(read, [float(str(cell)) for cell in cells])


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        (["0.1", "0.1000000000000000000001"], "every row is 0.1 in float64"),
        (["1", "1.0"], "every row holds '1'"),
        (["1e1", "10"], "every row holds '1e1'"),
        ([0.0, -0.0], "every row holds 0.0"),
    ],
)
def test_what_is_said_of_a_constant_column_is_true(cells: list[Any], what: str) -> None:
    refused(lambda: column(cells).numbers(), f"column 'a': {what}")


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["sup", "inf", "nan", "inf"], ("inf", "nan", "sup")),
        (["inf", "-inf", "infinity"], ("-inf", "inf", "infinity")),
        (["10", "9", "-1", "9.0"], ("-1", "9", "10")),
        (["007", "008", "007"], ("7", "8")),
        (["1E5", "2E5"], ("100000", "200000")),
        (["TRUE", "FALSE", "TRUE"], ("FALSE", "TRUE")),
        (["a", "A", "b"], ("A", "a", "b")),
    ],
)
def test_classes_are_words_or_integers(cells: list[str], names: tuple[str, ...]) -> None:
    one_hot, found = column(cells).classes()
    assert found == names
    assert one_hot.shape == (len(cells), len(names))
    assert (one_hot.sum(axis=1) == 1).all()


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        (["7", "8", "007"], "row 3, column 'a': '007' is the integer '7' in other digits"),
        (["1E5", "3", "10E4"], "row 3, column 'a': '10E4' is the integer '1E5' in other digits"),
        (["0", "1", "-0"], "row 3, column 'a': '-0' is the integer '0' in other digits"),
        (["7", "+7"], "row 2, column 'a': '+7' is the integer '7' in other digits"),
        (["1", "inf"], "row 2, column 'a': 'inf' is not an integer"),
        (["1", "nan", "2"], "row 2, column 'a': 'nan' is not an integer"),
        ([1.0, float("nan")], "row 2, column 'a': nan is not an integer"),
        ([1.0, float("inf")], "row 2, column 'a': inf is not an integer"),
        (["1", str(BIG + 1)], f"row 2, column 'a': '{BIG + 1}' is larger than the integers that float64 tells apart"),
        (np.array([1, -BIG]), f"row 2, column 'a': -{BIG} is larger than the integers that float64 tells apart"),
        (["True", "False", "TRUE"], "row 3, column 'a': 'TRUE' is 'True' in other letters"),
        (["perhaps", "false", "False"], "row 3, column 'a': 'False' is 'false' in other letters"),
    ],
)
def test_classes_that_would_be_merged_or_are_none_are_refused(cells: Any, what: str) -> None:
    refused(lambda: column(cells).classes(), what)


def test_a_class_for_every_row_of_many_takes_no_memory() -> None:
    many = [f"name {number}" for number in range(20_000)]
    refused(lambda: column(many).classes(), "column 'a': 20000 classes in 20000 rows")


def test_a_decimal_comma_is_one_only_where_it_was_said() -> None:
    read = column(["1,5", "-2e3", ",25"], decimal=",")
    assert read.numbers().tolist() == [1.5, -2000, 0.25]
    refused(lambda: column(["1,5", "2"]).numbers(), "row 1, column 'a': '1,5' is not a number")
    refused(lambda: column(["1.000", "2"], decimal=",").numbers(), "row 1, column 'a': '1.000' is not a number")
    refused(lambda: column(["1,000,5", "2"], decimal=",").numbers(), "row 1, column 'a': '1,000,5' is not a number")
    assert column(["1,0", "false", "1"], decimal=",").labels().tolist() == [1, 0, 1]
    assert column(["3,0", "3", "4,"], decimal=",").classes()[1] == ("3", "4")


def test_numbers_that_are_numbers_have_no_decimal() -> None:
    assert column(np.array([1.5, 2.5]), decimal=",").numbers().tolist() == [1.5, 2.5]


def test_a_decimal_comma_that_was_said_is_not_asked_for_again() -> None:
    for decimal, hint in ((".", "set it"), (",", "write numbers like -1,5e3; nothing is filled in here")):
        with pytest.raises(FieldError, match=f"\n  hint: {hint}$"):
            column(["1.000,5", "2"], decimal=decimal, if_comma="set it").numbers()


def test_one_other_cell_is_no_better() -> None:
    refused(column(["x", "y"]).numbers, "row 1, column 'a': 'x' is not a number; 1 more of its cells is no better")


def test_a_row_is_named_by_its_line_where_there_are_lines() -> None:
    read = column(["1", "x"], line_of=lambda row: 10 * row + 2)
    refused(read.numbers, "line 12, column 'a': 'x' is not a number")


def test_the_first_unsure_integer_is_that_of_float64() -> None:
    assert 2 / np.finfo(np.float64).eps == table_columns.FIRST_UNSURE


@pytest.mark.parametrize("cells", [["x", "1"], ["1", "1"], [f"{BIG}", f"{BIG + 1}"]])
def test_a_complaint_is_short_however_long_the_name_of_the_column_is(cells: list[str]) -> None:
    long = Column(("inputs", 0), "t.csv", pl.Series("n" * 10_000, cells))
    for read in (long.numbers, long.classes):
        with pytest.raises(FieldError, match=r"^inputs.0: t.csv, .*column 'n{30}[.]{3}n{27}': ") as error:
            read()
        assert len(str(error.value)) < 300
