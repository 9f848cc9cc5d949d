"""Pictures of definitions, drawn from the code: each calls the definition itself."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from html import escape
from types import MappingProxyType
from typing import Any

import altair as alt
import numpy as np
import polars as pl
import torch
import vl_convert

from pipeline.definitions import Definition
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.models.activations import Activation
from pipeline.models.bases.basis import Basis
from pipeline.models.initialisations import Initialisation
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import GradientDescent, LeastSquares, Optimizer
from pipeline.optimizers.solvers import LevenbergMarquardt
from pipeline.problems.losses import Loss, SoftmaxCrossEntropy
from pipeline.problems.measures import Measure
from pipeline.problems.targets import AbsoluteValue, Target
from pipeline.report.figures.charts import OKABE_ITO, Chart, chart_of, log_scale
from reference_pages.example_training import MODELS, descent, model_for, snapshots

COLOURS = OKABE_ITO[:6]
"""Those that can be seen on a light page and on a dark one."""
INK = "currentColor"
"""What the page around a picture writes in."""
SHOWN, WIDTH = 6, 8
"""Functions of a basis that are drawn, and how many there are."""
NUM_POINTS = 241
DECADES = 20.0
"""Ratio of the greatest to the least value from which on an axis is logarithmic."""
WIDE = 32
"""Hidden units of the networks at step 0."""


def lines(table: pl.DataFrame, x: str, y: str, legend: str) -> Chart:
    """Lines of several names over a common axis.

    Args:
        table: Columns ``x``, ``y`` and ``name``.
        x: Title of the horizontal axis.
        y: Title of the vertical one.
        legend: Title of the legend; empty for no legend.

    Returns:
        A chart.
    """
    names = table["name"].unique(maintain_order=True).to_list()
    scale = alt.Scale(domain=names, range=[COLOURS[number % len(COLOURS)] for number in range(len(names))])
    shown = alt.Legend(title=legend, symbolType="stroke") if legend else None
    colour = alt.Color("name:N", scale=scale, legend=shown)
    return chart_of(table).mark_line(strokeWidth=1.8).encode(x=axis(alt.X, x), y=axis(alt.Y, y), color=colour)


def axis(channel: type[alt.X] | type[alt.Y], title: str) -> alt.X | alt.Y:
    """An axis with few ticks; without a title where the legend says it."""
    return channel(f"{channel.__name__.lower()}:Q", title=title or None, axis=alt.Axis(tickCount=5))


def curves(x_P: np.ndarray, named: Mapping[str, np.ndarray], x: str, y: str, legend: str = "") -> Chart:
    """Functions at the same points."""
    parts = [pl.DataFrame({"x": x_P, "y": values}).with_columns(name=pl.lit(name)) for name, values in named.items()]
    return lines(pl.concat(parts), x, y, legend)


def interval(low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """Points of an interval, none of them a dyadic fraction of it, where steps would be drawn as slopes."""
    return np.linspace(low, high, NUM_POINTS)


def of_basis(basis: Basis) -> Chart:
    """The first functions."""
    x_P = interval()
    values_PW = basis(torch.from_numpy(x_P), WIDTH).numpy()
    named = {f"{number}": values_PW[:, number] for number in range(SHOWN)}
    return curves(x_P, named, "x", f"functions 0 to {SHOWN - 1} of {WIDTH}", "function")


def of_target(target: Target) -> Chart:
    """Its graph on [-1, 1], or its values at a sample of the plane."""
    if target.dimensions in (None, 1):
        x_P = interval()
        return curves(x_P, {target.name(): target(x_P[:, None])}, "x", "f(x)")
    points_PD = target.natural_measure.sample(256, 2, stream("a picture"))
    return scatter(points_PD, target(points_PD))


def scatter(points_PD: np.ndarray, values_P: np.ndarray | None = None) -> Chart:
    """Points of the plane, coloured by a value of 0 or 1."""
    values = np.zeros(len(points_PD)) if values_P is None else values_P
    rows = [
        {"x": float(one), "y": float(other), "name": f"{value:g}"}
        for (one, other), value in zip(points_PD, values, strict=True)
    ]
    legend = None if values_P is None else alt.Legend(title="f(x)")
    colour = alt.Color("name:N", scale=alt.Scale(domain=["0", "1"], range=list(COLOURS[:2])), legend=legend)
    chart = chart_of(pl.DataFrame(rows)).mark_circle(size=18, opacity=0.7)
    return chart.encode(x=axis(alt.X, "x1"), y=axis(alt.Y, "x2"), color=colour)


def of_activation(activation: Activation) -> Chart:
    """g and its derivative."""
    z_P = interval(-4.0, 4.0)
    value_P = activation(torch.from_numpy(z_P))
    slope_P = activation.multiply_by_derivative_(torch.ones_like(value_P), value_P.clone())
    return curves(z_P, {"g(z)": value_P.numpy(), "g'(z)": slope_P.numpy()}, "z", "", "of the weighted sum")


def of_loss(loss: Loss) -> Chart:
    """Loss and slope of one point as the output that is to be 1, or that of the right class, changes."""
    z_T = torch.from_numpy(interval(-4.0, 4.0))
    several = isinstance(loss, SoftmaxCrossEntropy)
    outputs_TKP = torch.stack([z_T, torch.zeros_like(z_T)], dim=1)[..., None] if several else z_T[:, None, None]
    targets_KP = torch.tensor([[1.0], [0.0]] if several else [[1.0]], dtype=torch.float64)
    slope_T = loss.gradient(outputs_TKP, targets_KP)[:, 0, 0]
    named = {"loss": loss(outputs_TKP, targets_KP).numpy(), "slope": slope_T.numpy()}
    return curves(z_T.numpy(), named, "output, where 1 is right", "", "of one point")


def of_measure(measure: Measure) -> Chart:
    """A sample of the plane."""
    return scatter(measure.sample(256, 2, stream("a picture")))


def of_model(model: Model) -> Chart:
    """|x|, and what the model makes of it where nothing is left to optimise."""
    optimizer = LeastSquares() if model.linear else LevenbergMarquardt()
    *_, last = snapshots(model, optimizer)
    x_P = interval()
    context = last.context
    prepared_AP = context.model.prepare(torch.from_numpy(x_P)[:, None], context.width)
    outputs_P = context.model.outputs(last.weights_TN, prepared_AP, context.width, 1)[0, 0].numpy()
    named = {"target": AbsoluteValue()(x_P[:, None]), model.name(): outputs_P}
    return curves(x_P, named, "x", "f(x)", f"width {context.width}, {context.num_points} points")


def of_initialisation(initialisation: Initialisation) -> Chart:
    """Six networks at step 0."""
    model, x_P = Shallow(initialisation=initialisation), interval()
    prepared_AP = model.prepare(torch.from_numpy(x_P)[:, None], WIDE)
    named = {}
    for seed in range(SHOWN):
        weights_1N = torch.from_numpy(model.initial_weights(WIDE, 1, 1, stream("a picture", seed)))[None]
        named[f"{seed}"] = model.outputs(weights_1N, prepared_AP, WIDE, 1)[0, 0].numpy()
    return curves(x_P, named, "x", f"ReLU networks of width {WIDE} at step 0", "seed")


def of_optimizer(optimizer: Optimizer) -> Chart:
    """The training loss of a small network or linear model, beside gradient descent."""
    model = model_for(optimizer)
    compared = {one.name(): one for one in (optimizer, GradientDescent())}
    named = {
        name: [(look.step, float(look.losses_T[0])) for look in snapshots(model, one)] for name, one in compared.items()
    }
    return by_step(named, "training loss")


def of_diagnostic(diagnostic: Diagnostic) -> Chart:
    """Its values while gradient descent trains a linear model and a network on |x|."""
    named: dict[str, list[tuple[int, float]]] = {}
    for name, model in MODELS.items():
        looks = descent(name)
        context = looks[0].context
        if diagnostic.applies(model, context.loss, context.optimizer):
            shown = looks[:1] if diagnostic.constant(model, context.loss) else looks
            values = [(look.step, float(diagnostic(look)[0])) for look in shown]
            named[name] = [(step, value) for step, value in values if math.isfinite(value)]
    return by_step({name: values for name, values in named.items() if values}, diagnostic.unit)


def by_step(named: Mapping[str, list[tuple[int, float]]], y: str) -> Chart:
    """Curves over the steps, on a logarithmic axis where they span several decades; a constant is a line."""
    last = max(step for values in named.values() for step, _ in values) or 100
    drawn = {name: values if len(values) > 1 else [values[0], (last, values[0][1])] for name, values in named.items()}
    rows = [(float(step), value, name) for name, values in drawn.items() for step, value in values]
    table = pl.DataFrame(rows, schema={"x": pl.Float64, "y": pl.Float64, "name": pl.String}, orient="row")
    chart = lines(table, "step", y, "of")
    heights = [row[1] for row in rows]
    if min(heights) > 0 and max(heights) / min(heights) > DECADES:
        scale, ticks = log_scale(heights)
        chart = chart.encode(y=alt.Y("y:Q", title=y, scale=scale, axis=ticks))
    steps = alt.Axis(values=[0, 1, 3, 10, 30, 100])
    return chart.encode(x=alt.X("x:Q", title="step", scale=alt.Scale(type="symlog", nice=False), axis=steps))


DRAWN: Mapping[type[Definition], Callable[[Any], Chart]] = MappingProxyType(
    {
        Basis: of_basis,
        Target: of_target,
        Activation: of_activation,
        Loss: of_loss,
        Measure: of_measure,
        Model: of_model,
        Initialisation: of_initialisation,
        Optimizer: of_optimizer,
        Diagnostic: of_diagnostic,
    }
)
"""How the definitions of a kind are drawn; of data there is no picture."""


def svg(chart: Chart, name: str, said: str) -> str:
    """A chart as SVG inside a page, in the colour of its text.

    Args:
        chart: The chart.
        name: Letters that no other picture of the page has, for what the picture names inside.
        said: What is seen, for those who hear the page.

    Returns:
        HTML.
    """
    axis = {"labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK, "gridOpacity": 0.15}
    font = {"titleFontWeight": "normal", "titleFontSize": 12, "labelFontSize": 11}
    configured = (
        chart.properties(width=330, height=190, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(gridColor=INK, **axis, **font)
        .configure_legend(labelColor=INK, titleColor=INK, **font)
    )
    drawn = vl_convert.vegalite_to_svg(configured.to_dict())
    own = re.sub(r'(id="|url\(#)(\w+)', rf"\1{name}-\2", drawn)
    return f'<figure class="picture" role="img" aria-label="{escape(said)}">{own}</figure>\n'
