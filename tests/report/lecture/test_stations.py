"""The stations are those of the lecture: each has a text, and each experiment of the lecture belongs to one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markupsafe import Markup

from pipeline.config import find_config
from pipeline.report.html.formulas import with_formulas
from pipeline.report.html.rendering import TEMPLATES
from pipeline.report.lecture.stations import CONFIGS, STATIONS, Station

ROOT = Path(__file__).parents[3]

every_station = pytest.mark.parametrize("station", STATIONS, ids=lambda station: station.name)


def test_the_walk_has_every_experiment_that_make_lecture_runs_once() -> None:
    (run,) = re.findall(r"pipeline run (configs/xor\.yaml configs/lecture)$", (ROOT / "Makefile").read_text(), re.M)
    assert run
    files = [ROOT / "configs" / "xor.yaml", *(ROOT / "configs" / "lecture").glob("*.yaml")]
    assert sorted(CONFIGS) == sorted(path.relative_to(ROOT / "configs").with_suffix("").as_posix() for path in files)


def test_stations_have_names_of_their_own() -> None:
    assert len({station.name for station in STATIONS}) == len({station.title for station in STATIONS}) == len(STATIONS)


@every_station
def test_a_station_has_a_text_with_a_formula_that_browsers_show(station: Station) -> None:
    text = (TEMPLATES / station.template).read_text()
    html = with_formulas(Markup(text))
    assert html.count('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">') >= 1
    assert "<merror" not in html
    assert "$" not in html
    assert all(find_config(Path("configs", f"{config}.yaml")).exists() for config in station.configs)


@every_station
def test_the_formulas_of_a_question_are_shown_too(station: Station) -> None:
    quiz = station.quiz
    for text in (quiz.question, *quiz.choices, quiz.because, station.live.task if station.live else ""):
        assert "$" not in with_formulas(text)


@every_station
def test_where_the_theory_of_a_station_is_derived_there_is_such_a_heading(station: Station) -> None:
    for page, heading in station.derived:
        assert f"\n## {heading}\n" in (ROOT / page).read_text()


def test_texts_are_those_of_the_stations() -> None:
    texts = {path.stem for path in (TEMPLATES / "lecture").glob("*.html")} - {"walk"}
    assert texts == {station.name for station in STATIONS}
