"""The verb run: one question, or all of a folder, here and now."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.here import plan_of, show, train
from pipeline.cli.prose import say
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.plan import Plan
    from pipeline.problems.number_game import NumberGame
    from pipeline.report.html.index_page import Entry

RUNS = Path("runs")


def run(asked: argparse.Namespace) -> int:
    """Train experiments here, with progress; print their summaries, write their reports, and a page that links them."""
    files = files_of(asked.config)
    questions = [(file, read(file, asked)) for file in files]  # what is wrong with the last is said before the first
    if len(questions) == 1:
        return answer(*questions[0], asked.out)[0]
    codes, entries = [], []
    for number, (file, question) in enumerate(questions, 1):
        say(f"\n{number} of {len(questions)}: {file.stem}")
        code, entry = answer(file, question, asked.out and asked.out / file.stem)
        codes.append(code)
        entries.append(entry)
    from pipeline.report.html.index_page import write_index

    page = (asked.out or RUNS) / "index.html"
    write_index(page, ", ".join(path.stem.replace("_", " ") for path in asked.config), entries)
    say(f"\nall reports: {page}")
    return max(codes)


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those of the folders that are.

    Raises:
        PipelineError: If a folder holds none, or two files have one name.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise PipelineError("there is no .yaml file in it", where=str(path), hint="name a file, or another folder")
        files += found
    stems = [file.stem for file in files]
    for file in files:
        if stems.count(file.stem) > 1:
            raise PipelineError(f"two files are called {file.stem}", where=str(file), hint="run them one by one")
    return files


def read(file: Path, asked: argparse.Namespace) -> Plan | NumberGame:
    """What a file asks: an experiment, planned, or a game."""
    from pipeline.config import read_document

    document = read_document(file)
    if document.is_game:
        from pipeline.problems.number_game import NumberGame

        return document.construct(NumberGame, asked.overrides)
    return plan_of(document, asked)


def answer(file: Path, question: Plan | NumberGame, out: Path | None) -> tuple[int, Entry]:
    """Train or play, write the report, and say how it went."""
    from pipeline.plan import Plan
    from pipeline.report.html.index_page import entry_of, entry_of_game

    if isinstance(question, Plan):
        folder = out or RUNS / question.folder_name
        code, table = show(folder, again=train(question, folder))
        return code, entry_of(file.stem, question.experiment.question, folder / "report.html", table)
    from pipeline.report.html import game_page
    from pipeline.report.tables.printing import as_text

    folder = out or RUNS / file.stem
    say(f"{question.question}\nnothing to train, into {folder}")
    table = game_page.rounds(question)
    print(as_text(table))
    page = game_page.write_game(question, folder)
    say(f"report: {page}")
    return 0, entry_of_game(file.stem, question.question, page, table)
