"""Numbers come out of a page as they went in, to the digits of their type."""

import base64

import numpy as np
import pytest
from unpacking import product, unpacked

from pipeline.report.html.packed_arrays import low_rank, packed

VALUES = np.array([[0.0, -1.5, 3.0], [np.inf, -np.inf, np.nan]])


@pytest.mark.parametrize("kind", ["float64", "float32", "bfloat16"])
def test_infinity_nan_and_halves_are_kept(kind):
    array = packed(VALUES, kind)
    assert array.shape == (2, 3)
    np.testing.assert_array_equal(unpacked(array), VALUES)


@pytest.mark.parametrize(("kind", "values"), [("int32", [-1, 2**31 - 1]), ("int16", [-32767, 5]), ("uint8", [0, 255])])
def test_integers_are_kept(kind, values):
    np.testing.assert_array_equal(unpacked(packed(values, kind)), values)


def test_bytes_are_in_little_endian_order():
    assert base64.b64decode(packed([1], "int32").base64) == b"\x01\0\0\0"


def test_a_bfloat16_is_the_nearest():
    values = np.geomspace(1e-30, 1e30, 999)
    np.testing.assert_allclose(unpacked(packed(values, "bfloat16")), values, rtol=2**-8)
    assert np.abs(unpacked(packed(values, "bfloat16")) / values - 1).mean() < 2**-9


def test_what_a_float32_cannot_hold_is_infinite():
    np.testing.assert_array_equal(unpacked(packed([1e300, -1e300], "float32")), [np.inf, -np.inf])


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4])
def test_every_row_of_a_product_is_right_to_a_fraction_of_its_largest_number(tolerance):
    steps, x = np.arange(40)[:, None], np.linspace(-1, 1, 90)
    rows = np.exp(0.4 * steps) * np.tanh(3 * x + np.sin(steps)) + np.cos(steps * x / 9)
    matrix = low_rank(rows, tolerance)
    error = np.abs(product(matrix) - rows).max(axis=1) / np.abs(rows).max(axis=1)
    assert error.max() < 1.01 * tolerance
    assert matrix.left.shape[1] < 25


def test_the_rank_is_that_of_the_matrix():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 50))
    assert low_rank(rows, 1e-3).left.shape == (30, 3)


def test_rows_of_zeros_stay_zero():
    rows = np.vstack([np.zeros(5), np.ones(5)])
    np.testing.assert_allclose(product(low_rank(rows, 1e-3)), rows, atol=1e-6)
    nothing = low_rank(np.zeros((4, 5)), 1e-3)
    assert (nothing.left.shape, nothing.right.shape) == ((4, 0), (0, 5))
