"""Of a page that people have changed theirs stays and ours is brought up to date."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.tracking.dashboard.three_way_merge import merged, merged_sections, untouched


def panel(name: str, **settings: Any) -> dict[str, Any]:
    return {"__id__": name, "config": {"title": name} | settings}


def section(name: str, *panels: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"name": name, "panels": list(panels)} | settings


def outline(sections: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(part["name"], " ".join(panel["__id__"] for panel in part["panels"])) for part in sections]


A, B, C = panel("a"), panel("b"), panel("c")
MINE = panel("mine")


# Values.


@pytest.mark.parametrize(
    ("before", "ours", "theirs", "whole"),
    [
        (0, 0, 0.6, 0.6),  # a slider that was moved
        (0, 1, 0, 1),  # ours has changed
        (0, 1, 0.6, 0.6),  # both have
        (None, 0, 0.6, 0.6),  # nobody knows what we had made
        ({"x": 1}, {"x": 1}, {"x": 1, "y": 2}, {"x": 1, "y": 2}),
        ({"x": 1}, {"x": 1, "z": 3}, {"x": 1, "y": 2}, {"x": 1, "y": 2, "z": 3}),
        ({"x": 1, "y": 2}, {"x": 1, "y": 2}, {"x": 1}, {"x": 1}),  # a column that was taken away
        ({"x": 1, "y": 2}, {"x": 1}, {"x": 1, "y": 2}, {"x": 1}),  # one that we no longer have
        ({"x": 1, "y": 2}, {"x": 1}, {"x": 1, "y": 5}, {"x": 1, "y": 5}),
        (["x", "y"], ["x", "y"], ["y", "x"], ["y", "x"]),
        (["x", "y"], ["x", "y", "z"], ["x", "y"], ["x", "y", "z"]),
        ({"x": 1}, {"x": 1}, None, {"x": 1}),
        ({"x": {"y": 1}}, {"x": {"y": 1}}, {}, {"x": {"y": 1}}),
        (1, 1, None, None),
        ({"x": 1}, {"x": {"y": 1}}, {"x": 1}, {"x": {"y": 1}}),
        ([], [], ["run"], ["run"]),
    ],
)
def test_a_value_that_people_have_changed_is_theirs_and_any_other_is_ours(
    before: Any, ours: Any, theirs: Any, whole: Any
) -> None:
    assert merged(before, ours, theirs) == whole


def test_the_first_set_of_runs_is_ours_whatever_it_is_called_there() -> None:
    before, ours = {"runSets": [{"id": "", "columns": 1}]}, {"runSets": [{"id": "", "columns": 2}]}
    theirs = {"runSets": [{"id": "x", "columns": 1, "pinned": ["run"]}, {"id": "mine"}]}
    whole = {"runSets": [{"id": "x", "columns": 2, "pinned": ["run"]}, {"id": "mine"}]}
    assert merged(before, ours, theirs) == whole


def test_defaults_that_the_pages_add_are_no_change() -> None:
    assert untouched({"x": [{"y": 1}]}, {"x": [{"y": 1, "z": None}], "w": 0})
    assert not untouched({"x": [1]}, {"x": [1, 2]})


# Sections and panels.


def test_a_page_that_nobody_has_touched_is_as_we_make_it_now() -> None:
    before = [section("one", A, B), section("old", C), section("two", panel("d"))]
    ours = [section("zero", panel("z")), section("one", panel("a", log=True), panel("x"), B), section("two")]
    assert merged_sections(before, ours, before) == ours


def test_a_panel_of_theirs_in_a_section_of_ours_stays_where_it_is() -> None:
    before, theirs = [section("one", A, B)], [section("one", A, MINE, B)]
    whole = merged_sections(before, [section("one", panel("a", log=True), B, C)], theirs)
    assert whole == [section("one", panel("a", log=True), MINE, B, C)]


def test_sections_and_panels_stay_in_their_order() -> None:
    before = [section("one", A, B), section("two", C)]
    theirs = [section("mine", MINE), section("two", C), section("one", B, A)]
    assert merged_sections(before, before, theirs) == theirs


def test_what_they_have_set_in_a_panel_of_ours_stays_and_the_rest_of_it_is_brought_up_to_date() -> None:
    before = [section("one", panel("a", log=True, metric="x"))]
    ours = [section("one", panel("a", log=True, metric="y"))]
    theirs = [section("one", panel("a", log=False, metric="x", smoothing=0.6), isOpen=False)]
    (whole,) = merged_sections(before, ours, theirs)
    assert whole == section("one", panel("a", log=False, metric="y", smoothing=0.6), isOpen=False)


@pytest.mark.parametrize("theirs", [[section("renamed", A, B)], [section("one", B), section("mine", A)]])
def test_a_panel_that_was_moved_is_not_made_a_second_time(theirs: list[dict[str, Any]]) -> None:
    before = [section("one", A, B)]
    assert outline(merged_sections(before, before, theirs)) == outline(theirs)


@pytest.mark.parametrize("first", [[], [section("one")], [section("one", B)]])
def test_what_is_ours_and_gone_comes_back(first: list[dict[str, Any]]) -> None:
    before = [section("one", A, B)]
    whole = merged_sections(before, before, [*first, section("mine", MINE)])
    assert outline(whole) == [("one", "a b"), ("mine", "mine")]


def test_what_we_no_longer_make_goes_unless_somebody_has_changed_it() -> None:
    before = [section("one", A, B), section("two", C)]
    theirs = [section("one", A, panel("b", title="their words")), section("two", C)]
    assert outline(merged_sections(before, [section("one", A)], theirs)) == [("one", "a b")]


def test_a_section_without_panels_of_its_own_is_one() -> None:
    assert merged_sections([], [section("one", A)], [{"name": "theirs"}])[-1] == {"name": "theirs", "panels": []}
