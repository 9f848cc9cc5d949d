"""The page of the lecture's number game: what choosing after seeing the goal is worth.

Shape letters: G goals.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl

from pipeline.numerics.randomness import stream
from pipeline.problems.number_game import (
    NumberGame,
    Rules,
    nearest_summands,
    outcome,
    outcomes_by_owned,
    score,
)
from pipeline.records.atomic_writes import replacing
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, chart_of, styled
from pipeline.report.figures.figure import Caption, FigureSpec
from pipeline.report.html.page_tables import page_table
from pipeline.report.html.rendering import render_page
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS

GAMES = 10_000
"""Goals that are drawn to hold an expected score against."""
MOST_SETS = 3
DEVIATIONS = 4.5
"""Standard errors within which a mean of ``GAMES`` games lies but once in 150,000 times."""

SCORES = Caption(
    "score_by_owned",
    "Expected score against how many numbers are owned",
    "The score is the distance of the goal from the nearest sum, its mean over all goals: of the best numbers, and of "
    "numbers drawn at random. Only so many may be added up, however many are owned: what falls is the price of having "
    "chosen before the goal was known.",
)


def write_game(game: NumberGame, folder: Path) -> Path:
    """Write ``report.html`` of a game into a folder, and its figure beside it."""
    scores = FigureSpec(SCORES, _chart(game).to_dict())
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    scores.write_png(folder / "figures")
    table = rounds(game)
    page = render_page(
        "game.html",
        game.question,
        charts=True,
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
    """Mean score over goals drawn at random, and its standard error."""
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


def _chart(game: NumberGame) -> Chart:
    """Best and mean expected score against the numbers owned, for what the first round may add up."""
    first = game.rounds[0]
    rows = [
        {"owned": owned, "score": float(value), "numbers": kind}
        for owned, one in outcomes_by_owned(first.add, exactly=first.exactly, highest_goal=first.highest_goal).items()
        for kind, value in (("the best", one.best), ("drawn at random", one.mean))
    ]
    scale = alt.Scale(domain=["the best", "drawn at random"], range=list(charts.OKABE_ITO[:2]))
    base = chart_of(pl.DataFrame(rows)).encode(
        x=alt.X("owned:O", title="numbers owned", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("score:Q", title="expected score"),
        color=alt.Color("numbers:N", title=None, scale=scale),
        tooltip=["owned:O", "numbers:N", alt.Tooltip("score:Q", format=".4g")],
    )
    whole = alt.layer(base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=45, opacity=1))
    return styled(whole.properties(width=520, height=320))


def _spelled(value: Fraction) -> str:
    """A fraction and its value, such as ``5/4 = 1.25``."""
    return str(value) if value.denominator == 1 else f"{value} = {float(value):.4g}"
