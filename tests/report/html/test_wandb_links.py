"""The page of a run leads to its pages on W&B, once there are any."""

import json

import pytest

from pipeline.report.html.rendering import render
from pipeline.report.html.wandb_links import read_wandb_links


def note(folder, content) -> None:
    (folder / "wandb").mkdir(exist_ok=True)
    (folder / "wandb" / "dashboard.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_workspace_and_report_are_linked(tmp_path) -> None:
    note(tmp_path, {"url": "https://w.example/lab/p?nw=1&x", "report": {"id": "7", "url": "https://w.example/r"}})
    assert render("wandb_links.html", links=read_wandb_links(tmp_path)) == (
        '<p>On W&amp;B: <a href="https://w.example/lab/p?nw=1&amp;x">workspace</a>, <a href="https://w.example/r">report</a>.</p>'
    )


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        "{",
        {"url": ""},
        {"url": "", "report": {"url": ""}},
        {"url": "javascript:1", "report": {"url": 3}},
    ],
)
def test_without_an_address_there_is_no_link(tmp_path, content) -> None:
    if content is not None:
        note(tmp_path, content)
    assert render("wandb_links.html", links=read_wandb_links(tmp_path)) == ""
