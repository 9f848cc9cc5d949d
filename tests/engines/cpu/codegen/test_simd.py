"""Arithmetic written as Python does in the machine what it says."""

import math

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program


@pytest.fixture(params=["float32", "float64"])
def p(request):
    return Program(request.param)


def run(p, **arrays):
    Kernel(p)(arrays)


def test_sums_of_as_many_values_as_lanes_stand_in_their_order(p):
    x, y = p.array_parameter("x"), p.array_parameter("y")
    y.store(0, p.horizontal_sums([x.load(n * p.lanes, p.lanes) for n in range(p.lanes)]))
    given = np.random.default_rng(1).integers(-99, 99, (p.lanes, p.lanes)).astype(p.dtype)
    found = np.zeros(p.lanes, p.dtype)
    run(p, x=given, y=found)
    assert found.tolist() == given.sum(axis=1).tolist()


def test_sum_and_parts_of_wide_values(p):
    x, y = p.array_parameter("x"), p.array_parameter("y")
    wide = x.load(0, 4 * p.lanes)
    y.store(0, wide.sum())
    for number, part in enumerate(wide.parts(p.lanes)):
        y.store(1 + number, part.sum())
    given = np.arange(4.0 * p.lanes).astype(p.dtype)
    found = np.zeros(5, p.dtype)
    run(p, x=given, y=found)
    assert found.tolist() == [given.sum(), *given.reshape(4, -1).sum(axis=1)]


def test_fma_rounds_once_and_a_product_and_a_sum_twice(p):
    x, y = p.array_parameter("x"), p.array_parameter("y")
    a, b, c = (x.load(n) for n in range(3))
    y.store(0, p.fma(a, b, c))
    y.store(1, a * b + c)
    step = float(np.finfo(p.dtype).eps)
    found = np.zeros(2, p.dtype)
    run(p, x=np.array([1 + step, 1 - step, -1], p.dtype), y=found)
    assert found.tolist() == [-(step**2), 0.0]


def test_numbers_on_either_side_of_an_operation(p):
    x, y = p.array_parameter("x"), p.array_parameter("y")
    a = x.load(0, p.lanes)
    for place, value in enumerate([1.0 - a, 1.0 / a, 2.0 + a, 3.0 * a, -a, a - 1.0]):
        y.store(place * p.lanes, value)
    given = 2.0 ** np.arange(p.lanes).astype(p.dtype)
    found = np.zeros((6, p.lanes), p.dtype)
    run(p, x=given, y=found)
    np.testing.assert_array_equal(found, [1 - given, 1 / given, 2 + given, 3 * given, -given, given - 1])


@pytest.mark.parametrize("lanes", [1, 4])
def test_a_constant_has_the_number_and_the_sign_that_are_written(p, lanes):
    """Also of zero; and each of those that Python takes to be equal is itself, whichever was written first."""
    y, given = p.array_parameter("y"), [0.0, -0.0, 1.5, -1.5, 1e-30, math.inf, -math.inf, math.nan, 1, 1.0, True]
    for place, number in enumerate(given):
        y.store(place * lanes, p.constant(number, lanes))
    found = np.zeros((len(given), lanes), p.dtype)
    run(p, y=found)
    expected = np.repeat(np.array(given, p.dtype)[:, None], lanes, axis=1)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def test_nan_fulfils_no_relation(p):
    x, y = p.array_parameter("x"), p.array_parameter("y")
    a = x.load(0)
    for place, holds in enumerate([a < 1.0, a > 1.0, a <= 1.0, a >= 1.0, p.logical_not(a <= 1.0)]):
        y.store(place, p.select(holds, 1.0, 0.0))
    found = np.full(5, math.nan, p.dtype)
    run(p, x=np.array([math.nan], p.dtype), y=found)
    assert found.tolist() == [0, 0, 0, 0, 1]


def test_condition_holds_somewhere_in_no_lane_one_or_all(p):
    x, y = p.array_parameter("x"), p.array_parameter("y")
    for place in range(3):
        y.store(place, p.select(p.any_lane(x.load(place * p.lanes, p.lanes) > 0.0), 1.0, 0.0))
    given, found = np.zeros((3, p.lanes), p.dtype), np.full(3, math.nan, p.dtype)
    given[1, -1], given[2] = 1, 1
    run(p, x=given, y=found)
    assert found.tolist() == [0, 1, 1]


def test_loop_ends_at_a_bound_that_changes_meanwhile(p):
    y, count = p.array_parameter("y"), p.int_parameter("count")
    stop, total = p.variable(count), p.variable(p.constant(0.0))
    with p.loop(stop.get, start=2, step=3) as number:
        total.set(total.get() + 1.0)
        with p.when(p.compare("==", number, 8)):
            stop.set(p.int_constant(0))
    y.store(0, total.get())
    found = np.zeros(1, p.dtype)
    run(p, y=found, count=100)
    assert found.tolist() == [3]
    run(p, y=found, count=6)
    assert found.tolist() == [2]


def test_a_program_of_fewer_lanes_gathers_and_scatters_as_one_of_a_full_register_does():
    """The last of some numbers is written first; nothing is written where no lane is above the bound."""
    found = []
    for lanes in (2, None):
        p = Program("float64", lanes)
        x, y, places = p.array_parameter("x"), p.array_parameter("y"), p.array_parameter("places", integers=True)
        with p.loop(16, step=p.lanes) as first:
            number = p.gather(x, places.load(first, p.lanes))
            with p.when(p.any_lane(number > 0.5)):
                p.scatter(y, p.lane_numbers() * -1 + (15 - first), number + 1.0)
        result = np.zeros(16)
        run(p, x=np.repeat([0.0, 1.0], 8), y=result, places=np.arange(16)[::-1].copy())
        found.append(result.tolist())
    assert found[0] == found[1] == [0.0] * 8 + [2.0] * 8
