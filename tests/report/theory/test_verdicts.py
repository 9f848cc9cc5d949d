"""Of several claims one verdict is made, and of many trials one sentence."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.report.theory.verdicts import Said, combined, decided, number_in_rows, verdict_counts


def of_both(first: str | None, second: str | None) -> tuple[str | None, str | None]:
    frame = pl.DataFrame(
        {"a": [first], "b": [second], "why_a": ["first"], "why_b": ["second"]}, schema_overrides={"a": pl.String}
    ).with_columns(pl.col("a", "b").cast(pl.String))
    said = combined([Said(pl.col("a"), pl.col("why_a")), Said(pl.col("b"), pl.col("why_b"))])
    return frame.select(verdict=said.verdict, grounds=said.grounds).row(0)


@pytest.mark.parametrize(
    "first, second, expected",
    [
        ("agrees", "contradicts", ("contradicts", "second")),
        ("contradicts", "agrees", ("contradicts", "first")),
        ("contradicts", "contradicts", ("contradicts", "first")),
        ("still moving", "contradicts", ("contradicts", "second")),
        ("still moving", "agrees", ("agrees", "second")),
        ("agrees", "agrees", ("agrees", "first")),
        ("still moving", "too close", ("still moving", "first")),
        (None, "too close", ("too close", "second")),
        (None, "agrees", ("agrees", "second")),
        (None, None, (None, None)),
    ],
)
def test_a_contradiction_outweighs_agreement_which_outweighs_a_reason_for_neither(first, second, expected):
    assert of_both(first, second) == expected


def test_one_is_one_and_a_missing_number_is_missing():
    frame = pl.DataFrame({"step": [0, 1, 2, None]})
    told = frame.select(number_in_rows(pl.col("step"), "step")).to_series().to_list()
    assert told == ["0 steps", "1 step", "2 steps", None]


@pytest.mark.parametrize(
    "expected, verdicts",
    [
        ("agrees (2 of 2 trials)", ["agrees", "agrees"]),
        ("agrees (1 of 1 trial)", ["agrees"]),
        ("agrees (2 of 3 trials), 1 still moving", ["agrees", "still moving", "agrees"]),
        ("contradicts (1 of 3 trials)", ["agrees", "contradicts", "agrees"]),
        ("contradicts (1 of 3 trials), 1 failed", ["failed", "contradicts", "agrees"]),
        ("still moving (1 of 1 trial)", ["still moving"]),
        ("still moving (2 of 3 trials), 1 failed", ["failed", "still moving", "still moving"]),
        ("a (1 of 2 trials), 1 b", ["b", "a"]),
        ("agrees (1 of 8 trials), 3 c, 2 b, 1 a, 1 d", ["d", "agrees", "b", "c", "c", "a", "b", "c"]),
        ("a (1 of 5 trials), 1 b, 1 c, 1 d, 1 e", ["e", "d", "c", "b", "a"]),
    ],
)
def test_verdicts_of_a_group_are_counted(expected, verdicts):
    frame = pl.DataFrame({"verdict": verdicts})
    assert frame.select(verdict_counts(pl.col("verdict"))).item() == expected
    grouped = pl.concat([frame.with_columns(group=pl.lit(group)) for group in (1, 2)])
    counts = grouped.group_by("group").agg(verdict_counts(pl.col("verdict")).alias("verdict"))
    assert counts["verdict"].to_list() == [expected] * 2


def test_counted_is_what_is_said_and_not_a_reason_for_neither():
    frame = pl.DataFrame({"verdict": ["agrees", "contradicts", "still moving"]})
    assert frame.select(decided(pl.col("verdict"))).to_series().to_list() == [True, True, False]


def test_members_of_a_group_have_a_name():
    rounds = pl.DataFrame({"verdict": ["agrees", "agrees"]})
    assert rounds.select(verdict_counts(pl.col("verdict"), of="round")).item() == "agrees (2 of 2 rounds)"
