"""A table in Markdown shows its cells as text, whatever they look like."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.tracking.dashboard.markdown import as_markdown, as_text


def test_a_table_has_its_names_a_rule_and_a_line_for_each_row() -> None:
    table = pl.DataFrame({"model": ["a|b", None], "loss": [0.123456, float("nan")]})
    assert as_markdown(table).splitlines() == ["| model | loss |", "| --- | --- |", r"| a\|b | 0.1235 |", "|  | nan |"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<b>bold</b> & more", "&lt;b&gt;bold&lt;/b&gt; &amp; more"),
        ("[link](address) *stars* `code`", r"\[link\](address) \*stars\* \`code\`"),
        ("two\nlines\tand  spaces", "two lines and spaces"),
        (r"back\slash", r"back\\slash"),
        (None, ""),
        (1234567.0, "1.235e+06"),
    ],
)
def test_a_value_is_on_one_line_and_no_mark_up(value: object, shown: str) -> None:
    assert as_text(value) == shown
