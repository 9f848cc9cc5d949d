"""Rows of a network have a place for each of its weights, and zeros in between."""

import dataclasses

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.buffers import round_up
from pipeline.engines.cpu.kernels.network import MOST_SUMS_OF_LANES, MOST_WRITTEN_OUT, NetworkSpec
from pipeline.models.activations import ACTIVATIONS, Relu, Tanh
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import HalfMeanSquare

SPEC = NetworkSpec(2, 3, Tanh(), HalfMeanSquare(), "float32")


@pytest.mark.parametrize("width", [1, 8, 13])
def test_every_weight_has_a_place_of_its_own_among_the_rows(width):
    places_N = SPEC.places(width, 8)
    assert len(places_N) == Shallow().num_weights(width, 2, 3)
    assert len(np.unique(places_N)) == len(places_N)
    assert (places_N.min(), places_N.max()) == (0, SPEC.rows * round_up(width, 8) + 2)
    assert places_N.max() < SPEC.size(width, 8)


def test_weights_of_neighbouring_units_are_neighbours():
    """So that a register holds the same weight of as many units."""
    hidden_WA = SPEC.places(13, 8)[: 13 * 3].reshape(13, 3)
    assert (np.diff(hidden_WA, axis=0) == 1).all()
    assert (np.diff(hidden_WA, axis=1) == 16).all()


def test_operations_are_two_for_each_product_forward_and_backward():
    """At a unit: D products forward and D backward, K and 2 K, and 4 for bias, activation and its derivative."""
    assert SPEC.operations(10) == 10 * (2 * 2 * 2 + 2 * 3 * 3 + 4)


@pytest.mark.parametrize("activation", ACTIVATIONS.values())
def test_the_gradient_of_output_weights_is_derived_where_units_are_piecewise_linear(activation):
    one = NetworkSpec(2, 1, activation(), HalfMeanSquare(), "float32")
    assert one.derived == (activation.name() in ("relu", "leaky_relu", "identity"))
    assert not dataclasses.replace(one, num_outputs=2).derived
    assert one.sums == 3 + (not one.derived)


def test_of_many_inputs_lanes_are_inputs():
    few, many = (dataclasses.replace(SPEC, num_inputs=MOST_SUMS_OF_LANES + n) for n in (0, 1))
    assert not few.inputs_in_lanes
    assert many.inputs_in_lanes
    assert few.buffer_sizes(9, 8, 16)["input_sums"] == 0
    assert many.buffer_sizes(9, 8, 16)["input_sums"] == 16 * round_up(many.num_inputs, 8)
    assert many.sums < few.sums


def test_few_inputs_are_written_out_and_many_serve_some_units_at_a_time():
    assert dataclasses.replace(SPEC, num_inputs=MOST_WRITTEN_OUT).units_together == 1
    assert dataclasses.replace(SPEC, num_inputs=MOST_WRITTEN_OUT + 1, activation=Relu()).units_together > 1
