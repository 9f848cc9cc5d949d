"""exp, log, tanh and the logistic function on all SIMD lanes, without a branch, within 2 units of the last place.

Each argument is reduced to a small interval exactly, where a polynomial is evaluated. NaN stays NaN.

Source: Muller, Elementary Functions (3rd ed.).
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np

from pipeline.engines.cpu.codegen.processor import has
from pipeline.engines.cpu.codegen.simd import FloatDtype, Program, Value

LOG2_E = 1.4426950408889634


@dataclass(frozen=True)
class Format:
    """Constants of a floating-point format.

    Args:
        mantissa_bits: Stored bits of the mantissa.
        bias: Of the exponent.
        ln2: ln 2 in two parts, the first so short that an integer times it is exact.
        expm1_terms: ``(exp(r) - 1 - r) / r^2`` for r from -0.56 to 0.36, interpolated at Chebyshev points; off by less
            than a tenth of the last place.
        exp_range: Arguments whose exponential is not yet zero, and is already infinite.
        tanh_one: Where tanh has rounded to 1.
        log_terms: Coefficients of the odd series of the logarithm (Sun's fdlibm, e_log.c and e_logf.c).
        smallest: The smallest normal number.
    """

    mantissa_bits: int
    bias: int
    ln2: tuple[float, float]
    expm1_terms: tuple[float, ...]
    exp_range: tuple[float, float]
    tanh_one: float
    log_terms: tuple[float, ...]
    smallest: float

    @property
    def shift(self) -> float:
        """A number to which others are added to round them to integers."""
        return 1.5 * 2.0**self.mantissa_bits


TABLE_SIZE = 32
"""Pieces of tanh, told apart by two bits of an exponent and three of the mantissa."""
TERMS_OF_PIECE = 5
LAST_OF_TABLE = 9.1
"""From here on tanh is 1 in float32."""
SPREAD = 1.648
"""``1 + 1.648 |x|`` goes through the numbers from 1 to 16, whose exponents are four: pieces are longer where tanh bends
less, 0.075 to 0.6."""


@dataclass(frozen=True)
class Piece:
    """A polynomial in the distance from the beginning of an interval, constant term first."""

    start: float
    terms: tuple[float, ...]


@functools.cache
def pieces_of_tanh() -> tuple[Piece, ...]:
    """Piecewise polynomials of tanh from 0 to 9.1, off by half of the last place of float32 at most before rounding.

    Least squares on Chebyshev points, which are dense at both ends, come close to the polynomial with the smallest
    largest error; errors are relative. The value at the beginning is its rounded one.

    Returns:
        ``TABLE_SIZE`` pieces.
    """
    marks = (np.arange(127 * 8, 131 * 8 + 1, dtype=np.int32) << 20).view(np.float32).astype(float)
    bounds = ((marks - 1) / SPREAD).astype(np.float32).astype(float).tolist()
    part = (1 - np.cos(np.pi * (np.arange(100) + 0.5) / 100)) / 2
    powers = part[:, None] ** np.arange(1, TERMS_OF_PIECE)
    pieces = []
    for start, end in itertools.pairwise(bounds):
        first, value = float(np.float32(np.tanh(start))), np.tanh(start + (end - start) * part)
        slopes = np.linalg.lstsq(powers / value[:, None], (value - first) / value, rcond=None)[0]
        slopes = (slopes / (end - start) ** np.arange(1, TERMS_OF_PIECE)).astype(np.float32)
        pieces.append(Piece(start, (first, *slopes.tolist())))
    return tuple(pieces)


FORMATS: dict[FloatDtype, Format] = {
    "float32": Format(
        23, 127, (0.693359375, -2.12194440e-4),
        (
            0.5000000017454087, 0.16666657773324095, 0.041666478777895505,
            0.008335803126691129, 0.0013930633113380232, 0.00018490455258003463,
        ),
        (-104.0, 89.0), 9.1,
        (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841), 2.0**-126,
    ),
    "float64": Format(
        52, 1023, (6.93147180369123816490e-01, 1.90821492927058770002e-10),
        (
            0.5, 0.16666666666666669, 0.041666666666666526, 0.008333333333332532, 0.001388888888896642,
            0.00019841269844513492, 2.480158716228016e-05, 2.755731354211341e-06, 2.755740571824175e-07,
            2.5056570555807147e-08, 2.0877067831562265e-09, 1.4785043607612117e-10,
        ),
        (-746.0, 710.0), 19.1,
        (
            6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
            1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
        ),
        2.0**-1022,
    ),
}  # fmt: skip


def exp(p: Program, x: Value) -> Value:
    """The exponential; digits below the smallest normal number are lost gradually, as they must be."""
    form = FORMATS[p.dtype]
    lowest, highest = form.exp_range
    x = p.select(x < lowest, lowest, p.select(x > highest, highest, x))
    whole, rest = _reduced(p, x)
    value = _expm1_series(p, rest) + 1.0
    half = p.bitwise("ashr", whole, 1)
    return value * _power_of_two(p, half) * _power_of_two(p, whole - half)  # in two steps: 2^n alone may not exist


def exp_of_negative(p: Program, x: Value) -> Value:
    """The exponential of numbers that are not above zero; zero where it has no full digits any more."""
    form = FORMATS[p.dtype]
    lowest = math.log(form.smallest) + 0.7
    whole, rest = _reduced(p, p.select(x < lowest, lowest, x))
    value = (_expm1_series(p, rest) + 1.0) * _power_of_two(p, whole)
    return p.select(x < lowest, 0.0, value)


def tanh(p: Program, x: Value) -> Value:
    """The hyperbolic tangent; from a table where the processor has registers and instructions for it."""
    if p.dtype == "float32" and has("avx512f"):
        return tanh_from_table(p, x)
    return tanh_from_exponential(p, x)


def tanh_from_table(p: Program, x: Value) -> Value:
    """The hyperbolic tangent, a polynomial for each interval, whose coefficients are looked up.

    Neither a division nor an exponential is in it: 16 instructions on a register instead of 25. Registers come one
    after another, so that what one needs stays in registers.

    Args:
        p: The program, in float32 and with AVX-512.
        x: Any number of full registers.

    Returns:
        ``tanh(x)``.
    """
    pieces = pieces_of_tanh()
    first = TABLE_SIZE - 127 * 8 % TABLE_SIZE  # the piece whose number ends in zeros
    starts, *terms = zip(*((piece.start, *piece.terms) for piece in (*pieces[first:], *pieces[:first])), strict=True)

    def of_register(x: Value) -> Value:
        size = p.intrinsic("fabs", x)
        size = p.select(size > LAST_OF_TABLE, LAST_OF_TABLE, size)
        number = p.bitwise("lshr", p.bitcast_to_integer(p.fma(size, SPREAD, 1.0)), 20)
        distance = size - p.table_lookup(starts, number)
        value = p.table_lookup(terms[-1], number)
        for term in reversed(terms[:-1]):
            value = p.fma(value, distance, p.table_lookup(term, number))
        return p.intrinsic("copysign", value, x)

    return p.concatenated([of_register(register) for register in x.parts(p.lanes)])


def tanh_from_exponential(p: Program, x: Value) -> Value:
    """The hyperbolic tangent, from ``E = exp(-2 |x|)``.

    Near zero it is ``(1 - E) / (1 + E)``, with a numerator that cancels nowhere; from 0.55 on ``1 - 2 E / (1 + E)``,
    whose correction to 1 is small, and its errors with it.

    Args:
        p: The program.
        x: Any value.

    Returns:
        ``tanh(x)``.
    """
    one = FORMATS[p.dtype].tanh_one
    size = p.intrinsic("fabs", x)
    double = p.select(size > one, one, size) * -2.0
    whole, rest = _reduced(
        p, double, up=0.05, in_one=p.dtype == "float32"
    )  # so that the numerator is the series alone up to where |x| is 0.19
    scale, series = _power_of_two(p, whole), _expm1_series(p, rest)
    large = size > 0.55
    numerator = p.fma(scale, series, p.select(large, scale, scale - 1.0))
    ratio = numerator / p.fma(scale, series, scale + 1.0)
    return p.intrinsic("copysign", p.select(large, p.fma(ratio, -2.0, 1.0), ratio), x)


def sigmoid(p: Program, x: Value) -> Value:
    """The logistic function ``1 / (1 + exp(-x))``, with all digits on both sides."""
    e = exp(p, -p.intrinsic("fabs", x))
    whole = e + 1.0
    ratio = p.select(x < 0.0, e, p.as_value(1.0, x)) / whole
    return p.fma(-ratio, e - (whole - 1.0), ratio)  # what rounding has taken from 1 + e


def log(p: Program, x: Value) -> Value:
    """The natural logarithm; minus infinity at 0, NaN below."""
    form = FORMATS[p.dtype]
    scale_bits = form.mantissa_bits + 2
    small = x < form.smallest
    scaled = p.select(small, x * 2.0**scale_bits, x)
    bits = p.bitcast_to_integer(scaled)
    root_half = p.bitcast_to_integer(p.constant(math.sqrt(0.5), x.lanes))
    exponent = p.bitwise("ashr", bits - root_half, form.mantissa_bits)
    f = p.bitcast_to_real(bits - p.bitwise("shl", exponent, form.mantissa_bits)) - 1.0
    k = _to_real(p, exponent) - p.select(small, float(scale_bits), 0.0)
    s = f / (f + 2.0)
    z = s * s
    series = z * p.polynomial(z, form.log_terms)
    half_square = f * f * 0.5
    high, low = form.ln2
    value = p.fma(k, high, f - (half_square - p.fma(k, low, s * (half_square + series))))
    value = p.select(x < math.inf, value, x)
    value = p.select(x <= 0.0, -math.inf, value)
    return p.select(x >= 0.0, value, math.nan)


def log_of_one_plus(p: Program, e: Value) -> Value:
    """``log(1 + e)`` for e from 0 to 1, with all digits of a small e."""
    whole = e + 1.0
    return log(p, whole) + (e - (whole - 1.0)) / whole


def _to_real(p: Program, whole: Value) -> Value:
    """A small integer as a floating-point number."""
    shift = p.constant(FORMATS[p.dtype].shift, whole.lanes)
    return p.bitcast_to_real(whole + p.bitcast_to_integer(shift)) - shift


def _reduced(p: Program, x: Value, *, up: float = 0.0, in_one: bool = False) -> tuple[Value, Value]:
    """Argument reduction of the exponential: the integer n nearest to ``x / ln 2 + up``, and r with ``x = n ln 2 + r``.

    Args:
        p: The program.
        x: The argument.
        up: Added before rounding.
        in_one: Whether ln 2 is one number, by which r is off by n times its last digits.

    Returns:
        n and r.
    """
    form = FORMATS[p.dtype]
    shifted = p.fma(x, LOG2_E, up) + form.shift if up else p.fma(x, LOG2_E, form.shift)
    n = shifted - form.shift
    whole = p.bitcast_to_integer(shifted) - p.bitcast_to_integer(p.constant(form.shift, x.lanes))
    high, low = form.ln2
    if in_one:
        return whole, p.fma(n, -(high + low), x)
    return whole, p.fma(n, -low, p.fma(n, -high, x))


def _expm1_series(p: Program, r: Value) -> Value:
    """``exp(r) - 1`` for r from -0.56 to 0.36."""
    return p.fma(r * r, p.polynomial(r, FORMATS[p.dtype].expm1_terms), r)


def _power_of_two(p: Program, whole: Value) -> Value:
    form = FORMATS[p.dtype]
    return p.bitcast_to_real(p.bitwise("shl", whole + form.bias, form.mantissa_bits))
