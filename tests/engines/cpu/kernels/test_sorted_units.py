"""Sums over units are those over points, and what is trained does not depend on how units were put in order."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from pipeline.engines.bias_corrections import corrections
from pipeline.engines.cpu.codegen.buffers import aligned_zeros
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.kernels import sorted_units
from pipeline.engines.cpu.kernels.prefix_sums import prefix_sum_sizes, prefix_sum_training
from pipeline.engines.cpu.kernels.sorted_units import num_sums, sorted_unit_sizes, sorted_unit_training, tables
from pipeline.engines.cpu.kernels.unit_order import order_sizes
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec
from pipeline.engines.cpu.lane_blocks import LANES, sorted_points
from pipeline.models.activations import Identity, LeakyRelu, Relu
from pipeline.optimizers.rules import Adam, GradientDescent
from pipeline.problems.losses import HalfMeanSquare

WIDTH, POINTS = 11, 40


def test_tables_are_sums_over_the_points_before_each_one():
    x_P, y_KP = np.array([-1.0, 0.25, 3.0]), np.array([[1.0, 2, -4], [0, 1, 1]])
    found, square = tables(x_P, y_KP)
    assert found.shape == (4, num_sums(2))
    for end in range(4):
        x, y, z = ([Fraction(number) for number in row[:end]] for row in (x_P, *y_KP))
        rows = [[1] * end, x, [a * a for a in x], y, [a * b for a, b in zip(x, y, strict=True)], z,
                [a * b for a, b in zip(x, z, strict=True)]]  # fmt: skip
        assert found[end].tolist() == [pytest.approx(float(sum(row) / 3), abs=1e-16) for row in rows]
    assert square == pytest.approx((1 + 4 + 16 + 1 + 1) / 3)


def trained(program, spec, rule, *, rate, steps=50, outputs=1):
    """The weights of a block after some steps."""
    rng, num_weights = np.random.default_rng(7), spec.num_weights(WIDTH)
    inputs_P, targets_PK = (
        torch.from_numpy(rng.uniform(-1, 1, POINTS)),
        torch.from_numpy(rng.standard_normal((POINTS, outputs))),
    )
    points = sorted_points(inputs_P, targets_PK)
    sums, square = tables(*(points[name].numpy() for name in ("inputs", "targets")))
    weights_NL = rng.standard_normal((num_weights, LANES))
    sizes = prefix_sum_sizes(spec, POINTS, LANES) | sorted_unit_sizes(spec, rule, WIDTH, LANES)
    told = {name: aligned_zeros(size, "float64") for name, size in sizes.items()}
    told |= {name: np.zeros(size, dtype=np.int64) for name, size in order_sizes(WIDTH, POINTS, LANES).items()}
    told |= {f"slot_{number}": np.zeros((num_weights, LANES)) for number in range(rule.slots)}
    told |= {"keys": np.zeros(WIDTH * LANES, dtype=np.int64), "tables": sums, "square_of_targets": np.array([square])}
    told |= {"weights": weights_NL, "rates": np.full(LANES, rate), "bounds": np.full(LANES, 1e10)}
    told |= {"corrections": corrections(rule, 0, steps), "diverged": np.full(LANES, -1)}
    numbers = {"width": WIDTH, "num_weights": num_weights, "num_blocks": 1, "num_steps": steps}
    Kernel(program)({**points, **told, **numbers})
    assert (told["diverged"] == -1).all()
    return weights_NL


@pytest.mark.parametrize(
    "activation, rule, outputs",
    [(Relu(), GradientDescent(), 1), (LeakyRelu(0.3), Adam(epsilon=1e-3), 2), (Identity(), GradientDescent(), 1)],
    ids=["relu", "leaky", "identity"],
)
def test_steps_are_those_of_sums_over_points(activation, rule, outputs):
    spec = OneInputSpec(outputs, activation, HalfMeanSquare(), "float64")
    found, expected = (
        trained(write(spec, rule), spec, rule, rate=0.01, outputs=outputs)
        for write in (sorted_unit_training, prefix_sum_training)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_numbers_do_not_depend_on_how_units_were_put_in_order(monkeypatch):
    """Kinks pass each other at every step; exchanges of neighbours and counting leave the same order and sums."""
    spec, rule = OneInputSpec(1, Relu(), HalfMeanSquare(), "float32"), Adam(epsilon=1e-3)
    found = []
    for most in (2, -1, 10**6):
        monkeypatch.setattr(sorted_units, "MOST_EXCHANGES", most)
        found.append(trained(sorted_unit_training(spec, rule), spec, rule, rate=0.3))
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
