"""The vectors of each lane's Krylov space are orthonormal, and what fills them up stays zero."""

import numpy as np
import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.lane_lanczos import ROWS_TOGETHER, LaneKrylov, vector_size
from pipeline.engines.cpu.kernels.piecewise_curvature import PiecewiseCurvature
from pipeline.engines.cpu.lane_blocks import LANES, blocks
from pipeline.engines.cpu.piecewise_eigenvalues import PiecewiseEigenvalues
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import HalfMeanSquare, Task
from pipeline.problems.problem import Dataset

STEPS = 11


@pytest.fixture
def find():
    rng = np.random.default_rng(3)
    inputs_PD, targets_PK = (torch.from_numpy(rng.uniform(-1, 1, (50, 1))) for _ in range(2))
    data = Dataset(inputs_PD, targets_PK, inputs_PD, targets_PK)
    context = PackContext(Shallow(), 10, GradientDescent(), HalfMeanSquare(), Task.REGRESSION, data, torch.float64)
    return PiecewiseEigenvalues(context)


def test_vectors_are_orthonormal_and_make_the_hessian_tridiagonal(find):
    p = Program("float64")
    hessian = PiecewiseCurvature(p, find.spec)
    krylov = LaneKrylov(p, hessian)
    diagonal, off_diagonal, products = map(p.array_parameter, ("diagonal", "off_diagonal", "products"))
    hessian.remember(p.int_constant(0))
    krylov.begin()
    beside = p.variable(p.constant(0.0, p.lanes))
    with p.loop(STEPS) as number:
        hessian.product(krylov.vector(number), krylov.vector(number + 1))
        with p.loop(krylov.size, step=p.lanes) as place:
            products.store(krylov.size * number + place, krylov.vector(number + 1).load(place, p.lanes))
        here, length = krylov.multiply(number, beside.get())
        krylov.scale(krylov.vector(number + 1), 1.0 / length)
        for array, value in ((diagonal, here), (off_diagonal, length)):
            array.store(number * p.lanes, value)
        beside.set(length)
    num_weights = 31
    weights_TN = torch.from_numpy(np.random.default_rng(4).standard_normal((LANES, num_weights)))
    told = find._scratch() | {"products": np.zeros(STEPS * find.vector_size), "weights": blocks(weights_TN)}
    Kernel(p)({**find.shared, **told, "num_blocks": 1})
    basis_MNL = told["basis"].reshape(-1, find.vector_size // LANES, LANES)[: STEPS + 1]
    assert not basis_MNL[:, num_weights:].any()
    for lane in range(LANES):
        basis_MN = basis_MNL[:, :num_weights, lane]
        np.testing.assert_allclose(basis_MN @ basis_MN.T, np.eye(STEPS + 1), atol=1e-13)
        products_MN = told["products"].reshape(STEPS, -1, LANES)[:, :num_weights, lane]
        small_MM = products_MN @ basis_MN[:STEPS].T
        diagonal_M, beside_M = (told[name].reshape(-1, LANES)[:STEPS, lane] for name in ("diagonal", "off_diagonal"))
        tridiagonal_MM = np.diag(diagonal_M) + np.diag(beside_M[:-1], 1) + np.diag(beside_M[:-1], -1)
        np.testing.assert_allclose(small_MM, tridiagonal_MM, atol=1e-13 * np.abs(small_MM).max())


@pytest.mark.parametrize("num_weights", [4, 5, 31, 193])
def test_vectors_are_filled_up_to_whole_groups_of_rows(num_weights):
    size = vector_size(num_weights, LANES)
    assert size % (ROWS_TOGETHER * LANES) == 0
    assert 0 <= size - num_weights * LANES < ROWS_TOGETHER * LANES
