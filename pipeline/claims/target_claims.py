"""What is true of every target, and what a target says of itself."""

from __future__ import annotations

import itertools
import math

import numpy as np

from pipeline.claims.claim import Claim
from pipeline.numerics.randomness import stream
from pipeline.problems.losses import Task
from pipeline.problems.measures import Points
from pipeline.problems.problem import FunctionProblem
from pipeline.problems.targets import Target

ENDS = np.array([-1.0, -0.77, -0.2, 0.05, 0.31, 1.0])
"""Between which integrals are taken, none at a place that a target is likely to break at."""


def is_a_number_at_each_point(target: Target) -> str:
    """values are [points], finite, in float64."""
    dimension = target.dimensions or 3
    points = target.natural_measure.sample(2**dimension * 5, dimension, stream("target"))
    values = target(points.copy())
    if not isinstance(values, np.ndarray) or values.dtype != np.float64:
        return f"they are {getattr(values, 'dtype', type(values).__name__)}"
    if values.shape != (len(points),):
        return f"the shape is {list(values.shape)} for points [{len(points)}, {dimension}]"
    return "" if np.isfinite(values).all() else "one is not finite"


def is_the_same_twice_and_point_by_point(target: Target) -> str:
    """a value depends on its point alone, and is the same every time."""
    dimension = target.dimensions or 3
    points = target.natural_measure.sample(2**dimension * 5, dimension, stream("target"))
    whole, before = target(points), points.copy()
    if not np.array_equal(whole, target(points)) or not np.array_equal(points, before):
        return "the same points give other values the second time"
    alone = np.concatenate([target(points[i : i + 1]) for i in range(len(points))])
    return "" if np.allclose(whole, alone, rtol=1e-14, atol=1e-14) else "a point alone has another value"


def makes_a_problem(target: Target) -> str:
    """natural_measure: its default sizes make a problem."""
    dimension = target.dimensions or 1
    train, test = target.natural_measure.default_sizes(dimension)
    loaded = FunctionProblem(target, target.natural_measure, dimension, train, test, 0.0, 0).load()
    shape = tuple(loaded.train_targets_PK.shape)
    return "" if shape == (train, target.num_classes or 1) else f"the targets of {train} points are {list(shape)}"


def has_every_answer(target: Target) -> str | None:
    """task: labels are 0 and 1, classes numbers from 0, and all occur."""
    if target.task is Task.REGRESSION:
        return None
    dimension = target.dimensions or 2
    values = np.unique(target(target.natural_measure.sample(400, dimension, stream("labels")))).tolist()
    return "" if values == list(range(target.num_classes or 2)) else f"they are {values[:5]}"


def has_classes_exactly_if_its_task_is_of_classes(target: Target) -> str:
    """num_classes: a target of classes has some, any other none."""
    return "" if (target.task is Task.CLASSES) == (target.num_classes is not None) else f"it has {target.num_classes}"


def has_the_claimed_mean_square(target: Target) -> str | None:
    """mean_square: it is that of quadrature."""
    checked = None
    for dimension in (1, 2, 3) if target.dimensions is None else (target.dimensions,):
        claimed = target.mean_square(dimension)
        if claimed is None or dimension > 3:
            continue
        # 100 nodes: Runge's poles shrink its error by 0.82 a degree, 200 degrees to 1e-17; the others need 30.
        x, w = _panels(target, 100 if dimension == 1 else 30)
        points = np.stack(np.meshgrid(*[x] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
        weights = np.stack(np.meshgrid(*[w] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension).prod(axis=-1)
        # Sums of up to 2e5 positive terms in float64 are off by far less than 2e5 eps = 5e-11.
        found = float(weights @ target(points) ** 2)
        if not math.isclose(found, claimed, rel_tol=1e-12):
            return f"of {dimension} inputs it is {found:.12g}, and {claimed:.12g} is claimed"
        checked = ""
    return checked


def is_as_smooth_as_claimed(target: Target) -> str | None:
    """smoothness: the coefficients in cosines fall as a function of that Sobolev smoothness has them."""
    if not _of_one_input(target):
        return None
    if math.isinf(target.smoothness):
        # Analytic: Chebyshev coefficients fall geometrically, for Runge, the slowest, to 0.82^200 = 6e-18.
        at = np.polynomial.chebyshev.chebpts1(301)
        cosines = np.cos(np.outer(np.arange(200, 301), np.arccos(at)))  # discrete orthogonality gives the coefficients
        tail = float(np.abs(cosines @ target(at[:, None])).max()) * 2 / 301
        return "" if tail < 1e-13 else f"Chebyshev coefficients from 200 on are {tail:.2g}, as of no smooth function"
    # f is in H^s for every s below S: the tail of the squared coefficients beyond K falls like K^(-2 S).
    x, w = _panels(target, 1024)
    cosines = np.sqrt(2) * np.cos(np.pi * np.outer(np.arange(1, 512), (x + 1) / 2))
    tails = np.cumsum((cosines @ (w * target(x[:, None])))[::-1] ** 2)[::-1]
    few, many = 16, 64  # the last is far below 512, where the tail is cut off
    slope = math.log(tails[few] / tails[many]) / math.log(many / few) / 2 if tails[many] else math.inf
    # Half of the coefficients may vanish, which shifts 16 by one (0.07), and the cut at 512 lowers the second tail.
    return "" if abs(slope - target.smoothness) <= 0.15 else f"they fall as of {slope:.2f}, not {target.smoothness:g}"


def breaks_inside_exactly_if_it_is_not_smooth(target: Target) -> str | None:
    """breaks: they lie inside (-1, 1), and there are some exactly if the smoothness is finite."""
    if target.task is not Task.REGRESSION:
        return None
    outside = [place for place in target.breaks() if not -1 < place < 1]
    if outside:
        return f"{outside[0]:g} lies outside"
    some = bool(target.breaks())
    return "" if some == math.isfinite(target.smoothness) else f"there are {'some' if some else 'none'}"


def has_the_claimed_antiderivative(target: Target) -> str | None:
    """antiderivative: its differences are the integrals."""
    if not _of_one_input(target):
        return None
    ends = np.sort(np.concatenate([ENDS, target.breaks()]))
    whole = target.antiderivative(ends)
    if whole is None:
        return None
    nodes, weights = np.polynomial.legendre.leggauss(60)
    for left, right, claimed in zip(ends[:-1], ends[1:], np.diff(whole), strict=True):
        points = left + (right - left) * (nodes + 1) / 2
        found = float((right - left) / 2 * weights @ target(points[:, None]))
        if abs(claimed - found) > 1e-13 * max(1.0, float(np.abs(whole).max())):
            return f"from {left:.4g} to {right:.4g} the integral is {found:.10g}, and {claimed:.10g} is claimed"
    return ""


def has_the_claimed_second_derivative(target: Target) -> str | None:
    """second_derivative: it is that of central differences."""
    x, step = np.linspace(-0.95, 0.95, 39), 1e-4
    claimed = target.second_derivative(x) if _of_one_input(target) else None
    if claimed is None:
        return None
    left, middle, right = (target((x + offset)[:, None]) for offset in (-step, 0.0, step))
    found = (right - 2 * middle + left) / step**2
    scale = max(1.0, float(np.abs(claimed).max()))
    away = np.array([all(abs(place - at) > 2 * step for at in target.breaks()) for place in x])
    # Rounding of values over the square of the step is 1e-8; what is left out is a fourth derivative times 1e-9.
    apart = np.abs(found - claimed)[away] / scale
    return "" if apart.max() < 1e-4 else f"at {x[away][apart.argmax()]:.3g} it is off by {apart.max() * scale:.2g}"


def has_no_slope_above_the_claimed_barron_constant(target: Target) -> str | None:
    """barron_constant: no slope is above it, and it is infinite if a slope jumps."""
    claimed = target.barron_constant(1) if _of_one_input(target) else None
    if claimed is None:
        return None
    if math.isinf(claimed) != any(-1 < place < 1 for place in target.breaks()):
        return f"it is {claimed:g}, and the breaks are {target.breaks()}"
    x = np.linspace(-1, 1, 20_001)
    steepest = float(np.abs(np.diff(target(x[:, None]))).max() / (x[1] - x[0]))
    return "" if steepest <= claimed else f"a slope is {steepest:.4g}, above {claimed:.4g}"


def _of_one_input(target: Target) -> bool:
    return target.task is Task.REGRESSION and target.dimensions in (None, 1)


def _panels(target: Target, num_nodes: int) -> tuple[Points, Points]:
    """Gauss-Legendre nodes and weights of the uniform distribution on [-1, 1], between the breaks of the target."""
    nodes, weights = np.polynomial.legendre.leggauss(num_nodes)
    ends = [-1.0, *(place for place in sorted(target.breaks()) if -1 < place < 1), 1.0]
    parts = [(a + (b - a) * (nodes + 1) / 2, weights * (b - a) / 4) for a, b in itertools.pairwise(ends)]
    return np.concatenate([x for x, _ in parts]), np.concatenate([w for _, w in parts])


TARGET_GRANTED: tuple[Claim, ...] = (is_a_number_at_each_point, is_the_same_twice_and_point_by_point)
"""What training takes for granted: where one fails, every number would be false."""

TARGET_CLAIMS: tuple[Claim, ...] = (
    *TARGET_GRANTED,
    makes_a_problem,
    has_every_answer,
    has_classes_exactly_if_its_task_is_of_classes,
    has_the_claimed_mean_square,
    is_as_smooth_as_claimed,
    breaks_inside_exactly_if_it_is_not_smooth,
    has_the_claimed_antiderivative,
    has_the_claimed_second_derivative,
    has_no_slope_above_the_claimed_barron_constant,
)
