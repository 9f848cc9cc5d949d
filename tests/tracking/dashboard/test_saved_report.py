"""A report that is there is merged: what people have written below their heading stays, and what they set in grids."""

from __future__ import annotations

import copy
from typing import Any

from pipeline.tracking.dashboard.online_report import NOTES
from pipeline.tracking.dashboard.saved_report import over


def heading(text: str) -> dict[str, Any]:
    return {"type": "heading", "children": [{"text": text}]}


def grid(*panels: dict[str, Any]) -> dict[str, Any]:
    bank = {"panels": list(panels)}
    return {"type": "panel-grid", "metadata": {"runSets": [{"id": "runs"}], "panelBankSectionConfig": bank}}


def panel(id_: str, value: str) -> dict[str, Any]:
    return {"__id__": id_, "config": {"value": value}}


def bank_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of the only grid."""
    panels: list[dict[str, Any]] = report["blocks"][1]["metadata"]["panelBankSectionConfig"]["panels"]
    return panels


BEFORE = {"blocks": [heading("Best"), grid(panel("a", "old")), heading(NOTES), heading("write here")]}
OURS = {"blocks": [heading("Best of all"), grid(panel("a", "new")), heading(NOTES), heading("write here")]}


def test_what_nobody_has_changed_becomes_what_is_made_now() -> None:
    assert over(BEFORE, OURS, BEFORE) == OURS


def test_what_stands_below_the_heading_of_notes_stays() -> None:
    theirs = copy.deepcopy(BEFORE)
    theirs["blocks"][3:] = [heading("mine"), heading("and mine")]
    assert over(theirs, OURS, BEFORE)["blocks"] == [*OURS["blocks"][:3], heading("mine"), heading("and mine")]


def test_without_that_heading_all_is_made_again() -> None:
    theirs = {"blocks": [heading("nothing left")], "width": "fixed"}
    assert over(theirs, OURS, BEFORE) == OURS | {"width": "fixed"}


def test_panels_that_people_have_added_or_set_stay() -> None:
    theirs = copy.deepcopy(BEFORE)
    theirs["blocks"][1] = grid(panel("a", "mine"), panel("theirs", "mine too"))
    for before in (BEFORE, {}):
        panels = bank_of(over(theirs, OURS, before))
        assert [one["__id__"] for one in panels] == ["a", "theirs"]
        assert panels[1] == panel("theirs", "mine too")
    assert over(theirs, OURS, BEFORE)["blocks"][1]["metadata"]["panelBankSectionConfig"]["panels"][0] == panel(
        "a", "mine"
    )
