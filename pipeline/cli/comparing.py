"""The verb compare: two runs side by side, and what each answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api.run_folders import run_folder
from pipeline.cli.prose import print_json, say
from pipeline.cli.reporting import say_damage

if TYPE_CHECKING:
    import polars as pl

    from pipeline.report.tables.run_comparison import RecordedSweep, RunComparison

MOST_SHOWN = 10
"""Trials of a table on a terminal."""


@dataclass(frozen=True)
class CompareOptions:
    """Options of compare.

    Args:
        runs: Folders of two runs.
        json: Whether the output is for a program.
    """

    runs: tuple[Path, Path]
    json: bool


def compare(options: CompareOptions) -> int:
    """Put two runs side by side: what differs in the question, in how trials ended, in their numbers and answers."""
    from pipeline.errors import number_of
    from pipeline.report.tables.run_comparison import compare_runs, first_ranks, read_sweep
    from pipeline.report.theory.own_code import in_sentences, parts_left_out

    first, second = map(run_folder, options.runs)
    with parts_left_out() as left_out:
        sweeps = read_sweep(first), read_sweep(second)
        found = compare_runs(*sweeps)
        answers = _answer(first, sweeps[0]), _answer(second, sweeps[1])
    if options.json:
        print_json(_as_json(found, options.runs, answers))
        return say_damage(*(sweep.damage for sweep in sweeps))
    say(f"first: {first}\nsecond: {second}")
    _print(found.question, "the same question: no field of the experiments differs")
    _print(found.origin, "planned and trained alike")
    alone = number_of(found.alone.height, "trial")
    say(f"{number_of(found.both, 'trial')} in both, {alone} in one only")
    _print(found.alone, "")
    if found.both:
        _print(found.endings, "all of these ended alike")
        differing = found.numbers.filter((found.numbers["differ"] > 0) | (found.numbers["in_one"] > 0))
        _print(differing, f"all of their last numbers are equal: {', '.join(found.numbers['diagnostic'])}")
    say("best in each:")
    _print(found.best, "nothing yet")
    say("\n".join([*first_ranks(found.best), *_answers_in_words(answers), *in_sentences(left_out)]))
    return say_damage(*(sweep.damage for sweep in sweeps))


def _answer(folder: Path, sweep: RecordedSweep) -> str:
    """What a run answers, in a row of sentences."""
    from pipeline.api.run_contents import contents_of

    return contents_of(folder, sweep.plan, sweep.outcomes, sweep.results, sweep.damage).answer.text


def _answers_in_words(answers: tuple[str, str]) -> list[str]:
    first, second = answers
    return [f"both answer: {first}"] if first == second else [f"the first answers: {first}", f"the second: {second}"]


def _print(table: pl.DataFrame, nothing: str) -> None:
    """Print the first rows of a table, or say that there are none."""
    from pipeline.errors import number_of
    from pipeline.report.tables.printing import as_text

    if not table.is_empty():
        print(as_text(table.head(MOST_SHOWN), keep=table.columns))
        if table.height > MOST_SHOWN:
            say(f"and {number_of(table.height - MOST_SHOWN, 'more row')}; --json writes all")
    elif nothing:
        say(nothing)


def _as_json(found: RunComparison, runs: tuple[Path, Path], answers: tuple[str, str]) -> dict[str, object]:
    """The whole comparison as plain JSON types."""
    from pipeline.report.tables.printing import as_json_rows

    tables = ("question", "origin", "numbers", "endings", "alone", "best")
    rows = {name: as_json_rows(getattr(found, name)) for name in tables}
    return {"first": str(runs[0]), "second": str(runs[1]), "both": found.both, **rows, "answers": list(answers)}
