"""A step in lanes is that of ``|R w - z|^2 / 2`` in every lane, and rows that are filled up change nothing."""

import numpy as np
import pytest

from pipeline.engines.bias_corrections import corrections
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.triangular_step import (
    ROWS_TOGETHER,
    sum_of_squares,
    triangular_sizes,
    triangular_training,
)
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-14)])
@pytest.mark.parametrize("width", [1, ROWS_TOGETHER - 1, ROWS_TOGETHER, ROWS_TOGETHER + 1, 2 * ROWS_TOGETHER])
def test_ten_steps_of_momentum_are_those_of_matrix_products_and_a_lane_out_of_bounds_rests(width, dtype, tolerance):
    steps, outputs, momentum = 10, 2, 0.5
    row = -(-width // ROWS_TOGETHER) * ROWS_TOGETHER
    rule = Momentum(momentum)
    program = triangular_training(dtype, rule)
    lanes, rng = program.lanes, np.random.default_rng(width)
    triangle_FF = np.triu(rng.standard_normal((width, width))) / width
    targets_KF, weights_KFL = rng.standard_normal((outputs, width)), rng.standard_normal((outputs, width, lanes))
    rates_L, bounds_L = np.linspace(0.01, 0.1, lanes), np.full(lanes, 1e10)
    bounds_L[1] = 1e-3
    told = {
        "triangle": np.pad(triangle_FF, (0, row - width)),
        "transposed_triangle": np.pad(triangle_FF, (0, row - width)).T.copy(),
        "triangle_targets": np.pad(targets_KF, ((0, 0), (0, row - width))),
        "weights": weights_KFL.copy(),
        "slot_0": np.zeros_like(weights_KFL),
        "rates": rates_L,
        "bounds": bounds_L,
        "corrections": corrections(rule, 0, steps),
        **{name: np.zeros(size) for name, size in triangular_sizes(rule, width, outputs, lanes).items()},
    }
    arrays = {name: np.ascontiguousarray(array, dtype) for name, array in told.items()}
    numbers = {"num_blocks": 1, "num_steps": steps, "width": width, "triangle_row": row}
    numbers |= {"num_outputs": outputs, "num_weights": outputs * width}
    diverged_L = np.full(lanes, -1)
    Kernel(program)({**arrays, **numbers, "diverged": diverged_L})

    expected_KFL, velocity_KFL = weights_KFL.copy(), np.zeros_like(weights_KFL)
    for _ in range(steps):
        residuals_KFL = triangle_FF @ expected_KFL - targets_KF[..., None]
        velocity_KFL = momentum * velocity_KFL + triangle_FF.T @ residuals_KFL
        expected_KFL = expected_KFL - rates_L * velocity_KFL
    expected_KFL[..., 1], velocity_KFL[..., 1] = weights_KFL[..., 1], 0.0
    assert diverged_L.tolist() == [-1, 0] + [-1] * (lanes - 2)
    np.testing.assert_allclose(arrays["weights"], expected_KFL, rtol=0, atol=tolerance * 10)
    np.testing.assert_allclose(arrays["slot_0"], velocity_KFL, rtol=0, atol=tolerance * 10)


def test_squares_are_added_in_every_lane():
    p = Program("float64")
    values, found = p.array_parameter("values"), p.array_parameter("found")
    found.store(0, sum_of_squares(p, [values.load(n * p.lanes, p.lanes) for n in range(8)]))
    values_8L, found_L = np.random.default_rng(0).standard_normal((8, p.lanes)), np.zeros(p.lanes)
    Kernel(p)({"values": values_8L, "found": found_L})
    np.testing.assert_allclose(found_L, (values_8L**2).sum(axis=0), rtol=1e-15)


def test_rows_are_filled_up_and_each_memory_of_a_rule_has_its_own():
    assert triangular_sizes(GradientDescent(), ROWS_TOGETHER + 1, 3, 8) == {
        "lane_weights": 3 * 2 * ROWS_TOGETHER * 8,
        "lane_residuals": 3 * 2 * ROWS_TOGETHER * 8,
    }
    assert triangular_sizes(Adam(), 1, 1, 4).keys() == {"lane_weights", "lane_slot_0", "lane_slot_1", "lane_residuals"}
