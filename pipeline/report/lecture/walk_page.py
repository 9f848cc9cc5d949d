"""The page of the lecture: a walk through its stations, in one file.

A station whose experiments have not run says how to run them. The page is made from the stations and from what is known
of the runs, so that it can be written again at any time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pipeline.errors import number_of
from pipeline.records.atomic_writes import replacing
from pipeline.report.html.index_page import WALK, IndexEntry, ReportPicture, link_of, picture_of
from pipeline.report.html.measured_figure import MeasuredFigure, measured_figure
from pipeline.report.html.page_tables import verdict_class
from pipeline.report.html.rendering import render_page
from pipeline.report.lecture.live_figures import LiveFigure
from pipeline.report.lecture.quizzes import Quiz
from pipeline.report.lecture.stations import STATIONS, Station
from pipeline.report.playground.playground_page import write_playground

TITLE = "The lecture"
PAGE = WALK
END_OF_A_SENTENCE = re.compile(r"(?<=[.?!]) ")


@dataclass(frozen=True)
class MeasuredRun:
    """What a station shows of one experiment; without a report, it has not run yet.

    Args:
        path: Of its YAML file.
        yaml: The file.
        command: What runs it.
        question: What it asks.
        report: Link to its page; empty for none.
        answer: What it answers.
        figure: What shows the answer; ``None`` where the run has no chart of it.
        picture: The same as a picture, where there is no chart.
        about: What the verdict is about.
        verdict: Whether theory agrees.
        css_class: Class of the verdict in the style sheet.
        counts: How its trials ended.
        diverged: What the trials that diverged say.
        damaged: Why a run that is there cannot be shown; empty where it can.
    """

    path: str
    yaml: str
    command: str
    question: str
    report: str = ""
    answer: str = ""
    figure: MeasuredFigure | None = None
    picture: ReportPicture | None = None
    about: str = ""
    verdict: str = ""
    css_class: str = ""
    counts: str = ""
    diverged: str = ""
    damaged: str = ""

    @property
    def lead(self) -> str:
        """The first sentence of the answer."""
        return END_OF_A_SENTENCE.split(self.answer, maxsplit=1)[0]

    @property
    def rest(self) -> str:
        """What the answer goes on to say; empty where it is one sentence."""
        return self.answer[len(self.lead) :].strip()


@dataclass(frozen=True)
class ShownStation:
    """What the page shows of a station."""

    name: str
    title: str
    template: str
    derived: tuple[tuple[str, str], ...]
    quiz: Quiz
    live: LiveFigure | None
    runs: tuple[MeasuredRun, ...]

    @property
    def standing(self) -> str:
        """What is missing of its runs, in words; empty where nothing is."""
        missing = sum(not run.report for run in self.runs)
        if not missing:
            return ""
        return (
            "not run yet"
            if missing == len(self.runs)
            else f"{missing} of {number_of(len(self.runs), 'run')} not run yet"
        )


@dataclass(frozen=True)
class StationFile:
    """The YAML file of an experiment.

    Args:
        path: As a person types it.
        question: What it asks.
        text: The file.
    """

    path: str
    question: str
    text: str


def write_walk(
    path: Path,
    files: Mapping[str, StationFile],
    entries: Mapping[str, IndexEntry],
    damaged: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Write the page of the lecture, and the playground beside it, in which its figures can be opened.

    Args:
        path: Of the page; its folder is made where it is not there.
        files: The YAML files of all stations, by their names.
        entries: What is known of the runs that there are, by the same names.
        damaged: Why runs that are there cannot be shown, by the same names.

    Returns:
        The page.
    """
    write_playground(path.parent)
    shown = [_shown(station, path.parent, files, entries, damaged) for station in STATIONS]
    index = path.with_name("index.html")
    page = render_page(
        "lecture/walk.html",
        TITLE,
        charts=False,
        entries=("lecture/lecture.js",),
        worker="descent/worker.js",
        styles=("lecture.css",),
        stations=shown,
        index=index.name if index.exists() else "",
    )
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def _shown(
    station: Station,
    folder: Path,
    files: Mapping[str, StationFile],
    entries: Mapping[str, IndexEntry],
    damaged: Mapping[str, str],
) -> ShownStation:
    configs = station.configs
    runs = tuple(_run(files[name], entries.get(name), folder, damaged.get(name, "")) for name in configs)
    return ShownStation(
        station.name, station.title, station.template, station.derived, station.quiz, station.live, runs
    )


def _run(file: StationFile, entry: IndexEntry | None, folder: Path, damaged: str) -> MeasuredRun:
    command = f"python -m pipeline run {file.path}"
    if entry is None:
        return MeasuredRun(file.path, file.text, command, file.question, damaged=damaged)
    figure = measured_figure(entry)
    return MeasuredRun(
        path=file.path,
        yaml=file.text,
        command=command,
        question=entry.question,
        report=link_of(folder, entry),
        answer=entry.answer,
        figure=figure,
        picture=None if figure else picture_of(entry),
        about=entry.about,
        verdict=entry.verdict,
        css_class=verdict_class(entry.verdict),
        counts=entry.counts,
        diverged=entry.diverged,
    )
