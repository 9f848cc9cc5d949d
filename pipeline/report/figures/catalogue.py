"""The figures of a report: small Altair charts of aggregated numbers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from altair.utils.schemapi import debug_mode

from pipeline.report.figures.binary_classification import decision_regions, hidden_representation
from pipeline.report.figures.condition_by_width import condition_by_width
from pipeline.report.figures.error_by_width import THEORIES, error_by_width
from pipeline.report.figures.error_parts_by_width import error_parts_by_width
from pipeline.report.figures.feature_change_by_width import POWER, feature_change_by_width
from pipeline.report.figures.figure import Figure, FigureSpec
from pipeline.report.figures.fitted_functions import fitted
from pipeline.report.figures.loss_by_rate_and_width import loss_by_rate_and_width
from pipeline.report.figures.loss_by_step import loss_by_step
from pipeline.report.figures.phases_by_rate_and_width import phases_by_rate_and_width
from pipeline.report.figures.stability_by_step import stability_by_step
from pipeline.report.figures.steps_by_condition import steps_by_condition
from pipeline.report.figures.weights_by_step import weights_by_step
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.own_code import unless_own_code_fails
from pipeline.report.theory.yardsticks import NETWORK_FOUND, NO_NETWORK_BELOW

BLACK = "Black (white on a dark page): errors of other approximations, which are known exactly."

FIGURES: tuple[Figure, ...] = (
    Figure(
        "error_by_width",
        "Error by model and width",
        "",
        error_by_width,
        {
            "point width": "Each model and width at its best learning rate.",
            "point name": "Each model at its best learning rate.",
            "point rate_axis": "The model at each learning rate.",
            "area low": "The line is the median over seeds, the band their middle half, or all of fewer than five.",
            "rule low": "The mark is the median over seeds, the bar their middle half, or all of fewer than five.",
            "point score": "Small dots are seeds.",
            THEORIES["theory"][0]: "Dashed: exact least squares on the same points.",
            THEORIES["best"][0]: "Dotted: the best that this basis, or any network of that width, can do "
            "with infinitely many points.",
            THEORIES["infinite"][
                0
            ]: "Dash-dotted: networks of infinite width, after as many steps at the same fraction of their limit.",
            "line yardstick": BLACK,
            "rule yardstick": BLACK,
            NO_NETWORK_BELOW: f"The best ReLU network of a width lies between “{NO_NETWORK_BELOW}” and "
            f"“{NETWORK_FOUND}”.",
        },
    ),
    Figure(
        "error_parts_by_width",
        "Where the error comes from",
        "Shares of the squared test error of the trial with the median error; above each bar the error itself. "
        "Approximation: no weights do better with these features, or, where the best model of the width is known, no "
        "features either. Sampling: least squares on finitely many points. Optimisation: what training did not reach. "
        "Rounding: the digits of the dtype. Quadrature: by how much the integral may be off. A part that lowers the "
        "error is left out here.",
        error_parts_by_width,
    ),
    Figure(
        "loss_by_step",
        "Training loss by step",
        "Median over seeds, 1,000 at most, at the greatest width that ran, for at most eight learning rates.",
        loss_by_step,
        {
            "diverged": "A cross marks the step at which the first trial of a learning rate diverged.",
            "theory": "Dashed: theory, for descent on a quadratic loss; of a network under the square loss, descent on "
            "the network linearised at its start.",
        },
    ),
    Figure(
        "stability_by_step",
        "Learning rate over the largest stable one, by step",
        "Median over seeds, 1,000 at most, at the greatest width that ran: the learning rate over the largest that is "
        "stable at the present sharpness, the largest eigenvalue of the Hessian. Descent on a network drives it up to "
        "1, the edge of stability, where it stays while the loss goes on falling, though not at every step.",
        stability_by_step,
    ),
    Figure(
        "weights_by_step",
        "Gradient and weights by step",
        "Median over seeds, 1,000 at most, at the greatest width that ran. "
        "The gradient vanishes wherever descent converges in loss; "
        "the weights come to rest only if the loss has a minimum. On separable points cross-entropy has none: the "
        "weights grow for ever, ever more slowly.",
        weights_by_step,
    ),
    Figure(
        "loss_by_rate_and_width",
        "Final loss over learning rate and width",
        "Bright is a low loss; the brightest also stands for all lower ones.",
        loss_by_rate_and_width,
        {
            "diverged": "A cross stands where trials diverged (faint where only some did), a grey cell where all did.",
            "rule limit": "The line is the largest stable learning rate that theory predicts, where it lies in the "
            "range.",
        },
    ),
    Figure(
        "phases_by_rate_and_width",
        "Phases of descent over learning rate and width",
        "What the loss of most seeds does (paler: of fewer), at multiples of the largest learning rate "
        "that is stable at the initial weights: it falls from the first step; it rises first and comes back, the "
        "catapult; it ends above its first value; it diverges. Of a wide two-layer linear network these change at 1 "
        "and at 2.",
        phases_by_rate_and_width,
    ),
    Figure(
        "fitted",
        "What was learned",
        "The function of the best trial of each model at a few widths, over the target if that is "
        "a function; what leaves the frame is cut off.",
        fitted,
    ),
    Figure(
        "answers",
        "What was learned, over the plane",
        "Where the best trial of each model and width answers yes (orange) and no (blue), the deeper the further its "
        "output lies from the threshold between them. Dots are training points: dark ones are to be answered with yes, "
        "white ones with no.",
        decision_regions,
    ),
    Figure(
        "hidden_space",
        "The space of the hidden units",
        "Where the two hidden units of the best trial put the training points, dark ones to be answered with yes, "
        "white ones with no. The output layer draws a straight line here: where it can part the two, the network has "
        "found features in which the question is linear.",
        hidden_representation,
    ),
    Figure(
        "condition_by_width",
        "Condition number by model and width",
        "The square of this number sets the pace of descent.",
        condition_by_width,
        {"rule value": "From 1e15 on float64 tells no more than that."},
    ),
    Figure(
        "feature_change_by_width",
        "How far hidden units move, by model and width",
        "The change of the hidden units at the training points since the start, relative to their size, at the "
        "smallest learning rate, median over seeds. Where it falls with the width, wide networks keep the features "
        "that they start with; where it is level, they go on learning.",
        feature_change_by_width,
        {
            "area low": "The band holds the middle half of the seeds.",
            POWER: "Dashed: the power of the width that theory says of the first step of wide networks, through the "
            "median at the greatest width.",
        },
    ),
    Figure(
        "steps_by_condition",
        "What the condition number costs",
        "Steps after which all but a fraction of the excess loss is gone (a thousandth, unless the configuration says "
        "otherwise), at the best learning rate. Rings and dashes: predicted before training, from the singular values "
        "and the targets. Filled: the first recorded step at which it was; none where training ended before.",
        steps_by_condition,
    ),
)


DRAWN_LAST = ("loss_by_step", "error_by_width")
"""Figures beside theory that takes long, the last of them longest. PNG files of the others are made meanwhile."""

ORDER = [figure.name for figure in FIGURES]
"""Names of figures as a page shows them."""


def draw(tables: RunTables) -> Iterator[FigureSpec]:
    """Every figure that the run has something to show in, as soon as it is drawn: those first that need no theory."""
    late = {name: number for number, name in enumerate(DRAWN_LAST, 1)}
    for figure in sorted(FIGURES, key=lambda figure: late.get(figure.name, 0)):
        nothing: dict[str, Any] = {}
        draws = functools.partial(_spec_of, figure, tables)
        spec = unless_own_code_fails(f"figure: {figure.title}", draws, nothing)
        if spec:
            yield FigureSpec(figure, spec | {"description": f"{figure.title}. {figure.caption_of(spec)}"})


def _spec_of(figure: Figure, tables: RunTables) -> dict[str, Any]:
    with debug_mode(False):  # no part of a chart is held against the schema, for half of the time: the tests do that
        chart = figure.draw(tables)
        return {} if chart is None else chart.to_dict(validate=False)
