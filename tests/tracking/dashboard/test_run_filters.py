"""A view shows the runs of its group, and a click leaves those that ended in one way."""

from __future__ import annotations

import pytest

from pipeline.tracking.dashboard.run_filters import runs_of, with_disabled_filters


@pytest.mark.parametrize("group", ["a_question", 'say "=="', "a and (b or c)"])
def test_a_group_is_compared_as_it_is_whatever_operators_it_looks_like(group: str) -> None:
    (condition,) = runs_of(group)["filters"]
    assert condition == {"key": {"section": "run", "name": "group"}, "op": "=", "value": group, "disabled": False}


def test_a_type_of_job_is_a_second_condition() -> None:
    first, second = runs_of("g", "sweep")["filters"]
    assert ("connector" in first, second["connector"]) == (False, "AND")
    assert (second["key"]["name"], second["value"]) == ("jobType", "sweep")


def test_names_are_cut_as_those_of_the_runs_are() -> None:
    (group,) = runs_of("g" * 300)["filters"]
    assert len(group["value"]) == 128


def test_further_conditions_are_off_until_somebody_clicks() -> None:
    runs = runs_of("g")
    first, *choices = with_disabled_filters(runs, "diverged", "failed")["filters"]
    assert (first["disabled"], [choice["disabled"] for choice in choices]) == (False, [True, True])
    assert [choice["value"] for choice in choices] == ["diverged", "failed"]
    assert len(runs["filters"]) == 1  # as it was
