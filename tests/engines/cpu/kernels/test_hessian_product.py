"""A product with the Hessian is the derivative of the gradient along the direction."""

import numpy as np
import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.codegen.buffers import aligned_zeros
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.eigenvalues import LargestEigenvalues
from pipeline.engines.cpu.kernels.hessian_product import HessianProduct
from pipeline.models.activations import Relu, Tanh
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy, Task
from pipeline.problems.problem import Dataset


def small_problem(activation, loss, num_outputs):
    rng = np.random.default_rng(4)
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, (21, 2)))
    targets_PK = torch.from_numpy(np.eye(num_outputs)[rng.integers(0, num_outputs, 21)])
    data, model = Dataset(inputs_PD, targets_PK, inputs_PD, targets_PK), Shallow(activation)
    context = PackContext(model, 5, GradientDescent(), loss, Task.CLASSES, data, torch.float64)
    return context, *torch.from_numpy(rng.standard_normal((2, model.num_weights(5, 2, num_outputs))))


def product(context, weights_N, direction_N):
    lanczos = LargestEigenvalues(context)  # for the points, and the sizes of what a product works in
    evaluation = lanczos.evaluation
    p = Program("float64")
    step = HessianProduct(p, evaluation.network)
    step.direction = p.array_parameter("direction")
    step.remember()
    step.value_and_gradient()
    arrays = {name: aligned_zeros(size, "float64") for name, size in lanczos._buffer_sizes().items() if name != "basis"}
    arrays |= {name: aligned_zeros(evaluation.size, "float64") for name in ("own_weights", "direction")}
    arrays["own_weights"][evaluation.places_N] = weights_N
    arrays["direction"][evaluation.places_N] = direction_N
    Kernel(p)(evaluation.arguments | arrays)
    return arrays["own_gradient"][evaluation.places_N]


@pytest.mark.parametrize(
    ("activation", "loss", "num_outputs"),
    [(Tanh(), SoftmaxCrossEntropy(), 3), (Relu(), HalfMeanSquare(), 1)],
    ids=["tanh", "relu"],
)
def test_product_is_that_of_autograd(activation, loss, num_outputs):
    context, weights_N, direction_N = small_problem(activation, loss, num_outputs)

    def training_loss(weights_N):
        outputs_TKP = context.model.outputs(weights_N[None], context.prepared_AP, 5, num_outputs)
        return loss(outputs_TKP, context.dataset.train_targets_PK.mT)[0]

    _, expected_N = torch.autograd.functional.hvp(training_loss, weights_N, direction_N)
    np.testing.assert_allclose(product(context, weights_N, direction_N), expected_N, rtol=1e-10, atol=1e-12)


def test_products_are_linear_in_the_direction_and_symmetric():
    context, a_N, b_N = small_problem(Tanh(), SoftmaxCrossEntropy(), 2)
    of_a, of_b = (product(context, a_N, direction_N) for direction_N in (a_N, b_N))
    np.testing.assert_allclose(product(context, a_N, 2 * a_N - b_N), 2 * of_a - of_b, rtol=1e-10, atol=1e-12)
    assert a_N.numpy() @ of_b == pytest.approx(b_N.numpy() @ of_a, rel=1e-10)
