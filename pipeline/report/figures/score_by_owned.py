"""The figure of the number game: expected score against how many numbers are owned."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.problems.number_game import NumberGame, outcomes_by_owned
from pipeline.report.figures import charts
from pipeline.report.figures.charts import Chart, chart_of, styled
from pipeline.report.figures.figure import Caption

SCORES = Caption(
    "score_by_owned",
    "Expected score against how many numbers are owned",
    "The score is the distance of the goal from the nearest sum, its mean over all goals: of the best numbers, and of "
    "numbers drawn at random. Only so many may be added up, however many are owned: what falls is the price of having "
    "chosen before the goal was known.",
)


def score_by_owned(game: NumberGame) -> Chart:
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
