"""The page that links the reports of several runs.

What it lists is kept beside it as JSON: the runs of another folder come beside those that are there already.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from pipeline.errors import PipelineError, number_of
from pipeline.records.atomic_writes import replacing
from pipeline.report.answer.answer import Answer
from pipeline.report.html.page_tables import verdict_class
from pipeline.report.html.rendering import render_page
from pipeline.report.theory.verdicts import verdict_counts

WALK = "lecture.html"
"""The walk through the lecture, which the page leads to where it is beside it."""


@dataclass(frozen=True)
class IndexEntry:
    """What the index says of one run.

    Args:
        name: Of its configuration.
        question: What it asks.
        report: Its page.
        counts: How its trials ended, in words.
        verdict: Whether theory agrees with what was asked about.
        figures: Names of the figures that tell most, the first of which that is there is shown.
        answer: What it answers.
        about: What the verdict is about; empty where it needs no words.
        diverged: What the trials that diverged say; empty where none did.
    """

    name: str
    question: str
    report: Path
    counts: str
    verdict: str
    figures: tuple[str, ...] = ()
    answer: str = ""
    about: str = ""
    diverged: str = ""


def entry_of(name: str, question: str, report: Path, table: pl.DataFrame, answer: Answer) -> IndexEntry:
    """The entry of a run.

    Args:
        name: Of its configuration.
        question: What it asks.
        report: Its page.
        table: One row per trial.
        answer: Of the run.

    Returns:
        With how many trials ended how, the answer, and the verdict on the question.
    """
    counts = dict(table["status"].value_counts(sort=True).iter_rows())
    words = ", ".join(f"{number} {status}" for status, number in counts.items())
    told = (answer.figures, answer.text, answer.about, answer.diverged)
    return IndexEntry(name, question, report, words, answer.verdict, *told)


def entry_of_game(name: str, question: str, report: Path, rounds: pl.DataFrame, answer: str = "") -> IndexEntry:
    """The entry of a number game.

    Args:
        name: Of its configuration.
        question: What it asks.
        report: Its page.
        rounds: One row per round.
        answer: What they answer.

    Returns:
        With the number of rounds, and their verdict.
    """
    verdict = rounds.select(verdict_counts(pl.col("verdict"), of="round")).item()
    return IndexEntry(name, question, report, number_of(rounds.height, "round"), verdict, answer=answer, about="scores")


@dataclass(frozen=True)
class ReportPicture:
    """A figure of a report: its PNG as base64, and what it shows in words."""

    png: str
    says: str


@dataclass(frozen=True)
class IndexRow:
    """What ``index.html`` shows of one run: words, its link from the page, and a picture; ``None`` for none."""

    name: str
    title: str
    question: str
    answer: str
    counts: str
    diverged: str
    about: str
    verdict: str
    css_class: str
    link: str
    picture: ReportPicture | None


@dataclass(frozen=True)
class IndexPart:
    """The runs of one folder under its title."""

    title: str
    entries: Sequence[IndexRow]


def write_index(path: Path, title: str, entries: Sequence[IndexEntry]) -> None:
    """Write a page with a row for every run: a picture, its question and answer, how its trials ended, and the verdict.

    What the page says already of other runs stays, as long as their reports are there.

    Args:
        path: Of the page; what it lists is kept beside it as JSON.
        title: Of these runs.
        entries: One for each run.

    Raises:
        PipelineError: If what it says already cannot be read.
    """
    new = {entry.report.resolve() for entry in entries}
    kept = {
        other: [entry for entry in those if entry.report.resolve() not in new]
        for other, those in _read_list(path).items()
    }
    parts = {title: [*entries, *kept.pop(title, [])], **{other: those for other, those in kept.items() if those}}
    _write_page(path, parts)
    with replacing(_list(path)) as part:
        part.write_text(_list_as_json(path.parent, parts), encoding="utf-8")


def rewrite_index(path: Path) -> None:
    """Write a page again from what it lists, so that it leads to what has come beside it.

    Args:
        path: Of the page; where nothing is listed for it, nothing is written.

    Raises:
        PipelineError: If what it lists cannot be read.
    """
    if parts := _read_list(path):
        _write_page(path, parts)


def _write_page(path: Path, parts: Mapping[str, Sequence[IndexEntry]]) -> None:
    title = next(iter(parts)) if len(parts) == 1 else f"Reports in {path.parent.resolve().name}"
    shown = [IndexPart(other, [_row(path.parent, entry) for entry in those]) for other, those in parts.items()]
    walk = WALK if path.with_name(WALK).exists() else ""
    with replacing(path) as part:
        part.write_text(render_page("index.html", title, charts=False, parts=shown, walk=walk), encoding="utf-8")


def _list(path: Path) -> Path:
    """Where the entries of a page are kept, for who writes it the next time."""
    return path.with_suffix(".json")


def _list_as_json(folder: Path, parts: Mapping[str, Sequence[IndexEntry]]) -> str:
    content = {
        title: [dataclasses.asdict(entry) | {"report": _link(folder, entry)} for entry in entries]
        for title, entries in parts.items()
    }
    return json.dumps(content, indent=1) + "\n"


def _read_list(path: Path) -> dict[str, list[IndexEntry]]:
    """The entries of a page, under their titles, but for those whose reports are gone.

    Returns:
        Entries by title, in the order of the page.

    Raises:
        PipelineError: If somebody has changed them.
    """
    kept = _list(path)
    try:
        content = json.loads(kept.read_bytes()) if kept.exists() else {}
        parts = {title: [_entry(path.parent, entry) for entry in those] for title, those in content.items()}
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        hint = f"remove it; {path} then begins anew, and the reports stay"
        raise PipelineError(f"the list of reports cannot be read: {error}", where=str(kept), hint=hint) from None
    there = {title: [entry for entry in those if entry.report.exists()] for title, those in parts.items()}
    return {title: those for title, those in there.items() if those}


def _entry(folder: Path, entry: dict[str, Any]) -> IndexEntry:
    return IndexEntry(**entry | {"report": folder / entry["report"]})


def _link(folder: Path, entry: IndexEntry) -> str:
    return Path(os.path.relpath(entry.report, folder)).as_posix()


def _row(folder: Path, entry: IndexEntry) -> IndexRow:
    return IndexRow(
        name=entry.name,
        title=entry.name.replace("_", " "),
        question=entry.question,
        answer=entry.answer,
        counts=entry.counts,
        diverged=entry.diverged,
        about=entry.about,
        verdict=entry.verdict,
        css_class=verdict_class(entry.verdict),
        link=link_of(folder, entry),
        picture=picture_of(entry),
    )


def link_of(folder: Path, entry: IndexEntry) -> str:
    """The link to a report from a page in a folder, as an address writes it."""
    return quote(_link(folder, entry))


def picture_of(entry: IndexEntry) -> ReportPicture | None:
    """The figure that tells most of a run, to stand in the page: browsers differ in what a page of a disk may load.

    Args:
        entry: Of the run.

    Returns:
        ``None`` where there is no figure.
    """
    folder = entry.report.parent / "figures"
    for path in [*(folder / f"{name}.png" for name in entry.figures), *sorted(folder.glob("*.png"))]:
        if path.exists():
            says = _description(path.with_suffix(".json")) or f"A figure of {entry.name}"
            return ReportPicture(base64.b64encode(path.read_bytes()).decode(), says)
    return None


def _description(chart: Path) -> str:
    """What a chart shows, in words; empty where it is not told."""
    try:
        return str(json.loads(chart.read_bytes()).get("description", ""))
    except (OSError, ValueError, AttributeError):
        return ""
