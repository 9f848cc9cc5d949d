"""The page of the lecture's number game: what choosing after seeing the goal is worth.

Shape letters: G goals.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.numerics.randomness import stream
from pipeline.problems.number_game import (
    NumberGame,
    Rules,
    nearest_summands,
    outcome,
    score,
)
from pipeline.records.atomic_writes import replacing
from pipeline.report.figures.figure import FigureSpec
from pipeline.report.figures.score_by_owned import SCORES, score_by_owned
from pipeline.report.html.page_tables import page_table
from pipeline.report.html.rendering import render_page
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS

GAMES = 10_000
"""Goals that are drawn to compare an expected score with."""
MOST_SETS = 3
DEVIATIONS = 4.5
"""Standard errors within which a mean of ``GAMES`` games lies but once in 150,000 times."""


def write_game(game: NumberGame, folder: Path) -> Path:
    """Write ``report.html`` of a game into a folder, and its figure beside it.

    Args:
        game: Its rounds and cases.
        folder: Made where it is not there.

    Returns:
        The page.
    """
    scores = FigureSpec(SCORES, score_by_owned(game).to_dict() | {"description": f"{SCORES.title}. {SCORES.caption}"})
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    scores.write_png(folder / "figures")
    scores.write_json(folder / "figures")
    table = rounds(game)
    page = render_page(
        "game.html",
        game.question,
        charts=True,
        answer=game_answer(game),
        num_goals=GAMES,
        deviations=DEVIATIONS,
        rounds=page_table(table, keep=tuple(table.columns)),
        scores=scores,
        cases=page_table(cases(game), keep=("own", "goal")),
    )
    path = folder / "report.html"
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def game_answer(game: NumberGame) -> str:
    """By how much the best numbers miss a goal in the mean, in the first round and in the round where they do best."""
    scored = [(rules, outcome(rules)) for rules in game.rounds]
    (first, start), (most, best) = scored[0], min(scored, key=lambda pair: pair[1].best)
    said = f"Of goals up to {first.highest_goal} the best {first.own} numbers miss one by {_mean(start.best)} in the "
    said += f"mean, {first.own} at random by {_mean(start.mean)}"
    if most is first:
        return f"{said}."
    others = "" if most.highest_goal == first.highest_goal else f"of goals up to {most.highest_goal} "
    return f"{said}; {others}the best {most.own} by {_mean(best.best)}, {most.own} at random by {_mean(best.mean)}."


def _mean(score: Fraction) -> str:
    return f"{float(score):.3g}"


def rounds(game: NumberGame) -> pl.DataFrame:
    """One row for every round: what may be done, the best numbers, their expected score, and the score measured."""
    return pl.DataFrame([_round(rules) for rules in game.rounds])


def _round(rules: Rules) -> dict[str, object]:
    best = outcome(rules)
    mean, error = measured(best.best_sets[0], rules)
    agrees = abs(mean - float(best.best)) <= DEVIATIONS * error
    sets = " ".join("{" + ", ".join(map(str, owned)) + "}" for owned in best.best_sets[:MOST_SETS])
    more = f" and {len(best.best_sets) - MOST_SETS} more" if len(best.best_sets) > MOST_SETS else ""
    return {
        "own": rules.own,
        "add": f"{'exactly' if rules.exactly else 'at most'} {rules.add}",
        "goals": f"0 to {rules.highest_goal}",
        "best numbers": sets + more,
        "expected score": _spelled(best.best),
        "measured": mean,
        "random numbers": _spelled(best.mean),
        "verdict": AGREES if agrees else CONTRADICTS,
    }


def measured(numbers: tuple[int, ...], rules: Rules) -> tuple[float, float]:
    """Monte Carlo mean of the score over goals drawn at random, and its standard error ``s / sqrt(GAMES)``.

    Args:
        numbers: Those that are owned.
        rules: How many may be added up, and the goals.

    Returns:
        The mean and its standard error.
    """
    scores_G = np.array([score(numbers, goal, rules) for goal in rules.goals], dtype=np.float64)
    goals = stream("number game", repr(rules)).integers(len(rules.goals), size=GAMES)
    return float(scores_G[goals].mean()), float(scores_G[goals].std() / GAMES**0.5)


def cases(game: NumberGame) -> pl.DataFrame:
    """The cases of the configuration, each with the numbers to add up and the score."""
    rows = []
    for case in game.cases:
        rules = Rules(len(case.numbers), case.add, highest_goal=max(27, case.goal))
        chosen = nearest_summands(case.numbers, case.goal, rules)
        rows.append(
            {
                "own": "{" + ", ".join(map(str, case.numbers)) + "}",
                "goal": case.goal,
                "add up": " + ".join(map(str, chosen)) or "nothing",
                "score": score(case.numbers, case.goal, rules),
            }
        )
    schema = {"own": pl.String, "goal": pl.Int64, "add up": pl.String, "score": pl.Int64}
    return pl.DataFrame(rows, schema=schema)


def _spelled(value: Fraction) -> str:
    """A fraction and its value, such as ``5/4 = 1.25``."""
    return str(value) if value.denominator == 1 else f"{value} = {float(value):.4g}"
