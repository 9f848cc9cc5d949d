"""Best approximation errors, below which no weights of a model come: known exactly for a target and a basis or network.

Mean squares are under the uniform distribution on [-1, 1]^D. They are those of the target itself, of infinitely many
points: its squared distance from the best combination of functions. A trial that learns from
finitely many points, or from noisy ones, stays above.
"""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from pipeline.models.activations import Relu
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.local_basis import BSpline, Hat
from pipeline.models.bases.polynomial import Chebyshev, Legendre, Monomial
from pipeline.models.bases.trigonometric import Cosine, Fourier
from pipeline.models.bases.wavelet import Haar
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.problems.measures import Uniform
from pipeline.problems.problem import FunctionProblem, Problem
from pipeline.problems.targets import AbsoluteValue, OnePlusPower, Sine, Step, Target, XSquared

GAUSS_NODES = 200
"""Gauss nodes between two inflection points: the mean of |f''|^(2/5) to rounding."""
SEARCHED_CELLS = 4096
"""Cells of [-1, 1] in which a change of sign is looked for."""


def best_error(problem: Problem, model: Model, width: int) -> float | None:
    """Error of best approximation, as a root mean square, of a model of some width; ``None`` where it is not known.

    Args:
        problem: A target under the uniform distribution on [-1, 1]^D, or another, of which nothing is known.
        model: Model whose best weights are meant.
        width: W.

    Returns:
        In units of the target.
    """
    if not isinstance(problem, FunctionProblem) or problem.measure != Uniform():
        return None
    squared_error = best_mean_square(problem.target, model, width, problem.dimension)
    return None if squared_error is None else math.sqrt(max(squared_error, 0.0))


def best_mean_square(target: Target, model: Model, width: int, dimension: int = 1) -> float | None:
    """Error of best approximation, as a mean square ``min_w mean |f - f_w|^2``; ``None`` where it is not known.

    Args:
        target: f.
        model: Model f_w whose best weights w are meant.
        width: W.
        dimension: D.

    Returns:
        In squared units of the target.

    Example:
        The mean of x^2 misses it by 1/5 - 1/9.

        >>> round(45 * best_mean_square(XSquared(), Linear(Legendre()), width=1), 9)
        4.0

    Source: the functions below, and for networks: x^2 has the best pieces of equal length, and a network of even
    width with an output bias has ``width + 1`` of them.
    """
    match model:
        case Linear(coordinates="cartesian") if dimension == 1:
            return _squared_error(target, model.basis, width)
        case Linear(coordinates="cartesian"):
            return _squared_error_of_products(target, model, width, dimension)
        case Greedy() if dimension == 1:
            return _squared_error_of_best_terms(target, model.dictionary, model.size_for(width), width)
        case Shallow(activation=Relu()) if isinstance(target, XSquared) and width % 2 == 0:
            return _squared_error_of_linear_pieces(width + 1)
    return None


@functools.lru_cache(maxsize=1 << 10)
def free_knot_constant(target: Target) -> float | None:
    """Asymptotic constant of best free-knot linear splines: limit of m^2 times the error of the best m linear pieces.

    ``(mean |f''|^(2/5))^(5/2) 4 / sqrt(720)`` on [-1, 1], for the root mean square error; networks of one input and m
    ReLUs are such pieces. It is 0 of a line.

    Args:
        target: f, of one input.

    Returns:
        In units of the target; ``None`` if f has several inputs, or no known bounded second derivative.

    Source: de Boor, "Good approximation by splines with variable knots" (1973), with the constant of linear pieces.
    """
    if target.dimensions not in (1, None) or target.second_derivative(np.zeros(1)) is None:
        return None
    ends = np.array([-1.0, *_inflection_points(target), 1.0])
    node, weight = np.polynomial.legendre.leggauss(GAUSS_NODES)
    # A zero makes a root of degree 5/2: points that come near the ends like the fifth power make it smooth.
    place, slope = _clustered((node + 1) / 2)
    size = np.diff(ends)[:, None]
    powers = np.abs(_second_derivative(target, ends[:-1, None] + size * place)) ** (2 / 5)
    return float(np.average(powers, weights=size * slope * weight)) ** (5 / 2) * 4 / math.sqrt(720)


def _second_derivative(target: Target, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Second derivative of a target that has one."""
    bend = target.second_derivative(x)
    assert bend is not None, f"{target.label()} has no second derivative"
    return bend


def _inflection_points(target: Target) -> list[float]:
    """Inflection points inside [-1, 1], where the second derivative changes sign, and 0, where a power may have one."""
    grid = np.linspace(-1, 1, SEARCHED_CELLS + 1)
    below = _second_derivative(target, grid) < 0
    turning = np.flatnonzero(below[1:] != below[:-1])
    low, high = grid[turning], grid[turning + 1]
    for _ in range(60):
        middle = (low + high) / 2
        like_low = (_second_derivative(target, middle) < 0) == below[turning]
        low, high = np.where(like_low, middle, low), np.where(like_low, high, middle)
    return sorted({0.0, *high[(high > -1) & (high < 1)].tolist()})


def _clustered(u: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places in [0, 1] that begin and end like the fifth power, and their derivative ``630 u^4 (1 - u)^4``."""
    place = u**5 * (126 - u * (420 - u * (540 - u * (315 - u * 70))))
    return place, 630 * u**4 * (1 - u) ** 4


@functools.lru_cache(maxsize=1 << 16)
def _squared_error(target: Target, basis: Basis, width: int) -> float | None:
    """Squared error of best approximation, as a mean, by the first functions of a basis, of a target of one input."""
    match basis:
        case Monomial() | Legendre() | Chebyshev():
            return _squared_error_of_polynomials(target, width)
        case Cosine():
            return _squared_error_of_cosines(target, width)
        case Fourier():
            return _squared_error_of_fourier(target, width)
        case Haar():
            return _squared_error_of_haar(target, width)
        case Hat() | BSpline(degree=1) if width > 1 and _power(target) == 2:
            return _squared_error_of_linear_pieces(width - 1)
    return None


def _power(target: Target) -> int | None:
    """Exponent q of a target that is x^q, or differs from it by a constant, which every basis here has."""
    match target:
        case XSquared():
            return 2
        case OnePlusPower():
            return target.power
    return None


def _squared_error_of_polynomials(target: Target, width: int) -> float | None:
    """Squared error of best polynomials: only powers of the same parity help, and on [0, 1] those are Muntz's.

    For x^q and powers p of its parity it is ``prod_p ((q - p) / (q + p + 1))^2 / (2 q + 1)``; for a step it follows
    from its Legendre coefficients.

    Returns:
        ``None`` for other targets.

    Source: Muntz (1914), for the product.
    """
    power = 1 if isinstance(target, AbsoluteValue) else _power(target)
    if power is not None:
        parity = 0 if isinstance(target, AbsoluteValue) else power % 2
        factors = (((power - p) / (power + p + 1)) ** 2 for p in range(parity, width, 2))
        return math.prod(factors) / (2 * power + 1)
    if isinstance(target, Step):
        at, degree_W = _inside(target), np.arange(1, width)
        legendre = np.polynomial.legendre.legvander(np.array([at]), width + 1)[0]
        squares_W = (legendre[degree_W - 1] - legendre[degree_W + 1]) ** 2 / (4 * (2 * degree_W + 1))
        return _remainder(target, [((1 - at) / 2) ** 2, *squares_W])
    return None


def _squared_error_of_cosines(target: Target, width: int) -> float | None:
    """Squared error of half-period cosines, by Parseval's identity from the Fourier coefficients of the target."""
    k_W = np.arange(1, width)
    match target:
        case AbsoluteValue():
            return _cosine_tail_of_absolute_value((width - 1) // 2)
        case Step():
            turn_W = np.pi * k_W * (_inside(target) + 1) / 2
            return _remainder(target, [((1 - _inside(target)) / 2) ** 2, *2 * (np.sin(turn_W) / (np.pi * k_W)) ** 2])
        case Sine() if target.frequency.is_integer():
            odd_W, twice = k_W[::2], 2 * target.frequency
            return _remainder(target, 8 * (twice / (math.pi * (twice**2 - odd_W**2))) ** 2)
    match _power(target):
        case 1:
            return 32 / math.pi**4 * _sum_over_odd(width, 4)
        case 2:
            return 8 / math.pi**4 * _sum_from((width - 1) // 2 + 1, 4)
    return None


def _squared_error_of_fourier(target: Target, width: int) -> float | None:
    """Squared error of Fourier series, by Parseval's identity from the Fourier coefficients of the target."""
    cosines, sines = width // 2, (width - 1) // 2
    match target:
        case AbsoluteValue():
            return _cosine_tail_of_absolute_value(cosines)
        case Step():
            of_cosine, of_sine, at = np.arange(1, cosines + 1), np.arange(1, sines + 1), _inside(target)
            of_cosines = np.sin(np.pi * of_cosine * at) / (np.pi * of_cosine)
            of_sines = (np.cos(np.pi * of_sine * at) - (-1.0) ** of_sine) / (np.pi * of_sine)
            return _remainder(target, [((1 - at) / 2) ** 2, *of_cosines**2 / 2, *of_sines**2 / 2])
        case Sine() if target.frequency.is_integer():
            return 0.0 if target.frequency <= sines else 0.5
    match _power(target):
        case 1:
            return 2 / math.pi**2 * _sum_from(sines + 1, 2)
        case 2:
            return 8 / math.pi**4 * _sum_from(cosines + 1, 4)
    return None


def _squared_error_of_haar(target: Target, width: int) -> float | None:
    """Squared error of the mean over each cell: the first W wavelets span the steps on W cells."""
    level = width.bit_length() - 1
    edges = np.linspace(-1, 1, 2**level + 1)
    halved = width - 2**level
    edges = np.sort(np.concatenate([edges, (edges[:halved] + edges[1 : halved + 1]) / 2]))
    sizes = np.diff(edges)
    if _power(target) == 1:
        return float((sizes**3).sum()) / 24  # the variance of a line on each cell: no difference of two large numbers
    whole = target.antiderivative(edges)
    return None if whole is None else _remainder(target, np.diff(whole) ** 2 / (2 * sizes))


def _squared_error_of_products(target: Target, model: Linear, width: int, dimension: int) -> float | None:
    """Squared error of products of |x_i|: the squared coefficient of a product is the product of squared coefficients.

    That is so of an orthonormal basis; with every product come all of lower degrees, so that other polynomials
    have the span of Legendre's.

    Returns:
        ``None`` for other targets.
    """
    if not isinstance(target, AbsoluteValue) or not model.basis.ordered_products:
        return None
    indices = model.basis.indices(width, dimension, model.product)
    squares = _squared_coefficients(target, model.basis, 1 + max(itertools.chain.from_iterable(indices)))
    if squares is None:
        return None
    taken = squares[np.array(indices)].prod(axis=1)
    return math.fsum([target.mean_square(dimension), *-taken])


def _squared_error_of_best_terms(target: Target, basis: Basis, size: int, width: int) -> float | None:
    """Squared error of the best N-term approximation: of an orthonormal dictionary, by the largest coefficients."""
    if basis.orthonormal_under != Uniform():
        return None
    squares, rest = _squared_coefficients(target, basis, size), _squared_error(target, basis, size)
    return None if squares is None or rest is None else math.fsum([rest, *np.sort(squares)[: size - width]])


def _squared_coefficients(target: Target, basis: Basis, width: int) -> NDArray[np.float64] | None:
    """Squared coefficients of a target of one input in an orthonormal basis: what each takes off the error."""
    squared_error = [target.mean_square(1), *(_squared_error(target, basis, narrow) for narrow in range(1, width + 1))]
    known = [value for value in squared_error if value is not None]
    return -np.diff(known) if len(known) == len(squared_error) else None


def _squared_error_of_linear_pieces(num_pieces: int) -> float:
    """Squared error of the best linear pieces of x^2, which are of equal length and join."""
    return 4 / (45 * num_pieces**4)


def _cosine_tail_of_absolute_value(frequency: int) -> float:
    """Squared error of |x| by cosines of whole periods up to a frequency."""
    return 8 / math.pi**4 * _sum_over_odd(frequency + 1, 4)


def _sum_over_odd(first: int, power: int) -> float:
    """Sum of ``k^-power`` over odd k from ``first`` on, by the Hurwitz zeta function."""
    return float(torch.special.zeta(torch.tensor(float(power)).double(), first // 2 + 0.5)) / 2**power


def _sum_from(first: int, power: int) -> float:
    """Sum of ``k^-power`` from ``first`` on: the Hurwitz zeta function."""
    return float(torch.special.zeta(torch.tensor(float(power)).double(), first))


def _inside(step: Step) -> float:
    """Where a step lies, or the end of [-1, 1] that is next to it."""
    return min(max(step.at, -1.0), 1.0)


def _remainder(target: Target, squared_coefficients: ArrayLike) -> float:
    """Mean square of a target less that of its expansion; at least 0, where rounding may leave less than nothing."""
    whole = target.mean_square(1)
    assert whole is not None, f"{target.label()} has no mean square"
    return max(math.fsum([whole, *(-np.asarray(squared_coefficients))]), 0.0)
