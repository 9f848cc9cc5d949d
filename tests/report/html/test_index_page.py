"""The index links every report, with its verdict, and needs nothing but itself."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import polars as pl
import pytest
from browser import prefer, reset, violations
from selenium.webdriver import Chrome

from pipeline.errors import PipelineError
from pipeline.report.answer.answer import Answer
from pipeline.report.html.index_page import WALK, IndexEntry, entry_of, entry_of_game, rewrite_index, write_index

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def report(folder: Path, *figures: str) -> Path:
    """The folder of a report with some figures, as files."""
    (folder / "figures").mkdir(parents=True)
    for figure in figures:
        (folder / "figures" / f"{figure}.png").write_bytes(PNG + figure.encode())
    return folder / "report.html"


ANSWER = Answer(
    ("It does.", "By far."), ("error_by_width", "loss_by_step"), "edges", "agrees (1 of 2 trials)", "1 diverged: it."
)


def test_an_entry_has_the_counts_the_answer_and_the_verdict_on_the_question(tmp_path: Path) -> None:
    table = pl.DataFrame({"status": ["done", "done", "diverged"], "verdict": ["agrees", "contradicts", "moving"]})
    entry = entry_of("a", "Why?", tmp_path / "report.html", table, ANSWER)
    assert (entry.counts, entry.answer) == ("2 done, 1 diverged", "It does. By far.")
    assert (entry.about, entry.verdict, entry.diverged) == ("edges", "agrees (1 of 2 trials)", "1 diverged: it.")
    write_index(tmp_path / "index.html", "own", [entry])
    html = (tmp_path / "index.html").read_text()
    assert '<td class="agrees">edges: agrees (1 of 2 trials)</td>' in html
    assert html.index("Why?") < html.index("It does. By far.") < html.index("1 diverged: it.")


def test_rounds_of_a_game_are_rounds(tmp_path: Path) -> None:
    entry = entry_of_game("g", "?", tmp_path / "report.html", pl.DataFrame({"verdict": ["agrees"]}))
    assert (entry.counts, entry.verdict) == ("1 round", "agrees (1 of 1 round)")


def test_links_lead_from_the_page_to_each_report_and_words_are_only_words(tmp_path: Path) -> None:
    one, other = report(tmp_path / "runs" / "one-1"), report(tmp_path / "runs" / 'o"ther #1: 50%20', "b", "a")
    entries = [
        IndexEntry("one", "<b>Why?</b>", one, "", "cannot say"),
        IndexEntry("other", "?", other, "", "agrees (1 of 1 trial)"),
    ]
    write_index(tmp_path / "runs" / "index.html", "The & lecture", entries)
    html = (tmp_path / "runs" / "index.html").read_text()
    assert "<h1>The &amp; lecture</h1>" in html
    assert "&lt;b&gt;Why?&lt;/b&gt;" in html
    assert set(re.findall(r'href="([^"]*)"', html)) == {"one-1/report.html", "o%22ther%20%231%3A%2050%2520/report.html"}
    assert re.findall(r"<td( class=\"agrees\")?>(?:agrees|cannot)", html) == ["", ' class="agrees"']
    assert html.count("<img") == 1


def test_the_figure_is_the_first_of_the_answer_that_is_there(tmp_path: Path) -> None:
    for name, figures, shown in (
        ("both", ANSWER.figures, b"error_by_width"),
        ("one", ANSWER.figures[1:], b"loss_by_step"),
    ):
        table = pl.DataFrame({"status": ["done"]})
        entry = entry_of(name, "?", report(tmp_path / name, *figures), table, ANSWER)
        write_index(tmp_path / "index.html", name, [entry])
        assert base64.b64encode(PNG + shown).decode() in (tmp_path / "index.html").read_text()


def test_a_list_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    path = report(tmp_path / "old")
    path.write_text("")
    entry = {"name": "old", "question": "?", "report": "old/report.html", "counts": "", "verdict": "", "figures": []}
    (tmp_path / "index.json").write_text(json.dumps({"own": [entry]}))
    write_index(tmp_path / "index.html", "new", [])
    assert "old/report.html" in (tmp_path / "index.html").read_text()


def test_runs_of_another_folder_come_beside_those_that_are_there(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    for folder, name in (("lecture", "one"), ("own", "<two>"), ("lecture", "three")):
        path = report(tmp_path / name, "loss_by_step")
        path.write_text("")
        write_index(page, folder, [IndexEntry(name, f"{name}?", path, "4 done", "cannot say", ("loss_by_step",))])
    html = page.read_text()
    assert re.findall("<h2>(.*?)</h2>", html) == ["lecture", "own"]
    assert re.findall(r'href="([^"]*)"><b>', html) == [
        "three/report.html",
        "one/report.html",
        "%3Ctwo%3E/report.html",
    ]
    assert html.count("<img") == 3
    assert "<two>" not in html


def test_a_run_that_is_run_again_is_listed_once_and_one_that_was_removed_not_at_all(tmp_path: Path) -> None:
    page, kept, removed = tmp_path / "index.html", report(tmp_path / "kept"), report(tmp_path / "removed")
    for path in (kept, removed):
        path.write_text("")
    write_index(page, "own", [IndexEntry(path.parent.name, "?", path, "", "cannot say") for path in (kept, removed)])
    removed.unlink()
    write_index(page, "own", [IndexEntry("kept", "?", kept, "", "agrees (1 of 1 trial)")])
    html = page.read_text()
    assert re.findall(r'href="([^"]*)"', html) == ["kept/report.html"]
    assert "<h1>own</h1>" in html


def test_a_list_that_was_changed_by_hand_is_not_overwritten(tmp_path: Path) -> None:
    kept = tmp_path / "index.json"
    kept.write_text('{"own": [1]}')
    message = re.escape(f"{kept}: the list of reports cannot be read: ")
    with pytest.raises(PipelineError, match=f"^{message}"):
        write_index(tmp_path / "index.html", "own", [])
    assert kept.read_text() == '{"own": [1]}'


def test_the_page_leads_to_the_walk_once_it_is_beside_it(tmp_path: Path) -> None:
    page, link = tmp_path / "index.html", f'href="{WALK}"'
    rewrite_index(page)
    assert not page.exists()
    write_index(page, "The lecture", [IndexEntry("one", "?", report(tmp_path / "one"), "", "")])
    (tmp_path / "one" / "report.html").write_text("")
    without = page.read_text()
    assert link not in without
    (tmp_path / WALK).write_text("")
    rewrite_index(page)
    assert link in page.read_text()
    (tmp_path / WALK).unlink()
    rewrite_index(page)
    assert page.read_text() == without


def test_axe_core_finds_nothing_that_keeps_anybody_from_the_index(chromium: Chrome, tmp_path: Path) -> None:
    game = IndexEntry("game", "How well?", report(tmp_path / "game"), "4 rounds", "agrees (4 of 4 rounds)")
    one = IndexEntry("one", "Why?", report(tmp_path / "one", "error_by_width"), "2 done", "contradicts (1 of 2)")
    write_index(tmp_path / "index.html", "The lecture", [game, one])
    chromium.get((tmp_path / "index.html").as_uri())
    assert violations(chromium) == []
    prefer(chromium, color_scheme="dark")
    assert violations(chromium, runOnly=["color-contrast"]) == []
    reset(chromium)
