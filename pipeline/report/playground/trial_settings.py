"""Trials of a run as settings of the playground, in the words of a YAML file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.definitions import canonical, definitions_within
from pipeline.errors import number_of
from pipeline.experiment.trial import LearningRate, Shape, TimesLimit, Trial
from pipeline.plans import Plan
from pipeline.problems.problem import FunctionProblem, Problem, TableProblem
from pipeline.report.playground.held_tables import HeldTables

MOST_TRIALS = 4000
"""Of more, those that the report shows are kept: 80 bytes each."""
OWN_DEFINITIONS = "Trials with definitions of your own cannot be played: the page knows those that are built in."
Group = tuple[Shape, Sequence[Trial]]
"""Trials of one shape."""


@dataclass(frozen=True)
class RunTrials:
    """Trials of a run that its playground can open; the names of the fields are those of the page's JSON.

    Args:
        run: Name of the run; empty for none.
        tables: Training points of its tables.
        shapes: Settings without a rate and a seed; of a table its number as ``table``.
        trials: For each id the index of its shape, its rate and its seed.
        sentences: Why some trials of the run are not among them.
    """

    run: str = ""
    tables: Sequence[dict[str, Any]] = ()
    shapes: Sequence[dict[str, Any]] = ()
    trials: dict[str, tuple[int, Any, int]] | None = None
    sentences: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """What ``scripts/playground/run_trials.js`` reads."""
        return {
            "run": self.run,
            "tables": list(self.tables),
            "shapes": list(self.shapes),
            "trials": self.trials or {},
            "sentences": list(self.sentences),
        }


def run_trials(plan: Plan, shown: Collection[str] = (), most: int = MOST_TRIALS) -> RunTrials:
    """The trials of a plan that the page can play.

    Args:
        plan: Of the run.
        shown: Ids of the trials that its report shows, which are kept where there is no room for all.
        most: How many the page holds.

    Returns:
        All of them up to ``most``; of more, those that are shown, or if none is, those of the first seed of each
        setting, cut after ``most``.
    """
    held = HeldTables()
    reasons = {why_not(pack.shape) for pack in plan.packs} - {""}
    groups: Iterable[Group] = [(pack.shape, pack.trials) for pack in plan.packs if _is_held(pack.shape, held)]
    reasons |= held.sentences
    number = sum(len(trials) for _, trials in groups)
    if number > most:
        groups = _among(groups, frozenset(shown)) if shown else _first_seeds(groups)
    kept, shapes = dict[str, tuple[int, Any, int]](), list[dict[str, Any]]()
    for shape, trials in groups:
        shapes.append(shape_setting(shape, held))
        for trial in trials[: most - len(kept)]:
            kept[trial.id] = len(shapes) - 1, rate_setting(trial.learning_rate), trial.seed
        if len(kept) == most:
            break
    if len(kept) < number:
        which = "those that the report shows" if shown else "those of the first seed of each"
        reasons.add(f"The page holds {len(kept)} of {number_of(number, 'trial')}: {which}.")
    return RunTrials(plan.name, held.tables, shapes, kept, sorted(reasons))


def why_not(shape: Shape) -> str:
    """Why trials of a shape cannot be played, as a sentence; empty where they may be, if the page has their parts."""
    return OWN_DEFINITIONS if any(definition.code_sha256 for definition in definitions_within(shape)) else ""


def _is_held(shape: Shape, held: HeldTables) -> bool:
    if why_not(shape):
        return False
    return not isinstance(shape.problem, TableProblem) or held.number(shape.problem) is not None


def shape_setting(shape: Shape, held: HeldTables) -> dict[str, Any]:
    """A shape as a setting of the page, all defaults included, but for rate and seed.

    Args:
        shape: What trials have in common.
        held: Tables of the page, that of the shape among them.

    Returns:
        JSON in the words of a YAML file; of a table its number in the page.
    """
    return {
        **_problem_setting(shape.problem, held),
        "model": canonical(shape.model),
        "width": shape.width,
        "loss": canonical(shape.loss),
        "optimizer": canonical(shape.optimizer),
        "steps": shape.steps,
        "batch_size": shape.batch_size,
        "dtype": shape.dtype,
    }


def _problem_setting(problem: Problem, held: HeldTables) -> dict[str, Any]:
    if isinstance(problem, TableProblem):
        return {"table": held.number(problem)}
    assert isinstance(problem, FunctionProblem)
    return {
        "target": canonical(problem.target),
        "inputs": {
            "measure": canonical(problem.measure),
            "dimension": problem.dimension,
            "test": problem.test,
            "seed": problem.seed,
        },
        "num_points": problem.train,
        "noise": problem.noise,
    }


def rate_setting(rate: LearningRate) -> float | dict[str, float] | None:
    """A learning rate as the page writes it; ``None`` for a solver, which has none."""
    return {"of_limit": rate.times_limit} if isinstance(rate, TimesLimit) else rate


def _among(groups: Iterable[Group], shown: Collection[str]) -> Iterator[Group]:
    for shape, trials in groups:
        if kept := [trial for trial in trials if trial.id in shown]:
            yield shape, kept


def _first_seeds(groups: Iterable[Group]) -> Iterator[Group]:
    """Of trials that differ in their seed alone the first; those of one setting may be in several packs."""
    seen = dict[tuple[object, ...], set[LearningRate]]()
    for shape, trials in groups:
        rates = seen.setdefault(_without_seed(shape), set())
        first = []
        for trial in trials:
            if trial.learning_rate not in rates:
                rates.add(trial.learning_rate)
                first.append(trial)
        if first:
            yield shape, first


def _without_seed(shape: Shape) -> tuple[object, ...]:
    way = (shape.optimizer, shape.loss, shape.steps, shape.batch_size, shape.dtype)
    return (shape.problem.family, shape.model.with_seed(0), shape.width, *way)
