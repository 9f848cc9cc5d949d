"""Functions on lanes are within two units of the last place of the true value everywhere; NaN stays NaN."""

import math

import mpmath
import numpy as np
import pytest

from pipeline.engines.cpu.codegen import math as functions
from pipeline.engines.cpu.codegen.compile import Kernel, assembly
from pipeline.engines.cpu.codegen.simd import Program

LARGEST = {"float32": 104.0, "float64": 746.0}
INFINITE = math.inf

FUNCTIONS = {  # the true value, and whether the arguments lie on a line, above zero, below it, or from 0 to 1
    "exp": (mpmath.exp, "line"),
    "exp_of_negative": (mpmath.exp, "negative"),
    "tanh": (mpmath.tanh, "line"),
    "tanh_from_exponential": (mpmath.tanh, "line"),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), "line"),
    "log": (mpmath.log, "positive"),
    "log_of_one_plus": (mpmath.log1p, "fraction"),
}


def program(name, dtype):
    p = Program(dtype)
    size, x, y = p.int_parameter("size"), p.array_parameter("x"), p.array_parameter("y")
    with p.loop(size, step=p.lanes) as place:
        y.store(place, getattr(functions, name)(p, x.load(place, p.lanes)))
    return p


def values(name, x):
    """A function at some points, computed on all lanes."""
    x = np.ascontiguousarray(np.pad(x, (0, -len(x) % 16), mode="edge"))
    y = np.full_like(x, np.nan)
    Kernel(program(name, str(x.dtype)))({"size": len(x), "x": x, "y": y})
    return x, y


def arguments(kind, dtype):
    """Dense where functions bend, at random everywhere, at the smallest numbers and at powers of two."""
    rng = np.random.default_rng(7)
    limit, tiny = LARGEST[dtype], float(np.finfo(dtype).tiny)
    near = np.concatenate([np.linspace(0, 3, 1500), np.linspace(0.1, 0.6, 1500)])
    far = np.concatenate([rng.uniform(0, size, 1000) for size in (1.0, 25.0, limit)])
    small = np.exp(rng.uniform(math.log(tiny) - 10, 0, 500))
    size = np.concatenate([near, far, small, [tiny, np.finfo(dtype).smallest_subnormal, 1.0]])
    if kind == "positive":
        around_one = 1 + rng.uniform(-1, 1, 500) * 10.0 ** rng.uniform(-7, 0, 500)
        every = np.exp(rng.uniform(math.log(tiny) - 5, math.log(float(np.finfo(dtype).max)), 1500))
        return np.concatenate([size[size > 0], around_one, every]).astype(dtype)
    if kind == "fraction":
        return size[size <= 1].astype(dtype)
    return (-size if kind == "negative" else np.concatenate([size, -size])).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_two_units_of_the_last_place(name, dtype):
    true, kind = FUNCTIONS[name]
    x, y = values(name, arguments(kind, dtype))
    x, y = x[x != 0], y[x != 0]
    info = np.finfo(dtype)
    worst = 0.0
    with mpmath.workprec(120):
        for argument, value in zip(x.tolist(), y.tolist(), strict=True):
            exact = true(mpmath.mpf(argument))
            if abs(exact) > float(info.max):
                assert value == INFINITE
            elif name == "exp_of_negative" and exact < 3 * float(info.tiny):
                assert 0 <= value < 4 * float(info.tiny)  # where digits would be lost it may be zero
            else:
                unit = np.spacing(np.abs(np.asarray(float(exact), dtype)))
                worst = max(worst, float(abs(value - exact) / float(unit)))
    assert worst <= 2


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("exp", (NAN, INF, -INF, 0.0, -0.0, 1e30, -1e30), (NAN, INF, 0.0, 1.0, 1.0, INF, 0.0)),
        ("exp_of_negative", (NAN, -INF, 0.0, -0.0, -1e30), (NAN, 0.0, 1.0, 1.0, 0.0)),
        ("tanh", (NAN, INF, -INF, 0.0, -0.0, 1e30, -1e30), (NAN, 1.0, -1.0, 0.0, -0.0, 1.0, -1.0)),
        ("tanh_from_exponential", (NAN, INF, -INF, 0.0, -0.0, 1e30, -1e30), (NAN, 1.0, -1.0, 0.0, -0.0, 1.0, -1.0)),
        ("sigmoid", (NAN, INF, -INF, 0.0, -0.0, 1e30, -1e30), (NAN, 1.0, 0.0, 0.5, 0.5, 1.0, 0.0)),
        ("log", (NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0), (NAN, INF, NAN, -INF, -INF, 0.0, NAN)),
        ("log_of_one_plus", (NAN, 0.0, 1.0), (NAN, 0.0, math.log(2.0))),
    ],
)
def test_extremes_and_nan(name, at, expected, dtype):
    _, found = values(name, np.array(at, dtype))
    found, expected = found[: len(at)], np.array(expected, dtype)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[~np.isnan(expected)]), np.signbit(expected[~np.isnan(expected)]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_branches_or_calls_another(name):
    """One conditional jump is the loop's, two at most where its start is looked at apart."""
    instructions = [
        line.split()[0] for line in assembly(program(name, "float32")).splitlines() if line.startswith("\t")
    ]
    jumps = [word for word in instructions if word.startswith(("j", "b.", "cbz", "cbnz", "tbz", "tbnz"))]
    assert len(jumps) <= 3
    assert not {"call", "callq", "bl"} & set(instructions)
