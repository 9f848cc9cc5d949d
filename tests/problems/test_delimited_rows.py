"""The rows of a text are those that RFC 4180 makes of it; what it does not allow is refused with its line."""

import csv
import io
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import PipelineError
from pipeline.problems.delimited_rows import LARGEST_ROW, row_blocks

CELLS = st.lists(st.lists(st.text('a1 ,;"\n\r', max_size=4), min_size=2, max_size=3), min_size=1, max_size=6)


def rows(text: str, separator: str = ",", size: int = 1 << 19) -> list[int]:
    """How many fields each row has."""
    found = row_blocks(text.encode(), separator, size=size)
    return [int(fields) for block in found for fields in block.fields_R]


def written(table: list[list[str]], separator: str, end: str, quoting: int) -> str:
    if quoting == csv.QUOTE_MINIMAL:  # csv quotes a carriage return only where it is part of the line end
        table = [[cell.replace("\r", "") for cell in row] for row in table]
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows(table)
    return out.getvalue()


@settings(max_examples=300, deadline=None)
@given(
    CELLS, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
)
def test_what_a_writer_has_written_is_taken_row_by_row(table: list[list[str]], separator: str, end: str, quoting: int):
    text = written(table, separator, end, quoting)
    assert rows(text, separator) == [len(row) for row in table]
    assert rows(text.removesuffix(end), separator) == [len(row) for row in table]


@settings(max_examples=500, deadline=None)
@given(st.text('a,"\n', max_size=14), st.integers(1, 9))
def test_what_is_taken_is_what_another_reader_makes_of_it(text: str, size: int) -> None:
    try:
        found = rows(text)
    except PipelineError:
        with pytest.raises(PipelineError):
            rows(text, size=size)
        return
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert found == [max(1, len(row)) for row in read]
    assert rows(text, size=size) == found


@settings(max_examples=200, deadline=None)
@given(CELLS, st.integers(1, 9))
def test_places_do_not_depend_on_where_a_text_is_cut(table: list[list[str]], size: int) -> None:
    text = written(table, ",", "\n", csv.QUOTE_ALL).encode()
    (whole,) = row_blocks(text, ",")
    parts = list(row_blocks(text, ",", size=size))
    for name in ("ends_R", "fields_R", "filled_R"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))
    for part, before in itertools.pairwise(reversed(parts)):
        assert part.first_row == before.first_row + len(before.ends_R)
        assert part.first_line == 1 + text.count(b"\n", 0, part.start)


PAIRED = '\n  hint: within quotes, write a quote twice (""); in a cell that begins without one, write none'
BACKSLASHED = '\n  hint: quotes are escaped by backslashes; write each twice instead ("" for \\"), as Spark does with '
BACKSLASHED += "escape='\"'"
RETURNS = "\n  hint: end every line by a line feed, with or without a carriage return before it"
MALFORMED = {
    "inches": ('t,size\n0,"3""\n1,"4""\n', 'line 2: the quotes of a cell do not pair: \'"3""\\n1,"4\'' + PAIRED),
    "backslashes": ('t,b\n0,"3\\" x"\n', "line 2: the quotes of a cell do not pair: '\"3\\\\\" '" + BACKSLASHED),
    "a backslash last": (
        't,b\n0,"3\\""\n1,"4\\""\n',
        'line 2: the quotes of a cell do not pair: \'"3\\\\""\\n1,"4\'' + BACKSLASHED,
    ),
    "never closed": ('a,y\n1,2\n"3,4\n5,6\n', "line 3: the quotes of a cell do not pair: '\"3,4\\n5,6\\n'" + PAIRED),
    "text after a quote": ('a,y\n1,"x"z\n', "line 2: the quotes of a cell do not pair: '\"x\"z'" + PAIRED),
    "a space after a quote": ('a,y\n"x" ,1\n', "line 2: the quotes of a cell do not pair: '\"x\" '" + PAIRED),
    "bare inches": ('a,y\n1,5"\n2,3"\n', "line 2: a quote lies in the middle of a cell: '5\"'" + PAIRED),
    "a quoted comma after a space": (
        'a,y\n1, "x, y"\n',
        "line 2: a quote lies in the middle of a cell: ' \"x'" + PAIRED,
    ),
    "the first of two": ('a,y\n1,5"\n"3""\n', "line 2: a quote lies in the middle of a cell: '5\"'" + PAIRED),
    "after a cell of two lines": (
        'a,y\n1,"x\ny"\n2,"3""\n4,"5""\n',
        'line 4: the quotes of a cell do not pair: \'"3""\\n4,"5\'' + PAIRED,
    ),
    "a return more than a line end has": (
        "a,y\r\n1,2\r\r\n",
        "line 2: a carriage return ends no line: '\\r\\r'" + RETURNS,
    ),
    "a return between quotes that are none": (
        'a,y\n1,b"\r"c\n',
        "line 2: a quote lies in the middle of a cell: 'b\"\\r\"c'" + PAIRED,
    ),
    "lines of old Macs": ("a,y\r1,2\r3,4\r", "line 1: a carriage return ends no line: '\\r1'" + RETURNS),
}


@pytest.mark.parametrize("size", [3, 1 << 19])
@pytest.mark.parametrize(("text", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_text_is_refused_with_its_line(text: str, message: str, size: int) -> None:
    with pytest.raises(PipelineError, match=f"^{re.escape(message.partition(': ')[0])}: " if size == 3 else None) as e:
        rows(text, size=size)
    if size > 3:  # of a cut text less is shown
        assert str(e.value) == message


ALLOWED = {
    "quotes that separate nothing": ('a,y\n5"x6",1\nb""c,2\n', [2, 2, 2]),
    "both line ends": ('a,y\r\n"1",2\n3,4\r\n', [2, 2, 2]),
    "a return at the end": ('a,y\n1,"2"\r', [2, 2]),
    "returns within quotes": ('a,y\n1,"2\r3\n4"\n', [2, 2]),
    "blank lines": ("a,y\n\n1,2\n\n", [2, 1, 2, 1]),
    "a cell that ends in a backslash": ('a,y\n"C:\\dir\\",2\n', [2, 2]),
    "empty cells": ('a,y\n"",\n,""\n"""",""""""\n', [2, 2, 2, 2]),
    "nothing": ("", []),
}


@pytest.mark.parametrize("size", [1, 4, 1 << 19])
@pytest.mark.parametrize(("text", "fields"), ALLOWED.values(), ids=ALLOWED.keys())
def test_what_has_one_meaning_only_is_taken(text: str, fields: list[int], size: int) -> None:
    assert rows(text, size=size) == fields


def test_rows_that_hold_nothing_are_known() -> None:
    (found,) = row_blocks(b'a,y\r\n1,\r\n\r\n,\r\n"",\n \n\n,', ",")
    assert found.filled_R.tolist() == [True, True, False, False, True, True, False, False]


def test_two_bad_cells_in_200_000_rows_are_found() -> None:
    good = [f'{number},"a ""good"" cell",{number}' for number in range(200_000)]
    good[10_000], good[199_990] = '10000,"3"",1', '199990,"4"",1'
    with pytest.raises(PipelineError, match=r"^line 10001: the quotes of a cell do not pair: "):
        rows("\n".join(good))


def test_a_quote_that_swallows_the_rest_of_a_large_file_takes_no_more_memory_than_the_largest_row() -> None:
    text = b'a,y\n"1,2\n' + b"3,4\n" * (LARGEST_ROW // 2)
    with pytest.raises(PipelineError, match=r"^line 2: the row that begins here has more than 16 MiB"):
        list(row_blocks(text, ","))
