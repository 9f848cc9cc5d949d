"""Training points of the tables of a run, as its playground holds them: the rows that were trained on, standardised."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.definitions import canonical
from pipeline.problems.datasets import Table
from pipeline.problems.losses import Task
from pipeline.problems.problem import Dataset, TableProblem
from pipeline.report.theory.initial_modes import dataset_of

MOST_LETTERS = 1_000_000
"""Of all tables of a page: some fifty thousand numbers with all their digits, or three times as many short ones."""
MOVED = "Trials on {} cannot be played: the table was moved, or has changed since."
TOO_LARGE = "Trials on {} cannot be played: its points are too many for the page, which holds {:,} letters of tables."


@dataclass
class HeldTables:
    """Tables of a page, each once, as many as there is room for.

    Args:
        most_letters: Of all of them as JSON.
    """

    most_letters: int = MOST_LETTERS
    tables: list[dict[str, Any]] = field(default_factory=list)
    """As ``TableData`` in ``scripts/descent/setting.js``."""
    sentences: set[str] = field(default_factory=set)
    """Why some are not there."""
    _numbers: dict[str, int | None] = field(default_factory=dict)

    def number(self, problem: TableProblem) -> int | None:
        """Which of the tables a problem has.

        Args:
            problem: Of a table.

        Returns:
            Its place among ``tables``, put there if it is new; ``None`` where it is not held.
        """
        if problem.identity not in self._numbers:
            self._numbers[problem.identity] = self._hold(problem)
        return self._numbers[problem.identity]

    def _hold(self, problem: TableProblem) -> int | None:
        dataset = dataset_of(problem)
        if dataset is None:
            self.sentences.add(MOVED.format(problem.label()))
            return None
        written = table_data(problem, dataset, len(self.tables))
        letters = len(json.dumps(written, separators=(",", ":")))
        if letters > self.most_letters:
            self.sentences.add(TOO_LARGE.format(problem.label(), MOST_LETTERS))
            return None
        self.most_letters -= letters
        self.tables.append(written)
        return len(self.tables) - 1


def table_data(problem: TableProblem, dataset: Dataset, number: int) -> dict[str, Any]:
    """A table as the page reads it.

    Args:
        problem: Whose training points they are.
        dataset: Its points.
        number: Its place among the tables of the page.

    Returns:
        JSON.
    """
    targets_KP = dataset.train_targets_PK.mT
    of_classes = problem.task is Task.CLASSES
    low, high = problem.bounds
    return {
        "number": number,
        "label": problem.label(),
        "problem": problem.identity,
        "task": problem.task.value,
        "dimension": problem.num_inputs,
        "outputs": problem.num_outputs,
        "bounds": [low, high] if math.isfinite(high - low) else None,
        "points": list(_short(dataset.train_inputs_PD.flatten().tolist())),
        "targets": list(_short(targets_KP.argmax(dim=0).tolist() if of_classes else targets_KP.flatten().tolist())),
        "written": {"data": _data_in_yaml(problem), "inputs": _inputs_in_yaml(problem)},
    }


def _short(numbers: Sequence[float]) -> Iterator[float]:
    """The same numbers, whole ones without a fraction, which is half of their letters."""
    return (int(number) if number == int(number) else number for number in numbers)


def _data_in_yaml(problem: TableProblem) -> dict[str, Any]:
    """The table by the name of its file: where it lies on the machine of the run is no part of a page."""
    ((name, fields),) = canonical(problem.data).items()
    shown = {key: value for key, value in fields.items() if key != "shape"}
    if isinstance(problem.data, Table):
        shown["path"] = problem.data.path.name
    return {name: shown}


def _inputs_in_yaml(problem: TableProblem) -> dict[str, Any]:
    split = {} if problem.split == "random" else {"split": problem.split}
    return {"train": problem.train, "test": problem.test, "seed": problem.seed, **split}
