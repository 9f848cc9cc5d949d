"""The cells of a text are those that were written, whoever wrote it."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import FieldError
from pipeline.problems.delimited_file import DelimitedFile, separator_of
from pipeline.problems.table_formats import Layout

TABLES = st.lists(st.lists(st.text('a1 ,;"\n', max_size=4), min_size=2, max_size=2), min_size=1, max_size=5)
QUOTINGS = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]
NAMES = [(("inputs", 0), "b"), (("inputs", 1), "a")]


def cells(text: str, separator: str = ",") -> list[list[str | None]]:
    file = DelimitedFile(Path("t.csv"), ".csv", text.encode(), Layout(separator))
    return [column.cells.to_list() for column in file.columns(NAMES)]


def stripped(column: list[str]) -> list[str | None]:
    return [cell.strip() or None for cell in column]


@settings(max_examples=200, deadline=None)
@given(
    TABLES,
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_cells_come_back_as_they_were_written(table: list[list[str]], separator: str, end: str, quoting: int) -> None:
    out = io.StringIO()
    table = [*table, ["last", "row"]]
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([["a", "b"], *table])
    for text in (out.getvalue(), out.getvalue().removesuffix(end)):
        a, b = (stripped([row[number] for row in table]) for number in (0, 1))
        assert cells(text, separator) == [b, a]


@settings(max_examples=300, deadline=None)
@given(st.text('a,"\n\r', max_size=12))
def test_a_text_is_refused_or_read_as_another_reader_does(end: str) -> None:
    text = f"a,b\n{end}"
    try:
        found = cells(text)
    except FieldError:
        return
    read = [[*row, "", ""] for row in csv.reader(io.StringIO(text, newline=""), strict=True)][1:]
    for column, number in zip(found, (1, 0), strict=True):  # rows at the end that hold nothing are none
        assert [*column, *[None] * (len(read) - len(column))] == stripped([row[number] for row in read])


def test_a_row_of_a_large_text_knows_its_line() -> None:
    lines = [f'{number},"two\nlines"' for number in range(100_000)]
    lines[70_000] = "x,1"
    file = DelimitedFile(Path("t.csv"), ".csv", "\n".join(["a,b", *lines]).encode(), Layout())
    _, column = file.columns(NAMES)
    with pytest.raises(FieldError, match=r"^inputs.1: t.csv, line 140002, column 'a': 'x' is not a number"):
        column.numbers()


def test_a_table_of_many_columns_is_read_and_a_misspelt_one_gets_the_nearest_few() -> None:
    names = [f"gene_{number:05}" for number in range(20_000)]
    rows = [",".join(names), *(",".join([str(row)] * 20_000) for row in range(3))]
    file = DelimitedFile(Path("t.csv"), ".csv", "\n".join(rows).encode(), Layout())
    read = file.columns([(("inputs", number), name) for number, name in enumerate(names[::5000])])
    np.testing.assert_array_equal([column.numbers() for column in read], [[0, 1, 2]] * 4)
    nearest = "did you mean 'gene_[0-9]{5}'[?] 20000 are known, such as gene_[0-9]{5}(, gene_[0-9]{5}){3}"
    with pytest.raises(FieldError, match=f"^inputs.0: t.csv has no column 'gene_0123'\n  hint: {nearest}$"):
        file.columns([(("inputs", 0), "gene_0123")])


def test_the_word_tab_is_a_tab() -> None:
    assert [separator_of(written) for written in ("tab", r"\t", "\t", ";", "")] == ["\t", "\t", "\t", ";", ""]
