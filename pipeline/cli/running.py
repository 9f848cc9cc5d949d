"""The verb run: one experiment, or all of a folder, on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api import begun_runs
from pipeline.api.run_folders import RUNS
from pipeline.cli.experiments import announce, config_file, plan_of
from pipeline.cli.options import Overrides
from pipeline.cli.prose import say
from pipeline.cli.reporting import show
from pipeline.errors import PipelineError
from pipeline.reuse.request import REUSE, Reuse

if TYPE_CHECKING:
    from pipeline.plans import Plan
    from pipeline.problems.number_game import NumberGame
    from pipeline.report.html.index_page import IndexEntry
    from pipeline.training.progress import TrainingProgress


@dataclass(frozen=True)
class RunOptions:
    """Options of run.

    Args:
        config: YAML files of experiments, or folders of such files.
        overrides: What ``--set`` changes.
        out: Folder of the run, of several the folder that holds theirs; none: in ``runs/``.
        fresh: Whether trials that other runs have finished are trained again.
        reuse: Folders of runs, or single runs, to take finished trials from, besides the folder of the run's own.
    """

    config: tuple[Path, ...]
    overrides: Overrides
    out: Path | None
    fresh: bool = False
    reuse: tuple[Path, ...] = ()

    @property
    def where(self) -> Reuse:
        """Where finished trials are taken from."""
        return Reuse(self.fresh, self.reuse)


def run(options: RunOptions) -> int:
    """Train experiments here, with progress; print their summaries, write their reports, and a page that links them."""
    files = files_of(options.config)
    questions = [
        (file, read(file, options.overrides)) for file in files
    ]  # what is wrong with the last is said before the first
    if len(questions) == 1:
        return answer(*questions[0], options, options.out)[0]
    codes, entries = [], []
    for number, (file, question) in enumerate(questions, 1):
        say(f"\n{number} of {len(questions)}: {file.stem}")
        code, entry = answer(file, question, options, options.out and options.out / file.stem)
        codes.append(code)
        entries.append(entry)
    from pipeline.report.html.index_page import write_index

    page = (options.out or RUNS) / "index.html"
    write_index(page, ", ".join(path.stem.replace("_", " ") for path in options.config), entries)
    say(f"\nall reports: {page}")
    return max(codes)


def files_of(paths: Sequence[Path]) -> list[Path]:
    """List the files that are named, and those of the folders that are.

    Args:
        paths: Files and folders.

    Returns:
        The files in order, those of a folder by name.

    Raises:
        PipelineError: If there is no such file, a folder holds none, or two files have one name.
    """
    files: list[Path] = []
    for path in map(config_file, paths):
        found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise PipelineError("there is no .yaml file in it", where=str(path), hint="name a file, or another folder")
        files += found
    stems = [file.stem for file in files]
    for file in files:
        if stems.count(file.stem) > 1:
            raise PipelineError(f"two files are called {file.stem}", where=str(file), hint="run them one by one")
    return files


def read(file: Path, overrides: Overrides) -> Plan | NumberGame:
    """What a file asks: an experiment, planned, or a game."""
    from pipeline.config import read_document

    document = read_document(file)
    if document.is_game:
        from pipeline.problems.number_game import NumberGame

        return document.construct(NumberGame, overrides.texts)
    return plan_of(document, overrides, on_cluster=False)


def answer(file: Path, question: Plan | NumberGame, options: RunOptions, out: Path | None) -> tuple[int, IndexEntry]:
    """Train or play, write the report, and say how it went."""
    from pipeline.plans import Plan
    from pipeline.report.figures.png_process import MOST_AT_ONCE, get_ready
    from pipeline.report.html.index_page import entry_of, entry_of_game

    if isinstance(question, Plan):
        folder = out or RUNS / question.folder_name
        begun = (folder / "plan.json").exists()
        if not begun:
            get_ready(MOST_AT_ONCE)  # to draw, on the core that is idle while this one imports what trains
        planned, again = train(question, folder, options.where)
        code, table, told = show(folder, again=again, planned=None if begun else planned)
        return code, entry_of(file.stem, question.experiment.question, folder / "report.html", table, told)
    from pipeline.report.html import game_page
    from pipeline.report.tables.printing import as_text

    folder = out or RUNS / file.stem
    say(f"{question.question}\nnothing to train, into {folder}")
    table, in_words = game_page.rounds(question), game_page.game_answer(question)
    say(in_words)
    print(as_text(table))
    page = game_page.write_game(question, folder)
    say(f"report: {page}")
    return 0, entry_of_game(file.stem, question.question, page, table, in_words)


def train(planned: Plan, folder: Path, reuse: Reuse = REUSE) -> tuple[Plan, bool]:
    """Train what a folder does not hold yet of a plan, or take it from other runs.

    Args:
        planned: What is asked.
        folder: Of the run.
        reuse: Where finished trials are taken from.

    Returns:
        The plan as the folder has it, and whether there was anything to do.
    """
    planned, counts = begun_runs.train(planned, folder, announce, _new_progress, reuse, say)
    if counts is None:
        say("all of them were finished before")
    return planned, counts is not None


def _new_progress() -> TrainingProgress:
    from pipeline.training.progress import TrainingProgress

    return TrainingProgress()
