"""The verb lecture: a walk through the lecture, from the runs that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pipeline.api.run_folders import RUNS
from pipeline.cli.prose import say
from pipeline.errors import PipelineError, nearest
from pipeline.records.last_work import last_worked_on

if TYPE_CHECKING:
    from pipeline.config import YamlDocument
    from pipeline.report.html.index_page import IndexEntry


@dataclass(frozen=True)
class LectureOptions:
    """Options of lecture.

    Args:
        runs: Folder that holds the runs; none: ``runs/``.
        without_runs: Whether a walk in which nothing has run is written, too.
    """

    runs: Path | None
    without_runs: bool = False


def lecture(options: LectureOptions) -> int:
    """Write lecture.html, a walk through the lecture, with what the runs that are there have measured."""
    from pipeline.config import find_config, read_document
    from pipeline.report.html.index_page import rewrite_index
    from pipeline.report.lecture.stations import CONFIGS
    from pipeline.report.lecture.walk_page import PAGE, StationFile, write_walk

    folder, files, entries, damaged = options.runs or RUNS, {}, {}, {}
    if not options.without_runs and not has_run(folder, CONFIGS):
        _refuse(folder, CONFIGS)
    for name in CONFIGS:
        document = read_document(find_config(Path("configs", f"{name}.yaml")))
        text = document.path.read_text(encoding="utf-8")
        files[name] = StationFile(f"configs/{name}.yaml", document.question, text)
        if report := newest_report(folder, document.path.stem):
            try:
                entries[name] = _entry(document, report)
            except PipelineError as error:
                damaged[name] = error.what
                say(f"{report.parent} cannot be read: {error.what}")
    page = write_walk(folder / PAGE, files, entries, damaged)
    if missing := len(files) - len(entries) - len(damaged):
        say(f"{missing} of {len(files)} experiments of the lecture have not run yet; make lecture runs all of them")
    say(f"lecture: {page}")
    rewrite_index(folder / "index.html")
    return 0


def newest_report(folder: Path, name: str) -> Path | None:
    """Find the report of the newest run of an experiment.

    Args:
        folder: That holds the folders of runs.
        name: Of the experiment: that of its file.

    Returns:
        The page, or ``None`` if there is none.
    """
    reports = [*folder.glob(f"{name}/report.html"), *folder.glob(f"{name}-*/report.html")]
    return max(reports, key=lambda report: last_worked_on(report.parent), default=None)


def has_run(folder: Path, configs: Sequence[str]) -> bool:
    """Whether a folder holds a report of an experiment.

    Args:
        folder: That holds the folders of runs.
        configs: Files of the experiments, without their endings.

    Returns:
        Whether one of them has run there.
    """
    return any(newest_report(folder, Path(config).name) for config in configs)


def _refuse(folder: Path, configs: Sequence[str]) -> NoReturn:
    """Say that a folder holds no run of the lecture, and which one near it does."""
    what = "no experiment of the lecture has run here" if folder.is_dir() else "there is no such folder"
    near = {RUNS, folder.parent, *(path for path in folder.parent.glob("*") if path.is_dir())}
    meant = [str(path) for path in near if has_run(path, configs)]
    hint = nearest(str(folder), meant) if meant else "make lecture runs its experiments"
    raise PipelineError(what, where=str(folder), hint=f"{hint}; --without-runs writes a walk that shows none")


def _entry(document: YamlDocument, report: Path) -> IndexEntry:
    """What the walk says of a run, from its folder."""
    from pipeline.api.run_contents import read_contents
    from pipeline.report.html.index_page import entry_of, entry_of_game
    from pipeline.report.theory.own_code import parts_left_out

    name = document.path.stem
    if document.is_game:
        from pipeline.problems.number_game import NumberGame
        from pipeline.report.html.game_page import game_answer, rounds

        game = document.construct(NumberGame)
        return entry_of_game(name, game.question, report, rounds(game), game_answer(game))
    with parts_left_out():  # the report tells of them
        contents = read_contents(report.parent)
        question = contents.plan.experiment.question
        return entry_of(name, question, report, contents.tables.results, contents.answer)
